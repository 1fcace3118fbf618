"""Run many lives, here or on a cluster: what is done is never done again, and what fails does not stop the rest."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trabsim.errors import ConfigError, RunError, TrabsimError
from trabsim.provenance import now
from trabsim.trials.life_files import (
    FAILURES,
    RUN_INS,
    Rows,
    make_folder,
    read_json,
    rows_from_json,
    sweep,
    write_json,
)
from trabsim.trials.lives import Life
from trabsim.trials.living import EVERY_DAYS, Place, Work, live, live_run_in, work_of

#: How the reason of a failure begins where the run-in failed.
RUN_IN = "run-in: "

#: Called after every life with how many are done, have failed, and are wanted.
Report = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Cluster:
    """Where lives are run.

    Attributes
    ----------
    workers : int
        Processes on this machine, one thread each; 1 runs in this very process.
    scheduler : str or None
        Address of a Dask scheduler, which brings its own workers.
    jobqueue : mapping or None
        ``{"system": "slurm", "jobs": 20, ...}``: the rest goes to the cluster class of dask-jobqueue.
    """

    workers: int = 1
    scheduler: str | None = None
    jobqueue: Mapping[str, Any] | None = None

    @property
    def is_here(self) -> bool:
        """Whether this very process does the work."""
        return self.workers == 1 and self.scheduler is None and self.jobqueue is None


def cluster_of(workers: int | None, scheduler: str | None) -> Cluster:
    """The cluster that options of a command name.

    Raises
    ------
    ConfigError
        If both are given.
    """
    if scheduler is not None and workers is not None:
        raise ConfigError(
            "--workers and --scheduler exclude each other: a scheduler brings its own workers; give one"
        )
    return Cluster(scheduler=scheduler) if scheduler else Cluster(workers=workers or 1)


def cluster_from(workers: int | None, scheduler: str | None, jobqueue: str | Path | None) -> Cluster:
    """The cluster of a trial: as `cluster_of`, by default one worker per core, or a batch system from a TOML file.

    Raises
    ------
    ConfigError
        If more than one is given, or the file cannot be read or names no system.
    """
    if jobqueue is None:
        return cluster_of(workers if scheduler else workers or cores(), scheduler)
    if workers is not None or scheduler is not None:
        raise ConfigError("--cluster brings its own workers; leave --workers and --scheduler out")
    try:
        options = tomllib.loads(Path(jobqueue).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read {jobqueue}: {error.strerror}; give a TOML file with system and jobs"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{jobqueue} is not valid TOML: {error}; mend that line") from None
    if "system" not in options:
        raise ConfigError(f"{jobqueue} names no batch system; write for example system = 'slurm'")
    return Cluster(jobqueue=options)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Outcomes:
    """What became of lives, by their key.

    Attributes
    ----------
    rows : dict of str to dict of int to dict
        Measures by month after entry.
    failures : dict of str to str
        Reasons.
    facts : dict of str to dict
        Seconds, version, commit and seed of the specimen, of finished lives.
    """

    rows: dict[str, Rows] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)


def run_lives(
    lives: Iterable[Life],
    folder: str | Path,
    cluster: Cluster | None = None,
    *,
    run_ins: str | Path | None = None,
    every_days: int = EVERY_DAYS,
    backend: str = "numpy",
    progress: Report | None = None,
) -> Outcomes:
    """Run lives; those that are in the folder already are read from it.

    Parameters
    ----------
    lives : iterable of Life
        Equal lives are run once.
    folder : str or Path
        Where results and checkpoints go; every worker must see it under this path.
    cluster : Cluster, optional
        Without it this process does the work, one life after another.
    run_ins : str or Path, optional
        Where run-ins are kept; by default in ``run_ins`` of the folder.
    every_days : int
        Days between checkpoints: what is lost at most when a worker dies.
    backend : {"numpy", "cupy", "auto"}
        Results do not depend on it.
    progress : callable, optional
        Called with (done, failed, total) at the start and after every life.

    Returns
    -------
    Outcomes

    Raises
    ------
    ConfigError
        If a life cannot be run as it is written: found before anything is run.
    RunError
        If the folder cannot be written, or the scheduler is lost; what was finished is kept.
    """
    folder = Path(folder).absolute()
    place = Place(str(folder), str(Path(run_ins or folder / RUN_INS).absolute()), every_days, backend)
    wanted = {life.key: life for life in lives}
    make_folder(folder)
    make_folder(Path(place.run_ins))
    sweep(folder)
    cluster = cluster or Cluster()
    done = {key for key in wanted if read_json(place.life(key)) is not None}
    failures: dict[str, str] = {}

    def told(key: str, reason: str | None) -> None:
        if reason is None:
            done.add(key)
            failure_file(folder, key).unlink(missing_ok=True)
        else:
            failures[key] = reason
            write_json(
                failure_file(folder, key),
                {"key": key, "label": wanted[key].label, "reason": reason, "when": now()},
            )
        if progress is not None:
            progress(len(done), len(failures), len(wanted))

    if progress is not None:
        progress(len(done), 0, len(wanted))
    left = [work_of(life) for key, life in wanted.items() if key not in done]
    if left and cluster.is_here:
        broken: dict[str, str] = {}  # run-ins that failed would fail again for the next arm
        for work in left:
            reason = broken.get(work.run_in_key) or attempt(work, place)
            if reason is not None and reason.startswith(RUN_IN):
                broken[work.run_in_key] = reason
            told(work.key, reason)
    elif left:
        from trabsim.trials.dask_cluster import run_on_cluster

        run_on_cluster(left, place, cluster, told)
    return _outcomes(wanted, place, failures)


def failure_file(folder: Path, key: str) -> Path:
    """Where the reason of a failure is kept."""
    return folder / FAILURES / f"{key}.json"


def attempt(work: Work, place: Place) -> str | None:
    """Live a life, run-in included; returns why it failed, None if it did not."""
    try:
        live_run_in(work, place)
    except Exception as error:
        return f"{RUN_IN}{reason_of(error)}"
    try:
        live(work, place)
    except Exception as error:
        return reason_of(error)
    return None


def reason_of(error: BaseException) -> str:
    """An error in one line; of a bug also its kind."""
    text = " ".join(str(error).split())
    if isinstance(error, TrabsimError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _outcomes(wanted: Mapping[str, Life], place: Place, failures: dict[str, str]) -> Outcomes:
    found = Outcomes(failures=failures)
    for key in wanted:
        if key in failures:
            continue
        data = read_json(place.life(key))
        if data is None:
            raise RunError(
                f"a worker said that life {key} is done, and its rows are not in {place.folder}; give a folder that "
                "all workers and this process see under one path"
            )
        found.rows[key] = rows_from_json(data["rows"])
        found.facts[key] = {
            name: data.get(name) for name in ("seconds", "version", "git", "specimen_seed", "finished")
        }
    return found
