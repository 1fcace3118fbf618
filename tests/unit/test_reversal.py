"""Reversal: osteoprogenitors gather where much is owed, credit is paid out as osteoblasts, or the site arrests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_bone import named, slab, wake

from trabsim.agents.osteoblasts import lifetime_volume_um3
from trabsim.agents.reversal import ReversalParams, gathering_speed, recruit_osteoblasts
from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase
from trabsim.tissue.ledger import credit_imbalance


# -------------------------------------------------------------------- gathering
@pytest.mark.parametrize("days", [10.0, 28.0, 60.0])
@pytest.mark.parametrize("full", [1.0, 60.0, 400.0])
def test_speed_at_the_reference_point(days: float, full: float) -> None:
    """With 40 um of credit, healthy Wnt signaling and full pools, gathering takes `gathering_days`."""
    p = ReversalParams(gathering_days=days, half_credit_um=13.0, progenitors_half=7.0, wnt_exponent=2)
    got = gathering_speed(np.array([40.0]), np.array([1.0]), np.array([full]), full, p)
    assert got[0] == pytest.approx(1.0 / days, rel=1e-12)


def test_speed_rises_with_credit_cells_and_wnt() -> None:
    """More owed, more osteoprogenitors, more Wnt: faster; nothing owed or nobody there: not at all."""
    p = ReversalParams(wnt_exponent=1)
    one, rising = np.ones(50), np.linspace(0.0, 200.0, 50)
    for credit, wnt, cells in (
        (rising, one, 60 * one),
        (40 * one, rising, 60 * one),
        (40 * one, one, rising),
    ):
        speed = gathering_speed(credit, wnt, cells, 60.0, p)
        assert speed[0] == 0.0
        assert (np.diff(speed) > 0).all()


def test_wnt_acts_with_its_exponent() -> None:
    """Speed is proportional to Wnt signaling to the power that is set."""
    for exponent in (0, 1, 2):
        p = ReversalParams(wnt_exponent=exponent)
        got = gathering_speed(np.full(2, 40.0), np.array([1.0, 1.5]), np.full(2, 60.0), 60.0, p)
        assert got[1] / got[0] == pytest.approx(1.5**exponent)


# ---------------------------------------------------------------------- a site
def eroded(settings: dict[str, Any] | None = None, credit_um: float = 40.0, side: int = 5) -> Simulation:
    """A flat surface with a square patch on which credit lies, last touched on day 0."""
    sim = wake(slab((16, 24, 24), thick=8.0), settings)
    state = sim.state
    quanta = int(credit_um * 40.0**2 / state.quantum_um3)
    patch = np.s_[7, 10 : 10 + side, 10 : 10 + side]
    assert (state.exposed[patch] == 1).all()
    state.credit[patch] = quanta
    state.phase[patch] = Phase.RESORBING
    state.site[patch] = 3
    state.contact_day[patch] = 0
    state.count("resorbed_quanta", quanta * side * side)
    state.counters["initial_quanta"] += quanta * side * side
    return sim


def turn(sim: Simulation, days: int) -> list[dict[str, int]]:
    """Run surface and reversal for some days; returns the voxels per phase after each."""
    counts = []
    names = ("RESORBING", "REVERSAL", "FORMING", "ARRESTED")
    for _ in range(days):
        named(sim, "surface").apply(sim.state, sim.clock)
        sim.state.contact_day[sim.state.phase == Phase.FORMING] = sim.clock.day
        named(sim, "reversal").apply(sim.state, sim.clock)
        counts.append({name: int((sim.state.phase == getattr(Phase, name)).sum()) for name in names})
        assert credit_imbalance(sim.state) == 0
        sim.clock.advance()
    return counts


def test_formation_starts_when_enough_have_gathered() -> None:
    """Days of contact are waited out, then reversal lasts as long as gathering takes; then all credit is paid."""
    sim = eroded({"reversal.gathering_days": 12.0, "reversal.contact_memory_days": 3}, credit_um=40.0)
    named(sim, "precursors")
    counts = turn(sim, 30)
    assert [day["RESORBING"] for day in counts[:4]] == [25, 25, 25, 0]
    assert counts[3]["REVERSAL"] == 25
    start = next(day for day, c in enumerate(counts) if c["FORMING"])
    assert 3 + 8 <= start <= 3 + 20
    assert counts[-1]["FORMING"] == 25
    state = sim.state
    assert not state.credit.any()
    assert (state.gathered[state.phase == Phase.FORMING] == 0).all()
    assert (
        state.counters["credit_paid"] + state.counters["credit_capped"] == state.counters["resorbed_quanta"]
    )


def test_osteoblasts_are_worth_the_credit() -> None:
    """Number of osteoblasts x what one lays down in its life = credit x balance, on average (5 sigma)."""
    for balance in (0.5, 1.0):
        sim = eroded({"reversal.balance": balance, "reversal.gathering_days": 5.0}, credit_um=25.0, side=9)
        turn(sim, 25)
        state = sim.state
        paid = state.counters["credit_paid"]
        assert paid == state.counters["resorbed_quanta"]
        expected = paid * state.quantum_um3 * balance / lifetime_volume_um3(sim.config.process.osteoblasts)
        assert abs(len(state.osteoblasts) - expected) <= 5 * np.sqrt(81 / 12) + 1
        assert (state.osteoblasts.site == 3).all()
        assert (state.osteoblasts.birth_day >= 3).all()


@pytest.mark.parametrize(
    ("stimulus", "share"), [(0.0, 1.0), (0.8, 1.32), (-0.8, 0.68), (2.0, 1.5), (-2.0, 0.4)]
)
def test_load_recruits_more_osteoblasts_for_the_same_credit(stimulus: float, share: float) -> None:
    """1 + slope x stimulus, between the least and the most; credit is spent alike (5 sigma)."""
    settings = {
        "reversal.balance": 1.0,
        "reversal.gathering_days": 5.0,
        "reversal.osteoblasts_per_stimulus": 0.4,
        "reversal.osteoblasts_least": 0.4,
        "reversal.osteoblasts_most": 1.5,
    }
    sim = eroded(settings, credit_um=25.0, side=9)
    sim.state.strain_signal[...] = stimulus
    turn(sim, 25)
    state = sim.state
    paid = state.counters["credit_paid"]
    assert paid == state.counters["resorbed_quanta"]
    expected = share * paid * state.quantum_um3 / lifetime_volume_um3(sim.config.process.osteoblasts)
    assert abs(len(state.osteoblasts) - expected) <= 5 * np.sqrt(81 / 12) + 1


def test_crowded_teams_are_capped_and_the_rest_is_counted() -> None:
    """More than the most layers is never recruited at once; what was owed beyond is lost and counted."""
    sim = eroded(
        {"reversal.gathering_days": 2.0, "reversal.most_layers": 1.0, "reversal.layer_per_mm2": 3000.0},
        credit_um=200.0,
    )
    turn(sim, 10)
    state = sim.state
    assert state.counters["credit_capped"] > 0
    standing = np.bincount(state.osteoblasts.voxel, minlength=state.bone.size)
    area = np.zeros(state.bone.size)
    area[state.surface.index] = state.surface.area_um2
    assert (standing <= 3000.0 * area / 1e6 + 1).all()


def test_a_team_at_work_is_reinforced_for_credit_that_reaches_it() -> None:
    """Credit on a forming voxel is paid the same day as osteoblasts of its site; the voxel goes on forming."""
    sim = eroded({"reversal.balance": 0.8}, credit_um=25.0, side=9)
    state = sim.state
    state.phase[state.phase == Phase.RESORBING] = Phase.FORMING
    turn(sim, 1)
    assert not state.credit.any()
    assert int((state.phase == Phase.FORMING).sum()) == 81
    assert state.counters["credit_paid"] == state.counters["resorbed_quanta"]
    worth = lifetime_volume_um3(sim.config.process.osteoblasts)
    expected = state.counters["credit_paid"] * state.quantum_um3 * 0.8 / worth
    assert abs(len(state.osteoblasts) - expected) <= 5 * np.sqrt(81 / 12) + 1
    assert (state.osteoblasts.site == 3).all()
    assert state.counters.get("formation_started_um2", 0) == 0, "it had started before"
    born = len(state.osteoblasts)
    turn(sim, 3)
    assert len(state.osteoblasts) == born, "credit is paid once"


def test_reinforcement_is_capped_like_a_new_team() -> None:
    """No more than the most layers join a team in a day, and what was owed beyond is counted."""
    sim = eroded({"reversal.most_layers": 1.0, "reversal.layer_per_mm2": 3000.0}, credit_um=200.0)
    state = sim.state
    state.phase[state.phase == Phase.RESORBING] = Phase.FORMING
    turn(sim, 1)
    c = state.counters
    assert c["credit_capped"] > 0
    assert c["credit_paid"] + c["credit_capped"] == c["resorbed_quanta"]
    standing = np.bincount(state.osteoblasts.voxel, minlength=state.bone.size)[state.surface.index]
    assert (standing <= 3000.0 * state.surface.area_um2 / 1e6 + 1).all()


def test_leveling_moves_credit_but_keeps_it() -> None:
    """Credit beyond what a team could pay back spreads over the eroded surface around, and only there."""
    sim = eroded({"reversal.most_layers": 1.0, "reversal.gathering_days": 1000.0}, credit_um=5.0)
    state = sim.state
    extra = 400 * FULL // 100
    state.credit[7, 12, 12] += extra
    state.count("resorbed_quanta", extra)
    state.counters["initial_quanta"] += extra
    highest = int(state.credit.max())
    total = int(state.credit.sum(dtype=np.int64))
    turn(sim, 12)
    assert int(state.credit.sum(dtype=np.int64)) == total
    assert int(state.credit.max()) < highest
    patch = np.zeros(state.shape, bool)
    patch[7, 10:15, 10:15] = True
    assert not state.credit[~patch].any()


def test_what_waits_too_long_is_abandoned() -> None:
    """Surface below threshold is given up after `abandon_days`; it stays open and keeps its credit."""
    sim = eroded({"reversal.gathering_days": 10_000.0, "reversal.abandon_days": 15}, credit_um=10.0)
    total = int(sim.state.credit.sum())
    counts = turn(sim, 20)
    assert counts[15]["ARRESTED"] == 0
    assert counts[16]["ARRESTED"] == 25
    assert int(sim.state.credit.sum()) == total
    assert len(sim.state.osteoblasts) == 0


def test_without_osteoprogenitors_nothing_starts() -> None:
    """Coupling needs cells: with empty pools no site turns around."""
    sim = eroded({"reversal.gathering_days": 2.0})
    sim.state.osteoprogenitors[...] = 0
    assert turn(sim, 20)[-1]["FORMING"] == 0


def test_recruits_use_up_osteoprogenitors() -> None:
    """Each osteoprogenitor divides a fixed number of times; the pools of the site's blocks pay, none goes below 0."""
    sim = eroded({"reversal.gathering_days": 2.0, "reversal.progenitor_divisions": 2}, credit_um=40.0)
    state = sim.state
    before = int(state.osteoprogenitors.sum())
    turn(sim, 8)
    used = before - int(state.osteoprogenitors.sum())
    born = state.counters["osteoblasts_born"]
    assert born > 50
    assert 0 < used <= born // 4
    assert state.osteoprogenitors.min() >= 0


def test_recruiting_gives_each_voxel_its_number() -> None:
    """New osteoblasts stand where they were asked for, with fresh ids and the site of the voxel."""
    sim = eroded()
    state = sim.state
    voxels, number = np.flatnonzero(state.phase)[:4], np.array([2, 0, 1, 3])
    recruit_osteoblasts(sim.backend, state, sim.clock, voxels, number)
    assert state.osteoblasts.voxel.tolist() == np.repeat(voxels, number).tolist()
    assert state.osteoblasts.id.tolist() == [1, 2, 3, 4, 5, 6]
    assert (state.osteoblasts.owed == 0).all()
    recruit_osteoblasts(sim.backend, state, sim.clock, voxels, 0 * number)
    assert state.counters["osteoblasts_born"] == len(state.osteoblasts) == 6
