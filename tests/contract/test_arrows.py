"""Who may import whom, and what no part of the package does.

Read from the syntax tree, so nothing is imported and a lazy import inside a function counts like any other.
Imports under ``if TYPE_CHECKING`` do not: they vanish when the code runs.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = {"trabsim": "trabsim", "trabsim.viz": "viz", "trabsim.configs": "configs"}

FOUNDATION = {
    *(
        "blocks",
        "clock",
        "credit",
        "errors",
        "factors",
        "lattice",
        "lookup",
        "params",
        "process",
        "rng",
        "spelling",
        "state",
        "units",
    ),
}
PARTS = {"agents", "endocrine", "fields", "therapy", "tissue"}
COMPOSITION = {
    # what a run is made of, and how fast it is
    *(
        "architecture",
        "bench",
        "cell_cover",
        "clinic",
        "config",
        "config_layers",
        "densitometry",
        "embedding",
        "measure_params",
        "measures",
        "memory",
        "model",
        "simulation",
    ),
    # what it leaves
    *("checkpoint", "durable", "observers", "provenance", "run_folder", "runfile", "series"),
}
#: For each room of the house, the other rooms it may import from.
MAY_IMPORT = {
    **{name: FOUNDATION for name in FOUNDATION},
    **{name: FOUNDATION for name in PARTS},
    **{
        name: FOUNDATION | PARTS | COMPOSITION | {"backends", "mechanics", "morphometry"}
        for name in COMPOSITION
    },
    "backends": {"errors"},
    "configs": set(),
    "morphometry": {"backends", "errors", "units"},
    # the solver works on bare arrays and shares the element's numbers with its kernels
    "mechanics": FOUNDATION | {"backends"},
    # many runs as one experiment
    "trials": FOUNDATION | PARTS | COMPOSITION | {"backends", "morphometry"},
    "viz": {"config", "durable", "errors", "morphometry", "runfile", "state", "units"},
    # the package itself: its public names, imported when they are asked for
    "": {"backends", "config", "runfile", "simulation"},
}
COMMAND_LINE = re.compile(r"^cli($|_)|^__main__$")

#: A synthetic specimen is tuned by measuring it (see docs/decisions); a picture colored by mineral uses the
#: law of the matrix instead of a copy.
EXCEPTIONS = {("trabsim.tissue.synthetic", "morphometry"), ("trabsim.viz.coloring", "tissue")}

#: Libraries that only some rooms may import.
LIBRARIES = {
    "cupy": {"backends"},
    "cupyx": {"backends"},
    "pyvista": {"viz"},
    "vtk": {"viz"},
    "vtkmodules": {"viz"},
    "matplotlib": {"viz", "trials"},
    "imageio": {"viz"},
    "click": {"cli"},
    "rich": {"cli"},
    "numba": {"backends", "mechanics", "morphometry", "tissue", "viz"},
    "SimpleITK": {"tissue"},
    "h5py": {"checkpoint", "runfile", "tissue", "viz"},
    **{name: {"trials"} for name in ("dask", "distributed", "dask_jobqueue", "pyarrow", "jinja2")},
    "random": set(),
    "pickle": set(),
    "yaml": set(),
}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by name, parsed."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            parts = path.relative_to(REPOSITORY / folder).with_suffix("").parts
            name = ".".join([package, *(part for part in parts if part != "__init__")])
            found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def room(module: str) -> str:
    """Part of the package a module belongs to: ``trabsim.agents.lining`` -> ``agents``."""
    name = module.split(".")[1] if "." in module else ""
    return "cli" if COMMAND_LINE.match(name) else name


def imports(module: str) -> set[str]:
    """Full names of what a module imports when it runs."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name; spell it out"
            found.add(str(node.module))
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(modules()[module])
    return found


def rooms_imported(module: str) -> set[str]:
    """Rooms of the package that a module imports from, its own left out."""
    known = modules()
    targets = {name for name in imports(module) if name in known and name != "trabsim"}
    return {room(name) for name in targets} - {room(module)}


def test_every_room_has_a_rule():
    """A new folder or top-level module must first be given its place."""
    rooms = {room(name) for name in modules()} - {"cli"}
    assert rooms - set(MAY_IMPORT) == set()


@pytest.mark.parametrize("module", modules())
def test_imports_follow_the_arrows(module):
    here = room(module)
    if here == "cli":
        return
    wrong = {
        there for there in rooms_imported(module) - MAY_IMPORT[here] if (module, there) not in EXCEPTIONS
    }
    assert not wrong, f"{module} may not import from {sorted(wrong)}"


def test_nothing_imports_the_command_line():
    assert not [name for name in modules() if room(name) != "cli" and "cli" in rooms_imported(name)]


@pytest.mark.parametrize("library", LIBRARIES)
def test_library_is_imported_only_where_it_belongs(library):
    users = {name for name in modules() if any(item.split(".")[0] == library for item in imports(name))}
    assert not {name for name in users if room(name) not in LIBRARIES[library]}


def test_only_the_command_line_prints():
    for name, tree in modules().items():
        if room(name) == "cli":
            continue
        for node in ast.walk(tree):
            printing = isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.stdout.write"}
            assert not printing, f"{name} prints in line {node.lineno}"


def test_no_decision_depends_on_the_device_outside_the_backends():
    """``if gpu`` outside the backends means that CPU tests vouch for nothing on the GPU."""
    device = re.compile(r"\b(gpu|cupy|cuda|is_gpu|on_gpu|use_gpu|on_device)\b", re.IGNORECASE)
    for name, tree in modules().items():
        if room(name) in {"backends", "cli"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.comprehension)):
                tests = node.ifs if isinstance(node, ast.comprehension) else [node.test]
                for test in tests:
                    assert not device.search(ast.unparse(test)), f"{name}: {ast.unparse(test)}"


def test_no_global_or_unseeded_random_numbers():
    allowed = {"default_rng", "Generator", "Philox", "PCG64", "SeedSequence", "BitGenerator"}
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and re.fullmatch(
                r"(np|numpy|xp)\.random", ast.unparse(node.value)
            ):
                assert node.attr in allowed, (
                    f"{name} uses the global np.random.{node.attr} in line {node.lineno}"
                )
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {
                "default_rng",
                "SeedSequence",
            }:
                seeded = bool(node.args or node.keywords) and "None" not in map(ast.unparse, node.args)
                assert seeded, f"{name} draws without a seed in line {node.lineno}"


def test_all_random_streams_stand_in_one_enum():
    enums = {
        f"{name}.{node.name}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and "stream" in node.name.lower()
        and any(ast.unparse(base).split(".")[-1].endswith("Enum") for base in node.bases)
    }
    assert enums == {"trabsim.rng.Stream"}


def test_no_two_streams_share_a_number():
    """Two purposes with one number would draw the same values."""
    (enum,) = (n for n in modules()["trabsim.rng"].body if isinstance(n, ast.ClassDef) and n.name == "Stream")
    numbers = [ast.literal_eval(n.value) for n in enum.body if isinstance(n, ast.Assign)]
    assert len(numbers) > 10
    assert len(numbers) == len(set(numbers))


def test_streams_are_given_by_name():
    """A bare number in place of a stream escapes the list of streams."""
    for name, tree in modules().items():
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
        for call in calls if room(name) in PARTS | COMPOSITION else []:
            if call.func.attr in {"uniform", "binomial"} and call.args:
                assert not ast.unparse(call.args[0]).isdigit(), f"{name} line {call.lineno} names no stream"


def test_command_line_starts_without_heavy_libraries():
    """``trabsim --help`` must answer at once: numba or PyVista alone would each cost half a second."""
    heavy = (
        "numba",
        "scipy.ndimage",
        "skimage",
        "pyvista",
        "matplotlib",
        "SimpleITK",
        "pandas",
        "h5py",
        "cupy",
        "distributed",
        "pyarrow",
        "jinja2",
    )
    # a configuration is read by commands that compile nothing
    code = (
        f"import sys, trabsim.cli, trabsim.config; print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
