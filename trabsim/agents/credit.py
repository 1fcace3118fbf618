"""Credit: the volume that resorption took and formation still owes, kept on the eroded surface."""

from __future__ import annotations

from typing import Any

from trabsim.state import State


def share_credit(backend: Any, state: State, voxels: Any, takers: Any, amount: Any) -> Any:
    """Split amounts of credit evenly among neighbors, the remainder to the first.

    Parameters
    ----------
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
    backend.scatter_add(state.credit, voxels[takers], part[takers])
    return xp.where(found, 0, amount)
