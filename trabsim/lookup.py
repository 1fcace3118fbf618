"""Tabulated functions, so that exponentials and powers decide alike on every machine.

Math libraries differ in the last bit of ``exp`` and ``pow``.  Where such a value decides what a cell does, it is read
from a table that is filled once on the host and interpolated with ``+ - x`` alone, which every backend rounds alike.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np


class LookupTable:
    """Linear interpolation in a table of a smooth function.

    Parameters
    ----------
    function : callable
        Maps a float64 array to values; called once.
    low, high : float
        Ends of the tabulated range; arguments outside are clipped to it.
    entries : int
        Number of intervals.
    """

    def __init__(
        self, function: Callable[[np.ndarray], np.ndarray], low: float, high: float, entries: int = 4096
    ):
        self.low, self.high, self.entries = float(low), float(high), int(entries)
        self.scale = self.entries / (self.high - self.low)
        # twelve significant digits: the last bits, in which math libraries differ, are dropped
        values = np.asarray(function(np.linspace(self.low, self.high, self.entries + 1)), dtype=np.float64)
        self.values = np.array([float(f"{v:.11e}") for v in values])
        self._on_device: dict[str, Any] = {}

    def __call__(self, backend: Any, x: Any) -> Any:
        """Interpolate at `x` (array of float64 on the backend)."""
        xp = backend.xp
        if backend.name not in self._on_device:
            self._on_device[backend.name] = backend.from_numpy(self.values)
        table = self._on_device[backend.name]
        position = (xp.clip(x, self.low, self.high) - self.low) * self.scale
        left = xp.minimum(position.astype(xp.int64), self.entries - 1)
        weight = position - left
        lower = table[left]
        return lower + (table[left + 1] - lower) * weight


@lru_cache(maxsize=64)
def power_table(exponent: float, high: float = 16.0) -> LookupTable:
    """Table of ``x ** exponent`` on 0..`high`."""
    return LookupTable(lambda x: x**exponent, 0.0, high, 8192)


@lru_cache(maxsize=64)
def decay_table(half_life: float, high: float) -> LookupTable:
    """Table of ``2 ** (-x / half_life)`` on 0..`high`."""
    return LookupTable(lambda x: 2.0 ** (-x / half_life), 0.0, high, 8192)
