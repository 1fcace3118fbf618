"""Measure the steady-field solver: seconds per solve, and the memory traffic of a sweep against what memory
gives.

Every figure stands beside a baseline of the same run: the bandwidth against a triad ``a = b + s c`` over
arrays of the same size, the solver against the NumPy reference and against SciPy's conjugate gradients on a
sparse matrix.

    python benchmarks/bench_fields.py --shape 200 --threads 2
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange, set_num_threads
from scipy import ndimage, sparse
from scipy.sparse import linalg

from trabsim.backends import Backend, get_backend, reference

BYTES_PER_UPDATE = (
    17  # own value read and written, source, neighbors' values once each, and one byte of geometry
)


@njit(parallel=True)
def triad(a, b, c):
    """a = b + 3 c."""
    for i in prange(a.size):
        a[i] = b[i] + np.float32(3) * c[i]


def best_of(repeats: int, call: Callable[[], Any]) -> float:
    """Give the shortest time of a call in seconds; the first call only warms up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def bandwidth_GB_per_s(backend: Backend, n: int) -> float:
    """Measure a triad over ``n**3`` floats: 16 bytes each, with the cache line that is fetched to write."""
    if backend.name == "numpy":
        set_num_threads(backend.threads)
        a, b, c = (np.ones(n**3, np.float32) for _ in range(3))
        return 16e-9 * n**3 / best_of(7, lambda: triad(a, b, c))
    a, b = (backend.xp.ones(n**3, np.float32) for _ in range(2))

    def copy() -> None:
        a[...] = b
        backend.synchronize()

    return 8e-9 * n**3 / best_of(7, copy)


def specimen(n: int, fraction: float = 0.15) -> np.ndarray:
    """Make a bone mask of a level set of smooth noise, struts about eight voxels thick."""
    noise = np.random.default_rng(0).standard_normal((n, n, n), np.float32)
    smooth = ndimage.gaussian_filter(noise, 9.0, mode="wrap")
    return smooth > np.quantile(smooth[::3, ::3, ::3], 1 - fraction)


def scattered_source(domain: np.ndarray) -> np.ndarray:
    """Put random sources on one in a hundred voxels of the domain."""
    rng = np.random.default_rng(1)
    return (domain & (rng.random(domain.shape, np.float32) < 0.01)) * rng.random(domain.shape, np.float32)


def measure_solver(backend: Backend, domain: np.ndarray, length: float) -> dict[str, float]:
    """Time a cold solve and a restart after one in a hundred sources has gone."""
    source, inside = backend.from_numpy(scattered_source(domain)), backend.from_numpy(domain.astype(np.uint8))
    field = backend.xp.zeros(domain.shape, np.float32)
    report = backend.solve_steady(source, inside, length, field)

    def cold() -> None:
        field[...] = 0
        backend.solve_steady(source, inside, length, field)
        backend.synchronize()

    seconds = best_of(5, cold)
    moved = backend.from_numpy(
        scattered_source(domain) * (np.random.default_rng(2).random(domain.shape) < 0.99)
    )
    start = time.perf_counter()
    warm = backend.solve_steady(moved, inside, length, field)
    backend.synchronize()
    warm_seconds = time.perf_counter() - start
    return {
        "cold_s": seconds,
        "sweeps": report.iterations,
        "warm_s": warm_seconds,
        "warm_sweeps": warm.iterations,
        "ns_per_update": 1e9 * seconds / (report.iterations * domain.size / 2),
    }


def baseline_reference(domain: np.ndarray, length: float) -> float:
    """Time the plain NumPy meaning of the solver."""
    source, field = scattered_source(domain), np.zeros(domain.shape, np.float32)
    start = time.perf_counter()
    reference.solve_steady(source, domain, length, field)
    return time.perf_counter() - start


def baseline_sparse(domain: np.ndarray, length: float) -> float:
    """Time SciPy: assemble a sparse matrix and solve by conjugate gradients to a residual of 1e-4."""
    start = time.perf_counter()
    number = np.full(domain.shape, -1, np.int32)
    number[domain] = np.arange(domain.sum(), dtype=np.int32)
    graph = sparse.csr_matrix((domain.sum(), domain.sum()), dtype=np.float32)
    for axis in range(3):
        one, other = np.moveaxis(number, axis, 0)[:-1].ravel(), np.moveaxis(number, axis, 0)[1:].ravel()
        linked = (one >= 0) & (other >= 0)
        ones = np.ones(linked.sum(), np.float32)
        links = sparse.coo_matrix((ones, (one[linked], other[linked])), graph.shape).tocsr()
        graph = graph + links + links.T
    diagonal = np.float32(1) + np.float32(length**2) * np.asarray(graph.sum(axis=1)).ravel()
    matrix = sparse.diags(diagonal) - np.float32(length**2) * graph
    linalg.cg(matrix, scattered_source(domain)[domain], rtol=1e-4)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", type=int, default=200, help="edge of the lattice in voxels")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads (default: all)")
    parser.add_argument("--backend", default="numpy", choices=("numpy", "cupy"))
    parser.add_argument(
        "--baseline-shape", type=int, default=96, help="edge of the lattice for the slow baselines"
    )
    options = parser.parse_args()
    backend = get_backend(options.backend, options.threads)
    bone = specimen(options.shape)
    bandwidth = bandwidth_GB_per_s(backend, options.shape)
    print(
        f"{backend.device_name}, {backend.threads} threads, {options.shape}^3 voxels, BV/TV {bone.mean():.3f}"
    )
    print(f"memory: {bandwidth:.1f} GB/s")
    print(
        "domain  length  cold s  sweeps  warm s  sweeps  ns/update  share of bandwidth (sorting in and out included)"
    )
    for name, domain, lengths in (
        ("marrow", ~bone, (2.5, 5.0, 10.0, 15.0, 20.0)),
        ("bone", bone, (5.0, 7.5)),
    ):
        for length in lengths:
            m = measure_solver(backend, domain, length)
            share = BYTES_PER_UPDATE / m["ns_per_update"] / bandwidth
            print(
                f"{name:7} {length:5.1f} {m['cold_s']:8.3f} {m['sweeps']:6.0f} {m['warm_s']:8.3f} "
                f"{m['warm_sweeps']:6.0f} {m['ns_per_update']:9.3f} {share:12.2f}"
            )
    small, length = ~specimen(options.baseline_shape), 5.0
    ours = measure_solver(backend, small, length)["cold_s"]
    plain, matrix = baseline_reference(small, length), baseline_sparse(small, length)
    print(f"at {options.baseline_shape}^3, length {length}: this solver {ours:.3f} s")
    print(f"  NumPy reference {plain:.2f} s ({plain / ours:.0f} times as long)")
    print(f"  SciPy sparse matrix and conjugate gradients {matrix:.2f} s ({matrix / ours:.0f} times as long)")


if __name__ == "__main__":
    main()
