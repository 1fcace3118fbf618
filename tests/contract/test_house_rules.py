"""Plain rules of the house that a reviewer would otherwise have to repeat."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@cache
def sources() -> dict[str, str]:
    """Text of every module and kernel, by its path in the repository."""
    folders = [REPOSITORY / name for name in ("trabsim", "viz", "configs")]
    files = [p for folder in folders for p in folder.rglob("*") if p.suffix in {".py", ".cu", ".cuh"}]
    return {p.relative_to(REPOSITORY).as_posix(): p.read_text(encoding="utf-8") for p in sorted(files)}


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in sources().items() if name.endswith(".py")}


def nodes(kind: type) -> Iterator[tuple[str, ast.AST]]:
    """Every node of a kind with the place it stands at."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield f"{name}:{node.lineno}", node


def test_every_file_fits_in_a_reviewers_head():
    assert [name for name, text in sources().items() if len(text.splitlines()) > 400] == []


def test_every_module_says_what_it_is():
    assert [name for name, tree in trees().items() if tree.body and not ast.get_docstring(tree)] == []


def test_no_module_is_named_after_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "core", "misc"}
    words = {name: {part.removesuffix(".py").strip("_") for part in name.split("/")} for name in sources()}
    assert [name for name, parts in words.items() if parts & vague] == []


def test_classes_are_named_for_what_they_are():
    empty = re.compile(r"(Manager|Handler|Engine)$")
    assert [place for place, node in nodes(ast.ClassDef) if empty.search(node.name)] == []


def test_no_error_is_swallowed():
    def swallows(node: ast.ExceptHandler) -> bool:
        everything = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
        return everything and all(isinstance(line, ast.Pass) for line in node.body)

    assert [place for place, node in nodes(ast.ExceptHandler) if swallows(node)] == []


def test_no_file_that_is_read_can_run_code():
    def dangerous(node: ast.Call) -> bool:
        allowed = [ast.unparse(k.value) for k in node.keywords if k.arg == "allow_pickle"]
        return ast.unparse(node.func) in {"eval", "exec"} or any(value != "False" for value in allowed)

    assert [place for place, node in nodes(ast.Call) if dangerous(node)] == []


def test_nothing_is_left_for_later():
    unfinished = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    assert [name for name, text in sources().items() if unfinished.search(text)] == []


def test_no_fast_math():
    """Fast math reorders sums and drops NaN checks: results would depend on compiler and machine."""
    fast = re.compile(r"fastmath\s*=\s*(True|\{)|use_fast_math|--fmad=true")
    assert [name for name, text in sources().items() if fast.search(text)] == []


def test_no_machine_path_and_no_package_host():
    """What the project says must hold on every machine."""
    texts = dict(sources())
    for pattern in (
        "*.md",
        "*.toml",
        "*.txt",
        "*.cff",
        "docs/**/*.md",
        "scripts/*",
        ".ci/*",
        "tests/**/*.py",
    ):
        for path in REPOSITORY.glob(pattern):
            if path.is_file() and path != Path(__file__):
                texts[path.relative_to(REPOSITORY).as_posix()] = path.read_text(encoding="utf-8")
    local = re.compile(r"(?<![\w.])/(work|home|root)/\w|index-url|https?://\S+\.(whl|tar\.gz)\b")
    assert [name for name, text in texts.items() if local.search(text)] == []
