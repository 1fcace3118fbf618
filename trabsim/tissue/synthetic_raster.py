"""Bone fraction of a lattice from struts and plates in space: distances, fillets, share of each voxel.

The distance from the bone surface is that of the nearest element, lowered where two or three elements are
about equally near: a fillet. A voxel that the surface may cross is divided in eight, and each part takes the
share that a plane at that distance would leave. Only sums, products, square roots and comparisons are used,
and each voxel is computed alone, so neither thread count nor mathematics library changes a bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

FAR = 1e30
HALF_DIAGONAL = 0.8661  # of a unit cube, rounded up
PARTIAL = (
    0.6831  # a surface farther from a voxel's center, in voxels, leaves each of its eight parts full or empty
)
STEEPEST = 1.1  # a bent plate with a window: its distance may change a little faster than the way
BLOCK = 6  # edge of the blocks of voxels that share a list of near pieces
CUBE = 2  # edge of the cubes in a block that share a shorter one
CUBES = BLOCK // CUBE


class Solid(NamedTuple):
    """Struts and plates, ready for the kernels.

    `pieces` holds three corners each, `windows` the ends of their axes and their radius, `ball` the center and radius
    of a ball about each piece's axis or middle surface.
    """

    pieces: NDArray[np.float64]
    strut: NDArray[np.bool_]
    element: NDArray[np.int64]
    radius: NDArray[np.float64]
    windows: NDArray[np.float64]
    ball: NDArray[np.float64]
    reach: float


@nb.njit(cache=True)
def segment_distance(p0, p1, p2, a0, a1, a2, b0, b1, b2):
    """Distance of a point from the line segment between two others."""
    b0, b1, b2 = b0 - a0, b1 - a1, b2 - a2
    p0, p1, p2 = p0 - a0, p1 - a1, p2 - a2
    length = b0 * b0 + b1 * b1 + b2 * b2
    s = 0.0
    if length > 0.0:
        s = min(1.0, max(0.0, (p0 * b0 + p1 * b1 + p2 * b2) / length))
    p0, p1, p2 = p0 - s * b0, p1 - s * b1, p2 - s * b2
    return np.sqrt(p0 * p0 + p1 * p1 + p2 * p2)


@nb.njit(cache=True)
def triangle_distance(p0, p1, p2, i, pieces):
    """Distance of a point from a triangle: off its face where the foot lies inside, else from a side."""
    a0, a1, a2 = pieces[i, 0], pieces[i, 1], pieces[i, 2]
    b0, b1, b2 = pieces[i, 3], pieces[i, 4], pieces[i, 5]
    c0, c1, c2 = pieces[i, 6], pieces[i, 7], pieces[i, 8]
    u0, u1, u2 = b0 - a0, b1 - a1, b2 - a2
    v0, v1, v2 = c0 - a0, c1 - a1, c2 - a2
    q0, q1, q2 = p0 - a0, p1 - a1, p2 - a2
    uu, uv, vv = u0 * u0 + u1 * u1 + u2 * u2, u0 * v0 + u1 * v1 + u2 * v2, v0 * v0 + v1 * v1 + v2 * v2
    qu, qv = q0 * u0 + q1 * u1 + q2 * u2, q0 * v0 + q1 * v1 + q2 * v2
    area = uu * vv - uv * uv
    s, r = vv * qu - uv * qv, uu * qv - uv * qu
    if s >= 0.0 and r >= 0.0 and s + r <= area and area > 0.0:
        s, r = s / area, r / area
        q0, q1, q2 = q0 - s * u0 - r * v0, q1 - s * u1 - r * v1, q2 - s * u2 - r * v2
        return np.sqrt(q0 * q0 + q1 * q1 + q2 * q2)
    near = FAR
    # only a side that the foot lies beyond can be the nearest
    if r < 0.0 or area <= 0.0:
        near = min(near, segment_distance(p0, p1, p2, a0, a1, a2, b0, b1, b2))
    if s < 0.0 or area <= 0.0:
        near = min(near, segment_distance(p0, p1, p2, a0, a1, a2, c0, c1, c2))
    if s + r > area or area <= 0.0:
        near = min(near, segment_distance(p0, p1, p2, b0, b1, b2, c0, c1, c2))
    return near


@nb.njit(cache=True)
def axis_distance(p0, p1, p2, i, solid):
    """Distance of a point from the axis or middle surface of piece `i`, windows aside."""
    t = solid.pieces
    if solid.strut[i]:
        return segment_distance(p0, p1, p2, t[i, 0], t[i, 1], t[i, 2], t[i, 3], t[i, 4], t[i, 5])
    return triangle_distance(p0, p1, p2, i, t)


@nb.njit(cache=True)
def surface_distance(p0, p1, p2, off, e, solid):
    """Signed distance of a point from element `e` whose axis or middle surface is `off` away.

    Inside the rim of a window the nearest bone lies sideways.
    """
    side = 0.0
    w = solid.windows
    for k in range(w.shape[1]):
        if w[e, k, 6] > 0.0:
            axis = segment_distance(
                p0, p1, p2, w[e, k, 0], w[e, k, 1], w[e, k, 2], w[e, k, 3], w[e, k, 4], w[e, k, 5]
            )
            side = max(side, w[e, k, 6] - axis)
    return (np.sqrt(off * off + side * side) if side > 0.0 else off) - solid.radius[e]


@nb.njit(cache=True)
def fillet(a: float, b: float, reach: float) -> float:
    """Smooth minimum: at most `reach` / 4 below the lesser, equal to it where they differ by `reach`."""
    h = reach - abs(a - b)
    return min(a, b) - (h * h / (4.0 * reach) if h > 0.0 else 0.0)


@nb.njit(cache=True)
def distance(p0, p1, p2, near, n, solid):
    """Signed distance of a point from the bone of the first `n` pieces of `near`, one element after the other."""
    d1, d2, d3 = FAR, FAR, FAR
    k = 0
    while k < n:
        e = solid.element[near[k]]
        # an element counts only if it is among the three nearest and near enough to blend with the nearest
        useful = min(d3, d1 + solid.reach)
        least = useful + solid.radius[e]
        while k < n and solid.element[near[k]] == e:
            i = near[k]
            k += 1
            wide = solid.ball[i, 3] + least
            q0, q1, q2 = p0 - solid.ball[i, 0], p1 - solid.ball[i, 1], p2 - solid.ball[i, 2]
            if wide > 0.0 and q0 * q0 + q1 * q1 + q2 * q2 < wide * wide:
                least = min(least, axis_distance(p0, p1, p2, i, solid))
        if least - solid.radius[e] >= useful:
            continue
        d = surface_distance(p0, p1, p2, least, e, solid)
        if d < d1:
            d1, d2, d3 = d, d1, d2
        elif d < d2:
            d2, d3 = d, d2
        elif d < d3:
            d3 = d
    return fillet(fillet(d1, d2, solid.reach), d3, solid.reach)


@nb.njit(cache=True)
def sort_into_blocks(ball, margin, edge, blocks):
    """Lists of the pieces whose ball, widened by its `margin`, touches each block: starts and numbers."""
    starts = np.zeros(blocks[0] * blocks[1] * blocks[2] + 1, np.int64)
    lists = np.empty(0, np.int64)
    place = starts
    for turn in range(2):
        if turn == 1:
            starts = np.cumsum(starts)
            place = starts.copy()
            lists = np.empty(starts[-1], np.int64)
        for i in range(len(ball)):
            r = ball[i, 3] + margin[i]
            lo = np.empty(3, np.int64)
            hi = np.empty(3, np.int64)
            for axis in range(3):
                lo[axis] = max(0, int(np.floor((ball[i, axis] - r) / edge)))
                hi[axis] = min(blocks[axis] - 1, int(np.floor((ball[i, axis] + r) / edge)))
            for z in range(lo[0], hi[0] + 1):
                for y in range(lo[1], hi[1] + 1):
                    for x in range(lo[2], hi[2] + 1):
                        g0 = max(z * edge - ball[i, 0], 0.0, ball[i, 0] - (z + 1) * edge)
                        g1 = max(y * edge - ball[i, 1], 0.0, ball[i, 1] - (y + 1) * edge)
                        g2 = max(x * edge - ball[i, 2], 0.0, ball[i, 2] - (x + 1) * edge)
                        if g0 * g0 + g1 * g1 + g2 * g2 > r * r:
                            continue
                        block = (z * blocks[1] + y) * blocks[2] + x
                        if turn == 0:
                            starts[block + 1] += 1
                        else:
                            lists[place[block]] = i
                            place[block] += 1
    return starts, lists


@nb.njit(cache=True)
def prune(p0, p1, p2, near, n, span, band, solid, off, out):
    """Keep of `near` what matters for the surface within `span` of a point; gives how many those are.

    There a surface needs an element nearer than `span` + `band` + `reach` / 2, and what blends with the nearest
    is at most `reach` farther than that.  Of an element, only pieces that may be its nearest count.  `off` is room
    for `n` numbers.
    """
    farthest = STEEPEST * span + band
    nearest, leader = FAR, np.int64(-1)
    k = 0
    while k < n:
        e = solid.element[near[k]]
        least = FAR
        while k < n and solid.element[near[k]] == e:
            i = near[k]
            off[k] = FAR
            wide = solid.ball[i, 3] + solid.radius[e] + farthest + solid.reach
            q0, q1, q2 = p0 - solid.ball[i, 0], p1 - solid.ball[i, 1], p2 - solid.ball[i, 2]
            if q0 * q0 + q1 * q1 + q2 * q2 <= wide * wide:
                off[k] = axis_distance(p0, p1, p2, i, solid)
                least = min(least, off[k])
            k += 1
        if least - solid.radius[e] < nearest:
            d = surface_distance(p0, p1, p2, least, e, solid)
            if d < nearest:
                nearest, leader = d, e
    if nearest > farthest + 0.5 * solid.reach:
        return 0
    limit = min(nearest + 2.0 * STEEPEST * span, farthest) + solid.reach
    kept = 0
    # the nearest element first: the others are then quickly found to be too far
    for turn in range(2):
        k = 0
        while k < n:
            e = solid.element[near[k]]
            first, least = k, FAR
            while k < n and solid.element[near[k]] == e:
                least = min(least, off[k])
                k += 1
            if (e == leader) == (turn == 0) and least - solid.radius[e] <= limit:
                for j in range(first, k):
                    if off[j] <= least + 2.0 * span:
                        out[kept] = near[j]
                        kept += 1
    return kept


@nb.njit(cache=True)
def partial(p0, p1, p2, voxel, near, n, solid):
    """Bone fraction of a voxel from its eight parts."""
    share = 0.0
    for part in range(8):
        s0 = p0 + voxel * (0.25 if part & 4 else -0.25)
        s1 = p1 + voxel * (0.25 if part & 2 else -0.25)
        s2 = p2 + voxel * (0.25 if part & 1 else -0.25)
        share += min(1.0, max(0.0, 0.5 - 2.0 * distance(s0, s1, s2, near, n, solid) / voxel))
    return share / 8.0


@nb.njit(cache=True)
def fill_block(fraction, z0, y0, x0, voxel, pieces, solid):
    """Write the bone fraction of the voxels of one block that `pieces` may reach."""
    nz, ny, nx = fraction.shape
    band = STEEPEST * PARTIAL * voxel
    n = len(pieces)
    near, off = np.empty(n, np.int64), np.empty(n)
    half, span = 0.5 * BLOCK * voxel, HALF_DIAGONAL * BLOCK * voxel
    few = prune(
        z0 * voxel + half, y0 * voxel + half, x0 * voxel + half, pieces, n, span, band, solid, off, near
    )
    nearer, nearest = np.empty(few, np.int64), np.empty(few, np.int64)
    half, span = 0.5 * CUBE * voxel, HALF_DIAGONAL * CUBE * voxel
    inner = HALF_DIAGONAL * (CUBE - 1) * voxel
    for cube in range(CUBES**3 if few > 0 else 0):
        z1 = z0 + cube // CUBES**2 * CUBE
        y1 = y0 + cube // CUBES % CUBES * CUBE
        x1 = x0 + cube % CUBES * CUBE
        fewer = prune(
            z1 * voxel + half, y1 * voxel + half, x1 * voxel + half, near, few, span, band, solid, off, nearer
        )
        if fewer == 0:
            continue
        d = distance(z1 * voxel + half, y1 * voxel + half, x1 * voxel + half, nearer, fewer, solid)
        if abs(d) >= band + STEEPEST * inner:
            if d < 0.0:
                fraction[z1 : z1 + CUBE, y1 : y1 + CUBE, x1 : x1 + CUBE] = 1.0
            continue
        for z in range(z1, min(nz, z1 + CUBE)):
            for y in range(y1, min(ny, y1 + CUBE)):
                for x in range(x1, min(nx, x1 + CUBE)):
                    p0, p1, p2 = (z + 0.5) * voxel, (y + 0.5) * voxel, (x + 0.5) * voxel
                    d = distance(p0, p1, p2, nearer, fewer, solid)
                    if d <= -band:
                        fraction[z, y, x] = 1.0
                    elif d < band:
                        m = prune(p0, p1, p2, nearer, fewer, 0.5 * voxel, 0.5 * voxel, solid, off, nearest)
                        fraction[z, y, x] = partial(p0, p1, p2, voxel, nearest, m, solid)


@nb.njit(cache=True, parallel=True)
def fill(fraction, voxel, blocks, starts, lists, solid):
    """Write the bone fraction of every voxel; blocks are independent of each other."""
    for block in nb.prange(blocks[0] * blocks[1] * blocks[2]):
        pieces = lists[starts[block] : starts[block + 1]]
        if len(pieces) > 0:
            z0 = block // (blocks[1] * blocks[2]) * BLOCK
            y0 = block // blocks[2] % blocks[1] * BLOCK
            fill_block(fraction, z0, y0, block % blocks[2] * BLOCK, voxel, pieces, solid)


def bone_fraction(
    shape: tuple[int, int, int],
    voxel: float,
    points: NDArray[np.float64],
    pieces: NDArray[np.int64],
    element: NDArray[np.int64],
    radius: NDArray[np.float64],
    windows: NDArray[np.int64],
    window_radius: NDArray[np.float64],
    reach: float,
) -> NDArray[np.float32]:
    """Share of bone in each voxel of a lattice.

    Parameters
    ----------
    shape : tuple of int
        Lattice size (z, y, x); its corner lies at the origin.
    voxel : float
        Voxel edge, in the unit of all other lengths.
    points : (n, 3) array of float64
        Points in (z, y, x).
    pieces : (m, 3) array of int64
        Corners of each triangle; of a segment its ends, the second twice.
    element : (m,) array of int64
        Element of each piece, ascending: pieces of one element make no fillet with each other.
    radius : (elements,) array of float64
        Half thickness of each element.
    windows : (elements, w, 2) array of int64
        Points at the ends of the axes of each element's windows.
    window_radius : (elements, w) array of float64
        Radii of the windows, 0 for none.
    reach : float
        Difference of distance over which two elements blend.

    Returns
    -------
    (z, y, x) array of float32
        0 to 1.
    """
    corners = points[pieces]
    center = (corners.min(1) + corners.max(1)) / 2.0
    off = corners - center[:, None]
    ball = np.empty((len(pieces), 4))
    ball[:, :3] = center
    ball[:, 3] = np.sqrt((off * off).sum(2).max(1))
    solid = Solid(
        pieces=corners.reshape(-1, 9),
        strut=pieces[:, 1] == pieces[:, 2],
        element=element,
        radius=radius,
        windows=np.concatenate(
            [points[windows].reshape(*window_radius.shape, 6), window_radius[..., None]], axis=2
        ),
        ball=ball,
        reach=float(reach),
    )
    blocks = np.array([-(-n // BLOCK) for n in shape], dtype=np.int64)
    margin = reach + HALF_DIAGONAL * voxel
    starts, lists = sort_into_blocks(ball, radius[element] + margin, BLOCK * voxel, blocks)
    fraction = np.zeros(shape, dtype=np.float32)
    fill(fraction, float(voxel), blocks, starts, lists, solid)
    return fraction
