"""Surface voxels and the variation of bone around them on the CPU.

Three sweeps, each parallel over z: classify every voxel in one byte, count the surface voxels of each row,
then write positions and variations where the counts say. The byte sweeps are plain loops over rows that
compile to vector instructions; only the few surface voxels pay for 27 neighbors.
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
def mark(kind, found, row_count):
    """Mark the surface voxels of every row in ``found`` and count them."""
    nz, ny, nx = kind.shape
    for z in prange(nz):
        near = np.zeros(nx + 2, np.uint8)
        for y in range(ny):
            near[:] = 0
            for zz in range(max(z - 1, 0), min(z + 2, nz)):
                for yy in range(max(y - 1, 0), min(y + 2, ny)):
                    for x in range(nx):
                        near[x + 1] |= kind[zz, yy, x]
            count = 0
            for x in range(nx):
                hit = ((near[x] | near[x + 1] | near[x + 2]) >> 1) & kind[z, y, x] & 1
                found[z, y, x] = hit
                count += hit
            row_count[z, y] = count


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


@njit(cache=True, parallel=True)
def fill(bone, tissue, has_tissue, kind, found, row_start, index, variation):
    """Write positions and variations of the marked voxels, row by row from ``row_start``."""
    nz, ny, nx = bone.shape
    for z in prange(nz):
        for y in range(ny):
            at = row_start[z, y]
            if row_start[z, y + 1] == at:
                continue
            inner_row = 0 < z < nz - 1 and 0 < y < ny - 1
            for x in range(nx):
                if found[z, y, x] == 0:
                    continue
                inner = inner_row and 0 < x < nx - 1
                if inner and has_tissue and _at_tissue_edge(kind, z, y, x):
                    inner = False
                if inner:
                    along_z, along_y, along_x = _variation_inner(bone, z, y, x)
                else:
                    along_z, along_y, along_x = _variation_edge(bone, tissue, has_tissue, z, y, x)
                index[at] = (np.int64(z) * ny + y) * nx + x
                variation[at, 0] = along_z
                variation[at, 1] = along_y
                variation[at, 2] = along_x
                at += 1
