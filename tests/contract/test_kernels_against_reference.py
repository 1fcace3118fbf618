"""The CUDA sources give the bits of the reference: on a device, and on the CPU in any order of threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cuda_on_cpu import GPU, signatures
from scipy import ndimage

import trabsim.backends
from trabsim.backends import get_backend, reference
from trabsim.backends.binomial import binomial_inversion
from trabsim.backends.device import SOURCES, kernel_source

FULL = 101


@pytest.fixture(params=["forward", "backward", "strict", *GPU])
def device(request):
    """Give a device on the CPU, or the CUDA device of this machine if there is one."""
    if request.param == "cupy":
        return get_backend("cupy")
    return request.getfixturevalue("on_cpu")[request.param]


def _equal(device, given, wanted):
    """Compare arrays, or tuples of arrays, bit for bit and by type."""
    if isinstance(wanted, tuple):
        assert len(given) == len(wanted)
        for one, other in zip(given, wanted):
            _equal(device, one, other)
    elif isinstance(wanted, np.ndarray):
        given = device.to_numpy(given)
        assert given.dtype == wanted.dtype
        np.testing.assert_array_equal(given, wanted)
    else:
        assert given == wanted


def _bone(shape, seed=0):
    rough = np.random.default_rng(seed).standard_normal(shape)
    return np.clip(FULL * (0.4 + 2 * ndimage.gaussian_filter(rough, 1.2)), 0, FULL).astype(np.int32)


@pytest.mark.parametrize("shape", [(0,), (1,), (7, 301)])
def test_random_numbers(device, shape):
    ids = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, shape)
    on_device = device.from_numpy(ids)
    for seed, stream, day, draw in [
        (0, 0, 0, 0),
        (2**64 - 1, 2**32 - 1, 2**32 - 1, 2**32 - 1),
        (-5, 7, 20_000, 3),
    ]:
        wanted = reference.uniform2(seed, stream, day, ids, draw)
        _equal(device, device.uniform2(seed, stream, day, on_device, draw), wanted)
        _equal(device, device.uniform(seed, stream, day, on_device, draw), wanted[0])


def test_binomial_counts(device):
    rng = np.random.default_rng(7)
    u, n, p = rng.random(3000), rng.integers(0, 500, 3000), rng.random(3000) * 0.5
    p[:9] = 0.0
    given = device.binomial_inversion(device.from_numpy(u), device.from_numpy(n), device.from_numpy(p))
    _equal(device, given, binomial_inversion(np, u, n, p))
    _equal(device, given, get_backend("numpy").binomial_inversion(u, n, p))


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("primitive", ["scatter_add", "scatter_min"])
def test_scatter(device, primitive, kind):
    rng = np.random.default_rng(3)
    index, values = rng.integers(0, 60, (40, 25)), rng.integers(-1000, 1000, (40, 25))
    wanted = rng.integers(-500, 500, (3, 4, 5)).astype(kind)
    given = device.from_numpy(wanted.copy())
    scatter = getattr(device, primitive)
    scatter(given, device.from_numpy(index), device.from_numpy(values))
    getattr(reference, primitive)(wanted, index, values)
    _equal(device, given, wanted)
    for position in (-1, 60):
        with pytest.raises(IndexError):
            scatter(given, device.from_numpy(np.array([3, position])), -10_000)
    scatter(given, device.from_numpy(np.zeros(0, np.int64)), 1)
    _equal(device, given, wanted)
    somewhere = device.from_numpy(np.array([0]))
    with pytest.raises(TypeError, match="integers"):
        scatter(given, somewhere, 0.5)
    with pytest.raises(TypeError, match="contiguous"):
        scatter(given[:, 1], somewhere, 1)


@pytest.mark.parametrize("shape", [(20, 17, 33), (1, 8, 9), (6, 1, 1), (3, 3, 3)])
@pytest.mark.parametrize("region", [None, bool, np.uint8, np.int64])
@pytest.mark.parametrize("smoothing", [0.0, 0.9, 1.41])
def test_surface(device, shape, region, smoothing):
    """Positions and areas are those of the reference to the last bit, and so are those of the NumPy backend."""
    bone, tissue, there = _bone(shape), None, None
    if region is not None:
        tissue = (np.random.default_rng(2).random(shape) < 0.9).astype(region)
        there = device.from_numpy(tissue)
    wanted = reference.surface(bone, FULL, tissue, smoothing)
    assert wanted[1].dtype == np.float64
    _equal(device, device.surface(device.from_numpy(bone), FULL, there, smoothing), wanted)
    _equal(get_backend("numpy"), get_backend("numpy").surface(bone, FULL, tissue, smoothing), wanted)
    if smoothing == 0.0:
        _equal(device, device.surface(device.from_numpy(bone), FULL, there), wanted)
    with pytest.raises(ValueError, match="shape"):
        device.surface(device.from_numpy(bone), FULL, device.from_numpy(np.ones((1, 2, 3), bool)))


@pytest.mark.parametrize("length", [0.4, 1.5, 5.0])
@pytest.mark.parametrize("shape", [(19, 22, 25), (8, 7, 6), (1, 9, 12), (5, 1, 1)])
@pytest.mark.parametrize("warm", [0.0, 1.0])
def test_steady_fields(device, shape, length, warm):
    rng = np.random.default_rng(6)
    domain = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5) < 0.05
    source = np.where(rng.random(shape) < 0.05, rng.random(shape), 0).astype(np.float32)
    source.flat[np.flatnonzero(domain)[0]] = 1
    start = rng.random(shape, np.float32) * np.float32(warm)
    given, wanted, fast = device.from_numpy(start.copy()), start.copy(), start.copy()
    report = device.solve_steady(device.from_numpy(source), device.from_numpy(domain), length, given)
    assert report == reference.solve_steady(source, domain, length, wanted)
    assert report == get_backend("numpy").solve_steady(source, domain, length, fast)
    _equal(device, given, wanted)
    _equal(device, given, fast)


def test_steady_field_without_source(device):
    ones = np.ones((4, 5, 6), np.float32)
    field = device.from_numpy(ones.copy())
    nothing = device.from_numpy(0 * ones)
    assert device.solve_steady(nothing, device.from_numpy(ones > 0), 3.0, field) == (0, 0.0, 0.0, 0.0)
    _equal(device, field, 0 * ones)


@pytest.mark.parametrize("connectivity", [6, 26])
def test_components(device, connectivity):
    mask = np.random.default_rng(5).random((22, 18, 27)) < (0.25 if connectivity == 6 else 0.06)
    wanted = reference.components(mask, connectivity)
    assert wanted[1] > 20
    _equal(device, device.components(device.from_numpy(mask), connectivity), wanted)
    assert device.components(device.from_numpy(mask & False), connectivity)[1] == 0


def test_distance(device):
    mask = np.random.default_rng(4).random((24, 19, 31)) < 0.98
    _equal(device, device.distance_transform(device.from_numpy(mask)), reference.distance_transform(mask))
    everywhere = device.to_numpy(device.distance_transform(device.from_numpy(mask | True)))
    assert np.isinf(everywhere).all()


def test_every_kernel_was_run(on_cpu):
    """Runs last in this file: no kernel may exist that no test has held against the reference."""
    here = set(SOURCES) - {"elastic", "multigrid"}  # those have a file of their own
    written = {kernel for source in here for kernel in signatures(kernel_source(source))}
    assert on_cpu["forward"].launched == written


def test_every_source_is_listed():
    folder = Path(trabsim.backends.__file__).parent
    assert {path.stem for path in folder.glob("*.cu")} == set(SOURCES)
