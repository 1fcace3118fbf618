"""The steady-field solver: the same bits everywhere, an honest error bound, clear refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.sparse import linalg

from trabsim.backends import get_backend, reference


def _case(shape=(19, 22, 25), seed=0, fraction=0.7):
    """A rough domain with fragments, scattered sources, and a guess that is wrong everywhere."""
    rng = np.random.default_rng(seed)
    rough = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    domain = rough < np.quantile(rough, fraction)
    source = np.where(rng.random(shape) < 0.05, rng.random(shape), 0).astype(np.float32)
    return source, domain, rng.random(shape).astype(np.float32)


def _operator(domain, length):
    """The matrix of ``c - length**2 laplacian(c)`` on the voxels of the domain, and its diagonal."""
    number = np.full(domain.shape, -1)
    number[domain] = np.arange(domain.sum())
    graph = sparse.csr_matrix((domain.sum(), domain.sum()))
    for axis in range(3):
        one, other = np.moveaxis(number, axis, 0)[:-1].ravel(), np.moveaxis(number, axis, 0)[1:].ravel()
        open_face = (one >= 0) & (other >= 0)
        links = sparse.coo_matrix((np.ones(open_face.sum()), (one[open_face], other[open_face])), graph.shape)
        graph = graph + links + links.T
    diagonal = 1 + length**2 * np.asarray(graph.sum(axis=1)).ravel()
    return sparse.csc_matrix(sparse.diags(diagonal) - length**2 * graph), diagonal


@pytest.mark.parametrize("length", [0.4, 1.5, 5.0])
@pytest.mark.parametrize("shape", [(19, 22, 25), (8, 7, 6), (1, 9, 12), (5, 1, 1)])
@pytest.mark.parametrize("warm", [False, True])
def test_every_thread_count_gives_the_bits_of_the_reference(length, shape, warm):
    source, domain, guess = _case(shape)
    source.flat[np.flatnonzero(domain)[0]] = 1
    fields = [guess * np.float32(warm) for _ in range(3)]
    reports = [
        get_backend("numpy", 1).solve_steady(source, domain, length, fields[0]),
        get_backend("numpy").solve_steady(source, domain.astype(np.uint8), length, fields[1]),
        reference.solve_steady(source, domain, length, fields[2]),
    ]
    assert reports[0] == reports[1] == reports[2]
    np.testing.assert_array_equal(fields[0], fields[2])
    np.testing.assert_array_equal(fields[1], fields[2])


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-5])
@pytest.mark.parametrize("length", [1.5, 6.0])
@pytest.mark.parametrize("warm", [0.0, 1.0, 1e3])
def test_error_bound_holds_against_a_direct_solver(tolerance, length, warm):
    """Weighted root mean square error, measured against sparse LU, stays below bound and tolerance."""
    source, domain, guess = _case()
    matrix, weight = _operator(domain, length)
    exact = linalg.spsolve(matrix, source[domain].astype(float))
    field = guess * np.float32(warm)
    report = get_backend("numpy").solve_steady(source, domain, length, field, tolerance)
    error = np.sqrt((weight * (field[domain] - exact) ** 2).sum() / (weight * exact**2).sum())
    rounding = 2e-6 * max(1.0, warm)
    assert error <= report.error + rounding
    assert report.error <= tolerance
    assert report.minimum == field.min()
    assert report.maximum == field.max()
    assert (field[~domain] == 0).all()


def test_a_good_guess_saves_iterations():
    source, domain, guess = _case()
    backend, field, cold = get_backend("numpy"), np.zeros_like(guess), None
    cold = backend.solve_steady(source, domain, 5.0, field).iterations
    source.flat[np.flatnonzero(source)[0]] *= 2
    assert backend.solve_steady(source, domain, 5.0, field).iterations < 0.8 * cold
    assert backend.solve_steady(source, domain, 5.0, field).iterations < 0.4 * cold


def test_iterations_of_a_cold_start_grow_with_the_length_as_documented():
    for length in (2.5, 5.0, 10.0):
        source, domain, _ = _case()
        report = get_backend("numpy").solve_steady(source, domain, length, np.zeros(domain.shape, np.float32))
        assert 16 * length < report.iterations < 20 * length


def test_scattered_sources_never_undershoot():
    """Values below -1e-4 of the maximum would stop a run."""
    for seed, length in [(0, 1.5), (1, 5.0), (2, 15.0)]:
        source, domain, _ = _case(seed=seed)
        report = get_backend("numpy").solve_steady(source, domain, length, np.zeros(domain.shape, np.float32))
        assert report.minimum >= -1e-4 * report.maximum


@pytest.mark.parametrize("length", [1.5, 6.0])
def test_a_guess_wrong_in_few_voxels_leaves_no_error_there(length):
    """Sources that vanish from fragments change little on the whole; each voxel must still be right."""
    source, domain, _ = _case(shape=(30, 31, 32), fraction=0.3)
    backend, field = get_backend("numpy"), np.zeros(domain.shape, np.float32)
    backend.solve_steady(source, domain, length, field)
    labels, n = backend.components(domain)
    size = np.bincount(labels.ravel())
    small = (size[labels] < 8) & domain
    assert n > 10
    source[small] = 0
    exact = np.zeros_like(field)
    backend.solve_steady(source, domain, length, exact, 1e-6)
    report = backend.solve_steady(source, domain, length, field)
    assert np.abs(field - exact).max() < 1.5e-4 * exact.max()
    assert report.minimum > -1.5e-4 * report.maximum


def test_no_source_gives_no_field():
    source, domain, guess = _case()
    report = get_backend("numpy").solve_steady(source * ~domain, domain, 3.0, guess)
    assert report == (0, 0.0, 0.0, 0.0)
    assert not guess.any()


def test_refusals():
    source, domain, guess = _case()
    solve = get_backend("numpy").solve_steady
    with pytest.raises(ValueError, match="shape"):
        solve(source[1:], domain, 3.0, guess)
    with pytest.raises(ValueError, match="length must be positive"):
        solve(source, domain, 0.0, guess)
    with pytest.raises(ValueError, match="length must be positive"):
        solve(source, domain, float("nan"), guess)
    with pytest.raises(ValueError, match="tolerance"):
        solve(source, domain, 3.0, guess, 1e-9)
    with pytest.raises(TypeError, match="float32"):
        solve(source, domain, 3.0, guess.astype(float))
    with pytest.raises(TypeError, match="contiguous"):
        solve(source, domain, 3.0, np.asfortranarray(guess))
    source[domain] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        solve(source, domain, 3.0, guess)
