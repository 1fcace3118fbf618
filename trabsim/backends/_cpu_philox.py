"""Philox4x32-10 on the CPU, id by id; the words live in registers.

Waking threads costs more than a few thousand draws do, so short arrays have loops of their own.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32, _5, _6, _26 = np.uint64(32), np.uint64(5), np.uint64(6), np.uint64(26)
_SCALE = 2.0**-53


@njit(inline="always")
def _words(c0, c1, c2, c3, k0, k1):
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW, (p0 >> _32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(inline="always")
def _fraction(high, low):
    return np.float64(((high >> _5) << _26) | (low >> _6)) * _SCALE


@njit(inline="always")
def _draw(id_, day, draw, k0, k1):
    c = np.uint64(id_)
    return _words(c & _LOW, c >> _32, day, draw, k0, k1)


@njit(cache=True)
def fill_few(ids, day, draw, k0, k1, out):
    """Write one number per id; ``ids`` is int64, all scalars are uint64."""
    for i in range(ids.size):
        w0, w1, _w2, _w3 = _draw(ids[i], day, draw, k0, k1)
        out[i] = _fraction(w0, w1)


@njit(cache=True, parallel=True)
def fill_many(ids, day, draw, k0, k1, out):
    """Write one number per id, in parallel."""
    for i in prange(ids.size):
        w0, w1, _w2, _w3 = _draw(ids[i], day, draw, k0, k1)
        out[i] = _fraction(w0, w1)


@njit(cache=True)
def fill_pairs_few(ids, day, draw, k0, k1, first, second):
    """Write two numbers per id."""
    for i in range(ids.size):
        w0, w1, w2, w3 = _draw(ids[i], day, draw, k0, k1)
        first[i] = _fraction(w0, w1)
        second[i] = _fraction(w2, w3)


@njit(cache=True, parallel=True)
def fill_pairs_many(ids, day, draw, k0, k1, first, second):
    """Write two numbers per id, in parallel."""
    for i in prange(ids.size):
        w0, w1, w2, w3 = _draw(ids[i], day, draw, k0, k1)
        first[i] = _fraction(w0, w1)
        second[i] = _fraction(w2, w3)
