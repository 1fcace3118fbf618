"""Kill workers of a local cluster at random while a trial runs, each time something was kept."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

from trabsim.trials.life_files import ASIDE


def own_workers() -> list[int]:
    """Processes of workers: children of this process that multiprocessing spawned."""
    import psutil

    found = []
    for child in psutil.Process(os.getpid()).children(recursive=True):
        try:
            if any("spawn_main" in word for word in child.cmdline()):
                found.append(child.pid)
        except psutil.Error:  # gone meanwhile
            continue
    return found


class Killer:
    """Kill a random worker a random while after a new checkpoint has appeared, so many times.

    Parameters
    ----------
    folder : Path
        Of the trial.
    kills : int
    seed : int
    """

    def __init__(self, folder: Path, kills: int, seed: int = 1):
        self.folder, self.kills = folder, kills
        self.done = 0
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        seen = self._kept()
        while self.done < self.kills and not self._stop.wait(0.02):
            kept = self._kept()
            if kept <= seen:
                continue
            self._stop.wait(self._random.uniform(0.0, 0.3))
            workers = own_workers()
            if workers:
                os.kill(self._random.choice(sorted(workers)), signal.SIGKILL)
                self.done += 1
            seen = self._kept()

    def _kept(self) -> set[str]:
        found = self.folder.rglob("unfinished/*/day_*.vtkhdf")
        return {path.parent.name + path.name for path in found if ASIDE not in path.name}
