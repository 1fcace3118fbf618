"""How trials scale: lives per hour with 1 and 2 workers, and what handing out work costs per life.

Runs the same small lives (of different people, so that nothing is shared) in this process and with two workers of a
local cluster.  What is left of the wall time of a worker when the lives' own seconds are taken away is the cost of the
engine: processes that start and load compiled code, tasks, files.  A first life that is not measured compiles.

    python benchmarks/trial_scaling.py --lives 6
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import trabsim
from trabsim.trials.execution import Cluster, cores, run_lives
from trabsim.trials.lives import Life


def lives(count: int, shape: int, spin_up_days: int, months: int, first_seed: int) -> list[Life]:
    """Lives of different people."""
    size = {"shape": [shape] * 3, "voxel_size_um": 48.0}
    return [
        Life(
            {"run": {"seed": seed, "spin_up_days": spin_up_days}, "specimen": {**size, "seed": seed}},
            months=tuple(range(1, months + 1)),
        )
        for seed in range(first_seed, first_seed + count)
    ]


def timed(wanted: list[Life], cluster: Cluster | None) -> tuple[float, float]:
    """Wall seconds in all, and seconds that the lives themselves took."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        found = run_lives(wanted, Path(folder), cluster)
        wall = time.perf_counter() - began
        if found.failures:
            raise SystemExit(f"a life failed: {next(iter(found.failures.values()))}")
        run_ins = [json.loads(path.read_text())["seconds"] for path in Path(folder, "run_ins").glob("*.json")]
        return wall, sum(fact["seconds"] for fact in found.facts.values()) + sum(run_ins)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lives", type=int, default=6)
    parser.add_argument("--shape", type=int, default=24)
    parser.add_argument("--spin-up-days", type=int, default=60)
    parser.add_argument("--months", type=int, default=3)
    args = parser.parse_args()
    size = (args.shape, args.spin_up_days, args.months)
    timed(lives(1, *size, first_seed=1), None)  # load compiled code
    ways: dict[str, Any] = {}
    for name, cluster in (("here", None), ("2 workers", Cluster(workers=2))):
        wall, own = timed(lives(args.lives, *size, first_seed=100), cluster)
        ways[name] = {
            "wall_s": round(wall, 1),
            "own_s": round(own, 1),
            "lives_per_hour": round(3600 * args.lives / wall),
        }
    empty = 200
    people = lives(empty, *size, first_seed=1000)
    began = time.perf_counter()
    for life in people:
        _ = life.key
    keys = time.perf_counter() - began
    here, two = ways["here"], ways["2 workers"]
    found = {
        "version": trabsim.__version__,
        "cores": cores(),
        "python": platform.python_version(),
        "lives": args.lives,
        "size": {"shape": args.shape, "spin_up_days": args.spin_up_days, "months": args.months},
        "ways": ways,
        "speedup_of_2_workers": round(here["wall_s"] / two["wall_s"], 2),
        "overhead_here_s_per_life": round((here["wall_s"] - here["own_s"]) / args.lives, 3),
        "overhead_2_workers_s_per_life": round((2 * two["wall_s"] - two["own_s"]) / args.lives, 3),
        "key_s_per_life": round(keys / empty, 4),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
