"""What a densitometer reports: T-scores of both sexes with their class, texture, the distribution of mineral."""

from __future__ import annotations

import math

import numpy as np
import pytest
from small_bone import BUSY, begin, rods, solid

from trabsim.densitometry import areal_measures, density_measures, texture_score, who_class
from trabsim.factors import NEUTRAL
from trabsim.measures import core_of, volume_measures
from trabsim.simulation import Simulation
from trabsim.tissue.cortex import CortexParams


@pytest.fixture(scope="module")
def busy() -> Simulation:
    sim = begin(rods(20, period=10, radius=2.8), BUSY)
    for _ in range(60):
        sim.step()
    return sim


# ------------------------------------------------------------------- T-scores
def test_young_adults_have_a_t_score_of_zero(busy: Simulation) -> None:
    """With young trabecular density and a whole cortex, at every site, in either sex."""
    p = CortexParams()
    state = busy.state
    state.levels["cortical_mineral"] = 1.0
    for male in (0.0, 1.0):
        state.levels["sex_male"] = male
        row = areal_measures(state, p.young_vBMD_mg_per_cm3, p)
        for site in ("lumbar_spine", "total_hip", "femoral_neck"):
            assert row[f"{site}_BMD_relative"] == pytest.approx(1.0)
            assert row[f"{site}_T_score"] == pytest.approx(0.0, abs=1e-12)
        assert row["WHO_class"] == 0.0
        assert row["lumbar_spine_BMD_g_per_cm2"] == pytest.approx(1.057 if male else 1.064)
        assert row["total_hip_BMD_g_per_cm2"] == pytest.approx(1.067 if male else 0.971)
        assert row["femoral_neck_BMD_g_per_cm2"] == pytest.approx(0.858)


def test_a_standard_deviation_is_one_t_score(busy: Simulation) -> None:
    """Of the reference of one's own sex."""
    p = CortexParams()
    state = busy.state
    state.levels["cortical_mineral"] = 1.0
    for male, mean, spread in ((0.0, 1.064, 0.106), (1.0, 1.057, 0.110)):
        state.levels["sex_male"] = male
        trabecular = 1.0 - 2.0 * spread / mean / p.lumbar_spine_trabecular_share
        row = areal_measures(state, p.young_vBMD_mg_per_cm3 * trabecular, p)
        assert row["T_score"] == row["lumbar_spine_T_score"] == pytest.approx(-2.0)
        assert row["WHO_class"] == 1.0


def test_classes_of_the_who() -> None:
    """Normal above -1, osteoporosis from -2.5 down, osteopenia between."""
    assert [who_class(t) for t in (0.3, -0.99, -1.0, -2.49, -2.5, -4.0)] == [0, 0, 1, 1, 2, 2]
    assert math.isnan(who_class(float("nan")))


# -------------------------------------------------------------------- texture
def noise(n: int = 120) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, n))


def test_texture_of_a_ramp_is_two_and_of_noise_zero() -> None:
    """Smooth gradients have squared differences that grow with distance squared; noise has none that grow."""
    ramp = np.add.outer(np.arange(120.0), np.zeros(120))
    assert texture_score(ramp, 200.0) == pytest.approx(2.0, abs=1e-9)
    assert texture_score(noise(), 200.0) == pytest.approx(0.0, abs=0.02)
    walk = np.add.outer(*np.cumsum(noise()[:2], axis=1))
    assert texture_score(walk, 200.0) == pytest.approx(1.0, abs=0.3)


def test_texture_has_no_unit_and_needs_contrast_and_room() -> None:
    assert texture_score(7.0 * noise(), 200.0) == pytest.approx(texture_score(noise(), 200.0))
    assert math.isnan(texture_score(np.ones((50, 50)), 200.0))
    assert math.isnan(texture_score(noise(12), 40.0))


def test_texture_is_read_in_pixels_of_the_scanner() -> None:
    """Refining the lattice under the same projection changes nothing."""
    coarse = noise(30)
    fine = np.repeat(np.repeat(coarse, 5, axis=0), 5, axis=1)
    assert texture_score(fine, 40.0) == pytest.approx(texture_score(coarse, 200.0))


# -------------------------------------------------------------------- mineral
def test_mineral_distribution_of_two_ages() -> None:
    """Mean and spread of matrix past its osteoid lag: half new and half old bone, and osteoid that does not count."""
    sim = begin(solid(20))
    state, p = sim.state, sim.config.process.mineral
    state.formed_day[...] = -100_000
    state.formed_day[:, :, ::2] = -int(p.lag_days) - 60
    state.formed_day[:5] = 0  # osteoid
    got = density_measures(state, sim.backend, core_of(state), 0, sim.config)
    old = p.full_mg_per_cm3
    young = old * (p.primary_fraction + (1 - p.primary_fraction) * -math.expm1(-60.0 / p.secondary_days))
    assert got["TMD_mineralized_mg_per_cm3"] == pytest.approx((old + young) / 2, rel=1e-3)
    assert got["TMD_SD_mg_per_cm3"] == pytest.approx((old - young) / 2, rel=1e-2)
    assert got["TMD_mg_per_cm3"] < got["TMD_mineralized_mg_per_cm3"]


# ------------------------------------------------------------ potential volume
def test_potential_volume_counts_on_cells_as_they_are_today(busy: Simulation) -> None:
    """More, faster or longer-lived osteoblasts pay back more of what is owed; neutral factors change nothing."""

    def potential(**levels: float) -> float:
        state = busy.state
        before = dict(state.levels)
        state.levels |= {name: NEUTRAL[name] for name in NEUTRAL} | levels
        row = volume_measures(state, busy.backend, core_of(state), busy.config)
        state.levels = before
        return row["potential_BV_TV"]

    base = potential()
    assert potential(osteoblast_recruitment_factor=1.2) > base
    assert potential(matrix_rate_factor=1.2) > base
    assert potential(osteoblast_death_factor=0.5) > base > potential(osteoblast_death_factor=3.0)
