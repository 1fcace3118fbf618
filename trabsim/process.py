"""The one shape of everything that happens in a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trabsim.clock import Clock
from trabsim.state import State


@dataclass(frozen=True)
class Every:
    """A trigger: due on days that are a multiple of `days`, so it needs no memory across a stop and resume."""

    days: int = 1

    def due(self, clock: Clock) -> bool:
        """Whether the day that the clock shows is one of them."""
        return clock.day % self.days == 0


class Process:
    """One rule of the model.

    Class attributes declare the contract that a test holds over all processes.

    Attributes
    ----------
    name : str
        What users write in ``[run] disable`` and read in the timing table.
    every : Every
        When it is due.
    reads, writes : tuple of str
        Names of state variables (see `trabsim.state.VARIABLES`), agent tables, or ``counters``/``levels``.
    references : tuple of str
        Papers with DOI, or ``"assumed: why"``.
    """

    name: ClassVar[str] = ""
    every: Every = Every(1)
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ()
    references: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Any, backend: Any):
        self.params = params
        self.backend = backend

    def apply(self, state: State, clock: Clock) -> None:
        """Do one day's work on `state`."""
        raise TypeError(f"{type(self).__name__} does not say what it does")
