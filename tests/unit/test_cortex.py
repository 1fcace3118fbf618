"""The cortical compartment: a mass balance that rests in health and loses what the balance says."""

from __future__ import annotations

import pytest
from small_bone import slab, wake

from trabsim.clock import Clock
from trabsim.tissue.cortex import CortexParams, CorticalCompartment, step_cortex
from trabsim.units import DAYS_PER_YEAR

PARAMS = CortexParams(
    turnover_per_year=0.05, refill_days=80.0, balance=1.0, secondary_fraction=0.3, secondary_days=700.0
)


def rest(p: CortexParams = PARAMS) -> tuple[float, float, float]:
    """Volume, credit and missing slow mineral of a compartment at rest with occupancy 1 and balance 1."""
    turnover = p.turnover_per_year / DAYS_PER_YEAR
    return 1.0, turnover * p.refill_days, turnover * p.secondary_fraction / (1 / p.secondary_days + turnover)


def test_health_is_a_steady_state() -> None:
    """With occupancy 1 and balance 1 nothing changes in twenty years."""
    start = rest()
    state = start
    for _ in range(20 * 365):
        *state, resorbed, formed = step_cortex(*state, 1.0, 1.0, PARAMS)
    for now, then in zip(state, start):
        assert now == pytest.approx(then, rel=1e-9)
    assert resorbed == pytest.approx(formed, rel=1e-9)


@pytest.mark.parametrize(("drive", "balance"), [(0.1, 1.0), (1.0, 0.95), (2.5, 1.0), (2.5, 0.9)])
def test_bone_and_credit_balance_every_day(drive: float, balance: float) -> None:
    """Volume changes by formed - resorbed; what is resorbed is refilled, all but the share that balance lacks."""
    state = rest()
    lost = 0.0
    for _ in range(3000):
        volume, credit, young = state
        volume_next, credit_next, young_next, resorbed, formed = step_cortex(
            volume, credit, young, drive, balance, PARAMS
        )
        assert volume_next - volume == pytest.approx(formed - resorbed, abs=1e-15)
        refilled = credit / PARAMS.refill_days
        assert formed == pytest.approx(balance * refilled, abs=1e-15)
        lost += refilled - formed
        state = volume_next, credit_next, young_next
        assert 0 <= young_next < volume_next
    assert sum(state[:2]) + lost == pytest.approx(sum(rest()[:2]), rel=1e-12)


def test_low_occupancy_gains_high_occupancy_loses() -> None:
    """Fewer open sites: the space refills and bone ages; more: the space opens.  It holds the remodeling space."""
    volumes = {}
    for drive in (0.1, 1.0, 3.0):
        state = rest()
        for _ in range(730):
            *state, _, _ = step_cortex(*state, drive, 1.0, PARAMS)
        volumes[drive] = state[0]
        assert sum(state[:2]) == pytest.approx(sum(rest()[:2]), rel=1e-12)
    assert volumes[0.1] > volumes[1.0] > volumes[3.0]


def test_the_process_starts_at_rest_and_stays_there() -> None:
    """With occupancy 1, full estrogen response and balance 1 the compartment keeps its volume and mineral."""
    sim = wake(slab((16, 16, 16), thick=8.0))
    state = sim.state
    state.levels |= {"phi": 1.0, "estrogen_response": 1.0}
    process = CorticalCompartment(PARAMS, sim.backend)
    process.apply(state, Clock(0))
    first = state.levels["cortical_mineral"]
    for day in range(1, 400):
        process.apply(state, Clock(day))
    assert state.levels["cortical_volume"] == pytest.approx(1.0, rel=1e-9)
    assert state.levels["cortical_mineral"] == pytest.approx(first, rel=1e-9)
    assert state.levels["cortical_resorption"] == pytest.approx(state.levels["cortical_formation"], rel=1e-9)


def test_without_estrogen_the_balance_is_negative() -> None:
    """Loss of estrogen response costs bone even at unchanged occupancy."""
    sim = wake(slab((16, 16, 16), thick=8.0))
    sim.state.levels |= {"phi": 1.0, "estrogen_response": 0.0}
    process = CorticalCompartment(PARAMS, sim.backend)
    for day in range(2000):
        process.apply(sim.state, Clock(day))
    assert sim.state.levels["cortical_volume"] < 1.0
