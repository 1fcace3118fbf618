"""Does a GPU take the decisions of the CPU, and how much faster is it?  Run through gpu_check.sh.

Parity: the same specimen, seed and configuration on the NumPy and on the CuPy backend for a simulated
year; every variable of the state is compared every month, and those that differ are named.  Speed: seconds
per simulated day on a large lattice, per process, on both backends in the same run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from bench_fields import specimen as bone_mask

from trabsim.backends import Backend, get_backend
from trabsim.config import Config, load_config
from trabsim.embedding import embed
from trabsim.simulation import Simulation
from trabsim.state import VARIABLES
from trabsim.tissue.specimen import Specimen


def make_run(backend: Backend, n: int, spin_up_days: int) -> Simulation:
    """Start the postmenopause preset on a level-set specimen of ``n**3`` voxels."""
    overrides = {"specimen.shape": [n, n, n], "run.spin_up_days": spin_up_days, "endocrine.age_years": 51.0}
    config: Config = load_config("postmenopause", overrides)
    bone = bone_mask(n).astype(np.float32)
    piece = Specimen(bone_fraction=bone, tissue=None, voxel_size_um=20.0, source="level set of smooth noise")
    return Simulation.from_state(config, embed(piece, config, backend), -spin_up_days, backend=backend)


def values(run: Simulation, name: str) -> Any:
    """Give a variable of the state as a NumPy array."""
    table, _, column = name.rpartition(".")
    array = run.state.tables[table].columns[column] if table else run.state.arrays[name]
    return run.backend.to_numpy(array)


def differences(one: Simulation, other: Simulation) -> list[str]:
    """Describe every variable and counter in which two runs differ."""
    found = []
    for variable in VARIABLES:
        a, b = values(one, variable.name), values(other, variable.name)
        if a.shape != b.shape:
            found.append(f"{variable.name}: shape {a.shape} and {b.shape}")
        elif not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            apart = a != b
            most = np.abs(a[apart].astype(float) - b[apart].astype(float)).max()
            found.append(f"{variable.name}: {int(apart.sum())} of {a.size} differ, by up to {most:.3g}")
    for name in sorted(one.state.counters.keys() | other.state.counters.keys()):
        a, b = one.state.counters.get(name), other.state.counters.get(name)
        if a != b:
            found.append(f"counter {name}: {a} and {b}")
    return found


def check_parity(numpy: Backend, device: Backend, n: int, days: int, seconds: float) -> bool:
    """Run both backends side by side and print whether, and where, they part."""
    runs = [make_run(backend, n, spin_up_days=min(days, 180)) for backend in (numpy, device)]
    start, done = time.perf_counter(), 0
    while done < days and time.perf_counter() - start < seconds:
        for run in runs:
            for _ in range(min(30, days - done)):
                run.step()
        done += min(30, days - done)
        found = differences(*runs)
        if found:
            print(f"PARITY BROKEN by day {done}:", *found, sep="\n  ")
            return False
    state = runs[0].state
    print(
        f"parity: {done} of {days} days at {n}^3, every variable and counter equal "
        f"({len(state.osteoclasts)} osteoclasts, {len(state.osteoblasts)} osteoblasts, "
        f"{state.counters.get('resorbed_quanta', 0)} quanta resorbed)"
    )
    return done == days


def measure_speed(backend: Backend, n: int, seconds: float) -> float:
    """Print seconds per day, after some days that only warm up, and what they are spent on."""
    run = make_run(backend, n, spin_up_days=400)
    for _ in range(5):
        run.step()
    backend.synchronize()
    before, days, start = dict(run.seconds), 0, time.perf_counter()
    while time.perf_counter() - start < seconds and days < 200:
        run.step()
        days += 1
    backend.synchronize()
    per_day = (time.perf_counter() - start) / days
    print(f"speed: {backend.name}, {n}^3: {per_day:.4f} s per day over {days} days on {backend.device_name}")
    spent = sorted(((run.seconds[name] - before[name]) / days, name) for name in before)
    for mean, name in reversed(spent[-8:]):
        print(f"  {name:24} {1e3 * mean:9.2f} ms per day")
    return per_day


def main() -> int:
    """Run what was asked for; 0 if all is well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--device", default="cupy", choices=("cupy", "numpy"), help="numpy tries out this script"
    )
    parser.add_argument("--parity-shape", type=int, default=64)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--speed-shape", type=int, default=200)
    parser.add_argument("--parity-seconds", type=float, default=200.0)
    parser.add_argument("--speed-seconds", type=float, default=40.0, help="per backend")
    options = parser.parse_args()
    numpy = get_backend("numpy")
    device = get_backend(options.device, threads=1)
    good = check_parity(numpy, device, options.parity_shape, options.days, options.parity_seconds)
    steps: list[Callable[[], float]] = [
        lambda backend=backend: measure_speed(backend, options.speed_shape, options.speed_seconds)
        for backend in (numpy, device)
    ]
    slow, fast = (step() for step in steps)
    print(f"speed: the device needs {fast / slow:.3f} of the time of {numpy.threads} CPU threads")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
