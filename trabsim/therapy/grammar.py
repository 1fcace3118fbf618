"""Schedules in one line, as clinical tables write them.

Entries are separated by semicolons, each ``drug dose unit frequency start-stop`` with months from entry and the stop
month exclusive: ``denosumab 60 mg q6m 0-24; calcium 1000 mg qd 0-24``.  ``none`` is no treatment.
"""

from __future__ import annotations

import re
from typing import Any

from trabsim.errors import ConfigError
from trabsim.therapy.schedule import interval_of

MONTHS = re.compile(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)")


def parse_schedule(text: str) -> list[dict[str, Any]]:
    """Read a schedule as tables of ``[[therapy]]``.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of dict
        With kind, dose, unit, every, start_months and stop_months.

    Raises
    ------
    ConfigError
        If an entry cannot be read; what a drug accepts is checked with the configuration.
    """
    if text.strip().lower() in ("", "none"):
        return []
    return [_entry(part.strip()) for part in text.split(";") if part.strip()]


def _entry(text: str) -> dict[str, Any]:
    words = text.split()
    if len(words) != 5:
        raise ConfigError(
            f"'{text}' is no entry of a schedule; write drug dose unit frequency start-stop, "
            "for example denosumab 60 mg q6m 0-24"
        )
    kind, dose, unit, every, months = words
    span = MONTHS.fullmatch(months)
    if span is None or float(span[2]) <= float(span[1]):
        raise ConfigError(f"'{months}' in '{text}' is no span of months; write for example 0-24")
    try:
        interval_of(every)
    except KeyError:
        raise ConfigError(
            f"'{every}' in '{text}' is no frequency; write once, qd, qw, q1m, q3m, q6m or q12m"
        ) from None
    try:
        amount = float(dose)
    except ValueError:
        raise ConfigError(f"'{dose}' in '{text}' is no dose; write a number") from None
    return {
        "kind": kind,
        "dose": amount,
        "unit": unit,
        "every": every,
        "start_months": float(span[1]),
        "stop_months": float(span[2]),
    }
