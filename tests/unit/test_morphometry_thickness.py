"""Tb.Th, Tb.Sp and Tb.N of bodies whose thickness is known."""

from __future__ import annotations

import numpy as np
import pytest
from morphometry_samples import ball, coordinates, random_bone

from trabsim.morphometry import (
    local_thickness,
    trabecular_number,
    trabecular_separation,
    trabecular_thickness,
)


def plates(thickness: int, spacing: int, count: int, axis: int = 0) -> np.ndarray:
    """Plates across one axis, beginning and ending with half a space."""
    line = np.tile(np.arange(thickness + spacing) % (thickness + spacing) < thickness, count)
    line = np.roll(line, spacing // 2)
    shape = [20, 20, 20]
    shape[axis] = len(line)
    view = [None, None, None]
    view[axis] = slice(None)
    return np.broadcast_to(line[tuple(view)], shape)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("thickness", "measured"), [(2, 2), (4, 4), (8, 8), (1, 2), (3, 4), (7, 8)])
def test_plates_of_even_thickness_are_exact_and_of_odd_thickness_one_voxel_more(axis, thickness, measured):
    result = trabecular_thickness(plates(thickness, 10, 3, axis), 20.0)
    assert result.mean_um == pytest.approx(20.0 * measured, rel=1e-12)
    assert result.SD_um == pytest.approx(0.0, abs=1e-4)
    assert result.max_um == pytest.approx(20.0 * measured, rel=1e-12)


def test_number_of_parallel_plates_is_one_over_their_period():
    bone = plates(4, 10, 5)
    thickness, separation = trabecular_thickness(bone, 20.0), trabecular_separation(bone, 20.0)
    assert separation.mean_um == pytest.approx(200.0, rel=1e-12)
    assert trabecular_number(thickness, separation) == pytest.approx(1000 / 280.0, rel=1e-12)


def test_separation_is_the_thickness_of_the_marrow():
    bone = random_bone((24, 25, 26))
    assert trabecular_separation(bone, 20.0) == trabecular_thickness(~bone, 20.0)


@pytest.mark.parametrize("offset", [(0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.5, 0.5, 0.5), (0.2, -0.4, 0.1)])
@pytest.mark.parametrize("radius", [5.0, 8.0, 12.0])
def test_balls_have_their_diameter_and_not_their_radius(radius, offset):
    """A lattice of balls; the offset of a center from the nearest voxel shortens the radius."""
    bone = np.tile(ball(radius, 2 * int(radius) + 7, offset), (2, 2, 2))
    result = trabecular_thickness(bone, 1.0)
    assert 2 * (radius - np.linalg.norm(offset)) <= result.max_um <= 2 * radius + 1.0
    assert result.max_um - 1.0 <= result.mean_um <= result.max_um


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rods_have_their_diameter(axis):
    across = [c for k, c in enumerate(coordinates((30, 30, 30))) if k != axis]
    bone = np.broadcast_to(across[0] ** 2 + across[1] ** 2 < 8.0**2, (30, 30, 30))
    result = trabecular_thickness(bone, 10.0)
    assert abs(result.mean_um - 160.0) <= 10.0


def test_spheres_run_out_of_the_volume():
    """A plate cut across is as thick as before; one cut lengthwise has spheres on the border."""
    bone = plates(6, 10, 1)
    assert trabecular_thickness(bone[:, :3, :], 1.0).mean_um == 6.0
    assert trabecular_thickness(bone[8:], 1.0).mean_um == 6.0, (
        "three layers to the face: radius 3 from the border"
    )


def test_mean_is_weighted_by_volume_and_spread_is_over_voxels():
    bone = np.zeros((40, 16, 16), bool)
    bone[4:8] = True
    bone[20:32] = True
    result = trabecular_thickness(bone, 1.0)
    assert result.mean_um == pytest.approx((4 * 4 + 12 * 12) / 16, rel=1e-12)
    assert result.SD_um == pytest.approx(np.sqrt(4 * 12) / 16 * 8, rel=1e-12)
    assert result.max_um == 12.0


def test_local_thickness_is_the_volume_behind_the_mean():
    bone, mask = random_bone((20, 22, 24)), random_bone((20, 22, 24), 0.8, seed=3, blur=4.0)
    for region in (None, mask):
        volume = local_thickness(bone, 20.0, region)
        tissue = bone if region is None else bone & region
        result = trabecular_thickness(bone, 20.0, region)
        assert volume.shape == bone.shape
        assert volume.dtype == np.float32
        assert np.all(volume[~tissue] == 0)
        assert volume[tissue].mean(dtype=float) == pytest.approx(result.mean_um, rel=1e-6)
        assert volume[tissue].std(dtype=float) == pytest.approx(result.SD_um, rel=1e-5)
    everything = np.ones((3, 3, 3), bool)
    assert np.all(np.isnan(local_thickness(everything, 20.0)))


def test_scales_with_the_voxel():
    bone = random_bone((20, 20, 20))
    assert trabecular_thickness(bone, 39.0).mean_um == pytest.approx(
        39.0 * trabecular_thickness(bone, 1.0).mean_um, rel=1e-12
    )


def test_absent_bone_or_marrow_has_no_thickness():
    for volume in (np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)):
        for result in (trabecular_thickness(volume, 1.0), trabecular_separation(volume, 1.0)):
            assert np.isnan([result.mean_um, result.SD_um, result.max_um]).all()
