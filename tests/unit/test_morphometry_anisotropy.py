"""Mean intercept lengths: against drawn lines, and against structures whose ellipsoid is known."""

from __future__ import annotations

import numpy as np
import pytest
from morphometry_samples import ball, coordinates, random_bone, stretched_noise

from trabsim.morphometry import fabric
from trabsim.morphometry._directions import fibonacci_directions, symmetric_directions
from trabsim.morphometry.anisotropy import cubes_inside, mean_intercept_lengths
from trabsim.morphometry.structure_model import smooth_surface


def angle_degrees(first, second) -> float:
    cosine = abs(np.dot(first, second)) / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def drawn_mean_intercept_length(field: np.ndarray, direction: np.ndarray) -> float:
    """Length of parallel lines over the number of times they cross level 0.5 of the field."""
    from scipy.ndimage import map_coordinates

    side = np.linalg.svd(direction[None])[2][1:]
    reach = np.arange(-30, 31) * 1.45
    steps = np.arange(-43, 43, 0.5)
    middle = (np.array(field.shape) - 1) / 2
    starts = (reach[:, None, None] * side[0] + reach[None, :, None] * side[1]).reshape(-1, 1, 3)
    points = (middle + starts + steps[None, :, None] * direction).reshape(-1, 3).T
    inside = np.all((points >= 0) & (points <= 2 * middle[:, None]), axis=0).reshape(-1, len(steps))
    above = (map_coordinates(field, points, order=1, mode="nearest") > 0.5).reshape(-1, len(steps))
    pairs = inside[:, 1:] & inside[:, :-1]
    return 0.5 * pairs.sum() / (pairs & (above[:, 1:] != above[:, :-1])).sum()


@pytest.mark.parametrize("count", [48, 240, 480])
def test_directions_are_even_and_the_same_in_every_position(count):
    directions = symmetric_directions(count)
    assert len(directions) % 24 == 0
    assert abs(len(directions) - count) <= 24
    assert np.allclose(np.linalg.norm(directions, axis=1), 1.0)
    assert np.allclose(directions.T @ directions / len(directions), np.eye(3) / 3, atol=1e-12)
    both = {tuple(np.round(d, 9)) for d in np.concatenate([directions, -directions])}
    assert len(both) == 2 * len(directions)
    assert both == {(y, -z, x) for z, y, x in both} == {(x, z, y) for z, y, x in both}


def test_no_direction_is_far_from_one_in_the_set():
    everywhere = fibonacci_directions(5000)
    nearest = np.abs(everywhere @ symmetric_directions(480).T).max(axis=1)
    assert np.degrees(np.arccos(nearest.min())) < 7.0


def test_mean_intercept_lengths_are_those_of_lines_drawn_through_the_volume():
    bone = stretched_noise(48, (0.3, 0.5, 0.8), 1.5, seed=1)
    surface = smooth_surface(bone, None)
    from trabsim.morphometry._smoothing import smoothed_field

    field = smoothed_field(bone, None, 1.0)[1:-1, 1:-1, 1:-1]
    directions = fibonacci_directions(6)
    lengths = mean_intercept_lengths(surface, cubes_inside(bone.shape, None), directions)
    drawn = [drawn_mean_intercept_length(field, direction) for direction in directions]
    assert np.allclose(lengths, drawn, rtol=0.03)


@pytest.mark.parametrize("axis", [(1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, -1.0, 1.0), (0.3, 0.5, 0.9)])
def test_stretched_random_structures_have_the_ellipsoid_they_must_have(axis):
    """Mean over three seeds; the axis may lie any way in the grid (Rice's formula, see stretched_noise)."""
    stretch = 1.6
    results = [fabric(stretched_noise(80, axis, stretch, seed), 20.0) for seed in range(3)]
    assert np.mean([r.DA for r in results]) == pytest.approx(1 - stretch**-2, abs=0.04)
    assert np.mean([r.DA_ratio for r in results]) == pytest.approx(stretch, rel=0.06)
    assert max(angle_degrees(r.directions[0], axis) for r in results) < 8.0


def test_isotropic_structures_have_no_direction_in_the_mean():
    """One finite volume has a direction by chance; the mean tensor of several has none."""
    tensors = [fabric(stretched_noise(64, (1, 0, 0), 1.0, seed), 20.0).tensor for seed in range(8)]
    lengths = np.linalg.eigvalsh(np.mean(tensors, axis=0))
    assert lengths[0] / lengths[2] > 0.95


def test_a_ball_is_isotropic():
    result = fabric(ball(15, 40), 20.0)
    assert result.DA < 0.02
    assert result.DA_ratio < 1.01


@pytest.mark.parametrize("normal", [(1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, 2.0, -1.0)])
def test_parallel_plates_have_one_short_axis_across_them(normal):
    z, y, x = coordinates((40, 40, 40))
    unit = np.array(normal) / np.linalg.norm(normal)
    height = unit[0] * z + unit[1] * y + unit[2] * x
    result = fabric(np.mod(height, 14.0) < 5.0, 20.0)
    assert result.DA > 0.97
    assert angle_degrees(result.directions[2], normal) < 1.0
    assert result.MIL_um[2] == pytest.approx(7.0 * 20.0, rel=0.1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_parallel_rods_point_along_the_main_direction(axis):
    line = np.arange(40) % 10 < 4
    across = np.multiply.outer(line, line)
    result = fabric(np.broadcast_to(np.expand_dims(across, axis), (40, 40, 40)), 20.0)
    assert result.DA > 0.97
    assert angle_degrees(result.directions[0], np.eye(3)[axis]) < 1.0
    assert result.MIL_um[1] == pytest.approx(result.MIL_um[2], rel=0.1)


def test_tensor_has_trace_one_and_the_axes_as_eigenvectors():
    result = fabric(random_bone((30, 31, 32)), 20.0)
    assert np.trace(result.tensor) == pytest.approx(1.0, rel=1e-12)
    assert np.allclose(result.tensor, result.tensor.T)
    for direction, length in zip(result.directions, result.MIL_um):
        assert np.allclose(result.tensor @ direction, direction * length / result.MIL_um.sum())
    assert np.all(np.diff(result.MIL_um) <= 0)
    assert pytest.approx(1 - (result.MIL_um[2] / result.MIL_um[0]) ** 2) == result.DA
    assert result.DA_ratio == pytest.approx(result.MIL_um[0] / result.MIL_um[2])
    assert np.all([row[np.argmax(np.abs(row))] > 0 for row in result.directions])


def test_no_surface_no_fabric():
    for volume in (np.zeros((4, 4, 4), bool), np.ones((4, 4, 4), bool), np.ones((1, 1, 1), bool)):
        result = fabric(volume, 20.0)
        assert np.isnan([result.DA, result.DA_ratio, *result.MIL_um, *result.tensor.ravel()]).all()
