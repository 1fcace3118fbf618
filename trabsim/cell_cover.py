"""How much bone surface osteoclasts and osteoblasts cover.

Both are areas of the smoothed surface: a cell takes so many um2 of the surface around it, and no spot is covered twice.
A voxel therefore counts by the cells near it, not as a whole, and the shares agree between coarse and fine voxels.
"""

from __future__ import annotations

from typing import Any

from trabsim.agents.osteoclast_motion import norm
from trabsim.agents.resorption import footprint_weight
from trabsim.lattice import around, ball, centers_um, voxel_at
from trabsim.state import State

#: Claims on area are summed in thousandths of um2, as integers, so that they have no order.
PER_UM2 = 1000

#: Pairs of a cell and a voxel that are looked at in one go, which bounds memory.
PAIRS = 4_000_000


def osteoclast_cover_um2(state: State, backend: Any, cover_um2: float, reach_um: float) -> Any:
    """Area below osteoclasts.

    Parameters
    ----------
    state : State
    backend : Backend
    cover_um2 : float
        Area that one osteoclast covers.
    reach_um : float
        Distance at which its hold on the surface fades to nothing.

    Returns
    -------
    float64 array, per surface voxel
        um2, at most the area that the voxel holds.
    """
    number = backend.xp.ones(len(state.osteoclasts), backend.xp.int64)
    return _covered_um2(state, backend, state.osteoclasts.position_um, number, cover_um2, reach_um)


def osteoblast_cover_um2(state: State, backend: Any, cover_um2: float, reach_um: float) -> Any:
    """Area below living osteoblasts, which sit on the voxels they fill, some of them still marrow.

    Parameters
    ----------
    state : State
    backend : Backend
    cover_um2 : float
        Area that one osteoblast covers.
    reach_um : float
        Distance at which its hold on the surface fades to nothing; more than the diagonal of a voxel's face, or cells
        above marrow reach none.

    Returns
    -------
    float64 array, per surface voxel
        um2, at most the area that the voxel holds.
    """
    xp = backend.xp
    voxels, number = xp.unique(state.osteoblasts.voxel, return_counts=True)
    position_um = centers_um(xp, voxels, state.shape, state.voxel_size_um)
    return _covered_um2(state, backend, position_um, number, cover_um2, reach_um)


def _covered_um2(
    state: State, backend: Any, position_um: Any, number: Any, cover_um2: float, reach_um: float
) -> Any:
    """Share the area of `number` cells at each position among the surface around it, and clip the sums."""
    xp, surface, h = backend.xp, state.surface, state.voxel_size_um
    claimed = xp.zeros(surface.index.shape[0], xp.int64)
    offsets = ball(reach_um / h + 0.9)
    at_once = max(PAIRS // int(offsets.shape[0]), 1)
    cells = int(number.shape[0]) if int(surface.index.shape[0]) else 0
    for first in range(0, cells, at_once):
        here = position_um[first : first + at_once]
        voxels, inside = around(xp, voxel_at(xp, here, state.shape, h), offsets, state.shape)
        away = norm(xp, centers_um(xp, voxels, state.shape, h) - here[:, None, :])
        row = surface.position_of(xp, voxels)
        takes = inside & (surface.index[row] == voxels)
        weight = xp.where(takes, footprint_weight(away, reach_um, xp) * surface.area_um2[row], 0.0)
        wanted = (
            number[first : first + at_once] * (cover_um2 * PER_UM2) / xp.maximum(weight.sum(axis=1), 1e-9)
        )
        part = xp.floor(weight * wanted[:, None]).astype(xp.int64)
        backend.scatter_add(claimed, row[takes], part[takes])
    return xp.minimum(claimed / float(PER_UM2), surface.area_um2)
