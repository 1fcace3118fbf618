"""Every process keeps its word: names, references, and that it reads and changes only what it declares."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from small_bone import BUSY, LOADED, UNLOADED, ball, begin, configure, rods, specimen

from trabsim.backends import get_backend
from trabsim.clock import Clock
from trabsim.config import Config
from trabsim.model import OPTIONAL, build_processes
from trabsim.process import Every, Process
from trabsim.simulation import Simulation
from trabsim.state import FULL, VARIABLES, State
from trabsim.tissue.specimen import Specimen
from trabsim.tissue.surface import Surface

TABLES = {variable.name.split(".")[0] for variable in VARIABLES if "." in variable.name}
ARRAYS = {variable.name for variable in VARIABLES if "." not in variable.name}
NAMES = ARRAYS | TABLES | {"counters", "levels"}
DAYS = 75


def processes(config: Config | None = None) -> list[Process]:
    return build_processes(config or configure(LOADED), get_backend("numpy", threads=1))


# ---------------------------------------------------------------- declarations
def test_names_are_unique_and_plain() -> None:
    """A name is what users write and read in tables: one word in snake case, used once."""
    names = [process.name for process in processes()]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name), name


@pytest.mark.parametrize("process", processes(), ids=lambda process: process.name)
def test_says_where_its_rule_comes_from(process: Process) -> None:
    """Every process names a paper by DOI, or says honestly what it assumes and why."""
    assert process.references
    for reference in process.references:
        assert re.fullmatch(r"doi:10\.\d{4,9}/\S+|assumed: \S.{3,}", reference), reference


@pytest.mark.parametrize("process", processes(), ids=lambda process: process.name)
def test_declares_what_exists(process: Process) -> None:
    """`reads` and `writes` name state variables, agent tables, `counters` or `levels`, each once."""
    for declared in (process.reads, process.writes):
        assert set(declared) <= NAMES, set(declared) - NAMES
        assert len(set(declared)) == len(declared)


@pytest.mark.parametrize("process", processes(), ids=lambda process: process.name)
def test_explains_itself(process: Process) -> None:
    """The class and its module say in a docstring what they do."""
    import sys

    assert (type(process).__doc__ or "").strip()
    assert (sys.modules[type(process).__module__].__doc__ or "").strip()
    assert "apply" in vars(type(process)), "a process says itself what it does"


# -------------------------------------------------------- what it does in a day
class Noting(dict):
    """A dictionary that notes which of its entries were asked for, under their names or under one for all."""

    def __init__(self, content: dict[str, Any], noted: set[str], as_one: str | None = None):
        super().__init__(content)
        self.noted, self.as_one = noted, as_one

    def _note(self, key: str) -> None:
        self.noted.add(self.as_one or key)

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        if self.as_one:
            self._note(self.as_one)
        return super().__contains__(key)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().setdefault(key, default)

    def __setitem__(self, key: str, value: Any) -> None:
        self._note(key)
        super().__setitem__(key, value)


class NotingSurface(Surface):
    """A surface whose block means of RANK occupancy count as reading it."""

    def __getattribute__(self, name: str) -> Any:
        if name == "block_phi":
            object.__getattribute__(self, "noted").add("phi")
        return object.__getattribute__(self, name)


def copy_of(state: State) -> dict[str, Any]:
    """Everything that a state holds, by name of variable or table, as independent copies."""
    held: dict[str, Any] = {name: array.copy() for name, array in dict.items(state.arrays)}
    for name, table in dict.items(state.tables):
        held[name] = {column: values.copy() for column, values in table.columns.items()}
    held["counters"] = dict(dict.items(state.counters))
    held["levels"] = dict(dict.items(state.levels))
    return held


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    return bool(one == other)


def with_crumb() -> Specimen:
    """A lattice of rods, and in its marrow a loose piece."""
    bone = rods(24).bone_fraction.copy()
    bone[4:8, 4:8, 4:8] = 0.0
    bone[5:7, 5:7, 5:7] = 1.0
    return specimen(bone)


def lively() -> Simulation:
    """A simulation in which every rule finds work within weeks."""
    drug = {"kind": "alendronate", "dose": 70.0, "unit": "mg", "every": "weekly", "start_day": -20}
    sim = begin(with_crumb(), BUSY | LOADED | {"run.spin_up_days": 20, "therapy": [drug]})
    sim.state.matrix_factor[...] = 0.5
    return sim


@pytest.fixture(scope="module")
def observed() -> dict[str, dict[str, set[str]]]:
    """What each process touched and changed in a busy run, by its name."""
    sim = lively()
    state = sim.state
    touched: set[str] = set()
    state.arrays = Noting(state.arrays, touched)
    state.tables = Noting(state.tables, touched)
    state.counters = Noting(state.counters, touched, "counters")
    state.levels = Noting(state.levels, touched, "levels")
    seen = {process.name: {"touched": set(), "changed": set()} for process in sim.processes}
    before = copy_of(state)
    for _ in range(DAYS):
        for process in sim.processes:
            if not process.every.due(sim.clock):
                continue
            touched.clear()
            process.apply(state, sim.clock)
            if process.name == "surface":
                noting = NotingSurface(**vars(state.surface))
                noting.noted = touched  # type: ignore[attr-defined]
                state.surface = noting
            seen[process.name]["touched"] |= touched
            after = copy_of(state)
            seen[process.name]["changed"] |= {name for name in after if not same(before[name], after[name])}
            before = after
        sim.clock.advance()
    return seen


@pytest.mark.parametrize("process", processes(), ids=lambda process: process.name)
def test_changes_only_what_it_declares(process: Process, observed: dict[str, dict[str, set[str]]]) -> None:
    """After a process, all that lies outside its `writes` is what it was, bit for bit."""
    undeclared = observed[process.name]["changed"] - set(process.writes)
    assert not undeclared, f"{process.name} also writes {sorted(undeclared)}"


@pytest.mark.parametrize("process", processes(), ids=lambda process: process.name)
def test_touches_only_what_it_declares(process: Process, observed: dict[str, dict[str, set[str]]]) -> None:
    """A process asks the state for nothing beyond its `reads` and `writes`."""
    undeclared = observed[process.name]["touched"] - set(process.reads) - set(process.writes)
    assert not undeclared, f"{process.name} also reads {sorted(undeclared)}"


@pytest.mark.parametrize("process", processes(), ids=lambda process: process.name)
def test_declares_nothing_idle(process: Process, observed: dict[str, dict[str, set[str]]]) -> None:
    """In a run where everything happens, a process asks the state for all that it declares."""
    idle = {*process.reads, *process.writes} - observed[process.name]["touched"]
    assert not idle, f"{process.name} has no use for {sorted(idle)}"


# ----------------------------------------------------------------- empty worlds
def barren(piece: Specimen, load: dict[str, Any]) -> Simulation:
    """A specimen without a single cell, where none can arise."""
    sim = begin(
        piece,
        BUSY
        | load
        | {
            "activation.rate_per_mm2_per_year": 0.0,
            "precursors.precursors_per_block": 0,
            "precursors.osteoprogenitors_per_block": 0,
            "precursors.mature_per_block": 0,
            "lining.modeling_per_day": 0.0,
        },
    )
    state = sim.state
    state.count("osteocytes_removed", len(state.osteocytes))
    for table in state.tables.values():
        table.keep(np.zeros(len(table), bool))
    return sim


@pytest.mark.parametrize(
    ("piece", "load"),
    [
        (ball(20, 6.0), UNLOADED),
        (specimen(np.ones((18, 18, 18))), LOADED),
        (ball(20, 6.0, hollow=True), LOADED),
    ],
    ids=["ball", "solid block without a surface", "hollow"],
)
def test_runs_without_cells(piece: Specimen, load: dict[str, Any]) -> None:
    """Every process runs where there is no cell, no precursor, and even no surface; bone stays as it is."""
    sim = barren(piece, load)
    bone = sim.state.bone.copy()
    for _ in range(31):
        sim.step()
    assert sim.state.bone.tobytes() == bone.tobytes()
    assert not any(len(table) for name, table in sim.state.tables.items() if name != "displacements")


def test_runs_where_all_bone_vanishes() -> None:
    """An unloaded specimen that loses its last bone and osteoblasts goes on as an empty one."""
    sim = begin(with_crumb(), BUSY | {"run.spin_up_days": 20})
    for _ in range(40):
        sim.step()
    state = sim.state
    gone = int(state.bone.sum(dtype=np.int64))
    state.count("resorbed_quanta", gone)
    state.count("credit_unplaced", gone)
    state.bone[...] = 0
    state.count("osteoblasts_died", len(state.osteoblasts))
    state.osteoblasts.keep(np.zeros(len(state.osteoblasts), bool))
    for _ in range(3):
        sim.step()
    assert not state.exposed.any()
    assert len(state.osteocytes) == 0


def test_runs_without_health_references_of_rare_events() -> None:
    """A specimen on which no site ever opens has no mean of freed growth factor, and needs none."""
    sim = begin(ball(20, 6.0), {"activation.rate_per_mm2_per_year": 0.0})
    for _ in range(5):
        sim.step()
    assert "coupling_reference" not in sim.state.levels


# ------------------------------------------------------------------ switches
@pytest.fixture(scope="module")
def with_all() -> State:
    """Two months of a busy run with every mechanism on."""
    sim = begin(with_crumb(), BUSY | LOADED)
    for _ in range(60):
        sim.step()
    return sim.state


@pytest.mark.parametrize("mechanism", OPTIONAL)
def test_every_optional_mechanism_can_be_switched_off(mechanism: str, with_all: State) -> None:
    """Without the mechanism the model runs, its effects are absent, and bone comes out different."""
    sim = begin(with_crumb(), BUSY | {"run.disable": [mechanism]})
    state = sim.state
    for _ in range(60):
        sim.step()
    assert not same(state.bone, with_all.bone)
    if mechanism == "osteomorphs":
        assert int(state.osteomorphs.sum()) == 0 < int(with_all.osteomorphs.sum())
        assert state.counters["osteoclasts_died"] > 0
    elif mechanism == "activation_debt":
        assert not state.activation_debt.any()
        assert with_all.activation_debt.any()
    elif mechanism == "lining":
        assert "lining" not in {process.name for process in sim.processes}
        assert "credit_uncoupled" not in state.counters
        assert "modeling_osteoblasts" not in state.counters
        assert with_all.counters["credit_uncoupled"] > 0
        assert with_all.counters["modeling_osteoblasts"] > 0
    elif mechanism == "mechanics":
        assert not {"mechanics", "microdamage"} & {process.name for process in sim.processes}
        felt = ("strain_energy", "strain_signal", "microdamage")
        assert not any(state.arrays[name].any() for name in felt)
        assert all(with_all.arrays[name].any() for name in felt)
        assert not state.osteocytes.stimulus.any()
        assert len(state.displacements) == 0 < len(with_all.displacements)
        assert "mechanics_day" not in state.counters
    elif mechanism == "fragments":
        assert "fragment_quanta" not in state.counters
        assert with_all.counters["fragment_quanta"] >= 8 * FULL
    else:
        pytest.fail(f"no test knows what '{mechanism}' brings about")


# ------------------------------------------------------------------- triggers
def test_trigger_needs_no_memory() -> None:
    """`Every(n)` is due on multiples of n, also on the negative days of the spin-up."""
    due = [day for day in range(-7, 8) if Every(3).due(Clock(day))]
    assert due == [-6, -3, 0, 3, 6]


def test_a_process_without_apply_says_so() -> None:
    """The base class refuses to do nothing silently."""
    with pytest.raises(TypeError, match="does not say what it does"):
        Process(None, None).apply(None, Clock())  # type: ignore[arg-type]
