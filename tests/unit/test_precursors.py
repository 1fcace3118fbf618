"""Pools of precursors: cells move and convert one by one, and none is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import named, slab, wake

from trabsim.agents.precursors import step_along
from trabsim.simulation import Simulation


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_steps_keep_every_cell(axis: int) -> None:
    """Cells that step along an axis arrive one block on; at the ends they stay; the total is kept."""
    blocks = (3, 4, 2)
    random = np.random.Generator(np.random.Philox(axis))
    pool = random.integers(0, 50, blocks)
    forth = random.integers(0, 25, blocks) * (pool > 0) % (pool + 1)
    back = random.integers(0, 25, blocks) % (pool - forth + 1)
    got = step_along(np, pool.ravel(), forth.ravel(), back.ravel(), blocks, axis).reshape(blocks)
    expected = np.zeros(blocks, int)
    for place in np.ndindex(blocks):
        up, down = list(place), list(place)
        up[axis] = min(up[axis] + 1, blocks[axis] - 1)
        down[axis] = max(down[axis] - 1, 0)
        expected[place] += pool[place] - forth[place] - back[place]
        expected[tuple(up)] += forth[place]
        expected[tuple(down)] += back[place]
    assert (got == expected).all()
    assert got.sum() == pool.sum()


def test_one_block_has_nowhere_to_go() -> None:
    """On a lattice of one block along an axis all stay."""
    got = step_along(np, np.array([7, 9]), np.array([3, 3]), np.array([1, 2]), (1, 1, 2), 0)
    assert got.tolist() == [7, 9]


def pools(settings: dict | None = None) -> Simulation:
    sim = wake(slab((24, 24, 24)), settings)
    sim.state.surface.block_phi = np.ones_like(sim.state.surface.block_phi)
    return sim


def test_commitment_takes_its_days() -> None:
    """Cells that commit mature after `maturation_days`, all of them; nobody commits without RANK signaling."""
    settings = {
        "precursors.maturation_days": 5,
        "precursors.mature_life_days": 1e9,
        "precursors.mature_per_block": 0,
    }
    sim = pools(settings)
    state, process = sim.state, named(sim, "precursors")
    process.apply(state, sim.clock)
    committed = int(state.osteoclast_committed.sum())
    assert committed > 0
    assert int(state.osteoclast_committed[:, 0].sum()) == committed
    state.surface.block_phi[...] = 0.0
    for day in range(1, 6):
        assert int(state.osteoclast_mature.sum()) == 0, day
        sim.clock.advance()
        process.apply(state, sim.clock)
    assert int(state.osteoclast_mature.sum()) == committed
    assert int(state.osteoclast_committed.sum()) == 0


def test_pools_settle_at_the_balance_of_their_rates() -> None:
    """Supply (full - pool)/renewal meets commitment pool x share; mature cells are commitment x their life (5 %)."""
    sim = pools(
        {
            "precursors.precursors_per_block": 1000,
            "precursors.precursor_renewal_days": 10.0,
            "precursors.commitment_per_day": 0.05,
            "precursors.mature_life_days": 8.0,
            "precursors.maturation_days": 6,
        }
    )
    state, process = sim.state, named(sim, "precursors")
    mean = np.zeros(3)
    for day in range(160):
        process.apply(state, sim.clock)
        sim.clock.advance()
        if day >= 100:
            pool = (
                state.osteoclast_precursors,
                state.osteoclast_committed.sum(axis=1),
                state.osteoclast_mature,
            )
            mean += [p.mean() / 60 for p in pool]
    resting = 1000 * 0.1 / (0.1 + 0.05)
    np.testing.assert_allclose(mean, [resting, resting * 0.05 * 6, resting * 0.05 * 8], rtol=0.05)


def test_more_signaling_commits_more() -> None:
    """Commitment is proportional to RANK occupancy of the block (5 sigma), and capped at one half a day."""
    committed = []
    for phi in (0.5, 2.0, 1e3):
        sim = pools({"precursors.precursors_per_block": 1000, "precursors.commitment_per_day": 0.05})
        sim.state.surface.block_phi[...] = phi
        named(sim, "precursors").apply(sim.state, sim.clock)
        committed.append(int(sim.state.osteoclast_committed.sum()))
    cells = 1000 * sim.state.osteoclast_precursors.size
    for got, share in zip(committed, (0.025, 0.1, 0.5)):
        assert abs(got - share * cells) < 5 * np.sqrt(cells * share * (1 - share))


def test_osteomorphs_wait_and_fade() -> None:
    """Osteomorphs die with their mean life; moving between blocks neither makes nor loses any."""
    sim = pools({"precursors.osteomorph_life_days": 50.0, "precursors.move_per_day": 0.5})
    state, process = sim.state, named(sim, "precursors")
    state.osteomorphs[0] = 4000
    for _ in range(50):
        process.apply(state, sim.clock)
        sim.clock.advance()
    expected = 4000 * (1 - 1 / 50) ** 50
    assert abs(int(state.osteomorphs.sum()) - expected) < 5 * np.sqrt(expected)
    assert (state.osteomorphs > 0).sum() > 5
    immortal = pools({"precursors.osteomorph_life_days": 1e12, "precursors.move_per_day": 0.5})
    immortal.state.osteomorphs[3] = 500
    for _ in range(20):
        named(immortal, "precursors").apply(immortal.state, immortal.clock)
        immortal.clock.advance()
    assert int(immortal.state.osteomorphs.sum()) == 500


def test_osteoprogenitors_return_to_their_number() -> None:
    """A pool that is used up refills, one that is too large shrinks, towards the healthy number."""
    for start in (0, 150):
        sim = pools(
            {"precursors.osteoprogenitors_per_block": 60, "precursors.osteoprogenitor_renewal_days": 10.0}
        )
        sim.state.osteoprogenitors[...] = start
        for _ in range(80):
            named(sim, "precursors").apply(sim.state, sim.clock)
            sim.clock.advance()
        assert abs(sim.state.osteoprogenitors.mean() - 60) < 4


def test_freed_growth_factor_multiplies_osteoprogenitors() -> None:
    """Where resorption frees more than usual, the pools grow towards more than the healthy number."""
    grown = []
    for freed in (0.0, 1.0, 50.0):
        sim = pools({"precursors.coupling_gain": 1.0, "precursors.osteoprogenitor_renewal_days": 5.0})
        state = sim.state
        state.levels["coupling_reference"] = 0.1
        state.coupling[...] = 0.1 * freed
        state.surface.active = state.surface.index
        for _ in range(40):
            named(sim, "precursors").apply(state, sim.clock)
            sim.clock.advance()
        grown.append(state.osteoprogenitors.mean())
    assert grown[0] < grown[1] < grown[2]
    assert grown[2] < 4.2 * grown[0]
