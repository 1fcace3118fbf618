"""Mineral by age: nothing in osteoid, most within weeks, the rest over years."""

from __future__ import annotations

import numpy as np
import pytest

from trabsim.backends import get_backend
from trabsim.tissue.mineral import MineralParams, mineral_fraction, mineral_mg_per_cm3, mineral_table

PARAMS = MineralParams(
    lag_days=12.0, primary_fraction=0.7, primary_days=6.0, secondary_days=900.0, full_mg_per_cm3=1200.0
)


def test_osteoid_holds_no_mineral() -> None:
    """Up to the end of the lag there is none; right after it there is some."""
    assert (mineral_fraction(np.array([-5.0, 0.0, 6.0, 12.0]), PARAMS) == 0).all()
    assert mineral_fraction(np.array([12.5]), PARAMS)[0] > 0


def test_two_phases() -> None:
    """The fast share is there within weeks, the slow one follows its own time constant; both saturate at 1."""
    fast = mineral_fraction(np.array([12.0 + 60.0]), PARAMS)[0]
    assert fast == pytest.approx(0.7 + 0.3 * (1 - np.exp(-60 / 900)), abs=1e-4)
    half_slow = mineral_fraction(np.array([12.0 + 900.0 * np.log(2)]), PARAMS)[0]
    assert half_slow == pytest.approx(0.85, abs=1e-6)
    assert mineral_fraction(np.array([1e6]), PARAMS)[0] == pytest.approx(1.0, abs=1e-9)
    ages = np.arange(0.0, 20_000.0)
    assert (np.diff(mineral_fraction(ages, PARAMS)) >= 0).all()


@pytest.mark.parametrize(
    "params", [PARAMS, MineralParams(lag_days=0.0, primary_fraction=0.5, secondary_days=400.0)]
)
def test_table_covers_all_ages_that_matter(params: MineralParams) -> None:
    """The table holds the law by whole days; what lies beyond its end differs by less than 1e-5 of full mineral."""
    table = mineral_table(params)
    ages = np.arange(table.size)
    np.testing.assert_allclose(table, mineral_fraction(ages, params) * params.full_mg_per_cm3)
    assert params.full_mg_per_cm3 - table[-1] < 1e-5 * params.full_mg_per_cm3


def test_mineral_of_voxels() -> None:
    """Each voxel has the mineral of its age; matrix of the future has none, the oldest is full."""
    formed = np.array([[100, 88], [0, 500], [-100_000, 70]], np.int32)
    got = mineral_mg_per_cm3(formed, 100, PARAMS, get_backend("numpy", threads=1))
    expected = mineral_fraction(100 - formed.astype(float), PARAMS) * 1200.0
    assert got.dtype == np.float32
    assert got.shape == formed.shape
    np.testing.assert_allclose(got, expected, rtol=2e-5)
    assert got[0].tolist() == [0.0, 0.0]


def test_steady_turnover_gives_the_laplace_transform() -> None:
    """With ages spread exponentially (mean T) the mean is sum of share x e^(-lag/T) x T / (T + tau)."""
    mean_age = 3000.0
    ages = np.arange(0.0, 120_000.0) + 0.5
    weight = np.exp(-ages / mean_age)
    mean = (weight * mineral_fraction(ages, PARAMS)).sum() / weight.sum()
    late = np.exp(-12.0 / mean_age)
    expected = late * (0.7 * mean_age / (mean_age + 6.0) + 0.3 * mean_age / (mean_age + 900.0))
    assert mean == pytest.approx(expected, rel=1e-5)
