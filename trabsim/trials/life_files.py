"""The files of lives: what is finished, what is on the way, and what failed and why.

``lives/KEY.json`` holds the rows of a life, ``run_ins/KEY.vtkhdf`` and ``.json`` the state at entry and the rows before
it, ``unfinished/KEY/`` the latest checkpoint of what is on the way, ``failures/KEY.json`` a reason.  Every file is
written under a name of its own and then renamed, so two workers that by bad luck do the same work never spoil a file:
the results are equal, and the last one stays.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import re
import shutil
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trabsim.checkpoint import read_checkpoint, write_checkpoint
from trabsim.durable import cannot_write, replace_file
from trabsim.errors import RunError

LIVES, RUN_INS, UNFINISHED, FAILURES = "lives", "run_ins", "unfinished", "failures"

#: Mark in the name of a file that is being written; followed by host, process and number.
ASIDE = ".aside-"

#: Age from which a file that is being written is taken for what a dead worker left behind.
STALE_SECONDS = 86_400.0

Rows = dict[int, dict[str, float]]

_numbers = itertools.count()
_DAY = re.compile(r"day_(-?\d+)\.json")


def aside(path: Path) -> Path:
    """A name beside a path that no other process or thread uses."""
    host = re.sub(r"[^\w-]", "_", socket.gethostname())
    return path.with_name(f"{path.stem}{ASIDE}{host}-{os.getpid()}-{next(_numbers)}{path.suffix}")


def write_json(path: Path, data: Any) -> None:
    """Write JSON in one step.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    own = aside(path)
    make_folder(path.parent)
    replace_file(own, json.dumps(data, sort_keys=True, allow_nan=False) + "\n")
    _rename(own, path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read JSON; None where there is none, or half of one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}; check its rights") from None
    return data if isinstance(data, dict) else None


def make_folder(path: Path) -> None:
    """Make a folder with its parents.

    Raises
    ------
    RunError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None


def _rename(own: Path, path: Path) -> None:
    try:
        os.replace(own, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            own.unlink()
        raise cannot_write(path, error) from None


def write_state(path: Path, sim: Any) -> None:
    """Write the state of a simulation as a checkpoint, in one step."""
    own = aside(path)
    make_folder(path.parent)
    write_checkpoint(own, sim.state, sim.clock.day, sim.config, sim.backend)
    _rename(own, path)


def rows_to_json(rows: Rows) -> dict[str, dict[str, float | None]]:
    """Rows with null for what is not a number."""
    return {
        str(month): {
            name: float(value) if math.isfinite(value) else None for name, value in sorted(row.items())
        }
        for month, row in sorted(rows.items())
    }


def rows_from_json(data: Mapping[str, Mapping[str, float | None]]) -> Rows:
    """The reverse of `rows_to_json`."""
    return {
        int(month): {name: math.nan if value is None else value for name, value in row.items()}
        for month, row in data.items()
    }


class Unfinished:
    """The latest checkpoint of one life or run-in that is on the way.

    Parameters
    ----------
    folder : Path
        ``unfinished/KEY``.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def days(self) -> list[int]:
        """Days of complete checkpoints, the latest first."""
        days = [
            int(found[1]) for path in self.folder.glob("day_*.json") if (found := _DAY.fullmatch(path.name))
        ]
        return sorted((day for day in days if self._state(day).is_file()), reverse=True)

    def save(self, sim: Any, rows: Rows, facts: Mapping[str, Any]) -> None:
        """Keep where a simulation stands, and drop what was kept before."""
        day, before = sim.clock.day, self.days()
        write_json(self._rows(day), {"rows": rows_to_json(rows), "facts": dict(facts)})
        write_state(self._state(day), sim)
        for other in before:
            if other != day:
                for path in (self._rows(other), self._state(other)):
                    path.unlink(missing_ok=True)

    def load(self, backend: Any) -> tuple[Any, int, Rows, dict[str, Any]] | None:
        """State, day, rows and facts of the latest checkpoint that can be read."""
        for day in self.days():
            kept = read_json(self._rows(day))
            try:
                state, at, _ = read_checkpoint(self._state(day), backend)
            except RunError:  # damaged, or just replaced by a twin: an earlier one, or the start, will do
                continue
            if kept is not None and at == day:
                return state, day, rows_from_json(kept["rows"]), kept["facts"]
        return None

    def clear(self) -> None:
        """Forget it: the work is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _rows(self, day: int) -> Path:
        return self.folder / f"day_{day:06d}.json"

    def _state(self, day: int) -> Path:
        return self.folder / f"day_{day:06d}.vtkhdf"


def sweep(folder: Path) -> None:
    """Remove what dead workers left half written, once it is so old that nobody writes it any more."""
    now = time.time()
    for path in folder.rglob(f"*{ASIDE}*"):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
