"""get_backend: every name gives what it says, or one line that tells what is missing."""

from __future__ import annotations

import logging
import sys
import types

import numpy as np
import pytest

from trabsim.backends import get_backend
from trabsim.errors import BackendError


class _Runtime(types.SimpleNamespace):
    """Stands in for cupy.cuda.runtime on a machine whose driver answers as told."""

    def __init__(self, answer):
        super().__init__(answer=answer)

    def getDeviceCount(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _fake_cupy(monkeypatch, answer):
    cupy = types.ModuleType("cupy")
    cupy.cuda = types.SimpleNamespace(runtime=_Runtime(answer))
    monkeypatch.setitem(sys.modules, "cupy", cupy)


def _message(excinfo) -> str:
    text = str(excinfo.value)
    assert "\n" not in text
    return text


def test_unknown_name_is_refused_with_the_choices():
    with pytest.raises(BackendError) as excinfo:
        get_backend("cuda")
    assert "'cuda'" in _message(excinfo)
    assert "auto, numpy, cupy" in _message(excinfo)


def test_thread_count_below_one_is_refused():
    with pytest.raises(BackendError) as excinfo:
        get_backend("numpy", threads=0)
    assert "not 0" in _message(excinfo)


def test_cupy_without_the_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(BackendError) as excinfo:
        get_backend("cupy")
    assert 'pip install "trabsim[cuda13]"' in _message(excinfo)


def test_cupy_without_a_driver_says_so(monkeypatch):
    _fake_cupy(monkeypatch, RuntimeError("cudaErrorInsufficientDriver: driver is insufficient\nsecond line"))
    with pytest.raises(BackendError) as excinfo:
        get_backend("cupy")
    assert "driver" in _message(excinfo)
    assert "cudaErrorInsufficientDriver" in _message(excinfo)


def test_cupy_without_a_device_names_the_variable_that_hides_it(monkeypatch):
    _fake_cupy(monkeypatch, 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(BackendError) as excinfo:
        get_backend("cupy")
    assert "no CUDA device" in _message(excinfo)
    assert "CUDA_VISIBLE_DEVICES" in _message(excinfo)


def test_auto_takes_numpy_without_cupy_and_logs_why(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with caplog.at_level(logging.INFO, logger="trabsim"):
        backend = get_backend("auto")
    assert backend.name == "numpy"
    assert "numpy" in caplog.text
    assert "not installed" in caplog.text


def test_numpy_backend_holds_what_array_code_needs():
    backend = get_backend("numpy", threads=1)
    assert backend.xp is np
    assert backend.threads == 1
    assert backend.ndi.__name__ == "scipy.ndimage"
    assert backend.device_name
    assert backend.memory_available_bytes() > 2**20
    array = np.arange(3)
    assert backend.to_numpy(array) is array
    assert backend.from_numpy([1, 2]).tolist() == [1, 2]
    backend.synchronize()


def test_two_backends_live_side_by_side_and_leave_numba_as_it_was():
    import numba

    before = numba.get_num_threads()
    one, all_cores = get_backend("numpy", threads=1), get_backend("numpy")
    ids = np.arange(10_000)
    np.testing.assert_array_equal(one.uniform(1, 2, 3, ids), all_cores.uniform(1, 2, 3, ids))
    assert numba.get_num_threads() == before
