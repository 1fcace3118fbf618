"""The scorecard: every published number of a table beside what the model says of it, and beside two null models.

Rows with equal arms share a life, and arms of one person and seed share specimen, cells and run-in, so that their
difference is what they are given.  z = (simulated - published) / sqrt(SE_published^2 + SE_MonteCarlo^2 + d^2), d being
what the model is not held to (`trabsim.trials.outcomes.allowance`); a row passes where |z| < 2.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trabsim.config import load_config
from trabsim.therapy.registry import therapy_class, therapy_kinds
from trabsim.tissue.cortex import CortexParams
from trabsim.trials.arm_lives import ArmLives, Settings
from trabsim.trials.clinical import GROUPS, Arm, ClinicalRow, Person
from trabsim.trials.clinical_table import ClinicalTable, Skipped
from trabsim.trials.execution import Cluster, Outcomes, run_lives
from trabsim.trials.null_models import (
    NULL_MODELS,
    alone,
    arms_needed,
    background_arm,
    courses,
    differs,
    stop_months,
)
from trabsim.trials.null_models import null_series as null_rows
from trabsim.trials.outcomes import Score, Series, outcome, score

#: |z| below which a row passes.
PASS_Z = 2.0

#: Runs lives: `trabsim.trials.execution.run_lives`, or what stands in for it.
Runner = Callable[..., Outcomes]


@dataclass(frozen=True)
class Line:
    """A row that was run.

    Attributes
    ----------
    row : ClinicalRow
    values : tuple of float
        One per seed that was run, comparator subtracted.
    score : Score
    nulls : dict of str to Score
        By null model; empty where a null model is the model's own curve of a single drug.
    missing : int
        Seeds that failed.
    """

    row: ClinicalRow
    values: tuple[float, ...]
    score: Score
    nulls: Mapping[str, Score]
    missing: int = 0

    @property
    def passed(self) -> bool:
        """Whether |z| < 2."""
        return abs(self.score.z) < PASS_Z


@dataclass(frozen=True)
class Scorecard:
    """A table that was run.

    Attributes
    ----------
    table : ClinicalTable
    settings : Settings
    lines : tuple of Line
    skipped : tuple of Skipped
        Rows that were not run, with the reason; they count nowhere.
    parameters_sha256 : str
        Hash of every parameter of the model and of every drug.
    entry: dict of Person to float
        T-score at entry, mean over seeds, less that of the trial, of people whose T-score the table names.
    """

    table: ClinicalTable
    settings: Settings
    lines: tuple[Line, ...]
    skipped: tuple[Skipped, ...]
    parameters_sha256: str
    entry: Mapping[Person, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Total:
    """What a group of rows adds up to.

    Attributes
    ----------
    name : str
    rows, passed : int
    mean_z, rms_z : float
        nan without rows.
    nulls : dict of str to (int, int, float)
        By null model: rows that it says something of, how many pass, and RMS z.
    comparable : (int, float)
        Of the model itself on those rows: how many pass, and RMS z.
    """

    name: str
    rows: int
    passed: int
    mean_z: float
    rms_z: float
    nulls: Mapping[str, tuple[int, int, float]]
    comparable: tuple[int, float]


def plan(rows: Iterable[ClinicalRow], settings: Settings, *, null_models: bool = True) -> ArmLives:
    """Find the lives that rows need.

    Parameters
    ----------
    rows : iterable of ClinicalRow
    settings : Settings
    null_models : bool
        Whether single-drug lives are added where the null models need them.

    Returns
    -------
    ArmLives
    """
    lives = ArmLives(settings)
    for row in rows:
        for arm in row.arms:
            lives.need(arm, row)
            if null_models and differs(arm, row):
                for single in arms_needed(arm):
                    lives.need(single, row, [month for month in stop_months(arm) if month <= row.months[1]])
    return lives


def validate(
    table: ClinicalTable,
    settings: Settings,
    folder: str | Path,
    cluster: Cluster | None = None,
    *,
    plain: bool = False,
    runner: Runner = run_lives,
    progress: Callable[[int, int, int], None] | None = None,
) -> Scorecard:
    """Run a table and score it.

    Parameters
    ----------
    table : ClinicalTable
    settings : Settings
    folder : str or Path
        Where lives are kept; what is there is not run again.
    cluster : Cluster, optional
    plain : bool
        Density as it stands, without averaging over what happens to be open.
    runner : callable
        Stands in for `run_lives`.
    progress : callable, optional
        As of `run_lives`.

    Returns
    -------
    Scorecard
    """
    lives = plan(table.rows, settings)
    outcomes = runner(lives.lives, folder, cluster, progress=progress) if table.rows else Outcomes()
    return score_table(table, lives, outcomes, plain=plain)


def score_table(
    table: ClinicalTable, lives: ArmLives, outcomes: Outcomes, *, plain: bool = False
) -> Scorecard:
    """Score what was run."""
    settings = lives.settings
    cortex = load_config({}, settings.overrides).process.cortex
    lines, skipped = [], list(table.skipped)
    for row in table.rows:
        values = values_of(row, lives, outcomes.rows, cortex, plain)
        if not values:
            reason = f"no run of it was finished: {_failure(row, lives, outcomes)}"
            skipped.append(Skipped(row.id, row.quantity, row.site, row.drug, reason))
            continue
        nulls = {}
        if any(differs(arm, row) for arm in row.arms):
            for model in NULL_MODELS:
                guessed = values_of(row, lives, outcomes.rows, cortex, plain, model)
                if guessed:
                    nulls[model] = score(row, guessed)
        missing = settings.seeds - len(values)
        lines.append(Line(row, tuple(values), score(row, values), nulls, missing))
    entry = _entry([line.row for line in lines], lives, outcomes.rows)
    found = parameters_sha256(settings.overrides)
    return Scorecard(table, settings, tuple(lines), tuple(skipped), found, entry)


def _entry(rows: Sequence[ClinicalRow], lives: ArmLives, found: Mapping[str, Series]) -> dict[Person, float]:
    """How far the people of the rows are, at entry, from the T-scores of the trials."""
    off: dict[Person, float] = {}
    for arm in (arm for row in rows for arm in row.arms):
        wanted = arm.person.T_score
        series = lives.series(arm, found)
        if wanted is not None and series and arm.person.bone == "lumbar":
            off[arm.person] = sum(rows[0]["T_score"] for rows in series.values()) / len(series) - wanted
    return off


def values_of(
    row: ClinicalRow,
    lives: ArmLives,
    rows: Mapping[str, Series],
    cortex: CortexParams,
    plain: bool = False,
    model: str | None = None,
) -> list[float]:
    """What each seed says of a row, the comparator subtracted, the mean over pairs of arms taken.

    Parameters
    ----------
    row : ClinicalRow
    lives : ArmLives
    rows : mapping of str to series
        Of lives, by key.
    cortex : CortexParams
    plain : bool
    model : str, optional
        A null model, instead of what was run.

    Returns
    -------
    list of float
        Seeds whose every life was run, in their order.
    """
    seen = {arm: _series(arm, row, lives, rows, model) for arm in row.arms}
    values = []
    for seed in range(1, lives.settings.seeds + 1):
        if all(seed in series for series in seen.values()):
            parts = [
                outcome(row, seen[arm][seed], cortex, plain)
                - (outcome(row, seen[other][seed], cortex, plain) if other is not None else 0.0)
                for arm, other in row.pairs
            ]
            values.append(sum(parts) / len(parts))
    return [value for value in values if math.isfinite(value)]


def _series(
    arm: Arm, row: ClinicalRow, lives: ArmLives, rows: Mapping[str, Series], model: str | None
) -> dict[int, Any]:
    if model is None or not differs(arm, row):
        return lives.series(arm, rows)
    base = lives.series(background_arm(arm), rows)
    curves = {kind: lives.series(alone(arm, kind), rows) for kind in courses(arm)}
    seeds = set(base).intersection(*curves.values())
    return {
        seed: null_rows(model, arm, base[seed], {kind: curve[seed] for kind, curve in curves.items()})
        for seed in sorted(seeds)
    }


def _failure(row: ClinicalRow, lives: ArmLives, outcomes: Outcomes) -> str:
    for (arm, _), life in lives.by_arm.items():
        if arm in row.arms and life.key in outcomes.failures:
            return outcomes.failures[life.key]
    return f"'{row.quantity}' is not a number in it"


def totals(lines: Sequence[Line]) -> list[Total]:
    """Totals by group, then of all rows, then by confidence."""
    parts = [(group, [line for line in lines if line.row.group == group]) for group in GROUPS]
    parts.append(("all", list(lines)))
    words = sorted({line.row.confidence for line in lines}, key=lambda word: (word != "high", word))
    parts += [
        (f"confidence: {word}", [line for line in lines if line.row.confidence == word]) for word in words
    ]
    return [_total(name, part) for name, part in parts if part]


def _total(name: str, lines: Sequence[Line]) -> Total:
    z = [line.score.z for line in lines]
    nulls = {}
    for model in NULL_MODELS:
        guessed = [line.nulls[model].z for line in lines if model in line.nulls]
        nulls[model] = (len(guessed), _passing(guessed), _rms(guessed))
    held = [line.score.z for line in lines if line.nulls]
    return Total(name, len(z), _passing(z), sum(z) / len(z), _rms(z), nulls, (_passing(held), _rms(held)))


def _passing(z: Sequence[float]) -> int:
    return sum(abs(value) < PASS_Z for value in z)


def _rms(z: Sequence[float]) -> float:
    return math.sqrt(sum(value * value for value in z) / len(z)) if z else math.nan


def parameters_sha256(overrides: Mapping[str, Any]) -> str:
    """Hash of every parameter of the model and of every drug, overrides included."""
    config = load_config({}, overrides)
    drugs = {kind: therapy_class(kind).params_class() for kind in therapy_kinds()} | config.drug
    data = {
        "process": config.process.model_dump(mode="json"),
        "endocrine": config.endocrine.model_dump(mode="json"),
        "drug": {kind: params.model_dump(mode="json") for kind, params in drugs.items()},
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def uncalibrated(rows: Iterable[ClinicalRow]) -> dict[str, str]:
    """Therapies of which no row of the drug alone speaks, with what they rest on."""
    spoken = {row.drug for row in rows if row.excluded is None}
    return {kind: therapy_class(kind).evidence for kind in therapy_kinds() if kind not in spoken}
