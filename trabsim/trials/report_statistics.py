"""What a report says in numbers: means and intervals of arms, their differences, published values beside them."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trabsim.errors import TrabsimError
from trabsim.trials.clinical import read_row
from trabsim.trials.endpoints import Endpoint
from trabsim.trials.outcomes import published_error
from trabsim.trials.trial_file import Trial


class Mean(NamedTuple):
    """A mean over patients with its interval; the bounds are nan where one patient is left."""

    n: int
    mean: float
    sd: float
    low: float
    high: float


class Difference(NamedTuple):
    """What an arm adds to the comparator, in one month.

    `paired` compares each patient with the same patient in the other arm, which no real trial can; `parallel` is the
    interval that a trial with these patients in separate groups would have.
    """

    arm: str
    endpoint: str
    month: int
    paired: Mean
    parallel_low: float
    parallel_high: float


class Published(NamedTuple):
    """A published value of an arm; `difference` where it is one between arms."""

    id: str
    arm: str
    endpoint: str
    month: float
    value: float
    SE: float
    difference: bool


def interval(values: Sequence[float], confidence: float) -> Mean:
    """Mean with Student's interval; what is not known is left out."""
    known = np.array([value for value in values if math.isfinite(value)])
    if len(known) == 0:
        return Mean(0, math.nan, math.nan, math.nan, math.nan)
    mean = float(known.mean())
    if len(known) == 1:
        return Mean(1, mean, math.nan, math.nan, math.nan)
    sd = float(known.std(ddof=1))
    half = _student(confidence, len(known) - 1) * sd / math.sqrt(len(known))
    return Mean(len(known), mean, sd, mean - half, mean + half)


def by_patient(frame: Any, arm: str, endpoint: str, month: int) -> dict[int, float]:
    """Mean over replicates, by patient."""
    part = frame[(frame["arm"] == arm) & (frame["endpoint"] == endpoint) & (frame["month"] == month)]
    return {int(k): float(v) for k, v in part.groupby("patient")["value"].mean().items()}


def curve(frame: Any, arm: str, endpoint: Endpoint, confidence: float) -> dict[int, Mean]:
    """Means of an arm by month, entry included."""
    return {
        month: interval(list(by_patient(frame, arm, endpoint.name, month).values()), confidence)
        for month in sorted({0, *endpoint.months})
    }


def differences(frame: Any, trial: Trial) -> list[Difference]:
    """Every arm against the comparator, for every endpoint and month."""
    found = []
    for arm in trial.arm_names:
        for endpoint in trial.endpoint if arm != trial.comparator else ():
            for month in sorted(endpoint.months):
                here = by_patient(frame, arm, endpoint.name, month)
                there = by_patient(frame, trial.comparator, endpoint.name, month)
                both = [here[patient] - there[patient] for patient in here if patient in there]
                paired = interval(both, trial.report.confidence)
                found.append(
                    Difference(
                        arm,
                        endpoint.name,
                        month,
                        paired,
                        *_welch(list(here.values()), list(there.values()), trial.report.confidence),
                    )
                )
    return found


def _welch(first: Sequence[float], second: Sequence[float], confidence: float) -> tuple[float, float]:
    """Interval of a difference between groups of other people, by Welch's approximation."""
    groups = [np.array([v for v in values if math.isfinite(v)]) for values in (first, second)]
    if min(len(group) for group in groups) < 2:
        return math.nan, math.nan
    a, b = (float(group.var(ddof=1)) / len(group) for group in groups)
    middle = float(groups[0].mean() - groups[1].mean())
    if a + b == 0.0:
        return middle, middle
    freedom = (a + b) ** 2 / (a**2 / (len(groups[0]) - 1) + b**2 / (len(groups[1]) - 1))
    half = _student(confidence, freedom) * math.sqrt(a + b)
    return middle - half, middle + half


def _student(confidence: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + 0.5 * confidence))


def published_points(trial: Trial) -> list[Published]:
    """Published values of the trial's arms and endpoints, from its reference table.

    Rows are taken by ``arm_id``; those against a reference arm count as differences where that is the comparator's.
    Rows that cannot be read are left out.
    """
    if trial.report.reference_table is None:
        return []
    with Path(trial.report.reference_table).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ids = {arm.arm_id: arm.name for arm in trial.arm if arm.arm_id}
    other = next((arm.arm_id for arm in trial.arm if arm.name == trial.comparator), None)
    found = []
    for row in rows:
        arm = ids.get(row.get("arm_id") or "")
        if arm is None:
            continue
        try:
            read = read_row(row)
        except TrabsimError:
            continue
        difference = read.reference_arm is not None
        if (difference and row.get("reference_arm_id") != other) or read.reference in ("absolute", "rate"):
            continue
        for endpoint in trial.endpoint:
            same_site = endpoint.quantity != "BMD_pct_change" or (endpoint.site or "LS") == read.site
            if endpoint.quantity == read.quantity and same_site:
                month, value, error = read.eval_month, read.value, published_error(read)
                found.append(Published(read.id, arm, endpoint.name, month, value, error, difference))
    return found
