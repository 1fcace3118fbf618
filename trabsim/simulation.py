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

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trabsim.backends import get_backend
from trabsim.checkpoint import read_checkpoint, read_header
from trabsim.clock import Clock
from trabsim.config import Config, load_config
from trabsim.embedding import embed
from trabsim.errors import RunError
from trabsim.measures import measure_state
from trabsim.memory import require_memory
from trabsim.model import build_processes, build_specimen
from trabsim.observers import Observer
from trabsim.provenance import describe_specimen
from trabsim.run_folder import RunFolder, refuse_existing_run
from trabsim.runfile import open_run, require_checkpoint, require_same_run
from trabsim.state import State
from trabsim.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    import pandas

OnDay = Callable[["Simulation"], bool | None]


class Simulation:
    """Simulate one specimen.

    Parameters
    ----------
    config : Config, str, Path or mapping
        A configuration, a preset's name, a TOML file, or its tables.
    backend : {"auto", "numpy", "cupy"} or Backend
        Where the arrays live.
    threads : int, optional
        CPU threads; results do not depend on it.
    overrides : mapping, optional
        Dotted keys that win over the configuration.
    run_folder : str or Path, optional
        Where checkpoints and the series go; without it nothing is written.  It must not hold a run yet.

    Attributes
    ----------
    state : State
    clock : Clock
    processes : list of Process
        What happens in a day, in order.
    seconds : dict of str to float
        Wall time spent, per process.

    Raises
    ------
    ConfigError
        If the configuration cannot be run.
    SpecimenError
        If the specimen cannot be read or made.
    BackendError
        If the backend is not available.
    RunError
        If the run folder holds a run already or cannot be written, or the lattice does not fit into memory.
    """

    def __init__(
        self,
        config: Config | str | Path | Mapping[str, Any] = "postmenopause",
        *,
        backend: Any = "auto",
        threads: int | None = None,
        overrides: Mapping[str, Any] | None = None,
        run_folder: str | Path | None = None,
    ):
        config = config if isinstance(config, Config) and not overrides else load_config(config, overrides)
        if run_folder is not None:
            refuse_existing_run(run_folder)  # before a specimen is made in vain
        self.backend = get_backend(backend, threads=threads) if isinstance(backend, str) else backend
        facts = self._start(config)
        folder = None if run_folder is None else RunFolder.create(run_folder, config, facts)
        self._set_up(Clock(day=-config.run.spin_up_days), Observer(config, self.backend, folder))

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
        """Go on from a state, at the start of `day`, as a run of its own.

        Parameters
        ----------
        config : Config
        state : State
        day : int
        backend : Backend
            On which the state lives.
        run_folder : str or Path, optional
            A folder that holds no run yet.

        Returns
        -------
        Simulation
        """
        self = cls.__new__(cls)
        self.config, self.backend, self.state = config, backend, state
        folder = None
        if run_folder is not None:
            facts = {"seed": config.run.seed, "specimen": {"source": f"a state of day {day}"}}
            folder = RunFolder.create(run_folder, config, facts)
        self._set_up(Clock(day=day), Observer(config, backend, folder))
        return self

    @classmethod
    def from_run(
        cls,
        run_folder: str | Path,
        *,
        from_day: int | None = None,
        backend: Any = "auto",
        threads: int | None = None,
    ) -> Simulation:
        """Take up a run from its folder; nothing in it changes before `run` is called.

        Parameters
        ----------
        run_folder : str or Path
        from_day : int, optional
            Day of the checkpoint to start from; the latest if left out.  When the run goes on, later
            checkpoints and the series as it was are put aside in ``superseded/``.
        backend : {"auto", "numpy", "cupy"} or Backend
            May differ from that of the first start.
        threads : int, optional

        Returns
        -------
        Simulation
            Without a checkpoint (a crash in the first year of the spin-up), at the start of the run.

        Raises
        ------
        RunError
            If it is not the folder of a run, there is no checkpoint of that day, it is damaged, or
            ``config.toml`` was changed in a way that touches what happens.
        """
        folder = RunFolder.open(run_folder)
        config = open_run(run_folder).config
        points = folder.checkpoints()
        self = cls.__new__(cls)
        self.backend = get_backend(backend, threads=threads) if isinstance(backend, str) else backend
        back_to: int | str
        if points or from_day is not None:
            path = require_checkpoint(points, max(points) if from_day is None else from_day, folder.path)
            self.config = config
            require_memory(read_header(path).shape, self.backend)
            self.state, back_to, header = read_checkpoint(path, self.backend)
            require_same_run(config, header, path)
            day = back_to
        else:
            self._start(config)
            day, back_to = -config.run.spin_up_days, "start"
        observer = Observer(config, self.backend, folder, back_to=back_to, supersede=from_day is not None)
        self._set_up(Clock(day=day), observer)
        return self

    def _start(self, config: Config) -> dict[str, Any]:
        """Make the specimen and put the first cells on it; returns facts for the provenance."""
        self.config = config
        if config.specimen.source == "synthetic":
            require_memory(config.specimen.shape, self.backend)
        specimen = build_specimen(config)
        require_memory(specimen.shape, self.backend)
        self.state = embed(specimen, config, self.backend)
        return {"seed": config.run.seed, "specimen": describe_specimen(specimen)}

    def _set_up(self, clock: Clock, observer: Observer) -> None:
        self.clock = clock
        self.processes = build_processes(self.config, self.backend)
        self.seconds: dict[str, float] = {process.name: 0.0 for process in self.processes}
        self.observer = observer
        self._in_the_midst = False

    @property
    def series(self) -> pandas.DataFrame:
        """What was observed so far, one row per observation; units in the column names."""
        return self.observer.series

    def step(self) -> None:
        """Simulate one day.

        Order: systemic levels -> mechanics -> surface -> secretion and fields -> osteoclast lineage -> activation ->
        resorption -> reversal -> formation -> lining -> matrix -> ledgers.
        """
        self._in_the_midst = True
        for process in self.processes:
            if process.every.due(self.clock):
                start = time.perf_counter()
                process.apply(self.state, self.clock)
                self.seconds[process.name] += time.perf_counter() - start
        self.clock.advance()
        self._in_the_midst = False

    def run(
        self,
        years: float | None = None,
        *,
        days: int | None = None,
        until_day: int | None = None,
        on_day: OnDay | None = None,
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
            When asked to run backwards, or when the run folder cannot be written.
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
                until_day = max(self.config.run.end_day, self.clock.day)
        if until_day < self.clock.day:
            raise RunError(
                f"the run is at day {self.clock.day} and cannot go back to day {until_day}; give a later "
                "day, or resume from an earlier checkpoint"
            )
        if self._in_the_midst:
            raise RunError(
                f"day {self.clock.day} was interrupted half way, so this simulation cannot go on; resume it "
                "from its run folder, or start again"
            )
        self.observer.begin(self, until_day)
        why = "finished"
        try:
            while self.clock.day < until_day:
                self.step()
                self._in_the_midst = True
                self.observer.observe(self)
                self._in_the_midst = False
                if on_day is not None and on_day(self):
                    why = "stopped"
                    break
        except BaseException as error:
            self.observer.fail(self, error)
            raise
        self.observer.end(self, why)
        return self

    def measure(
        self, microarchitecture: bool = True, *, entry: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Measure the specimen now; keys as in `trabsim.measures.measure_state`.

        Parameters
        ----------
        microarchitecture : bool
            Whether to measure Tb.Th, Tb.Sp, Tb.N, Conn.D, SMI and DA, too.
        entry : mapping of str to float, optional
            The row at entry, which relative fracture risk compares with; by default the one in the series.

        Returns
        -------
        dict of str to float
            Before the first day of a started or resumed run without what needs the surface of the day:
            surface, cells and rates.
        """
        return measure_state(
            self.state,
            self.clock,
            self.config,
            self.backend,
            microarchitecture=microarchitecture,
            entry=self.observer.entry if entry is None else entry,
        )


def resume(
    run_folder: str | Path,
    until_day: int | None = None,
    from_day: int | None = None,
    backend: Any = "auto",
    threads: int | None = None,
    on_day: OnDay | None = None,
) -> Simulation:
    """Continue a run from its folder, bit for bit as if it had never stopped.

    Parameters
    ----------
    run_folder : str or Path
    until_day : int, optional
        Day after entry to stop at; by default the end that the configuration sets.  It may lie beyond that
        end.
    from_day : int, optional
        Day of the checkpoint to start from; the latest if left out.  Later checkpoints, and the series as it
        was, are put aside in ``superseded/``.
    backend : {"auto", "numpy", "cupy"} or Backend
        May differ from that of the first start.
    threads : int, optional
        CPU threads; results do not depend on it.
    on_day : callable, optional
        Called after every day; the run stops in good order when it returns True.

    Returns
    -------
    Simulation
        At the day where it stopped.

    Raises
    ------
    RunError
        As `Simulation.from_run` and `Simulation.run`.
    """
    sim = Simulation.from_run(run_folder, from_day=from_day, backend=backend, threads=threads)
    return sim.run(until_day=until_day, on_day=on_day)
