"""One walk over the surface of smoothed bone: area, its growth, volume, and where it faces.

The surface is that of marching cubes [1]_ at half the field's range, with polygons of more than three corners
as fans around their center, so that turning the volume by 90 degrees turns the surface with it.  It is closed
where the region of interest ends; the part that is not made by closing is also summed alone.

References
----------
.. [1] Lorensen WE, Cline HE (1987) Marching cubes. Comput Graph 21:163-169. doi:10.1145/37402.37422
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from trabsim.morphometry._loops import CORNERS, EDGES, loop_table

LEVEL = 0.5
DIRECTION_BINS = 24  # per edge of each of the three faces of the half cube on which normals are sorted
SUMS = 5


@numba.njit(cache=True)
def _slope(before, here, after, closed):
    """Twice the downward slope along an axis; outside the region zero if closed, else as inside."""
    if closed:
        return max(before, np.float32(0.0)) - max(after, np.float32(0.0))
    if before < 0.0:
        return np.float32(0.0) if after < 0.0 else 2 * (here - after)
    return 2 * (before - here) if after < 0.0 else before - after


@numba.njit(cache=True)
def _outward(field, z, y, x, closed):
    """Twice the downward gradient at a grid point, and whether the region ends beside it."""
    nz, ny, nx = field.shape
    here = max(field[z, y, x], np.float32(0.0))
    zm, zp = field[max(z - 1, 0), y, x], field[min(z + 1, nz - 1), y, x]
    ym, yp = field[z, max(y - 1, 0), x], field[z, min(y + 1, ny - 1), x]
    xm, xp = field[z, y, max(x - 1, 0)], field[z, y, min(x + 1, nx - 1)]
    border = min(min(min(zm, zp), min(ym, yp)), min(xm, xp)) < 0.0
    return _slope(zm, here, zp, closed), _slope(ym, here, yp, closed), _slope(xm, here, xp, closed), border


@numba.njit(cache=True)
def _point_on_edge(field, z, y, x, a, b, closed, point, normal):
    """Where the surface crosses the edge between two corners, in the cube's frame, and the way outward there.

    Returns whether the region ends beside the edge.
    """
    za, ya, xa = z + a[0], y + a[1], x + a[2]
    zb, yb, xb = z + b[0], y + b[1], x + b[2]
    value_a = max(np.float64(field[za, ya, xa]), 0.0)
    value_b = max(np.float64(field[zb, yb, xb]), 0.0)
    t = (LEVEL - value_a) / (value_b - value_a)
    s = 1.0 - t
    point[0] = a[0] * s + b[0] * t
    point[1] = a[1] * s + b[1] * t
    point[2] = a[2] * s + b[2] * t
    az, ay, ax, border_a = _outward(field, za, ya, xa, closed)
    bz, by, bx, border_b = _outward(field, zb, yb, xb, closed)
    gz, gy, gx = s * az + t * bz, s * ay + t * by, s * ax + t * bx
    length = np.sqrt(gz * gz + gy * gy + gx * gx)
    scale = 1.0 / length if length > 0.0 else 0.0
    normal[0] = gz * scale
    normal[1] = gy * scale
    normal[2] = gx * scale
    return border_a or border_b


@numba.njit(cache=True)
def _bin_of(nz, ny, nx):
    """Number of the direction bin of a vector, and the sign that folds it onto the half with the bins."""
    az, ay, ax = abs(nz), abs(ny), abs(nx)
    if az >= ay and az >= ax:
        face, main, u, v = 0, nz, ny, nx
    elif ay >= ax:
        face, main, u, v = 1, ny, nz, nx
    else:
        face, main, u, v = 2, nx, nz, ny
    iu = min(int((u / main + 1.0) * 0.5 * DIRECTION_BINS), DIRECTION_BINS - 1)
    iv = min(int((v / main + 1.0) * 0.5 * DIRECTION_BINS), DIRECTION_BINS - 1)
    return (face * DIRECTION_BINS + iu) * DIRECTION_BINS + iv, 1.0 if main > 0.0 else -1.0


@numba.njit(cache=True)
def _add_triangle(p, n, i, j, k, z, y, x, closed, opened, sums, facing):
    """Add the triangle of points i, j, k to the sums of the closed surface, the open one, or both."""
    ez, ey, ex = p[j, 0] - p[i, 0], p[j, 1] - p[i, 1], p[j, 2] - p[i, 2]
    fz, fy, fx = p[k, 0] - p[i, 0], p[k, 1] - p[i, 1], p[k, 2] - p[i, 2]
    # Twice the vector area, outward.
    az, ay, ax = ey * fx - ex * fy, ex * fz - ez * fx, ez * fy - ey * fz
    length = np.sqrt(az * az + ay * ay + ax * ax)
    if length == 0.0:
        return
    # Growth of the area as the points move along their normals.
    gz, gy, gx = n[j, 0] - n[i, 0], n[j, 1] - n[i, 1], n[j, 2] - n[i, 2]
    hz, hy, hx = n[k, 0] - n[i, 0], n[k, 1] - n[i, 1], n[k, 2] - n[i, 2]
    growth = az * (gy * fx - gx * fy + ey * hx - ex * hy)
    growth += ay * (gx * fz - gz * fx + ex * hz - ez * hx)
    growth += ax * (gz * fy - gy * fz + ez * hy - ey * hz)
    growth *= 0.5 / length
    if closed:
        sums[0] += 0.5 * length
        sums[1] += growth
        sums[2] += ((p[i, 0] + z) * az + (p[i, 1] + y) * ay + (p[i, 2] + x) * ax) / 6.0
    if opened:
        sums[3] += 0.5 * length
        sums[4] += growth
        number, sign = _bin_of(az, ay, ax)
        facing[number, 0] += 0.5 * sign * az
        facing[number, 1] += 0.5 * sign * ay
        facing[number, 2] += 0.5 * sign * ax


@numba.njit(cache=True)
def _add_loop(field, z, y, x, loop, corners, edges, closed, opened, p, n, sums, facing):
    """Add a polygon, a fan around its center if no triangle; return whether the region ends beside it."""
    size = len(loop)
    border = False
    for k in range(size):
        a, b = corners[edges[loop[k], 0]], corners[edges[loop[k], 1]]
        if _point_on_edge(field, z, y, x, a, b, closed, p[k], n[k]):
            border = True
    opened_now = opened and not (border and closed)
    if size == 3:
        _add_triangle(p, n, 0, 1, 2, z, y, x, closed, opened_now, sums, facing)
        return border
    for axis in range(3):
        p[size, axis] = 0.0
        n[size, axis] = 0.0
        for k in range(size):
            p[size, axis] += p[k, axis] / size
            n[size, axis] += n[k, axis] / size
    for k in range(size):
        _add_triangle(p, n, size, k, (k + 1) % size, z, y, x, closed, opened_now, sums, facing)
    return border


@numba.njit(cache=True)
def _add_cube(field, z, y, x, row, corners, edges, p, n, sums, facing):
    inside = True
    for corner in range(8):
        if field[z + corners[corner, 0], y + corners[corner, 1], x + corners[corner, 2]] < 0.0:
            inside = False
    at = 0
    while row[at] > 0:
        loop = row[at + 1 : at + 1 + row[at]]
        border = _add_loop(field, z, y, x, loop, corners, edges, True, inside, p, n, sums, facing)
        if border and inside:
            # Beside the border the closed surface turns over its edge, and the open one goes straight on.
            _add_loop(field, z, y, x, loop, corners, edges, False, True, p, n, sums, facing)
        at += 1 + row[at]


@numba.njit(cache=True, parallel=True)
def _walk(field, table, corners, edges, sums, facing):
    nz, ny, nx = field.shape
    for z in numba.prange(nz - 1):
        p = np.empty((13, 3))
        n = np.empty((13, 3))
        for y in range(ny - 1):
            before = 0
            for x in range(nx):
                now = 0
                if field[z, y, x] > LEVEL:
                    now |= 1
                if field[z, y + 1, x] > LEVEL:
                    now |= 4
                if field[z + 1, y, x] > LEVEL:
                    now |= 16
                if field[z + 1, y + 1, x] > LEVEL:
                    now |= 64
                code = before | now << 1
                if x > 0 and code != 0 and code != 255:
                    _add_cube(field, z, y, x - 1, table[code], corners, edges, p, n, sums[z], facing[z])
                before = now


@dataclass(frozen=True)
class Isosurface:
    """Sums over the surface, lengths in voxels.

    Attributes
    ----------
    area, area_growth : float
        Area of the closed surface, and its derivative when every point moves outward.
    volume : float
        Volume it encloses.
    open_area, open_area_growth : float
        The same without what closes the surface at the border of the region.
    facing : (bins, 3) array of float64
        Vector area (z, y, x) of the open surface by direction, opposite directions folded together.
    """

    area: float
    area_growth: float
    volume: float
    open_area: float
    open_area_growth: float
    facing: NDArray[np.float64]


def isosurface(field: NDArray[np.float32]) -> Isosurface:
    """Sum over the surface of a field made by `smoothed_field`."""
    layers = field.shape[0] - 1
    sums = np.zeros((layers, SUMS))
    facing = np.zeros((layers, 3 * DIRECTION_BINS**2, 3))
    _walk(field, loop_table(), CORNERS, EDGES, sums, facing)
    total = sums.sum(axis=0)
    area, growth, volume, open_area, open_growth = (float(value) for value in total)
    return Isosurface(area, growth, volume, open_area, open_growth, facing.sum(axis=0))
