"""Voxel elasticity on a device: the kernels of ``elastic.cu`` and ``multigrid.cu``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trabsim.backends.elastic import HALVED, SUM_LENGTH, WEIGHTS, Apply, ElasticLoops, constants

if TYPE_CHECKING:
    from trabsim.backends.device import DeviceBackend


class DeviceElastic(ElasticLoops):
    """Kernels of a device backend."""

    def __init__(self, device: DeviceBackend) -> None:
        self._device = device
        self._weights = device.from_numpy(WEIGHTS)
        self._halved = device.from_numpy(HALVED)

    def voxels(self, rows: Any, modulus: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.voxels`."""
        there = self._device.from_numpy
        corners = np.repeat(rows, 2, axis=1)
        corners[:, 1::2] += 1
        around = [there(a) for a in elements_around(corners, layers, len(fixed))]
        arrays = [*around, there(rows), there(modulus)]
        held, n = there(fixed), np.int64(len(fixed))
        numbers = {t: there(constants(poisson, t)) for t in (np.float32, np.float64)}

        def apply(u: Any, out: Any) -> None:
            kind = np.float32 if u.dtype == np.float32 else np.float64
            kernel = f"elastic_voxels_{np.dtype(kind).name}"
            self._device.launch("elastic", kernel, int(n), *arrays, numbers[kind], held, u, out, n)

        return apply

    def octants(self, corners: Any, moduli: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.octants`."""
        there = self._device.from_numpy
        around = [there(a) for a in elements_around(corners, layers, len(fixed))]
        arrays = [*around, there(corners), there(moduli), there(constants(poisson, np.float32)), there(fixed)]
        n = np.int64(len(fixed))

        def apply(u: Any, out: Any) -> None:
            self._device.launch("elastic", "elastic_octants", int(n), *arrays, u, out, n)

        return apply

    def blocks(self, start: Any, neighbor: Any, blocks: Any) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.blocks`."""
        arrays = [self._device.from_numpy(a) for a in (start, neighbor, blocks)]
        n = np.int64(len(start) - 1)

        def apply(u: Any, out: Any) -> None:
            self._device.launch("multigrid", "multigrid_blocks", int(n), *arrays, u, out, n)

        return apply

    def _launch(self, kernel: str, n: int, *arguments: Any) -> None:
        self._device.launch("multigrid", f"multigrid_{kernel}", n, *arguments, np.int64(n))

    def smooth_first(self, inverse: Any, r: Any, b: float, d: Any, x: Any, add: bool) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_first`."""
        self._launch("smooth_first", r.shape[0], inverse, r, np.float32(b), d, x, np.int32(add))

    def smooth_next(self, inverse: Any, r: Any, q: Any, a: float, b: float, d: Any, x: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_next`."""
        self._launch("smooth_next", r.shape[0], inverse, r, q, np.float32(a), np.float32(b), d, x)

    def subtract(self, r: Any, q: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.subtract`."""
        self._launch("subtract", r.shape[0], r, q)

    def prolong(self, parent: Any, place: Any, corners: Any, fixed: Any, coarse: Any, d: Any, x: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.prolong`."""
        self._launch("prolong", d.shape[0], parent, place, corners, self._weights, fixed, coarse, d, x)

    def restrict(self, start: Any, child: Any, halvings: Any, r: Any, coarse: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.restrict`."""
        self._launch("restrict", coarse.shape[0], start, child, halvings, self._halved, r, coarse)

    def dot(self, a: Any, b: Any) -> NDArray[np.float64]:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.dot`."""
        device, n = self._device, a.size
        parts = -(-n // SUM_LENGTH)
        partial = device.xp.empty(parts, np.float64)
        kernel = "multigrid_dot_float32" if b.dtype == np.float32 else "multigrid_dot_float64"
        device.launch("multigrid", kernel, parts, a, b, partial, np.int64(SUM_LENGTH), np.int64(n))
        return device.to_numpy(partial)

    def advance(self, alpha: float, p: Any, q: Any, x: Any, r: Any) -> NDArray[np.float64]:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.advance`."""
        self._launch("advance", x.size, np.float64(alpha), p, q, x, r)
        return self.dot(r, r)

    def turn(self, scale: float, z: Any, beta: float, p: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.turn`."""
        self._launch("turn", p.size, np.float64(scale), z, np.float64(beta), p)

    def narrow(self, scale: float, r: Any, out: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.narrow`."""
        self._launch("narrow", r.size, np.float64(scale), r, out)


def elements_around(
    corners: NDArray[np.int32], layers: NDArray[np.int64], nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the elements of every node in the order in which they are to be added.

    Parameters
    ----------
    corners : int32 array, shape (elements, 8)
    layers : int64 array, shape (layers + 1,)
    nodes : int

    Returns
    -------
    start : int64 array, shape (nodes + 1,)
    entries : int64 array
        8 element + corner; of a node, even layers first.
    """
    odd = (np.searchsorted(layers, np.arange(len(corners)), side="right") - 1) % 2
    order = np.argsort(odd, kind="stable")
    entries = (8 * order[:, None] + np.arange(8)).reshape(-1)
    node = corners.reshape(-1)[entries]
    entries = entries[np.argsort(node, kind="stable")]
    start = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=nodes))])
    return start.astype(np.int64), entries.astype(np.int64)
