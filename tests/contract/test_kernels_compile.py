"""Every CUDA source compiles for the devices we name, without a device, and without fused multiply-add."""

from __future__ import annotations

import ctypes
import os
from importlib import metadata

import pytest

from trabsim.backends.device import COMPILE_OPTIONS, SOURCES, kernel_source


class _Compiler:
    """NVRTC of the ``nvidia-cuda-nvrtc`` wheel, which needs no driver."""

    def __init__(self, library: str) -> None:
        self._call = ctypes.CDLL(library)

    def compile(self, source: str, architecture: str) -> tuple[bool, str, str]:
        """Compile for an architecture; give success, log and, for a virtual one, the PTX."""
        program = ctypes.c_void_p()
        assert not self._call.nvrtcCreateProgram(
            ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None
        )
        options = [f"--gpu-architecture={architecture}".encode(), *(o.encode() for o in COMPILE_OPTIONS)]
        failed = self._call.nvrtcCompileProgram(
            program, len(options), (ctypes.c_char_p * len(options))(*options)
        )
        log = self._text(program, "ProgramLog")
        ptx = "" if failed or architecture.startswith("sm") else self._text(program, "PTX")
        self._call.nvrtcDestroyProgram(ctypes.byref(program))
        return not failed, log, ptx

    def _text(self, program: ctypes.c_void_p, what: str) -> str:
        size = ctypes.c_size_t()
        getattr(self._call, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        getattr(self._call, f"nvrtcGet{what}")(program, text)
        return text.value.decode()


@pytest.fixture(scope="module")
def compiler():
    try:
        files = metadata.files("nvidia-cuda-nvrtc") or []
    except metadata.PackageNotFoundError:
        if os.environ.get("CI"):
            pytest.fail("CI must have nvidia-cuda-nvrtc to compile the CUDA sources")
        pytest.skip("nvidia-cuda-nvrtc is not installed: the CUDA sources cannot be compiled")
    library = next(f for f in files if f.name.startswith("libnvrtc.so"))
    return _Compiler(str(library.locate()))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_120"])
@pytest.mark.parametrize("source", SOURCES)
def test_source_compiles(compiler, source, architecture):
    good, log, _ = compiler.compile(kernel_source(source), architecture)
    assert good, log
    assert not log.strip("\0\n "), log


@pytest.mark.parametrize("source", SOURCES)
def test_floating_point_is_never_fused_flushed_or_approximate(compiler, source):
    """What would make a device round otherwise than the reference stands nowhere in the PTX."""
    good, log, ptx = compiler.compile(kernel_source(source), "compute_80")
    assert good, log
    assert ".entry" in ptx
    for word in ("fma.", "mad.f", ".ftz", ".approx"):
        assert word not in ptx


def test_the_options_are_what_prevents_fusing(compiler):
    """The test above can fail: without our options the same compiler fuses."""
    source = 'extern "C" __global__ void f(float* a) { *a = a[1] * a[2] + a[3]; }'
    _, _, ptx = compiler.compile(source, "compute_80")
    assert "fma." not in ptx
    options, COMPILE = [b"--gpu-architecture=compute_80"], compiler._call.nvrtcCompileProgram
    program = ctypes.c_void_p()
    compiler._call.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"f.cu", 0, None, None)
    assert not COMPILE(program, 1, (ctypes.c_char_p * 1)(*options))
    assert "fma." in compiler._text(program, "PTX")


def test_a_broken_source_is_reported(compiler):
    good, log, _ = compiler.compile("__global__ void f() { nonsense; }", "sm_90")
    assert not good
    assert "nonsense" in log
