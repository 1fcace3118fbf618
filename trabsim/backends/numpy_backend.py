"""The CPU backend: NumPy arrays, with Numba loops where NumPy is slow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from trabsim.backends import _cpu_binomial, _cpu_philox, _cpu_scatter, _cpu_steady, _cpu_surface
from trabsim.backends.area import surface_area
from trabsim.backends.base import Backend, byte_mask
from trabsim.backends.elastic import ElasticLoops
from trabsim.backends.reference import philox_key
from trabsim.backends.steady import OUTSIDE, Measure, Steady, check_steady_arguments, gather, iterate

_LOW = 0xFFFFFFFF
# On a busy machine threads that wait for each other cost many times the work, so a second one must be worth it:
_FEW = 65_536  # ids from which numbers are drawn on several threads
#: Lattices below about a million voxels are swept on one thread.
LATTICE_SHARE = max(1, 1_000_000 // _FEW)


class NumpyBackend(Backend):
    """NumPy and Numba on ``threads`` CPU threads."""

    name = "numpy"
    xp = np

    def __init__(self, threads: int | None = None) -> None:
        most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        self.threads = min(threads or most, most)

    @property
    def ndi(self) -> Any:
        """See :class:`trabsim.backends.base.Backend`."""
        from scipy import ndimage

        return ndimage

    @property
    def elastic(self) -> ElasticLoops:
        """See :class:`trabsim.backends.base.Backend`."""
        from trabsim.backends.numpy_elastic import NumpyElastic

        return NumpyElastic(self._parallel)

    @property
    def device_name(self) -> str:
        """See :class:`trabsim.backends.base.Backend`."""
        return _processor_name()

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """See :meth:`trabsim.backends.base.Backend.to_numpy`."""
        return np.asarray(array)

    def from_numpy(self, array: Any) -> NDArray[Any]:
        """See :meth:`trabsim.backends.base.Backend.from_numpy`."""
        return np.asarray(array)

    def synchronize(self) -> None:
        """Do nothing: every call has finished when it returns."""

    def memory_available_bytes(self) -> int:
        """See :meth:`trabsim.backends.base.Backend.memory_available_bytes`."""
        return _memory_available_bytes()

    @contextmanager
    def _parallel(self, work: int = _FEW) -> Iterator[None]:
        """Run Numba loops on this backend's threads, or on one where there is little work."""
        before = numba.get_num_threads()
        numba.set_num_threads(self.threads if work >= _FEW else 1)
        try:
            yield
        finally:
            numba.set_num_threads(before)

    def uniform(self, seed: int, stream: int, day: int, ids: Any, draw: int = 0) -> NDArray[np.float64]:
        """See :meth:`trabsim.backends.base.Backend.uniform`."""
        ids = np.ascontiguousarray(ids, np.int64)
        out = np.empty(ids.shape, np.float64)
        arguments = (ids.reshape(-1), *_scalars(seed, stream, day, draw), out.reshape(-1))
        if ids.size < _FEW:
            _cpu_philox.fill_few(*arguments)
        else:
            with self._parallel():
                _cpu_philox.fill_many(*arguments)
        return out

    def uniform2(
        self, seed: int, stream: int, day: int, ids: Any, draw: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See :meth:`trabsim.backends.base.Backend.uniform2`."""
        ids = np.ascontiguousarray(ids, np.int64)
        first, second = np.empty(ids.shape, np.float64), np.empty(ids.shape, np.float64)
        scalars = _scalars(seed, stream, day, draw)
        if ids.size < _FEW:
            _cpu_philox.fill_pairs_few(ids.reshape(-1), *scalars, first.reshape(-1), second.reshape(-1))
        else:
            with self._parallel():
                _cpu_philox.fill_pairs_many(ids.reshape(-1), *scalars, first.reshape(-1), second.reshape(-1))
        return first, second

    def binomial_inversion(self, u: Any, n: Any, p: Any) -> NDArray[np.int64]:
        """See :meth:`trabsim.backends.base.Backend.binomial_inversion`."""
        u = np.ascontiguousarray(u, np.float64)
        counts = np.empty(u.shape, np.int64)
        _cpu_binomial.binomial_inversion(
            u.reshape(-1),
            np.ascontiguousarray(np.broadcast_to(n, u.shape), np.int64).reshape(-1),
            np.ascontiguousarray(np.broadcast_to(p, u.shape), np.float64).reshape(-1),
            counts.reshape(-1),
        )
        return counts

    def scatter_add(self, target: NDArray[Any], index: Any, values: Any) -> None:
        """See :meth:`trabsim.backends.base.Backend.scatter_add`."""
        _cpu_scatter.add(*_scatter_arguments(target, index, values))

    def scatter_min(self, target: NDArray[Any], index: Any, values: Any) -> None:
        """See :meth:`trabsim.backends.base.Backend.scatter_min`."""
        _cpu_scatter.minimum(*_scatter_arguments(target, index, values))

    def surface(
        self, bone: NDArray[np.int32], full: int, tissue: Any = None, smoothing_voxels: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """See :meth:`trabsim.backends.base.Backend.surface`."""
        bone = np.ascontiguousarray(bone, np.int32)
        has_tissue = tissue is not None
        inside = byte_mask(np, tissue) if has_tissue else np.empty((0, 0, 0), np.uint8)
        if has_tissue and inside.shape != bone.shape:
            raise ValueError(f"tissue has shape {inside.shape}, bone has {bone.shape}")
        kind, found = np.empty(bone.shape, np.uint8), np.empty(bone.shape, np.uint8)
        with self._parallel(bone.size // LATTICE_SHARE):
            _cpu_surface.classify(bone, np.int64((full + 1) // 2), inside, has_tissue, kind)
            _cpu_surface.mark(kind, found)

            def share(smooth: Any, _inside: Any, number: Any, scale: float) -> None:
                _cpu_surface.share(smooth, inside, has_tissue, kind, number, scale)

            area = surface_area(
                np, bone, full, inside if has_tissue else None, found, smoothing_voxels,
                _cpu_surface.convolve, share,
            )  # fmt: skip
        return np.flatnonzero(found), area

    def solve_steady(
        self,
        source: Any,
        domain: Any,
        length_voxels: float,
        field: NDArray[np.float32],
        tolerance: float = 1e-4,
    ) -> Steady:
        """See :meth:`trabsim.backends.base.Backend.solve_steady`."""
        source, domain = np.ascontiguousarray(source, np.float32), byte_mask(np, domain)
        fits = isinstance(field, np.ndarray) and field.dtype == np.float32 and field.flags.c_contiguous
        check_steady_arguments([field.shape, source.shape, domain.shape], length_voxels, tolerance, fits)
        nz, ny, nx = field.shape
        half = (nx + 1) // 2
        shape = (2, nz + 2, ny + 2, half + 2)
        packed, forcing = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        code, span = np.full(shape, OUTSIDE, np.uint8), np.empty((nz + 2, ny + 2, 2), np.int64)
        active, sums, peaks = np.empty(nz, bool), np.empty((3, nz, half)), np.empty((3, nz, half))
        length2 = np.float32(length_voxels * length_voxels)

        def sweep(color: int, omega: float) -> None:
            own, other = packed[color], packed[1 - color]
            w = np.float32(omega)
            _cpu_steady.half_sweep(own, other, forcing[color], code[color], color, length2, w, span)

        def measure() -> Measure:
            _cpu_steady.measure(packed, code, field, length2, sums, peaks)
            return gather(sums, peaks)

        with self._parallel(field.size // LATTICE_SHARE):
            _cpu_steady.pack(source, domain, field, packed, forcing, code, active)
            if not active.any():
                field[...] = 0
                return Steady(0, 0.0, 0.0, 0.0)
            _cpu_steady.find_spans(code, span)
            iterations, error = iterate(length_voxels, tolerance, sweep, measure)
            _cpu_steady.unpack(packed, field)
        return Steady(iterations, error, float(field.min()), float(field.max()))

    def distance_transform(self, mask: Any) -> NDArray[np.float32]:
        """See :meth:`trabsim.backends.base.Backend.distance_transform`."""
        import edt

        return edt.edt(np.ascontiguousarray(mask) != 0, black_border=False, parallel=self.threads)

    def components(self, mask: Any, connectivity: int = 6) -> tuple[NDArray[np.int32], int]:
        """See :meth:`trabsim.backends.base.Backend.components`."""
        import cc3d

        if connectivity not in (6, 26):
            raise ValueError(f"connectivity must be 6 or 26, not {connectivity}")
        found, n = cc3d.connected_components(  # type: ignore[call-overload]
            np.ascontiguousarray(mask) != 0, connectivity=connectivity, return_N=True, out_dtype=np.uint32
        )
        labels = np.ascontiguousarray(found).view(np.int32)
        _cpu_scatter.relabel_by_first(labels.reshape(-1), np.zeros(n + 1, np.int32))
        return labels, int(n)


def _scalars(
    seed: int, stream: int, day: int, draw: int
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    k0, k1 = philox_key(int(seed), int(stream))
    return np.uint64(int(day) & _LOW), np.uint64(int(draw) & _LOW), np.uint64(k0), np.uint64(k1)


def _scatter_arguments(
    target: NDArray[Any], index: Any, values: Any
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[Any]]:
    """Check and flatten what a scatter was given."""
    values = np.asarray(values)
    if target.dtype.kind not in "iu" or values.dtype.kind not in "iu":
        raise TypeError(f"scatter takes integers, not {values.dtype} into {target.dtype}")
    if not target.flags.c_contiguous:
        raise TypeError("scatter needs a C contiguous target")
    index = np.ascontiguousarray(index, np.int64)
    values = np.ascontiguousarray(np.broadcast_to(values.astype(target.dtype, copy=False), index.shape))
    if not _cpu_scatter.in_range(index.reshape(-1), target.size):
        raise IndexError(f"scatter index outside 0..{target.size - 1}")
    return target.reshape(-1), index.reshape(-1), values.reshape(-1)


def _processor_name() -> str:
    import platform

    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_available_bytes() -> int:
    """Read what the kernel says is available, or what the container may still take if that is less."""
    available = (
        os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 2**33
    )
    try:
        with open("/proc/meminfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    available = int(line.split()[1]) * 1024
        with open("/sys/fs/cgroup/memory.max", encoding="utf-8") as limit:
            most = limit.read().strip()
        if most != "max":
            with open("/sys/fs/cgroup/memory.current", encoding="utf-8") as used:
                taken = int(used.read())
            with open("/sys/fs/cgroup/memory.stat", encoding="utf-8") as lines:
                # file cache that nobody reads is given back on demand
                taken -= sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
            available = min(available, max(int(most) - taken, 0))
    except (OSError, ValueError):
        pass
    return available
