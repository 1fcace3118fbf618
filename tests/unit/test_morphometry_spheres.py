"""The kernels behind thickness, each against a plain and slow statement of what it means."""

from __future__ import annotations

import numpy as np
import pytest
from morphometry_samples import random_bone

from trabsim.morphometry import _ridge
from trabsim.morphometry._distance import squared_distance
from trabsim.morphometry._ridge import ridge
from trabsim.morphometry._spheres import NOBODY, inscribed_spheres

SHAPES = [(17, 20, 23), (5, 70, 9), (24, 1, 24), (3, 4, 300)]


def plain_largest_squares(tissue, mask):
    """Squared radius of the largest sphere over each voxel, trying every center on every voxel."""
    other = mask & ~tissue
    here = np.argwhere(other)
    points = np.indices(tissue.shape)
    largest = np.zeros(tissue.shape, np.int64)
    for center in np.argwhere(tissue):
        square = ((here - center) ** 2).sum(axis=1).min()
        covered = tissue & (sum((points[k] - center[k]) ** 2 for k in range(3)) < square)
        largest[covered] = np.maximum(largest[covered], square)
    return largest


@pytest.mark.parametrize("shape", SHAPES)
def test_squared_distance_is_that_of_scipy(shape):
    from scipy.ndimage import distance_transform_edt

    bone = random_bone(shape, 0.2, blur=1.5)
    bone.ravel()[0] = True
    assert np.array_equal(squared_distance(bone), np.rint(distance_transform_edt(~bone) ** 2))


def test_squared_distance_to_a_single_far_voxel():
    other = np.zeros((40, 3, 50), bool)
    other[0, 0, 0] = True
    z, y, x = np.indices(other.shape)
    assert np.array_equal(squared_distance(other), z**2 + y**2 + x**2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("masked", [False, True])
def test_every_voxel_gets_the_largest_sphere_over_it(shape, masked):
    bone = random_bone(shape, 0.6, blur=1.5)
    mask = random_bone(shape, 0.7, seed=5, blur=3.0) if masked else np.ones(shape, bool)
    tissue = bone & mask
    spheres = inscribed_spheres(tissue, mask if masked else None)
    assert spheres is not None
    assert np.array_equal(
        spheres.squared_radii[spheres.owner[tissue]], plain_largest_squares(tissue, mask)[tissue]
    )
    assert np.all(spheres.owner[~tissue] == NOBODY)
    assert spheres.voxels.sum() == tissue.sum()
    distance = ((np.argwhere(tissue) - spheres.centers[spheres.owner[tissue]]) ** 2).sum(axis=1)
    assert np.all(distance < spheres.squared_radii[spheres.owner[tissue]])
    assert np.all(tissue[tuple(spheres.centers.T)])


def test_leaving_out_contained_spheres_changes_nothing_even_where_the_table_is_only_a_bound(monkeypatch):
    bone = random_bone((20, 21, 22), 0.8, blur=2.0)
    exact = inscribed_spheres(bone, None)
    monkeypatch.setattr(_ridge, "NEIGHBOR_CLASSES", _ridge.NEIGHBOR_CLASSES[:1])
    fewer_neighbors = inscribed_spheres(bone, None)
    assert exact is not None
    assert fewer_neighbors is not None
    assert len(fewer_neighbors.squared_radii) > len(exact.squared_radii)
    assert np.array_equal(
        exact.squared_radii[exact.owner[bone]], fewer_neighbors.squared_radii[fewer_neighbors.owner[bone]]
    )


@pytest.mark.parametrize("step", _ridge.NEIGHBOR_CLASSES)
def test_containing_square_is_exact_then_a_bound(step, monkeypatch):
    largest = 60
    table = np.empty(largest + 1, np.int64)
    _ridge._containing_square(largest, np.array(step), table)
    points = np.stack(np.meshgrid(*[np.arange(-9, 10)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inside, moved = (points**2).sum(axis=1), ((points - np.array(step)) ** 2).sum(axis=1)
    expected = np.array([moved[inside < square].max(initial=0) for square in range(largest + 1)])
    assert np.array_equal(table, expected)
    length = np.linalg.norm(step)
    far = np.empty(_ridge.LARGEST_EXACT + 50, np.int64)
    _ridge._containing_square(len(far) - 1, np.array(step), far)
    assert np.all(np.diff(far) >= 0)
    assert np.all(far[-40:] >= np.floor((np.sqrt(np.arange(len(far) - 40, len(far))) + length) ** 2))


def test_ridge_of_a_ball_of_voxels_is_little_more_than_its_center():
    z, y, x = np.indices((15, 15, 15)) - 7
    squared = squared_distance(z**2 + y**2 + x**2 > 36)
    centers, squares = ridge(squared)
    assert tuple(centers[0]) == (7, 7, 7)
    assert squares[0] == squared[7, 7, 7]
    assert len(squares) < 0.1 * (squared > 0).sum()


def test_ridge_lists_the_largest_first_and_equals_in_c_order():
    squared = squared_distance(~random_bone((20, 21, 22), 0.7))
    centers, squares = ridge(squared)
    assert np.array_equal(squares, squared[tuple(centers.T)])
    flat = np.ravel_multi_index(tuple(centers.T), squared.shape)
    assert np.array_equal(np.lexsort((flat, -squares)), np.arange(len(squares)))


def test_nothing_to_fit_or_nothing_to_end_a_sphere():
    nothing, everything = np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)
    corner = nothing.copy()
    corner[0, 0, 0] = True
    assert inscribed_spheres(nothing, None) is None
    assert inscribed_spheres(everything, None) is None
    assert inscribed_spheres(corner, corner) is None
