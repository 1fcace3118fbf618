"""A trial file that can be run in seconds, and lives whose rows are known without running them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trabsim.trials.execution import Outcomes
from trabsim.trials.lives import FIRST_MONTH, Life

TRIAL = """
[trial]
name = "Small"
patients = 3
seed = 3
shape = [24, 24, 24]
voxel_size_um = 48.0
spin_up_days = 20

[population]
age_years = { kind = "normal", mean = 68, sd = 6, least = 55, most = 80 }
years_since_menopause = { kind = "normal", mean = 18, sd = 6, least = 5, most = 40 }
T_score = { kind = "normal", mean = -2.0, sd = 0.5 }
correlation = [["age_years", "years_since_menopause", 0.8]]
inclusion = { T_score = [-3.0, -1.0] }

[[arm]]
name = "placebo"
arm_id = "P"

[[arm]]
name = "denosumab"
schedule = "calcium 500 mg qd 0-24; denosumab 60 mg q6m 0-24"
arm_id = "D"

[[endpoint]]
quantity = "BMD_pct_change"
site = "LS"
months = [1, 2]

[[endpoint]]
quantity = "CTX_pct"
months = [1]

[[endpoint]]
quantity = "Tb_Th_um"
months = [2]
"""


def write_trial(folder: Path, *changes: tuple[str, str], name: str = "small.toml") -> Path:
    """The trial as a file, with texts in it replaced."""
    text = TRIAL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def row_of(life: Life, month: int, T_score: float | None = None) -> dict[str, float]:
    """Measures of a life that never was: bone grows under denosumab, a little more in patients with more bone."""
    bone = life.config.specimen.BV_TV or 0.1
    treated = any(course.kind == "denosumab" for course in life.config.therapy)
    grown = 1.0 + 0.01 * month * (1.0 + bone if treated else -bone) if month > 0 else 1.0
    score = -2.0 if T_score is None else T_score
    row: dict[str, float] = {"BV_TV": bone * grown, "potential_BV_TV": bone * grown, "T_score": score}
    row |= {"vBMD_mg_per_cm3": 1100.0 * bone * grown, "Tb_Th_um": 130.0 * grown, "Tb_N_per_mm": 1.2}
    row |= {f"{site}_BMD_relative": grown for site in ("lumbar_spine", "total_hip", "femoral_neck")}
    return row | {"CTX_pct_of_baseline": 30.0 if treated and month > 0 else 100.0}


def outcomes_of(lives: Iterable[Life], failing: str = "never", T_scores: Any = None) -> Outcomes:
    """What `run_lives` would answer; lives whose label holds `failing` fail."""
    found = Outcomes()
    for life in lives:
        if failing in life.label:
            found.failures[life.key] = "no bone left"
            continue
        score = None if T_scores is None else T_scores(life)
        months = [*range(FIRST_MONTH, 1), *life.months, *life.structure_months]
        found.rows[life.key] = {month: row_of(life, month, score) for month in months}
        found.facts[life.key] = {
            "seconds": 1.0, "version": "0", "git": {}, "specimen_seed": 1, "finished": "now",
        }  # fmt: skip
    return found
