"""Linear pharmacokinetics, exact over a day.

Amounts move between compartments at first-order rates.  Such a system is solved once: one matrix takes the amounts of
a morning to those of the evening, a second gives their mean over the day, whatever the doses are (superposition).
For a depot and one compartment this is the Bateman function.

References
----------
Moler & Van Loan 2003, SIAM Rev 45:3, doi:10.1137/S00361445024180 (matrix exponential by scaling and squaring)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

HOURS_PER_DAY = 24.0
LN2 = math.log(2.0)

Matrix = list[list[float]]


def rate_per_day(*, half_life_hours: float) -> float:
    """First-order rate that belongs to a half-life."""
    return LN2 * HOURS_PER_DAY / half_life_hours


def bateman(time: float, dose: float, absorption: float, elimination: float) -> float:
    """Amount in the central compartment after a dose into the depot.

    Parameters
    ----------
    time : float
    dose : float
        What will be absorbed.
    absorption, elimination : float
        Rates, per unit of `time`.

    Returns
    -------
    float
        In the unit of `dose`.
    """
    if abs(absorption - elimination) < 1e-9 * absorption:
        return dose * absorption * time * math.exp(-absorption * time)
    gap = math.exp(-elimination * time) - math.exp(-absorption * time)
    return dose * absorption / (absorption - elimination) * gap


class Day(NamedTuple):
    """What a day does to the amounts: at its end, on average, and what went into each sink."""

    end: list[float]
    mean: list[float]
    gone: list[float]


class Compartments:
    """First-order compartments.

    Parameters
    ----------
    names : sequence of str
        Compartments that hold drug.
    flows : mapping of (str, str) to float
        From, to, and rate per day; a destination that is no compartment is a sink.

    Attributes
    ----------
    sinks : list of str
        Where drug leaves to, in the order they are first named.
    """

    def __init__(self, names: Sequence[str], flows: Mapping[tuple[str, str], float]):
        self.names = list(names)
        index = {name: i for i, name in enumerate(self.names)}
        self.sinks = list(dict.fromkeys(to for _, to in flows if to not in index))
        n = len(self.names)
        rates = [[0.0] * n for _ in range(n)]
        self._leaving: list[list[tuple[int, float]]] = [[] for _ in self.sinks]
        for (source, to), rate in flows.items():
            rates[index[source]][index[source]] -= rate
            if to in index:
                rates[index[to]][index[source]] += rate
            else:
                self._leaving[self.sinks.index(to)].append((index[source], rate))
        self._end, self._sum, self._sum_infused = _solve(tuple(map(tuple, rates)))

    def day(self, amounts: Sequence[float], infused: Sequence[float] | None = None) -> Day:
        """Take amounts through a day.

        Parameters
        ----------
        amounts : sequence of float
            In the morning, doses included.
        infused : sequence of float, optional
            Amount that flows into each compartment over the day, evenly.

        Returns
        -------
        Day
        """
        end = [_dot(row, amounts) for row in self._end]
        mean = [_dot(row, amounts) for row in self._sum]
        if infused is not None:
            end = [a + _dot(row, infused) for a, row in zip(end, self._sum)]
            mean = [a + _dot(row, infused) for a, row in zip(mean, self._sum_infused)]
        gone = [sum(rate * mean[i] for i, rate in leaving) for leaving in self._leaving]
        return Day(end, mean, gone)


def _dot(row: Sequence[float], column: Sequence[float]) -> float:
    total = 0.0
    for a, b in zip(row, column):
        total += a * b
    return total


@lru_cache(maxsize=256)
def _solve(rates: tuple[tuple[float, ...], ...]) -> tuple[Matrix, Matrix, Matrix]:
    """Exponential of the rates over a day, its integral, and the integral of that.

    They are blocks of one exponential, that of the rates with a chain of two integrators below them.
    """
    n = len(rates)
    big = [[0.0] * (3 * n) for _ in range(3 * n)]
    for i in range(n):
        big[i][:n] = list(rates[i])
        big[n + i][i] = 1.0
        big[2 * n + i][n + i] = 1.0
    e = _exponential(big)
    end, integral, twice = ([row[:n] for row in e[k * n : (k + 1) * n]] for k in range(3))
    return end, integral, twice


def _exponential(matrix: Matrix) -> Matrix:
    norm = max(sum(map(abs, row)) for row in matrix)
    halvings = max(0, math.ceil(math.log2(max(norm, 1e-300))) + 3)
    scale = 0.5**halvings
    n = len(matrix)
    small = [[value * scale for value in row] for row in matrix]
    result = [[float(i == j) for j in range(n)] for i in range(n)]
    term = [row[:] for row in result]
    for k in range(1, 16):  # an eighth to the 16th over 16! is below rounding
        term = [[value / k for value in row] for row in _product(term, small)]
        result = [[a + b for a, b in zip(x, y)] for x, y in zip(result, term)]
    for _ in range(halvings):
        result = _product(result, result)
    return result


def _product(one: Matrix, other: Matrix) -> Matrix:
    columns = list(zip(*other))
    return [[_dot(row, column) for column in columns] for row in one]
