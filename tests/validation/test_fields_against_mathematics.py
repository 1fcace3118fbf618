"""The steady-field solver against solutions known on paper."""

from __future__ import annotations

import numpy as np
import pytest

from trabsim.backends import get_backend


def _solve(source, domain, length, tolerance=1e-6):
    field = np.zeros(source.shape, np.float32)
    get_backend("numpy").solve_steady(source.astype(np.float32), domain, length, field, tolerance)
    return field.astype(float)


def _distance(shape, center):
    offsets = np.indices(shape) - np.reshape(center, (3, 1, 1, 1))
    return np.sqrt((offsets**2).sum(axis=0))


def _green(r, length):
    return np.exp(-r / length) / (4 * np.pi * length**2 * r)


def test_point_source_in_open_space():
    """One voxel of source 1 gives exp(-r / length) / (4 pi length**2 r), better for a longer length."""
    shape, center = (65, 65, 65), (32, 32, 32)
    source = np.zeros(shape)
    source[center] = 1
    r = _distance(shape, center)
    deviations = []
    for length, near, far in [(3.0, 6, 9), (4.5, 9, 13.5)]:
        field = _solve(source, np.ones(shape, bool), length)
        shell = (r > near) & (r < far)
        deviations.append(np.abs(field[shell] / _green(r[shell], length) - 1).max())
        assert field.sum() == pytest.approx(1, abs=1e-5)
    assert deviations[0] < 0.035
    assert deviations[1] < deviations[0] / 2  # 2.25 times less for a lattice of second order


def test_source_beside_a_wall_has_an_image():
    """The field beside a wall is that of the source and its mirror image, on the lattice even exactly."""
    shape, wall, length = (49, 49, 49), 20, 3.0
    source, image = np.zeros(shape), np.zeros(shape)
    source[wall + 2, 24, 24] = 1
    image[wall - 3, 24, 24] = 1
    everywhere = np.ones(shape, bool)
    beyond = np.indices(shape)[0] >= wall
    walled = _solve(source, beyond, length)
    mirrored = _solve(source + image, everywhere, length)
    np.testing.assert_allclose(walled[beyond], mirrored[beyond], atol=2e-6 * walled.max())
    assert (walled[~beyond] == 0).all()
    r, r_image = _distance(shape, (wall + 2, 24, 24)), _distance(shape, (wall - 3, 24, 24))
    shell = beyond & (r > 5) & (r < 8)
    expected = _green(r[shell], length) + _green(r_image[shell], length)
    np.testing.assert_allclose(walled[shell], expected, rtol=0.04)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slab_between_walls_is_a_cosh(axis):
    """A sheet of source on one wall of a slab gives cosh((w - x) / length) / (length sinh(w / length))."""
    width, length = 40, 8.0
    shape = [6, 6, 6]
    shape[axis] = width + 7
    source, domain = np.zeros(shape), np.zeros(shape, bool)
    slab = [slice(None)] * 3
    slab[axis] = slice(3, 3 + width)
    domain[tuple(slab)] = True
    slab[axis] = slice(3, 4)
    source[tuple(slab)] = 1
    profile = np.moveaxis(_solve(source, domain, length), axis, 0)
    assert np.ptp(profile, axis=(1, 2)).max() < 1e-5 * profile.max()
    x = np.arange(width)  # from the sheet's center half a voxel inside, which the discrete source smears
    expected = np.cosh((width - 0.5 - x) / length) / (length * np.sinh(width / length))
    np.testing.assert_allclose(profile[3 : 3 + width, 0, 0], expected, rtol=5e-3)


def test_field_sums_to_source_behind_any_walls():
    """Without flux through walls all that is made decays in place: the sums agree in every pore."""
    rng = np.random.default_rng(0)
    backend = get_backend("numpy")
    domain = rng.random((24, 24, 24)) < 0.5
    source = np.where(domain, rng.random(domain.shape), 0)
    field = _solve(source, domain, 4.0)
    labels, n = backend.components(domain)
    made = np.bincount(labels.ravel(), source.ravel(), n + 1)[1:]
    there = np.bincount(labels.ravel(), field.ravel(), n + 1)[1:]
    assert n > 20
    np.testing.assert_allclose(there, made, rtol=3e-5)


def test_nothing_crosses_a_wall_one_voxel_thick():
    domain = np.ones((10, 12, 14), bool)
    domain[:, :, 6] = False
    source = np.zeros(domain.shape)
    source[5, 6, 5] = 1
    field = _solve(source, domain, 10.0)
    assert (field[:, :, :6] > 0).all()
    assert (field[:, :, 6:] == 0).all()


def test_refining_the_grid_reduces_the_error_fourfold():
    """A wave f = cos(pi x / w) between walls gives f / (1 + (pi length / w)**2): second order."""
    errors = []
    for n in (6, 12, 24, 48):
        length = n / 4
        x = (np.arange(n) + 0.5) / n
        wave = np.cos(np.pi * x)
        source = np.broadcast_to(wave[:, None, None], (n, 4, 4))
        field = _solve(source, np.ones(source.shape, bool), length)
        errors.append(np.abs(field[:, 0, 0] - wave / (1 + (np.pi * length / n) ** 2)).max())
    ratios = np.array(errors[:-1]) / errors[1:]
    assert ((ratios > 3.5) & (ratios < 4.5)).all()


def test_point_source_converges_under_refinement():
    """Halving the voxel at the same physical distance and length brings the point solution closer."""
    deviations = []
    for scale in (1, 2):
        length, half = 2.0 * scale, 16 * scale
        shape = (2 * half + 1,) * 3
        source = np.zeros(shape)
        source[half, half, half] = 1
        field = _solve(source, np.ones(shape, bool), length)
        r = 4 * scale
        deviations.append(abs(field[half, half, half + r] / _green(r, length) - 1))
    assert deviations[1] < 0.4 * deviations[0]
