"""A run whose arrays and kernels are a device's, on the CPU, takes the decisions of the NumPy backend.

Both hold the same bits at the end, in every variable of the state, so a machine without a device vouches
for one.
"""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from strict_arrays import DeviceArray, StrictDevice

from trabsim.backends import get_backend
from trabsim.config import load_config
from trabsim.embedding import embed
from trabsim.model import build_specimen
from trabsim.simulation import Simulation
from trabsim.state import VARIABLES

DAYS = 60


def test_strict_arrays_refuse_what_a_device_refuses():
    array = DeviceArray(np.arange(3))
    with pytest.raises(TypeError):
        np.asarray(array)
    with pytest.raises(TypeError):
        array + np.arange(3)
    with pytest.raises(TypeError):
        np.arange(3) + array
    with pytest.raises(TypeError):
        array[np.arange(2)]
    with pytest.raises(TypeError):
        range(array[1])
    with pytest.raises(TypeError):
        f"{array[1]:.2f}"
    assert int((array * 2).sum()) == 6


def test_a_device_takes_the_decisions_of_the_cpu(tmp_path):
    if shutil.which("g++") is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have g++ to run the CUDA sources")
        pytest.skip("g++ not found: the CUDA sources cannot be run on the CPU")
    config = load_config("postmenopause", {"specimen.shape": [32, 32, 32], "run.spin_up_days": DAYS})
    specimen = build_specimen(config)
    runs = []
    for backend in (get_backend("numpy"), StrictDevice(tmp_path)):
        run = Simulation.from_state(config, embed(specimen, config, backend), -DAYS, backend=backend)
        for _ in range(DAYS):
            run.step()
        runs.append(run)
    ours, theirs = (run.state for run in runs)
    assert ours.counters == theirs.counters
    assert ours.counters["resorbed_quanta"] > 0
    assert ours.counters["formed_quanta"] > 0
    for variable in VARIABLES:
        one, other = (_values(run, variable.name) for run in runs)
        np.testing.assert_array_equal(one, other, err_msg=variable.name)
    assert runs[0].measure() == pytest.approx(runs[1].measure(), rel=0, abs=0, nan_ok=True)


def _values(run, name):
    table, _, column = name.rpartition(".")
    array = run.state.tables[table].columns[column] if table else run.state.arrays[name]
    return run.backend.to_numpy(array)
