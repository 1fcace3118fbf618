"""Devices that several contract tests run the CUDA sources on."""

from __future__ import annotations

import os
import shutil

import pytest
from cuda_on_cpu import CpuDevice
from strict_arrays import StrictDevice


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory):
    """Devices on the CPU: threads forward and backward, and with arrays as strict as a device's."""
    if shutil.which("g++") is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have g++ to hold the CUDA sources against the reference")
        pytest.skip("g++ not found: the CUDA sources cannot be run on the CPU")
    folder = tmp_path_factory.mktemp("kernels")
    return {
        "forward": CpuDevice(folder),
        "backward": CpuDevice(folder, backward=True),
        "strict": StrictDevice(folder),
    }
