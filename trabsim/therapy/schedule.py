"""``[[therapy]]``: one drug by one schedule; which of its doses fall on which day.

Days count from entry.  A month is a twelfth of 365.25 days; the doses of ``every = "q6m"`` fall on the nearest days, so
that schedules in months neither drift nor gain a dose.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pydantic import field_validator

from trabsim.params import Params, param
from trabsim.units import DAYS_PER_YEAR

DAYS_PER_MONTH = DAYS_PER_YEAR / 12.0

#: Words for `every`, in days; None is a single dose.
EVERY: dict[str, float | None] = {
    "once": None,
    "daily": 1.0,
    "weekly": 7.0,
    "monthly": DAYS_PER_MONTH,
    "quarterly": 3.0 * DAYS_PER_MONTH,
    "semiannual": 6.0 * DAYS_PER_MONTH,
    "yearly": 12.0 * DAYS_PER_MONTH,
}
#: As prescriptions abbreviate it: qd, qw, q2w, q1m, q6m, q1y ...
SHORT = re.compile(r"q(\d*)([dwmy])")

#: A dose as people say it.
DOSE_WITH_UNIT = re.compile(r"\s*(-?[0-9.]+)\s*([^\W\d].*?)\s*")

#: Spellings of units that mean the same.
SAME_UNIT = {"µg": "ug", "μg": "ug", "mcg": "ug", "iu": "IU", "i.u.": "IU", "ml": "mL", "mg/ml": "mg/mL"}


class TherapyParams(Params):
    """``[[therapy]]``: one table per drug and schedule."""

    kind: str = param("", "which therapy", source="assumed: required")
    dose: float | None = param(
        None, "amount of each dose, in `unit`", source="assumed: required, but for what has none", ge=0
    )
    unit: str | None = param(
        None, "unit of the dose: mg, ug, IU, ug/day ...", source="assumed: required, but for what has none"
    )
    volume_mL: float | None = param(
        None, "volume of each dose where the unit is mg/mL", source="assumed: none", gt=0
    )
    route: str | None = param(
        None, "route, for drugs that have several", source="assumed: the drug's usual one"
    )
    every: str | None = param(
        None,
        "interval: once, daily, weekly, monthly, quarterly, semiannual, yearly, or qd, qw, q1m, q3m, q6m, q1y",
        source="assumed: required, or every_days",
    )
    every_days: float | None = param(None, "interval in days", source="assumed: required, or every", ge=1)
    start_day: int | None = param(None, "day of the first dose, from entry", source="assumed: entry")
    start_months: float | None = param(None, "the same in months", source="assumed: entry")
    stop_day: int | None = param(None, "day from which on no dose is given", source="assumed: lasts")
    stop_months: float | None = param(None, "the same in months", source="assumed: lasts")
    missed_doses: tuple[int, ...] = param((), "numbers of doses not taken, from 1", source="assumed: none")
    adherence_fraction: float = param(
        1.0,
        "share of doses that is taken, drawn at random dose by dose",
        source="assumed: all of them",
        ge=0,
        le=1,
    )
    bioavailability_fraction: float | None = param(
        None,
        "share of each dose that reaches plasma, where it is not the drug's (with food)",
        source="assumed: the drug's",
        ge=0,
        le=1,
    )
    start_when: str | None = param(
        None,
        "condition a clinic would see, such as T_score <= -2.5; judged on visits",
        source="assumed: none",
    )
    stop_when: str | None = param(
        None, "condition on which it ends, judged on visits", source="assumed: none"
    )
    visit_every_days: int = param(
        365, "interval between visits, from the start day on", source="assumed: yearly", ge=1
    )

    @field_validator("dose", mode="before")
    @classmethod
    def _dose_is_a_number(cls, dose: Any) -> Any:
        found = DOSE_WITH_UNIT.fullmatch(dose) if isinstance(dose, str) else None
        if found:
            raise ValueError(f"dose = {dose!r} holds a unit; write dose = {found[1]} and unit = '{found[2]}'")
        return dose

    @property
    def start(self) -> float:
        """Day of the first dose, not yet rounded."""
        if self.start_months is not None:
            return self.start_months * DAYS_PER_MONTH
        return float(self.start_day or 0)

    @property
    def stop(self) -> int | None:
        """First day without doses, None where it lasts."""
        if self.stop_months is not None:
            return on_day(self.stop_months * DAYS_PER_MONTH)
        return self.stop_day

    @property
    def interval(self) -> float | None:
        """Days between doses, None for a single dose."""
        if self.every_days is not None:
            return self.every_days
        return interval_of(self.every) if self.every is not None else None


def on_day(time: float) -> int:
    """The day a moment is rounded to."""
    return math.floor(time + 0.5)


def interval_of(every: str) -> float | None:
    """Days between doses.

    Raises
    ------
    KeyError
        If the word is unknown.
    """
    word = every.strip().lower()
    if word in EVERY:
        return EVERY[word]
    short = SHORT.fullmatch(word)
    if short is None or short[1] == "0":
        raise KeyError(every)
    days = {"d": 1.0, "w": 7.0, "m": DAYS_PER_MONTH, "y": 12.0 * DAYS_PER_MONTH}
    return int(short[1] or 1) * days[short[2]]


def plain_unit(unit: str) -> str:
    """A unit in the spelling used here: ``mcg/d`` becomes ``ug/day``."""
    text = unit.strip()
    amount, per, time = text.partition("/")
    if per and time.strip().lower() in ("d", "day", "24h", "24 h"):
        return f"{SAME_UNIT.get(amount.strip().lower(), amount.strip())}/day"
    return SAME_UNIT.get(text.lower(), text)


def dose_number(day: int, start: float, interval: float | None, stop: int | None) -> int:
    """Number of the dose that falls on a day, from 1; 0 if none does.

    Parameters
    ----------
    day : int
    start : float
        First dose, not yet rounded to a day.
    interval : float or None
        Days, None for a single dose.
    stop : int or None
        First day without doses.
    """
    if stop is not None and day >= stop:
        return 0
    if interval is None:
        return 1 if day == on_day(start) else 0
    nearest = math.floor((day - start) / interval + 0.5)
    for n in (nearest, nearest - 1, nearest + 1):
        if n >= 0 and on_day(start + n * interval) == day:
            return n + 1
    return 0


def dose_days(params: TherapyParams, until_day: int) -> list[int]:
    """Days on which doses are due, up to and without a day, whatever the clinic decides."""
    interval, start = params.interval, params.start
    last = until_day if params.stop is None else min(until_day, params.stop)
    if interval is None:
        return [on_day(start)] if on_day(start) < last else []
    days: list[int] = []
    while (day := on_day(start + len(days) * interval)) < last:
        days.append(day)
    return days
