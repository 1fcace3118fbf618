"""Binomial counts by inversion, as array code: what every backend means by it."""

from __future__ import annotations

from typing import Any


def integer_power(xp: Any, base: Any, exponent: Any) -> Any:
    """Give ``base ** exponent`` for integer exponents by squaring: only products, so equal on every backend."""
    result = xp.ones(base.shape, xp.float64)
    square = base.copy()
    left = exponent.copy()
    while bool((left > 0).any()):
        result = xp.where(left % 2 == 1, result * square, result)
        square = square * square
        left = left // 2
    return result


def binomial_inversion(xp: Any, u: Any, n: Any, p: Any) -> Any:
    """Walk up the binomial distribution until its sum exceeds the uniform number ``u``."""
    q = 1.0 - p
    term = integer_power(xp, q, n)
    odds = p / q
    total = term.copy()
    k = xp.zeros(n.shape, xp.int64)
    going = (u >= total) & (k < n)
    while bool(going.any()):
        k = k + going
        term = xp.where(going, term * odds * (n - k + 1) / xp.maximum(k, 1), term)
        total = xp.where(going, total + term, total)
        going = going & (u >= total) & (k < n)
    return k
