"""Measure what drugs add to the cost of a day.

One specimen lives through the same days with and without drugs, all side by side: each simulates a day in turn, so
that what else the machine does falls on all of them alike.  The headline is the time of those processes that only drugs
bring (what is given, bisphosphonate that binds and is freed) over the rest of the same day.  The total stands beside
it; it also holds what a drug saves or costs by changing how many cells there are, and is as noisy as they are.

Times are CPU-seconds of the process on one thread; the wall seconds that a simulation keeps for its processes are shown
beside them.  Load is not solved unless asked for: a month's solution would make every share smaller.

    python benchmarks/bench_drugs.py --output benchmarks/results/bench_drugs_2026-11-21.txt
    python benchmarks/bench_drugs.py --shape 100 --repeats 2
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.backends import get_backend
from trabsim.config import load_config
from trabsim.embedding import embed
from trabsim.model import build_specimen
from trabsim.simulation import Simulation

#: Processes that do something only where a drug is given.
BROUGHT_BY_DRUGS = ("therapies", "bisphosphonate_binding", "bisphosphonate_release")

#: Share of a day that drugs may add, %.
MOST_PERCENT = 5.0

ALENDRONATE = {"kind": "alendronate", "dose": 70.0, "unit": "mg", "every": "weekly"}
PATCH = {"kind": "estradiol_patch", "dose": 50.0, "unit": "ug/day"}

#: Sex and what is given.
ARMS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "woman, none": ("female", []),
    "alendronate": ("female", [ALENDRONATE]),
    "denosumab": ("female", [{"kind": "denosumab", "dose": 60.0, "unit": "mg", "every": "semiannual"}]),
    "teriparatide": ("female", [{"kind": "teriparatide", "dose": 20.0, "unit": "ug", "every": "daily"}]),
    "romosozumab": ("female", [{"kind": "romosozumab", "dose": 210.0, "unit": "mg", "every": "monthly"}]),
    "patch + alendronate + calcium + vitamin D": (
        "female",
        [
            PATCH,
            ALENDRONATE,
            {"kind": "calcium", "dose": 1000.0, "unit": "mg", "every": "daily"},
            {"kind": "vitamin_d", "dose": 800.0, "unit": "IU", "every": "daily"},
        ],
    ),
    "man, none": ("male", []),
    "testosterone + growth hormone": (
        "male",
        [
            {"kind": "testosterone_gel", "dose": 50.0, "unit": "mg", "every": "daily"},
            {"kind": "rhgh", "dose": 0.3, "unit": "mg", "every": "daily"},
        ],
    ),
}


class Arm:
    """One simulation, and what its days took.

    Parameters
    ----------
    sim : Simulation
    """

    def __init__(self, sim: Simulation):
        self.sim = sim
        self.cpu: dict[str, float] = {}
        for process in sim.processes:
            process.apply = self._timed(process.name, process.apply)  # type: ignore[method-assign]

    def _timed(self, name: str, apply: Callable[..., None]) -> Callable[..., None]:
        def timed(*what: Any) -> None:
            start = time.process_time()
            apply(*what)
            self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - start

        return timed

    def clear(self) -> None:
        """Forget the seconds so far."""
        self.cpu.clear()
        self.sim.seconds.update(dict.fromkeys(self.sim.seconds, 0.0))


def configuration(sex: str, therapy: list[dict[str, Any]], options: argparse.Namespace) -> Any:
    """What an arm runs."""
    return load_config(
        {
            "run": {
                "spin_up_days": options.warm_up_days,
                "disable": [] if options.mechanics else ["mechanics"],
            },
            "specimen": {
                "shape": [options.shape] * 3,
                "voxel_size_um": options.voxel_size_um,
                "seed": options.seed,
            },
            "endocrine": {"sex": sex, "age_years": 65.0},
            "therapy": therapy,
        }
    )


def arms(options: argparse.Namespace) -> dict[str, Arm]:
    """All arms at entry; those of one sex begin with one state."""
    backend = get_backend("numpy", threads=1)
    specimen, entry, found = None, {}, {}
    for name, (sex, therapy) in ARMS.items():
        config = configuration(sex, therapy, options)
        if sex not in entry:
            specimen = specimen or build_specimen(config)
            base = configuration(sex, [], options)
            state = embed(specimen, base, backend)
            sim = Simulation.from_state(base, state, -options.warm_up_days, backend=backend)
            for _ in range(options.warm_up_days):
                sim.step()
            entry[sex] = sim.state
        state = copy.deepcopy(entry[sex])
        found[name] = Arm(Simulation.from_state(config, state, 0, backend=backend))
    return found


def measure(options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Seconds of each arm in each repeat, by process; ``wall`` of what drugs bring and of all beside them."""
    running = arms(options)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in running}
    for repeat in range(options.repeats + 1):  # the first lets drugs reach bone, and is not counted
        for arm in running.values():
            arm.clear()
        for day in range(options.days):
            names = list(running)
            for k in range(len(names)):  # no one is always first
                running[names[(k + day) % len(names)]].sim.step()
        for name, arm in running.items() if repeat else ():
            wall = arm.sim.seconds
            found[name].append(
                {**arm.cpu, "wall drugs": sum(wall[n] for n in BROUGHT_BY_DRUGS), "wall": sum(wall.values())}
            )
    return found


def shares(repeats: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Percent of the rest of the day by process that drugs bring, in all, and by the wall clock; ms of a day."""
    cpu = [{n: s for n, s in repeat.items() if not n.startswith("wall")} for repeat in repeats]
    brought = np.array([[repeat.get(n, 0.0) for n in BROUGHT_BY_DRUGS] for repeat in cpu])
    day = np.array([sum(repeat.values()) for repeat in cpu])
    wall = np.array([[repeat["wall drugs"], repeat["wall"]] for repeat in repeats])
    rest = day - brought.sum(axis=1)
    return {
        **{n: 100.0 * brought[:, k] / rest for k, n in enumerate(BROUGHT_BY_DRUGS)},
        "drugs": 100.0 * brought.sum(axis=1) / rest,
        "wall": 100.0 * wall[:, 0] / (wall[:, 1] - wall[:, 0]),
        "day": day,
    }


def table(found: dict[str, list[dict[str, float]]], options: argparse.Namespace) -> str:
    """What is printed: means over repeats, with standard deviations."""

    def told(values: np.ndarray) -> str:
        spread = values.std(ddof=1) if len(values) > 1 else float("nan")
        return f"{values.mean():5.2f} +- {spread:4.2f}"

    side = f"{options.shape}^3 voxels of {options.voxel_size_um:g} um"
    lines = [
        f"{side}, {options.repeats} x {options.days} days after {options.warm_up_days} of warm-up and {options.days} "
        f"on the drug, {'with' if options.mechanics else 'without'} mechanics, one thread",
        "% of the rest of the same day, CPU time, mean and standard deviation over repeats",
        "",
        f"{'':42s} {'drugs in all':>14s} {'(wall)':>8s} {'therapies':>14s} {'binding':>14s} {'release':>14s} "
        f"{'ms a day':>9s} {'total, % more':>16s}",
    ]
    none = {sex: shares(found[name])["day"] for name, (sex, given) in ARMS.items() if not given}
    worst = {n: 0.0 for n in (*BROUGHT_BY_DRUGS, "drugs")}
    for name, (sex, _) in ARMS.items():
        share = shares(found[name])
        worst = {n: max(most, float(share[n].mean())) for n, most in worst.items()}
        total = 100.0 * (share["day"] / none[sex] - 1.0)
        lines.append(
            f"{name:42s} {told(share['drugs']):>14s} {share['wall'].mean():8.2f} "
            + " ".join(f"{told(share[n]):>14s}" for n in BROUGHT_BY_DRUGS)
            + f" {1e3 * share['day'].mean() / options.days:9.2f} {told(total):>16s}"
        )
    in_all = worst.pop("drugs")
    name = max(worst, key=lambda n: worst[n])
    verdict = ["NOT below" if most >= MOST_PERCENT else "below" for most in (worst[name], in_all)]
    last = (
        f"most that one process brings: {worst[name]:.2f} % ({name}), {verdict[0]} {MOST_PERCENT:g} %; "
        f"in all: {in_all:.2f} %, {verdict[1]} {MOST_PERCENT:g} %"
    )
    return "\n".join([*lines, "", last])


def main() -> None:
    """Measure, print, and write down if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", type=int, default=40, help="voxels along an edge")
    parser.add_argument("--voxel-size-um", type=float, default=40.0)
    parser.add_argument("--seed", type=int, default=1, help="of the specimen")
    parser.add_argument("--days", type=int, default=30, help="days of a repeat")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--warm-up-days", type=int, default=150, help="days before drugs are given")
    parser.add_argument("--mechanics", action="store_true", help="solve load once a month, too")
    parser.add_argument("--output", type=Path, help="file that the table is added to")
    options = parser.parse_args()
    text = table(measure(options), options)
    print(text)
    if options.output:
        with options.output.open("a", encoding="utf-8") as file:
            file.write(text + "\n\n")


if __name__ == "__main__":
    main()
