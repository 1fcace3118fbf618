"""Bisphosphonate in bone: where it binds, how it is buried and freed, what it does to osteoclasts; nothing is lost."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from small_bone import BUSY, add_osteoclasts, begin, hold_levels, named, rods, slab, specimen

from trabsim.agents.resorption import Resorbed
from trabsim.backends import get_backend
from trabsim.checkpoint import read_checkpoint, write_checkpoint
from trabsim.errors import ConfigError, InvariantError
from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase
from trabsim.tissue.bisphosphonate import (
    MOST,
    PER_UM2_DAY,
    BisphosphonateParams,
    held_quanta,
    relative_activity,
)
from trabsim.tissue.ledger import drug_imbalance

DRUG = {
    "bisphosphonate_delivery": 1.0,
    "bisphosphonate_potency": 1.0,
    "bisphosphonate_release_per_day": 0.0022,
}
NONE = DRUG | {"bisphosphonate_delivery": 0.0}
#: No site opens, so that nothing happens but what a test does.
QUIET = {"activation.rate_per_mm2_per_year": 0.0, "lining.modeling_per_day": 0.0}


def flat(settings: dict[str, Any] | None = None, **levels: float) -> Simulation:
    """A flat surface of 400 um2 per voxel, its first day begun: surface and signals are known."""
    sim = begin(slab((16, 20, 20), voxel_size_um=20.0, thick=8.0), QUIET | (settings or {}))
    hold_levels(sim, **(DRUG | levels))
    for name in ("surface", "fields", "signals"):
        named(sim, name).apply(sim.state, sim.clock)
    return sim


def bind(sim: Simulation, days: int = 1, **levels: float) -> None:
    sim.state.levels |= levels
    for _ in range(days):
        named(sim, "bisphosphonate_binding").apply(sim.state, sim.clock)
        assert drug_imbalance(sim.state) == 0


def on_surface(sim: Simulation) -> np.ndarray:
    return sim.state.surface_bp.ravel()[sim.state.surface.index].astype(np.int64)


# ------------------------------------------------------------------- binding
def test_surface_takes_up_in_proportion_to_area_dose_and_state() -> None:
    """A day at the reference dose leaves 16 quanta per um2 of quiescent surface, more where it is eroded or forms."""
    sim = flat()
    surface, p = sim.state.surface, sim.config.process.bisphosphonate
    phase = sim.state.phase.ravel()
    third = surface.index.shape[0] // 3
    eroded, forming = surface.index[:third], surface.index[third : 2 * third]
    phase[eroded], phase[forming] = Phase.REVERSAL, Phase.FORMING
    bind(sim, bisphosphonate_delivery=2.0)
    wanted = surface.area_um2 * 2.0 * PER_UM2_DAY
    wanted[:third] *= p.eroded_preference
    wanted[third : 2 * third] *= p.forming_preference
    np.testing.assert_array_equal(on_surface(sim), np.floor(wanted))
    assert p.eroded_preference > p.forming_preference > 1.0
    assert sim.state.counters["bisphosphonate_delivered"] == int(np.floor(wanted).sum())
    assert not sim.state.surface_bp[sim.state.exposed == 0].any()


def test_without_drug_nothing_is_counted_or_written() -> None:
    """A delivery of zero leaves no trace at all."""
    sim = flat(bisphosphonate_delivery=0.0)
    before = copy.deepcopy(sim.state)
    for name in ("bisphosphonate_binding", "bisphosphonate_release"):
        named(sim, name).apply(sim.state, sim.clock)
    assert sim.state.counters == before.counters
    assert sim.state.levels == before.levels
    assert not sim.state.surface_bp.any()


def test_drug_leaves_quiescent_surface_exponentially() -> None:
    """Without further doses what is on the surface falls by its rate every day; the rest has desorbed."""
    sim = flat(bisphosphonate_delivery=100.0, bisphosphonate_release_per_day=0.02)
    bind(sim)
    start = on_surface(sim).sum()
    bind(sim, 50, bisphosphonate_delivery=0.0)
    assert on_surface(sim).sum() == pytest.approx(start * 0.98**50, rel=1e-3)
    assert sim.state.counters["bisphosphonate_desorbed"] == start - on_surface(sim).sum()


def test_uptake_and_release_balance() -> None:
    """Under steady dosing quiescent surface comes to hold what it takes up in 1 / rate days."""
    sim = flat(bisphosphonate_release_per_day=0.05)
    bind(sim, 200)
    expected = sim.state.surface.area_um2 * PER_UM2_DAY / 0.05
    np.testing.assert_allclose(on_surface(sim), expected, rtol=1e-3)


def test_affinity_and_potency_mix_by_amount() -> None:
    """A second drug in equal amount brings both to the mean; one alone keeps its own."""
    sim = flat()
    bind(sim, 3)
    levels = sim.state.levels
    assert levels["bisphosphonate_bound_potency"] == 1.0
    held = held_quanta(sim.state)
    area = sim.state.surface.area_um2.sum() * PER_UM2_DAY
    bind(
        sim,
        bisphosphonate_delivery=held / area,
        bisphosphonate_potency=3.0,
        bisphosphonate_release_per_day=0.0006,
    )
    assert levels["bisphosphonate_bound_potency"] == pytest.approx(2.0, rel=1e-3)
    assert levels["bisphosphonate_bound_release_per_day"] == pytest.approx(0.0014, rel=2e-3)


def test_absurd_doses_do_not_overflow() -> None:
    """Surface has a capacity, far above any dose; what does not bind was not delivered."""
    sim = flat(bisphosphonate_delivery=1e9, bisphosphonate_release_per_day=0.0)
    bind(sim, 3)
    assert on_surface(sim).max() == MOST
    assert on_surface(sim).min() >= 0


def test_the_tail_of_a_dose_is_nothing() -> None:
    """What is less than a quantum on every voxel leaves no trace, and a specimen without surface takes up nothing."""
    sim = flat(bisphosphonate_delivery=1e-7)
    bind(sim)
    assert "bisphosphonate_delivered" not in sim.state.counters
    empty = flat()
    empty.state.surface.index = empty.state.surface.index[:0]
    empty.state.surface.area_um2 = empty.state.surface.area_um2[:0]
    bind(empty)
    assert held_quanta(empty.state) == 0


# -------------------------------------------------------------------- burial
def test_forming_matrix_buries_what_lies_below() -> None:
    """Drug on a forming surface goes into the matrix within days and stays there; not so on quiescent surface."""
    sim = flat({"bisphosphonate.burial_days": 3.0}, bisphosphonate_release_per_day=0.0)
    bind(sim)
    surface = sim.state.surface
    half = surface.index[: surface.index.shape[0] // 2]
    before = sim.state.surface_bp.ravel()[half].astype(np.int64)
    sim.state.phase.ravel()[half] = Phase.FORMING
    surface.active = half
    bind(sim, 12, bisphosphonate_delivery=0.0)
    left = sim.state.surface_bp.ravel()[half]
    assert (left < 0.01 * before).all()
    np.testing.assert_array_equal(sim.state.buried_bp.ravel()[half], before - left)
    rest = surface.index[half.shape[0] :]
    assert not sim.state.buried_bp.ravel()[rest].any()
    assert (sim.state.surface_bp.ravel()[rest] > 0).all()


def test_burial_and_release_take_the_same_quanta_whatever_is_passed_over() -> None:
    """Forming voxels with little or no drug, and those that are marrow yet, may be skipped: every quantum is where the
    plain rule puts it."""
    sim = flat({"bisphosphonate.burial_days": 3.5})
    state, random = sim.state, np.random.default_rng(1)
    index = state.surface.index
    held = random.integers(0, 12, index.shape[0]).astype(np.int32)
    state.phase.ravel()[index[::2]] = Phase.FORMING
    above = index[::4] + state.shape[1] * state.shape[2]  # marrow side: forming, but no surface
    state.phase.ravel()[above] = Phase.FORMING
    state.surface.active = np.flatnonzero(state.phase)
    state.surface_bp.ravel()[index] = held
    state.count("bisphosphonate_delivered", int(held.sum()))
    state.levels["bisphosphonate_bound_release_per_day"] = 0.3
    buried = np.zeros_like(held)
    buried[::2] = np.floor(held[::2] / 3.5)
    desorbed = ((held - buried) * 0.3).astype(np.int32)
    named(sim, "bisphosphonate_binding")._bury_and_desorb(state)
    np.testing.assert_array_equal(on_surface(sim), held - buried - desorbed)
    np.testing.assert_array_equal(state.buried_bp.ravel()[index], buried)
    assert state.counters["bisphosphonate_buried"] == buried.sum()
    assert state.counters["bisphosphonate_desorbed"] == desorbed.sum()
    assert drug_imbalance(state) == 0


def test_drug_on_bone_that_is_covered_is_buried_and_on_bone_that_vanished_binds_nearby() -> None:
    """What is no surface any more keeps none: below bone it is buried, else it goes to the surface around."""
    sim = flat(bisphosphonate_release_per_day=0.0)
    bind(sim)
    state = sim.state
    covered, vanished = state.surface.index[10], state.surface.index[200]
    amount = int(state.surface_bp.ravel()[covered]), int(state.surface_bp.ravel()[vanished])
    total = on_surface(sim).sum()
    state.exposed.ravel()[[covered, vanished]] = 0
    state.surface.index = np.setdiff1d(state.surface.index, [covered, vanished])
    state.bone.ravel()[vanished] = FULL // 3
    bind(sim, bisphosphonate_delivery=0.0)
    assert int(state.buried_bp.ravel()[covered]) == amount[0]
    assert state.surface_bp.ravel()[[covered, vanished]].tolist() == [0, 0]
    assert on_surface(sim).sum() == total - amount[0]
    assert state.counters["bisphosphonate_gone"] == 0


# ------------------------------------------------------------------- release
def resorbing(load_days: int = 100, cells: int = 1, **settings: Any) -> Simulation:
    """One or more osteoclasts on a flat surface that took up drug for some days, before the day's resorption."""
    sim = flat({"bisphosphonate.half_load_um2_day": 50_000.0, **settings}, bisphosphonate_release_per_day=0.0)
    bind(sim, load_days)
    sim.state.levels["bisphosphonate_delivery"] = 0.0
    add_osteoclasts(sim, [[8.0 * 20.0, 200.0 + 5.0 * i, 200.0] for i in range(cells)])
    return sim


def resorb(sim: Simulation, days: int = 1) -> int:
    """Resorption and release; returns quanta of bone taken."""
    before = sim.state.counters.get("resorbed_quanta", 0)
    for _ in range(days):
        for name in ("surface", "bisphosphonate_binding", "resorption", "bisphosphonate_release"):
            named(sim, name).apply(sim.state, sim.clock)
            assert drug_imbalance(sim.state) == 0
        sim.clock.advance()
    return int(sim.state.counters["resorbed_quanta"]) - before


def test_what_resorption_frees_is_engulfed_or_binds_again_or_leaves() -> None:
    """In the stated shares, but for what does not divide."""
    sim = resorbing()
    p, counters = sim.config.process.bisphosphonate, sim.state.counters
    before = on_surface(sim).sum()
    resorb(sim)
    engulfed = counters["bisphosphonate_engulfed"]
    assert engulfed == int(sim.state.osteoclasts.drug_load.sum()) > 0
    freed = engulfed / p.engulfed_share
    gone = freed * (1.0 - p.engulfed_share - p.recirculated_share)
    assert counters["bisphosphonate_gone"] == pytest.approx(gone, rel=1e-2)
    assert before - on_surface(sim).sum() == pytest.approx(engulfed + gone, rel=1e-2)


def test_all_that_was_buried_in_a_voxel_is_freed_with_it() -> None:
    """Matrix gives up its drug in proportion to what is taken of it, and the last of it with the last quantum."""
    sim = flat(bisphosphonate_release_per_day=0.0)
    bind(sim)
    state = sim.state
    voxel = int(state.surface.index[210])
    state.buried_bp.ravel()[voxel] = 1000
    state.count("bisphosphonate_delivered", 1000)
    add_osteoclasts(sim, [[160.0, 200.0, 200.0]])
    release = named(sim, "bisphosphonate_release")
    for taken, before, left in ((30_000, 100_000, 700), (70_000, 70_000, 0)):
        one = np.array([0])
        state.surface.resorbed = Resorbed(
            np.array([voxel]),
            np.array([taken]),
            np.array([taken]),
            np.array([before]),
            one,
            one,
            np.array([taken]),
        )
        release.apply(state, sim.clock)
        assert int(state.buried_bp.ravel()[voxel]) == left
        assert drug_imbalance(state) == 0


def test_cells_share_what_they_take_together() -> None:
    """Two osteoclasts on one place engulf as much as the bone that they took held, each a part."""
    sim = resorbing(cells=2)
    resorb(sim)
    load = sim.state.osteoclasts.drug_load
    assert (load > 0).all()
    assert load.max() < 2 * load.min()


def test_engulfed_drug_slows_an_osteoclast() -> None:
    """Half the variable part of its rate is left at the half load, never less than the least share; none without."""
    p = BisphosphonateParams(half_load_um2_day=1000.0, least_activity_share=0.2)
    load = np.array([0.0, 1000.0, 3000.0, 1e12]) * PER_UM2_DAY
    np.testing.assert_allclose(relative_activity(load, 1.0, p), [1.0, 0.6, 0.4, 0.2], rtol=1e-6)
    np.testing.assert_allclose(relative_activity(load, 3.0, p)[1], 0.4)
    with_drug, without = resorbing(load_days=400), resorbing(load_days=400)
    without.state.levels["bisphosphonate_bound_potency"] = 0.0
    assert resorb(with_drug, 8) < 0.7 * resorb(without, 8)
    assert 0 < float(with_drug.state.osteoclasts.activity[0]) < 0.7
    assert float(without.state.osteoclasts.activity[0]) == 1.0


def test_more_dose_longer_use_and_more_potency_do_more() -> None:
    """The rate that is left falls with dose, with time on drug, and with potency."""

    def left(days: int, potency: float = 1.0) -> float:
        sim = resorbing(load_days=days)
        sim.state.levels["bisphosphonate_bound_potency"] = potency
        resorb(sim, 6)
        return float(sim.state.osteoclasts.activity[0])

    assert left(400) < left(100) < left(20) < 1.0
    assert left(100, 3.0) < left(100)


def test_engulfed_drug_brings_the_end_a_little_nearer() -> None:
    """A stopped osteoclast uses up its life faster by the stated share; what it held leaves with it."""
    sim = flat({"osteoclasts.life_loss_by_drug": 0.25, "osteoclasts.life_gain_without_estrogen": 0.0})
    bind(sim)
    add_osteoclasts(sim, [[160.0, 200.0, 200.0], [160.0, 100.0, 100.0]])
    state, cells = sim.state, sim.state.osteoclasts
    cells.activity = np.array([0.2, 1.0])
    cells.drug_load = np.array([5000, 0])
    state.count("bisphosphonate_delivered", 5000)
    life = named(sim, "osteoclast_life")
    life.apply(state, sim.clock)
    np.testing.assert_allclose(cells.life_used_days, [1.2, 1.0])
    cells.life_days = np.array([1.5, 100.0])
    life.apply(state, sim.clock)
    assert len(state.osteoclasts) == 1
    assert state.counters["bisphosphonate_gone"] == 5000
    assert drug_imbalance(state) == 0


def test_the_cortical_compartment_follows_the_mean_effect() -> None:
    """The level is the mean rate left over nuclei, smoothed; without cells it stands still."""
    sim = resorbing(load_days=400)
    resorb(sim, 5)
    level = sim.state.levels["bisphosphonate_activity"]
    assert 0.8 < level < 1.0
    sim.state.osteoclasts.keep(np.zeros(1, bool))
    sim.state.surface.resorbed = None
    named(sim, "bisphosphonate_release").apply(sim.state, sim.clock)
    assert sim.state.levels["bisphosphonate_activity"] == level


# -------------------------------------------------------------------- ledgers
def alendronate(**schedule: Any) -> dict[str, Any]:
    return {"kind": "alendronate", "dose": 70.0, "unit": "mg", "every": "weekly", **schedule}


def test_the_drug_ledger_holds_every_day_of_a_busy_run() -> None:
    """Delivered = on surface + buried + in osteoclasts + desorbed + gone, in whole quanta; each way out is taken."""
    sim = begin(rods(20, period=10, radius=2.8), BUSY | {"therapy": [alendronate(stop_day=60)]})
    for _ in range(100):
        sim.step()
        assert drug_imbalance(sim.state) == 0
        assert sim.state.surface_bp.min() >= 0
        assert sim.state.buried_bp.min() >= 0
    for way in ("delivered", "buried", "engulfed", "desorbed", "gone"):
        assert sim.state.counters[f"bisphosphonate_{way}"] > 0, way
    sim.state.buried_bp.ravel()[0] += 1
    with pytest.raises(InvariantError, match=r"the drug ledger is off by 1 quanta"):
        named(sim, "ledgers").apply(sim.state, sim.clock)


def test_loose_pieces_take_their_drug_with_them() -> None:
    """A fragment that is cleared leaves no drug behind."""
    bone = rods(24).bone_fraction.copy()
    bone[4:8, 4:8, 4:8] = 0.0
    bone[5:7, 5:7, 5:7] = 1.0
    sim = begin(specimen(bone), QUIET | {"fragments.every_days": 10, "therapy": [alendronate()]})
    sim.clock.day = 1  # past the first check
    while sim.clock.day < 10:
        sim.step()
    assert sim.state.surface_bp[5:7, 5:7, 5:7].all()
    sim.step()
    assert not sim.state.bone[5:7, 5:7, 5:7].any()
    assert not sim.state.surface_bp[4:8, 4:8, 4:8].any()
    assert sim.state.counters["bisphosphonate_gone"] > 0


def test_threads_change_nothing() -> None:
    """Two threads give the bits of one."""
    runs = []
    for threads in (1, 2):
        sim = begin(rods(20, period=10, radius=2.8), BUSY | {"therapy": [alendronate()]}, threads=threads)
        for _ in range(15):
            sim.step()
        runs.append(sim.state)
    assert runs[0].surface_bp.tobytes() == runs[1].surface_bp.tobytes()
    assert runs[0].counters == runs[1].counters


def test_a_run_goes_on_where_its_checkpoint_stopped(tmp_path) -> None:
    """Drug on the surface, in the matrix and in cells comes back, and the run goes on to the same bits."""
    sim = begin(rods(20, period=10, radius=2.8), BUSY | {"therapy": [alendronate(stop_day=30)]})
    for _ in range(40):
        sim.step()
    backend = get_backend("numpy", threads=1)
    write_checkpoint(tmp_path / "a.vtkhdf", sim.state, 40, sim.config, backend)
    state, day, _ = read_checkpoint(tmp_path / "a.vtkhdf", backend)
    again = Simulation.from_state(sim.config, state, day, backend=backend)
    for _ in range(15):
        sim.step()
        again.step()
    for name in ("bone", "surface_bp", "buried_bp"):
        assert sim.state.arrays[name].tobytes() == again.state.arrays[name].tobytes(), name
    assert sim.state.counters == again.state.counters
    assert sim.state.levels == again.state.levels


def test_shares_above_one_are_refused() -> None:
    """What is freed cannot be engulfed and bind again at once."""
    with pytest.raises(
        ConfigError, match=r"engulfed_share \+ recirculated_share = 1.2 is above 1; lower one"
    ):
        flat({"bisphosphonate.engulfed_share": 0.8})
