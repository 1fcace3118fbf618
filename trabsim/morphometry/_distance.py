"""Exact squared distance to the nearest voxel of the other kind, in whole numbers.

One axis after the other: the squared distance within rows, then the least of (steps across)^2 + (distance
found there), looking only as many steps as the largest distance left in the row allows.  Bone and marrow
spaces are tens of voxels wide, so the looks are few, and a row at a time is what processors add and compare
fastest.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

FAR = 1 << 30  # no voxel of the other kind in reach


@numba.njit(cache=True)
def _within_row(other, target):
    """Squared distance to the nearest set voxel of a row."""
    nx = len(other)
    beyond = 1 << 15
    steps = beyond
    for x in range(nx):
        steps = 0 if other[x] else steps + 1
        target[x] = steps * steps if steps < beyond else FAR
    steps = beyond
    for x in range(nx - 1, -1, -1):
        steps = 0 if other[x] else steps + 1
        if steps * steps < target[x]:
            target[x] = steps * steps


@numba.njit(cache=True)
def _across_rows(source, target):
    """Least of squared steps and `source` over the rows of a plane; both (lines, x)."""
    n, nx = source.shape
    for i in range(n):
        row = target[i]
        largest = np.int32(0)
        for x in range(nx):
            row[x] = source[i, x]
            largest = max(largest, row[x])
        step = 1
        while step * step < largest and (i - step >= 0 or i + step < n):
            square = np.int32(step * step)
            if i - step >= 0:
                near = source[i - step]
                for x in range(nx):
                    row[x] = min(row[x], near[x] + square)
            if i + step < n:
                near = source[i + step]
                for x in range(nx):
                    row[x] = min(row[x], near[x] + square)
            largest = np.int32(0)
            for x in range(nx):
                largest = max(largest, row[x])
            step += 1


@numba.njit(cache=True, parallel=True)
def _transform(other, squared):
    nz, ny, nx = other.shape
    for z in numba.prange(nz):
        plane = np.empty((ny, nx), np.int32)
        for y in range(ny):
            _within_row(other[z, y], plane[y])
        _across_rows(plane, squared[z])
    for y in numba.prange(ny):
        plane = squared[:, y, :].copy()
        _across_rows(plane, squared[:, y, :])


def squared_distance(other: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Squared distance in voxels from every voxel's center to that of the nearest voxel in `other`.

    Parameters
    ----------
    other : (z, y, x) array of bool
        Voxels to measure to, at least one; what is outside the volume is not among them.

    Returns
    -------
    (z, y, x) array of int32
        Zero on those voxels.
    """
    squared = np.empty(other.shape, np.int32)
    _transform(other, squared)
    return squared
