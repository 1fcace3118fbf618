"""Lining cells: they cover abandoned surface, and form bone on their own where Wnt signaling is high."""

from __future__ import annotations

import numpy as np
from small_bone import BUSY, begin, hold_levels, named, rods, slab, wake

from trabsim.agents.osteoblasts import lifetime_volume_um3
from trabsim.state import FULL, Phase
from trabsim.tissue.ledger import credit_imbalance


def test_abandoned_surface_is_covered_and_its_credit_counted() -> None:
    """Arrested voxels close with the stated mean time; their credit is lost to the ledger, others keep theirs."""
    sim = wake(slab((16, 40, 40), thick=8.0), {"lining.cover_days": 20.0, "lining.modeling_per_day": 0.0})
    state = sim.state
    surface = state.exposed == 1
    arrested = surface.copy()
    arrested[:, :8] = False
    state.phase[surface & ~arrested] = Phase.REVERSAL
    state.phase[arrested] = Phase.ARRESTED
    state.credit[surface] = 500
    state.erosion_depth_nm[surface] = 9000
    state.count("resorbed_quanta", int(state.credit.sum()))
    n = int(arrested.sum())
    state.surface.active = np.flatnonzero(state.phase)
    for _ in range(20):
        named(sim, "lining").apply(state, sim.clock)
        assert credit_imbalance(state) == 0
        sim.clock.advance()
    covered = arrested & (state.phase == Phase.QUIESCENT)
    share = 1 - (1 - 1 / 20.0) ** 20
    assert abs(int(covered.sum()) - share * n) < 5 * np.sqrt(n * share * (1 - share))
    assert state.counters["credit_uncoupled"] == 500 * int(covered.sum())
    assert not state.credit[covered].any()
    assert not state.erosion_depth_nm[covered].any()
    assert (state.credit[surface & ~covered] == 500).all()
    assert (state.phase[surface & ~arrested] == Phase.REVERSAL).all()


def modeled(wnt: float, days: int = 30, reserve: float = 1.0) -> tuple[int, int]:
    """Voxels on which lining cells began to form bone, and the osteoblasts that arose."""
    settings = {
        "lining.modeling_wnt": 1.5,
        "lining.modeling_per_day": 0.01,
        "lining.modeling_cells_per_mm2": 2500.0,
    }
    sim = wake(slab((16, 40, 40), thick=8.0), settings)
    state = sim.state
    state.wnt.ravel()[state.surface.index] = wnt
    state.lining_reserve[...] = reserve
    for _ in range(days):
        named(sim, "lining").apply(state, sim.clock)
        sim.clock.advance()
    formed = state.phase == Phase.FORMING
    assert (state.lining_reserve[formed] < 0.2).all(), "modeling uses up the reserve"
    assert len(state.osteoblasts) == state.counters.get("modeling_osteoblasts", 0)
    return int(formed.sum()), len(state.osteoblasts)


def test_no_modeling_in_health() -> None:
    """At or below the threshold of Wnt signaling lining cells stay lining cells."""
    assert modeled(1.0) == (0, 0)
    assert modeled(1.5) == (0, 0)


def test_modeling_rises_with_wnt_and_with_the_reserve() -> None:
    """Chance a day = per unit of Wnt above the threshold x reserve; osteoblasts come at their density (5 sigma)."""
    voxels, cells = modeled(1.9)
    share = 1 - (1 - 0.4 * 0.01) ** 30
    n = 40 * 40
    assert abs(voxels - share * n) < 5 * np.sqrt(n * share)
    assert abs(cells - voxels * 2500.0 * 0.04**2) < 5 * np.sqrt(voxels / 4)
    fewer, _ = modeled(1.9, reserve=0.3)
    assert fewer < 0.6 * voxels
    assert modeled(1.9, reserve=0.0, days=1) == (0, 0)


def test_modeled_bone_is_formed_on_quiescent_surface_and_counted() -> None:
    """Without resorption all that is formed is modeled: on the surface, owing nothing, and on each place once."""
    settings = {
        "lining.modeling_wnt": 1.5,
        "lining.modeling_per_day": 0.02,
        "lining.recovery_days": 1e6,
        "activation.rate_per_mm2_per_year": 0.0,
        "osteoblasts.life_half_days": 20.0,
        "osteoblasts.oldest_days": 40,
    }
    sim = begin(slab((16, 24, 24), voxel_size_um=20.0, thick=8.0), settings)
    state = hold_levels(sim, modeling_drive=5.0).state
    before = state.bone.copy()
    for _ in range(120):
        sim.step()
    counters = state.counters
    assert counters["formed_quanta"] == counters["modeling_formed_quanta"] > 30 * FULL
    assert (
        counters["osteoblasts_born"]
        == counters["modeling_osteoblasts"]
        == int(counters["next_osteoblast_id"]) - 1
    )
    assert (state.bone >= before).all()
    assert not state.credit.any()
    # most of the surface was modeled once, and none of it twice: its reserve is used up
    height = (state.bone.astype(np.int64).sum(axis=0) - before.sum(axis=0)) * 20.0 / FULL
    once = 2500e-6 * lifetime_volume_um3(sim.config.process.osteoblasts)
    assert 0.5 * once < height.mean() < 1.1 * once
    assert state.lining_reserve.ravel()[state.surface.index].mean() < 0.4
    assert sim.measure(microarchitecture=False)["modeling_share_of_formation"] == 1.0


def test_remodeling_is_no_modeling() -> None:
    """Where lining cells stay what they are, no formation counts as modeling."""
    sim = begin(rods(20, period=10, radius=2.8), BUSY | {"lining.modeling_per_day": 0.0})
    for _ in range(60):
        sim.step()
    assert sim.state.counters["formed_quanta"] > 0 == sim.state.counters["modeling_formed_quanta"]
    assert sim.measure(microarchitecture=False)["modeling_share_of_formation"] == 0.0


def test_the_reserve_recovers_to_its_full_size() -> None:
    """Once a month the reserve grows by 30 days' worth, and never above 1."""
    sim = wake(slab((16, 24, 24), thick=8.0), {"lining.recovery_days": 300.0})
    state = sim.state
    state.lining_reserve.ravel()[state.surface.index] = 0.25
    for day in range(91):
        named(sim, "lining").apply(state, sim.clock)
        sim.clock.advance()
        assert day >= 0
    np.testing.assert_allclose(state.lining_reserve.ravel()[state.surface.index], 0.25 + 4 * 0.1, rtol=1e-5)
    for _ in range(400):
        named(sim, "lining").apply(state, sim.clock)
        sim.clock.advance()
    assert state.lining_reserve.max() == 1.0
