"""What is given, in words, and what is unusual about it but possible.

``trabsim check`` shows both; a run writes what is unusual to its log.
"""

from __future__ import annotations

from collections.abc import Sequence

from trabsim.therapy.plan import Course
from trabsim.therapy.schedule import TherapyParams, dose_days, on_day
from trabsim.therapy.therapy import EVIDENCE

#: A dose above this many times the label is worth a note.
ABSURD = 10.0


def notes_on(courses: Sequence[Course], first_day: int, end_day: int) -> list[str]:
    """What is unusual: doses far above the label, schedules that overlap, therapies outside the run.

    Parameters
    ----------
    courses : sequence of Course
    first_day, end_day : int
        Of the run, spin-up included.

    Returns
    -------
    list of str
    """
    notes = []
    for i, course in enumerate(courses):
        table, start, stop = course.params, on_day(course.params.start), course.params.stop
        label, days = course.drug.label_dose, course.drug.label_every_days
        times = course.amount / label if label > 0 else 0.0
        if course.interval is not None and label > 0:
            times = max(times, times * days / course.interval)
        if times > ABSURD:
            notes.append(
                f"{course.label}: {_dose_text(table)} is {times:.0f} times the usual dose; check amount and unit"
            )
        if start > end_day or (stop is not None and stop <= first_day):
            notes.append(
                f"{course.label}: lies outside the run (day {first_day} to {end_day}); nothing is given"
            )
        elif start < first_day and course.drug.units:
            notes.append(
                f"{course.label}: starts on day {start}, before the run (day {first_day}); those doses are left out"
            )
        for other in courses[i + 1 :]:
            if other.drug.kind == course.drug.kind and _overlap(table, other.params):
                notes.append(
                    f"{course.label} and therapy {other.number} overlap; both are given (right for a loading dose)"
                )
    return notes


def _overlap(one: TherapyParams, other: TherapyParams) -> bool:
    ends = [(t.start, float("inf") if t.stop is None else t.stop) for t in (one, other)]
    (a, b), (c, d) = ends
    return max(a, c) < min(b, d)


def describe(courses: Sequence[Course], end_day: int) -> list[str]:
    """One line per therapy: dose, times, number of doses, evidence.

    Parameters
    ----------
    courses : sequence of Course
    end_day : int

    Returns
    -------
    list of str
    """
    lines = []
    for course in courses:
        table = course.params
        start, stop = on_day(table.start), table.stop
        span = f"from day {start}" + ("" if stop is None else f" to {stop}")
        if course.start_when is not None or course.stop_when is not None:
            parts = [(k, getattr(table, k)) for k in ("start_when", "stop_when")]
            told = ", ".join(f"{k} {text}" for k, text in parts if text is not None)
            number = f"visits every {table.visit_every_days} days, {told}"
        elif course.drug.units.keys() == {"scale"}:
            number = "load program"
        elif not course.drug.units:
            number = "once"
        else:
            n = len(dose_days(course.params.model_copy(update=_plain(course)), end_day + 1))
            number = f"{n} dose{'s'[: n != 1]}"
        lines.append(
            f"therapy {course.number}: {' '.join((table.kind, *_dose_text(table).split(), span))}, {number}; "
            f"{course.drug.evidence} ({EVIDENCE[course.drug.evidence]})"
        )
    return lines


def _plain(course: Course) -> dict[str, object]:
    every = "once" if course.interval is None else None
    return {"every": every, "every_days": course.interval}


def _dose_text(table: TherapyParams) -> str:
    amount = "" if table.dose is None else f"{table.dose:g}"
    every = table.every or (f"every {table.every_days:g} days" if table.every_days else "")
    return " ".join(part for part in (amount, table.unit or "", every) if part)
