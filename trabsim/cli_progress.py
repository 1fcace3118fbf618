"""How a run goes: a live line on a terminal, a plain line every tenth of the way elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from trabsim.cli_text import duration, number
from trabsim.units import DAYS_PER_YEAR

#: Seconds over which the speed is averaged.
_WINDOW_S = 20.0


class Progress:
    """Show how far a simulation is.

    Parameters
    ----------
    sim : Simulation
    until_day : int
    """

    def __init__(self, sim: Any, until_day: int):
        self.first, self.last = sim.clock.day, until_day
        self.age_years = sim.config.endocrine.age_years
        self._told = 0
        self._times: list[tuple[float, int]] = []
        self._live: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        self._times = [(time.perf_counter(), self.first)]
        if sys.stderr.isatty():
            self._live = _live_line()
            self._task = self._live.add_task("starting", total=self.last - self.first, figures="")
            self._live.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, sim: Any) -> None:
        """Tell about the day that has just ended."""
        day, now = sim.clock.day, time.perf_counter()
        self._times.append((now, day))
        while len(self._times) > 2 and now - self._times[0][0] > _WINDOW_S:
            self._times.pop(0)
        (then, earlier), done = self._times[0], day - self.first
        speed = (day - earlier) / max(now - then, 1e-9)
        left = duration((self.last - day) / max(speed, 1e-9))
        row = sim.observer.rows[-1] if sim.observer.rows else {}
        figures = [f"{label} {number(row[name], 3)}" for label, name in _FIGURES if name in row]
        if self._live is not None:
            text = " ".join([f"{speed:.1f} days/s, {left} left", *figures])
            self._live.update(self._task, completed=done, description=self._when(day), figures=text)
            return
        tenth = 10 * done // max(self.last - self.first, 1)
        if tenth > self._told:
            self._told = tenth
            parts = [f"{self._when(day)} ({10 * tenth} %)", f"{speed:.1f} days/s", f"{left} left", *figures]
            click.echo(", ".join(parts))

    def _when(self, day: int) -> str:
        age = f"age {self.age_years + day / DAYS_PER_YEAR:.2f}"
        return f"day {day} of {self.last}, {age}" if day >= 0 else f"spin-up, day {day}"


_FIGURES = (
    ("BV/TV", "BV_TV"),
    ("Tb.Th", "Tb_Th_um"),
    ("Ac.f", "Ac_f_per_year"),
    ("CTX %", "CTX_pct_of_baseline"),
)


def _live_line() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[figures]}"),
        console=Console(stderr=True),
        refresh_per_second=4,
    )
