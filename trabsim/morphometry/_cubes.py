"""Counting the 2 x 2 x 2 neighborhoods of a volume by which of their eight voxels are bone.

The neighborhoods are centered on the grid's vertices, the outer ones included, so a volume of n voxels along
an axis has n + 1 of them.  Voxel (dz, dy, dx) of a neighborhood is bit ``4 dz + 2 dy + dx`` of its code.
What lies outside the volume is not bone and not in the region of interest.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def _four(a, b, c, d):
    return np.int64(a) | np.int64(b) << 2 | np.int64(c) << 4 | np.int64(d) << 6


@numba.njit(cache=True)
def _column_codes(volume, everything, z, y, x):
    """Bits of the four voxels at (z-1..z, y-1..y, x); all that is inside the volume if `everything`."""
    nz, ny, nx = volume.shape
    code = 0
    if x < 0 or x >= nx:
        return code
    for dz in range(2):
        zz = z - 1 + dz
        if zz < 0 or zz >= nz:
            continue
        for dy in range(2):
            yy = y - 1 + dy
            if yy < 0 or yy >= ny:
                continue
            if everything or volume[zz, yy, x]:
                code |= 1 << (4 * dz + 2 * dy)
    return code


@numba.njit(cache=True, parallel=True)
def _count(bone, mask, masked, euler_table, inside, partial):
    nz, ny, nx = bone.shape
    for z in numba.prange(nz + 1):
        for y in range(ny + 1):
            if not masked and 0 < z < nz and 0 < y < ny:
                # The common case: every neighborhood of this row but the two at its ends lies inside.
                before = 0
                for x in range(nx):
                    now = _four(bone[z - 1, y - 1, x], bone[z - 1, y, x], bone[z, y - 1, x], bone[z, y, x])
                    code = before | now << 1
                    if x > 0:
                        inside[z, code] += 1
                    else:
                        partial[z, 0] += euler_table[code, 255]
                        partial[z, 1] += euler_table[code, 0xAA]
                    before = now
                partial[z, 0] += euler_table[before, 255]
                partial[z, 1] += euler_table[before, 0x55]
                continue
            before = 0
            region_before = 0
            for x in range(nx + 1):
                now = _column_codes(bone, False, z, y, x)
                region_now = _column_codes(mask, not masked, z, y, x)
                code = before | now << 1
                region = region_before | region_now << 1
                if region == 255:
                    inside[z, code] += 1
                else:
                    partial[z, 0] += euler_table[code, 255]
                    partial[z, 1] += euler_table[code, region]
                before = now
                region_before = region_now


@lru_cache(maxsize=1)
def euler_contributions() -> NDArray[np.int64]:
    """Eight times a neighborhood's share of the Euler number, by its bone code and its region code.

    Bone is the union of its closed voxel cubes, which makes voxels neighbors that share a vertex
    (26-connected).  Each vertex, edge, face and cube of that complex counts +1, -1, +1, -1, in equal shares
    for the neighborhoods it touches, and times the fraction of the voxels around it that lie in the region: a
    cell on a face of a box counts half, on an edge a quarter, on a corner an eighth, which is the edge
    correction of Odgaard & Gundersen for boxes and carries it over to regions of any shape.  Region code 255
    leaves the weights out.
    """
    bone, region = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    corners = [(dz, dy, dx) for dz in range(2) for dy in range(2) for dx in range(2)]

    def cell(members: list[tuple[int, int, int]]) -> NDArray[np.int64]:
        bits = sum(1 << (4 * dz + 2 * dy + dx) for dz, dy, dx in members)
        occupied = (bone & bits) != 0
        return np.where(occupied, np.bitwise_count(region & bits), 0).astype(np.int64)

    total = cell(corners)
    for axis in range(3):
        for side in range(2):
            total -= cell([corner for corner in corners if corner[axis] == side])
    for first in range(3):
        for second in range(first + 1, 3):
            for sides in np.ndindex(2, 2):
                total += cell([c for c in corners if (c[first], c[second]) == sides])
    for corner in corners:
        total -= cell([corner])
    total.flags.writeable = False
    return total


class CubeCounts:
    """Counts of the neighborhoods of one volume.

    Attributes
    ----------
    inside : (256,) array of int64
        Number of neighborhoods with all eight voxels in the region of interest, by bone code.
    bone : int
        Number of bone voxels.
    euler : int
        Euler number of the bone, 26-connected, closed.
    euler_edge_corrected : float
        The same with cells on the border of the region weighted by the part of them that is inside.
    """

    def __init__(self, bone: NDArray[np.bool_], mask: NDArray[np.bool_] | None) -> None:
        table = euler_contributions()
        layers = bone.shape[0] + 1
        inside = np.zeros((layers, 256), np.int64)
        partial = np.zeros((layers, 2), np.int64)
        bone_bits = bone.view(np.uint8)
        mask_bits = bone_bits if mask is None else mask.view(np.uint8)
        _count(bone_bits, mask_bits, mask is not None, table, inside, partial)
        self.bone = int(np.count_nonzero(bone))
        self.inside: NDArray[np.int64] = inside.sum(axis=0)
        inner = int(self.inside @ table[:, 255])
        self.euler = (inner + int(partial[:, 0].sum())) // 8
        self.euler_edge_corrected = (inner + int(partial[:, 1].sum())) / 8
