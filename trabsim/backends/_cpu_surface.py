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
def _variation_inner(bone, z, y, x, planes):
    """Give the variation along z, y, x at a voxel all of whose neighbors count."""
    planes[:] = 0
    for dz in range(-1, 2):
        wz = 2 - abs(dz)
        for dy in range(-1, 2):
            wy = 2 - abs(dy)
            left = np.int64(bone[z + dz, y + dy, x - 1])
            middle = np.int64(bone[z + dz, y + dy, x])
            right = np.int64(bone[z + dz, y + dy, x + 1])
            smooth = left + 2 * middle + right
            planes[0, dz + 1] += wy * smooth
            planes[1, dy + 1] += wz * smooth
            planes[2, 0] += wz * wy * left
            planes[2, 1] += wz * wy * middle
            planes[2, 2] += wz * wy * right


@njit
def _variation_edge(bone, tissue, has_tissue, z, y, x, planes):
    """Give the variation at the edge of lattice or tissue."""
    nz, ny, nx = bone.shape
    planes[:] = 0
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
        planes = np.zeros((3, 3), np.int64)
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
                    _variation_inner(bone, z, y, x, planes)
                else:
                    _variation_edge(bone, tissue, has_tissue, z, y, x, planes)
                index[at] = (np.int64(z) * ny + y) * nx + x
                for axis in range(3):
                    variation[at, axis] = _variation(planes[axis, 0], planes[axis, 1], planes[axis, 2])
                at += 1
