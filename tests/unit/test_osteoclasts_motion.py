"""How osteoclasts move: along the bone, no faster than they can, and in no direction of the lattice by preference."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import add_osteoclasts, named, slab, wake

from trabsim.agents.osteoclast_motion import front_depth_um, norm, resorbable
from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase


def test_depth_counts_what_is_gone_of_the_voxel() -> None:
    """Depth of the top of the voxel plus the part already taken: 0 in a full fresh voxel, the edge in an empty one."""
    bone, depth = np.array([FULL, FULL // 2, 0]), np.array([0, 40_000, 80_000])
    np.testing.assert_allclose(front_depth_um(bone, depth, 40.0), [0.0, 60.0, 120.0])


def test_norm_is_euclidean() -> None:
    """Length along the last axis."""
    vector = np.random.Generator(np.random.Philox(3)).normal(size=(5, 4, 3))
    np.testing.assert_allclose(norm(np, vector), np.linalg.norm(vector, axis=-1), rtol=1e-14)


def test_what_can_be_resorbed() -> None:
    """Bone that touches marrow and is not being formed; not buried bone, not empty voxels."""
    sim = wake(slab(thick=10.0))
    state = sim.state
    top, buried, marrow = (np.ravel_multi_index((z, 12, 12), state.shape) for z in (9, 5, 15))
    every = np.array([top, buried, marrow])
    assert resorbable(state, np, every).tolist() == [True, False, False]
    state.phase.ravel()[top] = Phase.FORMING
    assert resorbable(state, np, every).tolist() == [False, False, False]
    state.phase.ravel()[top] = Phase.ARRESTED
    state.bone.ravel()[marrow] = FULL // 10  # a crumb hangs in marrow and is open from all sides
    assert resorbable(state, np, every).tolist() == [True, False, True]


def walk(sim: Simulation, days: int) -> np.ndarray:
    """Positions after each day, shape (days + 1, cells, 3)."""
    positions = [sim.state.osteoclasts.position_um.copy()]
    for _ in range(days):
        named(sim, "osteoclast_motion").apply(sim.state, sim.clock)
        positions.append(sim.state.osteoclasts.position_um.copy())
        sim.clock.advance()
    return np.array(positions)


def test_no_step_is_longer_than_the_highest_speed() -> None:
    """On a flat surface nobody moves more than `most_um_per_day`, and nobody leaves the bone or the lattice."""
    sim = wake(
        slab((16, 30, 30), thick=8.0),
        {"osteoclast_motion.most_um_per_day": 9.0, "osteoclast_motion.speed_um_per_day": 500.0},
    )
    random = np.random.Generator(np.random.Philox(4))
    start = np.column_stack([np.full(60, 8 * 40.0), random.uniform(100, 1100, (60, 2))])
    add_osteoclasts(sim, start)
    path = walk(sim, 15)
    step = np.linalg.norm(np.diff(path[1:], axis=0), axis=-1)  # after settling on the bone
    assert step.max() <= 9.0 + 1e-9
    assert step.mean() > 4.0
    assert (path[-1] >= 0).all()
    assert (path[-1] < np.array(sim.state.shape) * 40.0).all()


def test_an_osteoclast_comes_down_to_the_bone() -> None:
    """A cell that hangs above the bone within its sight is brought to its clearance; one far off stays."""
    sim = wake(slab((20, 20, 20), thick=8.0), {"osteoclast_motion.clearance_um": 15.0})
    add_osteoclasts(sim, [[8 * 40.0 + 30.0, 420.0, 420.0], [18 * 40.0, 420.0, 420.0]])
    path = walk(sim, 1)
    top = (
        8 * 40.0
    )  # the face of the uppermost voxel, not its center: clearance does not depend on the voxel's size
    assert path[1, 0, 0] <= top + 15.0 + 1e-6
    np.testing.assert_array_equal(path[1, 1], path[0, 1])


def test_deep_surface_is_left() -> None:
    """Where all in sight is deeper than the leave depth, an osteoclast finds nowhere to go and keeps its place."""
    sim = wake(slab((16, 24, 24), thick=8.0), {"osteoclast_motion.leave_depth_um": 45.0})
    sim.state.erosion_depth_nm[...] = 50_000
    add_osteoclasts(sim, [[8 * 40.0, 480.0, 480.0]])
    path = walk(sim, 3)
    np.testing.assert_allclose(path[2], path[1])


def test_it_hurries_where_it_is_deep() -> None:
    """Speed rises with the depth below the original surface."""
    steps = []
    for depth_nm in (0, 30_000):
        sim = wake(
            slab((16, 24, 24), thick=8.0),
            {
                "osteoclast_motion.speed_um_per_day": 3.0,
                "osteoclast_motion.most_um_per_day": 15.0,
                "osteoclast_motion.leave_depth_um": 90.0,
            },
        )
        sim.state.erosion_depth_nm[...] = depth_nm
        add_osteoclasts(
            sim, np.column_stack([np.full(30, 320.0), np.linspace(200, 760, 30), np.full(30, 480.0)])
        )
        path = walk(sim, 4)
        steps.append(np.linalg.norm(np.diff(path[1:], axis=0), axis=-1).mean())
    assert steps[1] > 1.5 * steps[0]


@pytest.mark.parametrize("turn", [1, 2])
def test_a_turned_specimen_gives_statistically_the_same_walk(turn: int) -> None:
    """Mean squared distance on a slab does not depend on the axis that the slab faces (5 sigma)."""
    spread = []
    for axis in (0, turn):
        piece = slab((24, 24, 24), thick=8.0)
        bone = np.moveaxis(piece.bone_fraction, 0, axis)
        sim = wake(type(piece)(bone, None, 40.0, "turned"))
        random = np.random.Generator(np.random.Philox(5))
        start = np.insert(random.uniform(250, 710, (300, 2)), axis, 8 * 40.0, axis=1)
        add_osteoclasts(sim, start)
        path = walk(sim, 10)
        squared = ((path[-1] - path[1]) ** 2).sum(axis=-1)
        spread.append((squared.mean(), squared.std() / np.sqrt(squared.size)))
    (one, error_one), (other, error_other) = spread
    assert abs(one - other) < 5 * np.hypot(error_one, error_other)


@pytest.mark.parametrize("loaded_half", [0, 1])
def test_strained_bone_is_avoided(loaded_half: int) -> None:
    """Between a loaded and an unloaded half of a flat surface, a strong aversion drives all to the unloaded one."""
    settings = {
        "osteoclast_motion.strain_avoidance": 50.0,
        "osteoclast_motion.speed_um_per_day": 30.0,
        "osteoclast_motion.clearance_um": 40.0,  # free to leave its voxel, although no bone is taken here
    }
    sim = wake(slab((16, 32, 32), thick=8.0), settings)
    state = sim.state
    halves = (np.s_[:, :, :16], np.s_[:, :, 16:])
    state.strain_signal[halves[loaded_half]] = 1.0
    state.strain_signal[halves[1 - loaded_half]] = -1.0
    x = np.tile(np.linspace(612.0, 668.0, 10), 6)  # either side of the middle, 640 um, within sight of it
    add_osteoclasts(sim, np.stack([np.full(60, 330.0), np.repeat(np.linspace(250, 1000, 6), 10), x], axis=1))
    end = walk(sim, 25)[-1, :, 2]
    avoided = end < 640.0 if loaded_half == 0 else end > 640.0
    assert avoided.sum() <= 3
