"""Rows of a clinical table: a published number, who was treated with what, and when it was looked at.

A row names a person (sex, age, years since menopause, T-score, a condition), a schedule in one line (see
`trabsim.therapy.grammar`), and the one it is compared with.  `trabsim.trials.persons` makes configurations of them, and
`trabsim.trials.outcomes` reads off what the runs say of a row.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from trabsim.errors import ConfigError
from trabsim.therapy.grammar import read_prior, read_schedule

#: Drugs that stand in the background of nearly every trial: beside another one they make no combination.
BACKGROUND = frozenset({"calcium", "vitamin_d", "medroxyprogesterone", "micronized_progesterone"})

#: Structural quantities: for these the specimen is of the site that the table names.
STRUCTURE = ("BVTV", "TbTh", "TbN", "TbSp", "ConnD", "SMI", "BS_TV")

#: Sexes of a table; people of both are taken as a woman and a man.
SEXES = {"F": ("female",), "M": ("male",), "mixed": ("female", "male")}
SEX_WORDS = {"f": "F", "female": "F", "m": "M", "male": "M", "mixed": "mixed"}

#: References that need no other arm.
ALONE = ("vs_baseline", "absolute", "rate")

#: Groups of rows, in the order of reports.
GROUPS = ("single drugs", "natural history", "combinations", "sequences and switches", "stops")

#: Months after the last dose in which a drug still counts as taken: a trial's last visit may come late.
GAP_MONTHS = 3.0

CONDITION = re.compile(r"\bcondition\s*=\s*(\w*)", re.IGNORECASE)
RATE_WINDOW = re.compile(r"\brate_window\s*=\s*(\d+(?:\.\d+)?)\s*[-–]\s*(\d+(?:\.\d+)?)")


class Person(NamedTuple):
    """Who was treated; None where the table is silent."""

    sex: str
    age_years: float
    years_since_menopause: float | None = None
    T_score: float | None = None
    condition: str | None = None
    bone: str = "lumbar"


class Arm(NamedTuple):
    """One arm of a trial: rows with equal arms share a run.  Schedules are tables of ``[[therapy]]``, as items."""

    person: Person
    prior: tuple[tuple[tuple[str, Any], ...], ...]
    schedule: tuple[tuple[tuple[str, Any], ...], ...]

    @property
    def tables(self) -> list[dict[str, Any]]:
        """All tables of ``[[therapy]]``, those before entry first."""
        return [dict(items) for items in (*self.prior, *self.schedule)]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is given from entry on, the background left out."""
        kinds = dict.fromkeys(str(dict(items)["kind"]) for items in self.schedule)
        return tuple(kind for kind in kinds if kind not in BACKGROUND)


class Course(NamedTuple):
    """When a drug is taken, in months from entry.

    A single dose is given until the next month and never stops: nobody leaves it off.
    """

    kind: str
    start: float
    stop: float
    given_until: float

    @classmethod
    def of(cls, items: tuple[tuple[str, Any], ...]) -> Course:
        """Of a table of ``[[therapy]]``."""
        table = dict(items)
        start, end = _span(items)
        return cls(table["kind"], start, math.inf if table["every"] == "once" else end, end)


@dataclass(frozen=True)
class ClinicalRow:
    """One published number, the arm it comes from, and the one it is compared with.

    Attributes
    ----------
    id, quantity, site : str
    value : float
    spread, spread_kind : str
        As published; empty or ``none`` where there is none.
    n : int or None
    reference : str
        ``vs_baseline``, ``absolute`` or ``rate``; anything else is a difference, such as ``vs_placebo``.
    pairs : tuple of (Arm, Arm or None)
        Arms, each with the arm whose number is subtracted.  One pair, or with people of both sexes a woman's and a
        man's, whose mean counts.
    baseline_month, eval_month : float
    window_months : (float, float) or None
        Months over which a published rate averages.
    supported : str
        ``yes``, or why not.
    confidence : str
        ``high`` (the number was read where it was published) or ``medium`` (second-hand).
    """

    id: str
    quantity: str
    site: str
    value: float
    spread: str
    spread_kind: str
    n: int | None
    reference: str
    pairs: tuple[tuple[Arm, Arm | None], ...]
    baseline_month: float
    eval_month: float
    window_months: tuple[float, float] | None
    supported: str
    confidence: str = "high"

    @property
    def arm(self) -> Arm:
        """The arm, with people of both sexes that of the woman."""
        return self.pairs[0][0]

    @property
    def reference_arm(self) -> Arm | None:
        """The arm whose number is subtracted."""
        return self.pairs[0][1]

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm that the row needs."""
        return tuple(arm for pair in self.pairs for arm in pair if arm is not None)

    @property
    def months(self) -> tuple[float, float]:
        """First and last month that the published number speaks of."""
        return self.window_months or (self.baseline_month, self.eval_month)

    @property
    def drug(self) -> str:
        """What is tested: kinds joined by ``+``, or the background alone."""
        return " + ".join(self.arm.kinds) or background_of(self.arm)

    @property
    def excluded(self) -> str | None:
        """Why the row says nothing about a single drug; such rows are never fitted."""
        if len(self.arm.kinds) > 1:
            times = [_span(items) for items in self.arm.schedule if dict(items)["kind"] in self.arm.kinds]
            first_end = min(end for _, end in times)
            return "sequence" if any(start >= first_end for start, _ in times) else "combination"
        before = {str(dict(items)["kind"]) for items in self.arm.prior} - BACKGROUND - set(self.arm.kinds)
        if before:
            return f"sequence after {' + '.join(sorted(before))}"
        ends = [_span(items)[1] for items in self.arm.schedule if dict(items)["kind"] in self.arm.kinds]
        once = [dict(items)["every"] == "once" for items in self.arm.schedule]
        if ends and not any(once) and max(ends) + GAP_MONTHS < self.eval_month:
            return "after stopping"
        return None

    @property
    def group(self) -> str:
        """What the row tests, by what has begun when it is looked at: one of `GROUPS`."""
        last = max(self.months[1], 0.5)
        begun = [Course.of(items) for items in (*self.arm.prior, *self.arm.schedule)]
        begun = [course for course in begun if course.kind not in BACKGROUND and course.start < last]
        kinds = {course.kind for course in begun}
        if not begun:
            return "natural history"
        if all(course.stop + GAP_MONTHS < last for course in begun):
            return "stops"
        if len(kinds) == 1:
            return "single drugs"
        overlap = any(
            one.kind != other.kind and one.start < other.given_until and other.start < one.given_until
            for one in begun
            for other in begun
        )
        return "combinations" if overlap else "sequences and switches"


def background_of(arm: Arm) -> str:
    """Name of an arm without a drug of its own."""
    kinds = sorted({str(dict(items)["kind"]) for items in arm.schedule})
    return " + ".join(kinds) or "none"


def _span(items: tuple[tuple[str, Any], ...]) -> tuple[float, float]:
    """First month, and the one from which on it is not given; surgery lasts."""
    table = dict(items)
    return table["start_months"], table.get("stop_months", math.inf)


def read_row(row: Mapping[str, str]) -> ClinicalRow:
    """Read a row of a clinical table.

    Parameters
    ----------
    row : mapping of str to str
        Columns by name, as `csv.DictReader` gives them.

    Returns
    -------
    ClinicalRow

    Raises
    ------
    ConfigError
        If a column is missing or cannot be read.
    """
    cells = {name: (text or "").strip() for name, text in row.items()}
    name = cells.get("id") or "(no id)"
    try:
        return _read(name, cells)
    except KeyError as error:
        raise ConfigError(
            f"row {name} of the clinical table: the column {error} is missing; compare it with the table's header"
        ) from None
    except ConfigError as error:
        raise ConfigError(f"row {name} of the clinical table: {error}") from None


def _read(name: str, cells: Mapping[str, str]) -> ClinicalRow:
    sexes = SEXES.get(SEX_WORDS.get(cells["sex"].lower(), ""))
    if sexes is None:
        raise ConfigError(f"sex is '{cells['sex']}'; write F, M or mixed")
    if not cells["reference"]:
        raise ConfigError(
            "reference is empty; write vs_baseline, absolute, rate or, for a difference, vs_placebo"
        )
    word = cells["reference"].lower()
    reference = word if word in ALONE else cells["reference"]
    if reference not in ALONE and not cells["reference_schedule"]:
        raise ConfigError(
            f"reference is {reference}, but reference_schedule is empty; write what the others took, or none"
        )
    condition, window = _note(cells.get("schedule_note", ""))
    structural = cells["quantity"].startswith(STRUCTURE) and "iliac" in cells["site"]
    pairs = []
    for sex in sexes:
        person = Person(
            sex=sex,
            age_years=_number(cells, "age"),
            years_since_menopause=_number_or_none(cells, "years_since_menopause")
            if sex == "female"
            else None,
            T_score=_number_or_none(cells, "T_score"),
            condition=condition,
            bone="iliac" if structural else "lumbar",
        )
        other = None if reference in ALONE else _arm(person, cells, "reference_schedule")
        pairs.append((_arm(person, cells, "schedule"), other))
    return ClinicalRow(
        id=name,
        quantity=cells["quantity"],
        site=cells["site"],
        value=_number(cells, "value"),
        spread=cells["spread"],
        spread_kind=cells["spread_kind"],
        n=_count(cells, "n"),
        reference=reference,
        pairs=tuple(pairs),
        baseline_month=_number(cells, "baseline_month"),
        eval_month=_number(cells, "eval_month"),
        window_months=window,
        supported=cells["supported"],
        confidence=cells.get("confidence") or "not stated",
    )


def _note(note: str) -> tuple[str | None, tuple[float, float] | None]:
    """Condition of the person and months that a rate averages over, where a note names them."""
    condition, window = CONDITION.search(note), RATE_WINDOW.search(note)
    if window is None and "rate_window" in note:
        raise ConfigError(f"schedule_note is '{note}', whose rate_window is no span; write rate_window=0-24")
    return (
        condition[1].lower() if condition else None,
        (float(window[1]), float(window[2])) if window else None,
    )


def _number(cells: Mapping[str, str], column: str) -> float:
    text = cells[column]
    with contextlib.suppress(ValueError):
        if math.isfinite(float(text)):
            return float(text)
    if not text:
        raise ConfigError(f"{column} is empty; write a number")
    raise ConfigError(f"{column} is '{text}', which is no number; correct it")


def _number_or_none(cells: Mapping[str, str], column: str) -> float | None:
    return _number(cells, column) if cells[column] else None


def _count(cells: Mapping[str, str], column: str) -> int | None:
    number = _number_or_none(cells, column)
    if number is not None and (number < 1 or number != int(number)):
        raise ConfigError(
            f"{column} is '{cells[column]}', which counts nobody; write a whole number, or nothing"
        )
    return None if number is None else int(number)


def _arm(person: Person, cells: Mapping[str, str], column: str) -> Arm:
    """An arm; what a schedule begins before entry belongs to the past."""
    given = read_schedule(cells[column], f"column {column}")
    past = [
        *read_prior(cells["prior_therapy"], "column prior_therapy"),
        *(table for table in given if table["start_months"] < 0),
    ]
    later = [table for table in given if table["start_months"] >= 0]
    before, after = (
        tuple(sorted((tuple(sorted(table.items())) for table in part), key=str)) for part in (past, later)
    )
    return Arm(person, before, after)


def years_needed(row: ClinicalRow) -> float:
    """Years after entry that a run must last to be compared with a row, at least a month."""
    last = max(row.eval_month, *(row.window_months or (0.0,)), 1.0)
    return math.ceil(last) / 12.0
