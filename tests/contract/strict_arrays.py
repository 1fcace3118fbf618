"""A device in all but speed: arrays that refuse what CuPy arrays refuse, kernels that are the CUDA sources.

NumPy forgives where CuPy does not: it mixes device and host arrays, gives scalars where CuPy gives arrays
without dimensions, takes such arrays as indices and in ``range``. These arrays hold NumPy data and forgive
none of that, so a run that passes here and agrees with the NumPy backend has used only what a device can
do.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cuda_on_cpu import CpuDevice

try:
    import cupy
except ImportError:
    cupy = None


class DeviceArray:
    """An array that pretends to live on a device."""

    __array_ufunc__ = None  # NumPy arrays on the left hand refuse to mix, too

    def __init__(self, data: np.ndarray) -> None:
        assert type(data) is np.ndarray
        self.data = data

    def __array__(self, *_args: Any, **_kwargs: Any) -> np.ndarray:
        raise TypeError("implicit conversion of a device array to NumPy")

    def __getitem__(self, key: Any) -> DeviceArray:
        return wrap(self.data[unwrap(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[unwrap(key)] = unwrap(value)

    def __iter__(self) -> Iterator[DeviceArray]:
        return (wrap(item) for item in self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __int__(self) -> int:
        return int(self.data)

    def __float__(self) -> float:
        return float(self.data)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.data, name)  # shape, dtype, methods
        return call(found) if callable(found) else wrap(found)


def _operator(name: str) -> Any:
    def method(self: DeviceArray, *others: Any) -> Any:
        result = getattr(self.data, name)(*[unwrap(other) for other in others])
        if result is self.data:
            return self
        return result if result is NotImplemented else wrap(result)

    return method


BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift")
OTHERS = ("lt", "le", "eq", "ne", "gt", "ge", "neg", "pos", "abs", "invert")
for _name in (*BINARY, *(f"r{name}" for name in BINARY), *(f"i{name}" for name in BINARY), *OTHERS):
    setattr(DeviceArray, f"__{_name}__", _operator(f"__{_name}__"))
DeviceArray.__hash__ = None  # type: ignore[assignment]


def wrap(value: Any) -> Any:
    """Put arrays and NumPy scalars on the device: a reduction gives an array without dimensions."""
    if isinstance(value, np.ndarray):
        return DeviceArray(value)
    if isinstance(value, np.generic):
        return DeviceArray(np.asarray(value))
    if isinstance(value, (tuple, list)):
        return type(value)(wrap(item) for item in value)
    return value


def unwrap(value: Any) -> Any:
    """Take device arrays for what they hold; refuse arrays of the host."""
    if isinstance(value, DeviceArray):
        return value.data
    if isinstance(value, np.ndarray):
        raise TypeError("NumPy array given to a device function: use backend.from_numpy")
    if isinstance(value, slice):
        for limit in (value.start, value.stop, value.step):
            if isinstance(limit, DeviceArray):
                raise TypeError("device array used as a limit of a slice: use int()")
        return value
    if isinstance(value, (tuple, list)):
        return type(value)(unwrap(item) for item in value)
    return value


def call(function: Any) -> Any:
    """Make a NumPy function one of the device."""

    @functools.wraps(function, assigned=())
    def on_device(*arguments: Any, **options: Any) -> Any:
        given = [unwrap(a) for a in arguments]
        result = function(*given, **{name: unwrap(value) for name, value in options.items()})
        out = options.get("out")
        return out if out is not None else wrap(result)

    return on_device


class DeviceNamespace:
    """NumPy's functions as a device offers them, less those that CuPy lacks, where CuPy is installed."""

    ndarray = DeviceArray

    def __getattr__(self, name: str) -> Any:
        if cupy is not None and not hasattr(cupy, name):
            raise AttributeError(f"cupy has no {name}")
        found = getattr(np, name)
        if isinstance(found, type) or not callable(found):
            return found  # dtypes, constants
        if name in ("asarray", "array", "ascontiguousarray"):
            return lambda a, *rest, **options: wrap(found(_contents(a), *rest, **options))
        return call(found)


def _contents(value: Any) -> Any:
    return value.data if isinstance(value, DeviceArray) else value


class DeviceImages:
    """``scipy.ndimage`` for device arrays."""

    def __getattr__(self, name: str) -> Any:
        from scipy import ndimage

        found = getattr(ndimage, name)
        return call(found)


class StrictDevice(CpuDevice):
    """The CUDA sources on the CPU behind arrays that are as strict as a device's."""

    name = "strict device on the cpu"
    xp = DeviceNamespace()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)

    @property
    def ndi(self) -> Any:
        return DeviceImages()

    def to_numpy(self, array: Any) -> Any:
        """Copy, as a device must."""
        return array.data.copy() if isinstance(array, DeviceArray) else np.asarray(array)

    def from_numpy(self, array: Any) -> Any:
        return DeviceArray(np.array(array))

    def launch(self, source: str, kernel: str, threads: int, *arguments: Any) -> None:
        super().launch(source, kernel, threads, *[_contents(a) for a in arguments])
