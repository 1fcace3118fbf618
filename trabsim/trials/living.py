"""Live a life, or the run-in that several lives share, with checkpoints on the way.

Both functions do nothing when the result is there already, go on from the latest checkpoint when there is one, and
leave the same bits however often they were stopped.  They are what a worker executes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import trabsim
from trabsim.backends import get_backend
from trabsim.checkpoint import read_checkpoint
from trabsim.config import Config, load_config
from trabsim.errors import RunError, SpecimenError
from trabsim.provenance import git_state, now
from trabsim.simulation import Simulation
from trabsim.therapy.schedule import DAYS_PER_MONTH, on_day
from trabsim.trials.life_files import (
    LIVES,
    UNFINISHED,
    Rows,
    Unfinished,
    read_json,
    rows_from_json,
    rows_to_json,
    write_json,
    write_state,
)
from trabsim.trials.lives import FIRST_MONTH, Life, month_days

#: Days between the checkpoints of a life: what is lost at most when a worker dies.
EVERY_DAYS = 90

#: Seeds of the specimen that are tried before giving up: a small box cannot hold every network.
SPECIMEN_SEEDS = 6


class Place(NamedTuple):
    """Where a worker finds and leaves things; every worker must see the same folders.

    Attributes
    ----------
    folder : str
        Of lives.
    run_ins : str
        Of run-ins, which several folders of lives may share.
    every_days : int
        Days between checkpoints.
    backend : str
        Where arrays live; results do not depend on it.
    """

    folder: str
    run_ins: str
    every_days: int = EVERY_DAYS
    backend: str = "numpy"

    def life(self, key: str) -> Path:
        """File of a finished life."""
        return Path(self.folder, LIVES, f"{key}.json")

    def run_in(self, key: str, suffix: str = ".json") -> Path:
        """File of a finished run-in: rows, or with ``.vtkhdf`` the state at entry."""
        return Path(self.run_ins, f"{key}{suffix}")

    def unfinished_life(self, key: str) -> Unfinished:
        """Checkpoint of a life on the way."""
        return Unfinished(Path(self.folder, UNFINISHED, key))

    def unfinished_run_in(self, key: str) -> Unfinished:
        """Checkpoint of a run-in on the way."""
        return Unfinished(Path(self.run_ins, UNFINISHED, key))


class Work(NamedTuple):
    """A life as it travels to a worker: plain text and numbers."""

    key: str
    run_in_key: str
    config: Mapping[str, Any]
    run_in_config: Mapping[str, Any]
    months: tuple[int, ...]
    structure_months: tuple[int, ...]
    last_month: int
    label: str


def work_of(life: Life) -> Work:
    """What a worker must know of a life."""
    return Work(
        key=life.key,
        run_in_key=life.run_in_key,
        config=life.config.model_dump(mode="json"),
        run_in_config=life.run_in_config.model_dump(mode="json"),
        months=tuple(month for month in life.months if month > 0),
        structure_months=tuple(month for month in life.structure_months if month > 0),
        last_month=life.last_month,
        label=life.label,
    )


def live_run_in(work: Work, place: Place) -> None:
    """Bring a person to entry.

    Raises
    ------
    TrabsimError
        If there is no such specimen, a law of the model breaks, or nothing can be written.
    """
    if run_in_done(work.run_in_key, place):
        return
    backend, unfinished = _backend(place.backend), place.unfinished_run_in(work.run_in_key)
    began, kept = time.perf_counter(), unfinished.load(backend)
    config = load_config({**work.run_in_config, "output": []})
    if kept is None:
        sim, seed = _start(config, backend)
        rows: Rows = {}
        facts: dict[str, Any] = {"specimen_seed": seed, "seconds": 0.0}
    else:
        state, day, rows, facts = kept
        sim = Simulation.from_state(config, state, day, backend=backend)
    days = month_days(range(FIRST_MONTH, 1))
    _advance(sim, 0, days, {0}, rows, facts, unfinished, place.every_days)
    if 0 not in rows:  # without a spin-up entry comes before the first day
        rows[0] = _row(sim, True)
    write_state(place.run_in(work.run_in_key, ".vtkhdf"), sim)
    write_json(
        place.run_in(work.run_in_key),
        {"rows": rows_to_json(rows), **_facts(facts, began), "config_toml": sim.config.to_toml()},
    )
    unfinished.clear()


def run_in_done(key: str, place: Place) -> bool:
    """Whether a run-in is there, rows and state."""
    return place.run_in(key, ".vtkhdf").is_file() and read_json(place.run_in(key)) is not None


def live(work: Work, place: Place) -> None:
    """Live a life from entry to its last month; its run-in must be there.

    Raises
    ------
    TrabsimError
        If the run-in is missing or damaged, a law of the model breaks, or nothing can be written.
    """
    if read_json(place.life(work.key)) is not None:
        return
    before = read_json(place.run_in(work.run_in_key))
    if before is None:
        raise RunError(
            f"the run-in {work.run_in_key} is not in {place.run_ins}; do all workers see that folder?"
        )
    backend, unfinished = _backend(place.backend), place.unfinished_life(work.key)
    began, rows = time.perf_counter(), rows_from_json(before["rows"])
    facts: dict[str, Any] = {"specimen_seed": before["specimen_seed"], "seconds": 0.0}
    if work.last_month > 0:
        config = load_config({**work.config, "output": []}, {"specimen.seed": before["specimen_seed"]})
        kept = unfinished.load(backend)
        if kept is None:
            state, day, _ = read_checkpoint(place.run_in(work.run_in_key, ".vtkhdf"), backend)
        else:
            state, day, rows, facts = kept
        sim = Simulation.from_state(config, state, day, backend=backend)
        days = month_days({*work.months, *work.structure_months})
        end = on_day(work.last_month * DAYS_PER_MONTH)
        _advance(sim, end, days, set(work.structure_months), rows, facts, unfinished, place.every_days)
    write_json(
        place.life(work.key),
        {
            "key": work.key,
            "run_in_key": work.run_in_key,
            "label": work.label,
            "rows": rows_to_json(rows),
            **_facts(facts, began),
        },
    )
    unfinished.clear()


@lru_cache(maxsize=4)
def _backend(name: str) -> Any:
    return get_backend(name, threads=1)


def _facts(facts: Mapping[str, Any], began: float) -> dict[str, Any]:
    return {
        **facts,
        "seconds": round(facts["seconds"] + time.perf_counter() - began, 3),
        "finished": now(),
        "version": trabsim.__version__,
        "git": git_state(),
    }


def _start(config: Config, backend: Any) -> tuple[Simulation, int]:
    """A simulation; where its seed's network does not fit into the box, the next of the same series is taken."""
    seed = config.specimen.seed
    for attempt in range(SPECIMEN_SEEDS):
        tried = seed + 1000 * attempt
        try:
            return Simulation(load_config(config, {"specimen.seed": tried}), backend=backend), tried
        except SpecimenError:
            if attempt == SPECIMEN_SEEDS - 1 or config.specimen.source != "synthetic":
                raise
    raise AssertionError


def _advance(
    sim: Simulation,
    end_day: int,
    days: Mapping[int, int],
    structure_months: set[int],
    rows: Rows,
    facts: dict[str, Any],
    unfinished: Unfinished,
    every_days: int,
) -> None:
    """Run on to a day, note rows, and keep a checkpoint every so many days."""
    began, before = time.perf_counter(), facts["seconds"]

    def watch(sim: Simulation) -> None:
        month = days.get(sim.clock.day)
        if month is not None:
            rows[month] = _row(sim, month in structure_months, rows.get(0))

    while sim.clock.day < end_day:
        sim.run(until_day=min(sim.clock.day + every_days, end_day), on_day=watch)
        if sim.clock.day < end_day:
            spent = round(before + time.perf_counter() - began, 3)
            unfinished.save(sim, rows, {**facts, "seconds": spent})


def _row(sim: Simulation, structure: bool, entry: Mapping[str, float] | None = None) -> dict[str, float]:
    """A row of measures, with the forming surface that stems from lining cells beside it."""
    row = {name: float(value) for name, value in sim.measure(structure, entry=entry).items()}
    cells = sim.state.osteoblasts
    share = float(cells.modeling.mean()) if len(cells) else 0.0
    if "OS_BS" in row:
        row["modeling_OS_BS"] = row["OS_BS"] * share
    return row
