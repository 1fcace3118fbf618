"""Directions to look along: evenly spread, and the same when the volume turns by 90 degrees."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray


def fibonacci_directions(count: int) -> NDArray[np.float64]:
    """Unit vectors (z, y, x) spread evenly over the half sphere z > 0 on a spiral.

    References
    ----------
    Gonzalez A (2010) Math Geosci 42:49-64. doi:10.1007/s11004-009-9257-x
    """
    turn = np.pi * (1 + np.sqrt(5)) * (np.arange(count) + 0.5)
    height = (np.arange(count) + 0.5) / count
    radius = np.sqrt(1 - height**2)
    return np.stack([height, radius * np.sin(turn), radius * np.cos(turn)], axis=1)


def symmetric_directions(count: int) -> NDArray[np.float64]:
    """About `count` unit vectors over the half sphere, the same set in every 90 degree position.

    The Fibonacci directions of that count in one forty-eighth of the sphere, z > y > x > 0, and their images.

    Parameters
    ----------
    count : int
        At least 48.

    Returns
    -------
    (n, 3) array of float64
        Components (z, y, x); of each direction and its opposite, one.
    """
    directions = fibonacci_directions(count)
    z, y, x = directions.T
    wedge = directions[(z > y) & (y > x) & (x > 0)]
    half_turns = [signs for signs in product((1, -1), repeat=3) if signs[0] == 1]
    return np.concatenate(
        [wedge[:, order] * signs for order in permutations(range(3)) for signs in half_turns]
    )
