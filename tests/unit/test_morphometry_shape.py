"""Structure model index and plate and rod fractions of bodies whose shape is known."""

from __future__ import annotations

import numpy as np
import pytest
from morphometry_samples import ball, coordinates, random_bone

from trabsim.morphometry import plate_rod, structure_model_index
from trabsim.morphometry._isosurface import isosurface
from trabsim.morphometry._loops import CORNERS, EDGES, loop_table, loops_of
from trabsim.morphometry._smoothing import smoothed_field


def rod(radius: float, length: int, width: int, axis: int = 0) -> np.ndarray:
    shape = [width, width, width]
    shape[axis] = length
    across = [c for k, c in enumerate(coordinates(tuple(shape))) if k != axis]
    return np.broadcast_to(across[0] ** 2 + across[1] ** 2 < radius**2, shape)


def bar(half_thickness: float, half_width: float, length: int = 64) -> np.ndarray:
    """Bar along z, thin along x."""
    _, y, x = coordinates((length, 64, 64))
    return np.broadcast_to((np.abs(x) < half_thickness) & (np.abs(y) < half_width), (length, 64, 64))


def test_loops_bound_every_configuration_without_gaps():
    """Each edge between bone and marrow is crossed by exactly one loop, and loops face the marrow."""
    for code in range(256):
        mixed = [n for n, (a, b) in enumerate(EDGES) if (code >> a & 1) != (code >> b & 1)]
        assert sorted(edge for loop in loops_of(code) for edge in loop) == mixed
        row = loop_table()[code]
        at = 0
        while row[at] > 0:
            points = CORNERS[EDGES[row[at + 1 : at + 1 + row[at]]]].mean(axis=1)
            area = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
            outward = sum(
                (CORNERS[b] - CORNERS[a]) * (1 if code >> a & 1 else -1)
                for a, b in EDGES[row[at + 1 : at + 1 + row[at]]]
            )
            assert area @ outward > 0
            at += 1 + row[at]


def test_isosurface_is_the_mesh_of_an_independent_marching_cubes():
    from skimage.measure import marching_cubes, mesh_surface_area

    bone = random_bone((24, 26, 28))
    field = smoothed_field(bone, None, 1.0)
    points, triangles, _, _ = marching_cubes(np.maximum(field, 0), 0.5)
    result = isosurface(field)
    assert result.area == pytest.approx(mesh_surface_area(points, triangles), rel=5e-3)
    corners = points[triangles].astype(float)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert result.volume == pytest.approx(abs(volume), rel=5e-3)
    points, triangles, _, _ = marching_cubes(field[1:-1, 1:-1, 1:-1], 0.5)
    assert result.open_area == pytest.approx(mesh_surface_area(points, triangles), rel=5e-3)
    assert np.linalg.norm(result.facing, axis=1).sum() == pytest.approx(result.open_area, rel=0.01)


def test_growth_is_the_derivative_of_the_area_of_a_ball():
    result = isosurface(smoothed_field(ball(15, 40), None, 1.0))
    radius = np.sqrt(result.area / 4 / np.pi)
    assert result.area_growth == pytest.approx(8 * np.pi * radius, rel=0.01)
    assert result.area == result.open_area


@pytest.mark.parametrize("radius", [6.0, 10.0, 15.0])
def test_ball_has_index_4(radius):
    assert structure_model_index(ball(radius, int(2 * radius) + 8), 20.0) == pytest.approx(4.0, abs=0.06)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("radius", [4.0, 8.0])
def test_rod_through_the_volume_has_index_3(axis, radius):
    bone = rod(radius, 60, 30, axis)
    assert structure_model_index(bone, 20.0, closed=False) == pytest.approx(3.0, abs=0.1)


def test_closed_ends_of_a_rod_count_by_convention():
    """Steiner's formula for a cylinder: S' = 2 pi L + 2 pi^2 r, S = 2 pi r L + 2 pi r^2, V = pi r^2 L."""
    radius, length = 8.0, 60
    expected = 3 * length * (length + np.pi * radius) / (length + radius) ** 2
    assert structure_model_index(rod(radius, length, 30), 20.0) == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_plate_through_the_volume_has_index_0(axis):
    bone = np.zeros((40, 40, 40), bool)
    bone[(slice(None),) * axis + (slice(10, 16),)] = True
    assert structure_model_index(bone, 20.0, closed=False) == pytest.approx(0.0, abs=1e-6)


def test_cavities_bend_the_other_way():
    assert structure_model_index(~ball(10, 40), 20.0, closed=False) < 0


def test_index_of_nothing_and_of_solid_bone_is_nan():
    assert np.isnan(structure_model_index(np.zeros((4, 4, 4), bool), 20.0))
    assert np.isnan(structure_model_index(np.ones((4, 4, 4), bool), 20.0))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("radius", [2.0, 4.0, 6.0])
def test_rods_are_rods(axis, radius):
    result = plate_rod(rod(radius, 64, 24, axis), 20.0)
    assert result.rod_fraction > 0.97
    assert result.plate_fraction + result.rod_fraction == pytest.approx(1.0)
    assert result.EF_mean > 0.45


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("thickness", [3.0, 6.0])
def test_plates_are_plates(slope, thickness):
    _, y, x = coordinates((64, 64, 64))
    bone = np.broadcast_to(np.abs(x + slope * y) < thickness / 2 * np.hypot(1, slope), (64, 64, 64))
    result = plate_rod(bone, 20.0)
    assert result.plate_fraction > 0.97
    assert result.EF_mean < -0.4


def test_a_bar_becomes_a_plate_when_it_is_about_twice_as_wide_as_thick():
    fractions = [plate_rod(bar(4.0, 4.0 * ratio), 20.0).plate_fraction for ratio in (1.0, 1.5, 2.25, 3.0)]
    assert fractions[0] < 0.02
    assert fractions[1] < 0.3
    assert fractions[2] > 0.9
    assert fractions[3] > 0.98


def test_a_trabecula_does_not_see_its_neighbors():
    """A rod one voxel away from a plate stays a rod."""
    bone = np.zeros((48, 48, 48), bool)
    bone[20:26, 20:26, :] = True
    alone = plate_rod(bone, 20.0)
    bone[:, 28:32, :] = True
    both = plate_rod(bone, 20.0)
    rod_volume, plate_volume = 36 * 48, 48 * 4 * 48
    assert alone.rod_fraction > 0.99
    assert both.rod_fraction * (rod_volume + plate_volume) == pytest.approx(rod_volume, rel=0.05)


def test_a_ball_is_neither():
    assert abs(plate_rod(ball(10, 30), 20.0).EF_mean) < 0.05


def test_plates_and_rods_of_nothing_are_nan():
    for volume in (np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)):
        result = plate_rod(volume, 20.0)
        assert np.isnan([result.plate_fraction, result.rod_fraction, result.EF_mean]).all()
