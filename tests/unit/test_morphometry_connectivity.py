"""Topology: bodies whose Euler number is known, and the edge correction."""

from __future__ import annotations

import numpy as np
import pytest
from morphometry_samples import ball, coordinates, random_bone

from trabsim.morphometry import connectivity, euler_number, largest_component


def torus(size: int = 32) -> np.ndarray:
    z, y, x = coordinates((size, size, size))
    return (np.sqrt(y**2 + x**2) - size / 4) ** 2 + z**2 < (size / 8) ** 2


def lattice(periods: int, period: int = 8, width: int = 2) -> np.ndarray:
    """Rods along all three axes, cut halfway between the crossings."""
    line = (np.arange(periods * period) % period >= (period - width) // 2) & (
        np.arange(periods * period) % period < (period + width) // 2
    )
    z, y, x = np.meshgrid(line, line, line, indexing="ij", sparse=True)
    return (z & y) | (z & x) | (y & x)


def euler_by_cells(bone: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Vertices - edges + faces - cubes of the union of voxels, times the part of each in the region."""
    bone = np.pad(bone, 1)
    region = np.ones(bone.shape) if weights is None else np.pad(weights.astype(float), 1)
    total = 0.0
    for dimension_z in range(2):
        for dimension_y in range(2):
            for dimension_x in range(2):
                occupied, share = bone, region
                for axis, has_extent in enumerate((dimension_z, dimension_y, dimension_x)):
                    if not has_extent:  # a cell between two layers of voxels
                        low, high = [slice(None)] * 3, [slice(None)] * 3
                        low[axis], high[axis] = slice(None, -1), slice(1, None)
                        occupied = occupied[tuple(low)] | occupied[tuple(high)]
                        share = (share[tuple(low)] + share[tuple(high)]) / 2
                sign = (-1) ** (dimension_z + dimension_y + dimension_x)
                total += sign * float((occupied * share).sum())
    return total


@pytest.mark.parametrize(
    ("bone", "expected"),
    [
        (ball(7, 20), 1),
        (ball(9, 24) & ~ball(5, 24), 2),  # a cavity
        (torus(), 0),
        (np.zeros((4, 4, 4), bool), 0),
        (np.ones((4, 5, 6), bool), 1),
        (np.pad(lattice(3), 1), 27 - 3 * 2 * 9),  # crossings minus the rods between them
    ],
)
def test_euler_number_of_known_bodies(bone, expected):
    assert euler_number(bone) == expected


def test_bone_is_26_connected_and_marrow_6_connected():
    touching = np.zeros((4, 4, 4), bool)
    touching[1, 1, 1] = touching[2, 2, 2] = True
    assert euler_number(touching) == 1
    shell = np.ones((3, 3, 3), bool)
    shell[1, 1, 1] = shell[0, 0, 1] = False
    assert euler_number(shell) == 2, "marrow that touches by an edge only is two cavities, one of them open"


def test_euler_number_agrees_with_scikit_image():
    from skimage.measure import euler_number as independent

    for seed, shape in enumerate([(21, 17, 30), (1, 9, 8), (5, 1, 1)]):
        bone = random_bone(shape, 0.4, seed, blur=0.8)
        assert euler_number(bone) == independent(np.pad(bone, 1), connectivity=3)


def test_weighted_cells_agree_with_plain_numpy_for_boxes_and_other_regions():
    bone = random_bone((14, 15, 16), 0.4, blur=0.8)
    mask = random_bone((14, 15, 16), 0.6, seed=7, blur=2.0)
    for region in (np.ones_like(bone), mask):
        result = connectivity(bone, 1000.0, region)
        volume = region.sum()
        assert result.euler_26_closed == euler_by_cells(bone & region)
        weighted = euler_by_cells(bone & region, region)
        assert result.Conn_D_per_mm3 == pytest.approx((1 - weighted) / volume, rel=1e-12)
        assert result.Conn_D_uncorrected_per_mm3 == pytest.approx(
            (1 - result.euler_26_closed) / volume, rel=1e-12
        )


@pytest.mark.parametrize("periods", [1, 2, 4])
def test_edge_correction_gives_a_block_its_share_of_an_endless_lattice(periods):
    """Each period of an endless cubic lattice has one crossing and three rods: Euler number -2."""
    bone = lattice(periods)
    per_mm3 = (1 + 2 * periods**3) / (bone.size * 1e-6)
    assert connectivity(bone, 10.0).Conn_D_per_mm3 == pytest.approx(per_mm3, rel=1e-12)


def test_connectivity_density_without_bone_is_nan():
    nothing = connectivity(np.zeros((3, 3, 3), bool), 10.0)
    assert nothing.euler_26_closed == 0
    assert np.isnan(nothing.Conn_D_per_mm3)
    assert np.isnan(nothing.Conn_D_uncorrected_per_mm3)


def test_largest_component_is_6_connected_and_the_first_among_equals():
    bone = np.zeros((5, 6, 7), bool)
    bone[0, 0, 0:3] = True
    bone[1, 1, 3:5] = True  # touches the first by an edge only
    bone[4, 5, 4:7] = True
    expected = np.zeros_like(bone)
    expected[0, 0, 0:3] = True
    assert np.array_equal(largest_component(bone), expected)
    bone[3, 5, 4] = True
    assert largest_component(bone).sum() == 4
    assert not largest_component(np.zeros((2, 2, 2), bool)).any()
    whole = np.ones((2, 3, 4), bool)
    assert np.array_equal(largest_component(whole), whole)
    assert largest_component(whole) is not whole
