"""Light on a bone surface: how much sky and sun each place sees, by rays through the marrow."""

from __future__ import annotations

import numpy as np
from numba import njit

from trabsim.viz.raycast import GAPS_PER_VOXEL, in_bands, normals, sample

_SKY_DIRECTIONS = 64
_SUN_DIRECTIONS = 24
# tangent of the half angle under which the sun is seen: wide, for soft shadows
_SUN_SPREAD = 0.22
# bone further away than this takes no light from the sky
_SKY_REACH_VOXELS = 64.0
# light is looked up this far off the surface, so that marrow voxels decide
_OFF_SURFACE = 0.5


class Light:
    """Sky and sun at the voxels that a picture shows.

    Parameters
    ----------
    solid : float32 array, shape (z, y, x)
    gap : uint8 array, shape (z, y, x)
        From `trabsim.viz.raycast.gaps`.
    points, away : float64 array, shape (n, 3)
        Visible places of the surface and the directions away from the bone there.
    sun : float64 array, shape (3,)
        Direction towards the sun, length 1.
    """

    def __init__(
        self, solid: np.ndarray, gap: np.ndarray, points: np.ndarray, away: np.ndarray, sun: np.ndarray
    ):
        needed = np.zeros(solid.shape, np.bool_)
        _mark(needed, points, away, _OFF_SURFACE)
        needed &= gap > 0
        voxels = np.argwhere(needed).astype(np.float64)
        facing = normals(solid, voxels)
        whole = float(np.linalg.norm(solid.shape))
        self._sky = np.full(solid.shape, -1.0, np.float32)
        self._sun = np.full(solid.shape, -1.0, np.float32)
        reach = min(_SKY_REACH_VOXELS, whole)
        self._sky[needed] = share_seen(gap, voxels, facing, sphere_directions(_SKY_DIRECTIONS), reach)
        self._sun[needed] = share_seen(gap, voxels, facing, cone_directions(sun, _SUN_DIRECTIONS), whole)

    def at(self, points: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shares of sky and sun, 0-1, shape (n,) each; 1 where nothing was computed."""
        outside = points + _OFF_SURFACE * away
        sky, sun = sample(self._sky, outside, 0.0), sample(self._sun, outside, 0.0)
        return np.nan_to_num(sky, nan=1.0), np.nan_to_num(sun, nan=1.0)


def sphere_directions(n: int) -> np.ndarray:
    """Directions spread evenly over the sphere, shape (n, 3): a golden spiral."""
    i = np.arange(n) + 0.5
    z, angle = 1.0 - 2.0 * i / n, np.pi * (1.0 + 5.0**0.5) * i
    r = np.sqrt(1.0 - z * z)
    return np.stack([z, r * np.sin(angle), r * np.cos(angle)], axis=-1)


def cone_directions(axis: np.ndarray, n: int, spread: float = _SUN_SPREAD) -> np.ndarray:
    """Directions spread evenly over a cone, shape (n, 3); `spread` is the tangent of its half angle."""
    side = np.cross(axis, [0.36, 0.48, 0.8] if abs(axis[0]) > 0.6 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    i = np.arange(n) + 0.5
    r, angle = spread * np.sqrt(i / n), np.pi * (1.0 + 5.0**0.5) * i
    d = axis + (r * np.cos(angle))[:, None] * side + (r * np.sin(angle))[:, None] * other
    return d / np.linalg.norm(d, axis=1, keepdims=True)


def share_seen(
    gap: np.ndarray, voxels: np.ndarray, facing: np.ndarray, directions: np.ndarray, reach: float
) -> np.ndarray:
    """Share of the light from some directions, weighted by the cosine to the surface, that meets no bone.

    Parameters
    ----------
    gap : uint8 array, shape (z, y, x)
    voxels, facing : float64 array, shape (n, 3)
        Marrow voxels, and the direction away from the bone there.
    directions : float64 array, shape (m, 3)
        Towards the light, length 1.
    reach : float
        Bone at this distance in voxels takes no light, nearer bone the more.

    Returns
    -------
    float32 array, shape (n,)
        0-1; 0 where all directions lie behind the surface.
    """
    seen = np.empty(voxels.shape[0], np.float32)
    in_bands(voxels.shape[0], lambda a, b: _see_some(gap, voxels, facing, directions, reach, a, b, seen))
    return seen


@njit(cache=True, nogil=True)
def _see_some(gap, voxels, facing, directions, reach, first, last, seen):
    nz, ny, nx = gap.shape
    for n in range(first, last):
        total, free = 0.0, 0.0
        z0, y0, x0 = voxels[n, 0] + 0.5, voxels[n, 1] + 0.5, voxels[n, 2] + 0.5
        for m in range(directions.shape[0]):
            c, b, a = directions[m, 0], directions[m, 1], directions[m, 2]
            cosine = c * facing[n, 0] + b * facing[n, 1] + a * facing[n, 2]
            if cosine <= 0.05:
                continue
            total += cosine
            t, clear = 1.0, 1.0
            while t < reach:
                z, y, x = z0 + t * c, y0 + t * b, x0 + t * a
                if z < 0.0 or y < 0.0 or x < 0.0 or z >= nz or y >= ny or x >= nx:
                    break
                room = gap[int(z), int(y), int(x)]
                if room == 0:
                    clear = (t / reach) ** 2
                    break
                t += max(room / GAPS_PER_VOXEL - 0.5, 1.0)
            free += cosine * clear
        seen[n] = free / total if total > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _mark(flags, points, away, off):
    """Flag the eight voxels around each point moved `off` voxels away from the bone."""
    nz, ny, nx = flags.shape
    for n in range(points.shape[0]):
        z = min(max(points[n, 0] + off * away[n, 0], 0.0), nz - 1.0)
        y = min(max(points[n, 1] + off * away[n, 1], 0.0), ny - 1.0)
        x = min(max(points[n, 2] + off * away[n, 2], 0.0), nx - 1.0)
        for corner in range(8):
            k = min(int(z) + (corner >> 2), nz - 1)
            j = min(int(y) + ((corner >> 1) & 1), ny - 1)
            i = min(int(x) + (corner & 1), nx - 1)
            flags[k, j, i] = True
