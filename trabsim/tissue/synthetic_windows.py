"""Windows of a plate: where they are and how wide."""

from __future__ import annotations

import numpy as np

from trabsim.tissue.synthetic_grid import (
    DRAW_CANDIDATES,
    DRAW_SOLID,
    DRAW_WIDTH,
    DRAW_WINDOWS,
    Floats,
)
from trabsim.tissue.synthetic_shape import NetworkParams

CANDIDATES = 7  # places tried for the windows of one plate
WIDTH = 0.7  # least share of its room that a single window takes; with a second one it takes that squared
OBLONG = 0.7  # the axis of the first window goes this far towards the second best place


def edge_distance(point: Floats, corners: Floats, following: Floats) -> float:
    """Distance of a point from the outline of a polygon."""
    side = following - corners
    along = ((point - corners) * side).sum(1) / np.maximum((side * side).sum(1), 1e-12)
    off = point - corners - np.clip(along, 0.0, 1.0)[:, None] * side
    return float(np.sqrt((off * off).sum(1).min()))


def axis_distance(point: Floats, start: Floats, end: Floats) -> float:
    """Distance of a point from a line segment."""
    side = end - start
    along = min(1.0, max(0.0, float((point - start) @ side) / max(float(side @ side), 1e-12)))
    off = point - start - along * side
    return float(np.sqrt(off @ off))


def place_windows(
    corners: Floats, draws: Floats, params: NetworkParams
) -> list[tuple[Floats, Floats, float]]:
    """Choose the windows of one plate; the first is oblong.

    A polygon is convex, so the distance from its outline along an axis is least at one of the axis' ends.

    Parameters
    ----------
    corners : (n, 3) array of float64
        Outline of the plate in cell sizes, in order.
    draws : array of float64
        The plate's uniform numbers.
    params : NetworkParams
        Shares of solid plates and of second windows, rim and least size.

    Returns
    -------
    list of (start, end, radius)
        Ends of each window's axis and its radius; empty where the plate is solid or too small.
    """
    if draws[DRAW_SOLID] < params.solid_share:
        return []
    rim, least = params.rim_fraction, params.window_fraction
    following = np.roll(corners, -1, axis=0)
    center = corners.mean(0)
    cross = np.cross(corners - center, following - center)
    area = np.cumsum(np.sqrt((cross * cross).sum(1)))
    places = [center]
    for n in range(CANDIDATES):
        a, b, c = draws[DRAW_CANDIDATES + 3 * n : DRAW_CANDIDATES + 3 * n + 3]
        k = min(int(np.searchsorted(area, a * area[-1])), len(corners) - 1)
        places.append(center + np.sqrt(b) * ((1 - c) * (corners[k] - center) + c * (following[k] - center)))
    room = [edge_distance(place, corners, following) - rim for place in places]
    other, best = np.argsort(room, kind="stable")[-2:].tolist()
    start, end = places[best], places[best] + OBLONG * (places[other] - places[best])
    radius = min(room[best], edge_distance(end, corners, following) - rim)
    if radius < least:
        end, radius = start, room[best]
    if radius < least:
        return []
    double = draws[DRAW_WINDOWS] < params.double_share
    width = WIDTH + (1.0 - WIDTH) * draws[DRAW_WIDTH]
    radius = max(least, float(width * (WIDTH if double else 1.0)) * radius)
    windows = [(start, end, radius)]
    if double:
        free = [
            min(own, axis_distance(place, start, end) - radius - 2.0 * rim)
            for place, own in zip(places, room, strict=True)
        ]
        second = int(np.argmax(free))
        if free[second] >= least:
            windows.append((places[second], places[second], free[second]))
    return windows
