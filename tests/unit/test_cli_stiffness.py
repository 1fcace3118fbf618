"""``trabsim stiffness``: what it prints, of scans and of checkpoints, and how it answers mistakes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bone_samples import spongy
from click.testing import CliRunner
from small_runs import simulate, write_config

from trabsim.cli import main

KEYS = {
    "apparent_modulus_MPa", "axial_force_N", "elements", "dofs", "iterations", "seconds", "peak_memory_MB",
    "mean_SED_center_MPa", "mean_SED_element_average_MPa", "failure_load_N",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    np.save(folder / "solid.npy", np.ones((6, 5, 4), np.uint8))
    np.save(folder / "sponge.npy", spongy(16, 0.5).astype(np.uint8))
    np.save(folder / "gray.npy", (100 * spongy(16, 0.5)).astype(np.uint16) + np.arange(16, dtype=np.uint16))
    cut = np.ones((6, 5, 4), np.uint8)
    cut[3] = 0
    np.save(folder / "cut.npy", cut)
    island = np.ones((6, 5, 4), np.uint8)
    island[:, 2:] = 0
    island[2:4, 4] = 1
    np.save(folder / "island.npy", island)
    return folder


def stiffness(*arguments):
    return CliRunner().invoke(main, ["stiffness", *map(str, arguments), "--threads", "1"])


def test_json_of_a_solid_block(folder):
    result = stiffness(
        folder / "solid.npy", "--voxel-size-um", 50, "--boundary", "frictionless", "--axis", "z",
        "--modulus-MPa", 12000, "--poisson", 0.3, "--strain", 0.02, "--tolerance", 1e-8, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found.keys() >= KEYS
    area = 20 * 0.05**2
    assert found["apparent_modulus_MPa"] == pytest.approx(12_000)
    assert found["axial_force_N"] == pytest.approx(12_000 * 0.02 * area)
    assert found["failure_load_N"] == pytest.approx(12_000 * 0.007 * area)
    assert found["mean_SED_center_MPa"] == pytest.approx(0.5 * 12_000 * 0.02**2)
    assert found["mean_SED_element_average_MPa"] == pytest.approx(0.5 * 12_000 * 0.02**2)
    assert (found["elements"], found["dofs"]) == (120, 3 * 7 * 6 * 5)
    assert found["peak_memory_MB"] > 10


def test_gray_values_are_smoothed_and_thresholded(folder):
    options = ("--voxel-size-um", 39, "--json", "--tolerance", 1e-4)
    plain = json.loads(stiffness(folder / "gray.npy", "--threshold", 50, *options).stdout)
    mask = json.loads(stiffness(folder / "sponge.npy", *options).stdout)
    smooth = json.loads(stiffness(folder / "gray.npy", "--threshold", 50, "--gaussian", 1, *options).stdout)
    assert plain["apparent_modulus_MPa"] == mask["apparent_modulus_MPa"]
    assert smooth["elements"] != mask["elements"]


def test_table_tensor_and_other_axes(folder):
    result = stiffness(folder / "sponge.npy", "--voxel-size-um", 39, "--axis", "x", "--tensor")
    assert result.exit_code == 0, result.output
    assert "apparent_modulus_MPa" in result.stdout
    assert "homogenized stiffness in MPa (xx, yy, zz, yz, xz, xy" in result.stdout


def test_parts_that_float_are_named_on_stderr(folder):
    result = stiffness(folder / "island.npy", "--voxel-size-um", 39, "--json")
    assert result.exit_code == 0
    assert "8 of 56 elements, in 1 parts that touch no held face, float" in result.stderr
    assert json.loads(result.stdout)["elements"] == 48


def test_checkpoint(tmp_path):
    write_config(tmp_path, **{"run.years": 2 / 365.25})
    simulate(tmp_path, tmp_path / "run", **{"run.years": 2 / 365.25}).run()
    last = sorted((tmp_path / "run" / "checkpoints").glob("*.vtkhdf"))[-1]
    result = stiffness(last, "--json", "--tolerance", "1e-4", "--axis", "z")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["segmentation"] == "at least half full"
    assert 0 < found["apparent_modulus_MPa"] < 10_000
    again = stiffness(last, "--otsu")
    assert again.exit_code == 2
    assert "a checkpoint knows its voxel size and its bone" in again.stderr


MISTAKES = {
    "solid.npy --voxel-size-um 39 --modulus-MPa 0": "the modulus is 0.0 MPa: give a number above 0",
    "solid.npy --voxel-size-um 39 --modulus-MPa=-3": "the modulus is -3.0 MPa: give a number above 0",
    "solid.npy --voxel-size-um 39 --poisson 0.5": "Poisson's ratio is 0.5: give a number above -1 and below 0.5",
    "solid.npy --voxel-size-um 39 --poisson=-1": "Poisson's ratio is -1.0: give a number above -1 and below 0.5",
    "solid.npy --voxel-size-um 39 --strain 0": "the strain is 0.0: give a number above 0",
    "solid.npy --voxel-size-um 39 --tolerance 0": "the tolerance is 0.0: give a number from 1e-10 to 0.5",
    "solid.npy --voxel-size-um 39 --axis w": "Invalid value for '--axis': 'w' is not one of 'z', 'y', 'x'.",
    "solid.npy --voxel-size-um 39 --boundary glue": "Invalid value for '--boundary': 'glue' is not one of ",
    "solid.npy": "solid.npy holds no voxel size: give --voxel-size-um, for example 20",
    "cut.npy --voxel-size-um 39": "no connected bone reaches from face to face along z: nothing carries the load;",
    "gray.npy --voxel-size-um 39": "gray.npy holds gray values: give --threshold T or --otsu",
    "gray.npy --voxel-size-um 39 --threshold 999": "the image holds no bone: check the threshold or the mask",
    "sponge.npy --voxel-size-um 39 --max-iterations 2": "no equilibrium after 2 iterations: the residual is ",
    "none.npy --voxel-size-um 39": "no such file or folder: ",
    "none.vtkhdf": "there is no checkpoint at none.vtkhdf",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line(folder, monkeypatch, command):
    monkeypatch.chdir(folder)
    result = stiffness(*command.split())
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"trabsim: error: {MISTAKES[command]}")
    assert "Traceback" not in result.output
