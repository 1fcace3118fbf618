"""Area of the surface: how it is measured from the variation of smoothed bone, and how it is shared out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from trabsim.backends import get_backend, reference
from trabsim.backends.area import VARIATION_NORM, VARIATION_VARIANCE, smoothing_taps

FULL = 100_000
BACKEND = get_backend("numpy", threads=1)


def quanta(fraction):
    """Bone of a fraction, clipped to 0-1, in quanta."""
    return np.round(np.clip(fraction, 0, 1) * FULL).astype(np.int32)


def distance(n, center=0.0):
    """Distance of voxel centers from the middle of a lattice of `n` voxels along each axis, moved by `center`."""
    return np.sqrt(((np.indices((n, n, n)) + 0.5 - n / 2 - center) ** 2).sum(axis=0))


def total_area(bone, smoothing, tissue=None):
    return BACKEND.surface(bone, FULL, tissue, smoothing)[1].sum()


# --------------------------------------------------------------------- smoothing
@pytest.mark.parametrize("variance", [0.01, 0.31, 0.5, 0.75, 1.5, 7.5, 30.0])
def test_taps_average_and_have_the_variance_they_promise(variance):
    """Positive, symmetric, of sum 1 and of the variance asked for."""
    taps = smoothing_taps(variance)
    place = np.arange(len(taps)) - len(taps) // 2
    assert taps.dtype == np.float32
    assert len(taps) % 2 == 1
    assert (taps > 0).all()
    np.testing.assert_array_equal(taps, taps[::-1])
    assert taps.sum(dtype=np.float64) == pytest.approx(1.0, abs=1e-6)
    assert (taps.astype(np.float64) * place**2).sum() == pytest.approx(variance, rel=1e-5)


@pytest.mark.parametrize("clamp", [False, True])
@pytest.mark.parametrize("shape", [(9, 12, 7), (1, 5, 3), (2, 1, 1)])
def test_convolution_is_that_of_scipy(clamp, shape):
    """Along each axis, also where taps outreach the lattice; beyond it stands the nearest value or its mirror image."""
    values = np.random.default_rng(0).random(shape, np.float32)
    taps, got = smoothing_taps(1.5), values.copy()
    reference.convolve(got, taps, clamp)
    wanted = values.astype(np.float64)
    for axis in range(3):
        wanted = ndimage.correlate1d(wanted, taps, axis, mode="nearest" if clamp else "reflect")
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


# --------------------------------------------------------------------- variation
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_variation_of_a_ramp_is_its_norm_per_quantum(axis):
    ramp = np.moveaxis(np.broadcast_to(np.arange(9, dtype=np.int32)[:, None, None], (9, 7, 7)), 0, axis)
    variation = np.moveaxis(reference.smoothed_variation(ramp), axis + 1, 1)[:, 1:-1]
    assert (variation[axis] == VARIATION_NORM).all()
    assert not np.delete(variation, axis, axis=0).any()


def test_variation_counts_both_faces_of_a_thin_plate():
    plate = np.zeros((7, 7, 7), np.int32)
    plate[3] = FULL
    variation = reference.smoothed_variation(plate)
    assert (variation[0, 3] == VARIATION_NORM * FULL).all()
    assert (variation[0, [2, 4]] == VARIATION_NORM * FULL // 2).all()
    assert not variation[1:].any()


def test_variation_takes_what_lies_outside_the_tissue_for_the_center():
    """A mask that ends within bone of one fraction brings no variation, whatever stands beyond it."""
    bone = np.full((6, 6, 6), 300, np.int32)
    bone[:, :, 4:] = 7
    inside = np.ones(bone.shape, np.uint8)
    inside[:, :, 4:] = 0
    assert not reference.smoothed_variation(bone, inside)[..., :4].any()
    assert reference.smoothed_variation(bone)[..., 3].any()


# ----------------------------------------------------------------------- sharing
def rough_bone(n=34):
    """Bone of random shape, clear of the faces of the lattice, with random fractions in the voxels at its boundary."""
    random = np.random.default_rng(1)
    solid = (ndimage.gaussian_filter(random.standard_normal((n, n, n)), 2.0) > 0) & (distance(n) < n / 2 - 6)
    every = np.ones((3, 3, 3))
    boundary = solid & ~ndimage.binary_erosion(solid, every)
    crumbs = ndimage.binary_dilation(solid, every) & ~solid
    part = 0.5 * random.random((n, n, n))
    return quanta(np.where(boundary, 0.5 + part, np.where(crumbs, 0.98 * part, solid)))


def total_variation(bone, smoothing):
    """Length of the variation of smoothed bone over the whole lattice, in faces of a voxel."""
    smooth = bone.astype(np.float64)
    if smoothing**2 > VARIATION_VARIANCE:
        for axis in range(3):
            taps = smoothing_taps(smoothing**2 - VARIATION_VARIANCE)
            smooth = ndimage.correlate1d(smooth, taps, axis, mode="nearest")
    variation = reference.smoothed_variation(np.round(smooth).astype(np.int32)).astype(np.float64)
    return np.sqrt((variation**2).sum(axis=0)).sum() / (VARIATION_NORM * FULL)


@pytest.mark.parametrize(
    ("smoothing", "tail"), [(0.0, 0.0), (0.7, 0.0), (0.9, 0.0), (1.41, 0.001), (2.0, 0.003), (3.0, 0.003)]
)
def test_sharing_conserves_the_total(smoothing, tail):
    """All areas together are the variation of all bone, however it is shared; only far tails of smoothing are lost."""
    bone = rough_bone()
    given, wanted = total_area(bone, smoothing), total_variation(bone, smoothing)
    assert wanted * (1 - tail - 1e-6) <= given <= wanted * (1 + 1e-6)


def test_sharing_conserves_the_total_at_the_edge_of_a_mask():
    """The variation within the tissue is shared out, and none that the mask itself would bring."""
    n = 20
    tissue = np.hypot(*(np.indices((n, n)) + 0.5 - n / 2)) < 8
    tissue = np.broadcast_to(tissue, (n, n, n)).astype(np.uint8)
    bone = quanta(n / 2 - np.indices((n, n, n))[0]) * tissue
    index, area = BACKEND.surface(bone, FULL, tissue)
    length = np.sqrt((reference.smoothed_variation(bone, tissue).astype(np.float64) ** 2).sum(axis=0))
    wanted = length[tissue != 0].sum() / (VARIATION_NORM * FULL)
    assert area.sum() == pytest.approx(wanted, rel=1e-6)
    assert wanted <= index.size == tissue[0].sum()


@pytest.mark.parametrize("smoothing", [0.0, 0.9, 1.41])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_face_is_exact(axis, smoothing):
    """Each voxel of a face between whole voxels holds one face of a voxel, also at the cut faces of the lattice."""
    bone = np.zeros((26, 26, 26), np.int32)
    bone[:13] = FULL
    area = BACKEND.surface(np.ascontiguousarray(np.moveaxis(bone, 0, axis)), FULL, None, smoothing)[1]
    assert area.size == 26 * 26
    np.testing.assert_allclose(area, 1.0, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.9, 1.41])
@pytest.mark.parametrize("part", [0.1, 0.3, 0.49, 0.51, 0.7, 0.9])
def test_how_full_the_last_layer_is_changes_no_area(part, smoothing):
    """A flat face has its area however full the voxels at it are (measured: 0.4 % too little at worst)."""
    bone = np.zeros((26, 10, 10))
    bone[:13], bone[13] = 1.0, part
    assert total_area(quanta(bone), smoothing) == pytest.approx(100, rel=0.005)


@pytest.mark.parametrize("thick", [1, 2, 3, 5])
def test_both_faces_of_a_thin_plate_count(thick):
    """Without more smoothing than the variation does across, a plate of whole voxels has two faces, however thin."""
    plate = np.zeros((16, 9, 9), np.int32)
    plate[6 : 6 + thick] = FULL
    index, area = BACKEND.surface(plate, FULL)
    assert index.size == 81 * min(thick, 2)
    assert area.sum() == pytest.approx(2 * 81, rel=1e-6)


def test_smoothing_thins_out_what_is_thinner_than_itself():
    """The area of a plate is twice the highest value that smoothing leaves of it."""
    plate = np.zeros((24, 8, 8), np.int32)
    plate[11:13] = FULL
    taps = smoothing_taps(1.41**2 - VARIATION_VARIANCE)
    highest = taps[len(taps) // 2] + taps[len(taps) // 2 + 1]
    assert highest < 0.6
    assert total_area(plate, 1.41) == pytest.approx(2 * 64 * highest, rel=1e-4)


#: Smoothing, radius (voxels), and the relative error of the area of a ball that is known for them.
BALLS = [
    *((0.0, 3, -0.035), (0.0, 5, -0.008), (0.0, 8, -0.003), (0.0, 16, 0.001)),
    *((0.9, 3, -0.070), (0.9, 5, -0.022), (0.9, 8, -0.009), (0.9, 16, -0.002)),
    *((1.41, 3, -0.191), (1.41, 5, -0.069), (1.41, 8, -0.028), (1.41, 16, -0.007)),
]


@pytest.mark.parametrize(("smoothing", "radius", "error"), BALLS)
@pytest.mark.parametrize("hollow", [False, True])
def test_area_of_a_ball(smoothing, radius, error, hollow):
    """Smoothing takes area only from balls that are small against it: measured errors, to 0.3 %."""
    part = radius - distance(2 * radius + 16) + 0.5
    area = total_area(quanta(1 - part if hollow else part), smoothing)
    assert area / (4 * np.pi * radius**2) - 1 == pytest.approx(error, abs=0.003)


@pytest.mark.parametrize("smoothing", [0.0, 0.9, 1.41])
def test_area_does_not_depend_on_where_a_ball_lies(smoothing):
    """Wherever its center lies among the voxels, a ball of radius 6 has the same area (measured: to 0.15 %)."""
    random = np.random.default_rng(3)
    area = [
        total_area(quanta(6.5 - distance(28, random.uniform(-0.5, 0.5, (3, 1, 1, 1)))), smoothing)
        for _ in range(12)
    ]
    assert np.ptp(area) < 0.003 * np.mean(area)
