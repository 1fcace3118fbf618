"""The random network: its random numbers, its shape, and that the region it is drawn for does not matter."""

from __future__ import annotations

import numpy as np
import pytest

from trabsim.tissue.synthetic_grid import DRAW_PLATE, DRAWS, Grid, rotation, transform
from trabsim.tissue.synthetic_network import build_network
from trabsim.tissue.synthetic_raster import bone_fraction
from trabsim.tissue.synthetic_shape import NetworkParams
from trabsim.tissue.synthetic_windows import axis_distance, edge_distance, place_windows

ROUND = np.ones(3)
TALL = np.array([1.4, 0.85, 0.85])
STRAIGHT = NetworkParams(bend_fraction=0.0)


def sample(network, n=40, extent_um=2000.0, cell_um=1000.0, strut_um=100.0):
    """Bone fractions of a cube about the network's origin."""
    return bone_fraction(
        (n, n, n),
        extent_um / n,
        network.points * cell_um + extent_um / 2,
        network.pieces,
        network.element,
        network.radius * strut_um,
        network.windows,
        network.window_radius * cell_um,
        0.8 * strut_um,
    )


def strut_axes(network):
    """Length and direction (z, y, x) of every piece of a strut, and its radius."""
    struts = network.pieces[:, 1] == network.pieces[:, 2]
    along = network.points[network.pieces[struts, 1]] - network.points[network.pieces[struts, 0]]
    length = np.sqrt((along * along).sum(1))
    keep = length > 1e-6
    return length[keep], (along[keep] / length[keep, None]), network.radius[network.element[struts][keep]]


def plate_normals(network):
    """Area and unit normal of every triangle of a plate."""
    plates = network.pieces[network.pieces[:, 1] != network.pieces[:, 2]]
    a, b, c = (network.points[plates[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    size = np.sqrt((normal * normal).sum(1))
    return size / 2, normal / np.maximum(size, 1e-12)[:, None]


def test_no_two_cells_share_a_random_number():
    """Neighboring counters of a generator that counts its draws in the same word would overlap."""
    draws = Grid(5, 0, np.full(3, 2.0)).draws
    assert len(np.unique(draws)) == draws.size


def test_random_numbers_are_uniform_and_neighbors_independent():
    grid = Grid(5, 0, np.full(3, 6.0))
    assert grid.draws.mean() == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / grid.draws.size))
    block = grid.draws.reshape(*grid.size, -1)
    for axis in range(3):
        a = np.take(block, range(grid.size[axis] - 1), axis=axis)
        b = np.take(block, range(1, grid.size[axis]), axis=axis)
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)


def test_seed_and_attempt_both_change_the_numbers():
    half = np.full(3, 1.0)
    first = Grid(1, 0, half).points
    for other in (Grid(2, 0, half), Grid(1, 1, half), Grid(1 + 2**40, 0, half)):
        assert other.points.shape != first.shape or not np.allclose(other.points, first)


def test_rotation_is_a_rotation():
    turn = rotation(np.array([0.3, -0.5, 0.2, 0.7]))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    points = np.arange(12.0).reshape(4, 3)
    np.testing.assert_allclose(transform(points, turn), points @ turn.T, atol=1e-13)


def test_a_larger_region_holds_the_same_network():
    """Only the last bits of the tessellation's corners may differ."""
    small = build_network(3, 0, np.full(3, 1.2), TALL)
    large = build_network(3, 0, np.array([2.6, 1.9, 1.3]), TALL)
    assert len(large.pieces) > 1.3 * len(small.pieces)
    np.testing.assert_allclose(sample(small), sample(large), atol=1e-6)


def test_bend_is_smooth_and_bounded():
    grid = Grid(7, 0, np.full(3, 3.0))
    line = np.linspace(-2, 2, 4001)[:, None] * np.array([0.3, 0.9, -0.4])
    shift = grid.bend(line)
    assert np.abs(shift).max() <= 1.0
    assert shift.std() > 0.2
    # smoothsteps have slopes of at most 1.5 times the difference, which is at most 2
    slope = np.abs(np.diff(shift, axis=0)).max() / 0.001
    assert slope < 3 * np.sqrt(3) * 1.03


def test_a_network_without_plates_is_all_struts():
    network = build_network(1, 0, np.full(3, 1.0), ROUND, NetworkParams(plate_fraction=0.0))
    assert (network.pieces[:, 1] == network.pieces[:, 2]).all()
    assert not network.window_radius.any()


@pytest.mark.parametrize("wanted", [0.2, 0.5])
def test_the_share_of_plates_is_as_asked_for(wanted):
    """Counted by their vertices: a tessellation has about 7.77 faces per cell (Poisson) whatever is drawn on them."""
    params = NetworkParams(plate_fraction=wanted, bend_fraction=0.0)
    half = np.full(3, 2.5)
    network = build_network(2, 0, half, ROUND, params)
    full = build_network(2, 0, half, ROUND, params.model_copy(update={"plate_fraction": 10.0}))
    plates = network.element.max() - full.element.max() + (faces := len(full.radius) - struts(full))
    assert plates / faces == pytest.approx(wanted, abs=0.04)


def struts(network):
    """Number of struts of a network."""
    return len(np.unique(network.element[network.pieces[:, 1] == network.pieces[:, 2]]))


def test_plates_stand_upright_and_vertical_struts_are_thicker():
    network = build_network(4, 0, np.full(3, 3.0), ROUND, STRAIGHT)
    area, normal = plate_normals(network)
    # of random plates 1/3, of plates kept in proportion to 1 - nz^2 1/5
    assert (area * normal[:, 0] ** 2).sum() / area.sum() == pytest.approx(1 / 5, abs=0.04)
    _, along, radius = strut_axes(network)
    rise = np.abs(along[:, 0])
    p = STRAIGHT
    assert radius[rise > 0.9].mean() == pytest.approx(
        0.5
        * (
            p.horizontal_thickness_fraction
            + 0.94 * (p.vertical_thickness_fraction - p.horizontal_thickness_fraction)
        ),
        rel=0.04,
    )
    assert radius[rise > 0.9].mean() > 1.2 * radius[rise < 0.2].mean()


def test_struts_run_in_all_directions_where_cells_are_round():
    """The random turn of the grid hides its axes."""
    moments = []
    for seed in range(6):
        length, along, _ = strut_axes(build_network(seed, 0, np.full(3, 2.0), ROUND, STRAIGHT))
        moments.append((length[:, None] * along**2).sum(0) / length.sum())
    np.testing.assert_allclose(np.mean(moments, axis=0), 1 / 3, atol=0.03)


def regular_polygon(n, radius):
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.zeros(n), radius * np.cos(angle), radius * np.sin(angle)], 1)


def test_windows_keep_off_the_outline_and_off_each_other():
    params = NetworkParams(solid_share=0.0, double_share=1.0)
    rng = np.random.Generator(np.random.Philox(3))
    counts = []
    for _ in range(60):
        corners = regular_polygon(int(rng.integers(3, 9)), rng.uniform(0.3, 1.0)) * [
            1,
            1,
            rng.uniform(0.5, 1),
        ]
        following = np.roll(corners, -1, axis=0)
        windows = place_windows(corners, rng.random(DRAWS), params)
        counts.append(len(windows))
        for start, end, radius in windows:
            assert radius >= params.window_fraction
            for share in np.linspace(0, 1, 5):
                place = start + share * (end - start)
                assert edge_distance(place, corners, following) >= radius + params.rim_fraction - 1e-9
        if len(windows) == 2:
            (start, end, radius), (other, _, second) = windows
            assert axis_distance(other, start, end) >= radius + second + 2 * params.rim_fraction - 1e-9
    assert set(counts) == {0, 1, 2}


def test_solid_and_small_plates_have_no_window():
    draws = np.full(DRAWS, 0.5)
    assert place_windows(regular_polygon(6, 1.0), draws, NetworkParams(solid_share=1.0)) == []
    assert place_windows(regular_polygon(6, 0.15), draws, NetworkParams(solid_share=0.0)) == []


def test_a_plates_number_is_the_wrapped_sum_of_its_cells():
    """Sums of independent uniform numbers, wrapped: what makes a plate does not favor any cell."""
    draws = Grid(5, 0, np.full(3, 5.0)).draws[:, DRAW_PLATE]
    both = (draws[:-1] + draws[1:]) % 1.0
    assert abs(np.corrcoef(both, draws[1:])[0, 1]) < 4 / np.sqrt(both.size)
