"""Two null models that a scorecard is shown beside: what anybody would guess who knows single drugs alone.

``effects add up``: what each drug does alone (a life of the same person and seed on it alone, less one on none) is
added; what a stopped drug has done to density and structure stays, and markers and dynamic indices, which are rates of
the moment, follow the drugs that are being taken.  ``effects vanish at the stop``: the same, but what a stopped drug
has done is gone.  A single drug that is still taken is its own curve in both, so they say nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from trabsim.trials.clinical import BACKGROUND, GAP_MONTHS, Arm, ClinicalRow, Course
from trabsim.trials.lives import FIRST_MONTH
from trabsim.trials.outcomes import SLOW, Series

ADD, VANISH = "effects add up", "effects vanish at the stop"
NULL_MODELS = (ADD, VANISH)

#: Columns of what has piled up, whose effects multiply; T-scores pile up, too, but may be negative.
PILED_UP = (
    *("BV_TV", "potential_BV_TV", "vBMD_mg_per_cm3", "BS_TV_per_mm"),
    *(f"{site}_BMD_relative" for site in ("lumbar_spine", "total_hip", "femoral_neck")),
    *(name for name in SLOW if name not in ("SMI", "DA", "Conn_D_per_mm3")),
)
SUMMED_UP = (
    *("SMI", "DA", "Conn_D_per_mm3", "T_score"),
    *(f"{site}_T_score" for site in ("lumbar_spine", "total_hip", "femoral_neck")),
)


def background_arm(arm: Arm) -> Arm:
    """The same person with none of the drugs."""
    return alone(arm, None)


def alone(arm: Arm, kind: str | None) -> Arm:
    """The same person with one of the drugs, by its schedule."""
    kept = [
        tuple(items for items in part if dict(items)["kind"] in BACKGROUND | {kind})
        for part in (arm.prior, arm.schedule)
    ]
    return Arm(arm.person, kept[0], kept[1])


def courses(arm: Arm) -> dict[str, list[Course]]:
    """When each drug is taken, background left out."""
    found: dict[str, list[Course]] = {}
    for items in (*arm.prior, *arm.schedule):
        course = Course.of(items)
        if course.kind not in BACKGROUND:
            found.setdefault(course.kind, []).append(course)
    return found


def differs(arm: Arm, row: ClinicalRow) -> bool:
    """Whether null models say anything else of an arm than its own run."""
    last = max(row.months[1], 0.5)
    begun = {kind: of for kind, of in courses(arm).items() if any(course.start < last for course in of)}
    return len(begun) > 1 or any(not _taken(of, last) for of in begun.values())


def arms_needed(arm: Arm) -> list[Arm]:
    """Arms whose curves the null models of an arm are made of."""
    return [background_arm(arm), *(alone(arm, kind) for kind in courses(arm))]


def stop_months(arm: Arm) -> list[int]:
    """Months at which effects are held."""
    ends = {course.stop for of in courses(arm).values() for course in of}
    return sorted(round(end) for end in ends if math.isfinite(end) and end >= 0)


def null_series(
    model: str, arm: Arm, base: Series, curves: Mapping[str, Series]
) -> dict[int, dict[str, float]]:
    """Rows that a null model predicts for one seed.

    Parameters
    ----------
    model : {"effects add up", "effects vanish at the stop"}
    arm : Arm
    base : mapping of int to row
        Rows of the person without the drugs.
    curves : mapping of str to mapping
        Rows of the person with each drug alone.

    Returns
    -------
    dict of int to dict
        Rows of every month that all curves hold; columns that no null model speaks of are left out.
    """
    times = courses(arm)
    months = sorted(set(base).intersection(*(set(curve) for curve in curves.values())))
    return {month: _row(model, month, times, base, curves) for month in months}


def _row(
    model: str,
    month: int,
    times: Mapping[str, list[Course]],
    base: Series,
    curves: Mapping[str, Series],
) -> dict[str, float]:
    held = {kind: when for kind, of in times.items() if (when := _held_month(model, of, month)) is not None}
    taken = [kind for kind, of in times.items() if _taken(of, month)]
    row = {}
    for column, value in base[month].items():
        if column in PILED_UP:
            parts = (_ratio(curves[kind], base, when, column) for kind, when in held.items())
            row[column] = value * (1.0 + sum(part - 1.0 for part in parts))
        elif column in SUMMED_UP:
            parts = (_difference(curves[kind], base, when, column) for kind, when in held.items())
            row[column] = value + sum(parts)
        else:
            row[column] = value + sum(_difference(curves[kind], base, month, column) for kind in taken)
    return row


def _held_month(model: str, times: list[Course], month: int) -> int | None:
    """Month from whose curve an effect is read; None where there is no effect."""
    begun = [course for course in times if course.start < month]
    if not begun:
        return None
    if _taken(times, month):
        return month
    if model == VANISH:
        return None
    stop = round(max(course.stop for course in begun))
    return max(stop, FIRST_MONTH)


def _taken(times: list[Course], month: float) -> bool:
    return any(course.start < month <= course.stop + GAP_MONTHS for course in times)


def _ratio(curve: Series, base: Series, month: int, column: str) -> float:
    under = base.get(month, {}).get(column, math.nan)
    return curve.get(month, {}).get(column, math.nan) / under if under else math.nan


def _difference(curve: Series, base: Series, month: int, column: str) -> float:
    return curve.get(month, {}).get(column, math.nan) - base.get(month, {}).get(column, math.nan)
