"""The loops around the elastic operators on the CPU: smoothing, transfer between levels, conjugate gradients.

What they compute is told in :mod:`trabsim.backends.elastic`. Every output is written by one thread, and every
sum is taken in one order, so results do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_BLOCK = 4096  # nodes per task
_SUM = 1024  # numbers per partial sum


@njit(cache=True, parallel=True, error_model="numpy")
def apply_blocks(start, neighbor, blocks, u, out):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.apply_blocks`."""
    n = out.shape[0]
    for b in prange((n + 255) // 256):
        for i in range(256 * b, min(256 * (b + 1), n)):
            x = y = z = np.float32(0)
            for j in range(start[i], start[i + 1]):
                k, m = blocks[j], neighbor[j]
                u0, u1, u2 = u[m, 0], u[m, 1], u[m, 2]
                x += (k[0] * u0 + k[1] * u1) + k[2] * u2
                y += (k[3] * u0 + k[4] * u1) + k[5] * u2
                z += (k[6] * u0 + k[7] * u1) + k[8] * u2
            out[i, 0], out[i, 1], out[i, 2] = x, y, z


@njit(inline="always")
def _solve(inverse, r, i):
    d, r0, r1, r2 = inverse[i], r[i, 0], r[i, 1], r[i, 2]
    return (
        (d[0] * r0 + d[1] * r1) + d[2] * r2,
        (d[1] * r0 + d[3] * r1) + d[4] * r2,
        (d[2] * r0 + d[4] * r1) + d[5] * r2,
    )


@njit(cache=True, parallel=True, error_model="numpy")
def smooth_first(inverse, r, b, d, x, add):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_first`."""
    n = r.shape[0]
    for task in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(_BLOCK * task, min(_BLOCK * (task + 1), n)):
            s = _solve(inverse, r, i)
            for c in range(3):
                d[i, c] = b * s[c]
                x[i, c] = x[i, c] + d[i, c] if add else d[i, c]


@njit(cache=True, parallel=True, error_model="numpy")
def smooth_next(inverse, r, q, a, b, d, x):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_next`."""
    n = r.shape[0]
    for task in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(_BLOCK * task, min(_BLOCK * (task + 1), n)):
            for c in range(3):
                r[i, c] = r[i, c] - q[i, c]
            s = _solve(inverse, r, i)
            for c in range(3):
                d[i, c] = a * d[i, c] + b * s[c]
                x[i, c] = x[i, c] + d[i, c]


@njit(cache=True, parallel=True, error_model="numpy")
def subtract(r, q):
    """``r -= q``."""
    n = r.shape[0]
    for task in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(_BLOCK * task, min(_BLOCK * (task + 1), n)):
            for c in range(3):
                r[i, c] = r[i, c] - q[i, c]


@njit(cache=True, parallel=True, error_model="numpy")
def prolong(parent, place, corners, weights, fixed, coarse, d, x):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.prolong`."""
    n = d.shape[0]
    zero = np.float32(0)
    for task in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(_BLOCK * task, min(_BLOCK * (task + 1), n)):
            v0 = v1 = v2 = zero
            for k in range(8):
                w = weights[place[i], k]
                if w != zero:
                    m = corners[parent[i], k]
                    v0 += w * coarse[m, 0]
                    v1 += w * coarse[m, 1]
                    v2 += w * coarse[m, 2]
            f = fixed[i]
            d[i, 0] = zero if f & 1 else v0
            d[i, 1] = zero if f & 2 else v1
            d[i, 2] = zero if f & 4 else v2
            for c in range(3):
                x[i, c] = x[i, c] + d[i, c]


@njit(cache=True, parallel=True, error_model="numpy")
def restrict(start, child, halvings, scales, r, coarse):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.restrict`."""
    n = coarse.shape[0]
    for task in prange((n + 511) // 512):
        for i in range(512 * task, min(512 * (task + 1), n)):
            v0 = v1 = v2 = np.float32(0)
            for j in range(start[i], start[i + 1]):
                w, m = scales[halvings[j]], child[j]
                v0 += w * r[m, 0]
                v1 += w * r[m, 1]
                v2 += w * r[m, 2]
            coarse[i, 0], coarse[i, 1], coarse[i, 2] = v0, v1, v2


@njit(cache=True, parallel=True, error_model="numpy")
def dot(a, b, partial):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.dot`; flat arrays."""
    for task in prange(partial.size):
        total = 0.0
        for i in range(_SUM * task, min(_SUM * (task + 1), a.size)):
            total += np.float64(a[i]) * np.float64(b[i])
        partial[task] = total


@njit(cache=True, parallel=True, error_model="numpy")
def advance(alpha, p, q, x, r, partial):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.advance`; flat arrays."""
    for task in prange(partial.size):
        total = 0.0
        for i in range(_SUM * task, min(_SUM * (task + 1), x.size)):
            x[i] = x[i] + alpha * p[i]
            r[i] = r[i] - alpha * q[i]
            total += r[i] * r[i]
        partial[task] = total


@njit(cache=True, parallel=True, error_model="numpy")
def turn(scale, z, beta, p):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.turn`; flat arrays."""
    n = p.size
    for task in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(_BLOCK * task, min(_BLOCK * (task + 1), n)):
            p[i] = scale * np.float64(z[i]) + beta * p[i]


@njit(cache=True, parallel=True, error_model="numpy")
def narrow(scale, r, out):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.narrow`; flat arrays."""
    n = r.size
    for task in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(_BLOCK * task, min(_BLOCK * (task + 1), n)):
            out[i] = np.float32(scale * r[i])
