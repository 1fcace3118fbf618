"""The GPU backend: CuPy arrays, and the CUDA kernels of the ``.cu`` files where array code would not do."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np
from numpy.typing import NDArray

from trabsim.backends.device import COMPILE_OPTIONS, DeviceBackend, kernel_source

_BLOCK = 256


class CupyBackend(DeviceBackend):
    """CuPy on the current CUDA device; ``threads`` is accepted for symmetry, the host only directs."""

    name = "cupy"
    xp = cupy

    def __init__(self, threads: int | None = None) -> None:
        self.threads = 1
        self._modules: dict[str, Any] = {}

    @property
    def ndi(self) -> Any:
        """See :class:`trabsim.backends.base.Backend`."""
        from cupyx.scipy import ndimage

        return ndimage

    @property
    def device_name(self) -> str:
        """See :class:`trabsim.backends.base.Backend`."""
        properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
        return properties["name"].decode()

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """See :meth:`trabsim.backends.base.Backend.to_numpy`."""
        return cupy.asnumpy(array)

    def from_numpy(self, array: Any) -> Any:
        """See :meth:`trabsim.backends.base.Backend.from_numpy`."""
        return cupy.asarray(array)

    def synchronize(self) -> None:
        """See :meth:`trabsim.backends.base.Backend.synchronize`."""
        cupy.cuda.get_current_stream().synchronize()

    def memory_available_bytes(self) -> int:
        """Count what the device has free and what CuPy's pool holds unused."""
        free, _total = cupy.cuda.runtime.memGetInfo()
        return int(free) + int(cupy.get_default_memory_pool().free_bytes())

    def launch(self, source: str, kernel: str, threads: int, *arguments: Any) -> None:
        """See :meth:`trabsim.backends.device.DeviceBackend.launch`."""
        if threads == 0:
            return
        if source not in self._modules:
            self._modules[source] = cupy.RawModule(code=kernel_source(source), options=COMPILE_OPTIONS)
        function = self._modules[source].get_function(kernel)
        function((-(-threads // _BLOCK),), (_BLOCK,), tuple(_argument(a) for a in arguments))


def _argument(value: Any) -> Any:
    """Hand scalars over as they are and arrays as device arrays."""
    return value if isinstance(value, np.generic) else cupy.asarray(value)
