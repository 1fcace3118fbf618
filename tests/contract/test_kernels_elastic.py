"""Voxel elasticity: the Numba loops and the CUDA kernels give the bits of the NumPy reference."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_on_cpu import GPU, signatures

from trabsim.backends import get_backend
from trabsim.backends.device import kernel_source
from trabsim.backends.reference_elastic import ReferenceElastic
from trabsim.mechanics.boundary import ALL_FACES, compressed, plate_faces
from trabsim.mechanics.hierarchy import build_levels
from trabsim.mechanics.mesh import make_mesh
from trabsim.mechanics.solver import ElasticSystem


@pytest.fixture(params=["numba 1", "numba 2", "forward", "backward", "strict", *GPU])
def device(request):
    if request.param.startswith("numba"):
        return get_backend("numpy", threads=int(request.param[-1]))
    return (
        get_backend("cupy") if request.param == "cupy" else request.getfixturevalue("on_cpu")[request.param]
    )


def rough_bone(shape=(11, 9, 14), share=0.6, seed=0):
    rng = np.random.default_rng(seed)
    modulus = np.where(rng.random(shape) < share, rng.uniform(1000, 9000, shape), 0)
    modulus[:, 4, 5] = 5000
    return modulus.astype(np.float32)


@pytest.fixture(scope="module")
def mesh():
    return make_mesh(rough_bone(), plate_faces("confined", 0), get_backend("numpy"))


def field(n, dtype, seed=0):
    return (np.random.default_rng(seed).standard_normal((n, 3)) * 10).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("poisson", [0.3, -0.4])
def test_voxels(device, mesh, dtype, poisson):
    u = field(len(mesh.nodes), dtype)
    wanted, given = np.empty_like(u), device.from_numpy(np.empty_like(u))
    arguments = (mesh.rows, mesh.modulus, mesh.layers, mesh.fixed, poisson)
    ReferenceElastic().voxels(*arguments)(u, wanted)
    device.elastic.voxels(*arguments)(device.from_numpy(u), given)
    np.testing.assert_array_equal(device.to_numpy(given), wanted)


def test_octants_and_blocks(device):
    """The operators of a real hierarchy, whose setup arrays are taken on their way to the backend."""
    seen = {}

    class Recorder(ReferenceElastic):
        def octants(self, *arguments):
            seen["octants"] = arguments
            return super().octants(*arguments)

        def blocks(self, *arguments):
            seen.setdefault("blocks", arguments)
            return super().blocks(*arguments)

    backend = get_backend("numpy")

    class Plain:
        elastic = Recorder()

        def __getattr__(self, name):
            return getattr(backend, name)

    faces = plate_faces("confined", 0)
    part = make_mesh(rough_bone((23, 22, 21), 0.35), faces, backend)
    levels = build_levels(part, faces, 0.3, Plain())
    assert len(levels) > 3
    for name, number in (("octants", 1), ("blocks", 2)):
        u = field(levels[number].nodes, np.float32)
        wanted, given = np.empty_like(u), device.from_numpy(np.empty_like(u))
        getattr(ReferenceElastic(), name)(*seen[name])(u, wanted)
        getattr(device.elastic, name)(*seen[name])(device.from_numpy(u), given)
        np.testing.assert_array_equal(device.to_numpy(given), wanted)
    finest, coarse = levels[0], field(levels[1].nodes, np.float32)
    x, d = field(finest.nodes, np.float32, 1), np.empty((finest.nodes, 3), np.float32)
    mine = [device.from_numpy(a.copy()) for a in (x, d)]
    there = [device.from_numpy(a) for a in (*finest.from_coarse, finest.fixed, coarse)]
    device.elastic.prolong(*there, mine[1], mine[0])
    ReferenceElastic().prolong(*finest.from_coarse, finest.fixed, coarse, d, x)
    np.testing.assert_array_equal(device.to_numpy(mine[0]), x)
    np.testing.assert_array_equal(device.to_numpy(mine[1]), d)
    mine = device.from_numpy(np.empty_like(coarse))
    down = [device.from_numpy(a) for a in (*finest.to_coarse, x)]
    device.elastic.restrict(*down, mine)
    ReferenceElastic().restrict(*finest.to_coarse, x, coarse)
    np.testing.assert_array_equal(device.to_numpy(mine), coarse)


LOOPS = {
    "smooth_first": lambda loops, s, w: loops.smooth_first(s[0], s[1], 0.3, s[2], s[3], False),
    "smooth_first_add": lambda loops, s, w: loops.smooth_first(s[0], s[1], 0.3, s[2], s[3], True),
    "smooth_next": lambda loops, s, w: loops.smooth_next(s[0], s[1], s[4], 0.7, 0.3, s[2], s[3]),
    "subtract": lambda loops, s, w: loops.subtract(s[1], s[4]),
    "dot": lambda loops, s, w: loops.dot(w[0], w[1]),
    "dot_single": lambda loops, s, w: loops.dot(w[0], s[1]),
    "advance": lambda loops, s, w: loops.advance(0.37, w[0], w[1], w[2], w[3]),
    "turn": lambda loops, s, w: loops.turn(1.7, s[1], -0.3, w[0]),
    "narrow": lambda loops, s, w: loops.narrow(1 / 3, w[0], s[1]),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_over_nodes(device, name):
    n = 5000
    single = [np.ascontiguousarray(np.random.default_rng(9).standard_normal((n, 6)), np.float32)]
    single += [field(n, np.float32, seed) for seed in range(4)]
    double = [field(n, np.float64, seed) for seed in range(4, 8)]
    mine = [[device.from_numpy(a.copy()) for a in arrays] for arrays in (single, double)]
    given = LOOPS[name](device.elastic, *mine)
    wanted = LOOPS[name](ReferenceElastic(), single, double)
    if wanted is not None:
        np.testing.assert_array_equal(given, wanted)
    for ours, theirs in zip(mine[0] + mine[1], single + double):
        np.testing.assert_array_equal(device.to_numpy(ours), theirs)


@pytest.mark.parametrize("faces", [plate_faces("bonded", 0), plate_faces("frictionless", 2), ALL_FACES])
def test_a_whole_solve(device, faces):
    def solve(backend):
        system = ElasticSystem(rough_bone((13, 12, 11)), 40.0, 0.3, faces, backend)
        u = backend.from_numpy(compressed(system.mesh, 1, 0.01))
        report = system.solve(u, 1e-6)
        return report.iterations, report.residual, backend.to_numpy(u)

    given, wanted = solve(device), solve(get_backend("numpy", threads=1))
    assert given[:2] == wanted[:2]
    np.testing.assert_array_equal(given[2], wanted[2])


def test_every_kernel_was_run(on_cpu):
    """Runs last in this file."""
    written = {k for source in ("elastic", "multigrid") for k in signatures(kernel_source(source))}
    assert on_cpu["forward"].launched >= written
