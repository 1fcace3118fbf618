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

#: Characters of the bar.
_BAR = 20


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

    def __enter__(self) -> Progress:
        self._times = [(time.perf_counter(), self.first)]
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live("starting ...", console=Console(stderr=True), refresh_per_second=4)
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
        pace = f"{speed:.1f} days/s, {duration((self.last - day) / max(speed, 1e-9))} left"
        row = sim.observer.rows[-1] if sim.observer.rows else {}
        figures = [f"{label} {number(row[name], 3)}" for label, name in _FIGURES if name in row]
        share = done / max(self.last - self.first, 1)
        if self._live is not None:
            bar = "#" * int(_BAR * share)
            lines = [f"{self._when(day)} [{bar:.<{_BAR}}] {100 * share:.0f} %, {pace}", "  ".join(figures)]
            self._live.update(_plain_text("\n".join(lines)))
        elif int(10 * share) > self._told:
            self._told = int(10 * share)
            click.echo(", ".join([f"{self._when(day)} ({10 * self._told} %)", pace, *figures]))

    def _when(self, day: int) -> str:
        age = f"age {self.age_years + day / DAYS_PER_YEAR:.2f}"
        return f"day {day} of {self.last}, {age}" if day >= 0 else f"spin-up, day {day}"


_FIGURES = (
    ("BV/TV", "BV_TV"),
    ("Tb.Th", "Tb_Th_um"),
    ("Ac.f", "Ac_f_per_year"),
    ("CTX (%)", "CTX_pct_of_baseline"),
)


def _plain_text(text: str) -> Any:
    from rich.text import Text

    return Text(text)
