"""Neighborhoods on the voxel lattice, in um, as arrays of raveled positions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np


@lru_cache(maxsize=64)
def ball(radius_voxels: float) -> np.ndarray:
    """Offsets (z, y, x) of all voxels whose center lies within `radius_voxels`; int64, shape (k, 3).

    The center comes first, the rest in order of distance, then of position.
    """
    reach = int(radius_voxels)
    axis = np.arange(-reach, reach + 1)
    offsets = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    squared = (offsets**2).sum(axis=1)
    inside = squared <= radius_voxels**2 + 1e-9
    offsets, squared = offsets[inside], squared[inside]
    order = np.lexsort((offsets[:, 2], offsets[:, 1], offsets[:, 0], squared))
    return np.ascontiguousarray(offsets[order].astype(np.int64))


@lru_cache(maxsize=1)
def neighbors_26() -> np.ndarray:
    """Offsets of the 26 voxels that share a face, an edge or a corner."""
    return np.ascontiguousarray(ball(1.75)[1:])


@lru_cache(maxsize=1)
def neighbors_6() -> np.ndarray:
    """Offsets of the 6 voxels that share a face."""
    return np.ascontiguousarray(ball(1.0)[1:])


def unravel(index: Any, shape: tuple[int, int, int]) -> tuple[Any, Any, Any]:
    """Split raveled positions into z, y, x."""
    plane = shape[1] * shape[2]
    z = index // plane
    rest = index - z * plane
    y = rest // shape[2]
    return z, y, rest - y * shape[2]


def around(xp: Any, index: Any, offsets: Any, shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Raveled positions of a neighborhood.

    Parameters
    ----------
    index : int64 array, shape (n,)
        Raveled centers.
    offsets : int64 array, shape (k, 3)

    Returns
    -------
    positions : int64 array, shape (n, k)
        Where an offset leaves the lattice, the center itself.
    inside : bool array, shape (n, k)
    """
    offsets = xp.asarray(offsets)
    step = (offsets[:, 0] * shape[1] + offsets[:, 1]) * shape[2] + offsets[:, 2]
    z, y, x = unravel(index, shape)
    inside = xp.ones((index.shape[0], offsets.shape[0]), dtype=bool)
    for axis, coordinate in enumerate((z, y, x)):
        moved = coordinate[:, None] + offsets[None, :, axis]
        inside &= (moved >= 0) & (moved < shape[axis])
    positions = xp.where(inside, index[:, None] + step[None, :], index[:, None])
    return positions, inside


def centers_um(xp: Any, index: Any, shape: tuple[int, int, int], voxel_size_um: float) -> Any:
    """Centers of voxels in um from the lattice corner; float64, shape (..., 3)."""
    return xp.stack([(c + 0.5) * voxel_size_um for c in unravel(index, shape)], axis=-1)


def voxel_at(xp: Any, position_um: Any, shape: tuple[int, int, int], voxel_size_um: float) -> Any:
    """Raveled voxel that holds a position in um; positions outside are moved to the nearest voxel."""
    raveled = xp.zeros(position_um.shape[0], xp.int64)
    for axis in range(3):
        coordinate = xp.floor(position_um[:, axis] / voxel_size_um).astype(xp.int64)
        raveled = raveled * shape[axis] + xp.clip(coordinate, 0, shape[axis] - 1)
    return raveled


def block_of(index: Any, shape: tuple[int, int, int], block_voxels: int) -> Any:
    """Raveled marrow block that holds a voxel."""
    blocks_y, blocks_x = -(-shape[1] // block_voxels), -(-shape[2] // block_voxels)
    z, y, x = unravel(index, shape)
    return ((z // block_voxels) * blocks_y + y // block_voxels) * blocks_x + x // block_voxels


def repeat_rows(xp: Any, counts: Any) -> Any:
    """Row numbers 0, 0, 1, 2, 2, 2 ... with row i standing ``counts[i]`` times; int64."""
    ends = xp.cumsum(counts)
    total = int(ends[-1]) if int(ends.shape[0]) else 0
    return xp.searchsorted(ends, xp.arange(total, dtype=xp.int64), side="right").astype(xp.int64)
