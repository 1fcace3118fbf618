"""Neighborhoods and positions on the lattice, against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from trabsim.lattice import (
    around,
    ball,
    block_of,
    centers_um,
    neighbors_6,
    neighbors_26,
    repeat_rows,
    unravel,
    voxel_at,
)

SHAPE = (4, 5, 7)
EVERY = np.arange(np.prod(SHAPE), dtype=np.int64)


@pytest.mark.parametrize("radius", [0.0, 1.0, 1.5, 1.75, 2.0, 3.3])
def test_ball_holds_all_within_the_radius(radius: float) -> None:
    """Exactly the voxels whose center lies within the radius, the nearest first."""
    reach = range(-5, 6)
    expected = {o for o in itertools.product(reach, reach, reach) if np.dot(o, o) <= radius**2}
    offsets = ball(radius)
    assert {tuple(map(int, o)) for o in offsets} == expected
    assert len(offsets) == len(expected)
    squared = (offsets**2).sum(axis=1)
    assert squared[0] == 0
    assert (np.diff(squared) >= 0).all()


def test_ball_has_no_direction() -> None:
    """Every ball is the same seen from all 48 sides of the cube."""
    for radius in (1.0, 1.75, 2.5, 3.3):
        offsets = {tuple(map(int, o)) for o in ball(radius)}
        for axes in itertools.permutations(range(3)):
            for signs in itertools.product((-1, 1), repeat=3):
                assert {tuple(s * o[a] for a, s in zip(axes, signs)) for o in offsets} == offsets


def test_neighbors() -> None:
    """26 voxels touch a voxel, 6 of them by a face; itself is not among them."""
    assert len({tuple(o) for o in neighbors_26()}) == 26
    assert (np.abs(neighbors_26()).max(axis=1) == 1).all()
    assert len({tuple(o) for o in neighbors_6()}) == 6
    assert (np.abs(neighbors_6()).sum(axis=1) == 1).all()


def test_unravel_is_numpys() -> None:
    """z, y, x of raveled positions, in C order."""
    for mine, numpys in zip(unravel(EVERY, SHAPE), np.unravel_index(EVERY, SHAPE)):
        assert (mine == numpys).all()


@pytest.mark.parametrize("radius", [1.0, 2.3])
def test_around_against_brute_force(radius: float) -> None:
    """Positions of a neighborhood; where it leaves the lattice the center stands in, marked as outside."""
    offsets = ball(radius)
    positions, inside = around(np, EVERY, offsets, SHAPE)
    for center in EVERY:
        place = np.array(np.unravel_index(center, SHAPE))
        for k, offset in enumerate(offsets):
            there = place + offset
            within = bool(((there >= 0) & (there < SHAPE)).all())
            assert inside[center, k] == within
            expected = np.ravel_multi_index(tuple(there), SHAPE) if within else center
            assert positions[center, k] == expected


def test_positions_and_voxels_agree() -> None:
    """The center of a voxel lies in that voxel; a position outside counts for the nearest voxel."""
    for size_um in (10.0, 33.3):
        position = centers_um(np, EVERY, SHAPE, size_um)
        assert (voxel_at(np, position, SHAPE, size_um) == EVERY).all()
        assert (voxel_at(np, position + 0.49 * size_um, SHAPE, size_um) == EVERY).all()
    far = np.array([[-1e3, 2.0, 2.0], [1e6, 1e6, 1e6]])
    assert voxel_at(np, far, SHAPE, 10.0).tolist() == [0, EVERY[-1]]


@pytest.mark.parametrize("block", [1, 2, 3, 9])
def test_blocks(block: int) -> None:
    """Marrow blocks count in C order; the last ones may be smaller."""
    z, y, x = np.unravel_index(EVERY, SHAPE)
    blocks = tuple(-(-n // block) for n in SHAPE)
    expected = np.ravel_multi_index((z // block, y // block, x // block), blocks)
    assert (block_of(EVERY, SHAPE, block) == expected).all()


@pytest.mark.parametrize("counts", [[], [0], [3], [1, 0, 2, 0, 0, 4], [0, 0, 1]])
def test_repeat_rows_is_numpys_repeat(counts: list[int]) -> None:
    """Row i stands counts[i] times."""
    counts = np.array(counts, np.int64)
    got = repeat_rows(np, counts)
    assert got.dtype == np.int64
    assert got.tolist() == np.repeat(np.arange(counts.size), counts).tolist()
