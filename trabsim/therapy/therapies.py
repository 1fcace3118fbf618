"""The first process of a day: which doses fall today, and what drug concentrations that makes.

Each drug that the configuration names is taken through the day; what several drugs set together is added up as
`inputs.INPUTS` says, and all its entries are written.  What must be remembered - amounts in compartments, ledgers,
whether a clinic has started a drug - is kept in ``state.levels`` and ``state.counters``, so that a resumed run goes on
bit for bit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trabsim.clock import Clock
from trabsim.errors import InvariantError
from trabsim.params import Params
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import State
from trabsim.therapy.conditions import holds
from trabsim.therapy.inputs import DEFAULTS, combined
from trabsim.therapy.plan import Course, read_courses
from trabsim.therapy.schedule import TherapyParams, dose_number, on_day
from trabsim.therapy.therapy import Dose, Therapy, columns

log = logging.getLogger("trabsim")

#: What a clinic sees on a visit, by names of `conditions`.
Visit = Callable[[State, Clock], Mapping[str, float]]

#: State variables that a visit looks at.
SEEN_ON_A_VISIT = ("bone", "tissue", "formed_day", "history")

#: Share of all that was given by which a drug's ledger may be off through rounding.
LEDGER = 1e-9


class Therapies(Process):
    """Give the doses of today and set drug concentrations."""

    name = "therapies"
    reads = ("levels",)
    writes = ("levels",)
    references = ("assumed: each drug names its own",)

    def __init__(
        self,
        params: Sequence[TherapyParams],
        backend: Any,
        *,
        drugs: Mapping[str, Params] | None = None,
        visit: Visit | None = None,
    ):
        super().__init__(params, backend)
        self.courses = [course for course in read_courses(params) if course.drug.units.keys() != {"scale"}]
        self.visit = visit
        kinds = list(dict.fromkeys(course.params.kind for course in self.courses))
        self.drugs: dict[str, Therapy] = {}
        for course in self.courses:
            kind = course.params.kind
            if kind not in self.drugs:
                self.drugs[kind] = course.drug((drugs or {}).get(kind))
        if any(course.start_when is not None or course.stop_when is not None for course in self.courses):
            # what it declares for itself alone, as a run without visits looks at none of it
            self.__dict__.update(
                reads=("levels", "counters", *SEEN_ON_A_VISIT), writes=("levels", "counters")
            )
        self.given_by = {kind: [c for c in self.courses if c.params.kind == kind] for kind in kinds}

    def apply(self, state: State, clock: Clock) -> None:
        levels = state.levels
        parts = []
        for kind, drug in self.drugs.items():
            doses = []
            for course in self.given_by[kind]:
                dose = self._dose(course, state, clock)
                if dose is not None:
                    doses.append(dose)
            part = drug.day(levels, doses)
            if part:
                parts.append(part)
        levels.update(DEFAULTS)
        if len(parts) == 1:
            levels.update(parts[0])
        else:
            for name in {name: None for part in parts for name in part}:
                levels[name] = combined(name, parts)
        if clock.day % 30 == 0:
            require_balance(levels, self.drugs.values(), clock.day)

    def _dose(self, course: Course, state: State, clock: Clock) -> Dose | None:
        """The dose of a course today, None if none is due or it is not taken."""
        table, start, stop = course.params, course.params.start, course.params.stop
        if course.start_when is not None or course.stop_when is not None:
            since = self._in_treatment(course, state, clock)
            if since is None:
                return None
            start = float(since)
        number = dose_number(clock.day, start, course.interval, stop)
        if number == 0 or number in table.missed_doses:
            return None
        if table.adherence_fraction < 1.0:
            ids = self.backend.xp.asarray([course.number])
            u = Random(self.backend, state.seed).uniform(Stream.MISSED_DOSE, clock.day, ids)
            if float(u[0]) >= table.adherence_fraction:
                return None
        return Dose(course.amount, table.bioavailability_fraction, table.route)

    def _in_treatment(self, course: Course, state: State, clock: Clock) -> int | None:
        """Day since which a clinic gives the drug, None while it does not; judged on visits."""
        table, counters = course.params, state.counters
        on, since = f"therapy_{course.number}_on", f"therapy_{course.number}_since_day"
        first = on_day(table.start)
        days = clock.day - first
        if days < 0 or (table.stop is not None and clock.day >= table.stop):
            return None
        if on not in counters:
            # without start_when it begins on its start day, and stop_when alone decides
            counters[on], counters[since] = int(course.start_when is None), first
        if days % table.visit_every_days == 0:
            seen = self.visit(state, clock) if self.visit is not None else {}
            if counters[on] and course.stop_when is not None and holds(course.stop_when, seen):
                counters[on] = 0
                log.info("day %d: %s stops (%s)", clock.day, course.label, table.stop_when)
            elif not counters[on] and course.start_when is not None and holds(course.start_when, seen):
                counters[on], counters[since] = 1, clock.day
                log.info("day %d: %s starts (%s)", clock.day, course.label, table.start_when)
        return counters[since] if counters[on] else None


def require_balance(levels: Mapping[str, float], drugs: Any, day: int) -> None:
    """Stop the run if a drug's ledger does not close.

    Raises
    ------
    InvariantError
        If given differs from in body + in bone + eliminated.
    """
    for drug in drugs:
        off = ledger_imbalance(levels, drug)
        if off > LEDGER:
            raise InvariantError(
                f"day {day}: the ledger of {drug.kind} is off by {off:.2g} of all that was given"
            )


def ledger_imbalance(levels: Mapping[str, float], drug: Therapy) -> float:
    """Share of all that was given of a drug that its ledger does not account for."""
    given, *found = (
        levels.get(f"{drug.kind}_{name}", 0.0)
        for name in (drug.given, drug.in_body, drug.in_bone, drug.eliminated)
    )
    return abs(given - sum(found)) / given if given > 0 else abs(sum(found))


def therapy_measures(tables: Sequence[TherapyParams], levels: Mapping[str, float]) -> dict[str, float]:
    """Doses given and concentrations, for the series; nothing without therapies.

    Parameters
    ----------
    tables : sequence of TherapyParams
    levels : mapping of str to float
        ``state.levels``.
    """
    names: dict[str, float] = {}
    for course in read_courses(tables):
        if course.drug.units.keys() != {"scale"}:
            names |= dict.fromkeys(columns_of(course.drug), 0.0)
    return {name: levels.get(name, default) for name, default in names.items()}


def columns_of(drug: type[Therapy]) -> list[str]:
    """Names of what a kind of drug adds to the series."""
    return columns(drug())
