"""Tabulated functions: within the error bound of linear interpolation, exact at the nodes, clipped at the ends."""

from __future__ import annotations

import numpy as np
import pytest

from trabsim.backends import get_backend
from trabsim.lookup import LookupTable, decay_table, power_table

BACKEND = get_backend("numpy", threads=1)


@pytest.mark.parametrize("entries", [16, 64, 1024])
def test_error_bound(entries: int) -> None:
    """|error| <= step^2 / 8 x largest curvature, plus the twelve digits that are kept."""
    table = LookupTable(np.exp, -1.0, 2.0, entries)
    x = np.linspace(-1.0, 2.0, 10_007)
    step = 3.0 / entries
    error = np.abs(table(BACKEND, x) - np.exp(x))
    assert error.max() <= step**2 / 8 * np.exp(2.0) + 1e-10
    assert error.max() > step**2 / 8 * np.exp(-1.0), "the bound is not met by accident"


def test_nodes_are_exact_to_twelve_digits() -> None:
    """At the nodes the table holds the function, but for the digits in which math libraries differ."""
    table = LookupTable(np.exp, 0.0, 8.0, 32)
    x = np.linspace(0.0, 8.0, 33)
    np.testing.assert_allclose(table(BACKEND, x), np.exp(x), rtol=5e-12)
    assert all(float(f"{value:.11e}") == value for value in table.values)


def test_last_bits_of_the_function_do_not_matter() -> None:
    """Two libraries that differ in the last bit give the same table."""
    one = LookupTable(lambda x: np.exp(-x) + 0.125, 0.0, 3.0, 50)
    other = LookupTable(lambda x: np.nextafter(np.exp(-x) + 0.125, 9.0), 0.0, 3.0, 50)
    assert (one.values == other.values).all()


def test_arguments_outside_are_clipped() -> None:
    """Below and above the range the end values hold."""
    table = LookupTable(np.square, 1.0, 3.0, 10)
    np.testing.assert_array_equal(table(BACKEND, np.array([-5.0, 1.0, 3.0, 99.0])), [1.0, 1.0, 9.0, 9.0])


def test_shape_is_kept() -> None:
    """Any shape of argument gives that shape; the function is called once."""
    calls = []

    def square(x: np.ndarray) -> np.ndarray:
        calls.append(x)
        return x * x

    table = LookupTable(square, 0.0, 1.0, 8)
    assert table(BACKEND, np.zeros((3, 4))).shape == (3, 4)
    assert table(BACKEND, np.zeros(0)).shape == (0,)
    assert len(calls) == 1


@pytest.mark.parametrize("exponent", [0.5, 0.7, 1.0, 2.0])
def test_powers(exponent: float) -> None:
    """x ** a: 0 at 0, 1 at 1, rising, and close from 0.05 to 16."""
    table = power_table(exponent)
    x = np.linspace(0.05, 16.0, 4001)
    np.testing.assert_allclose(table(BACKEND, x), x**exponent, rtol=1e-4, atol=2e-6)
    assert table(BACKEND, np.array([0.0]))[0] == 0.0
    assert table(BACKEND, np.array([1.0]))[0] == 1.0
    assert (np.diff(table(BACKEND, x)) > 0).all()


def test_decay_halves() -> None:
    """2 ** (-x / half life): 1 at 0, halved by each half life."""
    table = decay_table(90.0, 900.0)
    got = table(BACKEND, np.arange(0.0, 901.0, 90.0))
    np.testing.assert_allclose(got, 0.5 ** np.arange(11), rtol=1e-6)
