"""Run CUDA kernel sources on a CPU: a small header turns the launch grid into loops, g++ compiles the rest.

The kernels of this project use neither shared memory nor barriers, so running their threads one after
another is one of the orders a device may choose.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trabsim.backends import get_backend
from trabsim.backends.device import DeviceBackend, kernel_source
from trabsim.errors import BackendError

HEADER = """
#include <math.h>
#define __global__
#define __device__
struct Place { unsigned int x, y, z; };
static Place blockIdx, threadIdx, blockDim;
template <class T> T atomicAdd(T* where, T value)
{
    T old = *where;
    *where = old + value;
    return old;
}
template <class T> T atomicMin(T* where, T value)
{
    T old = *where;
    if (value < old) *where = value;
    return old;
}
"""

LAUNCHER = """
extern "C" void run_{name}(unsigned int blocks, unsigned int block, int backward{parameters})
{{
    blockDim = Place{{block, 1, 1}};
    for (unsigned int k = 0; k < blocks * block; ++k) {{
        unsigned int at = backward ? blocks * block - 1 - k : k;
        blockIdx.x = at / block;
        threadIdx.x = at % block;
        {name}({arguments});
    }}
}}
"""

KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)')
NUMBERS = {
    "int": np.int32, "long long": np.int64, "float": np.float32, "double": np.float64, "word": np.uint32,
    "unsigned char": np.uint8,
}  # fmt: skip


def _has_device() -> bool:
    try:
        get_backend("cupy")
    except BackendError:
        return False
    return True


#: The CUDA device of this machine, as a parameter of tests, if there is one.
GPU = [pytest.param("cupy", marks=pytest.mark.gpu)] if _has_device() else []


def signatures(source: str) -> dict[str, list[tuple[Any, bool]]]:
    """Give, per kernel, the NumPy type of every parameter and whether it is a pointer."""
    found = {}
    for name, parameters in KERNEL.findall(source):
        found[name] = []
        for parameter in parameters.replace("\n", " ").split(","):
            kind = re.sub(r"\bconst\b|\w+\s*$|\*", "", parameter.strip()).strip()
            found[name].append((NUMBERS[kind], "*" in parameter))
    return found


def build(source: str, folder: Path) -> ctypes.CDLL:
    """Compile a kernel source for the CPU, without fused multiply-add."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise FileNotFoundError("g++ is needed to run the CUDA sources on the CPU")
    text = HEADER + source
    for name, parameters in KERNEL.findall(source):
        parameters = " ".join(parameters.split())
        arguments = ", ".join(re.search(r"(\w+)$", p.strip()).group() for p in parameters.split(","))
        text += LAUNCHER.format(name=name, parameters=f", {parameters}", arguments=arguments)
    path = folder / "kernels.cpp"
    path.write_text(text, encoding="utf-8")
    library = folder / "kernels.so"
    command = [
        compiler,
        "-O2",
        "-ffp-contract=off",
        "-Wall",
        "-Werror",
        "-shared",
        "-fPIC",
        "-o",
        library,
        path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return ctypes.CDLL(str(library))


class CpuDevice(DeviceBackend):
    """The device backend with NumPy arrays and CUDA sources that run on the CPU."""

    name = "cuda sources on the cpu"
    xp = np
    threads = 1

    def __init__(self, folder: Path, backward: bool = False) -> None:
        self._folder, self._backward = folder, backward
        self._libraries: dict[str, ctypes.CDLL] = {}
        self.launched: set[str] = set()

    @property
    def ndi(self) -> Any:
        from scipy import ndimage

        return ndimage

    @property
    def device_name(self) -> str:
        return self.name

    def to_numpy(self, array: Any) -> Any:
        return array

    def from_numpy(self, array: Any) -> Any:
        return np.asarray(array)

    def synchronize(self) -> None:
        pass

    def memory_available_bytes(self) -> int:
        return 2**30

    def launch(self, source: str, kernel: str, threads: int, *arguments: Any) -> None:
        text = kernel_source(source)
        if source not in self._libraries:
            folder = self._folder / source
            folder.mkdir(exist_ok=True)
            self._libraries[source] = build(text, folder)
        parameters = signatures(text)[kernel]
        assert len(arguments) == len(parameters), f"{kernel} takes {len(parameters)} arguments"
        given = []
        for argument, (kind, pointer) in zip(arguments, parameters):
            if not pointer:
                assert isinstance(argument, kind), f"{kernel}: {argument!r} for {kind.__name__}"
                given.append(np.ctypeslib.as_ctypes_type(kind)(argument))
            elif isinstance(argument, np.uint64):
                given.append(ctypes.c_void_p(None))
            else:
                assert argument.dtype == kind, f"{kernel}: {argument.dtype} for {kind.__name__}*"
                assert argument.flags.c_contiguous
                given.append(ctypes.c_void_p(argument.ctypes.data))
        block = 64
        getattr(self._libraries[source], f"run_{kernel}")(
            -(-threads // block), block, int(self._backward), *given
        )
        self.launched.add(kernel)
