"""Means that have no order: fixed-point sums over voxels and marrow blocks."""

from __future__ import annotations

import numpy as np
from small_bone import begin, rods

from trabsim.blocks import FIXED_POINT, block_mean, ordered_mean
from trabsim.lattice import block_of


def test_block_mean_is_the_mean_of_each_block() -> None:
    """Within the fixed point, and `empty` where a block has no voxel at all."""
    sim = begin(rods(24))
    state = sim.state
    random = np.random.Generator(np.random.Philox(1))
    voxels = np.sort(random.choice(24**3 // 2, 900, replace=False))
    values = random.random(900) * 3.0
    got = block_mean(sim.backend, voxels, values, state, empty=-7.0)
    block = block_of(voxels, state.shape, state.block_voxels)
    assert got.shape == state.osteoclast_mature.shape
    for number in range(got.size):
        here = values[block == number]
        if here.size:
            assert abs(got[number] - here.mean()) <= 1.5 / FIXED_POINT
        else:
            assert got[number] == -7.0
    assert (got == -7.0).any()


def test_means_do_not_depend_on_order() -> None:
    """The same bits for any order of the entries, where a float sum would differ."""
    sim = begin(rods(24))
    random = np.random.Generator(np.random.Philox(2))
    voxels = np.arange(5000, dtype=np.int64)
    values = random.random(5000) * 10.0 ** random.integers(-4, 3, 5000)
    order = random.permutation(5000)
    one = block_mean(sim.backend, voxels, values, sim.state, 0.0)
    other = block_mean(sim.backend, voxels[order], values[order], sim.state, 0.0)
    assert one.tobytes() == other.tobytes()
    assert ordered_mean(np, values) == ordered_mean(np, values[order])
    assert abs(ordered_mean(np, values) - values.mean()) < 1.5 / FIXED_POINT


def test_mean_of_nothing_is_zero() -> None:
    """No entries give 0, not an error."""
    assert ordered_mean(np, np.zeros(0)) == 0.0
