"""Remember the running totals of the last year, so that rates can be read off at any time and after any restart.

Serum markers follow from them: CTX and NTX from matrix resorbed, P1NP from matrix formed, bone alkaline phosphatase
from the osteoblasts at work, osteocalcin from the older ones among them.  A part of each comes from elsewhere and does
not follow remodeling: no drug takes a marker below it.

References
----------
Aubin 1998, J Cell Biochem 72 Suppl 30-31:73 (alkaline phosphatase comes early in an osteoblast's life,
osteocalcin late)
"""

from __future__ import annotations

from typing import Any

from trabsim.clock import Clock
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import HISTORY, HISTORY_DAYS, State
from trabsim.units import DAYS_PER_YEAR

#: Level that holds the baseline of each running total that a marker follows.
BASELINES = {
    "resorbed_quanta": "baseline_resorption_quanta_per_day",
    "formed_quanta": "baseline_formation_quanta_per_day",
    "osteoblast_days": "baseline_osteoblasts",
    "mature_osteoblast_days": "baseline_mature_osteoblasts",
}

#: For each marker, the running total that it follows, and the flow of the cortical compartment beside it.
MARKERS = {
    "CTX": ("resorbed_quanta", "resorption"),
    "NTX": ("resorbed_quanta", "resorption"),
    "P1NP": ("formed_quanta", "formation"),
    "BAP": ("osteoblast_days", "formation"),
    "osteocalcin": ("mature_osteoblast_days", "formation"),
}


class MarkerParams(Params):
    """``[markers]``: serum markers of turnover."""

    trabecular_share: float = param(
        0.6,
        "share of resorbed and formed matrix in serum that bone like the specimen supplies",
        source="assumed: trabecular bone is 20 % of the skeleton and turns over five times as fast",
        gt=0,
        le=1,
    )
    resorption_outside_share: float = param(
        0.10,
        "share of CTX and NTX at baseline that comes from outside the bone which cells remodel",
        source="assumed: serum CTX falls by 85-90 % at most where resorption is blocked (denosumab)",
        ge=0,
        lt=1,
    )
    formation_outside_share: float = param(
        0.20,
        "share of P1NP, alkaline phosphatase and osteocalcin at baseline that is no work of remodeling",
        source="assumed: P1NP falls by 70-80 % at most under antiresorptives; skin and vessels make collagen, too",
        ge=0,
        lt=1,
    )
    window_days: int = param(
        60,
        "days over which a marker is averaged, against the noise of a small specimen",
        source="assumed: two months",
        ge=1,
        le=HISTORY_DAYS - 1,
    )
    baseline_days: int = param(
        360,
        "days before entry over which its baseline is averaged",
        source="assumed: a year",
        ge=1,
        le=HISTORY_DAYS - 1,
    )
    osteocalcin_days: int = param(
        20,
        "age from which an osteoblast secretes osteocalcin",
        source="assumed: a late marker (Aubin 1998)",
        ge=0,
    )


def change(state: State, backend: Any, name: str, day: int, days: int) -> tuple[int, int]:
    """What a running total gained over the last days.

    Parameters
    ----------
    name : str
        One of `trabsim.state.HISTORY`.
    day : int
        The last complete day.
    days : int
        Length of the window; shortened where the run is younger.

    Returns
    -------
    gained, days : int
        The gain, and the length of the window it came from (at least 1).
    """
    days = max(1, min(days, day - state.counters["first_day"]))
    column = HISTORY.index(name)
    now = int(state.history[day % HISTORY_DAYS, column])
    then = int(state.history[(day - days) % HISTORY_DAYS, column])
    return now - then, days


class Bookkeeping(Process):
    """Write down today's totals."""

    name = "bookkeeping"
    reads = ("counters", "osteoblasts")
    writes = ("history", "counters", "levels")
    references = ("assumed: bookkeeping",)

    def apply(self, state: State, clock: Clock) -> None:
        xp, c = self.backend.xp, state.counters
        c.setdefault("first_day", clock.day)
        c["last_day"] = clock.day
        age = clock.day - state.osteoblasts.birth_day
        state.count("osteoblast_days", len(state.osteoblasts))
        state.count("mature_osteoblast_days", int((age >= self.params.osteocalcin_days).sum()))
        area = int(xp.floor(state.surface.area_um2).astype(xp.int64).sum())
        row = [area if name == "area_um2" else c.get(name, 0) for name in HISTORY]
        state.history[clock.day % HISTORY_DAYS] = xp.asarray(row, dtype=xp.int64)
        if clock.day == -1 or (clock.day == c["first_day"] and clock.day >= 0):
            self._set_baseline(state, clock)

    def _set_baseline(self, state: State, clock: Clock) -> None:
        """On the eve of entry, keep the rates that markers are compared with."""
        for total, level in BASELINES.items():
            gained, days = change(state, self.backend, total, clock.day, self.params.baseline_days)
            state.levels[level] = gained / days
        for name in ("resorption", "formation"):
            state.levels[f"baseline_cortical_{name}"] = state.levels[f"cortical_{name}"]


def marker_pct(state: State, backend: Any, total: str, name: str, day: int, params: MarkerParams) -> float:
    """A serum marker as % of its baseline; 100 where the baseline is not known yet."""
    baseline = state.levels.get(BASELINES[total], 0.0)
    if baseline <= 0:
        return 100.0
    gained, days = change(state, backend, total, day, params.window_days)
    cortical = state.levels[f"cortical_{name}"] / max(state.levels[f"baseline_cortical_{name}"], 1e-30)
    turnover = params.trabecular_share * gained / days / baseline + (1.0 - params.trabecular_share) * cortical
    outside = getattr(params, f"{name}_outside_share")
    return 100.0 * (outside + (1.0 - outside) * turnover)


def per_year(gained: int, days: int) -> float:
    """A gain over some days as a rate per year."""
    return gained / days * DAYS_PER_YEAR
