"""Same seed, same bits: whatever the number of threads, and in whatever order cells are stored."""

from __future__ import annotations

import copy

import numba
import numpy as np
import pytest
from small_bone import BUSY, LOADED, begin, configure, rods

from trabsim.backends import get_backend, numpy_backend
from trabsim.simulation import Simulation
from trabsim.state import State

#: Mid-run: by then there are cells of every kind.
MIDDLE, END = 25, 85
#: Many sites at once, so that storage order could matter everywhere.
CROWDED = (
    BUSY
    | LOADED
    | {
        "activation.rate_per_mm2_per_year": 80.0,
        "activation.occupancy_exponent": 0.5,
        "osteoclasts.joining_days": 20,
        "labels.days": [[34, 60]],
        "therapy": [{"kind": "alendronate", "dose": 70.0, "unit": "mg", "every": "weekly"}],
    }
)


def run_to(sim: Simulation, day: int) -> Simulation:
    while sim.clock.day < day:
        sim.step()
    return sim


def assert_same(one: State, other: State) -> None:
    """Equal arrays, tables (sorted by id), counters and levels, bit for bit."""
    assert one.arrays.keys() == other.arrays.keys()
    for name, values in one.arrays.items():
        assert values.dtype == other.arrays[name].dtype, name
        assert values.tobytes() == other.arrays[name].tobytes(), name
    assert one.tables.keys() == other.tables.keys()
    for name, table in one.tables.items():
        twin = other.tables[name]
        assert len(table) == len(twin), name
        here, there = np.argsort(table.id), np.argsort(twin.id)
        for column, values in table.columns.items():
            assert values[here].tobytes() == twin.columns[column][there].tobytes(), f"{name}.{column}"
    assert one.counters == other.counters
    assert one.levels == other.levels


def go_on(state: State, day: int, threads: int = 1) -> State:
    """From a copy of the state of mid-run to the start of `day`."""
    backend = get_backend("numpy", threads=threads)
    return run_to(
        Simulation.from_state(configure(CROWDED), copy.deepcopy(state), MIDDLE, backend=backend), day
    ).state


@pytest.fixture(scope="module")
def middle() -> State:
    """A busy run in its middle."""
    state = run_to(begin(rods(24), CROWDED), MIDDLE).state
    for name, table in state.tables.items():
        assert len(table) > 3, f"no {name} to speak of: these tests would prove little"
    return state


@pytest.fixture(scope="module")
def undisturbed(middle: State) -> State:
    """The same run at its end, on one thread."""
    return go_on(middle, END)


def test_threads_change_nothing(middle: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads give the bits of one, also on a lattice that is usually too small to share among them."""
    if begin(rods(24), threads=2).backend.threads < 2:
        pytest.skip("this machine lends one thread only")
    from_start, from_middle = run_to(begin(rods(24), CROWDED), 2).state, go_on(middle, MIDDLE + 4)
    monkeypatch.setattr(numpy_backend, "_FEW", 1)
    used = []
    set_threads = numba.set_num_threads
    monkeypatch.setattr(numba, "set_num_threads", lambda n: (used.append(n), set_threads(n))[1])
    assert_same(run_to(begin(rods(24), CROWDED, threads=2), 2).state, from_start)
    assert_same(go_on(middle, MIDDLE + 4, threads=2), from_middle)
    assert used.count(2) > 100, "the loops did not run on two threads"


@pytest.mark.parametrize("seed", [5, 6])
def test_storage_order_changes_nothing(middle: State, undisturbed: State, seed: int) -> None:
    """With the rows of every agent table stored in another order, every bit comes out the same."""
    other = copy.deepcopy(middle)
    random = np.random.Generator(np.random.Philox(seed))
    for name, table in other.tables.items():
        if name == "displacements":
            continue  # nodes of a lattice, not cells: they stand in its order
        order = random.permutation(len(table))
        table.columns = {column: values[order] for column, values in table.columns.items()}
    assert other.osteoblasts.id.tobytes() != middle.osteoblasts.id.tobytes()
    assert_same(go_on(other, END), undisturbed)


def test_another_seed_is_another_history(middle: State) -> None:
    """The seed of the run reaches the cells."""
    other = run_to(begin(rods(24), CROWDED | {"run.seed": 2}), MIDDLE).state
    assert other.bone.tobytes() != middle.bone.tobytes()
    assert other.counters["sites_opened"] > 0
