"""How a CUDA device serves the primitives: array code around the kernels of the ``.cu`` files.

The class does not know CuPy: it asks for an array module and a way to launch a kernel. So the tests run
this very code and the very kernel sources on a CPU, bit for bit against the reference, on machines without
a device.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.backends.area import surface_area
from trabsim.backends.base import Array, Backend, byte_mask
from trabsim.backends.elastic import ElasticLoops
from trabsim.backends.reference import philox_key
from trabsim.backends.steady import OUTSIDE, Measure, Steady, check_steady_arguments, gather, iterate

SOURCES = ("philox", "binomial", "scatter", "surface", "steady", "elastic", "multigrid")
COMPILE_OPTIONS = ("--fmad=false",)  # a fused multiply-add would round once where others round twice

_LOW = 0xFFFFFFFF


def kernel_source(name: str) -> str:
    """Give the CUDA source of a primitive."""
    return Path(__file__).with_name(f"{name}.cu").read_text(encoding="utf-8")


class DeviceBackend(Backend):
    """The primitives on a device, given ``xp``, ``ndi`` and :meth:`launch`."""

    @abstractmethod
    def launch(self, source: str, kernel: str, threads: int, *arguments: Any) -> None:
        """Run a kernel of a source file on at least so many threads; scalars come as NumPy scalars."""

    @property
    def elastic(self) -> ElasticLoops:
        """See :class:`trabsim.backends.base.Backend`."""
        from trabsim.backends.device_elastic import DeviceElastic

        return DeviceElastic(self)

    def uniform(self, seed: int, stream: int, day: int, ids: Array, draw: int = 0) -> Array:
        """See :meth:`trabsim.backends.base.Backend.uniform`."""
        return self._uniform(seed, stream, day, ids, draw, None)

    def uniform2(self, seed: int, stream: int, day: int, ids: Array, draw: int = 0) -> tuple[Array, Array]:
        """See :meth:`trabsim.backends.base.Backend.uniform2`."""
        second = self.xp.empty(self.xp.asarray(ids).shape, np.float64)
        return self._uniform(seed, stream, day, ids, draw, second), second

    def _uniform(
        self, seed: int, stream: int, day: int, ids: Array, draw: int, second: Array | None
    ) -> Array:
        ids = self.xp.ascontiguousarray(ids, np.int64)
        first = self.xp.empty(ids.shape, np.float64)
        k0, k1 = philox_key(int(seed), int(stream))
        words = [np.uint32(word) for word in (int(day) & _LOW, int(draw) & _LOW, k0, k1)]
        self.launch(
            "philox", "philox_uniform", ids.size, ids, *words, first, _or_null(second), np.int64(ids.size)
        )
        return first

    def binomial_inversion(self, u: Array, n: Array, p: Array) -> Array:
        """See :meth:`trabsim.backends.base.Backend.binomial_inversion`."""
        xp = self.xp
        u = xp.ascontiguousarray(u, np.float64)
        n = xp.ascontiguousarray(xp.broadcast_to(n, u.shape), np.int64)
        p = xp.ascontiguousarray(xp.broadcast_to(p, u.shape), np.float64)
        counts = xp.empty(u.shape, np.int64)
        self.launch("binomial", "binomial_inversion", u.size, u, n, p, counts, np.int64(u.size))
        return counts

    def scatter_add(self, target: Array, index: Array, values: Array | int) -> None:
        """See :meth:`trabsim.backends.base.Backend.scatter_add`."""
        self._scatter("scatter_add", target, index, values)

    def scatter_min(self, target: Array, index: Array, values: Array | int) -> None:
        """See :meth:`trabsim.backends.base.Backend.scatter_min`."""
        self._scatter("scatter_min", target, index, values)

    def _scatter(self, kernel: str, target: Array, index: Array, values: Array | int) -> None:
        xp = self.xp
        values = xp.asarray(values)
        if target.dtype not in (np.int32, np.int64) or values.dtype.kind not in "iu":
            raise TypeError(f"scatter takes integers, not {values.dtype} into {target.dtype}")
        if not target.flags.c_contiguous:
            raise TypeError("scatter needs a C contiguous target")
        index = xp.ascontiguousarray(index, np.int64)
        values = xp.ascontiguousarray(xp.broadcast_to(values.astype(target.dtype, copy=False), index.shape))
        outside, n = xp.zeros(1, np.int32), np.int64(index.size)
        self.launch("scatter", "scatter_check", index.size, index, np.int64(target.size), outside, n)
        if int(outside[0]):
            raise IndexError(f"scatter index outside 0..{target.size - 1}")
        self.launch("scatter", f"{kernel}_{target.dtype.name}", index.size, target, index, values, n)

    def surface(
        self, bone: Array, full: int, tissue: Array | None = None, smoothing_voxels: float = 0.0
    ) -> tuple[Array, Array]:
        """See :meth:`trabsim.backends.base.Backend.surface`."""
        xp = self.xp
        bone = xp.ascontiguousarray(bone, np.int32)
        inside = None if tissue is None else byte_mask(xp, tissue)
        if inside is not None and inside.shape != bone.shape:
            raise ValueError(f"tissue has shape {inside.shape}, bone has {bone.shape}")
        shape, half = [np.int32(n) for n in bone.shape], np.int64((full + 1) // 2)
        found = xp.empty(bone.shape, np.uint8)
        self.launch("surface", "surface_mark", bone.size, bone, _or_null(inside), half, found, *shape)

        def share(smooth: Array, inside: Array, number: Array, scale: float) -> None:
            arrays = (smooth, _or_null(inside), number)
            self.launch("surface", "surface_share", bone.size, *arrays, np.float64(scale), *shape)

        area = surface_area(xp, bone, full, inside, found, smoothing_voxels, self._convolve, share)
        return xp.flatnonzero(found), area

    def _convolve(self, values: Array, taps: Any, clamp: bool) -> None:
        """Convolve in place along x, then y, then z."""
        taps = self.from_numpy(taps)
        shape, n_taps, mode = [np.int32(n) for n in values.shape], np.int32(taps.size), np.int32(clamp)
        result = self.xp.empty_like(values)
        for axis in (2, 1, 0):
            arrays = (values, taps, result)
            self.launch("surface", "convolve", values.size, *arrays, n_taps, np.int32(axis), mode, *shape)
            values[...] = result

    def solve_steady(
        self, source: Array, domain: Array, length_voxels: float, field: Array, tolerance: float = 1e-4
    ) -> Steady:
        """See :meth:`trabsim.backends.base.Backend.solve_steady`."""
        xp = self.xp
        source, domain = xp.ascontiguousarray(source, np.float32), byte_mask(xp, domain)
        fits = isinstance(field, xp.ndarray) and field.dtype == np.float32 and field.flags.c_contiguous
        check_steady_arguments([field.shape, source.shape, domain.shape], length_voxels, tolerance, fits)
        nz, ny, nx = field.shape
        half = (nx + 1) // 2
        shape = (2, nz + 2, ny + 2, half + 2)
        packed, forcing = xp.zeros(shape, np.float32), xp.zeros(shape, np.float32)
        code, active = xp.full(shape, OUTSIDE, np.uint8), xp.zeros(1, np.int32)
        sums, peaks = xp.empty((3, nz, half)), xp.empty((3, nz, half))
        length2, lattice = np.float32(length_voxels * length_voxels), [np.int32(n) for n in field.shape]

        def sweep(color: int, omega: float) -> None:
            scalars = (np.int32(color), length2, np.float32(omega))
            self.launch(
                "steady", "steady_half_sweep", nz * ny * half, packed, forcing, code, *scalars, *lattice
            )

        def measure() -> Measure:
            arrays = (packed, code, field, length2, sums, peaks)
            self.launch("steady", "steady_measure", 2 * nz * half, *arrays, *lattice)
            return gather(self.to_numpy(sums), self.to_numpy(peaks))

        arrays = (source, domain, field, packed, forcing, code, active)
        self.launch("steady", "steady_pack", field.size, *arrays, *lattice)
        if not int(active[0]):
            field[...] = 0
            return Steady(0, 0.0, 0.0, 0.0)
        iterations, error = iterate(length_voxels, tolerance, sweep, measure)
        self.launch("steady", "steady_unpack", field.size, packed, field, *lattice)
        return Steady(iterations, error, float(field.min()), float(field.max()))

    def distance_transform(self, mask: Array) -> Array:
        """See :meth:`trabsim.backends.base.Backend.distance_transform`."""
        mask = self.xp.ascontiguousarray(mask) != 0
        if bool(mask.all()):
            return self.xp.full(mask.shape, np.inf, np.float32)
        return self.ndi.distance_transform_edt(mask).astype(np.float32)

    def components(self, mask: Array, connectivity: int = 6) -> tuple[Array, int]:
        """See :meth:`trabsim.backends.base.Backend.components`."""
        xp = self.xp
        if connectivity not in (6, 26):
            raise ValueError(f"connectivity must be 6 or 26, not {connectivity}")
        structure = self.ndi.generate_binary_structure(3, 1 if connectivity == 6 else 3)
        labels, n = self.ndi.label(xp.ascontiguousarray(mask) != 0, structure)
        n = int(n)
        if n == 0:
            return labels.astype(np.int32), 0
        first = xp.full(n + 1, labels.size, np.int64)
        self.scatter_min(first, labels, xp.arange(labels.size).reshape(labels.shape))
        canonical = xp.zeros(n + 1, np.int32)
        canonical[xp.argsort(first[1:]) + 1] = xp.arange(1, n + 1, dtype=np.int32)
        return canonical[labels], n


def _or_null(array: Array | None) -> Array:
    """Give the array, or a null pointer for an absent one."""
    return np.uint64(0) if array is None else array
