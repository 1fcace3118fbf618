"""A checkpoint holds the whole state, opens in PyVista as it is, and is never half there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_runs import BACKEND, assert_same_state, random_state, with_bare_names

import trabsim
from trabsim import checkpoint
from trabsim.checkpoint import SCHEMA, read_checkpoint, read_header, write_checkpoint
from trabsim.config import load_config
from trabsim.errors import RunError
from trabsim.state import VARIABLES, Variable

CONFIG = load_config("postmenopause")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint of day 7."""
    path = tmp_path / "day_000007.vtkhdf"
    write_checkpoint(path, random_state(), 7, CONFIG, BACKEND)
    return path


def edited(path: Path) -> h5py.File:
    return h5py.File(path, "r+")


@pytest.mark.parametrize(
    ("shape", "agents"),
    [((5, 6, 7), 9), ((1, 1, 1), 1), ((3, 300, 301), 0), ((70, 2, 2), 70_000)],
    ids=["small", "one voxel", "chunked, no agents", "many agents"],
)
def test_everything_comes_back_bit_for_bit(tmp_path, shape, agents):
    state = random_state(shape, agents=agents)
    write_checkpoint(tmp_path / "a.vtkhdf", state, -365, CONFIG, BACKEND)
    back, day, header = read_checkpoint(tmp_path / "a.vtkhdf", BACKEND)
    assert_same_state(state, back)
    assert day == header.day == -365
    assert (header.shape, header.seed, header.schema) == (shape, 1, SCHEMA)
    assert header.version == trabsim.__version__
    assert load_config_text(header.config_toml) == CONFIG
    assert read_header(tmp_path / "a.vtkhdf") == header


def load_config_text(text: str) -> object:
    import tomllib

    return load_config(tomllib.loads(text))


def test_derived_variables_are_not_stored_and_come_back_as_zeros(path):
    back, _, _ = read_checkpoint(path, BACKEND)
    derived = [v.name for v in VARIABLES if not v.checkpointed]
    assert derived
    with h5py.File(path) as file:
        assert not set(derived) & set(file["VTKHDF/CellData"])
    assert all(not back.arrays[name].any() for name in derived)


def test_equal_states_give_equal_files(tmp_path):
    state, twin = random_state(), random_state()
    twin.counters = dict(reversed(twin.counters.items()))
    for name, one in (("a", state), ("b", twin)):
        write_checkpoint(tmp_path / f"{name}.vtkhdf", one, 3, CONFIG, BACKEND)
    assert (tmp_path / "a.vtkhdf").read_bytes() == (tmp_path / "b.vtkhdf").read_bytes()


def test_pyvista_opens_it_as_an_image_with_the_right_voxels(path):
    """Every voxel variable is cell data, the axes are not swapped, and the spacing is in um."""
    import pyvista

    state = random_state()
    image = pyvista.read(path)
    assert image.dimensions == (8, 7, 6)
    assert image.spacing == (31.5, 31.5, 31.5)
    assert image.origin == (0.0, 0.0, 0.0)
    names = {v.name_in_files: v.name for v in VARIABLES if v.dims == "voxel" and v.checkpointed}
    assert set(image.cell_data) == set(names)
    assert len(image.point_data) == 0
    for stored, name in names.items():
        seen = np.asarray(image.cell_data[stored]).reshape(state.shape)
        assert seen.dtype == state.arrays[name].dtype
        assert np.array_equal(seen, state.arrays[name])
    z, y, x = 4, 1, 2
    cell = image.find_closest_cell(((x + 0.5) * 31.5, (y + 0.5) * 31.5, (z + 0.5) * 31.5))
    assert image.cell_data["site"][cell] == state.arrays["site"][z, y, x]


def test_every_array_is_compressed_under_a_checksum_and_says_what_it_is(path):
    with h5py.File(path) as file:
        arrays: list[h5py.Dataset] = []
        file.visititems(lambda _, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        assert len(arrays) == 1 + sum(v.checkpointed for v in VARIABLES)
        for array in arrays:
            assert array.compression == "gzip"
            assert array.fletcher32
            assert array.dtype != np.bool_
        bone = file["VTKHDF/CellData/bone_100000th_voxel"].attrs
        assert (bone["unit"], bone["meaning"]) == (b"1/100000 voxel", b"matrix in the voxel")


def test_booleans_are_stored_as_bytes_and_come_back_as_booleans(tmp_path, monkeypatch):
    """VTK knows no booleans; none is in the table today, so one is put there."""
    flag = Variable("flag", "voxel", "bool", "1", "a mark")
    for module in (checkpoint, sys.modules["trabsim.state"]):
        monkeypatch.setattr(module, "VARIABLES", (*VARIABLES, flag))
    state = random_state()
    state.arrays["flag"] = state.arrays["bone"] > 90
    write_checkpoint(tmp_path / "a.vtkhdf", state, 0, CONFIG, BACKEND)
    with h5py.File(tmp_path / "a.vtkhdf") as file:
        assert file["VTKHDF/CellData/flag"].dtype == np.uint8
    back = read_checkpoint(tmp_path / "a.vtkhdf", BACKEND)[0].arrays["flag"]
    assert back.dtype == np.bool_
    assert np.array_equal(back, state.arrays["flag"])


def test_no_flipped_bit_is_ever_read_as_good(path):
    """Wherever a bit flips, the file is refused, or it was a byte that means nothing."""
    good = path.read_bytes()
    state, _, header = read_checkpoint(path, BACKEND)
    random = np.random.default_rng(5)
    refused, messages = 0, set()
    for _ in range(250):
        damaged = bytearray(good)
        damaged[random.integers(len(good))] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            back, _, found = read_checkpoint(path, BACKEND)
        except RunError as error:
            refused += 1
            messages.add(str(error))
        else:
            assert_same_state(state, back)
            assert found == header
    assert refused > 200
    assert not [message for message in messages if "\n" in message]


def test_a_flipped_bit_in_an_array_names_the_array(path):
    """Fletcher-32 finds it; without it the wrong value would be read in silence."""
    with h5py.File(path) as file:
        chunk = file["VTKHDF/CellData/opg_au"].id.get_chunk_info(0)
    damaged = bytearray(path.read_bytes())
    damaged[chunk.byte_offset + chunk.size // 2] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(
        RunError, match=r"dataset 'opg' of .* is damaged \(its checksum is wrong\); take another"
    ):
        read_checkpoint(path, BACKEND)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.9999])
def test_a_cut_file_is_refused(path, share):
    good = path.read_bytes()
    path.write_bytes(good[: int(share * len(good))])
    with pytest.raises(RunError, match=r"is not a checkpoint|cut short or damaged"):
        read_checkpoint(path, BACKEND)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"there is no checkpoint at .*day_000009.vtkhdf; give a"):
        read_checkpoint(tmp_path / "day_000009.vtkhdf", BACKEND)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(RunError, match="there is no checkpoint at"):
        read_checkpoint(tmp_path, BACKEND)


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    (tmp_path / "a.vtkhdf").write_text("bone")
    with pytest.raises(RunError, match="is not a checkpoint: it is no HDF5 file"):
        read_checkpoint(tmp_path / "a.vtkhdf", BACKEND)


def test_another_hdf5_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.vtkhdf", "w") as file:
        file["bone"] = np.zeros(3)
    with pytest.raises(RunError, match="is an HDF5 file, but not a checkpoint of trabsim"):
        read_checkpoint(tmp_path / "a.vtkhdf", BACKEND)


def test_a_file_without_rights_is_refused(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(RunError, match=r"cannot read .*: permission denied; check its rights"):
        read_checkpoint(path, BACKEND)


def test_a_newer_schema_asks_for_a_newer_version(path):
    with edited(path) as file:
        file["trabsim"].attrs["schema"] = SCHEMA + 1
    with pytest.raises(
        RunError, match=f"with schema {SCHEMA + 1}, and this version reads up to {SCHEMA}; install a newer"
    ):
        read_checkpoint(path, BACKEND)


def test_every_name_ends_in_its_unit_and_is_there_once(path):
    names = {v.name: v.name_in_files for v in VARIABLES}
    assert names["bone"] == "bone_100000th_voxel"
    assert names["strain_energy"] == "strain_energy_MPa"
    assert names["formed_day"] == "formed_day"
    assert names["surface_bp"] == "surface_bp_16th_um2_day"
    assert names["osteoclasts.life_used_days"] == "osteoclasts/life_used_days"
    assert names["osteoblasts.owed"] == "osteoblasts/owed_100000th_voxel"
    assert names["osteomorphs"] == "osteomorphs"
    assert len(set(names.values())) == len(names)
    for variable in VARIABLES:
        assert variable.unit in ("1", "cells", "mixed") or "_" in variable.name_in_files


def test_schema_3_had_the_same_arrays_under_bare_names(path):
    """Read to the same bits, so that a run of then goes on as it would have."""
    with_bare_names(path)
    back, day, header = read_checkpoint(path, BACKEND)
    assert_same_state(random_state(), back)
    assert (day, header.schema) == (7, 3)


def test_an_older_schema_names_the_version_that_reads_it(path):
    with edited(path) as file:
        file["trabsim"].attrs["schema"] = 2  # without drugs in bone
        file["trabsim"].attrs["version"] = np.bytes_("0.0.3")
    with pytest.raises(
        RunError, match=r"schema 2, and this version reads from 3; finish that run with trabsim 0.0.3"
    ):
        read_checkpoint(path, BACKEND)


@pytest.mark.parametrize(
    "name", ["bone", "osteoclasts.nuclei", "osteomorphs", "history", "microdamage", "displacements.values"]
)
def test_a_missing_variable_is_named(path, name):
    variable = next(v for v in VARIABLES if v.name == name)
    with edited(path) as file:
        del file["VTKHDF/CellData" if variable.dims == "voxel" else "trabsim"][variable.name_in_files]
    with pytest.raises(RunError, match=f"lacks the variable '{name}'"):
        read_checkpoint(path, BACKEND)


@pytest.mark.parametrize(
    ("place", "values", "message"),
    [
        (
            "VTKHDF/CellData/bone_100000th_voxel",
            np.zeros((5, 6, 8), np.int32),
            r"'bone' of .* has shape \(5, 6, 8\)",
        ),
        (
            "VTKHDF/CellData/bone_100000th_voxel",
            np.zeros((5, 6, 7), np.int64),
            "'bone' of .* is of type int64, not int32",
        ),
        ("trabsim/osteomorphs", np.zeros(3, np.int64), r"'osteomorphs' of .* has shape \(3,\)"),
        (
            "trabsim/osteoclast_committed",
            np.zeros((3, 4), np.int64),
            r"'osteoclast_committed' of .* has shape",
        ),
        ("trabsim/osteoclasts/heading", np.zeros((9, 2)), r"'osteoclasts.heading' of .* has shape \(9, 2\)"),
        (
            "trabsim/osteoclasts/life_days",
            np.zeros(8),
            "columns of table 'osteoclasts' in .* differ in length",
        ),
    ],
)
def test_a_variable_of_wrong_shape_or_type_is_named(path, place, values, message):
    with edited(path) as file:
        del file[place]
        file[place] = values
    with pytest.raises(RunError, match=message):
        read_checkpoint(path, BACKEND)


@pytest.mark.parametrize("what", ["counters", "levels", "config_toml"])
def test_a_missing_part_is_damage(path, what):
    with edited(path) as file:
        del file["trabsim"][what]
    with pytest.raises(RunError, match=r"is cut short or damaged|header of .* is damaged"):
        read_checkpoint(path, BACKEND)


def test_a_name_that_paraview_does_not_know_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"cannot be named 'day_1.h5'; end the name in .vtkhdf"):
        write_checkpoint(tmp_path / "day_1.h5", random_state(), 1, CONFIG, BACKEND)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        RunError, match=r"cannot write .*day_1.vtkhdf: No such file or directory; check the folder"
    ):
        write_checkpoint(tmp_path / "none" / "day_1.vtkhdf", random_state(), 1, CONFIG, BACKEND)


def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_else(tmp_path):
    """The disk fills at many points of the file; in a process of its own, as limits outlive a test."""
    script = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from small_runs import BACKEND, random_state
from trabsim.checkpoint import read_checkpoint, write_checkpoint
from trabsim.config import load_config
from trabsim.errors import RunError
path, state, config = Path(sys.argv[1]), random_state((9, 9, 9)), load_config("postmenopause")
write_checkpoint(path, state, 1, config, BACKEND)
old = path.read_bytes()
for limit in [*range(0, len(old), len(old) // 40), len(old) - 1]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_checkpoint(path, state, 2, config, BACKEND)
    except RunError as error:
        for words in ("no space left", "free some space", str(path)):
            assert words in str(error), error
    else:
        raise AssertionError(f"written within {limit} bytes")
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == [path.name]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
write_checkpoint(path, state, 2, config, BACKEND)
print(read_checkpoint(path, BACKEND)[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "day_000001.vtkhdf"), str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("2\n", "", 0)
