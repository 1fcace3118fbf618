"""Fields that are solved only when enough has changed give the results of fields that are solved every day.

Run with ``pytest -m validate tests/validation/test_remodeling_refresh.py -s`` (about two minutes); it prints both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_bone import begin, rods

#: Seeds of each kind of run.
SEEDS = range(1, 9)


def year(seed: int, settings: dict[str, Any]) -> dict[str, float]:
    """A year of a lattice of rods with ten times the usual activation."""
    sim = begin(rods(24), {"run.seed": seed, "activation.rate_per_mm2_per_year": 10.0, **settings})
    state = sim.state
    phi, wnt = [], []
    for _ in range(365):
        sim.step()
        phi.append(state.levels["phi"])
        wnt.append(state.levels["wnt"])
    initial = state.counters["initial_quanta"]
    return {
        "resorbed": state.counters["resorbed_quanta"] / initial,
        "formed": state.counters["formed_quanta"] / initial,
        "sites": state.counters["sites_opened"],
        "bone": state.bone.sum(dtype=np.int64) / initial,
        "osteoclasts": state.counters["osteoclasts_born"],
        "phi": float(np.mean(phi)),
        "wnt": float(np.mean(wnt)),
        "solved": state.counters["field_refreshes"],
    }


@pytest.mark.validate
def test_seldom_solved_fields_change_no_result() -> None:
    """Each mean over seeds differs by less than three times its Monte-Carlo error, or by less than 1 %."""
    runs = {
        "daily": [year(seed, {"fields.refresh_change": 1e-12, "fields.refresh_days": 1}) for seed in SEEDS],
        "by need": [year(seed, {}) for seed in SEEDS],
    }
    wrong = []
    for name in runs["daily"][0]:
        values = {kind: np.array([row[name] for row in rows]) for kind, rows in runs.items()}
        difference = values["by need"].mean() - values["daily"].mean()
        error = np.sqrt(sum(v.var(ddof=1) / len(v) for v in values.values()))
        print(
            f"{name:12s} daily {values['daily'].mean():.4g}, by need {values['by need'].mean():.4g} +- {error:.2g}"
        )
        if name != "solved" and abs(difference) > max(3 * error, 0.01 * abs(values["daily"].mean())):
            wrong.append(name)
    assert not wrong
    solved = {kind: np.mean([row["solved"] for row in rows]) for kind, rows in runs.items()}
    assert solved["daily"] == 365
    assert solved["by need"] < 0.6 * solved["daily"], "the rule saves work"
