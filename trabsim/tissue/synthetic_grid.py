"""Random numbers of space: a randomly turned unit grid whose cells each hold their own.

Every number hangs on its cell alone (Philox; key = seed and attempt, counter = cell). A larger region has
more cells, but the same ones in the same places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CELL_OFFSET = 2**20  # counters are unsigned, grid cells are not
DRAWS = 36  # random numbers per cell; what each is for stands in DRAW_*
DRAW_PLACE, DRAW_BEND, DRAW_STRUT = slice(0, 3), slice(3, 6), 6
DRAW_PLATE, DRAW_SOLID, DRAW_THICKNESS, DRAW_WINDOWS = 7, 8, 9, 10
DRAW_WIDTH, DRAW_CANDIDATES = 11, 12


def wrap(x: Floats) -> Floats:
    """Fractional part: the sum of independent uniform numbers, wrapped, is uniform again."""
    return np.asarray(x - np.floor(x))


def transform(points: Floats, matrix: Floats) -> Floats:
    """Apply a matrix to each point.

    Spelled out: a linear-algebra library may share the points among threads and round each share its own way.
    """
    return points[:, :1] * matrix[:, 0] + points[:, 1:2] * matrix[:, 1] + points[:, 2:] * matrix[:, 2]


def rotation(quaternion: Floats) -> Floats:
    """Rotation matrix of a quaternion of any length."""
    w, x, y, z = quaternion / np.sqrt((quaternion * quaternion).sum())
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


class Grid:
    """Randomly turned and shifted unit grid with random numbers in each of its cells.

    Parameters
    ----------
    seed, attempt : int
        Key of the random numbers.
    half : (3,) array of float64
        Half extents (z, y, x) of the region about the origin that the cells must cover.

    Attributes
    ----------
    points : (n, 3) array of float64
        One random point in each cell.
    draws : (n, DRAWS) array of float64
        The cell's uniform numbers in [0, 1).
    """

    def __init__(self, seed: int, attempt: int, half: Floats):
        key = np.array([seed % 2**64, attempt], dtype=np.uint64)
        whole = np.random.Generator(np.random.Philox(key=key))
        turn = 2.0 * whole.random(4) - 1.0
        while not 0.01 < (turn * turn).sum() <= 1.0:
            turn = 2.0 * whole.random(4) - 1.0
        self.rotation = rotation(turn)
        self.shift = whole.random(3)
        reach = np.abs(self.rotation.T) @ half + 1.0
        self.low = np.floor(-reach - self.shift).astype(np.int64) - 1
        self.size = np.ceil(reach - self.shift).astype(np.int64) + 2 - self.low
        cells = np.stack(np.meshgrid(*[np.arange(n) for n in self.size], indexing="ij"), -1).reshape(-1, 3)
        self.cells = cells + self.low
        draws = np.empty((len(cells), DRAWS))
        for row, cell in enumerate(self.cells + CELL_OFFSET):
            # the first word counts the draws themselves
            counter = np.array([0, cell[0], cell[1], cell[2]], dtype=np.uint64)
            draws[row] = np.random.Generator(np.random.Philox(key=key, counter=counter)).random(DRAWS)
        self.draws = draws
        self.points = transform(self.cells + self.shift + draws[:, DRAW_PLACE], self.rotation)

    def bend(self, points: Floats) -> Floats:
        """Smooth random displacement, -1 to 1 along each axis: grid values interpolated by smoothsteps."""
        place = transform(points, self.rotation.T) - self.shift - self.low
        corner = np.floor(place).astype(np.int64)
        step = place - corner
        step = step * step * (3.0 - 2.0 * step)
        values = 2.0 * self.draws[:, DRAW_BEND] - 1.0
        out = np.zeros_like(points)
        for offset in np.ndindex(2, 2, 2):
            weight = np.ones(len(points))
            for axis in range(3):
                weight = weight * (step[:, axis] if offset[axis] else 1.0 - step[:, axis])
            index = np.clip(corner + offset, 0, self.size - 1)
            flat = (index[:, 0] * self.size[1] + index[:, 1]) * self.size[2] + index[:, 2]
            out += weight[:, None] * values[flat]
        return out
