"""The laws of every day hold over years: nothing is made of nothing, and nothing is forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import begin, rods

from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase
from trabsim.tissue.ledger import credit_imbalance, matrix_imbalance


def live(sim: Simulation, days: int) -> None:
    """Run; the ledgers of the model stop the run where a law breaks, and these checks where they are blind."""
    state = sim.state
    for _ in range(days):
        sim.step()
        if sim.clock.day % 30:
            continue
        assert matrix_imbalance(state) == 0
        assert credit_imbalance(state) == 0
        credit = state.credit.astype(np.int64)
        assert credit.min() >= 0
        assert 0 <= state.bone.min() <= state.bone.max() <= FULL
        # credit belongs to surface: almost none may lie forgotten inside bone or marrow
        resorbed = max(state.counters.get("resorbed_quanta", 0), 1)
        assert credit[state.exposed == 0].sum() < 0.005 * resorbed + 20 * FULL
        # and little on surface that no site works on
        assert credit[state.phase == Phase.QUIESCENT].sum() < 0.03 * resorbed + 50 * FULL


def test_one_year() -> None:
    """A year through the final menstrual period, at four times the usual rate of activation."""
    sim = begin(rods(24), {"activation.rate_per_mm2_per_year": 4.0, "endocrine.age_years": 50.5})
    live(sim, 366)
    assert sim.state.counters["formed_quanta"] > 0


@pytest.mark.validate
def test_ten_years() -> None:
    """Ten years through menopause on a lattice of rods; also bone remains, and cells of every kind."""
    sim = begin(rods(32, 32.0, period=16, radius=3.5), {"endocrine.age_years": 49.0})
    live(sim, 3653)
    c, state = sim.state.counters, sim.state
    resorbed, formed = c["resorbed_quanta"] / c["initial_quanta"], c["formed_quanta"] / c["initial_quanta"]
    print(f"resorbed {resorbed:.2f}, formed {formed:.2f} of the bone at the start; sites {c['sites_opened']}")
    assert resorbed > 0.5
    assert formed > 0.3
    assert 0.3 < state.bone.sum(dtype=np.int64) / c["initial_quanta"] < 1.5
    assert len(state.osteocytes) > 0
