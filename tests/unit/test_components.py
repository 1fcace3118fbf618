"""Cavities: marrow from which no path leads out, by paths through faces or through edges and corners as well."""

from __future__ import annotations

import numpy as np
import pytest

from trabsim.tissue.components import enclosed_cavities

#: Steps from the center of a block of bone to a second hole that shares a face, an edge, a corner with it.
STEPS = {"face": (0, 0, 1), "edge": (0, 1, 1), "corner": (1, 1, 1)}


def block(*holes: tuple[int, int, int]) -> np.ndarray:
    """A block of bone with marrow around, and with holes."""
    bone = np.zeros((9, 9, 9), bool)
    bone[1:8, 1:8, 1:8] = True
    for hole in holes:
        bone[hole] = False
    return bone


@pytest.mark.parametrize("connectivity", [6, 26])
def test_a_hole_within_bone_is_a_cavity(connectivity: int) -> None:
    found, count = enclosed_cavities(block((4, 4, 4)), connectivity=connectivity)
    assert count == 1
    assert np.argwhere(found).tolist() == [[4, 4, 4]]


@pytest.mark.parametrize(("contact", "closed"), [("face", set()), ("edge", {6}), ("corner", {6})])
def test_a_way_out_through_edges_or_corners_counts_for_26_alone(contact: str, closed: set[int]) -> None:
    """A hole just below the surface, and a dent beside it that is open to the marrow outside."""
    dz, dy, dx = STEPS[contact]
    hole, dent = [2, 4, 4], [(2 - dz, 4 + dy, 4 + dx), (1, 4 + dy, 4 + dx)]
    bone = block((2, 4, 4), *dent)
    for connectivity in (6, 26):
        found, count = enclosed_cavities(bone, connectivity=connectivity)
        assert count == (connectivity in closed)
        assert np.argwhere(found).tolist() == ([hole] if connectivity in closed else [])


@pytest.mark.parametrize(("contact", "count"), [("face", 1), ("edge", 2), ("corner", 2)])
def test_holes_that_touch_by_edge_or_corner_are_one_cavity_for_26(contact: str, count: int) -> None:
    second = tuple((np.array([4, 4, 4]) + STEPS[contact]).tolist())
    assert enclosed_cavities(block((4, 4, 4), second), connectivity=6)[1] == count
    assert enclosed_cavities(block((4, 4, 4), second))[1] == 1


@pytest.mark.parametrize("connectivity", [6, 26])
def test_marrow_at_a_face_of_the_box_or_the_edge_of_the_mask_is_open(connectivity: int) -> None:
    bone = np.ones((6, 6, 6), bool)
    bone[0, 3, 3] = bone[3, 3, 3] = False
    tissue = np.ones_like(bone)
    found, count = enclosed_cavities(bone, tissue, connectivity)
    assert (count, np.argwhere(found).tolist()) == (1, [[3, 3, 3]])
    tissue[3, 3, 3] = False
    assert enclosed_cavities(bone, tissue, connectivity)[1] == 0


def test_solid_bone_has_none() -> None:
    found, count = enclosed_cavities(np.ones((3, 4, 5), bool), connectivity=6)
    assert (found.any(), count) == (False, 0)
