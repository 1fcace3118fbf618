"""Put cells, as spheres, into a depth image."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _stamp(depth, which, row, column, radius, far, radius_voxels, number):
    top, bottom = max(int(row - radius), 0), min(int(row + radius) + 2, depth.shape[0])
    left, end = max(int(column - radius), 0), min(int(column + radius) + 2, depth.shape[1])
    for r in range(top, bottom):
        for c in range(left, end):
            off = ((r + 0.5 - row) ** 2 + (c + 0.5 - column) ** 2) / radius**2
            if off < 1.0:
                t = far - radius_voxels * math.sqrt(1.0 - off)
                if t < depth[r, c]:
                    depth[r, c], which[r, c] = t, number


def stamp_spheres(
    depth: np.ndarray,
    centers: np.ndarray,
    radii: np.ndarray,
    corner: np.ndarray,
    axes: tuple[np.ndarray, np.ndarray, np.ndarray],
    step: float,
) -> np.ndarray:
    """Put spheres into a depth image, in place.

    Parameters
    ----------
    depth : float64 array, shape (rows, columns)
    centers : float64 array, shape (n, 3)
    radii : float64 array, shape (n,)
        Voxels.
    corner : float64 array, shape (3,)
        Upper left corner of the picture.
    axes : tuple of arrays
        Right, up and ahead, length 1.
    step : float
        Voxels per pixel.

    Returns
    -------
    int32 array, shape (rows, columns)
        Number of the sphere that is seen there, or -1.
    """
    which = np.full(depth.shape, -1, np.int32)
    right, up, ahead = axes
    for number, (center, radius) in enumerate(zip(centers - corner, radii)):
        row, column = -(center @ up) / step, (center @ right) / step
        _stamp(depth, which, row, column, radius / step, center @ ahead, radius, number)
    return which
