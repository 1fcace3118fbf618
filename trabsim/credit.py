"""Credit: the volume that resorption took and formation still owes, kept on the eroded surface.

Whatever empties or buries a voxel passes its credit on; what finds no eroded surface within reach is lost, and
counted.
"""

from __future__ import annotations

from typing import Any

from trabsim.lattice import around, ball
from trabsim.state import Phase, State

#: Phases of eroded surface that waits for osteoblasts.
WAITING = (Phase.RESORBING, Phase.REVERSAL)


def share_credit(backend: Any, state: State, voxels: Any, takers: Any, amount: Any) -> Any:
    """Split amounts of credit among neighbors; arguments and result as in `share_among`."""
    return share_among(backend, state.credit, voxels, takers, amount)


def share_among(backend: Any, target: Any, voxels: Any, takers: Any, amount: Any) -> Any:
    """Split whole amounts evenly among neighbors, the remainder to the first.

    Parameters
    ----------
    target : int array, shape (z, y, x)
        What neighbors hold; raised in place.
    voxels : int64 array, shape (n, k)
        Neighborhoods.
    takers : bool array, shape (n, k)
        Which neighbors take a share.
    amount : int64 array, shape (n,)
        Quanta to give away.

    Returns
    -------
    int64 array, shape (n,)
        What found no taker.
    """
    xp = backend.xp
    number = takers.sum(axis=1)
    each = amount // xp.maximum(number, 1)
    part = xp.where(takers, each[:, None], 0)
    rows = xp.arange(voxels.shape[0])
    found = number > 0
    part[rows, xp.argmax(takers, axis=1)] += xp.where(found, amount - each * number, 0)
    backend.scatter_add(target, voxels[takers], part[takers])
    return xp.where(found, 0, amount)


def hand_over(backend: Any, state: State, voxels: Any, amount: Any, reach_um: float, *phases: int) -> Any:
    """Hand credit to the surface within reach that is in one of these phases.

    Parameters
    ----------
    voxels : int64 array, shape (n,)
        Where the credit is now; they take no share themselves.
    amount : int64 array, shape (n,)
        Quanta to give away; not taken off `voxels` here.
    reach_um : float
    *phases : int
        See `trabsim.state.Phase`.

    Returns
    -------
    int64 array, shape (n,)
        What found no taker.
    """
    xp = backend.xp
    near, inside = around(xp, voxels, ball(max(reach_um / state.voxel_size_um, 1.75)), state.shape)
    phase = state.phase.ravel()[near]
    takers = inside & (state.exposed.ravel()[near] == 1) & (near != voxels[:, None])
    takers &= sum((phase == p for p in phases[1:]), start=phase == phases[0])
    return share_credit(backend, state, near, takers, amount)


def rescue(backend: Any, state: State, voxels: Any, amount: Any, reach_um: float) -> Any:
    """Hand on credit whose place is gone: to erosion within reach that waits, or else to a team at work there.

    Arguments and result as in `hand_over`.
    """
    left = hand_over(backend, state, voxels, amount, reach_um, *WAITING)
    orphan = left > 0
    if bool(orphan.any()):
        left[orphan] = hand_over(backend, state, voxels[orphan], left[orphan], reach_um, Phase.FORMING)
    return left
