"""Read a lattice as means over cubes of voxels, so that large ones can be drawn within a few gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_PLANES = 16


def read_merged(
    dataset: Any,
    name: str,
    part: tuple[slice, slice, slice],
    step: int,
    read: Callable[[Any, Any], np.ndarray],
    count: tuple[list[int], int, Any] | None = None,
) -> np.ndarray:
    """Read cubes of voxels as one, a few planes at a time.

    Bone and tissue become means over the cube.  What is zero where it does not apply becomes the mean of what is
    not zero, and whole numbers of 8 bits, which name classes, the largest of them.

    Parameters
    ----------
    dataset : h5py.Dataset
    name : str
        Of the variable it holds.
    part : tuple of slice
        A whole number of cubes.
    step : int
        Edge of a cube in voxels.
    read : callable
        Reads a part of a dataset, or says what is wrong with it.
    count : tuple, optional
        A list, a place in it and a box: the sum of the values in that box is added there.

    Returns
    -------
    ndarray
        Type of the dataset.
    """
    z, y, x = part
    shape = tuple((p.stop - p.start) // step for p in part)
    merged = np.empty(shape, dataset.dtype)
    planes = max(_PLANES // step, 1)
    for first in range(0, shape[0], planes):
        last = min(first + planes, shape[0])
        slab = read(dataset, (slice(z.start + first * step, z.start + last * step), y, x))
        if count is not None:
            sums, place, inner = count
            counted = slab
            if inner is not None:
                top = z.start + first * step
                rows = slice(max(inner[0].start - top, 0), max(inner[0].stop - top, 0))
                counted = slab[rows, inner[1], inner[2]]
            sums[place] += int(counted.sum(dtype=np.int64))
        cubes = slab.reshape(last - first, step, shape[1], step, shape[2], step)
        if name in ("bone", "tissue"):
            total = cubes.sum(axis=(1, 3, 5), dtype=np.int64)
            mean = total // step**3 if name == "bone" else 2 * total >= step**3
        elif slab.dtype.itemsize == 1:
            mean = cubes.max(axis=(1, 3, 5))
        else:
            known = np.count_nonzero(cubes, axis=(1, 3, 5))
            mean = cubes.sum(axis=(1, 3, 5), dtype=np.float64) / np.maximum(known, 1)
        merged[first:last] = mean
    return merged
