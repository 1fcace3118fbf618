"""What a run writes down, and when.

What is due depends on the configuration and the day alone, never on when a run was stopped or resumed, so
that a killed and resumed run leaves the series of an uninterrupted one, bit for bit.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from trabsim.clinic import fracture_risk
from trabsim.clock import Clock
from trabsim.errors import InvariantError, MechanicsError, RunError
from trabsim.measures import measure_state
from trabsim.provenance import machine, software
from trabsim.run_folder import RunFolder
from trabsim.series import frame_of

if TYPE_CHECKING:
    import pandas

    from trabsim.config import Config

#: Days between the checkpoints of the spin-up, which only guard against a crash: each replaces the one
#: before.
SPIN_UP_CHECKPOINT_DAYS = 365

log = logging.getLogger("trabsim")


def row_due(config: Config, day: int) -> bool | None:
    """Whether a row is due: None for no row, else whether it measures the microarchitecture.

    Outputs that are due on the same day share one row.  The configured last day always has one, as full as
    any other.
    """
    series = [output for output in config.output if output.kind == "series"]
    last = day == config.run.end_day
    due = [
        output.microarchitecture for output in series if day >= 0 and (last or day % output.every_days == 0)
    ]
    return any(due) if due else None


def checkpoint_due(config: Config, day: int) -> bool:
    """Whether a checkpoint is due: at entry, at configured intervals, and yearly in the spin-up."""
    if day < 0:
        return day % SPIN_UP_CHECKPOINT_DAYS == 0
    intervals = [output.every_days for output in config.output if output.kind == "checkpoint"]
    return day == 0 or any(day % interval == 0 for interval in intervals)


class Observer:
    """Write rows and checkpoints of one run as they fall due.

    Parameters
    ----------
    config : Config
    backend : Backend
    folder : RunFolder, optional
        Without it rows are kept in memory and no checkpoint is written.
    back_to : int or "start", optional
        The folder is taken back to this day when the run goes on; see `Simulation.from_run`.
    supersede : bool
        Whether checkpoints later than that are put aside.

    Attributes
    ----------
    rows : list of dict
        Rows written by this observer.
    seconds : dict of str to float
        Wall time spent on measures and on checkpoints.
    """

    def __init__(
        self,
        config: Config,
        backend: Any,
        folder: RunFolder | None = None,
        *,
        back_to: int | str | None = None,
        supersede: bool = False,
    ):
        self.config, self.backend, self.folder = config, backend, folder
        self.rows: list[dict[str, float]] = []
        self.seconds = {"measures": 0.0, "checkpoints": 0.0}
        self._back_to, self._supersede = back_to, supersede
        self._checkpointed: int | None = None
        self._entry: dict[str, float] | None = None

    @property
    def series(self) -> pandas.DataFrame:
        """Everything observed so far, of the whole run where there is a folder."""
        return frame_of(self.rows) if self.folder is None else self.folder.series.frame()

    @property
    def entry(self) -> dict[str, float] | None:
        """The row that relative measures compare with: the first one with a failure load."""
        if self._entry is None and "mechanics" not in self.config.run.disable:
            rows = self.rows
            if self.folder is not None:
                names, cells = self.folder.series.read()
                rows = [{name: float(cell) for name, cell in zip(names, row) if cell} for row in cells]
            self._entry = next((row for row in rows if "failure_load_N" in row), None)
        return self._entry

    def begin(self, sim: Any, until_day: int) -> None:
        """Take the folder, bring it to the day of the run, and note the start.

        Raises
        ------
        RunError
            If another process has it, or it is ahead of this run.
        """
        day = sim.clock.day
        if self.folder is not None:
            self.folder.lock()
            try:
                self._bring_folder_to(day)
                self.folder.start_session(
                    {"from_day": day, "until_day": until_day, **machine(self.backend), "software": software()}
                )
            except BaseException:
                self.folder.unlock()
                raise
        if day >= 0 and day == -self.config.run.spin_up_days and not self._has_row(day):
            self.observe(sim)

    def observe(self, sim: Any) -> None:
        """Write what is due at the end of the day before `sim.clock.day`: the row, then the checkpoint."""
        day = sim.clock.day
        microarchitecture = row_due(self.config, day)
        if microarchitecture is not None:
            start = time.perf_counter()
            entry = self.entry
            row = measure_state(
                sim.state,
                Clock(day),
                self.config,
                self.backend,
                microarchitecture=microarchitecture,
                entry=entry,
            )
            if entry is None:  # without a spin-up nothing is solved yet at entry
                row |= fracture_risk(row, row, self.config.endocrine, self.config.measures)
            self.rows.append(row)
            if self.folder is not None:
                self.folder.series.append(row)
            self.seconds["measures"] += time.perf_counter() - start
        if checkpoint_due(self.config, day):
            self._checkpoint(sim)

    def end(self, sim: Any, why: str) -> None:
        """Close the session in good order, with a checkpoint of its last day."""
        if self.folder is None:
            return
        try:
            if self._checkpointed != sim.clock.day:
                self._checkpoint(sim)
            self._end_session(sim, why)
        finally:
            self.folder.unlock()

    def fail(self, sim: Any, error: BaseException) -> None:
        """Note what ended the run; keep the state where the mechanics gave up, or a law was broken."""
        if self.folder is None:
            return
        try:
            if isinstance(error, MechanicsError):  # its process comes before anything of the day has happened
                self._checkpoint(sim)
                error.args = (f"day {sim.clock.day}: {error}; a checkpoint of that day is kept",)
            if isinstance(error, InvariantError):
                path = self.folder.write_broken(sim.state, sim.clock.day, self.config, self.backend)
                error.args = (f"{error}; the state is kept in {path}",)
            self._end_session(sim, f"{type(error).__name__}: {error}")
        except RunError as trouble:
            log.warning("%s", trouble)  # the error that ended the run is the one to be seen
        finally:
            self.folder.unlock()

    def _checkpoint(self, sim: Any) -> None:
        if self.folder is None:
            return
        start = time.perf_counter()
        self.folder.write_checkpoint(sim.state, sim.clock.day, self.config, self.backend)
        self._checkpointed = sim.clock.day
        self.seconds["checkpoints"] += time.perf_counter() - start
        log.info("day %d: checkpoint", sim.clock.day)

    def _bring_folder_to(self, day: int) -> None:
        folder = self.folder
        assert folder is not None
        folder.clean()
        self._entry = None
        if self._back_to is not None:
            if self._supersede:
                folder.supersede(day)
            folder.go_back(None if self._back_to == "start" else day)
            self._checkpointed = None if self._back_to == "start" else day
            self._back_to = None
        ahead = max([*folder.checkpoints(), folder.series.last_day() or day], default=day)
        if ahead > day:
            raise RunError(
                f"{folder.path} holds day {ahead} already, and this simulation is at day {day}; resume from "
                "the folder, or write to another one"
            )

    def _end_session(self, sim: Any, why: str) -> None:
        assert self.folder is not None
        seconds = {**sim.seconds, **self.seconds}
        self.folder.end_session(
            {
                "to_day": sim.clock.day,
                "why": why,
                "seconds": {name: round(spent, 3) for name, spent in seconds.items()},
            }
        )

    def _has_row(self, day: int) -> bool:
        if self.folder is not None:
            return self.folder.series.last_day() is not None
        return any(row["day"] == day for row in self.rows)
