"""The NumPy backend against the plain meaning of each primitive, at one and at all threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from trabsim.backends import get_backend, reference

FULL = 101  # odd, so that half a voxel is no whole number of quanta


@pytest.fixture(params=[1, None], ids=["one thread", "all threads"])
def backend(request):
    return get_backend("numpy", threads=request.param)


def _bone(shape, seed=0):
    rough = np.random.default_rng(seed).standard_normal(shape)
    return np.clip(FULL * (0.4 + 2 * ndimage.gaussian_filter(rough, 1.2)), 0, FULL).astype(np.int32)


def _same_surface(backend, bone, tissue=None, smoothing=0.0):
    index, area = backend.surface(bone, FULL, tissue, smoothing)
    wanted_index, wanted_area = reference.surface(bone, FULL, tissue, smoothing)
    assert (index.dtype, area.dtype) == (np.int64, np.float64)
    np.testing.assert_array_equal(index, wanted_index)
    np.testing.assert_array_equal(area, wanted_area)
    return index, area


SMOOTHING = pytest.mark.parametrize("smoothing", [0.0, 0.9, 1.41, 3.0])


@SMOOTHING
@pytest.mark.parametrize("shape", [(20, 17, 33), (1, 8, 9), (6, 1, 1), (3, 3, 3)])
def test_surface_equals_reference(backend, shape, smoothing):
    _same_surface(backend, _bone(shape), smoothing=smoothing)


@SMOOTHING
@pytest.mark.parametrize("kind", [np.uint8, bool])
def test_surface_in_a_region_equals_reference(backend, kind, smoothing):
    bone = _bone((20, 17, 33))
    ball = np.random.default_rng(2).random(bone.shape) < 0.9
    ball[:4] = False
    index, area = _same_surface(backend, bone, ball.astype(kind), smoothing)
    assert len(index) > 100
    assert ball.reshape(-1)[index].all()
    assert (area > 0).all()


def test_cut_faces_and_region_edges_are_no_surface(backend):
    bone = np.full((6, 6, 6), FULL, np.int32)
    assert len(backend.surface(bone, FULL)[0]) == 0
    bone[3:] = 0
    assert len(backend.surface(bone, FULL)[0]) == 36
    tissue = np.zeros(bone.shape, np.uint8)
    tissue[:3] = 1
    assert len(backend.surface(bone, FULL, tissue)[0]) == 0


def test_surface_sees_corner_neighbors(backend):
    bone = np.full((3, 3, 3), FULL, np.int32)
    bone[0, 0, 0] = 0
    assert backend.surface(bone, FULL)[0].tolist() == [1, 3, 4, 9, 10, 12, 13]


def test_half_a_voxel_is_bone(backend):
    for full, amount, count in [(100, 50, 1), (100, 49, 0), (101, 51, 1), (101, 50, 0)]:
        bone = np.zeros((3, 3, 3), np.int32)
        bone[1, 1, 1] = amount
        assert len(backend.surface(bone, full)[0]) == count


def test_surface_refuses_a_region_of_another_shape(backend):
    with pytest.raises(ValueError, match="shape"):
        backend.surface(_bone((4, 4, 4)), FULL, np.ones((4, 4, 5), np.uint8))


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("primitive", ["scatter_add", "scatter_min"])
def test_scatter_equals_reference_with_repeated_positions(backend, primitive, kind):
    rng = np.random.default_rng(3)
    index, values = rng.integers(0, 60, (40, 25)), rng.integers(-1000, 1000, (40, 25))
    given = rng.integers(-500, 500, (3, 4, 5)).astype(kind)
    wanted = given.copy()
    getattr(backend, primitive)(given, index, values)
    getattr(reference, primitive)(wanted, index, values)
    np.testing.assert_array_equal(given, wanted)
    shuffled = rng.permutation(index.size)
    again = given * 0
    getattr(backend, primitive)(again, index.reshape(-1)[shuffled], values.reshape(-1)[shuffled])
    once = given * 0
    getattr(backend, primitive)(once, index, values)
    np.testing.assert_array_equal(again, once)


def test_scatter_takes_one_value_for_all(backend):
    target = np.zeros(4, np.int32)
    backend.scatter_add(target, np.array([1, 1, 3]), 2)
    assert target.tolist() == [0, 4, 0, 2]
    backend.scatter_min(target, np.array([1, 0]), 1)
    assert target.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("primitive", ["scatter_add", "scatter_min"])
@pytest.mark.parametrize("position", [-1, 4])
def test_scatter_refuses_positions_outside_and_changes_nothing(backend, primitive, position):
    target = np.arange(4)
    with pytest.raises(IndexError, match=r"0\.\.3"):
        getattr(backend, primitive)(target, np.array([0, position]), -9)
    assert target.tolist() == [0, 1, 2, 3]


def test_scatter_refuses_floats_and_views_with_holes(backend):
    with pytest.raises(TypeError, match="integers"):
        backend.scatter_add(np.zeros(3), np.array([0]), 1)
    with pytest.raises(TypeError, match="integers"):
        backend.scatter_add(np.zeros(3, np.int32), np.array([0]), 0.5)
    with pytest.raises(TypeError, match="contiguous"):
        backend.scatter_add(np.zeros((4, 4), np.int32)[:, 1], np.array([0]), 1)


@pytest.mark.parametrize("shape", [(24, 19, 31), (1, 5, 40)])
def test_distance_equals_reference(backend, shape):
    mask = np.random.default_rng(4).random(shape) < 0.98
    distance = backend.distance_transform(mask)
    assert distance.dtype == np.float32
    np.testing.assert_array_equal(distance, reference.distance_transform(mask))


def test_distance_without_any_zero_is_infinite(backend):
    assert np.isinf(backend.distance_transform(np.ones((3, 4, 5), bool))).all()


@pytest.mark.parametrize("connectivity", [6, 26])
def test_components_equal_reference(backend, connectivity):
    mask = np.random.default_rng(5).random((22, 18, 27)) < (0.25 if connectivity == 6 else 0.06)
    labels, n = backend.components(mask.astype(np.uint8), connectivity)
    wanted, wanted_n = reference.components(mask, connectivity)
    assert n == wanted_n > 20
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, wanted)


def test_components_count_in_the_order_of_their_first_voxel(backend):
    mask = np.zeros((2, 3, 5), bool)
    mask[1, :, 0] = mask[0, 0, 4] = mask[0, 2, 2:4] = True
    labels, n = backend.components(mask)
    assert n == 3
    assert (labels[0, 0, 4], labels[0, 2, 2], labels[1, 0, 0]) == (1, 2, 3)


def test_components_refuse_other_connectivity(backend):
    with pytest.raises(ValueError, match="18"):
        backend.components(np.ones((2, 2, 2), bool), 18)
