"""The very CUDA sources, run on the CPU, give the bits of the reference: in any order of their threads."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from cuda_on_cpu import CpuDevice, signatures
from scipy import ndimage

from trabsim.backends import get_backend, reference
from trabsim.backends.device import SOURCES, kernel_source

FULL = 101


@pytest.fixture(scope="module")
def devices(tmp_path_factory):
    """Two devices, whose threads run forward and backward."""
    if shutil.which("g++") is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have g++ to hold the CUDA sources against the reference")
        pytest.skip("g++ not found: the CUDA sources cannot be run on the CPU")
    folder = tmp_path_factory.mktemp("kernels")
    return CpuDevice(folder), CpuDevice(folder, backward=True)


@pytest.fixture(params=[0, 1], ids=["forward", "backward"])
def device(devices, request):
    return devices[request.param]


def _bone(shape, seed=0):
    rough = np.random.default_rng(seed).standard_normal(shape)
    return np.clip(FULL * (0.4 + 2 * ndimage.gaussian_filter(rough, 1.2)), 0, FULL).astype(np.int32)


@pytest.mark.parametrize("shape", [(0,), (1,), (7, 301)])
def test_random_numbers(device, shape):
    ids = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, shape)
    for arguments in [
        (0, 0, 0, ids, 0),
        (2**64 - 1, 2**32 - 1, 2**32 - 1, ids, 2**32 - 1),
        (-5, 7, 20_000, ids, 3),
    ]:
        np.testing.assert_array_equal(device.uniform(*arguments), reference.uniform(*arguments))
        for given, wanted in zip(device.uniform2(*arguments), reference.uniform2(*arguments)):
            np.testing.assert_array_equal(given, wanted)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("primitive", ["scatter_add", "scatter_min"])
def test_scatter(device, primitive, kind):
    rng = np.random.default_rng(3)
    index, values = rng.integers(0, 60, (40, 25)), rng.integers(-1000, 1000, (40, 25))
    given = rng.integers(-500, 500, (3, 4, 5)).astype(kind)
    wanted = given.copy()
    getattr(device, primitive)(given, index, values)
    getattr(reference, primitive)(wanted, index, values)
    np.testing.assert_array_equal(given, wanted)
    before = given.copy()
    for position in (-1, 60):
        with pytest.raises(IndexError):
            getattr(device, primitive)(given, np.array([3, position]), -10_000)
    np.testing.assert_array_equal(given, before)
    getattr(device, primitive)(given, np.zeros(0, np.int64), 1)
    with pytest.raises(TypeError, match="integers"):
        getattr(device, primitive)(given, np.array([0]), 0.5)
    with pytest.raises(TypeError, match="contiguous"):
        getattr(device, primitive)(given[:, 1], np.array([0]), 1)


@pytest.mark.parametrize("shape", [(20, 17, 33), (1, 8, 9), (6, 1, 1), (3, 3, 3)])
@pytest.mark.parametrize("region", [None, bool, np.uint8, np.int64])
def test_surface(device, shape, region):
    bone = _bone(shape)
    tissue = None if region is None else (np.random.default_rng(2).random(shape) < 0.9).astype(region)
    for given, wanted in zip(device.surface(bone, FULL, tissue), reference.surface(bone, FULL, tissue)):
        np.testing.assert_array_equal(given, wanted)
        assert given.dtype == np.int64
    with pytest.raises(ValueError, match="shape"):
        device.surface(bone, FULL, np.ones((1, 2, 3), bool))


@pytest.mark.parametrize("length", [0.4, 1.5, 5.0])
@pytest.mark.parametrize("shape", [(19, 22, 25), (8, 7, 6), (1, 9, 12), (5, 1, 1)])
@pytest.mark.parametrize("warm", [0.0, 1.0])
def test_steady_fields(device, shape, length, warm):
    rng = np.random.default_rng(6)
    domain = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5) < 0.05
    source = np.where(rng.random(shape) < 0.05, rng.random(shape), 0).astype(np.float32)
    source.flat[np.flatnonzero(domain)[0]] = 1
    start = rng.random(shape, np.float32) * np.float32(warm)
    given, wanted, fast = start.copy(), start.copy(), start.copy()
    report = device.solve_steady(source, domain, length, given)
    assert report == reference.solve_steady(source, domain, length, wanted)
    assert report == get_backend("numpy").solve_steady(source, domain, length, fast)
    np.testing.assert_array_equal(given, wanted)
    np.testing.assert_array_equal(given, fast)


def test_steady_field_without_source(device):
    field = np.ones((4, 5, 6), np.float32)
    assert device.solve_steady(field * 0, field > 0, 3.0, field) == (0, 0.0, 0.0, 0.0)
    assert not field.any()


@pytest.mark.parametrize("connectivity", [6, 26])
def test_components(device, connectivity):
    mask = np.random.default_rng(5).random((22, 18, 27)) < (0.25 if connectivity == 6 else 0.06)
    labels, n = device.components(mask, connectivity)
    wanted, wanted_n = reference.components(mask, connectivity)
    assert n == wanted_n > 20
    np.testing.assert_array_equal(labels, wanted)
    assert device.components(mask & False, connectivity)[1] == 0


def test_distance(device):
    mask = np.random.default_rng(4).random((24, 19, 31)) < 0.98
    np.testing.assert_array_equal(device.distance_transform(mask), reference.distance_transform(mask))
    assert np.isinf(device.distance_transform(mask | True)).all()


def test_every_kernel_was_run(devices):
    """Runs last in this file: no kernel may exist that no test has held against the reference."""
    written = {kernel for source in SOURCES for kernel in signatures(kernel_source(source))}
    assert devices[0].launched == written


def test_every_source_is_listed():
    from pathlib import Path

    import trabsim.backends

    folder = Path(trabsim.backends.__file__).parent
    assert {path.stem for path in folder.glob("*.cu")} == set(SOURCES)
