"""Gaussian smoothing by the weighted mean of the voxels that lie in the region of interest."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1.0  # marks grid points of a smoothed field that are not in the region of interest


def gaussian_weights(sigma_voxels: float) -> NDArray[np.float32]:
    """Weights of the offsets 0, 1, ... up to four standard deviations, before normalization."""
    reach = int(4.0 * sigma_voxels + 0.5)
    return np.exp(-0.5 * (np.arange(reach + 1) / sigma_voxels) ** 2).astype(np.float32)


@numba.njit(cache=True)
def _totals(n, weights):
    """Sum of the weights that fall inside a line of n voxels, for each of its voxels."""
    totals = np.zeros(n, np.float32)
    for i in range(n):
        for k in range(-len(weights) + 1, len(weights)):
            if 0 <= i + k < n:
                totals[i] += weights[abs(k)]
    return totals


@numba.njit(cache=True)
def _across_rows(source, target, weights, totals):
    """Smooth along the first axis of a plane; `source` and `target` are (lines, x)."""
    n, nx = source.shape
    reach = len(weights) - 1
    for i in range(n):
        for x in range(nx):
            target[i, x] = weights[0] * source[i, x]
        for k in range(1, reach + 1):
            w = weights[k]
            if i - k >= 0:
                for x in range(nx):
                    target[i, x] += w * source[i - k, x]
            if i + k < n:
                for x in range(nx):
                    target[i, x] += w * source[i + k, x]
        for x in range(nx):
            target[i, x] /= totals[i]


@numba.njit(cache=True)
def _along_row(row, target, weights, totals):
    nx = len(row)
    reach = len(weights) - 1
    for x in range(nx):
        target[x] = weights[0] * row[x]
    for k in range(1, min(reach, nx - 1) + 1):
        w = weights[k]
        for x in range(k, nx):
            target[x] += w * row[x - k]
        for x in range(nx - k):
            target[x] += w * row[x + k]
    for x in range(nx):
        target[x] /= totals[x]


@numba.njit(cache=True, parallel=True)
def _smooth(volume, field, weights):
    """Smooth `volume` into `field`, which has one more layer of grid points on every side (left alone)."""
    nz, ny, nx = volume.shape
    totals_z = _totals(nz, weights)
    totals_y = _totals(ny, weights)
    totals_x = _totals(nx, weights)
    for z in numba.prange(nz):
        row = np.empty(nx, np.float32)
        plane = np.empty((ny, nx), np.float32)
        for y in range(ny):
            for x in range(nx):
                row[x] = volume[z, y, x]
            _along_row(row, plane[y], weights, totals_x)
        _across_rows(plane, field[z + 1, 1 : ny + 1, 1 : nx + 1], weights, totals_y)
    for y in numba.prange(ny):
        plane = field[1 : nz + 1, y + 1, 1 : nx + 1].copy()
        _across_rows(plane, field[1 : nz + 1, y + 1, 1 : nx + 1], weights, totals_z)


@numba.njit(cache=True, parallel=True)
def _restrict(field, share, mask):
    nz, ny, nx = mask.shape
    for z in numba.prange(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x]:
                    field[z + 1, y + 1, x + 1] /= share[z + 1, y + 1, x + 1]
                else:
                    field[z + 1, y + 1, x + 1] = OUTSIDE


def smoothed_field(
    volume: NDArray[np.bool_] | NDArray[np.float32], mask: NDArray[np.bool_] | None, sigma_voxels: float
) -> NDArray[np.float32]:
    """Gaussian mean of `volume` over the voxels of the region, on a grid with one more layer on every side.

    Parameters
    ----------
    volume : (z, y, x) array of bool or float32
        Zero outside the region.
    mask : (z, y, x) array of bool or None
        Region of interest; None for all of the volume.
    sigma_voxels : float
        Standard deviation in voxels; the kernel reaches to four of them.

    Returns
    -------
    (z + 2, y + 2, x + 2) array of float32
        The field; `OUTSIDE` in the extra layers and wherever the region is not.
    """
    shape = tuple(n + 2 for n in volume.shape)
    weights = gaussian_weights(sigma_voxels)
    field = np.full(shape, OUTSIDE, np.float32)
    _smooth(volume, field, weights)
    if mask is not None:
        share = np.empty(shape, np.float32)
        _smooth(mask, share, weights)
        _restrict(field, share, mask)
    return field
