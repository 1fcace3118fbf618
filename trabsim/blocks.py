"""Sums and means over marrow blocks, in fixed point so that they have no order."""

from __future__ import annotations

import math
from typing import Any

from trabsim.lattice import block_of
from trabsim.state import State

#: Values are summed in millionths, as integers.
FIXED_POINT = 1_000_000


def block_mean(backend: Any, voxels: Any, values: Any, state: State, empty: float) -> Any:
    """Mean of voxel values per marrow block (float64); `empty` where a block has no such voxel."""
    xp = backend.xp
    n = math.prod(state.blocks_shape)
    block = block_of(voxels, state.shape, state.block_voxels)
    total, number = xp.zeros(n, xp.int64), xp.zeros(n, xp.int64)
    backend.scatter_add(total, block, (values.astype(xp.float64) * FIXED_POINT).astype(xp.int64))
    backend.scatter_add(number, block, xp.ones(block.shape[0], xp.int64))
    return xp.where(number > 0, total / (xp.maximum(number, 1) * float(FIXED_POINT)), empty)


def ordered_mean(xp: Any, values: Any) -> float:
    """Mean of an array, the same for any order of its entries."""
    n = int(values.shape[0])
    return float(int((values.astype(xp.float64) * FIXED_POINT).astype(xp.int64).sum())) / (
        FIXED_POINT * max(n, 1)
    )
