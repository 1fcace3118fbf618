"""A run: state, processes, clock and observers.

Examples
--------
>>> import trabsim
>>> sim = trabsim.Simulation("postmenopause", overrides={"specimen.shape": [32, 32, 32]})  # doctest: +SKIP
>>> sim.run(years=1)  # doctest: +SKIP
>>> sim.measure()["BV_TV"]  # doctest: +SKIP
0.12
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trabsim.backends import get_backend
from trabsim.clock import Clock
from trabsim.config import Config, load_config
from trabsim.embedding import embed
from trabsim.errors import RunError
from trabsim.measures import measure_state
from trabsim.model import build_processes, build_specimen
from trabsim.observers import Observer
from trabsim.state import State
from trabsim.units import DAYS_PER_YEAR

log = logging.getLogger("trabsim")

#: Bytes a run needs per voxel, with margin: state, solver and scratch (see ``trabsim bench``).
BYTES_PER_VOXEL = 130


class Simulation:
    """Simulate one specimen.

    Parameters
    ----------
    config : Config, str, Path or mapping
        A configuration, a preset's name, a TOML file, or its tables.
    backend : {"auto", "numpy", "cupy"}
        Where the arrays live.
    threads : int, optional
        CPU threads; results do not depend on it.
    overrides : mapping, optional
        Dotted keys that win over the configuration.
    run_folder : str or Path, optional
        Where checkpoints and the series go; without it nothing is written.

    Attributes
    ----------
    state : State
    clock : Clock
    processes : list of Process
        What happens in a day, in order.
    seconds : dict of str to float
        Wall time spent, per process.
    """

    def __init__(
        self,
        config: Config | str | Path | Mapping[str, Any] = "postmenopause",
        *,
        backend: str = "auto",
        threads: int | None = None,
        overrides: Mapping[str, Any] | None = None,
        run_folder: str | Path | None = None,
    ):
        self.config = config if isinstance(config, Config) else load_config(config, overrides)
        self.backend = get_backend(backend, threads=threads)
        specimen = build_specimen(self.config)
        self.state: State = embed(specimen, self.config, self.backend)
        self._set_up(Clock(day=-self.config.run.spin_up_days), run_folder)

    @classmethod
    def from_state(
        cls,
        config: Config,
        state: State,
        day: int,
        *,
        backend: Any,
        run_folder: str | Path | None = None,
    ) -> Simulation:
        """Go on from a state that a checkpoint held, at the start of `day`."""
        self = cls.__new__(cls)
        self.config, self.backend, self.state = config, backend, state
        self._set_up(Clock(day=day), run_folder)
        return self

    def _set_up(self, clock: Clock, run_folder: str | Path | None) -> None:
        self.clock = clock
        self.processes = build_processes(self.config, self.backend)
        self.seconds: dict[str, float] = {process.name: 0.0 for process in self.processes}
        self.observer = Observer(self.config, self.backend, run_folder)

    def step(self) -> None:
        """Simulate one day.

        Order: systemic levels -> surface -> secretion and fields -> osteoclast lineage -> activation -> resorption ->
        reversal -> formation -> lining -> matrix -> ledgers.
        """
        for process in self.processes:
            if process.every.due(self.clock):
                start = time.perf_counter()
                process.apply(self.state, self.clock)
                self.seconds[process.name] += time.perf_counter() - start
        self.clock.advance()

    def run(
        self,
        years: float | None = None,
        *,
        days: int | None = None,
        until_day: int | None = None,
        on_day: Callable[[Simulation], bool | None] | None = None,
    ) -> Simulation:
        """Simulate on, by default to the end that the configuration sets.

        Parameters
        ----------
        years, days : float or int, optional
            How long from now; the spin-up before entry is not counted.
        until_day : int, optional
            Day after entry to stop at.
        on_day : callable, optional
            Called after every day; the run stops in good order when it returns True.

        Returns
        -------
        Simulation
            Itself.

        Raises
        ------
        RunError
            When asked to run backwards.
        InvariantError
            When a law of the model is broken.
        """
        start = max(self.clock.day, 0)
        if until_day is None:
            if years is not None:
                until_day = start + round(years * DAYS_PER_YEAR)
            elif days is not None:
                until_day = start + days
            else:
                until_day = self.config.run.end_day
        if until_day < self.clock.day:
            raise RunError(
                f"the run is at day {self.clock.day} and cannot go back to day {until_day}; give a later day"
            )
        self.observer.begin(self)
        while self.clock.day < until_day:
            self.step()
            self.observer.observe(self)
            if on_day is not None and on_day(self):
                break
        return self

    def measure(self, microarchitecture: bool = True) -> dict[str, float]:
        """Measure the specimen now; keys as in `trabsim.measures.measure_state`."""
        return measure_state(
            self.state, self.clock, self.config, self.backend, microarchitecture=microarchitecture
        )
