"""What is given, in words, and what is unusual about it but possible.

``trabsim check`` shows both, ``--dry-run`` of trials and scorecards and the log of a run what is unusual.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from trabsim.therapy.plan import Course, read_courses
from trabsim.therapy.schedule import TherapyParams, dose_days, on_day
from trabsim.therapy.therapy import EVIDENCE

if TYPE_CHECKING:
    from trabsim.config import Config

#: A dose above this many times the label is worth a note, and an amount per day above this many times the label's.
ABSURD, ABSURD_PER_DAY = 10.0, 5.0


def notes_of(config: Config) -> list[str]:
    """What is unusual about the therapies of a configuration."""
    return notes_on(read_courses(config.therapy), -config.run.spin_up_days, config.run.end_day)


def gathered(notes: Iterable[tuple[str, str]], one: str, many: str) -> list[str]:
    """Lines that tell each note once, with everybody it concerns.

    Parameters
    ----------
    notes : iterable of (str, str)
        Who it concerns, and the note.
    one, many : str
        What messages call one and several of them.
    """
    concerned: dict[str, dict[str, None]] = {}
    for name, note in notes:
        concerned.setdefault(note, {})[name] = None
    return [
        f"{one if len(names) == 1 else many} {', '.join(names)}: {note}" for note, names in concerned.items()
    ]


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
        times, of = _times_the_usual(course)
        if of:
            notes.append(
                f"{course.label}: {_dose_text(table)} is {times:.0f} times the usual {of}; check amount and unit"
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


def _times_the_usual(course: Course) -> tuple[float, str]:
    """How many times the label a dose is, and what of it is too much; nothing where it is usual."""
    label, days = course.drug.label_dose, course.drug.label_every_days
    if label <= 0:
        return 0.0, ""
    times = course.amount / label
    per_day = times * days / course.interval if course.interval is not None else 0.0
    if max(times, per_day) > ABSURD:
        return max(times, per_day), "dose"
    return per_day, "amount per day" if per_day > ABSURD_PER_DAY else ""


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
            number = _doses(course, end_day)
        lines.append(
            f"therapy {course.number}: {' '.join((table.kind, *_dose_text(table).split(), span))}, {number}; "
            f"{course.drug.evidence} ({EVIDENCE[course.drug.evidence]})"
        )
    return lines


def _doses(course: Course, end_day: int) -> str:
    """How many doses are taken, of how many."""
    table = course.params
    due = len(dose_days(table.model_copy(update=_plain(course)), end_day + 1))
    left = due - len({number for number in table.missed_doses if number <= due})
    text = f"{left} dose{'s'[: left != 1]}"
    if table.adherence_fraction < 1.0:
        text = f"about {left * table.adherence_fraction:.0f} doses"
    return text if left == due and table.adherence_fraction == 1.0 else f"{text} of {due}"


def _plain(course: Course) -> dict[str, object]:
    every = "once" if course.interval is None else None
    return {"every": every, "every_days": course.interval}


def _dose_text(table: TherapyParams) -> str:
    amount = "" if table.dose is None else f"{table.dose:g}"
    if table.dose is not None and table.volume_mL is not None:
        mass = f"mg/mL x {table.volume_mL:g} mL = {table.dose * table.volume_mL:g} mg"
        return " ".join((amount, mass, *_every(table)))
    return " ".join(part for part in (amount, table.unit or "", *_every(table)) if part)


def _every(table: TherapyParams) -> tuple[str, ...]:
    every = table.every or (f"every {table.every_days:g} days" if table.every_days else "")
    return (every,) if every else ()
