"""The loops of voxel elasticity on the CPU; what they compute is told in :mod:`trabsim.backends.elastic`.

Elements are taken ``_W`` at a time: their 24 displacements are gathered into rows of a small array, so that
the sums and differences of the element run over neighboring memory and become vector instructions. Layers of
elements with even z touch no node in common and are shared out over the threads, then those with odd z: every
node receives its shares in one order, whatever the number of threads. A layer of even z first clears the nodes it
touches, one of odd z last clears their fixed directions, so two parallel loops do it all.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_W = 16


@njit(inline="always")
def _pair(a, i, j):
    """Replace two rows by their sum and their difference."""
    for k in range(_W):
        low, high = a[i, k], a[j, k]
        a[i, k] = high + low
        a[j, k] = high - low


@njit(inline="always")
def _pair_back(a, i, j):
    """Do what transposes :func:`_pair`."""
    for k in range(_W):
        total, difference = a[i, k], a[j, k]
        a[i, k] = total - difference
        a[j, k] = total + difference


@njit(error_model="numpy")
def _to_modes(a):
    """Turn corner values into modes, in place: row 8 c + 4 z + 2 y + x of component c."""
    for c in range(0, 24, 8):
        for i in range(0, 8, 2):
            _pair(a, c + i, c + i + 1)
        for i in (0, 1, 4, 5):
            _pair(a, c + i, c + i + 2)
        for i in range(4):
            _pair(a, c + i, c + i + 4)


@njit(error_model="numpy")
def _from_modes(a):
    for c in range(0, 24, 8):
        for i in range(4):
            _pair_back(a, c + i, c + i + 4)
        for i in (0, 1, 4, 5):
            _pair_back(a, c + i, c + i + 2)
        for i in range(0, 8, 2):
            _pair_back(a, c + i, c + i + 1)


@njit(error_model="numpy")
def _stiffness(a, e, constants):
    """Turn modes of displacement into modes of force, in place, for the moduli ``e``."""
    lam, mu2, mu, lam3, mu3, k9 = (
        constants[0], constants[1], constants[2], constants[3], constants[4], constants[5]
    )  # fmt: skip
    zero = constants[6]
    for k in range(_W):
        ex, ey, ez = a[1, k], a[10, k], a[20, k]
        t = lam * ((ex + ey) + ez)
        xy, xz, yz = mu * (a[2, k] + a[9, k]), mu * (a[4, k] + a[17, k]), mu * (a[12, k] + a[18, k])
        a[0, k] = zero
        a[8, k] = zero
        a[16, k] = zero
        a[1, k] = e[k] * (t + mu2 * ex)
        a[10, k] = e[k] * (t + mu2 * ey)
        a[20, k] = e[k] * (t + mu2 * ez)
        a[2, k] = e[k] * xy
        a[9, k] = e[k] * xy
        a[4, k] = e[k] * xz
        a[17, k] = e[k] * xz
        a[12, k] = e[k] * yz
        a[18, k] = e[k] * yz
    for k in range(_W):
        u_xy, u_xz, v_xy = a[3, k], a[5, k], a[11, k]
        v_yz, w_xz, w_yz = a[14, k], a[21, k], a[22, k]
        tx, ty, tz = lam3 * (v_xy + w_xz), lam3 * (u_xy + w_yz), lam3 * (u_xz + v_yz)
        a[3, k] = e[k] * (ty + mu * u_xy)
        a[5, k] = e[k] * (tz + mu * u_xz)
        a[11, k] = e[k] * (tx + mu * v_xy)
        a[14, k] = e[k] * (tz + mu * v_yz)
        a[21, k] = e[k] * (tx + mu * w_xz)
        a[22, k] = e[k] * (ty + mu * w_yz)
    for k in range(_W):
        u_yz, v_xz, w_xy = a[6, k], a[13, k], a[19, k]
        uv, uw, vw = u_yz + v_xz, u_yz + w_xy, v_xz + w_xy
        a[6, k] = e[k] * (mu3 * (uv + uw))
        a[13, k] = e[k] * (mu3 * (uv + vw))
        a[19, k] = e[k] * (mu3 * (uw + vw))
        a[7, k] = e[k] * (k9 * a[7, k])
        a[15, k] = e[k] * (k9 * a[15, k])
        a[23, k] = e[k] * (k9 * a[23, k])


@njit(error_model="numpy")
def _layer(first, last, rows, modulus, constants, u, out):
    """Add the forces of one layer of voxels."""
    a, e = np.empty((24, _W), u.dtype), np.empty(_W, u.dtype)
    for start in range(first, last, _W):
        n = min(_W, last - start)
        for k in range(n):
            e[k] = modulus[start + k]
            for r in range(4):
                node = rows[start + k, r]
                for c in range(3):
                    a[8 * c + 2 * r, k] = u[node, c]
                    a[8 * c + 2 * r + 1, k] = u[node + 1, c]
        for k in range(n, _W):
            e[k] = constants[6]
            for i in range(24):
                a[i, k] = constants[6]
        _to_modes(a)
        _stiffness(a, e, constants)
        _from_modes(a)
        for k in range(n):
            for r in range(4):
                node = rows[start + k, r]
                for c in range(3):
                    out[node, c] += a[8 * c + 2 * r, k]
                    out[node + 1, c] += a[8 * c + 2 * r + 1, k]


@njit(cache=True, parallel=True, error_model="numpy")
def apply_voxels(rows, modulus, layers, planes, constants, fixed, u, out):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.apply_voxels`."""
    n = layers.size - 1
    for i in prange((n + 1) // 2):
        z = 2 * i
        out[planes[z] : planes[z + 2 if z + 2 < n else n + 1]] = constants[6]
        _layer(layers[z], layers[z + 1], rows, modulus, constants, u, out)
    for i in prange(n // 2):
        z = 2 * i + 1
        _layer(layers[z], layers[z + 1], rows, modulus, constants, u, out)
        first, last = planes[z if z > 1 else 0], planes[z + 2 if z + 2 < n else n + 1]
        _clear(fixed, out, first, last, constants[6])
    if n < 2:
        _clear(fixed, out, 0, out.shape[0], constants[6])


@njit
def _clear(fixed, out, first, last, zero):
    for i in range(first, last):
        if fixed[i]:
            for c in range(3):
                if fixed[i] >> c & 1:
                    out[i, c] = zero


@njit(inline="always")
def _halve(a, i, j, half, up):
    """Go from a cell to its lower or upper half along one axis, for one pair of modes."""
    for k in range(_W):
        h = half * a[j, k]
        a[i, k] = a[i, k] + h if up else a[i, k] - h
        a[j, k] = h


@njit(inline="always")
def _halve_back(a, i, j, half, up):
    for k in range(_W):
        f = a[i, k]
        a[j, k] = half * (a[j, k] + f if up else a[j, k] - f)


@njit(error_model="numpy")
def _to_octant(a, octant, half):
    x, y, z = octant & 1, octant >> 1 & 1, octant >> 2 & 1
    for c in range(0, 24, 8):
        for i in range(0, 8, 2):
            _halve(a, c + i, c + i + 1, half, x)
        for i in (0, 1, 4, 5):
            _halve(a, c + i, c + i + 2, half, y)
        for i in range(4):
            _halve(a, c + i, c + i + 4, half, z)


@njit(error_model="numpy")
def _from_octant(a, octant, half):
    x, y, z = octant & 1, octant >> 1 & 1, octant >> 2 & 1
    for c in range(0, 24, 8):
        for i in range(4):
            _halve_back(a, c + i, c + i + 4, half, z)
        for i in (0, 1, 4, 5):
            _halve_back(a, c + i, c + i + 2, half, y)
        for i in range(0, 8, 2):
            _halve_back(a, c + i, c + i + 1, half, x)


@njit(error_model="numpy")
def _layer_of_octants(first, last, corners, moduli, constants, u, out):
    a, b, f = np.empty((24, _W), u.dtype), np.empty((24, _W), u.dtype), np.empty((24, _W), u.dtype)
    e = np.empty((8, _W), u.dtype)
    zero, half = constants[6], constants[7]
    for start in range(first, last, _W):
        n = min(_W, last - start)
        for k in range(n):
            for i in range(8):
                e[i, k] = moduli[start + k, i]
                node = corners[start + k, i]
                for c in range(3):
                    a[8 * c + i, k] = u[node, c]
        for k in range(n, _W):
            for i in range(8):
                e[i, k] = zero
            for i in range(24):
                a[i, k] = zero
        _to_modes(a)
        f[:] = zero
        for octant in range(8):
            some = False
            for k in range(_W):
                some |= e[octant, k] != zero
            if not some:
                continue
            b[:] = a
            _to_octant(b, octant, half)
            _stiffness(b, e[octant], constants)
            _from_octant(b, octant, half)
            for i in range(24):
                for k in range(_W):
                    f[i, k] += b[i, k]
        _from_modes(f)
        for k in range(n):
            for i in range(8):
                node = corners[start + k, i]
                for c in range(3):
                    out[node, c] += f[8 * c + i, k]


@njit(cache=True, parallel=True, error_model="numpy")
def apply_octants(corners, moduli, layers, planes, constants, fixed, u, out):
    """See :meth:`trabsim.backends.elastic.ElasticLoops.apply_octants`."""
    n = layers.size - 1
    for i in prange((n + 1) // 2):
        z = 2 * i
        out[planes[z] : planes[z + 2 if z + 2 < n else n + 1]] = constants[6]
        _layer_of_octants(layers[z], layers[z + 1], corners, moduli, constants, u, out)
    for i in prange(n // 2):
        z = 2 * i + 1
        _layer_of_octants(layers[z], layers[z + 1], corners, moduli, constants, u, out)
        first, last = planes[z if z > 1 else 0], planes[z + 2 if z + 2 < n else n + 1]
        _clear(fixed, out, first, last, constants[6])
    if n < 2:
        _clear(fixed, out, 0, out.shape[0], constants[6])


@njit(cache=True)
def node_planes(rows, layers, nodes):
    """Give the first node of every plane of nodes, and their number; nodes are numbered plane by plane.

    ``rows`` holds nodes of the lower plane in its first half of columns, of the upper plane in the second.
    """
    n, half = layers.size - 1, rows.shape[1] // 2
    planes = np.full(n + 2, nodes, np.int64)
    for z in range(n):
        for e in range(layers[z], layers[z + 1]):
            for k in range(rows.shape[1]):
                planes[z + k // half] = min(planes[z + k // half], rows[e, k])
    for z in range(n, -1, -1):
        planes[z] = min(planes[z], planes[z + 1])
    planes[0] = 0
    return planes
