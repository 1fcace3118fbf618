"""The part of a tissue seen from a point, and its moments."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

MOMENTS = 10  # volume, first moments z y x, second moments zz yy xx zy zx yx
OTHER, TISSUE, OUTSIDE = 0, 1, 2


@numba.njit(cache=True)
def _free_length(kinds, shape, z, y, x, uz, uy, ux, radius, longest):
    """How far one gets from the center of a sphere before leaving the tissue, to half a voxel.

    The way inside the sphere is free.  Also returns whether it was the border of the region that ended it.
    """
    ny, nx = shape[1], shape[2]
    # The voxel around a point is less than one voxel from it.
    length = max(np.floor(radius - 1.0), 1.0)
    pz, py, px = z + 0.5 + length * uz, y + 0.5 + length * uy, x + 0.5 + length * ux
    if not (0.0 <= pz < shape[0] and 0.0 <= py < ny and 0.0 <= px < nx):
        return length - 0.5, True
    while length < longest:
        kind = kinds[(np.int64(pz) * ny + np.int64(py)) * nx + np.int64(px)]
        if kind != TISSUE:
            return length - 0.5, kind == OUTSIDE
        pz += uz
        py += uy
        px += ux
        length += 1.0
    return longest, False


@numba.njit(cache=True)
def _add_moments(m, length, uz, uy, ux):
    """Add the cone of unit solid angle and this length along a direction."""
    cube = length * length * length
    first = cube * length / 4.0
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


@numba.njit(cache=True, parallel=True)
def _see(kinds, shape, centers, radii, sight_radii, directions, moments):
    for i in numba.prange(len(centers)):
        # The volume has one more layer around it.
        z, y, x = centers[i, 0] + 1, centers[i, 1] + 1, centers[i, 2] + 1
        radius = radii[i]
        longest = sight_radii * radius
        for k in range(len(directions)):
            uz, uy, ux = directions[k, 0], directions[k, 1], directions[k, 2]
            ahead, cut_ahead = _free_length(kinds, shape, z, y, x, uz, uy, ux, radius, longest)
            back, cut_back = _free_length(kinds, shape, z, y, x, -uz, -uy, -ux, radius, longest)
            if cut_ahead and not cut_back:
                ahead = max(ahead, back)
            elif cut_back and not cut_ahead:
                back = max(ahead, back)
            _add_moments(moments[i], ahead, uz, uy, ux)
            _add_moments(moments[i], back, -uz, -uy, -ux)


def visible_semi_axes(
    tissue: NDArray[np.bool_],
    mask: NDArray[np.bool_] | None,
    centers: NDArray[np.int32],
    radii_voxels: NDArray[np.float64],
    sight_radii: float,
    directions: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Semi-axes of the ellipsoid with the second moments of what is seen of the tissue from each center.

    Parameters
    ----------
    tissue : (z, y, x) array of bool
        Rays end where it ends.
    mask : (z, y, x) array of bool or None
        Region of interest; None for all of the volume.  A ray that its border cuts gets the length of the
        opposite ray, if that is longer and not cut.
    centers : (n, 3) array of int32
        Voxels to look from.
    radii_voxels : (n,) array of float64
        Radii of spheres in the tissue around the centers.
    sight_radii : float
        Rays end at this many radii at the latest.
    directions : (m, 3) array of float64
        Unit vectors; rays go both ways along each.

    Returns
    -------
    (n, 3) array of float64
        Semi-axes in voxels, shortest first.
    """
    kinds = np.full([n + 2 for n in tissue.shape], OUTSIDE, np.uint8)
    kinds[1:-1, 1:-1, 1:-1] = tissue  # the values of OTHER and TISSUE
    if mask is not None:
        kinds[1:-1, 1:-1, 1:-1][~mask] = OUTSIDE
    moments = np.zeros((len(centers), MOMENTS))
    _see(kinds.ravel(), kinds.shape, centers, radii_voxels, sight_radii, directions, moments)
    moments[:, 1:] /= moments[:, :1]
    mean = moments[:, 1:4]
    covariance = np.empty((len(centers), 3, 3))
    for column, (i, j) in enumerate([(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)], start=4):
        covariance[:, i, j] = covariance[:, j, i] = moments[:, column] - mean[:, i] * mean[:, j]
    # An ellipsoid's variance along a semi-axis is a fifth of its square.
    return np.sqrt(5 * np.maximum(np.linalg.eigvalsh(covariance), 0))
