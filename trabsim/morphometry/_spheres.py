"""The largest inscribed sphere over every voxel.

Spheres are painted from the largest down, and the first to reach a voxel keeps it.  Unpainted voxels are
bits: 64 to a block of 4 x 4 x 4, and one bit per block that still has any, so a sphere passes over what is
painted without looking at voxels.  Each layer of blocks is painted on its own, so the outcome does not depend
on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from trabsim.morphometry._distance import squared_distance
from trabsim.morphometry._ridge import ridge

NOBODY = -1


@numba.njit(cache=True)
def _lowest_bit(word):
    number = 0
    if word & np.uint64(0xFFFFFFFF) == 0:
        number += 32
        word >>= np.uint64(32)
    if word & np.uint64(0xFFFF) == 0:
        number += 16
        word >>= np.uint64(16)
    if word & np.uint64(0xFF) == 0:
        number += 8
        word >>= np.uint64(8)
    if word & np.uint64(0xF) == 0:
        number += 4
        word >>= np.uint64(4)
    if word & np.uint64(0x3) == 0:
        number += 2
        word >>= np.uint64(2)
    if word & np.uint64(0x1) == 0:
        number += 1
    return number


@numba.njit(cache=True)
def _reaches(largest):
    """For each whole number, the largest whole number whose square is less (0 for 0 and 1)."""
    reaches = np.zeros(largest + 1, np.int32)
    reach = 0
    for square in range(1, largest + 1):
        if (reach + 1) * (reach + 1) < square:
            reach += 1
        reaches[square] = reach
    return reaches


@numba.njit(cache=True)
def _gap(center, low):
    """Distance along an axis from a center to the block of four voxels that starts at `low`."""
    if center < low:
        return low - center
    return max(center - low - 3, 0)


@numba.njit(cache=True)
def _load_layer(tissue, z0, blocks, rows):
    """Set the bits of the layer's voxels; return how many there are."""
    nz, ny, nx = tissue.shape
    left = 0
    for z in range(z0, min(z0 + 4, nz)):
        for y in range(ny):
            for x in range(nx):
                if tissue[z, y, x]:
                    bit = (z & 3) << 4 | (y & 3) << 2 | (x & 3)
                    blocks[y >> 2, x >> 2] |= np.uint64(1) << np.uint64(bit)
                    left += 1
    for j in range(blocks.shape[0]):
        for i in range(blocks.shape[1]):
            if blocks[j, i] != 0:
                rows[j, i >> 6] |= np.uint64(1) << np.uint64(i & 63)
    return left


@numba.njit(cache=True)
def _covered(z, y, x, square, z0, y0, x0, reaches):
    """Bits of the block at (z0, y0, x0) that the sphere at (z, y, x) covers."""
    bits = np.uint64(0)
    for kz in range(4):
        beyond_z = square - (z0 + kz - z) ** 2
        for ky in range(4):
            beyond = beyond_z - (y0 + ky - y) ** 2
            if beyond <= 0:
                continue
            first = max(x - reaches[beyond] - x0, 0)
            last = min(x + reaches[beyond] - x0, 3)
            if first <= last:
                run = np.uint64((2 << last) - (1 << first))
                bits |= run << np.uint64(kz << 4 | ky << 2)
    return bits


@numba.njit(cache=True)
def _paint_layer(tissue, z0, spheres, squares, reaches, owner):
    _, ny, nx = tissue.shape
    columns = (nx + 3) >> 2
    blocks = np.zeros(((ny + 3) >> 2, columns), np.uint64)
    rows = np.zeros((blocks.shape[0], (columns + 63) >> 6), np.uint64)
    left = _load_layer(tissue, z0, blocks, rows)
    full = ~np.uint64(0)
    for sphere in range(len(squares)):
        if left == 0:
            break
        square = np.int64(squares[sphere])
        z, y, x = np.int64(spheres[sphere, 0]), np.int64(spheres[sphere, 1]), np.int64(spheres[sphere, 2])
        in_layer = square - _gap(z, z0) ** 2
        if in_layer <= 0:
            continue
        reach_y = reaches[in_layer]
        for j in range(max(y - reach_y, 0) >> 2, (min(y + reach_y, ny - 1) >> 2) + 1):
            reach = reaches[in_layer - _gap(y, 4 * j) ** 2]
            first = max(x - reach, 0) >> 2
            last = min(x + reach, nx - 1) >> 2
            for w in range(first >> 6, (last >> 6) + 1):
                word = rows[j, w]
                if word == 0:
                    continue
                word &= full << np.uint64(max(first - 64 * w, 0))
                word &= full >> np.uint64(63 - min(last - 64 * w, 63))
                while word != 0:
                    bit = _lowest_bit(word)
                    word &= word - np.uint64(1)
                    i = 64 * w + bit
                    mine = blocks[j, i] & _covered(z, y, x, square, z0, 4 * j, 4 * i, reaches)
                    if mine == 0:
                        continue
                    blocks[j, i] &= ~mine
                    if blocks[j, i] == 0:
                        rows[j, w] &= ~(np.uint64(1) << np.uint64(bit))
                    while mine != 0:
                        voxel = _lowest_bit(mine)
                        mine &= mine - np.uint64(1)
                        owner[z0 + (voxel >> 4), 4 * j + (voxel >> 2 & 3), 4 * i + (voxel & 3)] = sphere
                        left -= 1


@numba.njit(cache=True, parallel=True)
def _paint(tissue, spheres, squares, owner):
    largest = np.int64(squares[0])
    reaches = _reaches(largest)
    for layer in numba.prange((tissue.shape[0] + 3) >> 2):
        _paint_layer(tissue, 4 * layer, spheres, squares, reaches, owner)


@numba.njit(cache=True)
def _count_owned(owner, voxels):
    for sphere in owner:
        if sphere != NOBODY:
            voxels[sphere] += 1


@dataclass(frozen=True)
class InscribedSpheres:
    """The spheres inscribed in one kind of tissue, and the voxels each is the largest over.

    Attributes
    ----------
    centers : (n, 3) array of int32
        Center voxels (z, y, x), largest sphere first, in C order among equals.
    squared_radii : (n,) array of int32
        Squared radii in voxels: squared distance from the center to the nearest voxel of the other kind.
    voxels : (n,) array of int64
        Number of voxels each sphere is the largest over; zero for spheres that lie under others.
    owner : (z, y, x) array of int32
        For each voxel of the tissue the number of its sphere; elsewhere `NOBODY`.
    """

    centers: NDArray[np.int32]
    squared_radii: NDArray[np.int32]
    voxels: NDArray[np.int64]
    owner: NDArray[np.int32]


def inscribed_spheres(tissue: NDArray[np.bool_], mask: NDArray[np.bool_] | None) -> InscribedSpheres | None:
    """Fit the largest spheres into a tissue.

    Parameters
    ----------
    tissue : (z, y, x) array of bool
        The tissue, within the region of interest.
    mask : (z, y, x) array of bool or None
        Region of interest; None for all of the volume.  Spheres are centered in the tissue and end at the
        other tissue; they may run out of the region and out of the volume, where nothing is known to stop
        them.

    Returns
    -------
    InscribedSpheres or None
        None where there is no tissue, or nothing in the region to end a sphere.
    """
    other = ~tissue if mask is None else mask & ~tissue
    if not tissue.any() or not other.any():
        return None
    squared = squared_distance(other)
    del other
    if mask is not None:
        squared[~mask] = 0
    centers, squares = ridge(squared)
    owner = squared  # no longer needed: its memory serves again
    owner.fill(NOBODY)
    _paint(tissue, centers, squares, owner)
    voxels = np.zeros(len(squares), np.int64)
    _count_owned(owner.ravel(), voxels)
    return InscribedSpheres(centers, squares, voxels, owner)
