"""Voxel elasticity on the CPU, by Numba loops."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.backends import _cpu_elastic, _cpu_multigrid
from trabsim.backends.elastic import HALVED, SUM_LENGTH, WEIGHTS, Apply, ElasticLoops, constants

# Work as the backend counts it. A second thread must be worth its waiting, which on a busy machine costs more than
# the work: it takes part from about half a millisecond on.
_VOXEL, _OCTANTS, _BLOCK, _VALUE = 2, 8, 0.25, 0.125


class NumpyElastic(ElasticLoops):
    """Numba loops; ``parallel(work)`` gives the context in which work of that size is to run."""

    def __init__(self, parallel: Callable[[int], AbstractContextManager[None]]) -> None:
        self._parallel = parallel

    def voxels(self, rows: Any, modulus: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.voxels`."""
        planes = _cpu_elastic.node_planes(rows, layers, len(fixed))
        numbers = {dtype: constants(poisson, dtype) for dtype in (np.dtype("f4"), np.dtype("f8"))}

        def apply(u: Any, out: Any) -> None:
            with self._parallel(_VOXEL * len(rows)):
                _cpu_elastic.apply_voxels(rows, modulus, layers, planes, numbers[u.dtype], fixed, u, out)

        return apply

    def octants(self, corners: Any, moduli: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.octants`."""
        planes = _cpu_elastic.node_planes(corners, layers, len(fixed))
        numbers = constants(poisson, np.float32)

        def apply(u: Any, out: Any) -> None:
            with self._parallel(_OCTANTS * len(corners)):
                _cpu_elastic.apply_octants(corners, moduli, layers, planes, numbers, fixed, u, out)

        return apply

    def blocks(self, start: Any, neighbor: Any, blocks: Any) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.blocks`."""

        def apply(u: Any, out: Any) -> None:
            with self._parallel(int(_BLOCK * len(blocks))):
                _cpu_multigrid.apply_blocks(start, neighbor, blocks, u, out)

        return apply

    def smooth_first(self, inverse: Any, r: Any, b: float, d: Any, x: Any, add: bool) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_first`."""
        with self._parallel(int(_VALUE * r.size)):
            _cpu_multigrid.smooth_first(inverse, r, np.float32(b), d, x, add)

    def smooth_next(self, inverse: Any, r: Any, q: Any, a: float, b: float, d: Any, x: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_next`."""
        with self._parallel(int(_VALUE * r.size)):
            _cpu_multigrid.smooth_next(inverse, r, q, np.float32(a), np.float32(b), d, x)

    def subtract(self, r: Any, q: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.subtract`."""
        with self._parallel(int(_VALUE * r.size)):
            _cpu_multigrid.subtract(r, q)

    def prolong(self, parent: Any, place: Any, corners: Any, fixed: Any, coarse: Any, d: Any, x: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.prolong`."""
        with self._parallel(int(4 * _VALUE * d.size)):
            _cpu_multigrid.prolong(parent, place, corners, WEIGHTS, fixed, coarse, d, x)

    def restrict(self, start: Any, child: Any, halvings: Any, r: Any, coarse: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.restrict`."""
        with self._parallel(int(4 * _VALUE * r.size)):
            _cpu_multigrid.restrict(start, child, halvings, HALVED, r, coarse)

    def dot(self, a: Any, b: Any) -> NDArray[np.float64]:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.dot`."""
        partial = np.empty(-(-a.size // SUM_LENGTH))
        with self._parallel(int(_VALUE * a.size)):
            _cpu_multigrid.dot(a.reshape(-1), b.reshape(-1), partial)
        return partial

    def advance(self, alpha: float, p: Any, q: Any, x: Any, r: Any) -> NDArray[np.float64]:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.advance`."""
        partial = np.empty(-(-x.size // SUM_LENGTH))
        with self._parallel(int(_VALUE * x.size)):
            _cpu_multigrid.advance(alpha, p.reshape(-1), q.reshape(-1), x.reshape(-1), r.reshape(-1), partial)
        return partial

    def turn(self, scale: float, z: Any, beta: float, p: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.turn`."""
        with self._parallel(int(_VALUE * p.size)):
            _cpu_multigrid.turn(scale, z.reshape(-1), beta, p.reshape(-1))

    def narrow(self, scale: float, r: Any, out: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.narrow`."""
        with self._parallel(int(_VALUE * r.size)):
            _cpu_multigrid.narrow(scale, r.reshape(-1), out.reshape(-1))
