"""Runs of many specimens in a process pool, kept in a JSON file so that a stopped benchmark goes on."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import trabsim
from trabsim.errors import SpecimenError
from trabsim.therapy.schedule import DAYS_PER_MONTH, on_day

#: Months before entry from which rows are noted.
FIRST_MONTH = -5

#: Seeds of the specimen that are tried before giving up: a small box cannot hold every network.
SPECIMEN_SEEDS = 6


def start(source: Any, overrides: dict[str, Any]) -> trabsim.Simulation:
    """A simulation; where its seed's network does not fit into the box, the next of the same series is taken."""
    seed = overrides["specimen.seed"]
    for attempt in range(SPECIMEN_SEEDS):
        try:
            tried = {**overrides, "specimen.seed": seed + 1000 * attempt, "output": []}
            return trabsim.Simulation(trabsim.load_config(source, tried), threads=1, backend="numpy")
        except SpecimenError:
            if attempt == SPECIMEN_SEEDS - 1:
                raise
    raise AssertionError


def branch(sim: trabsim.Simulation, config: Any) -> trabsim.Simulation:
    """Go on from where a simulation stands with other therapies; the simulation itself stays as it is.

    What was drawn so far is shared, so arms of one person differ by what they are given alone.
    """
    return trabsim.Simulation.from_state(config, copy.deepcopy(sim.state), sim.clock.day, backend=sim.backend)


def month_days(first: int, last: int) -> dict[int, int]:
    """Day on which each month begins, by day."""
    return {on_day(month * DAYS_PER_MONTH): month for month in range(first, last + 1)}


def advance(
    sim: trabsim.Simulation,
    until_day: int,
    days: dict[int, int],
    structure: Iterable[int] = (),
) -> dict[str, dict[str, float]]:
    """Run on and note a row at the start of each of the days, by month.

    Parameters
    ----------
    sim : Simulation
    until_day : int
    days : dict of int to int
        Month by day.
    structure : iterable of int
        Months in which the microarchitecture is measured, too.
    """
    rows: dict[str, dict[str, float]] = {}
    with_structure = set(structure)

    def watch(sim: trabsim.Simulation) -> None:
        month = days.get(sim.clock.day)
        if month is not None:
            rows[str(month)] = noted(sim, month in with_structure)

    sim.run(until_day=until_day, on_day=watch)
    return rows


def noted(sim: trabsim.Simulation, structure: bool) -> dict[str, float]:
    """A row, with the forming surface that stems from lining cells beside it."""
    row = {name: float(value) for name, value in sim.measure(structure).items()}
    cells = sim.state.osteoblasts
    share = float(cells.modeling.mean()) if len(cells) else 0.0
    row["modeling_OS_BS"] = row["OS_BS"] * share
    return row


class KeptRuns:
    """Results by key and seed, in memory and, on request, in a file.

    Parameters
    ----------
    path : Path or None
        JSON file that is written after every result and read when it exists.
    settings : dict
        What all results have in common; a file with other settings is refused.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]):
        self.path, self.settings = path, settings
        self.runs: dict[str, dict[str, Any]] = {}
        if path is None or not path.exists():
            return
        data = json.loads(path.read_text(encoding="utf-8"))
        other = {k for k in {**data["settings"], **settings} if data["settings"].get(k) != settings.get(k)}
        if other:
            raise SystemExit(
                f"{path} holds runs with another {', '.join(sorted(other))}; give the same settings or another file"
            )
        self.runs = data["runs"]

    def has(self, key: str, seed: int) -> bool:
        """Whether a run is there."""
        return str(seed) in self.runs.get(key, {})

    def add(self, found: dict[str, Any], seed: int) -> None:
        """Keep results of a seed by key, and write them."""
        for key, result in found.items():
            self.runs.setdefault(key, {})[str(seed)] = result
        if self.path is not None:
            partial = self.path.with_name(self.path.name + ".partial")
            partial.write_text(json.dumps({"settings": self.settings, "runs": self.runs}), encoding="utf-8")
            os.replace(partial, self.path)

    def series(self, key: str, seeds: Iterable[int]) -> dict[int, dict[int, dict[str, float]]]:
        """Rows by seed and month, of the seeds that are there."""
        kept = self.runs.get(key, {})
        return {
            seed: {int(month): row for month, row in kept[str(seed)]["rows"].items()}
            for seed in seeds
            if str(seed) in kept
        }


def run_all(
    tasks: list[tuple[int, Callable[..., dict[str, Any]], tuple[Any, ...]]],
    jobs: int,
    kept: KeptRuns,
) -> None:
    """Run tasks in a pool; each is a seed, a function and its arguments, and gives results by key."""
    began, done = time.monotonic(), 0
    with ProcessPoolExecutor(max(1, min(jobs, len(tasks))), mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(function, *arguments): seed for seed, function, arguments in tasks}
        for future in as_completed(waiting):
            done += 1
            if future.exception() is not None:
                print(f"a run failed: {future.exception()}", flush=True)
                continue
            kept.add(future.result(), waiting[future])
            passed = time.monotonic() - began
            left = passed / done * (len(tasks) - done)
            print(
                f"{done} of {len(tasks)} done after {passed / 60:.1f} min, about {left / 60:.1f} min left",
                flush=True,
            )


def seconds_per_day(sim: trabsim.Simulation, days: int | None = None) -> float:
    """Measure what a day costs, compilation and the first solution of the mechanics left out.

    By default over one interval of the mechanics, so that it holds one solution from a warm start.
    """
    days = days or sim.config.process.mechanics.every_days
    sim.run(until_day=sim.clock.day + 1)
    clock = time.perf_counter()
    sim.run(until_day=sim.clock.day + days)
    return (time.perf_counter() - clock) / days
