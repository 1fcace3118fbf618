"""``start_when`` and ``stop_when``: conditions that a clinic can see.

A condition compares what is measured on a visit, or what the user says of the patient:
``T_score <= -2.5``, ``CTX_pct > 60``, ``age_years >= 65``, ``prior_fracture``, or
``osteopenia and FRAX_major_fraction >= 0.2``.
``not`` goes with words that are true or false; ``and`` binds tighter than ``or``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from trabsim.spelling import suggest

#: Numbers that can be compared, and words that are true or false.
NUMBERS = ("T_score", "CTX_pct", "P1NP_pct", "age_years", "FRAX_hip_fraction", "FRAX_major_fraction")
WORDS = ("prior_fracture", "osteopenia", "osteoporosis")

#: What the user must have said of the patient for it to be known.
FROM_USER = ("FRAX_hip_fraction", "FRAX_major_fraction")

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
TERM = re.compile(r"(?:(not)\s+)?([A-Za-z]\w*)\s*(?:(<=|>=|<|>)\s*(\S+))?")


class Term(NamedTuple):
    """One comparison, or one word (``compare`` empty, ``number`` 1 for true and 0 for not)."""

    name: str
    compare: str
    number: float

    def holds(self, seen: Mapping[str, float]) -> bool:
        """Whether it is so; what is unknown is not."""
        value = seen.get(self.name, float("nan"))
        if not self.compare:
            return value == self.number
        return COMPARE[self.compare](value, self.number)


Condition = tuple[tuple[Term, ...], ...]


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of tuple of Term
        True if all terms of any of the groups hold.

    Raises
    ------
    ValueError
        With one line that says what is wrong.
    """
    groups = [re.split(r"\s+and\s+", group.strip()) for group in re.split(r"\s+or\s+", text.strip())]
    return tuple(tuple(_term(part, text) for part in group) for group in groups)


def _term(part: str, text: str) -> Term:
    found = TERM.fullmatch(part.strip())
    if found is None:
        raise ValueError(f"cannot read '{text}'; write for example T_score <= -2.5 or prior_fracture")
    no, name, compare, number = found.groups()
    if name not in NUMBERS + WORDS:
        raise ValueError(f"'{name}' is nothing a clinic sees; {suggest(name, NUMBERS + WORDS)}")
    if name in WORDS:
        if compare:
            raise ValueError(f"'{name}' is true or false; write it alone, without '{compare} {number}'")
        return Term(name, "", 0.0 if no else 1.0)
    if no or not compare:
        raise ValueError(f"'{name}' is a number; compare it, for example {name} < 1")
    try:
        return Term(name, compare, float(number))
    except ValueError:
        raise ValueError(f"'{number}' is not a number to compare {name} with; write one") from None


def names_in(condition: Condition) -> set[str]:
    """What a condition asks for."""
    return {term.name for group in condition for term in group}


def with_classes(seen: Mapping[str, float]) -> dict[str, float]:
    """Add the WHO class that follows from the T-score: osteopenia below -1, osteoporosis at -2.5 and below."""
    score = seen.get("T_score", float("nan"))
    return {
        **seen,
        "osteoporosis": float(score <= -2.5),
        "osteopenia": float(-2.5 < score < -1.0),
    }


def holds(condition: Condition, seen: Mapping[str, float]) -> bool:
    """Whether a condition is met.

    Parameters
    ----------
    condition : tuple of tuple of Term
    seen : mapping of str to float
        What is known on the visit; words are 1 or 0.
    """
    known = with_classes(seen)
    return any(all(term.holds(known) for term in group) for group in condition)
