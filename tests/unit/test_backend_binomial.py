"""Binomial counts: the compiled walk takes the very steps of the array code, and follows the distribution."""

import numpy as np
import pytest

from trabsim.backends import get_backend
from trabsim.backends.binomial import binomial_inversion


@pytest.fixture
def draws():
    rng = np.random.default_rng(7)
    return rng.random(3000), rng.integers(0, 400, 3000), rng.random(3000) * 0.5


def test_compiled_counts_equal_the_array_code(draws):
    np.testing.assert_array_equal(
        get_backend("numpy").binomial_inversion(*draws), binomial_inversion(np, *draws)
    )


def test_counts_are_the_quantiles_of_the_distribution(draws):
    from scipy.stats import binom

    u, n, p = draws
    wanted = binom.ppf(u, n, p)
    off = np.abs(get_backend("numpy").binomial_inversion(u, n, p) - np.maximum(wanted, 0))
    assert off.max() <= 1  # a uniform number within rounding of a step may fall on either side
    assert (off > 0).mean() < 1e-3


def test_no_trials_and_no_chance_give_none():
    backend = get_backend("numpy")
    u = np.array([0.0, 0.999999])
    assert backend.binomial_inversion(u, np.array([0, 0]), np.array([0.3, 0.3])).tolist() == [0, 0]
    assert backend.binomial_inversion(u, np.array([50, 50]), np.array([0.0, 0.0])).tolist() == [0, 0]
