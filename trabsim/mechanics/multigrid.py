"""One multigrid cycle: an approximate inverse of the elastic operator, symmetric and in single precision.

Smoothing is a Chebyshev polynomial of the operator preconditioned by its diagonal 3 x 3 blocks: no order of
nodes, so nothing depends on threads. From the first coarse level on, every level visits the next one twice
(W cycle): coarse levels are too stiff in bending, since a beam thinner than a cell cannot bend within it, and
a second visit makes up for part of it; they are small, so it costs little.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trabsim.mechanics import _assembly
from trabsim.mechanics.hierarchy import Level

DEGREE = 4  # operator applications per smoothing
RANGE = 15.0  # largest eigenvalue over the smallest that smoothing is to damp
VISITS = 2
LAST_DEGREE, LAST_RANGE = 24, 400.0  # of a last level that is too large to factor


class Cycle:
    """The cycle over given levels, with the arrays it works in.

    Parameters
    ----------
    levels : list of Level
    backend : Backend
    scratch : tuple of two float32 arrays, shape (nodes, 3)
        Work arrays of the finest level, free for other use between cycles.
    """

    def __init__(self, levels: list[Level], backend: Any, scratch: tuple[Any, Any]) -> None:
        self._levels, self._backend, self._loops = levels, backend, backend.elastic
        xp = backend.xp
        self._work = [scratch]
        self._x = [xp.empty((levels[0].nodes, 3), np.float32)]
        self._r = [xp.empty((levels[0].nodes, 3), np.float32)]
        for level in levels[1:]:
            new = [xp.empty((level.nodes, 3), np.float32) for _ in range(4)]
            self._work.append((new[0], new[1]))
            self._x.append(new[2])
            self._r.append(new[3])

    @property
    def residual(self) -> Any:
        """Where the residual is to be put before :meth:`run`, which spoils it."""
        return self._r[0]

    def run(self) -> Any:
        """Give the correction for the residual; the array is the cycle's own."""
        self._visit(0, again=False)
        return self._x[0]

    def _visit(self, number: int, again: bool) -> None:
        """Solve approximately on a level: ``x`` from ``r``; on another visit, improve ``x`` for what ``r`` is left."""
        level, loops = self._levels[number], self._loops
        x, r, (d, q) = self._x[number], self._r[number], self._work[number]
        if level.factored is not None:
            right = np.asarray(self._backend.to_numpy(r), np.float64).reshape(-1)
            _assembly.solve_factored(level.factored, right)
            x[...] = self._backend.from_numpy(right.reshape(-1, 3).astype(np.float32))
            return
        assert level.apply is not None
        if level.to_coarse is None or level.from_coarse is None:
            self._smooth(level, x, r, d, q, add=again, degree=LAST_DEGREE, ratio=LAST_RANGE)
            return
        self._smooth(level, x, r, d, q, add=again)
        level.apply(d, q)
        loops.subtract(r, q)
        loops.restrict(*level.to_coarse, r, self._r[number + 1])
        following = self._levels[number + 1]
        visits = VISITS if number > 0 and following.from_coarse is not None else 1
        for visit in range(visits):
            self._visit(number + 1, again=visit > 0)
            if visit + 1 < visits:
                self._update(number + 1)
        loops.prolong(*level.from_coarse, level.fixed, self._x[number + 1], d, x)
        level.apply(d, q)
        loops.subtract(r, q)
        self._smooth(level, x, r, d, q, add=True)

    def _update(self, number: int) -> None:
        """Bring the residual of a level up to date with its last smoothing step."""
        level, (d, q) = self._levels[number], self._work[number]
        assert level.apply is not None
        level.apply(d, q)
        self._loops.subtract(self._r[number], q)

    def _smooth(
        self,
        level: Level,
        x: Any,
        r: Any,
        d: Any,
        q: Any,
        add: bool,
        degree: int = DEGREE,
        ratio: float = RANGE,
    ) -> None:
        """Chebyshev smoothing; leaves the last step in ``d``, not yet subtracted from ``r``.

        Saad 2003, doi:10.1137/1.9780898718003, algorithm 12.1.
        """
        assert level.apply is not None
        least = level.largest / ratio
        center, width = (level.largest + least) / 2, (level.largest - least) / 2
        sigma = center / width
        rho = 1 / sigma
        self._loops.smooth_first(level.inverse, r, 1 / center, d, x, add)
        for _ in range(degree - 1):
            level.apply(d, q)
            following = 1 / (2 * sigma - rho)
            self._loops.smooth_next(level.inverse, r, q, following * rho, 2 * following / width, d, x)
            rho = following
