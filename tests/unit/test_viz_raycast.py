"""Rays, light and the smoothed solid that pictures are made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from viz_files import ball, foam

from trabsim.viz import raycast
from trabsim.viz.camera import VIEWS, fit
from trabsim.viz.colors import linear, ramp, screen
from trabsim.viz.light import cone_directions, share_seen, sphere_directions
from trabsim.viz.raycast import cast, gaps, normals, sample
from trabsim.viz.scene import shares, smooth_solid, spread
from trabsim.viz.spheres import stamp_spheres


def true_ball(n: int, radius: float) -> np.ndarray:
    """A field whose 0.5 surface is a ball, linear in the distance from it."""
    axis = np.arange(n) - (n - 1) / 2
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    return (0.5 + 0.2 * (radius - np.sqrt(z * z + y * y + x * x))).astype(np.float32)


def look(solid: np.ndarray, view, size: tuple[int, int]):
    camera = fit(view, solid.shape, size)
    corner = camera.corner(solid.shape)
    step = camera.voxels_per_pixel
    depth, cap = cast(
        solid,
        gaps(solid >= 0.5),
        corner,
        step * camera.right,
        step * camera.up,
        camera.ahead,
        (size[1], size[0]),
    )
    return camera, corner, depth, cap


@pytest.mark.parametrize("view", [*VIEWS, (123.0, -41.0)])
def test_a_ball_is_seen_as_a_disk_of_its_cross_section(view):
    radius = 13.0
    camera, corner, depth, cap = look(true_ball(40, radius), view, (300, 260))
    seen = np.isfinite(depth)
    assert (cap[seen] == -1).all()
    assert seen.sum() * camera.voxels_per_pixel**2 == pytest.approx(np.pi * radius**2, rel=0.01)
    points = camera.points(depth, corner, np.flatnonzero(seen))
    distance = np.linalg.norm(points - 19.5, axis=1)
    assert np.abs(distance - radius).max() < 0.06


def test_every_ray_ends_at_the_first_surface():
    """Nothing but marrow lies between the eye and what is seen (in steps of a twentieth voxel)."""
    solid = smooth_solid(foam(28, 1).astype(np.float32))
    camera, corner, depth, cap = look(solid, "corner", (40, 34))
    rows, columns = np.nonzero(np.isfinite(depth) & (cap < 0))
    assert rows.size > 100
    pixels = rows * depth.shape[1] + columns
    at_surface = camera.points(depth, corner, pixels)
    assert np.abs(sample(solid, at_surface) - 0.5).max() < 0.01
    for back in np.arange(0.05, 60.0, 0.05):
        before = at_surface - back * camera.ahead
        inside = ((before > -0.5) & (before < np.array(solid.shape) - 0.5)).all(axis=1)
        # steps of 0.3 voxels may pass by a thinner sliver, whose values are hardly above the surface's
        assert (sample(solid, before[inside]) < 0.52).all()


def test_a_full_box_shows_its_cut_face():
    camera, corner, depth, cap = look(np.ones((6, 7, 8), np.float32), "front", (80, 60))
    seen = np.isfinite(depth)
    assert (cap[seen] == 1).all()
    points = camera.points(depth, corner, np.flatnonzero(seen))
    assert np.allclose(points[:, 1], -0.5)
    assert seen.sum() * camera.voxels_per_pixel**2 == pytest.approx(6 * 8, rel=0.02)


def test_without_bone_no_ray_meets_anything():
    _, _, depth, _ = look(np.zeros((5, 5, 5), np.float32), "corner", (30, 30))
    assert np.isinf(depth).all()


def test_gaps_never_overestimate_the_distance_to_bone():
    bone = foam(24, 3)
    exact = ndimage.distance_transform_edt(~bone)
    got = gaps(bone) / raycast.GAPS_PER_VOXEL
    assert (got <= exact + 1e-6).all()
    assert (exact - got < 0.25 + 1e-6)[exact < 60].all()


def test_the_number_of_cores_does_not_change_a_picture(monkeypatch):
    solid = smooth_solid(foam(20, 4).astype(np.float32))
    many = look(solid, "corner", (50, 40))[2]
    monkeypatch.setattr(raycast.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert np.array_equal(look(solid, "corner", (50, 40))[2], many)


def test_normals_of_a_ball_point_outward():
    directions = sphere_directions(50)
    points = 19.5 + 12.0 * directions
    assert (np.sum(normals(true_ball(40, 12.0), points) * directions, axis=1) > 0.999).all()


def test_sampling_a_linear_field_is_exact_and_skips_undefined_voxels():
    z, y, x = np.meshgrid(np.arange(5.0), np.arange(6.0), np.arange(7.0), indexing="ij")
    field = (2 * z - y + 3 * x).astype(np.float32)
    points = np.random.default_rng(0).uniform(0, [4, 5, 6], (50, 3))
    assert np.allclose(sample(field, points), points @ [2, -1, 3], atol=1e-4)
    holed = np.full((3, 3, 3), 7.0, np.float32)
    holed[1] = -1e30
    assert sample(holed, np.array([[0.4, 1.2, 1.7]]), -1e29)[0] == pytest.approx(7.0)
    assert np.isnan(sample(np.full((3, 3, 3), -1e30, np.float32), np.ones((1, 3)), -1e29)[0])


def test_a_sphere_covers_its_cross_section_and_hides_what_is_behind():
    depth = np.full((100, 100), np.inf)
    depth[:, :50] = 1.0
    axes = (np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    centers, radii = np.array([[-25.0, 10.0, 25.0]]), np.array([8.0])
    which = stamp_spheres(depth, centers, radii, np.zeros(3), axes, 0.5)
    assert (which[:, :50] == -1).all()
    assert (which >= 0).sum() * 0.5**2 == pytest.approx(np.pi * 64 / 2, rel=0.03)
    assert depth[50, 50] == pytest.approx(2.0, abs=0.02)


def test_light_falls_with_the_depth_of_a_well():
    bone = np.ones((40, 21, 21), bool)
    bone[10:, 8:13, 8:13] = False
    bone[36:] = False
    places = np.array([[z, 10.0, 10.0] for z in (12.0, 20.0, 28.0, 34.0, 37.0)])
    facing = np.tile([1.0, 0.0, 0.0], (len(places), 1))
    seen = share_seen(gaps(bone), places, facing, sphere_directions(256), 64.0)
    assert (np.diff(seen) > 0).all()
    assert seen[0] < 0.15
    assert seen[-1] > 0.95


def test_a_wall_blocks_the_sun():
    bone = np.zeros((30, 30, 30), bool)
    bone[:, :, 20] = True
    place, up = np.array([[15.0, 15.0, 10.0]]), np.array([[0.6, 0.0, 0.8]])
    through = cone_directions(np.array([0.0, 0.0, 1.0]), 16)
    along = cone_directions(np.array([1.0, 0.0, 0.0]), 16)
    assert share_seen(gaps(bone), place, up, through, 1e3)[0] < 0.01
    assert share_seen(gaps(bone), place, up, along, 1e3)[0] == 1.0


def test_directions_have_length_one_and_no_bias():
    directions = sphere_directions(64)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1.0)
    assert np.abs(directions.mean(axis=0)).max() < 0.02
    for axis in np.eye(3):
        cone = cone_directions(axis, 24)
        assert np.allclose(np.linalg.norm(cone, axis=1), 1.0)
        assert (cone @ axis > 0.97).all()


def test_smoothing_keeps_every_voxel_on_its_side_of_the_surface():
    fraction = np.random.default_rng(5).random((20, 21, 22)).astype(np.float32)
    assert np.array_equal(smooth_solid(fraction) >= 0.5, fraction >= 0.5)


def test_smoothing_does_not_break_a_strut_one_voxel_wide():
    """A plain Gaussian of this width does: its peak on the strut is below one half."""
    strut = np.zeros((15, 15, 15), np.float32)
    strut[7, 7, :] = 1.0
    assert ndimage.gaussian_filter(strut, 0.75)[7, 7, 7] < 0.5
    line = np.stack([np.full(300, 7.0), np.full(300, 7.0), np.linspace(0, 14, 300)], axis=-1)
    assert (sample(smooth_solid(strut), line) >= 0.5).all()


def test_shares_of_classes_that_fill_the_domain_sum_to_one():
    domain = ball(16, 7)
    half = np.zeros_like(domain)
    half[:8] = True
    first, second = shares(domain, [domain & half, domain & ~half])
    assert np.allclose((first + second)[domain], 1.0, atol=1e-5)
    assert ((first > 0.5) == half)[domain].all()


def test_a_constant_field_stays_constant_up_to_the_surface():
    domain = ball(16, 6)
    lattice = spread(np.where(domain, 3.5, 99.0), domain)
    assert np.allclose(lattice[lattice > -1e29], 3.5, atol=1e-4)
    near = ndimage.binary_dilation(domain)
    assert (lattice[near] > -1e29).all()


@pytest.mark.parametrize("view", [*VIEWS, (200.0, -65.0)])
def test_the_box_fills_the_picture_and_stays_inside(view):
    shape, size = (12, 30, 21), (200, 150)
    camera = fit(view, shape, size, margin=0.05)
    axes = np.stack([camera.right, camera.up, camera.ahead])
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes[:, ::-1]) == pytest.approx(-1.0)  # right, up, towards the viewer: right-handed
    corners = np.array([[z, y, x] for z in (-0.5, 11.5) for y in (-0.5, 29.5) for x in (-0.5, 20.5)])
    across = (corners - camera.center) @ camera.right / camera.voxels_per_pixel
    upward = (corners - camera.center) @ camera.up / camera.voxels_per_pixel
    reach = np.array([np.abs(across).max() / 100, np.abs(upward).max() / 75])
    assert reach.max() == pytest.approx(0.9)


def test_a_turning_camera_keeps_one_scale():
    scales = {
        round(fit((a, 20.0), (9, 20, 31), (90, 80), turning=True).voxels_per_pixel, 12)
        for a in range(0, 360, 15)
    }
    assert len(scales) == 1
    assert all(
        fit((a, 20.0), (9, 20, 31), (90, 80)).voxels_per_pixel <= max(scales) + 1e-9 for a in range(360)
    )


def test_the_color_ramp_gets_lighter_all_the_way():
    color = linear(ramp(np.linspace(0, 1, 101)))
    luminance = color @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


def test_screen_colors_survive_the_way_to_light_and_back():
    values = np.arange(256)
    assert np.array_equal(screen(linear(values)), values)
