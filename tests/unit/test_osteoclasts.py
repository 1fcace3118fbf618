"""Osteoclasts: who joins a site, who gains nuclei, who dies or divides."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import add_osteoclasts, named, rods, slab, wake

from trabsim.agents.osteoclasts import OsteoclastParams, life_table, recruitment, share_out
from trabsim.backends import get_backend
from trabsim.simulation import Simulation

BACKEND = get_backend("numpy", threads=1)


# ------------------------------------------------------------------ recruitment
@pytest.mark.parametrize(("least", "most"), [(0.7, 1.3), (0.2, 1.05), (0.0, 3.0), (0.99, 1.01)])
def test_recruitment_is_one_in_health_and_saturates(least: float, most: float) -> None:
    """1 at occupancy 1, `least` without RANK signaling, rising towards `most` but never above it."""
    p = OsteoclastParams(recruitment_least=least, recruitment_most=most)
    assert recruitment(1.0, p) == pytest.approx(1.0, abs=1e-12)
    assert recruitment(0.0, p) == pytest.approx(least, abs=1e-12)
    got = recruitment(np.linspace(0.0, 50.0, 400), p)
    assert (np.diff(got) > 0).all()
    assert (got < most).all()
    assert recruitment(1e9, p) == pytest.approx(most, rel=1e-6)


# --------------------------------------------------------------------- sharing
def serve_by_hand(pool: list[int], block: list[int], wanted: list[int]) -> list[int]:
    """First come, first served, one taker after the other."""
    left, given = list(pool), []
    for b, w in zip(block, wanted):
        g = min(left[b], w)
        left[b] -= g
        given.append(g)
    return given


@pytest.mark.parametrize("seed", range(8))
def test_sharing_serves_in_order_and_never_gives_more_than_there_is(seed: int) -> None:
    """The same as serving takers one by one; the pool falls by what was given and never below 0."""
    random = np.random.Generator(np.random.Philox(seed))
    pool = random.integers(0, 12, 6)
    block, wanted = random.integers(0, 6, 40), random.integers(0, 5, 40)
    before = pool.copy()
    given = share_out(np, BACKEND, pool, block, wanted)
    assert given.tolist() == serve_by_hand(before.tolist(), block.tolist(), wanted.tolist())
    assert (pool >= 0).all()
    assert (before - pool == np.bincount(block, weights=given, minlength=6)).all()


def test_sharing_among_nobody() -> None:
    """No takers: the pool stays."""
    pool, nobody = np.array([3, 4]), np.zeros(0, np.int64)
    assert share_out(np, BACKEND, pool, nobody, nobody).shape == (0,)
    assert pool.tolist() == [3, 4]


# ------------------------------------------------------------------------ life
def test_life_is_gamma_distributed() -> None:
    """Mean life, and spread of 1 / sqrt(shape), from the table of quantiles."""
    for mean, shape in ((12.0, 8.0), (20.0, 3.0)):
        life = life_table(mean, shape)(BACKEND, (np.arange(100_000) + 0.5) / 100_000)
        assert life.mean() == pytest.approx(mean, rel=0.005)
        assert life.std() / life.mean() == pytest.approx(1 / np.sqrt(shape), rel=0.02)
        assert (np.diff(life) >= 0).all()


def lives(sim: Simulation, life_days: list[float]) -> list[int]:
    """Days on which cells of given lives end."""
    add_osteoclasts(sim, np.full((len(life_days), 3), 200.0))
    sim.state.osteoclasts.life_days = np.array(life_days)
    first = int(sim.state.osteoclasts.id[0])
    ended: dict[int, int] = {}
    for day in range(1, 40):
        before = set(sim.state.osteoclasts.id.tolist())
        named(sim, "osteoclast_life").apply(sim.state, sim.clock)
        for gone in before - set(sim.state.osteoclasts.id.tolist()):
            ended[gone - first] = day
    return [ended[i] for i in range(len(life_days))]


def test_osteoclasts_end_when_their_life_is_used_up() -> None:
    """With full estrogen response a day of life is a day; without it life is longer by the stated share."""
    sim = wake(slab(), {"osteoclasts.life_gain_without_estrogen": 0.25})
    sim.state.levels["estrogen_response"] = 1.0
    assert lives(sim, [3.0, 7.5, 12.0]) == [3, 8, 12]
    sim.state.levels["estrogen_response"] = 0.0
    assert lives(sim, [2.0, 7.9, 12.0]) == [3, 10, 15]
    assert sim.state.counters["osteoclasts_died"] == 6


def test_fission_makes_osteomorphs_of_the_nuclei() -> None:
    """Where every end is a fission, each cell leaves its nuclei as osteomorphs in its own block, rounded down."""
    sim = wake(slab(), {"osteoclasts.fission_share": 1.0, "osteoclasts.nuclei_per_osteomorph": 3})
    state = sim.state
    state.surface.block_phi = np.zeros_like(state.surface.block_phi)
    add_osteoclasts(sim, [[200.0, 200.0, 200.0]], nuclei=11)
    add_osteoclasts(sim, [[700.0, 700.0, 700.0]], nuclei=5)
    state.osteoclasts.life_days[:] = 0.0
    named(sim, "osteoclast_life").apply(state, sim.clock)
    assert len(state.osteoclasts) == 0
    assert sorted(state.osteomorphs[state.osteomorphs > 0].tolist()) == [1, 3]
    assert state.counters["osteoclasts_died"] == 2


def test_less_signaling_means_more_fission() -> None:
    """Low RANK occupancy drives more osteoclasts into fission than high occupancy."""
    left = []
    for phi in (0.1, 3.0):
        sim = wake(slab(), {"osteoclasts.fission_share": 0.4, "osteoclasts.nuclei_per_osteomorph": 1})
        sim.state.surface.block_phi = np.full_like(sim.state.surface.block_phi, phi)
        add_osteoclasts(sim, np.full((400, 3), 300.0), nuclei=3)
        sim.state.osteoclasts.life_days[:] = 0.0
        named(sim, "osteoclast_life").apply(sim.state, sim.clock)
        left.append(int(sim.state.osteomorphs.sum()))
    assert left[0] > 2 * left[1]


# --------------------------------------------------------------- joining a site
def open_sites(sim: Simulation, n: int) -> None:
    """Open `n` sites on the surface, far apart in raveled order."""
    voxels = sim.state.surface.index[:: max(1, sim.state.surface.index.size // n)][:n]
    named(sim, "activation")._open(sim.state, sim.clock, voxels, n)


def test_a_site_takes_on_its_osteoclasts_while_it_is_open() -> None:
    """Where precursors abound, sites take on `per_site` each on average, within the joining time, and close."""
    sim = wake(
        slab(),
        {
            "osteoclasts.per_site": 30.0,
            "osteoclasts.joining_days": 6,
            "osteoclasts.fusion_per_day": 0.0,
            "osteoclasts.osteomorph_gain": 0.0,
            "osteoclasts.recruitment_least": 0.999,
            "osteoclasts.recruitment_most": 1.001,
        },
    )
    state, process = sim.state, named(sim, "osteoclast_recruitment")
    state.osteoclast_mature[...] = 10_000
    open_sites(sim, 40)
    for _ in range(6):
        process.apply(state, sim.clock)
        sim.clock.advance()
    assert state.counters["osteoclasts_born"] == int(state.sites.recruits.sum())
    # 240 roundings of an expectation of 5, off by less than one each
    assert abs(state.counters["osteoclasts_born"] - 1200) < 60
    process.apply(state, sim.clock)
    assert len(state.sites) == 0
    assert abs(len(state.osteoclasts) - 1200) < 60
    assert len(set(state.osteoclasts.id.tolist())) == len(state.osteoclasts)


@pytest.mark.parametrize("a_day", [1, 2, 3, 7])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.6, 1.0])
def test_osteomorphs_join_in_their_share_however_few_are_wanted(a_day: int, share: float) -> None:
    """Where both pools abound, osteomorphs are the stated share of recruits on average (5 sigma), at one a day too."""
    sim = wake(
        slab(),
        {
            "osteoclasts.per_site": 10.0 * a_day,
            "osteoclasts.joining_days": 10,
            "osteoclasts.fusion_per_day": 0.0,
            "osteoclasts.osteomorph_gain": 0.0,
            "osteoclasts.osteomorph_share": share,
            "osteoclasts.recruitment_least": 0.999,
            "osteoclasts.recruitment_most": 1.001,
        },
    )
    state, process = sim.state, named(sim, "osteoclast_recruitment")
    state.osteoclast_mature[...] = state.osteomorphs[...] = 10**6
    morphs, mature = int(state.osteomorphs.sum()), int(state.osteoclast_mature.sum())
    open_sites(sim, 40)
    for _ in range(10):
        process.apply(state, sim.clock)
        sim.clock.advance()
    morphs, mature = morphs - int(state.osteomorphs.sum()), mature - int(state.osteoclast_mature.sum())
    joined = state.counters["osteoclasts_born"]
    assert morphs + mature == joined == int(state.sites.recruits.sum())
    assert abs(joined - 400 * a_day) < 50
    # 400 roundings, each with a variance of at most 1/4
    assert abs(morphs - share * joined) <= (5 * np.sqrt(400 / 4) if 0 < share < 1 else 0)


def test_mature_precursors_stand_in_for_missing_osteomorphs() -> None:
    """Without osteomorphs a site takes on as many osteoclasts, all of them from mature precursors."""
    settings = {"osteoclasts.osteomorph_share": 0.9, "osteoclasts.fusion_per_day": 0.0}
    born = []
    for morphs in (0, 10**6):
        sim = wake(slab(), settings | {"osteoclasts.osteomorph_gain": 0.0, "osteoclasts.per_site": 60.0})
        sim.state.osteoclast_mature[...], sim.state.osteomorphs[...] = 10**6, morphs
        open_sites(sim, 20)
        named(sim, "osteoclast_recruitment").apply(sim.state, sim.clock)
        born.append(len(sim.state.osteoclasts))
    assert born[0] == born[1] > 20


def test_no_precursor_no_osteoclast() -> None:
    """Osteoclasts arise from mature precursors of the site's block; cells born are cells taken from the pools."""
    sim = wake(slab(), {"osteoclasts.per_site": 200.0, "osteoclasts.fusion_per_day": 0.0})
    state, process = sim.state, named(sim, "osteoclast_recruitment")
    state.osteoclast_mature[...] = 0
    open_sites(sim, 30)
    process.apply(state, sim.clock)
    assert len(state.osteoclasts) == 0
    state.osteoclast_mature[...] = 2
    state.osteomorphs[...] = 1
    before = int(state.osteoclast_mature.sum() + state.osteomorphs.sum())
    process.apply(state, sim.clock)
    after = int(state.osteoclast_mature.sum() + state.osteomorphs.sum())
    assert len(state.osteoclasts) == before - after > 0
    assert state.osteoclast_mature.min() >= 0
    assert state.osteomorphs.min() >= 0


def test_the_first_settles_where_the_site_opened_and_later_ones_near_their_own() -> None:
    """An osteoclast joins beside a living one of its site, at most `spacing_um` away along each axis."""
    sim = wake(
        rods(24),
        {"osteoclasts.per_site": 100.0, "osteoclasts.joining_days": 20, "osteoclasts.spacing_um": 30.0},
    )
    state, process = sim.state, named(sim, "osteoclast_recruitment")
    state.osteoclast_mature[...] = 1000
    open_sites(sim, 5)
    process.apply(state, sim.clock)
    origin = {
        int(s): np.array(np.unravel_index(v, state.shape)) for s, v in zip(state.sites.id, state.sites.voxel)
    }
    for site, position in zip(state.osteoclasts.site, state.osteoclasts.position_um):
        np.testing.assert_allclose(position, (origin[int(site)] + 0.5) * state.voxel_size_um)
    old = state.osteoclasts.position_um.copy(), state.osteoclasts.site.copy(), len(state.osteoclasts)
    sim.clock.advance()
    process.apply(state, sim.clock)
    assert len(state.osteoclasts) > old[2]
    for site, position in zip(state.osteoclasts.site[old[2] :], state.osteoclasts.position_um[old[2] :]):
        mates = old[0][old[1] == site]
        assert (np.abs(mates - position).max(axis=1) <= 30.0 + 1e-9).any()


# ---------------------------------------------------------------------- fusion
def test_nuclei_come_from_precursors_and_stop_at_the_most() -> None:
    """Fusion takes one precursor per nucleus gained, and no osteoclast exceeds the most nuclei."""
    sim = wake(slab(), {"osteoclasts.fusion_per_day": 1.0, "osteoclasts.nuclei_most": 10})
    state, process = sim.state, named(sim, "osteoclast_recruitment")
    state.surface.block_phi = np.ones_like(state.surface.block_phi)
    add_osteoclasts(sim, np.full((6, 3), 300.0), nuclei=8)
    state.osteoclast_mature[...] = 100
    for _ in range(5):
        before = int(state.osteoclasts.nuclei.sum()) + int(state.osteoclast_mature.sum())
        process.apply(state, sim.clock)
        assert int(state.osteoclasts.nuclei.sum()) + int(state.osteoclast_mature.sum()) == before
        sim.clock.advance()
    assert (state.osteoclasts.nuclei == 10).all()


def test_fusion_saturates_with_occupancy_as_recruitment_does() -> None:
    """RANK occupancy opens sites; it must not multiply again in the size of the cells that come."""
    grown = []
    for phi in (1.0, 1.8):
        sim = wake(slab(), {"osteoclasts.fusion_per_day": 0.5})
        state = sim.state
        state.surface.block_phi = np.full_like(state.surface.block_phi, phi)
        add_osteoclasts(sim, np.full((2000, 3), 300.0), nuclei=4)
        state.osteoclast_mature[...] = 100_000
        named(sim, "osteoclast_recruitment").apply(state, sim.clock)
        grown.append(int((state.osteoclasts.nuclei == 5).sum()))
    p = sim.config.process.osteoclasts
    expected = [1000 * recruitment(phi, p) for phi in (1.0, 1.8)]
    np.testing.assert_allclose(grown, expected, atol=5 * np.sqrt(500))
    assert grown[1] < 1.3 * grown[0]


def test_scarce_precursors_fuse_with_the_oldest_ids_first() -> None:
    """Where fewer precursors wait than osteoclasts could take, the lowest ids are served."""
    sim = wake(slab(), {"osteoclasts.fusion_per_day": 1.0})
    state = sim.state
    state.surface.block_phi = np.ones_like(state.surface.block_phi)
    add_osteoclasts(sim, np.full((5, 3), 300.0), nuclei=4)
    state.osteoclasts.columns = {name: column[::-1] for name, column in state.osteoclasts.columns.items()}
    state.osteoclast_mature[...] = 2
    named(sim, "osteoclast_recruitment").apply(state, sim.clock)
    grown = state.osteoclasts.id[state.osteoclasts.nuclei == 5]
    assert sorted(grown.tolist()) == sorted(state.osteoclasts.id.tolist())[:2]
