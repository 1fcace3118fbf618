"""Drugs and hormones alone, day by day, without bone: fast, and exact in what they tell cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trabsim.backends import get_backend
from trabsim.clock import Clock
from trabsim.config import load_config
from trabsim.model import build_processes
from trabsim.state import State
from trabsim.therapy.registry import BUILT_IN, therapy_class
from trabsim.therapy.therapy import Dose, Therapy

BACKEND = get_backend("numpy", threads=1)

#: Load programs set no concentration.
DRUGS = [kind for kind in BUILT_IN if therapy_class(kind).units.keys() != {"scale"}]
PROGRAMS = [kind for kind in BUILT_IN if kind not in DRUGS]


def give(
    kind: str, amount: float, days: int, *, every: int | None = None, stop: int | None = None, **settings: Any
) -> tuple[Therapy, list[dict[str, float]], list[dict[str, float]]]:
    """Take a drug for some days; what it sets each day, and all it remembers.

    Amounts are in the unit of its ledger.  With `every`, doses fall on multiples of it below `stop`.
    """
    cls = therapy_class(kind)
    drug = cls(cls.params_class(**settings))
    levels: dict[str, float] = {}
    sets, remembered = [], []
    for day in range(days):
        due = day == 0 if every is None else day % every == 0 and (stop is None or day < stop)
        sets.append(drug.day(levels, [Dose(amount)] if due else []))
        remembered.append(dict(levels))
    return drug, sets, remembered


def usual(kind: str, share: float = 1.0) -> dict[str, Any]:
    """A table of ``[[therapy]]`` with the label dose of a kind, or a share of it."""
    cls = therapy_class(kind)
    table: dict[str, Any] = {"kind": kind, "dose": share * cls.label_dose}
    if cls.units:
        unit, factor = next(iter(cls.units.items()))
        table |= {"dose": share * cls.label_dose / factor, "unit": unit}
    if cls.repeated and not cls.delivered_per_day:
        table["every_days"] = cls.label_every_days
    return table


def live(
    person: Mapping[str, Any], therapies: Sequence[Mapping[str, Any]], days: int, **tables: Any
) -> list[dict[str, float]]:
    """Levels of each day of a person under therapies, up to the factors on cells."""
    config = load_config({"endocrine": dict(person), "therapy": [dict(t) for t in therapies], **tables})
    processes = build_processes(config, BACKEND)
    last = [process.name for process in processes].index("hormone_action")
    state, clock, rows = State((4, 4, 4), 20.0, 4, 1), Clock(0), []
    for _ in range(days):
        for process in processes[: last + 1]:
            process.apply(state, clock)
        rows.append(dict(state.levels))
        clock.advance()
    return rows
