"""Osteoblasts: they lay down what is in them, never overfill a voxel, spare waiting surface, and end in three ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_bone import add_osteoblasts, named, slab, wake

from trabsim.agents.osteoblasts import OsteoblastParams, lifetime_volume_um3, place, survival, team_rates
from trabsim.backends import get_backend
from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase
from trabsim.tissue.ledger import matrix_imbalance

BACKEND = get_backend("numpy", threads=1)


# ----------------------------------------------------------------- pure functions
@pytest.mark.parametrize("seed", range(6))
def test_placing_never_overfills(seed: int) -> None:
    """Where there is room for all, each places its demand; else at most the room, none more than it wants."""
    random = np.random.Generator(np.random.Philox(seed))
    demand, voxel = random.integers(0, FULL, 200), random.integers(0, 40, 200)
    room = random.integers(0, 4 * FULL, 40) * (random.random(40) < 0.8)
    placed = place(np, BACKEND, demand, voxel, room, 40)
    wanted, got = np.bincount(voxel, demand, 40), np.bincount(voxel, placed, 40)
    assert (placed >= 0).all()
    assert (placed <= demand).all()
    assert (got <= room).all()
    ample = wanted <= room
    assert ample.any()
    assert (~ample).any()
    assert (got[ample] == wanted[ample]).all()
    cells = np.bincount(voxel, minlength=40)
    assert (room - got <= cells)[~ample].all(), (
        "what is left of the room is rounding, less than a quantum a cell"
    )


def test_scarce_room_is_shared_in_proportion() -> None:
    """Two cells that want 1 : 3 of too little room get 1 : 3 of it."""
    placed = place(np, BACKEND, np.array([100, 300]), np.array([0, 0]), np.array([200]), 1)
    assert placed.tolist() == [50, 150]


def test_survival_halves_and_ends() -> None:
    """Half of a team is left after the half-life; nobody at the oldest age."""
    p = OsteoblastParams(life_half_days=50.0, oldest_days=120)
    alive = survival(p, np.arange(140))
    assert alive[0] == 1.0
    assert alive[50] == pytest.approx(0.5)
    assert alive[100] == pytest.approx(0.25)
    assert alive[119] > 0
    assert (alive[120:] == 0).all()


def test_rate_halves_with_age() -> None:
    """The rate of a cell halves every `rate_half_life_days`."""
    p = OsteoblastParams(rate_half_life_days=60.0, oldest_days=130)
    rate = team_rates(p)(BACKEND, np.array([0.0, 60.0, 120.0]))
    np.testing.assert_allclose(rate, [1.0, 0.5, 0.25], rtol=1e-6)


def test_lifetime_volume_is_a_geometric_sum() -> None:
    """Rate and survival both halve: the sum over whole days is a geometric series."""
    p = OsteoblastParams(
        rate_um3_per_day=100.0, rate_half_life_days=80.0, life_half_days=80.0, oldest_days=160
    )
    q = 0.5 ** (2 / 80.0)
    assert lifetime_volume_um3(p) == pytest.approx(100.0 * (1 - q**160) / (1 - q), rel=1e-9)


# --------------------------------------------------------------------- a team
def bench(settings: dict[str, Any] | None = None, per_voxel: int = 1, room: float = 0.0) -> Simulation:
    """Osteoblasts on every voxel above a flat surface."""
    sim = wake(slab((24, 24, 24), thick=8.0), settings)
    state = sim.state
    state.levels["estrogen_response"] = 1.0
    layer = np.zeros(state.shape, bool)
    layer[8, 4:20, 4:20] = True
    voxels = np.repeat(np.flatnonzero(layer), per_voxel)
    add_osteoblasts(sim, voxels)
    state.phase[layer] = Phase.FORMING
    state.site[layer] = 1
    return sim


def build(sim: Simulation, days: int) -> None:
    for _ in range(days):
        named(sim, "surface").apply(sim.state, sim.clock)
        named(sim, "formation").apply(sim.state, sim.clock)
        assert matrix_imbalance(sim.state) == 0
        assert sim.state.bone.max() <= FULL
        sim.clock.advance()


def test_a_cell_lays_down_its_lifetime_volume() -> None:
    """With room for all, matrix formed and still held per cell is its expected lifetime volume (5 sigma)."""
    settings = {
        "osteoblasts.life_half_days": 15.0,
        "osteoblasts.oldest_days": 40,
        "osteoblasts.rate_um3_per_day": 200.0,
        "osteoblasts.rate_half_life_days": 30.0,
    }
    sim = bench(settings, per_voxel=4)
    state = sim.state
    born = len(state.osteoblasts)
    p = sim.config.process.osteoblasts
    build(sim, 41)
    assert len(state.osteoblasts) == 0
    made = (state.counters["formed_quanta"] + state.counters.get("unplaced_quanta", 0)) * state.quantum_um3
    # what one cell makes before it goes, by the day on which it goes
    days = np.arange(1, 41)
    total = np.cumsum(200.0 * 0.5 ** ((days - 1) / 30.0))
    hazard = np.log(2.0) / 15.0
    chance = hazard * (1 - hazard) ** (days - 1)
    chance[-1] = (1 - hazard) ** 39
    mean = float((chance * total).sum())
    spread = float(np.sqrt((chance * total**2).sum() - mean**2))
    assert abs(made / born - mean) < 5 * spread / np.sqrt(born)
    assert lifetime_volume_um3(p) == pytest.approx(mean, rel=0.03), "credit is worth what cells really make"


def test_ends_are_shared_among_three_fates() -> None:
    """Of those that end within bone, the stated shares become osteocytes and lining cells (5 sigma)."""
    sim = bench(
        {
            "osteoblasts.osteocyte_share": 0.3,
            "osteoblasts.lining_share": 0.2,
            "osteoblasts.oldest_days": 10,
            "osteoblasts.rate_um3_per_day": 0.1,
        },
        per_voxel=8,
    )
    state = sim.state
    state.bone[8] = np.maximum(state.bone[8], FULL - FULL // 20)
    state.counters["initial_quanta"] += matrix_imbalance(state)
    n, before = len(state.osteoblasts), len(state.osteocytes)
    build(sim, 11)
    assert state.counters["osteoblasts_died"] == n
    new = len(state.osteocytes) - before
    assert abs(new - 0.3 * n) < 5 * np.sqrt(n * 0.21)
    assert abs(state.counters["osteoblasts_became_lining"] - 0.2 * n) < 5 * np.sqrt(n * 0.16)
    assert state.counters["osteocytes_born"] == len(state.osteocytes)
    assert np.unique(state.osteocytes.id).size == len(state.osteocytes)
    assert (2 * state.bone.ravel()[state.osteocytes.voxel[-new:]] >= FULL).all()
    assert (state.osteocytes.alive[-new:] == 1).all()


def test_a_team_leaves_its_share_of_osteocytes_whatever_it_stands_in() -> None:
    """From the first day on unfilled voxels to the last cell, the stated share is buried, all in bone (5 sigma)."""
    settings = {
        "osteoblasts.osteocyte_share": 0.18,
        "osteoblasts.lining_share": 0.15,
        "osteoblasts.life_half_days": 12.0,
        "osteoblasts.oldest_days": 40,
        "osteoblasts.rate_um3_per_day": 300.0,
        "osteoblasts.rate_half_life_days": 40.0,
    }
    sim = bench(settings, per_voxel=8)
    state = sim.state
    n, before = len(state.osteoblasts), len(state.osteocytes)
    for _ in range(41):
        already = len(state.osteocytes)
        build(sim, 1)
        assert (2 * state.bone.ravel()[state.osteocytes.voxel[already:]] >= FULL).all()
    assert state.counters["osteoblasts_died"] == n
    assert abs(len(state.osteocytes) - before - 0.18 * n) < 5 * np.sqrt(n * 0.18 * 0.82)
    assert abs(state.counters["osteoblasts_became_lining"] - 0.15 * n) < 5 * np.sqrt(n * 0.15 * 0.85)


def test_a_cell_is_buried_in_its_own_voxel_or_across_a_face() -> None:
    """Own voxel if it is bone, else a face neighbor that is; bone across an edge only holds nobody."""
    sim = wake(slab((16, 20, 20), thick=8.0))
    state = sim.state
    state.bone[8, 5, 5] = FULL // 2
    state.bone[8, 14, 14] = FULL // 2 - 1
    asked = [(7, 9, 9), (8, 5, 5), (8, 9, 9), (8, 14, 14), (9, 5, 6), (11, 9, 9), (0, 0, 0)]
    raveled = np.array([np.ravel_multi_index(v, state.shape) for v in asked])
    voxels, found = named(sim, "formation")._nearest_bone(state, raveled)
    assert found.tolist() == [True, True, True, True, False, False, True]
    where = np.array(np.unravel_index(voxels, state.shape)).T.tolist()
    assert [where[i] for i in (0, 1, 2, 3, 6)] == [[7, 9, 9], [8, 5, 5], [7, 9, 9], [7, 14, 14], [0, 0, 0]]


def test_lining_cells_do_not_depend_on_who_could_be_buried() -> None:
    """Far from bone nobody becomes an osteocyte, and the share of lining cells is what it is elsewhere (5 sigma)."""
    settings = {
        "osteoblasts.osteocyte_share": 0.5,
        "osteoblasts.lining_share": 0.3,
        "osteoblasts.oldest_days": 10,
    }
    sim = wake(slab((24, 24, 24), thick=8.0), settings)
    state = sim.state
    add_osteoblasts(sim, np.repeat(np.flatnonzero(np.indices(state.shape)[0] == 16), 4), birth_day=-10)
    n, before = len(state.osteoblasts), len(state.osteocytes)
    named(sim, "formation")._end_lives(state, sim.clock)
    assert state.counters["osteoblasts_died"] == n
    assert len(state.osteocytes) == before
    assert abs(state.counters["osteoblasts_became_lining"] - 0.3 * n) < 5 * np.sqrt(n * 0.21)


def test_without_estrogen_teams_shrink_faster() -> None:
    """The hazard of ending rises by the stated share where estrogen response is lost."""
    ended = []
    for response in (1.0, 0.0):
        sim = bench(
            {"osteoblasts.death_gain_without_estrogen": 1.0, "osteoblasts.life_half_days": 50.0}, per_voxel=8
        )
        sim.state.levels["estrogen_response"] = response
        n = len(sim.state.osteoblasts)
        build(sim, 1)
        ended.append(n - len(sim.state.osteoblasts))
    hazard = np.log(2.0) / 50.0
    for got, expected in zip(ended, (hazard, 2 * hazard)):
        assert abs(got - n * expected) < 5 * np.sqrt(n * expected)


# -------------------------------------------------------------------- matrix
def test_formed_day_is_the_volume_weighted_mean() -> None:
    """New matrix mixes its day and its growth factor into the voxel by volume."""
    sim = bench({"osteoblasts.rate_um3_per_day": 6400.0, "osteoblasts.life_half_days": 1e9})
    state = sim.state
    voxel = int(state.osteoblasts.voxel[0])
    state.bone.ravel()[voxel], state.formed_day.ravel()[voxel] = FULL // 5, 40
    state.matrix_factor.ravel()[voxel] = 0.5
    state.counters["initial_quanta"] += matrix_imbalance(state)
    state.osteoblasts.birth_day[:] = 100
    sim.clock.day = 100
    named(sim, "formation").apply(state, sim.clock)
    added = int(state.bone.ravel()[voxel]) - FULL // 5
    assert added == pytest.approx(6400.0 / state.quantum_um3, abs=1)
    weight = added / (added + FULL // 5)
    assert state.formed_day.ravel()[voxel] == int(40 + 60 * weight)
    assert state.matrix_factor.ravel()[voxel] == pytest.approx(0.5 + 0.5 * weight, rel=1e-6)


def test_matrix_that_finds_no_room_is_owed() -> None:
    """What a cell cannot place today it keeps; made = placed + owed, whole quanta."""
    sim = bench({"osteoblasts.life_half_days": 1e9, "osteoblasts.sight_um": 41.0}, per_voxel=30)
    state = sim.state
    made = 0.0
    p = sim.config.process.osteoblasts
    for day in range(6):
        made += len(state.osteoblasts) * float(team_rates(p)(sim.backend, np.array([float(day)]))[0])
        build(sim, 1)
        held = int(state.osteoblasts.owed.sum()) + state.counters["formed_quanta"]
        expected = made * p.rate_um3_per_day / state.quantum_um3
        assert abs(held - expected) <= 5 * np.sqrt(len(state.osteoblasts) * (day + 1) / 4)


# -------------------------------------------------------------------- motion
def beside_a_dent(phase: int) -> Simulation:
    """A team without team spirit fills its voxels beside partly eroded surface of a phase on which credit lies."""
    settings = {
        "osteoblasts.life_half_days": 1e9,
        "osteoblasts.oldest_days": 200,
        "osteoblasts.rate_um3_per_day": 1500.0,
        "osteoblasts.team_preference": 0.0,
    }
    sim = bench(settings, per_voxel=2)
    state = sim.state
    dent = np.s_[7, :, 12:]
    state.bone[7:, :, 12:] = 0
    state.bone[dent] = FULL * 6 // 10
    state.counters["initial_quanta"] += matrix_imbalance(state)
    keep = state.osteoblasts.voxel % 24 < 12
    state.count("osteoblasts_died", int((~keep).sum()))
    state.osteoblasts.keep(keep)
    state.phase[8, :, 12:] = Phase.QUIESCENT
    state.credit[dent] = 4321
    for _ in range(30):
        state.phase[dent] = phase
        state.contact_day[dent] = sim.clock.day
        build(sim, 1)
    assert (state.osteoblasts.voxel // 24**2 >= 9).any(), "the team has moved on"
    return sim


@pytest.mark.parametrize("phase", [Phase.RESORBING, Phase.REVERSAL, Phase.ARRESTED])
def test_nobody_enters_surface_that_waits_for_its_own_team(phase: int) -> None:
    """Beside eroded surface that waits, a team fills its own voxels and leaves the other's room and credit alone."""
    state = beside_a_dent(phase).state
    assert (state.bone[7, :, 12:] == FULL * 6 // 10).all()
    assert (state.credit[7, :, 12:] == 4321).all()
    assert not state.bone[8, :, 12:].any(), "nor is anything built upon it"


def test_room_that_nobody_waits_for_is_filled() -> None:
    """The same dent without a claim on it is filled by the team beside it."""
    state = beside_a_dent(Phase.QUIESCENT).state
    assert (state.bone[7, :, 12:] > FULL * 6 // 10).any()


def test_who_fills_a_voxel_moves_on_to_supported_unfilled_surface() -> None:
    """Cells climb layer by layer; they never hang in marrow without bone at one of six faces."""
    sim = bench(
        {
            "osteoblasts.life_half_days": 1e9,
            "osteoblasts.oldest_days": 200,
            "osteoblasts.rate_um3_per_day": 2000.0,
        },
        per_voxel=4,
    )
    state = sim.state
    for _ in range(25):
        build(sim, 1)
        solid = 2 * state.bone >= FULL
        near = solid.copy()
        for axis in range(3):
            for step in (1, -1):
                near |= np.roll(solid, step, axis)
        assert near.ravel()[state.osteoblasts.voxel].all()
        stuck = state.bone.ravel()[state.osteoblasts.voxel] == FULL
        assert stuck.mean() < 0.5
    assert state.counters["formed_quanta"] > 300 * FULL


@pytest.mark.parametrize("most_per_mm2", [2000.0, 1e6])
def test_crowding_stays_below_the_highest_density(most_per_mm2: float) -> None:
    """No osteoblast moves to a voxel that is as crowded as allowed; where more are allowed, some do."""
    sim = bench(
        {
            "osteoblasts.life_half_days": 1e9,
            "osteoblasts.most_per_mm2": most_per_mm2,
            "osteoblasts.rate_um3_per_day": 4000.0,
            "osteoblasts.oldest_days": 100,
            "osteoblasts.crowding": 0.0,
        },
        per_voxel=3,
    )
    state = sim.state
    entered = 0
    for _ in range(15):
        before = np.bincount(state.osteoblasts.voxel, minlength=state.bone.size)
        was = dict(zip(state.osteoblasts.id.tolist(), state.osteoblasts.voxel.tolist()))
        build(sim, 1)
        for cell, voxel in zip(state.osteoblasts.id.tolist(), state.osteoblasts.voxel.tolist()):
            if was[cell] != voxel:
                assert before[voxel] < most_per_mm2 * 0.04**2
                entered += before[voxel] >= 2000.0 * 0.04**2
    assert (entered > 0) == (most_per_mm2 > 2000.0)
