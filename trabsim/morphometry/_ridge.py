"""Which inscribed spheres matter: those that no neighboring sphere contains.

A sphere here is the set of voxels closer to its center than the nearest voxel of the other kind, so its
squared radius is a whole number.  Whether one sphere holds another can then be read from a table of squared
radii, exactly, voxel by voxel [1]_.  A sphere held by another never decides the largest sphere over a voxel,
so leaving it out changes nothing.

References
----------
.. [1] Remy E, Thiel E (2005) Exact medial axis with Euclidean distance. Image Vis Comput 23:167-175.
"""

from __future__ import annotations

from itertools import permutations, product

import numba
import numpy as np
from numpy.typing import NDArray

# Neighbors up to permutation and sign; the second row of three thins wide spaces further than the first
# alone.
NEIGHBOR_CLASSES = ((0, 0, 1), (0, 1, 1), (1, 1, 1), (0, 1, 2), (1, 1, 2), (1, 2, 2))
# Above this squared radius the table gives a bound: spheres are kept that need not be.
LARGEST_EXACT = 256 * 256


@numba.njit(cache=True)
def _containing_square(largest, step, table):
    """Fill ``table[r2]`` with the largest squared distance from `step` to the sphere of squared radius r2."""
    exact = min(largest, LARGEST_EXACT)
    reach = int(np.sqrt(exact)) + 1
    table[:] = 0
    for a in range(reach + 1):
        for b in range(reach + 1):
            for c in range(reach + 1):
                square = a * a + b * b + c * c
                if square >= exact:
                    break
                farthest = (a + step[0]) ** 2 + (b + step[1]) ** 2 + (c + step[2]) ** 2
                if farthest > table[square + 1]:
                    table[square + 1] = farthest
    for square in range(1, exact + 1):
        table[square] = max(table[square], table[square - 1])
    length = np.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
    for square in range(exact + 1, largest + 1):
        table[square] = np.int64((np.sqrt(square) + length) ** 2) + 1


@numba.njit(cache=True, parallel=True)
def _mark(squared, neighbors, classes, tables, kept):
    nz, ny, nx = squared.shape
    for z in numba.prange(nz):
        for y in range(ny):
            for x in range(nx):
                square = np.int64(squared[z, y, x])
                alone = False
                if square > 0:
                    alone = True
                    for k in range(len(neighbors)):
                        zz, yy, xx = z + neighbors[k, 0], y + neighbors[k, 1], x + neighbors[k, 2]
                        if zz < 0 or yy < 0 or xx < 0 or zz >= nz or yy >= ny or xx >= nx:
                            continue
                        if squared[zz, yy, xx] > tables[classes[k], square]:
                            alone = False
                            break
                kept[z, y, x] = alone


def neighbor_steps() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps to all neighbors, and the class each belongs to."""
    steps, classes = [], []
    for number, base in enumerate(NEIGHBOR_CLASSES):
        signed = {
            tuple(s * v for s, v in zip(signs, order))
            for order in permutations(base)
            for signs in product((1, -1), repeat=3)
        }
        steps += sorted(signed)
        classes += [number] * len(signed)
    return np.array(steps), np.array(classes)


@numba.njit(cache=True)
def _count_by_square(squared, kept, counts):
    for z in range(kept.shape[0]):
        for y in range(kept.shape[1]):
            for x in range(kept.shape[2]):
                if kept[z, y, x]:
                    counts[squared[z, y, x]] += 1


@numba.njit(cache=True)
def _list_by_square(squared, kept, following, centers, squares):
    for z in range(kept.shape[0]):
        for y in range(kept.shape[1]):
            for x in range(kept.shape[2]):
                if kept[z, y, x]:
                    at = following[squared[z, y, x]]
                    following[squared[z, y, x]] += 1
                    centers[at, 0] = z
                    centers[at, 1] = y
                    centers[at, 2] = x
                    squares[at] = squared[z, y, x]


def ridge(squared: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Spheres that no neighboring sphere contains, largest first, in C order among equals.

    Parameters
    ----------
    squared : (z, y, x) array of int32
        Squared distance in voxels to the nearest voxel of the other kind; zero where no sphere is centered.

    Returns
    -------
    centers : (n, 3) array of int32
        Center voxels (z, y, x).
    squares : (n,) array of int32
        Squared radii.
    """
    largest = int(squared.max())
    tables = np.empty((len(NEIGHBOR_CLASSES), largest + 1), np.int64)
    for table, step in zip(tables, NEIGHBOR_CLASSES):
        _containing_square(largest, np.array(step), table)
    kept = np.empty(squared.shape, bool)
    steps, classes = neighbor_steps()
    _mark(squared, steps, classes, tables, kept)
    counts = np.zeros(largest + 1, np.int64)
    _count_by_square(squared, kept, counts)
    # Squared radii are whole numbers, so sorting is counting.
    following = counts[::-1].cumsum()[::-1] - counts
    centers = np.empty((int(counts.sum()), 3), np.int32)
    squares = np.empty(len(centers), np.int32)
    _list_by_square(squared, kept, following, centers, squares)
    return centers, squares
