"""Microdamage: grows with strain energy and age, is diluted by formation, leaves with resorption."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_bone import BUSY, LOADED, add_osteoblasts, begin, feel, named, rods, slab, specimen, wake

from trabsim.simulation import Simulation
from trabsim.state import FULL

DAMAGE: dict[str, Any] = LOADED | {
    "microdamage.growth_per_year": 0.1,
    "microdamage.energy_exponent": 2,
    "microdamage.age_doubling_years": 20.0,
    "microdamage.most": 3.0,
    "mechanics.target_MPa": 0.02,
}
MONTH = 0.1 * 30 / 365.25


def block(settings: dict[str, Any] | None = None, energy_MPa: float = 0.02, born: int = 0) -> Simulation:
    """A block of matrix of one age, under one strain energy density, without damage."""
    sim = begin(specimen(np.ones((6, 6, 6))), DAMAGE | (settings or {}))
    sim.state.strain_energy[...] = energy_MPa
    sim.state.formed_day[...] = born
    return sim


def wear(sim: Simulation, months: int = 1) -> float:
    """Damage after some months of the same."""
    for _ in range(months):
        named(sim, "microdamage").apply(sim.state, sim.clock)
    assert np.ptp(sim.state.microdamage) == 0
    return float(sim.state.microdamage[3, 3, 3])


def test_a_month_at_the_target_adds_a_twelfth_of_the_yearly_growth() -> None:
    assert wear(block()) == pytest.approx(MONTH, rel=1e-5)
    assert wear(block(), months=5) == pytest.approx(5 * MONTH, rel=1e-5)


@pytest.mark.parametrize("exponent", [0, 1, 2, 4])
def test_it_grows_with_its_power_of_strain_energy(exponent: int) -> None:
    got = wear(block({"microdamage.energy_exponent": exponent}, energy_MPa=0.03))
    assert got == pytest.approx(MONTH * 1.5**exponent, rel=1e-5)


def test_unloaded_matrix_is_not_damaged() -> None:
    assert wear(block(energy_MPa=0.0)) == 0.0


def test_old_matrix_is_damaged_faster() -> None:
    """Twice as fast at the age that is set, in proportion between."""
    assert wear(block(born=-7305)) == pytest.approx(2 * MONTH, rel=1e-5)
    assert wear(block(born=-3653)) == pytest.approx(1.5 * MONTH, rel=1e-3)


def test_the_interval_does_not_change_the_yearly_growth() -> None:
    short = wear(block({"microdamage.every_days": 5}), months=6)
    assert short == pytest.approx(wear(block()), rel=1e-5)


def test_it_saturates() -> None:
    assert wear(block({"microdamage.most": 0.02}), months=9) == pytest.approx(0.02)
    # a single voxel under a huge load counts as ten times the target
    assert wear(block({"microdamage.most": 100.0}, energy_MPa=1e9)) == pytest.approx(100 * MONTH, rel=1e-5)


def test_marrow_holds_none_and_what_is_resorbed_takes_it_along() -> None:
    sim = block()
    wear(sim)
    sim.state.bone[:3] = 0
    sim.state.bone[3] //= 2
    named(sim, "microdamage").apply(sim.state, sim.clock)
    damage = sim.state.microdamage
    assert not damage[:3].any()
    np.testing.assert_allclose(damage[3:], 2 * MONTH, rtol=1e-5)  # part of a voxel leaves with its part of it


def test_new_matrix_dilutes_it() -> None:
    """Formation brings sound matrix: damage per matrix falls as the voxel fills, the amount stays."""
    sim = wake(slab((16, 16, 16), thick=8.6), {"osteoblasts.oldest_days": 60})
    state = sim.state
    top = state.surface.index[(state.bone.ravel()[state.surface.index] < FULL)][:40]
    state.microdamage.ravel()[top] = 0.8
    amount = state.bone.ravel()[top] * state.microdamage.ravel()[top].astype(float)
    add_osteoblasts(sim, top)
    for day in range(12):
        sim.clock.day = day
        named(sim, "formation").apply(state, sim.clock)
    filled = state.bone.ravel()[top].astype(float)
    assert (filled > 1.04 * amount / 0.8).sum() > 20
    np.testing.assert_allclose(filled * state.microdamage.ravel()[top], amount, rtol=2e-3)


def test_remodeling_keeps_a_loaded_piece_less_damaged() -> None:
    """Months of turnover against none, under the same loads."""
    means = []
    for rate in (0.0, 80.0):
        settings = (
            BUSY
            | DAMAGE
            | {
                "activation.rate_per_mm2_per_year": rate,
                "microdamage.energy_exponent": 0,
                "microdamage.every_days": 10,
            }
        )
        sim = begin(rods(24), settings)
        for _ in range(81):
            sim.step()
        bone = sim.state.bone
        means.append(float((sim.state.microdamage.astype(float) * bone).sum() / bone.sum(dtype=np.int64)))
    assert 0 < means[1] < 0.9 * means[0]


def test_the_series_tells_the_mean_of_the_surface() -> None:
    sim = begin(rods(24), DAMAGE)
    sim.step()
    sim.state.microdamage[...] = 0.25
    assert sim.measure(microarchitecture=False)["microdamage"] == pytest.approx(0.25, abs=1e-5)
    feel(sim, 30)
    assert sim.measure(microarchitecture=False)["microdamage"] == pytest.approx(0.25, abs=1e-5)
