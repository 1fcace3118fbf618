"""The folder of a trial: whose it is, what is planned in it, and how far it got.

``trial.toml`` is the file it was begun with, ``plan.json`` names every life; finished lives, checkpoints and failures
lie beside them (see `trabsim.trials.life_files`).  How far it got is read from files alone, so it can be asked while
the trial runs elsewhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trabsim
from trabsim.durable import replace_file
from trabsim.errors import RunError
from trabsim.therapy.schedule import DAYS_PER_MONTH
from trabsim.trials.execution import failure_file
from trabsim.trials.life_files import make_folder, read_json, write_json
from trabsim.trials.living import Place

TRIAL, PLAN, RUN_INS, LOCK = "trial.toml", "plan.json", "run_ins", ".lock"

#: What ``plan.json`` must hold, and each life in it.
OF_A_PLAN: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "sha256": str,
    "version": str,
    "source": str,
    "lives": list,
    "workers": int,
}
OF_A_LIFE: dict[str, type | tuple[type, ...]] = {
    "key": str,
    "run_in_key": str,
    "label": str,
    "months": (int, float),
    "spin_up_days": int,
}

#: Times that the lock of a folder is tried, a tenth of a second apart.
LOCK_ATTEMPTS = 5


def take_folder(folder: Path, file: Path, name: str, sha256: str) -> None:
    """Make the folder of a trial, or make sure that it is this trial's.

    Parameters
    ----------
    folder : Path
    file : Path
        The trial's file, of which the folder keeps a copy.
    name, sha256 : str
        Of the trial.

    Raises
    ------
    RunError
        If it holds another trial, another version's, or something else.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file, and a trial needs a folder; choose another one with -o")
    plan = read_json(folder / PLAN)
    if plan is not None:
        _require_whole(plan, folder)
    if plan is None:
        if folder.exists() and any(path.name not in (RUN_INS, LOCK) for path in folder.iterdir()):
            raise RunError(f"{folder} is not empty and holds no trial; choose another folder with -o")
        make_folder(folder)
        write_json(
            folder / PLAN,
            {
                "name": name,
                "sha256": sha256,
                "version": trabsim.__version__,
                "source": str(file.absolute()),
                "lives": [],
                "workers": 1,
            },
        )
        replace_file(folder / TRIAL, file.read_text(encoding="utf-8"))
    elif plan["sha256"] != sha256:
        what = f"another trial ('{plan['name']}')" if plan["name"] != name else f"another form of '{name}'"
        raise RunError(f"{folder} holds {what}; nothing in it was touched: choose another folder with -o")
    elif plan["version"] != trabsim.__version__:
        raise RunError(
            f"{folder} was begun with trabsim {plan['version']}, and this is {trabsim.__version__}, which may answer "
            "otherwise; finish it with that version, or choose another folder with -o"
        )


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder, so that no second process runs the trial at the same time.

    Raises
    ------
    RunError
        If another process has it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        for attempt in range(LOCK_ATTEMPTS):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # or somebody only asks how far it is, which takes no time
                if attempt == LOCK_ATTEMPTS - 1:
                    raise RunError(
                        f"another process is running the trial in {folder}; wait for it, or see 'trabsim trial status'"
                    ) from None
                time.sleep(0.1)
            except OSError:  # a file system without locks: results are safe without one
                break
        yield
    finally:
        os.close(descriptor)


def write_plan(folder: Path, lives: Sequence[Mapping[str, Any]], workers: int) -> None:
    """Note every life that is wanted, and how many workers there are."""
    plan = read_json(folder / PLAN) or {}
    write_json(folder / PLAN, {**plan, "lives": [dict(life) for life in lives], "workers": workers})


@dataclass(frozen=True)
class Status:
    """How far a trial got.

    Attributes
    ----------
    name, version : str
    total, finished : int
        Lives.
    running : dict of str to float
        Months after entry reached by lives on the way (negative: in the run-in), by label.
    failures : dict of str to str
        Reasons, by label.
    run_ins, run_ins_finished : int
    seconds_left : float or None
        Expected, with the workers of the last start; None where nothing is known yet.
    is_running : bool
        Whether a process holds the folder now.
    """

    name: str
    version: str
    total: int
    finished: int
    running: dict[str, float]
    failures: dict[str, str]
    run_ins: int
    run_ins_finished: int
    seconds_left: float | None
    is_running: bool


def trial_status(folder: str | Path) -> Status:
    """Tell how far a trial got.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Status

    Raises
    ------
    RunError
        If it is not the folder of a trial.
    """
    folder = Path(folder).absolute()
    plan = require_plan(folder)
    place = Place(str(folder), str(folder / RUN_INS))
    running: dict[str, float] = {}
    failures: dict[str, str] = {}
    finished, days_left, days_done, seconds = 0, 0.0, 0.0, 0.0
    waiting: dict[str, float] = {}  # days of run-ins that are not done
    run_ins: set[str] = set()
    for life in plan["lives"]:
        key, run_in, days = life["key"], life["run_in_key"], life["months"] * DAYS_PER_MONTH
        if run_in not in run_ins:
            run_ins.add(run_in)
            done = read_json(place.run_in(run_in))
            if done is not None:
                seconds, days_done = seconds + done["seconds"], days_done + life["spin_up_days"]
            else:
                reached = place.unfinished_run_in(run_in).days()
                waiting[run_in] = -reached[0] if reached else life["spin_up_days"]
                if reached:
                    running[f"{life['label']}, run-in"] = reached[0] / DAYS_PER_MONTH
        result = read_json(place.life(key))
        if result is not None:
            finished += 1
            seconds, days_done = seconds + result["seconds"], days_done + days
            continue
        failure = read_json(failure_file(folder, key))
        if failure is not None:
            failures[life["label"]] = failure["reason"]
            continue
        reached = place.unfinished_life(key).days()
        if reached:
            running[life["label"]] = reached[0] / DAYS_PER_MONTH
        days_left += days - (reached[0] if reached else 0)
    days_left += sum(waiting.values())
    per_day = seconds / days_done if days_done and seconds else None
    left = None if per_day is None else per_day * days_left / max(plan["workers"], 1)
    return Status(
        name=plan["name"],
        version=plan["version"],
        total=len(plan["lives"]),
        finished=finished,
        running=running,
        failures=failures,
        run_ins=len(run_ins),
        run_ins_finished=len(run_ins) - len(waiting),
        seconds_left=left,
        is_running=_is_held(folder),
    )


def require_plan(folder: Path) -> dict[str, Any]:
    """What is planned in a folder.

    Raises
    ------
    RunError
        If it is not the folder of a trial.
    """
    plan = read_json(folder / PLAN)
    if plan is None or "lives" not in plan:
        raise RunError(f"{folder} is not the folder of a trial; give the one that 'trabsim trial run' wrote")
    _require_whole(plan, folder)
    return plan


def _require_whole(plan: Mapping[str, Any], folder: Path) -> None:
    """Refuse a plan that somebody cut short or edited.

    Raises
    ------
    RunError
        Naming what is missing.
    """
    missing = next((name for name, kind in OF_A_PLAN.items() if not isinstance(plan.get(name), kind)), None)
    for number, life in enumerate(plan["lives"] if missing is None else (), 1):
        of_life = life if isinstance(life, dict) else {}
        wrong = [name for name, kind in OF_A_LIFE.items() if not isinstance(of_life.get(name), kind)]
        if wrong:
            missing = f"{wrong[0]} of life {number}"
            break
    if missing is not None:
        raise RunError(
            f"{folder / PLAN} is damaged: it does not say {missing} as it should; remove {folder} and run the trial "
            "again, or choose another folder with -o"
        )


def _is_held(folder: Path) -> bool:
    """Whether a process holds the folder."""
    try:
        lock = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
    return False
