"""Random numbers by counter: pure functions of their arguments, with exact distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trabsim.backends import get_backend
from trabsim.backends.binomial import integer_power
from trabsim.rng import Random, Stream

BACKEND = get_backend("numpy", threads=1)
RANDOM = Random(BACKEND, seed=11)
MANY = np.arange(200_000, dtype=np.int64)


def test_streams_have_one_number_each() -> None:
    """No two decisions share a stream, and their numbers are positive (0 is nobody's)."""
    numbers = [int(stream) for stream in Stream]
    assert len(set(Stream.__members__)) == len(set(numbers)) == len(numbers)
    assert min(numbers) >= 1


def test_a_number_depends_on_its_arguments_alone() -> None:
    """Order, shape and company of the ids do not matter; negative days of the spin-up are days like others."""
    for day in (-730, -1, 0, 5):
        all_at_once = RANDOM.uniform(Stream.ACTIVATION, day, MANY[:1000])
        assert (
            RANDOM.uniform(Stream.ACTIVATION, day, MANY[:1000][::-1])[::-1].tobytes() == all_at_once.tobytes()
        )
        assert RANDOM.uniform(Stream.ACTIVATION, day, MANY[500:501])[0] == all_at_once[500]
        square = RANDOM.uniform(Stream.ACTIVATION, day, MANY[:1000].reshape(10, 100))
        assert square.ravel().tobytes() == all_at_once.tobytes()


def test_every_argument_matters() -> None:
    """Seed, stream, day, id and draw each give other numbers."""
    ids = MANY[:500]
    base = RANDOM.uniform(Stream.ACTIVATION, 3, ids)
    others = [
        Random(BACKEND, 12).uniform(Stream.ACTIVATION, 3, ids),
        RANDOM.uniform(Stream.OSTEOCLAST_MOVE, 3, ids),
        RANDOM.uniform(Stream.ACTIVATION, 4, ids),
        RANDOM.uniform(Stream.ACTIVATION, 2**32 - 4, ids),
        RANDOM.uniform(Stream.ACTIVATION, 3, ids + 500),
        RANDOM.uniform(Stream.ACTIVATION, 3, ids, draw=1),
    ]
    for other in others:
        assert not np.isclose(base, other, rtol=0, atol=1e-12).any()
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.2


# ---------------------------------------------------------------------- rounding
def test_rounding_keeps_the_mean_and_goes_to_a_neighbor() -> None:
    """Each result is the whole number below or above; the mean is that of the expectation (5 sigma)."""
    for expected in (0.0, 0.003, 0.37, 2.5, 41.999):
        got = RANDOM.round(Stream.OSTEOBLAST_RECRUIT, 1, MANY, np.full(MANY.shape, expected))
        assert got.dtype == np.int64
        assert set(np.unique(got)) <= {int(np.floor(expected)), int(np.floor(expected)) + 1}
        part = expected % 1.0
        assert abs(got.mean() - expected) <= 5 * np.sqrt(part * (1 - part) / MANY.size)


def test_whole_numbers_stay() -> None:
    """A whole expectation is never changed."""
    whole = MANY % 17
    assert (RANDOM.round(Stream.OSTEOBLAST_RECRUIT, 1, MANY, whole.astype(np.float64)) == whole).all()


# ---------------------------------------------------------------------- binomial
@pytest.mark.parametrize("p", [1e-4, 0.03, 0.2, 0.5])
@pytest.mark.parametrize("n", [1, 7, 60, 500])
def test_binomial_is_the_quantile_of_its_uniform(n: int, p: float) -> None:
    """Draw for draw, the count is the inverse of the distribution function at the uniform number."""
    ids = MANY[:20_000]
    got = RANDOM.binomial(Stream.PRECURSOR_SUPPLY, 9, ids, np.full(ids.shape, n), p)
    u = RANDOM.uniform(Stream.PRECURSOR_SUPPLY, 9, ids)
    assert (got == stats.binom.ppf(u, n, p)).all()


def test_large_probabilities_are_mirrored() -> None:
    """Above one half, failures are drawn instead of successes, to the same law."""
    ids = MANY[:20_000]
    got = RANDOM.binomial(Stream.PRECURSOR_SUPPLY, 9, ids, np.full(ids.shape, 40), 0.83)
    u = RANDOM.uniform(Stream.PRECURSOR_SUPPLY, 9, ids)
    assert (got == 40 - stats.binom.ppf(u, 40, 1 - 0.83)).all()


@pytest.mark.parametrize(("n", "p"), [(3, 0.3), (200, 0.05), (500, 0.4), (1700, 0.1), (4000, 0.9)])
def test_binomial_has_mean_and_variance(n: int, p: float) -> None:
    """Mean n p and variance n p (1 - p), also where long rows are drawn in parts (5 sigma)."""
    got = RANDOM.binomial(Stream.PRECURSOR_COMMIT, 2, MANY[:60_000], np.full(60_000, n), p)
    variance = n * p * (1 - p)
    assert abs(got.mean() - n * p) < 5 * np.sqrt(variance / got.size)
    kurtosis = 3 + (1 - 6 * p * (1 - p)) / variance
    assert abs(got.var() - variance) < 5 * variance * np.sqrt((kurtosis - 1) / got.size)


def test_binomial_extremes() -> None:
    """No trials, no chance and certainty give 0, 0 and all; nothing ever leaves 0..n."""
    ids = MANY[:3000]
    n = ids % 1200
    for p, expected in ((0.0, 0 * n), (1.0, n)):
        assert (RANDOM.binomial(Stream.PRECURSOR_DEATH, 0, ids, n, p) == expected).all()
    got = RANDOM.binomial(Stream.PRECURSOR_DEATH, 0, ids, n, ids / 3000.0)
    assert ((got >= 0) & (got <= n)).all()
    nobody = np.zeros(0, np.int64)
    assert RANDOM.binomial(Stream.PRECURSOR_DEATH, 0, nobody, nobody, 0.5).shape == (0,)


def test_each_id_has_its_own_chance() -> None:
    """n and p may differ from id to id; each draw is what it would be alone."""
    ids = MANY[:400]
    n, p = ids % 90, (ids % 11) / 11.0
    together = RANDOM.binomial(Stream.OSTEOMORPH_DEATH, 5, ids, n, p)
    for i in (0, 57, 89, 399):
        alone = RANDOM.binomial(Stream.OSTEOMORPH_DEATH, 5, ids[i : i + 1], n[i : i + 1], p[i : i + 1])
        assert alone[0] == together[i]


def test_integer_power_by_products_alone() -> None:
    """`integer_power` is the power, to rounding; 0 and 1 are exact."""
    base = np.array([0.0, 1.0, 0.5, 0.97, 1.02, 0.0])
    exponent = np.array([0, 500, 30, 499, 77, 3])
    got = integer_power(np, base, exponent)
    np.testing.assert_allclose(got, base ** exponent.astype(float), rtol=1e-13)
    assert got[0] == 1.0
    assert got[1] == 1.0
    assert got[2] == 0.5**30
