"""The folder of a run, from the side that writes it.

Whatever happens - a full disk, a kill, a power cut - the folder is a run that can be resumed: `config.toml`
is there first, every file comes into its place in one step, and a row of the series is on the device before
the checkpoint of its day.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trabsim.checkpoint import write_checkpoint
from trabsim.durable import PARTIAL, cannot_write, flush_folder, replace_file
from trabsim.errors import RunError
from trabsim.provenance import now, plain
from trabsim.series import SeriesFile

if TYPE_CHECKING:
    from trabsim.config import Config
    from trabsim.state import State

CONFIG, PROVENANCE, SERIES, CHECKPOINTS = "config.toml", "provenance.json", "series.csv", "checkpoints"
SUPERSEDED, BROKEN = "superseded", "broken"

_DAY = re.compile(r"day_(-?\d+)\.vtkhdf")

log = logging.getLogger("trabsim")


def checkpoint_name(day: int) -> str:
    """File name of a checkpoint: ``day_000365.vtkhdf``; days of the spin-up read ``day_-00365.vtkhdf``."""
    return f"day_{day:06d}.vtkhdf"


def find_checkpoints(folder: Path) -> dict[int, Path]:
    """Checkpoints of a run folder by day, in order."""
    found = {
        int(match.group(1)): path
        for path in (folder / CHECKPOINTS).glob("*.vtkhdf")
        if (match := _DAY.fullmatch(path.name))
    }
    return dict(sorted(found.items()))


def read_provenance(folder: Path) -> dict[str, Any]:
    """What ``provenance.json`` holds; empty where a crash came before it."""
    path = folder / PROVENANCE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {path}: {error}; restore it from a copy, or remove it") from None
    return data if isinstance(data, dict) else {}


def refuse_existing_run(folder: str | Path) -> None:
    """Refuse a folder in which a new run would overwrite something.

    Raises
    ------
    RunError
        If it holds a run already, or is no folder.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file, and a run needs a folder; choose another one with -o")
    for name in (CONFIG, SERIES, PROVENANCE, CHECKPOINTS):
        if (folder / name).exists():
            raise RunError(
                f"{folder} already holds a run ({name}); continue it with 'trabsim resume {folder}', or "
                "choose another folder with -o"
            )


class RunFolder:
    """A run folder that is open for writing.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    path : Path
    series : SeriesFile
    """

    def __init__(self, path: Path):
        self.path = path
        self.series = SeriesFile(path / SERIES)
        self._lock: int | None = None

    @classmethod
    def create(cls, path: str | Path, config: Config, facts: Mapping[str, Any]) -> RunFolder:
        """Start a new run folder; `facts` go into its provenance.

        Raises
        ------
        RunError
            If it holds a run already or cannot be written.
        """
        self = cls(Path(path))
        refuse_existing_run(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self.lock()
        try:
            refuse_existing_run(self.path)  # another process may have been faster
            replace_file(self.path / CONFIG, config.to_toml())
            self._write_provenance({"created": now(), **facts, "sessions": []})
        finally:
            self.unlock()
        return self

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open the folder of a run to continue it.

        Raises
        ------
        RunError
            If it holds no run.
        """
        require_run(Path(path))
        return cls(Path(path))

    def checkpoints(self) -> dict[int, Path]:
        """Checkpoints by day, in order."""
        return find_checkpoints(self.path)

    def lock(self) -> None:
        """Keep other processes from writing here; the system lifts the lock if this process dies.

        Raises
        ------
        RunError
            If another process writes here.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise RunError(
                f"another process is working on {self.path}; wait for it to end, or choose another folder"
            ) from None
        except OSError:
            log.debug("%s cannot be locked", self.path)  # some network file systems know no locks
        self._lock = descriptor

    def unlock(self) -> None:
        """Let others write here."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def start_session(self, facts: Mapping[str, Any]) -> None:
        """Note a start or resume in the provenance."""
        provenance = read_provenance(self.path)
        provenance.setdefault("sessions", []).append({"started": now(), **facts, "ended": None})
        self._write_provenance(provenance)

    def end_session(self, facts: Mapping[str, Any]) -> None:
        """Note how the session that is under way ended."""
        provenance = read_provenance(self.path)
        if provenance.get("sessions"):
            provenance["sessions"][-1] |= {"ended": now(), **facts}
            self._write_provenance(provenance)

    def write_checkpoint(self, state: State, day: int, config: Config, backend: Any) -> Path:
        """Write the checkpoint of a day; one of the spin-up takes the place of the one before it."""
        path = self._folder(CHECKPOINTS) / checkpoint_name(day)
        write_checkpoint(path, state, day, config, backend)
        for earlier, old in self.checkpoints().items():
            if earlier < min(day, 0):
                old.unlink()
        return path

    def write_broken(self, state: State, day: int, config: Config, backend: Any) -> Path:
        """Keep a state in which a law of the model is broken; it is no checkpoint to resume from."""
        path = self._folder(BROKEN) / checkpoint_name(day)
        write_checkpoint(path, state, day, config, backend)
        return path

    def clean(self) -> None:
        """Remove what a crash left of files that were being written."""
        for folder in (self.path, self.path / CHECKPOINTS, self.path / BROKEN):
            for path in folder.glob(f"*{PARTIAL}"):
                path.unlink()

    def go_back(self, day: int | None) -> None:
        """Drop rows of the series later than `day`; the run writes them again, with the same bits."""
        dropped = self.series.keep_until(day)
        if dropped:
            log.info("%d rows of the series lie after the checkpoint and will be written again", dropped)

    def supersede(self, day: int) -> Path | None:
        """Put checkpoints later than `day`, and the series as it is, aside in ``superseded/``.

        The latest goes first: whenever this is interrupted, the folder still is a run that can be resumed.
        """
        later = {d: path for d, path in self.checkpoints().items() if d > day}
        if not later and (self.series.last_day() or day) <= day:
            return None
        number = 1 + max((int(p.name) for p in (self.path / SUPERSEDED).glob("[0-9]*")), default=0)
        aside = self._folder(SUPERSEDED, f"{number:03d}")
        try:
            if self.series.path.is_file():
                shutil.copy2(self.series.path, aside / SERIES)
            for path in reversed(later.values()):
                os.replace(path, aside / path.name)
            flush_folder(aside)
            flush_folder(self.path / CHECKPOINTS)
        except OSError as error:
            raise cannot_write(aside, error) from None
        log.info("put %d checkpoints later than day %d aside in %s", len(later), day, aside)
        return aside

    def _write_provenance(self, data: Mapping[str, Any]) -> None:
        replace_file(self.path / PROVENANCE, json.dumps(plain(data), indent=2, ensure_ascii=False) + "\n")

    def _folder(self, *parts: str) -> Path:
        folder = self.path.joinpath(*parts)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from None
        return folder


def require_run(folder: Path) -> None:
    """Refuse a path that is not the folder of a run.

    Raises
    ------
    RunError
        If there is no folder, or no ``config.toml`` in it.
    """
    if not folder.exists():
        raise RunError(f"there is no run folder {folder}; start one with 'trabsim run CONFIG -o {folder}'")
    if not (folder / CONFIG).is_file():
        raise RunError(
            f"{folder} is not the folder of a run (no {CONFIG}); give the folder that 'trabsim run' made"
        )
