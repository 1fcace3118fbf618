"""Measure the elastic solver: CPU-seconds, iterations and memory, cold and after 1 % of the voxels changed.

Every case runs in a process of its own, so that its peak memory is its own. CPU-seconds stand beside the wall clock
because machines are shared; memory bandwidth (a triad ``a = b + s c``) stands beside them because the solver
lives on it. With reference data the specimens ``m100`` and ``m200`` are run too, beside the cost that came with them.

    python benchmarks/bench_elasticity.py --masks reference/mufe/masks.npz --threads 2
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np

#: What an independent solver (C++, MPI, multigrid-preconditioned conjugate gradients, float64) took for m100 and m200
#: to 1e-6 on two ranks: iterations, CPU-seconds, and its memory per degree of freedom.
INDEPENDENT = {"m100": (11, 31.7, 120), "m200": (9, 189.0, 118)}
#: And on another thin specimen of 1.0 million degrees of freedom.
INDEPENDENT_THIN = (75, 353.0)


def bandwidth_GB_per_s(threads: int) -> float:
    """A triad over 64 million floats, 16 bytes each with the line fetched to write; best of five."""
    from numba import njit, prange, set_num_threads

    @njit(parallel=True)
    def triad(a, b, c):
        for i in prange(a.size):
            a[i] = b[i] + np.float32(3) * c[i]

    set_num_threads(threads)
    a, b, c = (np.ones(64_000_000, np.float32) for _ in range(3))
    times = []
    for _ in range(6):
        start = time.perf_counter()
        triad(a, b, c)
        times.append(time.perf_counter() - start)
    return 16e-9 * a.size / min(times[1:])


def specimen(name: str, masks: str | None) -> tuple[Any, float]:
    """Give a mask and its voxel size."""
    if name.startswith("thin"):
        from trabsim.tissue.synthetic import synthesize

        made = synthesize((128, 128, 128), 32.0, seed=1, BV_TV=0.10, Tb_Th_um=135.0, DA=0.5)
        return made.bone(), 32.0
    side = int(name[1:])
    assert masks is not None
    with np.load(masks) as packed:
        bone = np.unpackbits(packed[name])[: side**3].reshape(side, side, side).astype(bool)
    return bone, 3900.0 / side


def changed(bone: Any) -> Any:
    """The mask after 0.5 % of its voxels were lost and as many gained, at random places of the surface."""
    rng = np.random.default_rng(0)
    near_bone, near_marrow = np.zeros_like(bone), np.zeros_like(bone)
    for axis in range(3):
        for step in (1, -1):
            near_bone |= np.roll(bone, step, axis)
            near_marrow |= ~np.roll(bone, step, axis)
    n = int(bone.sum()) // 200
    new = bone.copy()
    new.flat[rng.choice(np.flatnonzero(bone & near_marrow), n, replace=False)] = False
    new.flat[rng.choice(np.flatnonzero(~bone & near_bone), n, replace=False)] = True
    return new


def measure(name: str, masks: str | None, threads: int, warm: bool, tolerance: float) -> dict[str, Any]:
    """Solve one compression; with ``warm`` the six unit cases of the changed specimen, as a run does every month,
    cold and from the solutions of the unchanged one."""
    from trabsim.backends import get_backend
    from trabsim.cli_stiffness import peak_memory_MB
    from trabsim.mechanics.compression import compress
    from trabsim.mechanics.homogenization import unit_cases

    backend = get_backend("numpy", threads=threads)

    def solve(bone: Any, start: Any = None) -> tuple[Any, dict[str, Any]]:
        modulus = np.where(bone, np.float32(10_000), np.float32(0))
        cpu, wall = time.process_time(), time.perf_counter()
        result = compress(modulus, voxel, backend=backend, tolerance=tolerance, start=start)
        cost = {
            "iterations": result.solve.iterations,
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
            "dofs": 3 * len(result.system.mesh.nodes),
            "modulus_MPa": result.apparent_modulus_MPa,
        }
        return result, cost

    def solve_cases(bone: Any, start: Any = None) -> tuple[Any, dict[str, Any]]:
        modulus = np.where(bone, np.float32(10_000), np.float32(0))
        cpu, wall = time.process_time(), time.perf_counter()
        cases = unit_cases(modulus, voxel, backend=backend, poisson=0.3, tolerance=tolerance, start=start)
        cost = {
            "iterations": sum(solve.iterations for solve in cases.solves),
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - wall,
        }
        return cases, cost

    voxel = 40.0
    solve(np.ones((8, 8, 8), bool))  # compiled code is loaded
    bone, voxel = specimen(name, masks)
    base = peak_memory_MB()
    if not warm:
        _, cost = solve(bone)
        cost["peak_MB"] = peak_memory_MB()
        cost["bytes_per_dof"] = (cost["peak_MB"] - base) * 1e6 / cost["dofs"]
        return cost
    state = solve_cases(bone)[0].state()
    other = changed(bone)
    cold, hot = solve_cases(other)[1], solve_cases(other, state)[1]
    return {"cold": cold, "warm": hot}


def in_process(*arguments: Any) -> dict[str, Any]:
    """Run :func:`measure` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def main() -> None:
    """Run what was asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masks", help="masks.npz of the reference data")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cases", nargs="+", default=["m100", "m200", "thin"])
    parser.add_argument("--run-tolerance", type=float, default=1e-4)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"memory bandwidth {bandwidth_GB_per_s(options.threads):.1f} GB/s on {options.threads} threads\n")
    cases = [name for name in options.cases if name == "thin" or options.masks]
    found: dict[str, Any] = {}
    print(
        "cold to 1e-6   dofs  iterations  CPU s  wall s  peak MB  bytes/DOF   independent: iterations, CPU s, bytes/DOF"
    )
    for name in cases:
        cost = found[name] = in_process(name, options.masks, options.threads, False, 1e-6)
        other = INDEPENDENT.get(name, (*INDEPENDENT_THIN, "another specimen"))
        print(
            f"{name:10s} {cost['dofs']:9d} {cost['iterations']:8d} {cost['cpu_s']:9.1f} {cost['wall_s']:7.1f} "
            f"{cost['peak_MB']:8.0f} {cost['bytes_per_dof']:8.0f}       {', '.join(map(str, other))}",
            flush=True,
        )
    print(f"\nsix unit cases after 1 % of the voxels changed, to {options.run_tolerance:g}: cold and warm")
    for name in cases:
        if name == "m200":
            continue
        pair = found[f"{name} changed"] = in_process(
            name, options.masks, options.threads, True, options.run_tolerance
        )
        cold, hot = pair["cold"], pair["warm"]
        print(
            f"{name:10s} iterations {cold['iterations']} and {hot['iterations']}, CPU s {cold['cpu_s']:.1f} and "
            f"{hot['cpu_s']:.1f} ({hot['cpu_s'] / cold['cpu_s']:.2f}), wall s {cold['wall_s']:.1f} and "
            f"{hot['wall_s']:.1f}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
