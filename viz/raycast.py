"""Cast parallel rays at a bone surface, on the processor.

Positions are (z, y, x) in voxels with voxel centers on whole numbers: the box reaches from -0.5 to n - 0.5.
For pictures only: nothing here is ever measured.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

#: Value of a solid at its surface.
LEVEL = 0.5
#: `gaps` counts quarters of a voxel.
GAPS_PER_VOXEL = 4
# Interpolation reaches one voxel along each axis, and the nearest voxel center is up to half a diagonal away.
_REACH = 1.5 * math.sqrt(3.0)


def in_bands(n: int, work: Callable[[int, int], None]) -> None:
    """Call `work(first, last)` for bands of 0..`n` on all cores; each band must write its own part only."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux knows which cores a process may use
        cores = os.cpu_count() or 1
    cores = min(cores, 16)
    edges = [n * band // (4 * cores) for band in range(4 * cores + 1)]
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


def gaps(bone: np.ndarray) -> np.ndarray:
    """Distance of every voxel to the nearest bone voxel, in quarters of a voxel, rounded down.

    Parameters
    ----------
    bone : bool array, shape (z, y, x)

    Returns
    -------
    uint8 array, shape (z, y, x)
        0 in bone; 255 also stands for anything further away.
    """
    import edt

    if not bone.any():
        return np.full(bone.shape, 255, np.uint8)
    far = edt.edt(np.ascontiguousarray(~bone), parallel=2) * GAPS_PER_VOXEL
    return np.minimum(far, 255.0, out=far).astype(np.uint8)


@njit(cache=True, nogil=True)
def _clamp(value, low, high):
    return low if value < low else (high if value > high else value)


@njit(cache=True, nogil=True)
def _trilinear(field, z, y, x):
    """Value of a field at a position; clamped to the outer voxel centers."""
    nz, ny, nx = field.shape
    z, y, x = _clamp(z, 0.0, nz - 1.0), _clamp(y, 0.0, ny - 1.0), _clamp(x, 0.0, nx - 1.0)
    k, j, i = int(z), int(y), int(x)
    c, b, a = z - k, y - j, x - i
    k1, j1, i1 = min(k + 1, nz - 1), min(j + 1, ny - 1), min(i + 1, nx - 1)
    low = (field[k, j, i] * (1.0 - a) + field[k, j, i1] * a) * (1.0 - b)
    low += (field[k, j1, i] * (1.0 - a) + field[k, j1, i1] * a) * b
    high = (field[k1, j, i] * (1.0 - a) + field[k1, j, i1] * a) * (1.0 - b)
    high += (field[k1, j1, i] * (1.0 - a) + field[k1, j1, i1] * a) * b
    return low * (1.0 - c) + high * c


@njit(cache=True, nogil=True)
def _span(o, d, shape):
    """Part of a ray inside the box, and the axis of the face it enters by."""
    start, end, axis = -1e30, 1e30, -1
    for a in range(3):
        if abs(d[a]) < 1e-12:
            if o[a] < -0.5 or o[a] > shape[a] - 0.5:
                return 1.0, 0.0, -1
            continue
        near, far = (-0.5 - o[a]) / d[a], (shape[a] - 0.5 - o[a]) / d[a]
        if near > far:
            near, far = far, near
        if near > start:
            start, axis = near, a
        end = min(end, far)
    return start, end, axis


@njit(cache=True, nogil=True)
def _cast_rows(solid, gap, corner, right, up, ahead, first, last, depth, cap):
    nz, ny, nx = solid.shape
    o = np.empty(3)
    for row in range(first, last):
        for column in range(depth.shape[1]):
            depth[row, column], cap[row, column] = np.inf, -1
            for a in range(3):
                o[a] = corner[a] + (column + 0.5) * right[a] - (row + 0.5) * up[a]
            t, end, axis = _span(o, ahead, solid.shape)
            if t > end:
                continue
            z, y, x = o[0] + t * ahead[0], o[1] + t * ahead[1], o[2] + t * ahead[2]
            if _trilinear(solid, z, y, x) >= LEVEL:
                depth[row, column], cap[row, column] = t, axis
                continue
            while t < end:
                k = int(_clamp(z + 0.5, 0.0, nz - 1.0))
                j = int(_clamp(y + 0.5, 0.0, ny - 1.0))
                i = int(_clamp(x + 0.5, 0.0, nx - 1.0))
                outside = t
                t = min(t + max(gap[k, j, i] / GAPS_PER_VOXEL - _REACH, 0.3), end)
                z, y, x = o[0] + t * ahead[0], o[1] + t * ahead[1], o[2] + t * ahead[2]
                if _trilinear(solid, z, y, x) >= LEVEL:
                    inside = t
                    for _ in range(10):
                        t = 0.5 * (outside + inside)
                        z, y, x = o[0] + t * ahead[0], o[1] + t * ahead[1], o[2] + t * ahead[2]
                        if _trilinear(solid, z, y, x) >= LEVEL:
                            inside = t
                        else:
                            outside = t
                    depth[row, column] = inside
                    break


def cast(
    solid: np.ndarray,
    gap: np.ndarray,
    corner: np.ndarray,
    right: np.ndarray,
    up: np.ndarray,
    ahead: np.ndarray,
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Find what is front-most behind every pixel of a parallel projection.

    Parameters
    ----------
    solid : float32 array, shape (z, y, x)
        Bone where at least 0.5; whole voxels must be on the same side as in `gap`.
    gap : uint8 array, shape (z, y, x)
        From `gaps`.
    corner : float64 array, shape (3,)
        Upper left corner of the picture, in front of the box.
    right, up : float64 array, shape (3,)
        Steps of one pixel, voxels.
    ahead : float64 array, shape (3,)
        Direction of sight, length 1.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    depth : float64 array, shape (rows, columns)
        Distance along the ray in voxels; inf where it meets no bone.
    cap : int8 array, shape (rows, columns)
        Axis of the cut face that is seen there; -1 on a true surface.
    """
    depth, cap = np.empty(shape), np.empty(shape, np.int8)
    in_bands(shape[0], lambda a, b: _cast_rows(solid, gap, corner, right, up, ahead, a, b, depth, cap))
    return depth, cap


@njit(cache=True, nogil=True)
def _sample_some(field, points, valid_from, first, last, out):
    nz, ny, nx = field.shape
    for n in range(first, last):
        z = _clamp(points[n, 0], 0.0, nz - 1.0)
        y = _clamp(points[n, 1], 0.0, ny - 1.0)
        x = _clamp(points[n, 2], 0.0, nx - 1.0)
        k, j, i = int(z), int(y), int(x)
        total, weight = 0.0, 0.0
        for corner in range(8):
            kk, jj, ii = k + (corner >> 2), j + ((corner >> 1) & 1), i + (corner & 1)
            if kk >= nz or jj >= ny or ii >= nx:
                continue
            value = field[kk, jj, ii]
            if value >= valid_from:
                w = (1.0 - abs(z - kk)) * (1.0 - abs(y - jj)) * (1.0 - abs(x - ii)) + 1e-9
                total += w * value
                weight += w
        out[n] = total / weight if weight > 0.0 else np.nan


def sample(field: np.ndarray, points: np.ndarray, valid_from: float = -np.inf) -> np.ndarray:
    """Interpolate a field between those of the eight voxels around a point where it is defined.

    Parameters
    ----------
    field : array, shape (z, y, x)
        Undefined where nan or below `valid_from`.
    points : float64 array, shape (n, 3)
    valid_from : float

    Returns
    -------
    float32 array, shape (n,)
        nan where none of the eight voxels is defined.
    """
    out = np.empty(points.shape[0], np.float32)
    in_bands(points.shape[0], lambda a, b: _sample_some(field, points, valid_from, a, b, out))
    return out


@njit(cache=True, nogil=True)
def _normals_some(solid, points, step, first, last, out):
    for n in range(first, last):
        z, y, x = points[n, 0], points[n, 1], points[n, 2]
        c = _trilinear(solid, z - step, y, x) - _trilinear(solid, z + step, y, x)
        b = _trilinear(solid, z, y - step, x) - _trilinear(solid, z, y + step, x)
        a = _trilinear(solid, z, y, x - step) - _trilinear(solid, z, y, x + step)
        length = max(math.sqrt(a * a + b * b + c * c), 1e-9)
        out[n, 0], out[n, 1], out[n, 2] = c / length, b / length, a / length


def normals(solid: np.ndarray, points: np.ndarray, step: float = 0.8) -> np.ndarray:
    """Directions (n, 3) away from the bone at points (n, 3), from differences over `step` voxels."""
    out = np.empty(points.shape)
    in_bands(points.shape[0], lambda a, b: _normals_some(solid, points, step, a, b, out))
    return out
