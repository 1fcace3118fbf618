"""Bone fractions of struts and plates: volumes, fillets, windows, and that the shortcuts change nothing."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from trabsim.tissue.synthetic_raster import bone_fraction, fillet

NO_WINDOW = np.zeros((1, 2, 2), dtype=np.int64), np.zeros((1, 2))
PLATE = np.array([[500.0, -900, -900], [500, -900, 1900], [500, 1900, -900], [500, 1900, 1900]])


def strut(start, end, radius, voxel, n):
    """Bone fraction of one straight strut in a cube of n voxels."""
    points = np.array([start, end], dtype=float)
    piece, element = np.array([[0, 1, 1]]), np.array([0])
    return bone_fraction((n, n, n), voxel, points, piece, element, np.array([radius]), *NO_WINDOW, 50.0)


def plate(voxel, n, half_thickness, windows=NO_WINDOW, extra=()):
    """Bone fraction of a plate across a cube of 1000 um."""
    points = np.concatenate([PLATE, np.array(extra, dtype=float).reshape(-1, 3)])
    pieces, element = np.array([[0, 1, 2], [1, 3, 2]]), np.array([0, 0])
    return bone_fraction(
        (n, n, n), voxel, points, pieces, element, np.array([half_thickness]), *windows, 50.0
    )


@pytest.mark.parametrize("voxel", [10.0, 20.0, 40.0])
@pytest.mark.parametrize("direction", [(1, 0, 0), (1, 0.4, -0.7), (0.3, 1, 1)])
def test_a_strut_has_the_volume_of_a_cylinder(voxel, direction):
    """At any voxel size; the cylinder is cut by two faces of the cube, on which it ends symmetrically."""
    along = np.array(direction) / np.max(np.abs(direction))
    middle, radius = np.full(3, 503.0), 60.0
    n = round(1000 / voxel)
    fraction = strut(middle - 2000 * along, middle + 2000 * along, radius, voxel, n)
    inside = np.argmax(np.abs(along))
    length = 1000.0 * np.sqrt(along @ along)
    middle_rows = np.moveaxis(fraction, inside, 0)
    # a cylinder that runs through both end faces and through no side
    if all(abs(500 * a) + 2 * radius < 497 for k, a in enumerate(along) if k != inside):
        assert middle_rows.sum(dtype=float) * voxel**3 == pytest.approx(
            np.pi * radius**2 * length, rel=0.012 * (voxel / 40) ** 2 + 0.003
        )
    else:
        one = middle_rows[n // 2].sum(dtype=float) * voxel**2
        assert one == pytest.approx(np.pi * radius**2 * length / 1000.0, rel=0.03)


@pytest.mark.parametrize("voxel", [10.0, 20.0, 40.0])
def test_a_plate_has_its_thickness(voxel):
    fraction = plate(voxel, round(1000 / voxel), 43.0)
    assert fraction.sum(axis=0, dtype=float) * voxel == pytest.approx(86.0, rel=1e-6)


def test_a_window_is_a_round_hole_with_a_rounded_rim():
    """The opening has the window's radius less the half thickness, by Pappus' theorem for the rounded rim."""
    radius, half = 300.0, 40.0
    windows = np.array([[[4, 4], [0, 0]]]), np.array([[radius, 0.0]])
    # 2-D: the plate ends in a half disk of radius `half` around the circle of radius `radius`
    rim = np.pi * half**2 / 2
    removed = np.pi * radius**2 * 2 * half - 2 * np.pi * (radius - 4 * half / (3 * np.pi)) * rim
    solid = plate(10.0, 100, half).sum(dtype=float)
    pierced = plate(10.0, 100, half, windows, [[500, 500, 500]])
    assert (solid - pierced.sum(dtype=float)) * 1000 == pytest.approx(removed, rel=0.02)
    assert pierced[:, 50, 50].max() == 0.0


def test_an_oblong_window_is_longer_by_its_axis():
    windows = np.array([[[4, 5], [0, 0]]]), np.array([[150.0, 0.0]])
    pierced = plate(10.0, 100, 30.0, windows, [[500, 505, 405], [500, 505, 605]])
    open_y = (pierced[50, :, 50] < 0.5).sum()
    open_x = (pierced[50, 50] < 0.5).sum()
    assert open_x - open_y == 20


def test_fillet_is_a_minimum_that_is_lower_only_where_both_are_near():
    assert fillet(10.0, 70.0, 60.0) == 10.0
    assert fillet(10.0, 10.0, 60.0) == 10.0 - 15.0
    for a, b in ((3.0, 9.0), (-5.0, 40.0), (1e30, 2.0)):
        assert fillet(a, b, 60.0) == fillet(b, a, 60.0) <= min(a, b)


def test_elements_that_meet_get_a_fillet_and_pieces_of_one_element_do_not():
    points = np.array([[0.0, 500, 500], [500, 500, 500], [1000, 500, 500]])
    pieces, radius = np.array([[0, 1, 1], [1, 2, 2]]), np.full(2, 60.0)
    windows = np.zeros((2, 2, 2), dtype=np.int64), np.zeros((2, 2))

    def make(element):
        return bone_fraction((50, 50, 50), 20.0, points, pieces, np.array(element), radius, *windows, 50.0)

    one, two = make([0, 0]), make([0, 1])
    assert one.std(axis=0).max() < 1e-6
    assert two[25].sum() > 1.2 * one[25].sum()
    np.testing.assert_array_equal(one[:15], two[:15])


def random_scene(seed):
    """Points, pieces, elements and windows of a few random struts and plates in a cube of 640 um."""
    rng = np.random.Generator(np.random.Philox(seed))
    points = rng.uniform(-100, 740, (60, 3))
    struts = np.repeat(rng.integers(0, 40, (12, 2)), [1, 2], axis=1)
    plates = rng.integers(0, 40, (8, 3))
    pieces = np.concatenate([struts, plates])
    element = np.concatenate([np.arange(12) // 2, 6 + np.arange(8) // 2])
    windows, window_radius = np.zeros((10, 2, 2), dtype=np.int64), np.zeros((10, 2))
    windows[6:] = rng.integers(40, 60, (4, 2, 2))
    window_radius[6:] = rng.uniform(0, 120, (4, 2))
    return points, pieces, element, rng.uniform(25, 60, 10), windows, window_radius


def plain_distance(p, a, b, c):
    """Distance from a triangle by the definition: least over a fine sampling of its barycentric coordinates."""
    u, v = np.meshgrid(np.linspace(0, 1, 241), np.linspace(0, 1, 241), indexing="ij")
    keep = u + v <= 1 + 1e-12
    u, v = u[keep][:, None], v[keep][:, None]
    return np.sqrt(((a + u * (b - a) + v * (c - a) - p) ** 2).sum(1).min())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_part_of_the_lattice_holds_the_same_bone(seed):
    """Its blocks lie elsewhere and so list other pieces as near, which must change nothing."""
    points, pieces, element, radius, windows, window_radius = random_scene(seed)
    reach, voxel, n = 70.0, 20.0, 32
    whole = bone_fraction((n, n, n), voxel, points, pieces, element, radius, windows, window_radius, reach)
    shift = np.array([7.0, 13, 4]) * voxel
    part = bone_fraction(
        (9, 8, 20), voxel, points - shift, pieces, element, radius, windows, window_radius, reach
    )
    np.testing.assert_allclose(part, whole[7:16, 13:21, 4:24], atol=1e-6)
    assert 0.05 < whole.mean() < 0.9


def test_distances_agree_with_the_definition():
    """A voxel is solid where its center lies deep enough, empty where it is far, by plainly sampled distances."""
    points, pieces, element, radius, windows, window_radius = random_scene(4)
    voxel, n, reach = 20.0, 32, 1e-6
    windows_off = np.zeros_like(window_radius)
    got = bone_fraction((n, n, n), voxel, points, pieces, element, radius, windows, windows_off, reach)
    rng = np.random.Generator(np.random.Philox(9))
    for z, y, x in rng.integers(0, n, (60, 3)):
        center = (np.array([z, y, x]) + 0.5) * voxel
        d = min(
            plain_distance(center, *points[piece]) - radius[e]
            for piece, e in zip(pieces, element, strict=True)
        )
        if abs(d) > 18.0:
            assert got[z, y, x] == float(d < 0)
        else:
            assert got[z, y, x] == pytest.approx(0.5 - d / 20.0, abs=0.45)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_thread_count_changes_no_bit():
    scene = random_scene(5)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = bone_fraction((40, 33, 37), 17.0, *scene, 70.0)
        numba.set_num_threads(2)
        two = bone_fraction((40, 33, 37), 17.0, *scene, 70.0)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(one, two)
