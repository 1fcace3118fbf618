"""What each loop of voxel elasticity means, in plain NumPy: short, slow, and the measure of every faster one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.backends.elastic import HALVED, SUM_LENGTH, WEIGHTS, Apply, ElasticLoops, constants

_AXES = ((1, (0, 2, 4, 6)), (2, (0, 1, 4, 5)), (4, (0, 1, 2, 3)))  # distance to the partner along x, y, z


def to_modes(a: NDArray[Any]) -> None:
    """Turn corner values, shape (3, 8, elements), into the coefficients of 1, x, y, xy, ... in place."""
    for step, lower in _AXES:
        for i in lower:
            low, high = a[:, i].copy(), a[:, i + step].copy()
            a[:, i], a[:, i + step] = high + low, high - low


def from_modes(a: NDArray[Any]) -> None:
    """Do what transposes :func:`to_modes`."""
    for step, lower in reversed(_AXES):
        for i in lower:
            total, difference = a[:, i].copy(), a[:, i + step].copy()
            a[:, i], a[:, i + step] = total - difference, total + difference


def stiffness(a: NDArray[Any], modulus: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]:
    """Give the modes of force for modes of displacement; see :mod:`trabsim.backends.elastic`."""
    lam, mu2, mu, lam3, mu3, k9 = numbers[:6]
    u, v, w = a
    f = a.copy()
    f[:, 0] = 0
    x, y, xy, z, xz, yz, xyz = 1, 2, 3, 4, 5, 6, 7
    volume = lam * ((u[x] + v[y]) + w[z])
    for c, (part, mode) in enumerate(((u, x), (v, y), (w, z))):
        f[c, mode] = volume + mu2 * part[mode]
    f[0, y] = f[1, x] = mu * (u[y] + v[x])
    f[0, z] = f[2, x] = mu * (u[z] + w[x])
    f[1, z] = f[2, y] = mu * (v[z] + w[y])
    along_x, along_y, along_z = lam3 * (v[xy] + w[xz]), lam3 * (u[xy] + w[yz]), lam3 * (u[xz] + v[yz])
    f[0, xy], f[0, xz] = along_y + mu * u[xy], along_z + mu * u[xz]
    f[1, xy], f[1, yz] = along_x + mu * v[xy], along_z + mu * v[yz]
    f[2, xz], f[2, yz] = along_x + mu * w[xz], along_y + mu * w[yz]
    uv, uw, vw = u[yz] + v[xz], u[yz] + w[xy], v[xz] + w[xy]
    f[0, yz], f[1, xz], f[2, xy] = mu3 * (uv + uw), mu3 * (uv + vw), mu3 * (uw + vw)
    for c in range(3):
        f[c, xyz] = k9 * a[c, xyz]
    return f * modulus


def _to_octant(a: NDArray[Any], octant: int, half: Any) -> None:
    for step, lower in _AXES:
        for i in lower:
            h = half * a[:, i + step]
            a[:, i], a[:, i + step] = a[:, i] + h if octant & step else a[:, i] - h, h


def _from_octant(a: NDArray[Any], octant: int, half: Any) -> None:
    for step, lower in reversed(_AXES):
        for i in lower:
            f = a[:, i]
            a[:, i + step] = half * (a[:, i + step] + f if octant & step else a[:, i + step] - f)


def _scatter(corners: NDArray[Any], layers: NDArray[Any], f: NDArray[Any], fixed: Any, out: Any) -> None:
    """Sum corner forces at nodes, even layers first; clear fixed directions."""
    odd = (np.searchsorted(layers, np.arange(len(corners)), side="right") - 1) % 2
    order = np.argsort(odd, kind="stable")
    out[...] = 0
    np.add.at(out, corners[order].reshape(-1), np.moveaxis(f, 2, 0).swapaxes(1, 2)[order].reshape(-1, 3))
    for c in range(3):
        out[(fixed >> c & 1) != 0, c] = 0


def _gather(corners: NDArray[Any], u: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(u[corners].transpose(2, 1, 0))


class ReferenceElastic(ElasticLoops):
    """Plain NumPy."""

    def voxels(self, rows: Any, modulus: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.voxels`."""
        corners = np.repeat(rows, 2, axis=1) + np.arange(8, dtype=np.int32) % 2

        def apply(u: Any, out: Any) -> None:
            a = _gather(corners, u)
            to_modes(a)
            f = stiffness(a, modulus.astype(u.dtype), constants(poisson, u.dtype))
            from_modes(f)
            _scatter(corners, layers, f, fixed, out)

        return apply

    def octants(self, corners: Any, moduli: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.octants`."""
        numbers = constants(poisson, np.float32)

        def apply(u: Any, out: Any) -> None:
            a = _gather(corners, u)
            to_modes(a)
            f = np.zeros_like(a)
            for octant in range(8):
                b = a.copy()
                _to_octant(b, octant, numbers[7])
                part = stiffness(b, moduli[:, octant], numbers)
                _from_octant(part, octant, numbers[7])
                f += part
            from_modes(f)
            _scatter(corners, layers, f, fixed, out)

        return apply

    def blocks(self, start: Any, neighbor: Any, blocks: Any) -> Apply:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.blocks`."""
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))

        def apply(u: Any, out: Any) -> None:
            k, v = blocks.reshape(-1, 3, 3), u[neighbor][:, None, :]
            out[...] = 0
            np.add.at(out, row, (k[..., 0] * v[..., 0] + k[..., 1] * v[..., 1]) + k[..., 2] * v[..., 2])

        return apply

    def smooth_first(self, inverse: Any, r: Any, b: float, d: Any, x: Any, add: bool) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_first`."""
        d[...] = np.float32(b) * _solve(inverse, r)
        x[...] = x + d if add else d

    def smooth_next(self, inverse: Any, r: Any, q: Any, a: float, b: float, d: Any, x: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.smooth_next`."""
        r -= q
        d[...] = np.float32(a) * d + np.float32(b) * _solve(inverse, r)
        x += d

    def subtract(self, r: Any, q: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.subtract`."""
        r -= q

    def prolong(self, parent: Any, place: Any, corners: Any, fixed: Any, coarse: Any, d: Any, x: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.prolong`."""
        d[...] = 0
        for k in range(8):
            d += WEIGHTS[place, k][:, None] * coarse[corners[parent, k]]
        for c in range(3):
            d[(fixed >> c & 1) != 0, c] = 0
        x += d

    def restrict(self, start: Any, child: Any, halvings: Any, r: Any, coarse: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.restrict`."""
        coarse[...] = 0
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        np.add.at(coarse, row, HALVED[halvings][:, None] * r[child])

    def dot(self, a: Any, b: Any) -> NDArray[np.float64]:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.dot`."""
        products = a.reshape(-1) * b.reshape(-1).astype(np.float64)
        padded = np.pad(products, (0, -products.size % SUM_LENGTH)).reshape(-1, SUM_LENGTH)
        return np.add.accumulate(padded, axis=1)[:, -1]

    def advance(self, alpha: float, p: Any, q: Any, x: Any, r: Any) -> NDArray[np.float64]:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.advance`."""
        x += alpha * p
        r -= alpha * q
        return self.dot(r, r)

    def turn(self, scale: float, z: Any, beta: float, p: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.turn`."""
        p[...] = scale * z.astype(np.float64) + beta * p

    def narrow(self, scale: float, r: Any, out: Any) -> None:
        """See :meth:`trabsim.backends.elastic.ElasticLoops.narrow`."""
        out[...] = (scale * r).astype(np.float32)


def _solve(inverse: NDArray[Any], r: NDArray[Any]) -> NDArray[Any]:
    """Apply inverted diagonal blocks."""
    xx, xy, xz, yy, yz, zz = inverse.T
    x, y, z = r.T
    rows = [(xx * x + xy * y) + xz * z, (xy * x + yy * y) + yz * z, (xz * x + yz * y) + zz * z]
    return np.stack(rows, axis=1)
