"""Schedules in one line, as clinical tables and trials write them.

Entries are separated by semicolons, each ``drug dose unit frequency start-stop`` with months from entry and the stop
month exclusive: ``denosumab 60 mg q6m 0-24; calcium 1000 mg qd 0-24``.  ``none`` and ``placebo`` are no treatment.
"""

from __future__ import annotations

import re
from typing import Any

from trabsim.errors import ConfigError
from trabsim.therapy.names import kind_of
from trabsim.therapy.registry import therapy_class
from trabsim.therapy.schedule import interval_of

MONTHS = re.compile(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)")
#: A dose, by choice with its unit.
DOSE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([^\W\d_].*)?")
#: Dashes that a word processor makes of a hyphen.
DASHES = str.maketrans("‒–—−", "----")

NO_TREATMENT = ("", "none", "placebo")

#: Frequencies of several doses a day.  A day has one dose here; by mouth it is the sum that counts.
TIMES_A_DAY = {"bid": 2, "tid": 3}


def parse_schedule(text: str) -> list[dict[str, Any]]:
    """Read a schedule as tables of ``[[therapy]]``.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of dict
        With kind, dose, unit, every, start_months and stop_months; what has no unit and cannot be undone, such as
        parathyroidectomy, without dose, unit and stop.

    Raises
    ------
    ConfigError
        If an entry cannot be read, or names an unknown drug; what a drug accepts is checked with the configuration.
    """
    parts = [part.strip() for part in text.split(";")]
    return [_entry(part) for part in parts if part.lower() not in NO_TREATMENT]


def read_schedule(text: str, where: str) -> list[dict[str, Any]]:
    """Read a schedule; a mistake is named with its place.

    Parameters
    ----------
    text : str
    where : str
        What messages call it.

    Returns
    -------
    list of dict
        As of `parse_schedule`.

    Raises
    ------
    ConfigError
    """
    start, tables = 0, []
    for number, part in enumerate(text.split(";"), 1):
        try:
            tables += parse_schedule(part)
        except ConfigError as error:
            place = start + len(part) - len(part.lstrip()) + 1
            raise ConfigError(f"{where}, schedule entry {number} (character {place}): {error}") from None
        start += len(part) + 1
    return tables


def read_prior(text: str, where: str) -> list[dict[str, Any]]:
    """Read a schedule of what was taken before entry.

    Parameters
    ----------
    text : str
    where : str
        What messages call it.

    Returns
    -------
    list of dict
        As of `parse_schedule`.

    Raises
    ------
    ConfigError
        If it cannot be read, or something in it is given after entry.
    """
    tables = read_schedule(text, where)
    for table in tables:
        start, stop = table["start_months"], table.get("stop_months", 0.0)
        if start >= 0:
            raise ConfigError(
                f"{where}: {table['kind']} from month {start:g} on is given after entry, and this is what was taken "
                "before; write it in the schedule"
            )
        if stop > 0:
            raise ConfigError(
                f"{where}: {table['kind']} is given until month {stop:g}, and this is what was taken before entry; "
                "end it at month 0 and write the rest in the schedule"
            )
    return tables


def drugs_in(text: str) -> set[str]:
    """Kinds that a schedule names, whether it can be read or not."""
    found = set()
    for part in text.split(";"):
        if part.strip().lower() not in NO_TREATMENT:
            words = part.split()
            found.add(kind_of("_".join(words[: _dose_at(words) or 1])))
    return found


def _dose_at(words: list[str]) -> int | None:
    """Place of the dose: the first word after the drug that begins like a number."""
    return next((i for i in range(1, len(words)) if DOSE.fullmatch(words[i])), None)


def _entry(text: str) -> dict[str, Any]:
    words = re.sub(r"\s+-\s+", "-", text.translate(DASHES)).split()
    *front, every, months = words if len(words) > 2 else ("", "", "")
    at = _dose_at(front)
    kind = kind_of("_".join(front[:at]))
    bare = front != [""] and _takes_no_unit(kind)
    if at is None and len(front) == 3 and not bare:
        raise ConfigError(f"'{front[1]}' in '{text}' is no dose; write a number")
    dose = DOSE.fullmatch(front[at]) if at is not None else None
    units = ([dose[2]] if dose is not None and dose[2] else []) + (front[at + 1 :] if at is not None else [])
    if (dose is None or len(units) != 1) if not bare else units:
        raise ConfigError(
            f"'{text}' is no entry of a schedule; write drug dose unit frequency start-stop, "
            "for example denosumab 60 mg q6m 0-24"
        )
    span = MONTHS.fullmatch(months)
    if span is None or float(span[2]) <= float(span[1]):
        raise ConfigError(f"'{months}' in '{text}' is no span of months; write for example 0-24")
    start, stop = float(span[1]), float(span[2])
    drug = therapy_class(kind)
    times, every = _frequency(every, drug.routes[:1] == ("oral",), text)
    if bare:
        if every != "once":
            raise ConfigError(
                f"'{every}' in '{text}': {kind} happens once; write {kind} once {start:g}-{stop:g}"
            )
        amount = {} if dose is None else {"dose": float(dose[1])}
        return {"kind": kind, **amount, "every": "once", "start_months": start}
    assert dose is not None
    return {
        "kind": kind,
        "dose": float(dose[1]) * times,
        "unit": units[0],
        "every": every,
        "start_months": start,
        "stop_months": stop,
    }


def _takes_no_unit(kind: str) -> bool:
    """Whether it is something like surgery, which has no dose to speak of."""
    try:
        return not therapy_class(kind).units
    except ConfigError:
        return False


def _frequency(every: str, by_mouth: bool, text: str) -> tuple[int, str]:
    """Doses a day that are given as one, and the interval."""
    word = every.lower()
    if word in TIMES_A_DAY:
        if not by_mouth:
            raise ConfigError(
                f"'{every}' in '{text}': a day has one dose here, and of a drug that is not swallowed several are "
                "something else than their sum; write one dose with qd"
            )
        return TIMES_A_DAY[word], "qd"
    try:
        interval_of(word)
    except KeyError:
        raise ConfigError(
            f"'{every}' in '{text}' is no frequency; write once, qd, bid, qw, q1m, q3m, q6m or q1y"
        ) from None
    return 1, word
