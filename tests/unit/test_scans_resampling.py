"""Scan voxels to lattice voxels: volumes are conserved, positions are right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from trabsim.tissue.resampling import averaged, averaging_matrix, fit_lattice, interpolation_matrix
from trabsim.tissue.scans import Image, prepare


def smooth_noise(shape: tuple[int, int, int], sigma: float = 2.0) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(shape), sigma)
    return (128 + 60 * field / field.std()).clip(0, 255).astype(np.float32)


@pytest.mark.parametrize("ratio", [1.0, 2.0, 3.0, 1.5, 1.2821, 4.7])
def test_bone_volume_is_conserved(ratio: float) -> None:
    """Sum of fractions times lattice voxel volume equals the bone volume that the lattice covers."""
    bone = np.random.default_rng(4).random((30, 33, 37)) < 0.3
    fit = fit_lattice(bone.shape, (10.0, 10.0, 10.0), 10.0 * ratio)
    fraction = averaged(bone, fit.coarse_ratios, fit.shape)
    lengths = [count * ratio for count in fit.shape]
    weights = [np.clip(length - np.arange(n), 0, 1) for n, length in zip(bone.shape, lengths)]
    covered = np.einsum("zyx,z,y,x->", bone.astype(float), *weights)
    assert fraction.sum(dtype=np.float64) * ratio**3 == pytest.approx(covered, rel=1e-6)
    assert fraction.dtype == np.float32
    assert fraction.min() >= 0.0
    assert fraction.max() <= 1.0 + 1e-6
    for count, ratio_left in zip(bone.shape, fit.cut_off_um):
        assert 0.0 <= ratio_left < 10.0 * ratio or count == 0


def test_whole_ratios_are_plain_block_means() -> None:
    """2 x 3 x 4 scan voxels make one lattice voxel: the mean of the block, exactly."""
    bone = np.random.default_rng(4).random((12, 15, 20)) < 0.4
    expected = bone.reshape(6, 2, 5, 3, 5, 4).mean(axis=(1, 3, 5)).astype(np.float32)
    np.testing.assert_array_equal(averaged(bone, (2.0, 3.0, 4.0), (6, 5, 5)), expected)


def test_voxels_cut_by_a_lattice_face_count_by_the_part_inside() -> None:
    """Ratio 1.5: the first lattice voxel takes one voxel and half of the next."""
    np.testing.assert_allclose(
        averaging_matrix(3, 1.5, 2).toarray(), [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]], rtol=1e-12
    )


def test_interpolation_reproduces_a_ramp() -> None:
    """Centers of finer voxels lie where they should: linear gray values come back linear, ends constant."""
    ramp = np.arange(10) + 0.5  # position of each center
    fine = interpolation_matrix(10, 0.25, 40) @ ramp
    np.testing.assert_allclose(fine, np.clip((np.arange(40) + 0.5) * 0.25, 0.5, 9.5), atol=1e-12)
    np.testing.assert_array_equal(interpolation_matrix(7, 1.0, 7).toarray(), np.eye(7))


def test_refining_moves_a_flat_surface_to_where_the_gray_values_put_it() -> None:
    """Gray falls linearly from z = 0: the surface lies at the threshold's place within one fine voxel."""
    gray = np.broadcast_to((np.arange(20.0) + 0.5)[:, None, None] * 10.0, (20, 6, 6))
    specimen = prepare(Image(np.ascontiguousarray(gray), 20.0), threshold=123.0, lattice_voxel_size_um=5.0)
    assert specimen.shape == (80, 24, 24)
    surface_um = 20.0 * 123.0 / 10.0
    first_um = np.argmax(specimen.bone_fraction[:, 0, 0] > 0) * 5.0
    assert abs(first_um - surface_um) <= 5.0
    assert set(np.unique(specimen.bone_fraction)) == {0.0, 1.0}


@pytest.mark.parametrize("lattice_um", [10.0, 13.0, 20.0, 26.0, 40.0])
def test_bone_volume_fraction_hardly_depends_on_the_lattice(lattice_um: float) -> None:
    """Finer or coarser than the 20 um scan, BV/TV stays within one percentage point."""
    image = Image(smooth_noise((40, 44, 48)), 20.0)
    own = prepare(image, threshold=150.0, keep="all", fill_cavities=False)
    other = prepare(image, threshold=150.0, keep="all", fill_cavities=False, lattice_voxel_size_um=lattice_um)
    np.testing.assert_allclose(other.BV_TV, own.BV_TV, atol=0.01)


def test_flat_voxels_become_cubes() -> None:
    """Slices 40 um apart of 20 um pixels: interpolated along z, averaged along y and x, 30 um cubes."""
    values = smooth_noise((60, 60, 60))
    whole = prepare(Image(values, 20.0), threshold=150.0, keep="all", fill_cavities=False)
    flat = Image(np.ascontiguousarray(values[::2]), (40.0, 20.0, 20.0))
    specimen = prepare(flat, threshold=150.0, keep="all", fill_cavities=False, lattice_voxel_size_um=30.0)
    assert specimen.shape == (40, 40, 40)
    assert "interpolated and averaged" in specimen.report["resampling"]
    np.testing.assert_allclose(specimen.BV_TV, whole.BV_TV, atol=0.02)


def test_masks_are_refined_as_shapes() -> None:
    """A ball as a mask of 20 um stays a ball of the same volume at 8 um."""
    z, y, x = np.indices((24, 24, 24)) - 11.5
    ball = z**2 + y**2 + x**2 <= 9.0**2
    fine = prepare(Image(ball, 20.0), method="mask", lattice_voxel_size_um=8.0)
    assert fine.bone_fraction.sum() * 0.4**3 == pytest.approx(ball.sum(), rel=0.02)


def test_tissue_goes_with_the_bone() -> None:
    """A lattice voxel is tissue if at least half of it was; bone outside the tissue is gone."""
    values = np.full((12, 12, 12), 10, dtype=np.uint8)
    values[:, 3:9, :] = 200
    mask = np.zeros(values.shape, dtype=bool)
    mask[:, :, 1:10] = True  # one voxel of the first pair is cut off ...
    coarse = prepare(Image(values, 10.0), threshold=100, region=mask, lattice_voxel_size_um=20.0)
    assert coarse.shape == (6, 6, 4)  # ... because the lattice starts at the mask, and 9 voxels make 4 pairs
    assert coarse.tissue is not None
    assert coarse.tissue.all()
    disk = prepare(
        Image(values, 10.0),
        threshold=100,
        region="cylinder",
        cylinder_radius_voxels=5.0,
        lattice_voxel_size_um=20.0,
    )
    assert disk.tissue is not None
    assert not disk.tissue.all()
    assert (disk.bone_fraction[~disk.tissue] == 0).all()
    fine = prepare(
        Image(values, 10.0),
        threshold=100,
        region="cylinder",
        cylinder_radius_voxels=5.0,
        lattice_voxel_size_um=5.0,
    )
    assert fine.tissue is not None
    assert fine.tissue.sum() == pytest.approx(8 * disk.tissue.sum() * 8, rel=0.15)


def test_rounded_sizes_do_not_cost_a_layer() -> None:
    """60 um over 20.000001 um is three voxels, not two."""
    assert fit_lattice((9, 9, 9), (20.000001,) * 3, 60.0).shape == (3, 3, 3)
    assert fit_lattice((9, 9, 9), (20.0, 20.0, 20.0), 20.0).words == "as scanned"
    assert fit_lattice((10, 10, 10), (20.0, 20.0, 20.0), 30.0).cut_off_um == pytest.approx([20.0] * 3)
