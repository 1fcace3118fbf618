"""The part of a tissue seen from a point, and its moments."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

MOMENTS = 10  # volume, first moments z y x, second moments zz yy xx zy zx yx


@numba.njit(cache=True)
def _free_length(tissue, z, y, x, uz, uy, ux, longest):
    """How far one gets from the center of a voxel before leaving the tissue, to half a voxel."""
    nz, ny, nx = tissue.shape
    pz, py, px = z + 0.5 + uz, y + 0.5 + uy, x + 0.5 + ux
    length = 1.0
    while length < longest:
        if pz < 0.0 or py < 0.0 or px < 0.0:
            return length - 0.5
        iz, iy, ix = np.int64(pz), np.int64(py), np.int64(px)
        if iz >= nz or iy >= ny or ix >= nx or not tissue[iz, iy, ix]:
            return length - 0.5
        pz += uz
        py += uy
        px += ux
        length += 1.0
    return longest


@numba.njit(cache=True, parallel=True)
def _see(tissue, centers, longest, directions, moments):
    for i in numba.prange(len(centers)):
        z, y, x = centers[i, 0], centers[i, 1], centers[i, 2]
        m = moments[i]
        for k in range(len(directions)):
            uz, uy, ux = directions[k, 0], directions[k, 1], directions[k, 2]
            for sign in (1.0, -1.0):
                length = _free_length(tissue, z, y, x, sign * uz, sign * uy, sign * ux, longest[i])
                cube = length * length * length
                first = sign * cube * length / 4.0
                second = cube * length * length / 5.0
                m[0] += cube / 3.0
                m[1] += first * uz
                m[2] += first * uy
                m[3] += first * ux
                m[4] += second * uz * uz
                m[5] += second * uy * uy
                m[6] += second * ux * ux
                m[7] += second * uz * uy
                m[8] += second * uz * ux
                m[9] += second * uy * ux


def visible_semi_axes(
    tissue: NDArray[np.bool_],
    centers: NDArray[np.int32],
    longest_voxels: NDArray[np.float64],
    directions: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Semi-axes of the ellipsoid with the second moments of what is seen of the tissue from each center.

    Parameters
    ----------
    tissue : (z, y, x) array of bool
        Rays end where it ends.
    centers : (n, 3) array of int32
        Voxels to look from.
    longest_voxels : (n,) array of float64
        Rays from each center end at this length at the latest.
    directions : (m, 3) array of float64
        Unit vectors; rays go both ways along each.

    Returns
    -------
    (n, 3) array of float64
        Semi-axes in voxels, shortest first.
    """
    moments = np.zeros((len(centers), MOMENTS))
    _see(tissue, centers, longest_voxels, directions, moments)
    moments[:, 1:] /= moments[:, :1]
    mean = moments[:, 1:4]
    covariance = np.empty((len(centers), 3, 3))
    for column, (i, j) in enumerate([(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)], start=4):
        covariance[:, i, j] = covariance[:, j, i] = moments[:, column] - mean[:, i] * mean[:, j]
    # An ellipsoid's variance along a semi-axis is a fifth of its square.
    return np.sqrt(5 * np.maximum(np.linalg.eigvalsh(covariance), 0))
