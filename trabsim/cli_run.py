"""``trabsim run`` and ``trabsim resume``: set up, watch, close."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click

import trabsim
from trabsim.cli_progress import Progress
from trabsim.cli_text import MAIN_MEASURES, change_table, duration, then_and_now, time_table
from trabsim.config import load_config, parse_override
from trabsim.errors import RunError, TrabsimError
from trabsim.memory import gigabytes, memory_needed_bytes
from trabsim.run_folder import refuse_existing_run
from trabsim.series import frame_of
from trabsim.simulation import Simulation


def start(
    config: str,
    folder: Path,
    until_day: int | None,
    settings: Sequence[str],
    seed: int | None,
    backend: str,
    threads: int | None,
) -> None:
    """Start a run in a new folder."""
    overrides = dict(parse_override(text) for text in settings)
    if seed is not None:
        overrides["run.seed"] = seed
    resolved = load_config(config, overrides)
    refuse_existing_run(folder)
    first_day = -resolved.run.spin_up_days
    if until_day is not None and until_day < first_day:  # said before a folder is made
        raise RunError(
            f"the run starts at day {first_day} and cannot stop at day {until_day}; give a later day"
        )
    with RunLog() as log:
        if resolved.specimen.source == "synthetic":
            click.echo("making the specimen ...")
        else:
            click.echo(f"reading {Path(resolved.specimen.source).name} ...")
        sim = Simulation(resolved, backend=backend, threads=threads, run_folder=folder)
        log.write_to(folder / "run.log")
        _watch(sim, folder, until_day)


def go_on(
    folder: Path, until_day: int | None, from_day: int | None, backend: str, threads: int | None
) -> None:
    """Continue a run."""
    with RunLog() as log:
        sim = Simulation.from_run(folder, from_day=from_day, backend=backend, threads=threads)
        log.write_to(folder / "run.log")
        _watch(sim, folder, until_day)


class RunLog(logging.Handler):
    """Write what the library logs to ``run.log``; lines from before the folder exists are kept until then."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
        self._path: Path | None = None
        self._waiting: list[str] = []

    def __enter__(self) -> RunLog:
        log = logging.getLogger("trabsim")
        self._level_before = log.level
        log.setLevel(logging.INFO)
        log.addHandler(self)
        return self

    def __exit__(self, *error: Any) -> None:
        log = logging.getLogger("trabsim")
        log.removeHandler(self)
        log.setLevel(self._level_before)

    def write_to(self, path: Path) -> None:
        """Write to a file from now on."""
        self._path = path
        waiting, self._waiting = self._waiting, []
        self._append(waiting)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self._append([self.format(record)])

    def _append(self, lines: list[str]) -> None:
        if self._path is None:
            self._waiting += lines
            return
        # a full disk stops the run at its next row or checkpoint, in clear words; the log need not
        with contextlib.suppress(OSError), open(self._path, "a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


class Signals:
    """Note Ctrl-C and SIGTERM instead of dying in the midst of a day; a second one ends the process at once.

    Attributes
    ----------
    received : int or None
        Number of the signal.
    """

    def __init__(self) -> None:
        self.received: int | None = None

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note signals within the block."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, answer in before.items():
                signal.signal(number, answer)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        click.echo("\nfinishing the day; once more to stop at once ...", err=True)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _watch(sim: Simulation, folder: Path, until_day: int | None) -> None:
    """Run to the end or to a signal, show how it goes, and close."""
    end = max(sim.config.run.end_day, sim.clock.day) if until_day is None else until_day
    click.echo(_headline(sim))
    if sim.clock.day == end:
        click.echo(f"nothing to do: the run is at its end, day {end}; --until DAY goes beyond")
        return
    signals, began, first_day = Signals(), time.perf_counter(), sim.clock.day
    with Progress(sim, end) as progress, signals.noted():

        def after_each_day(sim: Simulation) -> bool:
            progress.show(sim)
            return signals.received is not None

        sim.run(until_day=end, on_day=after_each_day)
    wall = time.perf_counter() - began
    if signals.received is not None and sim.clock.day < end:
        name = "Ctrl-C" if signals.received == signal.SIGINT else signal.Signals(signals.received).name
        click.echo(
            f"trabsim: stopped by {name} at day {sim.clock.day}; go on with 'trabsim resume {folder}'",
            err=True,
        )
        raise click.exceptions.Exit(128 + signals.received)
    days = sim.clock.day - first_day
    click.echo(f"{days} days in {duration(wall)}, {days / max(wall, 1e-9):.1f} days/s\n")
    _close(sim, folder)
    click.echo(f"\n{time_table({**sim.seconds, **sim.observer.seconds}, wall)}\n")
    _draw(sim, folder)


def _headline(sim: Simulation) -> str:
    config, state, backend = sim.config, sim.state, sim.backend
    z, y, x = state.shape
    return (
        f"trabsim {trabsim.__version__}: {z} x {y} x {x} voxels of {state.voxel_size_um:g} um, "
        f"seed {config.run.seed}, "
        f"{backend.name} on {backend.device_name}, threads {backend.threads}, "
        f"up to {gigabytes(memory_needed_bytes(state.shape))}"
    )


def _close(sim: Simulation, folder: Path) -> None:
    """Entry against now; a last day that no row describes is measured for the table alone."""
    rows = sim.series
    day = sim.clock.day
    if day > 0 and (not len(rows) or not _complete(rows, day)):
        now = sim.measure()
        rows = frame_of(
            [*rows.to_dict("records"), {k: v for k, v in now.items() if k == "day" or k in MAIN_MEASURES}]
        )
    click.echo(change_table(then_and_now(rows)))
    click.echo(f"\nseries, checkpoints and provenance are in {folder}")


def _complete(rows: Any, day: int) -> bool:
    last = rows.iloc[-1]
    return int(last["day"]) == day and "Tb_Th_um" in rows and bool(last.notna()["Tb_Th_um"])


def _draw(sim: Simulation, folder: Path) -> None:
    """Leave pictures; one that fails is a warning, since the run is safe by now."""
    points = sim.observer.folder.checkpoints() if sim.observer.folder is not None else {}
    after_entry = [path for day, path in points.items() if day >= 0]
    try:
        from trabsim import viz

        if len(after_entry) > 1:
            picture = folder / "loss.png"
            click.echo(f"{picture}: {viz.render_loss(after_entry[0], after_entry[-1], picture)}")
        click.echo(f"{folder / 'series.png'}: {viz.plot_series(folder, folder / 'series.png')}")
    except (TrabsimError, OSError, ImportError, MemoryError) as error:
        click.echo(f"trabsim: warning: no picture: {' '.join(str(error).split())}", err=True)
