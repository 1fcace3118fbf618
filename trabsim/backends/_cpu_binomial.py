"""Binomial counts by inversion on the CPU: the same products and sums as the array code, one entry at a time."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def binomial_inversion(u, n, p, out):
    """Write the binomial count of every entry to ``out``."""
    for i in range(u.size):
        q = 1.0 - p[i]
        term = 1.0
        square = q
        left = n[i]
        while left > 0:
            if left % 2 == 1:
                term = term * square
            square = square * square
            left = left // 2
        odds = p[i] / q
        total = term
        k = np.int64(0)
        while u[i] >= total and k < n[i]:
            k += 1
            term = term * odds * np.float64(n[i] - k + 1) / np.float64(k)
            total = total + term
        out[i] = k
