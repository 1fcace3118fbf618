"""Resorption: by volume in um3, one budget per cell, no voxel below empty, and all of it remembered as credit."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import add_osteoclasts, named, rods, slab, specimen, wake

from trabsim.agents.resorption import WEIGHT, footprint_weight
from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase
from trabsim.tissue.ledger import credit_imbalance, matrix_imbalance


# --------------------------------------------------------------------- footprint
def test_footprint_weights() -> None:
    """All weight in the center, none from the radius on, falling between, and smooth at the rim."""
    r = np.linspace(0.0, 60.0, 601)
    weight = footprint_weight(r, 40.0, np)
    assert weight.dtype == np.int64
    assert weight[0] == WEIGHT
    assert (weight[r >= 40.0] == 0).all()
    assert (np.diff(weight[r <= 40.0]) <= 0).all()
    np.testing.assert_allclose(weight / WEIGHT, np.maximum(1 - (r / 40.0) ** 2, 0) ** 2, atol=1 / WEIGHT)


def test_more_than_half_of_the_footprint_lies_within_half_its_radius() -> None:
    """Over a disc the share within s of the radius is 1 - (1 - s^2)^3: 58 % at one half."""
    r = (np.arange(4000) + 0.5) / 100.0
    weight = footprint_weight(r, 40.0, np) * r
    assert weight[r < 20.0].sum() / weight.sum() == pytest.approx(1 - 0.75**3, abs=0.005)


# ---------------------------------------------------------------------- one cell
def on_slab(voxel_size_um: float = 40.0, nuclei: int = 8, rate: float = 6000.0) -> Simulation:
    """One osteoclast in the middle of a flat surface at 400 um."""
    n = round(800 / voxel_size_um)
    sim = wake(
        slab((n, n, n), voxel_size_um, thick=n / 2),
        {"resorption.rate_um3_per_day": rate, "resorption.typical_nuclei": 8.0},
    )
    add_osteoclasts(sim, [[400.0, 404.0, 396.0]], nuclei=nuclei)
    return sim


@pytest.mark.parametrize("voxel_size_um", [10.0, 20.0, 40.0])
@pytest.mark.parametrize("nuclei", [4, 8, 20])
def test_a_cell_takes_its_volume_whatever_the_voxels(voxel_size_um: float, nuclei: int) -> None:
    """Where bone abounds, a day takes the rate times nuclei over typical nuclei, to a quantum per voxel."""
    sim = on_slab(voxel_size_um, nuclei)
    state = sim.state
    named(sim, "resorption").apply(state, sim.clock)
    taken = state.counters["resorbed_quanta"]
    budget = int(6000.0 / state.quantum_um3 * nuclei / 8)
    footprint_voxels = (2 * 40 / voxel_size_um + 3) ** 3
    assert budget - footprint_voxels <= taken <= budget


def test_what_is_taken_becomes_credit() -> None:
    """Quanta that leave bone arrive as credit on the surface; matrix and credit ledgers balance."""
    sim = on_slab(20.0)
    state, process = sim.state, named(sim, "resorption")
    before = state.bone.sum(dtype=np.int64)
    for _ in range(12):
        process.apply(state, sim.clock)
        sim.clock.advance()
        assert matrix_imbalance(state) == 0
        assert credit_imbalance(state) == 0
        taken = before - state.bone.sum(dtype=np.int64)
        assert taken == state.credit.sum(dtype=np.int64) + state.counters.get("credit_unplaced", 0)
        named(sim, "surface").apply(state, sim.clock)
        assert not state.credit[state.exposed == 0].any(), "credit lies on surface bone"
    assert state.counters["resorbed_quanta"] > 5 * FULL


def test_cells_share_what_little_there_is() -> None:
    """Many cells on a thin crust of bone take all of it and not a quantum more."""
    bone = slab((16, 16, 16), thick=8.0).bone_fraction.copy()
    bone[:8] = 0.0
    bone[8:9] = 0.9
    sim = wake(specimen(bone), {"resorption.rate_um3_per_day": 1e6})
    state = sim.state
    add_osteoclasts(
        sim, np.full((50, 3), 340.0) + np.random.Generator(np.random.Philox(6)).normal(0, 9, (50, 3))
    )
    before = state.bone.copy()
    named(sim, "resorption").apply(state, sim.clock)
    assert state.bone.min() == 0
    assert matrix_imbalance(state) == 0
    assert credit_imbalance(state) == 0
    assert state.counters["resorbed_quanta"] == int((before - state.bone).sum(dtype=np.int64)) > 5 * FULL


# --------------------------------------------------------------- what it must not
def test_forming_and_deep_surface_is_spared() -> None:
    """An osteoclast takes nothing from voxels that are being formed, nor from beyond its depth."""
    for spare in ("forming", "deep"):
        sim = on_slab()
        state = sim.state
        if spare == "forming":
            state.phase.ravel()[state.surface.index] = Phase.FORMING
        else:
            state.erosion_depth_nm[...] = 500_000
        before = state.bone.tobytes()
        named(sim, "resorption").apply(state, sim.clock)
        assert state.bone.tobytes() == before
        assert state.counters.get("resorbed_quanta", 0) == 0


def test_openness_counts_the_free_part_of_six_faces() -> None:
    """One face of a flat surface, all six of a lone voxel; a partly filled neighbor leaves part of a face free.

    Faces that look out of the lattice or out of the tissue are cut, not open.
    """
    tissue = np.ones((12, 12, 12), bool)
    tissue[:, :, 11] = False
    bone = np.zeros((12, 12, 12))
    bone[:6] = 1.0
    bone[9, 5, 5] = 1.0
    bone[6, 3, 3] = 0.25
    sim = wake(specimen(np.where(tissue, bone, 0.0), tissue=tissue))
    flat, lone, dimmed, beneath, side, edge = voxels = [
        *((5, 8, 8), (9, 5, 5), (5, 3, 3), (4, 8, 8)),
        *((5, 0, 0), (5, 8, 10)),
    ]
    raveled = np.array([[np.ravel_multi_index(v, sim.state.shape) for v in voxels]])
    open_faces = named(sim, "resorption")._openness(sim.state, raveled)
    assert open_faces.dtype == np.int64
    found = dict(zip(voxels, (open_faces[0] / FULL).tolist()))
    assert found == {flat: 1.0, lone: 6.0, dimmed: 0.75, beneath: 0.0, side: 1.0, edge: 1.0}


def test_nothing_is_hollowed_out_beneath_bone_that_covers_it() -> None:
    """Day after day, a voxel whose neighbors across faces are all full keeps every quantum, though cells reach it."""
    sim = wake(rods(24), {"resorption.rate_um3_per_day": 20_000.0})
    state = sim.state
    state.bone[2 * state.bone >= FULL] = FULL
    state.counters["initial_quanta"] += matrix_imbalance(state)
    named(sim, "surface").apply(state, sim.clock)
    somewhere = np.random.Generator(np.random.Philox(2)).choice(state.surface.index, 60, replace=False)
    add_osteoclasts(sim, (np.argwhere(np.ones(state.shape))[somewhere] + 0.5) * 40.0)
    spared = 0
    for _ in range(12):
        covered = np.pad(state.bone == FULL, 1, constant_values=True)
        covered = np.logical_and.reduce(
            [np.roll(covered, step, axis)[1:-1, 1:-1, 1:-1] for axis in range(3) for step in (1, -1)]
        )
        before = state.bone.copy()
        spared += int((covered & (state.exposed == 1)).sum())
        named(sim, "resorption").apply(state, sim.clock)
        assert (state.bone[covered] == before[covered]).all()
        sim.clock.advance()
        named(sim, "surface").apply(state, sim.clock)
    assert spared > 100, "no voxel was ever open at edges or corners alone"
    assert state.counters["resorbed_quanta"] > 20 * FULL
    assert credit_imbalance(state) == 0


def test_contact_is_closer_than_the_footprint() -> None:
    """The clock of reversal is reset within the contact distance, not by the faint rim of the footprint."""
    sim = on_slab(10.0)
    state = sim.state
    sim.clock.day = 9
    named(sim, "resorption").apply(state, sim.clock)
    touched = np.argwhere(state.contact_day == 9)
    assert len(touched)
    distance = np.linalg.norm((touched + 0.5) * 10.0 - [400.0, 404.0, 396.0], axis=1)
    reach = float(sim.config.process.resorption.contact_um)
    assert distance.max() <= reach
    taken = np.argwhere(state.credit > 0)
    assert np.linalg.norm((taken + 0.5) * 10.0 - [400.0, 404.0, 396.0], axis=1).max() > reach
    assert (state.phase[tuple(touched.T)] == Phase.RESORBING).all()


# ------------------------------------------------------------------------ credit
def test_a_voxel_that_vanishes_hands_on_its_credit_and_depth() -> None:
    """Bone below it comes to the surface one voxel deeper, of the same site, with the signals of what covered it."""
    sim = on_slab()
    state = sim.state
    top, below = ((np.ravel_multi_index((z, 10, 9), state.shape)) for z in (9, 8))
    before = int(state.bone.ravel()[top])
    state.bone.ravel()[top] = FULL // 2 + 10
    state.count("resorbed_quanta", before - int(state.bone.ravel()[top]))
    state.credit.ravel()[top] = before - int(state.bone.ravel()[top])
    state.erosion_depth_nm.ravel()[top] = 7000
    state.phi.ravel()[top], state.wnt.ravel()[top] = 0.625, 1.375
    state.phase.ravel()[top] = Phase.RESORBING
    named(sim, "resorption").apply(state, sim.clock)
    assert 2 * state.bone.ravel()[top] < FULL
    assert state.exposed.ravel()[top] == 0
    assert state.credit.ravel()[top] == 0
    assert state.phase.ravel()[top] == Phase.QUIESCENT
    assert state.exposed.ravel()[below] == 1
    assert state.phase.ravel()[below] == Phase.RESORBING
    assert state.erosion_depth_nm.ravel()[below] == 7000 + 40_000
    assert state.site.ravel()[below] == 1
    assert state.phi.ravel()[below] == 0.625
    assert state.wnt.ravel()[below] == 1.375
    assert credit_imbalance(state) == 0


@pytest.mark.parametrize(
    ("taker", "lost"),
    [(Phase.REVERSAL, False), (Phase.FORMING, False), (Phase.QUIESCENT, True), (Phase.ARRESTED, True)],
)
def test_the_last_of_a_strut_passes_its_credit_on(taker: int, lost: bool) -> None:
    """A voxel without bone beside it hands its credit to waiting or forming surface within reach, or it is lost."""
    bone = slab((20, 20, 20), thick=8.0).bone_fraction.copy()
    bone[9, 10, 10] = 0.6
    sim = wake(specimen(bone), {"reversal.reach_um": 120.0, "resorption.rate_um3_per_day": 20_000.0})
    state = sim.state
    state.phase[7, 10, 10] = taker
    state.credit[9, 10, 10] = 111
    state.count("resorbed_quanta", 111)
    state.counters["initial_quanta"] += 111
    add_osteoclasts(sim, [[380.0, 420.0, 420.0]])
    before = int(state.bone[9, 10, 10])
    named(sim, "resorption").apply(state, sim.clock)
    taken = before - int(state.bone[9, 10, 10])
    assert 2 * state.bone[9, 10, 10] < FULL
    assert state.exposed[9, 10, 10] == 0
    assert int(state.credit[7, 10, 10]) == (0 if lost else taken + 111)
    assert int(state.credit.sum()) == int(state.credit[7, 10, 10])
    assert state.counters.get("credit_unplaced", 0) == (taken + 111 if lost else 0)
    assert credit_imbalance(state) == matrix_imbalance(state) == 0
