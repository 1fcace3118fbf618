"""Simulated time: an integer count of days, never a float sum."""

from __future__ import annotations

from dataclasses import dataclass

from trabsim.units import DAYS_PER_YEAR


@dataclass
class Clock:
    """Day counter of a run.

    Day 0 is entry: the day a patient is first measured.  The two years of spin-up before it carry negative
    day numbers, so that every date a user writes counts from entry.

    Attributes
    ----------
    day : int
        The day that is about to be simulated.
    """

    day: int = 0

    @property
    def years(self) -> float:
        """Years since entry."""
        return self.day / DAYS_PER_YEAR

    def advance(self) -> None:
        """Close the day."""
        self.day += 1
