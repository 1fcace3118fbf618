"""Read what a run left.

Examples
--------
>>> import trabsim
>>> run = trabsim.open_run("runs/postmenopause")  # doctest: +SKIP
>>> run.series[["day", "BV_TV"]].tail(1)  # doctest: +SKIP
"""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trabsim
from trabsim.checkpoint import Header, read_checkpoint
from trabsim.config import Config, changed_keys, load_config
from trabsim.errors import RunError
from trabsim.run_folder import CONFIG, SERIES, find_checkpoints, read_provenance, require_run
from trabsim.series import SeriesFile
from trabsim.state import State

if TYPE_CHECKING:
    import pandas

#: Keys that may be edited in the ``config.toml`` of a run before it goes on: they do not touch what happens.
FREE_KEYS = ("run.years", "output", "mechanics.most_iterations")

log = logging.getLogger("trabsim")


class Run:
    """A run folder, for reading; files are read when asked for.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        require_run(self.path)

    @property
    def config(self) -> Config:
        """The resolved configuration."""
        return load_config(self.path / CONFIG)

    @property
    def series(self) -> pandas.DataFrame:
        """One row per observation; units in the column names, NaN for what was not measured."""
        return SeriesFile(self.path / SERIES).frame()

    @property
    def checkpoints(self) -> dict[int, Path]:
        """Checkpoints by day after entry, in order."""
        return find_checkpoints(self.path)

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, device, seed, specimen, and every start and end of the run."""
        return read_provenance(self.path)

    def latest(self) -> int:
        """Day of the latest checkpoint.

        Returns
        -------
        int

        Raises
        ------
        RunError
            If there is no checkpoint yet.
        """
        days = list(self.checkpoints)
        if not days:
            raise RunError(f"{self.path} holds no checkpoint yet; let the run go on with 'trabsim resume'")
        return days[-1]

    def load(self, day: int | None = None, backend: Any = "numpy") -> State:
        """Read the state of a day.

        Parameters
        ----------
        day : int, optional
            Day after entry of one of the checkpoints; the latest if left out.
        backend : str or Backend
            Where the arrays shall live.

        Returns
        -------
        State

        Raises
        ------
        RunError
            If there is no checkpoint of that day, or it is damaged.
        """
        from trabsim.backends import get_backend

        path = require_checkpoint(self.checkpoints, self.latest() if day is None else day, self.path)
        return read_checkpoint(path, get_backend(backend) if isinstance(backend, str) else backend)[0]

    def architecture(self, day: int | None = None) -> dict[str, float]:
        """Measure the microarchitecture of a checkpoint as the series does: Tb.Th, Tb.N, Conn.D and more.

        Parameters
        ----------
        day : int, optional
            Day after entry of one of the checkpoints; the latest if left out.

        Returns
        -------
        dict of str to float
            Units are in the names; the rim along the cut faces is left out.

        Raises
        ------
        RunError
            If there is no checkpoint of that day, or it is damaged.
        """
        from trabsim.architecture import architecture_measures
        from trabsim.backends import get_backend
        from trabsim.measures import core_of

        state = self.load(day)
        return architecture_measures(state, get_backend("numpy"), core_of(state))


def open_run(path: str | Path) -> Run:
    """Open the folder of a run for reading.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Run

    Raises
    ------
    RunError
        If it is not the folder of a run.
    """
    return Run(path)


def require_checkpoint(checkpoints: dict[int, Path], day: int, folder: Path) -> Path:
    """The checkpoint of a day.

    Parameters
    ----------
    checkpoints : dict of int to Path
    day : int
    folder : Path
        For the message.

    Returns
    -------
    Path

    Raises
    ------
    RunError
        If there is none; the days that there are, are named.
    """
    if day not in checkpoints:
        days = ", ".join(map(str, checkpoints)) or "none"
        raise RunError(f"{folder} holds no checkpoint of day {day}; choose from: {days}")
    return checkpoints[day]


def require_same_run(config: Config, header: Header, path: Path) -> None:
    """Refuse to go on under another configuration than the checkpoint's.

    Parameters
    ----------
    config : Config
        Of ``config.toml`` as it is now.
    header : Header
        Of the checkpoint.
    path : Path
        The checkpoint.

    Raises
    ------
    RunError
        Names the first key that differs, with both values.
    """
    if header.version != trabsim.__version__:
        log.warning(
            "%s was written by trabsim %s; what follows may differ from an uninterrupted run",
            path.name,
            header.version,
        )
    before = load_config(tomllib.loads(header.config_toml))
    for key, (then, now) in changed_keys(before, config).items():
        if not key.startswith(FREE_KEYS):
            raise RunError(
                f"config.toml says {key} = {now}, but {path.name} was made with {then}; restore it, or start "
                "a new run with the change"
            )
