"""Lives of one formula instead of simulated ones: density falls slowly, each drug adds its own while it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trabsim.trials.execution import Outcomes
from trabsim.trials.lives import Life

#: Gain of density a month, as a share of entry's, and change of a marker while taken, by drug.
GAIN = {"denosumab": 0.004, "teriparatide": 0.005, "alendronate": 0.002, "zoledronate": 0.002}
MARKER = {"denosumab": -60.0, "teriparatide": 120.0, "alendronate": -50.0, "zoledronate": -40.0}

#: Share of a gain that is left a month after the stop.
LEFT = 0.9

DENSITIES = (
    "vBMD_mg_per_cm3",
    *(f"{site}_BMD_relative" for site in ("lumbar_spine", "total_hip", "femoral_neck")),
)


class FakeLives:
    """Stands in for `trabsim.trials.execution.run_lives`.

    Parameters
    ----------
    together : float
        What drugs that are taken at once add beyond their sum, per drug more and month.
    noise : float
        Standard deviation over seeds of the slope, common to all arms of a seed.
    fails : callable, optional
        Which lives fail.
    """

    def __init__(self, together: float = 0.0, noise: float = 0.0002, fails: Any = None):
        self.together, self.noise, self.fails = together, noise, fails
        self.asked: list[Life] = []
        self.run: set[str] = set()

    def __call__(
        self, lives: Iterable[Life], folder: Any, cluster: Any = None, *, progress: Any = None, **other: Any
    ) -> Outcomes:
        outcomes = Outcomes()
        for life in lives:
            self.asked.append(life)
            if self.fails is not None and self.fails(life):
                outcomes.failures[life.key] = "the osteoclasts are on strike"
                continue
            self.run.add(life.key)
            outcomes.rows[life.key] = {
                month: self.row(life, month) for month in sorted({*range(-5, 1), *life.months})
            }
        if progress is not None:
            progress(len(outcomes.rows), len(outcomes.failures), len(outcomes.rows) + len(outcomes.failures))
        return outcomes

    def row(self, life: Life, month: int) -> dict[str, float]:
        """One row."""
        seed = life.before["run"]["seed"]
        tables = [*life.before.get("therapy", ()), *life.therapy]
        factor = life.overrides.get("activation.fake", 1.0)
        gained = self.noise * ((seed * 7) % 5 - 2) * month - 0.001 * month
        gained += sum(factor * gain(table, month) for table in tables)
        taken = [table for table in tables if table["start_months"] < month <= table["stop_months"]]
        gained += self.together * max(len({t["kind"] for t in taken if t["kind"] in GAIN}) - 1, 0) * month
        marker = 100.0 + sum(MARKER.get(table["kind"], 0.0) for table in taken)
        return {
            **dict.fromkeys(DENSITIES, 1.0 + gained),
            **dict.fromkeys(("BV_TV", "potential_BV_TV"), 0.1 * (1.0 + gained)),
            **dict.fromkeys(("CTX_pct_of_baseline", "P1NP_pct_of_baseline"), marker),
            **dict.fromkeys(("MS_BS", "W_Th_um", "MAR_um_per_day"), 0.05),
            **{
                name: 10.0
                for name in ("Tb_Th_um", "Tb_Sp_um", "Tb_N_per_mm")
                if month in life.structure_months
            },
            "T_score": -2.0 + 10.0 * gained,
        }


def gain(table: Mapping[str, Any], month: float) -> float:
    """What a drug has given by a month, and what of it is left."""
    slope, start, stop = GAIN.get(table["kind"], 0.0), table["start_months"], table["stop_months"]
    if table["every"] == "once":
        stop = float("inf")
    months = max(min(month, stop) - start, 0.0) - (max(min(0.0, stop) - start, 0.0) if start < 0 else 0.0)
    return slope * months * LEFT ** max(month - stop, 0.0)
