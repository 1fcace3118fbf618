"""Loose bone: what hangs on nothing is taken out, with its cells, and the ledgers know."""

from __future__ import annotations

import numpy as np
from small_bone import add_osteoblasts, named, slab, specimen, wake

from trabsim.backends import get_backend
from trabsim.state import FULL, Phase
from trabsim.tissue.fragments import loose_parts
from trabsim.tissue.ledger import Ledgers

BACKEND = get_backend("numpy", threads=1)


def test_one_piece_is_never_loose() -> None:
    """The only part stays, wherever it lies; so does nothing at all."""
    solid = np.zeros((8, 8, 8), bool)
    assert not loose_parts(BACKEND, solid).any()
    solid[3:5, 3:5, 3:5] = True
    assert not loose_parts(BACKEND, solid).any()


def test_parts_at_a_cut_face_stay() -> None:
    """A smaller part is loose unless it touches any of the six faces."""
    for face in range(6):
        solid = np.zeros((12, 12, 12), bool)
        solid[2:8, 2:8, 2:8] = True
        solid[10, 10, 10] = True
        part = [5, 10, 10]
        part[face % 3] = 0 if face < 3 else 11
        others = [axis for axis in range(3) if axis != face % 3]
        for axis in others:
            part[axis] = 10
        solid[tuple(part)] = True
        loose = loose_parts(BACKEND, solid)
        expected = np.zeros_like(solid)
        touching = abs(part[face % 3] - 10) <= 1
        expected[10, 10, 10] = not touching
        assert (loose == expected).all(), face


def test_corner_contact_does_not_hold() -> None:
    """Parts that share only an edge or a corner are not connected."""
    solid = np.zeros((9, 9, 9), bool)
    solid[2:5, 2:5, 2:5] = True
    solid[5, 5, 5] = True
    solid[5, 5, 3] = True
    loose = loose_parts(BACKEND, solid)
    assert loose[5, 5, 5]
    assert loose[5, 5, 3]
    assert loose.sum() == 2


def test_the_largest_part_stays() -> None:
    """Of parts that touch no face only the largest stays."""
    solid = np.zeros((14, 14, 14), bool)
    solid[2:5, 2:5, 2:5] = True
    solid[7:12, 7:12, 7:12] = True
    loose = loose_parts(BACKEND, solid)
    assert loose[2:5, 2:5, 2:5].all()
    assert loose.sum() == 27


def test_clearing_a_fragment_keeps_every_ledger() -> None:
    """Bone, credit and cells of the fragment are gone and counted; the main body is untouched."""
    bone = slab((20, 20, 20), thick=8.0).bone_fraction.copy()
    bone[13:16, 9:12, 9:12] = 1.0
    bone[16, 10, 10] = 0.3  # a partly filled voxel hangs on to the piece
    sim = wake(specimen(bone))
    state = sim.state
    piece = np.zeros(state.shape, bool)
    piece[13:17] = state.bone[13:17] > 0
    held = np.flatnonzero(piece)
    add_osteoblasts(sim, [held[0], held[3], int(np.ravel_multi_index((8, 3, 3), state.shape))])
    state.credit[13, 10, 10] = 700
    state.count("resorbed_quanta", 700)
    state.counters["initial_quanta"] += 700
    main = state.bone[:12].copy()
    osteocytes = int(np.isin(state.osteocytes.voxel, held).sum())
    volume = int(state.bone[piece].sum())
    named(sim, "fragments").apply(state, sim.clock)
    assert not state.bone[piece].any()
    assert (state.bone[:12] == main).all()
    assert not state.credit.any()
    assert len(state.osteoblasts) == 1
    assert osteocytes > 0
    assert state.counters["osteocytes_removed"] == osteocytes
    assert (
        state.counters["fragment_quanta"]
        == volume
        == 27 * FULL + int(np.float32(0.3) * np.float64(FULL) + 0.5)
    )
    Ledgers(None, sim.backend).apply(state, sim.clock)


def test_it_looks_only_now_and_then() -> None:
    """The check is due every so many days, as set."""
    sim = wake(slab(), {"fragments.every_days": 7})
    process = named(sim, "fragments")
    due = []
    for _ in range(15):
        due.append(process.every.due(sim.clock))
        sim.clock.advance()
    assert [day for day, is_due in enumerate(due) if is_due] == [0, 7, 14]


def test_credit_on_a_fragment_goes_to_erosion_nearby() -> None:
    """What osteoclasts took from the piece stays owed where erosion waits; the piece itself is owed by nobody."""
    bone = slab((20, 20, 20), thick=8.0).bone_fraction.copy()
    bone[10:13, 9:12, 9:12] = 1.0
    sim = wake(specimen(bone), {"reversal.reach_um": 120.0})
    state = sim.state
    state.credit[10, 10, 10], state.phase[10, 10, 10] = 700, Phase.REVERSAL
    state.credit[12, 10, 10] = 50  # too far from the surface
    state.phase[12, 10, 10] = state.phase[7, 10, 10] = Phase.REVERSAL
    state.count("resorbed_quanta", 750)
    state.counters["initial_quanta"] += 750
    volume = int(state.bone[10:13].sum())
    named(sim, "fragments").apply(state, sim.clock)
    assert state.credit[7, 10, 10] == 700
    assert int(state.credit.sum()) == 700
    assert not state.exposed[10:13].any()
    assert state.counters["credit_fragments"] == volume + 50
    Ledgers(None, sim.backend).apply(state, sim.clock)
