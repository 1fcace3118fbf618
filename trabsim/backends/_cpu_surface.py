"""Surface voxels and their area on the CPU.

Sweeps parallel over z: classify every voxel in one byte, mark the surface, smooth, share out the variation.
Bytes and convolutions are plain loops over rows that compile to vector instructions; only voxels near the
surface pay for 27 neighbors.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

SOLID, MARROW, OUTSIDE = np.uint8(1), np.uint8(2), np.uint8(0)


@njit(cache=True, parallel=True)
def classify(bone, half, tissue, has_tissue, kind):
    """Write the class of every voxel; ``half`` is the least bone of a bone-side voxel."""
    nz, ny, nx = bone.shape
    for z in prange(nz):
        for y in range(ny):
            for x in range(nx):
                kind[z, y, x] = SOLID if bone[z, y, x] >= half else MARROW
            if has_tissue:
                for x in range(nx):
                    if tissue[z, y, x] == 0:
                        kind[z, y, x] = OUTSIDE


@njit(cache=True, parallel=True)
def mark(kind, found):
    """Mark the surface voxels in ``found``."""
    nz, ny, nx = kind.shape
    for z in prange(nz):
        near = np.zeros(nx + 2, np.uint8)
        for y in range(ny):
            near[:] = 0
            for zz in range(max(z - 1, 0), min(z + 2, nz)):
                for yy in range(max(y - 1, 0), min(y + 2, ny)):
                    for x in range(nx):
                        near[x + 1] |= kind[zz, yy, x]
            for x in range(nx):
                found[z, y, x] = ((near[x] | near[x + 1] | near[x + 2]) >> 1) & kind[z, y, x] & 1


@njit(inline="always")
def _variation(low, middle, high):
    """Give the total variation of three smoothed planes along an axis: both faces of thin bone count."""
    return abs(high - middle) + abs(middle - low)


@njit(inline="always")
def _row(bone, z, y, x):
    return np.int64(bone[z, y, x - 1]), np.int64(bone[z, y, x]), np.int64(bone[z, y, x + 1])


@njit(inline="always")
def _plane(bone, z, y, x):
    """Give the smoothed rows of a plane along y, and its columns along x summed over y."""
    low_left, low_middle, low_right = _row(bone, z, y - 1, x)
    left, middle, right = _row(bone, z, y, x)
    high_left, high_middle, high_right = _row(bone, z, y + 1, x)
    return (
        low_left + 2 * low_middle + low_right,
        left + 2 * middle + right,
        high_left + 2 * high_middle + high_right,
        low_left + 2 * left + high_left,
        low_middle + 2 * middle + high_middle,
        low_right + 2 * right + high_right,
    )


@njit(inline="always")
def _variation_inner(bone, z, y, x):
    """Give the variation along z, y, x at a voxel all of whose neighbors count."""
    ay0, ay1, ay2, ax0, ax1, ax2 = _plane(bone, z - 1, y, x)
    by0, by1, by2, bx0, bx1, bx2 = _plane(bone, z, y, x)
    cy0, cy1, cy2, cx0, cx1, cx2 = _plane(bone, z + 1, y, x)
    return (
        _variation(ay0 + 2 * ay1 + ay2, by0 + 2 * by1 + by2, cy0 + 2 * cy1 + cy2),
        _variation(ay0 + 2 * by0 + cy0, ay1 + 2 * by1 + cy1, ay2 + 2 * by2 + cy2),
        _variation(ax0 + 2 * bx0 + cx0, ax1 + 2 * bx1 + cx1, ax2 + 2 * bx2 + cx2),
    )


@njit
def _variation_edge(bone, tissue, has_tissue, z, y, x):
    """Give the variation at the edge of lattice or tissue."""
    nz, ny, nx = bone.shape
    planes = np.zeros((3, 3), np.int64)
    for dz in range(-1, 2):
        zz = min(max(z + dz, 0), nz - 1)
        for dy in range(-1, 2):
            yy = min(max(y + dy, 0), ny - 1)
            for dx in range(-1, 2):
                xx = min(max(x + dx, 0), nx - 1)
                value = np.int64(bone[zz, yy, xx])
                if has_tissue and tissue[zz, yy, xx] == 0:
                    value = np.int64(bone[z, y, x])
                wz, wy, wx = 2 - abs(dz), 2 - abs(dy), 2 - abs(dx)
                planes[0, dz + 1] += wy * wx * value
                planes[1, dy + 1] += wz * wx * value
                planes[2, dx + 1] += wz * wy * value
    return (
        _variation(planes[0, 0], planes[0, 1], planes[0, 2]),
        _variation(planes[1, 0], planes[1, 1], planes[1, 2]),
        _variation(planes[2, 0], planes[2, 1], planes[2, 2]),
    )


@njit
def _at_tissue_edge(kind, z, y, x):
    for dz in range(-1, 2):
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                if kind[z + dz, y + dy, x + dx] == OUTSIDE:
                    return True
    return False


@njit(cache=True, parallel=True, error_model="numpy")
def share(smooth, tissue, has_tissue, kind, number, scale):
    """Replace the number of surface voxels around by the area of this voxel over it, where it is positive.

    Outside the tissue there is none.
    """
    nz, ny, nx = smooth.shape
    for z in prange(nz):
        for y in range(ny):
            inner_row = 0 < z < nz - 1 and 0 < y < ny - 1
            for x in range(nx):
                if has_tissue and tissue[z, y, x] == 0:
                    number[z, y, x] = 0
                if not number[z, y, x] > 0:
                    continue
                inner = inner_row and 0 < x < nx - 1
                if inner and has_tissue and _at_tissue_edge(kind, z, y, x):
                    inner = False
                if inner:
                    along_z, along_y, along_x = _variation_inner(smooth, z, y, x)
                else:
                    along_z, along_y, along_x = _variation_edge(smooth, tissue, has_tissue, z, y, x)
                vz, vy, vx = np.float64(along_z), np.float64(along_y), np.float64(along_x)
                length = np.sqrt(vz * vz + vy * vy + vx * vx)
                number[z, y, x] = np.float32(length * scale / np.float64(number[z, y, x]))


@njit(inline="always")
def _standing(place, n, clamp):
    """Voxel that stands at a place along an axis: beyond the lattice the nearest one, or its mirror image."""
    if clamp:
        return min(max(place, 0), n - 1)
    folded = place % (2 * n)
    return folded if folded < n else 2 * n - 1 - folded


@njit(inline="always")
def _blend(row, rows, place, taps, clamp):
    """Write into a row what the rows around its place add up to."""
    row[:] = 0
    for k in range(taps.size):
        tap, source = taps[k], rows[_standing(place + k - taps.size // 2, rows.shape[0], clamp)]
        for x in range(row.size):
            row[x] += tap * source[x]


@njit(cache=True, parallel=True)
def convolve(values, taps, clamp):
    """Convolve in place along x, then y, then z, adding up in the order of the taps."""
    nz, ny, nx = values.shape
    reach = taps.size // 2
    for z in prange(nz):
        plane = np.zeros((ny, nx), np.float32)
        padded = np.zeros(nx + 2 * reach, np.float32)
        for y in range(ny):
            for k in range(reach):
                padded[k] = values[z, y, _standing(k - reach, nx, clamp)]
                padded[reach + nx + k] = values[z, y, _standing(nx + k, nx, clamp)]
            padded[reach : reach + nx] = values[z, y]
            for k in range(taps.size):
                tap = taps[k]
                for x in range(nx):
                    plane[y, x] += tap * padded[x + k]
        for y in range(ny):
            _blend(values[z, y], plane, y, taps, clamp)
    for y in prange(ny):
        plane = values[:, y, :].copy()
        for z in range(nz):
            _blend(values[z, y], plane, z, taps, clamp)
