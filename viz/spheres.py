"""Put cells, as balls or flattened balls, into a depth image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit

from trabsim.viz.scene import Spheres


def shape_matrices(kinds: Sequence[Spheres]) -> np.ndarray:
    """For every cell the matrix M (3, 3), float64, with (p - c) M (p - c) = 1 on its surface; voxels."""
    found = [np.zeros((0, 3, 3))]
    for kind in kinds:
        outer = 0.0 if kind.away is None else kind.away[:, :, None] * kind.away[:, None, :]
        found.append((np.eye(3) + (kind.flatness**-2 - 1.0) * outer) / kind.radii[:, None, None] ** 2)
    return np.concatenate(found)


@njit(cache=True, nogil=True)
def _stamp(depth, which, row, column, reach, far, right, up, ahead, step, m, number):
    top, bottom = max(int(row - reach), 0), min(int(row + reach) + 2, depth.shape[0])
    left, end = max(int(column - reach), 0), min(int(column + reach) + 2, depth.shape[1])
    a = 0.0
    for i in range(3):
        for j in range(3):
            a += ahead[i] * m[i, j] * ahead[j]
    for r in range(top, bottom):
        for c in range(left, end):
            to_right, to_top = (c + 0.5 - column) * step, -(r + 0.5 - row) * step
            b, k = 0.0, -1.0
            for i in range(3):
                o = to_right * right[i] + to_top * up[i]
                for j in range(3):
                    b += o * m[i, j] * ahead[j]
                    k += o * m[i, j] * (to_right * right[j] + to_top * up[j])
            inside = b * b - a * k
            if inside > 0.0:
                t = far - (b + math.sqrt(inside)) / a
                if t < depth[r, c]:
                    depth[r, c], which[r, c] = t, number


def stamp_spheres(
    depth: np.ndarray,
    centers: np.ndarray,
    radii: np.ndarray,
    corner: np.ndarray,
    axes: tuple[np.ndarray, np.ndarray, np.ndarray],
    step: float,
    matrices: np.ndarray | None = None,
) -> np.ndarray:
    """Put cells into a depth image, in place.

    Parameters
    ----------
    depth : float64 array, shape (rows, columns)
    centers : float64 array, shape (n, 3)
    radii : float64 array, shape (n,)
        Voxels; the longest half axis.
    corner : float64 array, shape (3,)
        Upper left corner of the picture.
    axes : tuple of arrays
        Right, up and ahead, length 1.
    step : float
        Voxels per pixel.
    matrices : float64 array, shape (n, 3, 3), optional
        From `shape_matrices`; balls by default.

    Returns
    -------
    int32 array, shape (rows, columns)
        Number of the cell that is seen there, or -1.
    """
    which = np.full(depth.shape, -1, np.int32)
    right, up, ahead = axes
    if matrices is None:
        matrices = np.eye(3) / radii[:, None, None] ** 2
    for number, (center, radius) in enumerate(zip(centers - corner, radii)):
        row, column = -(center @ up) / step, (center @ right) / step
        _stamp(
            depth,
            which,
            row,
            column,
            radius / step,
            center @ ahead,
            right,
            up,
            ahead,
            step,
            matrices[number],
            number,
        )
    return which
