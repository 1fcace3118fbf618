"""The loops of the steady-field solver on the CPU; the method is told in :mod:`trabsim.backends.steady`.

The two colors are stored apart, so that every loop runs over neighboring memory: voxel (z, y, x) lies at
``[color, z + 1, y + 1, (x >> 1) + 1]`` with ``color = (z + y + x) & 1``, inside a border of zeros. ``odd`` is
1 where the voxels of a color have odd x in a row.  Loops over a row get slices of equal length, which the
compiler can turn into vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_ONE, _ZERO = np.float32(1), np.float32(0)
_OUTSIDE = np.uint8(7)


@njit
def _add(row, n):
    for x in range(n.size):
        n[x] += row[x] != 0


@njit
def _count_neighbors(domain, z, y, n, code):
    """Write the code of every voxel of a row: neighbors in the domain, or outside; ``n`` is scratch."""
    nz, ny, nx = domain.shape
    n[:] = 0
    if z > 0:
        _add(domain[z - 1, y], n)
    if z < nz - 1:
        _add(domain[z + 1, y], n)
    if y > 0:
        _add(domain[z, y - 1], n)
    if y < ny - 1:
        _add(domain[z, y + 1], n)
    row = domain[z, y]
    for x in range(nx - 1):
        n[x] += row[x + 1] != 0
        n[x + 1] += row[x] != 0
    for x in range(nx):
        code[x] = n[x] if row[x] != 0 else _OUTSIDE


@njit
def _pack_row(source, field, n, packed, forcing, code):
    """Sort every second voxel of a row; say whether there is any source."""
    active = False
    for i in range(n.size):
        inside = n[i] < _OUTSIDE
        code[i] = n[i]
        packed[i] = field[i] if inside else _ZERO
        forcing[i] = source[i] if inside else _ZERO
        active |= forcing[i] != _ZERO
    return active


@njit(cache=True, parallel=True)
def pack(source, domain, field, packed, forcing, code, active):
    """Sort guess, source and number of neighbors by color; say per z whether there is any source."""
    nz, ny, nx = domain.shape
    for z in prange(nz):
        n, row_code = np.empty(nx, np.uint8), np.empty(nx, np.uint8)
        active[z] = False
        for y in range(ny):
            _count_neighbors(domain, z, y, n, row_code)
            for odd in range(2):
                q, end = (z + y + odd) & 1, 1 + (nx + 1 - odd) // 2
                active[z] |= _pack_row(
                    source[z, y, odd::2], field[z, y, odd::2], row_code[odd::2], packed[q, z + 1, y + 1,
                    1:end], forcing[q, z + 1, y + 1, 1:end], code[q, z + 1, y + 1, 1:end],
                )  # fmt: skip


@njit(cache=True, parallel=True)
def find_spans(code, span):
    """Write the first and one past the last voxel of the domain in every row, of either color."""
    _colors, nz, ny, width = code.shape
    for z in prange(1, nz - 1):
        for y in range(1, ny - 1):
            a, b = 1, width - 1
            while a < b and code[0, z, y, a] == _OUTSIDE and code[1, z, y, a] == _OUTSIDE:
                a += 1
            while a < b and code[0, z, y, b - 1] == _OUTSIDE and code[1, z, y, b - 1] == _OUTSIDE:
                b -= 1
            span[z, y, 0], span[z, y, 1] = a, b


@njit(error_model="numpy")
def _update(c, f, n, below, above, front, back, left, right, length2, omega):
    for i in range(c.size):
        around = ((below[i] + above[i]) + (front[i] + back[i])) + (left[i] + right[i])
        target = (f[i] + length2 * around) / (_ONE + length2 * np.float32(n[i]))
        value = c[i] + omega * (target - c[i])
        c[i] = value if n[i] < _OUTSIDE else _ZERO


@njit(cache=True, parallel=True, error_model="numpy")
def half_sweep(own, other, forcing, code, color, length2, omega, span):
    """Update every voxel of one color; ``own``, ``forcing`` and ``code`` are of that color."""
    nz, ny, _width = own.shape
    for z in prange(1, nz - 1):
        for y in range(1, ny - 1):
            a, b = span[z, y, 0], span[z, y, 1]
            if a == b:
                continue
            odd = (color + z + y) & 1
            _update(
                own[z, y, a:b], forcing[z, y, a:b], code[z, y, a:b],
                other[z - 1, y, a:b], other[z + 1, y, a:b], other[z, y - 1, a:b], other[z, y + 1, a:b],
                other[z, y, a - 1 + odd : b - 1 + odd], other[z, y, a + odd : b + odd], length2, omega,
            )  # fmt: skip


@njit
def _add_field(n, c, length2, total, peak):
    for i in range(total.size):
        weight = np.float64(_ONE + length2 * np.float32(n[i])) if n[i] < _OUTSIDE else 0.0
        value = np.float64(c[i])
        total[i] += (value * value) * weight
        peak[i] = max(peak[i], abs(value))


@njit
def _add_change(n, c, guess, length2, total, peak):
    for i in range(total.size):
        weight = np.float64(_ONE + length2 * np.float32(n[i])) if n[i] < _OUTSIDE else 0.0
        value = np.float64(c[i]) - np.float64(guess[i]) if n[i] < _OUTSIDE else 0.0
        total[i] += (value * value) * weight
        peak[i] = max(peak[i], abs(value))


@njit(cache=True, parallel=True)
def measure(packed, code, guess, length2, sums, peaks):
    """Take sums of weighted squares, and peaks, along y; see :func:`trabsim.backends.steady.gather`."""
    nz, ny, nx = guess.shape
    for z in prange(nz):
        sums[:, z] = 0.0
        peaks[:, z] = 0.0
        for y in range(ny):
            for q in range(2):
                odd = (q + z + y) & 1
                m = (nx + 1 - odd) // 2
                n, c = code[q, z + 1, y + 1, 1 : m + 1], packed[q, z + 1, y + 1, 1 : m + 1]
                _add_field(n, c, length2, sums[q, z, :m], peaks[q, z, :m])
                if q == 1:
                    _add_change(n, c, guess[z, y, odd::2], length2, sums[2, z, :m], peaks[2, z, :m])


@njit(cache=True, parallel=True)
def unpack(packed, field):
    """Write the field back in lattice order, zero outside the domain."""
    nz, ny, _nx = field.shape
    for z in prange(nz):
        for y in range(ny):
            for odd in range(2):
                row = packed[(z + y + odd) & 1, z + 1, y + 1, 1:]
                out = field[z, y, odd::2]
                for i in range(out.size):
                    out[i] = row[i]
