"""A run whose arrays and kernels are a device's, on the CPU, takes the decisions of the NumPy backend.

Both hold the same bits at the end, in every variable of the state, so a machine without a device vouches
for one.
"""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from scipy import ndimage
from strict_arrays import DeviceArray, StrictDevice

from trabsim.backends import get_backend
from trabsim.checkpoint import read_checkpoint, write_checkpoint
from trabsim.config import load_config
from trabsim.embedding import embed
from trabsim.simulation import Simulation
from trabsim.state import VARIABLES
from trabsim.tissue.specimen import Specimen

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
    busy = {
        "run.spin_up_days": DAYS,
        "endocrine.age_years": 51.0,
        "activation.rate_per_mm2_per_year": 200.0,
        "fields.refresh_change": 0.3,  # fewer solutions of the fields, for speed
        "mechanics.every_days": 15,
        "microdamage.every_days": 15,
        "labels.days": [[-28, -14]],
        "therapy": [
            {"kind": "alendronate", "dose": 70.0, "unit": "mg", "every": "weekly", "start_day": -DAYS}
        ],
    }
    config = load_config("postmenopause", busy)
    rough = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((24, 24, 24)), 3, mode="wrap")
    bone = (rough > np.quantile(rough, 0.8)).astype(np.float32)
    bone[7:17, 7:17] = bone[7:17, :, 7:17] = bone[:, 7:17, 7:17] = 1.0  # so that load is carried to the end
    specimen = Specimen(
        bone_fraction=bone, tissue=None, voxel_size_um=20.0, source="level set of smooth noise"
    )
    runs = []
    for backend in (get_backend("numpy"), StrictDevice(tmp_path)):
        run = Simulation.from_state(config, embed(specimen, config, backend), -DAYS, backend=backend)
        for _ in range(DAYS):
            run.step()
        runs.append(run)
    ours, theirs = (run.state for run in runs)
    assert ours.counters == theirs.counters
    for happened in (
        "sites_opened",
        "osteoclasts_born",
        "resorbed_quanta",
        "osteoblasts_born",
        "formed_quanta",
        "bisphosphonate_engulfed",
    ):
        assert ours.counters.get(happened, 0) > 0, happened
    assert ours.counters["mechanics_day"] == -15
    assert ours.osteocytes.stimulus.any()
    assert ours.levels == theirs.levels
    for variable in VARIABLES:
        one, other = (_values(run, variable.name) for run in runs)
        np.testing.assert_array_equal(one, other, err_msg=variable.name)
    write_checkpoint(tmp_path / "there.vtkhdf", theirs, 0, config, runs[1].backend)
    back, _, _ = read_checkpoint(tmp_path / "there.vtkhdf", runs[0].backend)
    np.testing.assert_array_equal(back.bone, ours.bone)
    assert runs[0].measure() == pytest.approx(runs[1].measure(), rel=0, abs=0, nan_ok=True)


def _values(run, name):
    table, _, column = name.rpartition(".")
    array = run.state.tables[table].columns[column] if table else run.state.arrays[name]
    return run.backend.to_numpy(array)
