"""What a day costs on this machine: ``trabsim bench``.

All figures come from one run, so they compare with each other; on a shared machine read ratios, not seconds.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from functools import partial
from typing import Any

import numpy as np

from trabsim.config import load_config
from trabsim.mechanics.mechanosensing import Mechanics
from trabsim.simulation import Simulation
from trabsim.tissue.mineral import mineral_mg_per_cm3
from trabsim.units import DAYS_PER_YEAR

#: Bytes that one update of a masked 7-point stencil must move per voxel: field read and written, source, domain code.
SWEEP_BYTES = 17


def run_bench(
    shape: tuple[int, int, int] = (100, 100, 100),
    voxel_size_um: float = 20.0,
    days: int = 60,
    warm_up_days: int = 120,
    backend: str = "auto",
    threads: int | None = None,
) -> dict[str, float | str | int]:
    """Time a remodeling specimen.

    Parameters
    ----------
    shape : tuple of int
        Lattice (z, y, x).
    voxel_size_um : float
    days : int
        Days that are timed, after the warm-up.
    warm_up_days : int
        Days before that, in which sites open and code compiles.
    backend : str
    threads : int, optional

    Returns
    -------
    dict
        ``seconds_per_day`` (mean over the timed days), ``seconds_per_field_solve``,
        ``seconds_per_elastic_solution`` (cold and warm; six unit cases, once in 30 days, not in the day's mean),
        ``ns_per_voxel_and_sweep`` beside ``ns_per_voxel_and_sweep_at_full_bandwidth``,
        ``memory_bandwidth_GB_per_s`` (measured by a triad), ``ns_per_cell_and_day``, ``bytes_per_voxel`` (peak
        of the days above what the imports take), and ``ms_per_day_<process>``.
    """
    _load_everything(backend, threads)
    _reset_peak()
    before = _peak_bytes()
    config = load_config(
        "postmenopause",
        {
            "specimen.shape": list(shape),
            "specimen.voxel_size_um": voxel_size_um,
            "run.spin_up_days": 0,
            "run.disable": ["mechanics"],
        },
    )
    sim = Simulation(config, backend=backend, threads=threads)
    made = _peak_bytes()
    _reset_peak()
    voxels = int(np.prod(shape))
    _run(sim, warm_up_days)
    for name in sim.seconds:
        sim.seconds[name] = 0.0
    solves = sim.state.counters.get("field_refreshes", 0)
    cells = 0
    start = time.perf_counter()
    for _ in range(days):
        sim.step()
        cells += len(sim.state.osteoclasts) + len(sim.state.osteoblasts)
    sim.backend.synchronize()
    seconds = time.perf_counter() - start
    result: dict[str, float | str | int] = {
        "backend": sim.backend.name,
        "device": sim.backend.device_name,
        "threads": sim.backend.threads,
        "shape": "x".join(str(n) for n in shape),
        "voxel_size_um": voxel_size_um,
        "days": days,
        "seconds_per_day": seconds / days,
        "simulated_years_per_hour": 3600.0 * days / seconds / DAYS_PER_YEAR,
        "field_refreshes": sim.state.counters.get("field_refreshes", 0) - solves,
        "cells_per_day": cells / days,
        "ns_per_cell_and_day": 1e9 * _of_cells(sim) / max(cells, 1),
        "bytes_per_voxel": (_peak_bytes() - before) / voxels,
        "bytes_per_voxel_making_the_specimen": (made - before) / voxels,
    }
    result |= _field_solve(sim)
    result |= _elastic_solution(sim)
    result |= {f"ms_per_day_{name}": 1e3 * spent / days for name, spent in sim.seconds.items()}
    return result


def _load_everything(backend: str, threads: int | None) -> None:
    """Import and compile all that a run needs, so that neither counts as its time or memory."""
    overrides = {"specimen.shape": [32, 32, 32], "run.spin_up_days": 0, "specimen.voxel_size_um": 40.0}
    _run(Simulation("premenopause", backend=backend, threads=threads, overrides=overrides), 40)


def _run(sim: Simulation, days: int) -> None:
    for _ in range(days):
        sim.step()


def _of_cells(sim: Simulation) -> float:
    """Seconds spent on what each osteoclast and osteoblast does."""
    names = ("osteoclast_motion", "resorption", "osteoclast_life", "formation")
    return sum(sim.seconds[name] for name in names)


def _field_solve(sim: Simulation) -> dict[str, float]:
    """Time one cold solve of a marrow field, 100 um long, against the bandwidth that a triad reaches."""
    backend, xp, state = sim.backend, sim.backend.xp, sim.state
    from trabsim.state import FULL

    domain = ((2 * state.bone < FULL) | (state.exposed == 1)).astype(xp.uint8)
    source = (state.exposed == 1).astype(xp.float32)
    field = xp.zeros(state.shape, xp.float32)
    best, sweeps = float("inf"), 1
    for _ in range(2):
        field[...] = 0
        backend.synchronize()
        start = time.perf_counter()
        steady = backend.solve_steady(source, domain, 100.0 / state.voxel_size_um, field, 1e-4)
        backend.synchronize()
        best = min(best, time.perf_counter() - start)
        sweeps = max(1, steady.iterations // 2)
    bandwidth = _bandwidth(backend)
    return {
        "seconds_per_field_solve": best,
        "sweeps_per_field_solve": sweeps,
        "ns_per_voxel_and_sweep": 1e9 * best / sweeps / field.size,
        "memory_bandwidth_GB_per_s": bandwidth / 1e9,
        "ns_per_voxel_and_sweep_at_full_bandwidth": 1e9 * SWEEP_BYTES / bandwidth,
    }


def _elastic_solution(sim: Simulation) -> dict[str, float]:
    """Time what the mechanics does once a month, the first time and again."""
    params = sim.config.process
    process = Mechanics(
        params.mechanics,
        sim.backend,
        mineral=partial(mineral_mg_per_cm3, params=params.mineral, backend=sim.backend),
    )
    found = {}
    for name in ("cold", "warm"):
        start = time.perf_counter()
        process.apply(sim.state, sim.clock)
        sim.backend.synchronize()
        found[f"seconds_per_elastic_solution_{name}"] = time.perf_counter() - start
    return found


def _bandwidth(backend: Any) -> float:
    """Bytes per second of a copy of 128 MiB, best of five (read and write counted)."""
    xp = backend.xp
    a = xp.ones(1 << 24, xp.float64)
    b = xp.empty_like(a)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        b[...] = a
        backend.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2.0 * a.nbytes / best


def _peak_bytes() -> int:
    """Peak memory of this process so far, or since `_reset_peak` where the kernel can forget a peak."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _reset_peak() -> None:
    """Let the kernel forget the peak; without that right the making of the specimen counts too."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as forget:
        forget.write("5")
