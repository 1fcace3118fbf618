"""Credit that changes hands: no quantum is lost, and only eroded surface within reach takes any."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import slab, wake

from trabsim.credit import WAITING, hand_over, rescue, share_credit
from trabsim.lattice import around, neighbors_26
from trabsim.simulation import Simulation
from trabsim.state import Phase

#: A voxel of the flat surface that `flat` makes.
Z, Y, X = 7, 10, 10


def flat(voxel_size_um: float = 40.0) -> Simulation:
    """A flat, quiescent surface at z = 7."""
    return wake(slab((16, 20, 20), voxel_size_um, thick=8.0))


def at(sim: Simulation, *voxels: tuple[int, int, int]) -> np.ndarray:
    """Raveled positions."""
    return np.array([np.ravel_multi_index(v, sim.state.shape) for v in voxels])


# ------------------------------------------------------------------------- share
@pytest.mark.parametrize("seed", range(5))
def test_sharing_loses_no_quantum(seed: int) -> None:
    """What is given arrives with the takers, in parts that differ by the odd rest; without takers it comes back."""
    sim = flat()
    state = sim.state
    random = np.random.Generator(np.random.Philox(seed))
    centers = np.sort(random.choice(state.bone.size, 30, replace=False))
    voxels, inside = around(np, centers, neighbors_26(), state.shape)
    takers = inside & (random.random(voxels.shape) < random.choice([0.0, 0.1, 0.6], (30, 1)))
    amount = random.integers(0, 1000, 30)
    left = share_credit(sim.backend, state, voxels, takers, amount)
    assert int(state.credit.sum()) + int(left.sum()) == int(amount.sum())
    alone = ~takers.any(axis=1)
    assert alone.any()
    assert (left[alone] == amount[alone]).all()
    assert (left[~alone] == 0).all()
    assert state.credit.min() >= 0
    assert not np.setdiff1d(np.flatnonzero(state.credit), voxels[takers]).size


def test_the_odd_rest_goes_to_the_first_taker() -> None:
    """Eleven quanta among three takers: 5, 3, 3; whoever takes nothing gets nothing."""
    sim = flat()
    voxels = at(sim, (Z, 4, 4), (Z, 4, 5), (Z, 4, 6), (Z, 4, 7))[None, :]
    takers = np.array([[False, True, True, True]])
    assert share_credit(sim.backend, sim.state, voxels, takers, np.array([11])).tolist() == [0]
    assert sim.state.credit.ravel()[voxels[0]].tolist() == [0, 5, 3, 3]


def test_shares_of_several_givers_add_up() -> None:
    """Two givers with the same taker: it gets both."""
    sim = flat()
    taker = int(at(sim, (Z, Y, X))[0])
    voxels = np.array([[taker], [taker]])
    share_credit(sim.backend, sim.state, voxels, np.ones((2, 1), bool), np.array([7, 30]))
    assert sim.state.credit.ravel()[taker] == 37


# --------------------------------------------------------------------- hand over
@pytest.mark.parametrize(
    "phase", [Phase.QUIESCENT, Phase.RESORBING, Phase.REVERSAL, Phase.FORMING, Phase.ARRESTED]
)
def test_only_surface_in_the_named_phases_takes(phase: int) -> None:
    """Waiting surface is resorbing or in reversal; nothing else takes what is handed to it."""
    sim = flat()
    state = sim.state
    state.phase[Z, Y, X + 1] = phase
    left = hand_over(sim.backend, state, at(sim, (Z, Y, X)), np.array([90]), 60.0, *WAITING)
    takes = phase in (Phase.RESORBING, Phase.REVERSAL)
    assert left.tolist() == [0 if takes else 90]
    assert state.credit[Z, Y, X + 1] == (90 if takes else 0)


def test_only_exposed_surface_takes() -> None:
    """A voxel in the right phase that lies buried, or in marrow, takes nothing."""
    sim = flat()
    state = sim.state
    state.phase[Z - 1, Y, X] = state.phase[Z + 1, Y, X] = Phase.REVERSAL
    left = hand_over(sim.backend, state, at(sim, (Z, Y, X)), np.array([5]), 60.0, *WAITING)
    assert left.tolist() == [5]
    assert not state.credit.any()


@pytest.mark.parametrize("voxel_size_um", [10.0, 20.0, 40.0])
def test_reach_is_in_um_but_at_least_the_26_neighbors(voxel_size_um: float) -> None:
    """Every voxel within reach takes the same, none beyond; the voxel itself keeps nothing of what it gives."""
    sim = flat(voxel_size_um)
    state = sim.state
    state.phase.ravel()[state.surface.index] = Phase.REVERSAL
    amount = 10**6
    hand_over(sim.backend, state, at(sim, (Z, Y, X)), np.array([amount]), 55.0, *WAITING)
    y, x = np.indices((20, 20))
    distance = np.hypot(y - Y, x - X)
    near = (distance <= max(55.0 / voxel_size_um, 1.75)) & (distance > 0)
    assert ((state.credit[Z] > 0) == near).all()
    each = amount // near.sum()
    assert set(np.unique(state.credit[Z][near])) <= {each, each + amount - each * near.sum()}
    assert int(state.credit.sum()) == amount


def test_handing_over_leaves_the_giver_as_it_is() -> None:
    """What lies on the giver is the caller's to take off."""
    sim = flat()
    state = sim.state
    state.phase[Z, Y, X : X + 2] = Phase.REVERSAL
    state.credit[Z, Y, X] = 40
    assert hand_over(sim.backend, state, at(sim, (Z, Y, X)), np.array([40]), 60.0, *WAITING)[0] == 0
    assert state.credit[Z, Y, X : X + 2].tolist() == [40, 40]


# ------------------------------------------------------------------------ rescue
def test_rescue_prefers_waiting_surface_then_a_team_at_work() -> None:
    """Where erosion waits it takes all; else a forming team does; else it comes back."""
    sim = flat()
    state = sim.state
    voxels = at(sim, (Z, 4, 4), (Z, 4, 14), (Z, 14, 9))
    state.phase[Z, 4, 5], state.phase[Z, 5, 4] = Phase.REVERSAL, Phase.FORMING
    state.phase[Z, 4, 15] = Phase.FORMING
    state.phase[Z, 14, 10] = Phase.ARRESTED
    left = rescue(sim.backend, state, voxels, np.array([100, 30, 7]), 60.0)
    assert left.tolist() == [0, 0, 7]
    assert (state.credit[Z, 4, 5], state.credit[Z, 5, 4]) == (100, 0)
    assert state.credit[Z, 4, 15] == 30
    assert int(state.credit.sum()) == 130


@pytest.mark.parametrize("seed", range(4))
def test_rescue_loses_no_quantum(seed: int) -> None:
    """On surface of random phases, what arrives and what comes back is what was given; only who may take does."""
    sim = flat()
    state = sim.state
    random = np.random.Generator(np.random.Philox(seed))
    state.phase[Z] = random.choice(5, (20, 20), p=[0.9, 0.02, 0.02, 0.04, 0.02])
    voxels = np.sort(random.choice(state.surface.index, 60, replace=False))
    amount = random.integers(0, 500, 60)
    left = rescue(sim.backend, state, voxels, amount.copy(), 80.0)
    assert int(state.credit.sum()) + int(left.sum()) == int(amount.sum())
    assert 0 < left.sum() < amount.sum()
    takers = state.phase.ravel()[np.flatnonzero(state.credit)]
    assert set(takers.tolist()) <= {*WAITING, Phase.FORMING}


def test_nobody_to_rescue() -> None:
    """No credit in need is no error."""
    sim = flat()
    nobody = np.zeros(0, np.int64)
    assert rescue(sim.backend, sim.state, nobody, nobody, 60.0).shape == (0,)
