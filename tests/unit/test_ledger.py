"""The laws of a day: they hold in a busy run, and a broken one stops the run and says which and where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from small_bone import BUSY, add_osteoblasts, add_osteoclasts, begin, centers, rods, specimen

from trabsim.errors import InvariantError
from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase, State
from trabsim.tissue.ledger import CREDIT_LOSSES, Ledgers, credit_imbalance, matrix_imbalance


def check_by_hand(state: State) -> None:
    """Every law of a day, in other words than the model's."""
    c = state.counters
    bone, credit = state.bone.astype(np.int64), state.credit.astype(np.int64)
    assert bone.sum() == c["initial_quanta"] + c.get("formed_quanta", 0) - c.get("resorbed_quanta", 0)
    lost = sum(c.get(name, 0) for name in CREDIT_LOSSES)
    assert c.get("resorbed_quanta", 0) == credit.sum() + c.get("credit_paid", 0) + lost
    assert bone.min() >= 0
    assert bone.max() <= FULL
    assert credit.min() >= 0
    assert not bone[state.tissue == 0].any()
    for name in ("osteoclasts", "osteoblasts"):
        assert len(state.tables[name]) == c.get(f"{name}_born", 0) - c.get(f"{name}_died", 0)
    assert len(state.osteocytes) == c["osteocytes_born"] - c.get("osteocytes_removed", 0)
    for name, kind in (("osteoclasts", "osteoclast"), ("osteoblasts", "osteoblast"), ("sites", "site")):
        ids = state.tables[name].id
        assert np.unique(ids).size == ids.size
        assert (ids < c.get(f"next_{kind}_id", 1)).all()
    size_um = np.array(state.shape) * state.voxel_size_um
    assert (state.osteoclasts.position_um >= 0).all()
    assert (state.osteoclasts.position_um < size_um).all()
    assert (state.osteoclasts.nuclei >= 3).all()
    for pool in ("osteoclast_precursors", "osteoclast_committed", "osteoclast_mature", "osteomorphs"):
        assert state.arrays[pool].min() >= 0, pool
    assert state.osteoprogenitors.min() >= 0
    assert state.phase.max() <= Phase.ARRESTED
    assert state.lining_reserve.min() >= 0
    assert state.lining_reserve.max() <= 1
    assert state.formed_day.max() <= c["last_day"]
    for field in ("rankl_contact", "rankl_soluble", "opg", "sclerostin", "coupling", "estradiol_local"):
        assert np.isfinite(state.arrays[field]).all(), field
        assert state.arrays[field].min() >= 0, field


@pytest.mark.parametrize("masked", [False, True], ids=["whole box", "cylinder"])
def test_laws_hold_every_day(masked: bool) -> None:
    """In four months in which much of the bone is replaced, no quantum and no cell is lost, on any day."""
    piece = rods(24)
    if masked:
        _, y, x = centers(piece.shape)
        inside = np.hypot(y - 12, x - 12) < 11
        piece = specimen(np.where(inside, piece.bone_fraction, 0.0), tissue=inside)
    sim = begin(piece, BUSY)
    for _ in range(120):
        sim.step()
        check_by_hand(sim.state)
    c = sim.state.counters
    assert c["resorbed_quanta"] > 0.1 * c["initial_quanta"]
    assert c["formed_quanta"] > 0.1 * c["initial_quanta"]
    for name in (
        "credit_paid",
        "credit_capped",
        "credit_uncoupled",
        "osteocytes_removed",
        "osteoblasts_died",
    ):
        assert c[name] > 0, f"{name} did not happen: the run proves little"


# ------------------------------------------------------------------ broken laws
def steal_bone(state: State) -> None:
    state.bone.ravel()[int(np.argmax(state.bone))] -= 3


def forge_formation(state: State) -> None:
    state.count("formed_quanta", 1)


def erase_credit(state: State) -> None:
    state.credit.ravel()[int(np.argmax(state.credit))] -= 1


def pay_twice(state: State) -> None:
    state.count("credit_paid", 5)


def lose_cells(table: str) -> Callable[[State], None]:
    def lose(state: State) -> None:
        state.tables[table].keep(np.arange(len(state.tables[table])) > 0)

    return lose


@pytest.fixture
def running() -> Simulation:
    """A run of some days, with cells of every kind."""
    sim = begin(rods(24), BUSY)
    add_osteoclasts(sim, np.argwhere(sim.state.bone == FULL)[0] * 40.0)
    add_osteoblasts(sim, np.flatnonzero(sim.state.bone == FULL)[:2])
    for _ in range(8):
        sim.step()
    assert all(len(sim.state.tables[name]) for name in ("osteoclasts", "osteoblasts", "osteocytes"))
    return sim


@pytest.mark.parametrize(
    ("crime", "law", "by"),
    [
        (steal_bone, "matrix", "-3 quanta"),
        (forge_formation, "matrix", "-1 quanta"),
        (erase_credit, "credit", "-1 quanta"),
        (pay_twice, "credit", "5 quanta"),
        (lose_cells("osteoclasts"), "osteoclasts", "-1 cells"),
        (lose_cells("osteoblasts"), "osteoblasts", "-1 cells"),
        (lose_cells("osteocytes"), "osteocytes", "-1 cells"),
    ],
)
def test_a_broken_law_is_named(
    running: Simulation, crime: Callable[[State], None], law: str, by: str
) -> None:
    """A ledger that does not balance stops the run; the one line names day, law and amount."""
    ledgers = Ledgers(None, running.backend)
    ledgers.apply(running.state, running.clock)
    crime(running.state)
    with pytest.raises(InvariantError) as caught:
        ledgers.apply(running.state, running.clock)
    text = str(caught.value)
    assert text.startswith(f"day {running.clock.day}: the {law} ledger is off by {by}")
    assert "\n" not in text


def test_a_broken_law_stops_the_run(running: Simulation) -> None:
    """The same error comes out of a day of the simulation."""
    forge_formation(running.state)
    with pytest.raises(InvariantError, match="matrix ledger"):
        running.run(days=1)


def test_imbalances_count_in_quanta(running: Simulation) -> None:
    """The size of what is off is given exactly, with its sign."""
    assert matrix_imbalance(running.state) == 0
    assert credit_imbalance(running.state) == 0
    running.state.count("resorbed_quanta", 7)
    assert matrix_imbalance(running.state) == 7
    assert credit_imbalance(running.state) == -7


# --------------------------------------------------------------- out of place
def complaint(sim: Simulation) -> str:
    with pytest.raises(InvariantError) as caught:
        Ledgers(None, sim.backend).apply(sim.state, sim.clock)
    return str(caught.value)


def place_of(state: State, voxel: int) -> str:
    return "({}, {}, {})".format(*np.unravel_index(voxel, state.shape))


@pytest.mark.parametrize(("amount", "what"), [(1, "is above full"), (-1, "is below empty")])
def test_impossible_voxels_are_named(amount: int, what: str) -> None:
    """A voxel above full or below empty is given by its coordinates, though the sum of the bone is right."""
    sim = begin(rods(24))
    bone = sim.state.bone.ravel()
    full, partial = np.flatnonzero(bone == FULL), np.flatnonzero((bone > 5) & (bone < FULL - 5))
    voxel = int(full[7] if amount > 0 else np.flatnonzero(bone == 0)[7])
    bone[voxel] += amount
    bone[partial[0]] -= amount
    assert complaint(sim) == f"day 0: voxel {place_of(sim.state, voxel)} {what}"


def test_osteoblast_outside_the_tissue_is_named() -> None:
    """An osteoblast beyond the mask stops the run, with its id and voxel."""
    piece = rods(24)
    inside = np.ones(piece.shape, bool)
    inside[:, :, :3] = False
    sim = begin(specimen(np.where(inside, piece.bone_fraction, 0.0), tissue=inside))
    add_osteoblasts(sim, np.flatnonzero(inside)[:3])
    add_osteoblasts(sim, [24 + 1])
    text = complaint(sim)
    assert text == f"day 0: osteoblast 4 stands outside tissue, at voxel {place_of(sim.state, 25)}"


def test_osteocyte_outside_bone_is_named() -> None:
    """An osteocyte whose voxel is no longer bone stops the run, with its id and voxel."""
    sim = begin(rods(24))
    state = sim.state
    row = 11
    voxel = int(state.osteocytes.voxel[row])
    others = np.flatnonzero(state.osteocytes.voxel == voxel)
    state.count("resorbed_quanta", int(state.bone.ravel()[voxel]))
    state.count("credit_unplaced", int(state.bone.ravel()[voxel]))
    state.bone.ravel()[voxel] = 0
    text = complaint(sim)
    first = int(state.osteocytes.id[others[0]])
    assert text == f"day 0: osteocyte {first} stands outside bone, at voxel {place_of(state, voxel)}"
