"""Reading checkpoints for pictures: what is taken from the file, and one line for what cannot be used."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest
from small_runs import BACKEND, random_state, with_bare_names
from viz_files import ball, write_checkpoint

from trabsim.checkpoint import write_checkpoint as write_whole
from trabsim.config import load_config
from trabsim.errors import RunError
from trabsim.state import FULL, VARIABLES, Variable
from trabsim.viz.read import checkpoints, read_snapshot, run_table


def test_a_snapshot_is_what_was_written(tmp_path):
    bone = ball(14, 5)
    phase = np.arange(bone.size, dtype=np.uint8).reshape(bone.shape) % 5
    path = write_checkpoint(
        tmp_path / "a.vtkhdf", bone, voxel_um=17.5, day=-30, phase=phase, **{"osteoclasts.nuclei": [3, 4]}
    )
    snapshot = read_snapshot(path)
    assert (snapshot.day, snapshot.voxel_size_um, snapshot.names) == (-30, 17.5, ("bone", "phase"))
    assert np.array_equal(snapshot.solid, bone)
    assert np.array_equal(snapshot.array("phase"), phase)
    assert snapshot.column("osteoclasts", "nuclei").tolist() == [3, 4]
    assert snapshot.column("osteoclasts", "mood") is None


def test_names_with_and_without_units_are_read_alike(tmp_path):
    """Pictures of a checkpoint of schema 3 are those of one of today."""
    write_whole(tmp_path / "new.vtkhdf", random_state(), 7, load_config("postmenopause"), BACKEND)
    shutil.copy(tmp_path / "new.vtkhdf", tmp_path / "old.vtkhdf")
    new, old = read_snapshot(tmp_path / "new.vtkhdf"), read_snapshot(with_bare_names(tmp_path / "old.vtkhdf"))
    assert new.names == old.names == tuple(v.name for v in sorted(VARIABLES) if is_array_per_voxel(v))
    assert new.label("strain_energy") == old.label("strain_energy")
    assert new.label("opg") == "osteoprotegerin in marrow (a.u.)"
    for name in new.names:
        assert np.array_equal(new.array(name), old.array(name))
    for column in ("owed", "voxel"):
        mine = new.column("osteoblasts", column)
        assert mine is not None
        assert np.array_equal(mine, old.column("osteoblasts", column))


def is_array_per_voxel(variable: Variable) -> bool:
    return variable.dims == "voxel" and variable.checkpointed


def test_a_box_is_cut_out_of_every_array(tmp_path):
    bone = np.random.default_rng(0).random((9, 10, 11)) < 0.5
    path = write_checkpoint(tmp_path / "a.vtkhdf", bone, phase=bone.astype(np.uint8))
    snapshot = read_snapshot(path, (1, 4, 2, 9, 0, 5))
    assert np.array_equal(snapshot.solid, bone[1:4, 2:9, 0:5])
    assert np.array_equal(snapshot.array("phase"), bone[1:4, 2:9, 0:5])


def test_BV_TV_counts_matrix_and_leaves_out_the_rim(tmp_path):
    quanta = np.zeros((20, 20, 20), np.int32)
    quanta[3:-3, 3:-3, 3:-3] = FULL // 4
    quanta[0] = FULL
    path = write_checkpoint(tmp_path / "a.vtkhdf", quanta)
    assert abs(read_snapshot(path).BV_TV - 0.25) < 1e-9
    assert read_snapshot(path, (0, 1, 0, 20, 0, 20)).BV_TV == 1.0


def test_only_the_region_of_interest_counts(tmp_path):
    tissue = np.zeros((20, 20, 20), np.uint8)
    tissue[:, :, :10] = 1
    bone = np.zeros((20, 20, 20), bool)
    bone[:10, :, :10] = True
    snapshot = read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", bone, tissue=tissue))
    assert abs(snapshot.BV_TV - 0.5) < 1e-9


def test_checkpoints_come_in_order_of_their_day(tmp_path):
    for day in (365, -30, 0, 1000):
        write_checkpoint(tmp_path / "checkpoints" / f"day_{day:06d}.vtkhdf", ball(5, 2), day=day)
    assert [read_snapshot(path).day for path in checkpoints(tmp_path)] == [-30, 0, 365, 1000]
    assert read_snapshot(tmp_path).day == 1000


def test_the_day_is_read_from_the_name_where_the_file_is_silent(tmp_path):
    assert read_snapshot(write_checkpoint(tmp_path / "day_-00120.vtkhdf", ball(5, 2), day=None)).day == -120
    assert read_snapshot(write_checkpoint(tmp_path / "scan.vtkhdf", ball(5, 2), day=None)).day is None


def test_the_configuration_of_a_run_is_found_from_its_checkpoint(tmp_path):
    path = write_checkpoint(tmp_path / "checkpoints" / "day_000000.vtkhdf", ball(5, 2))
    assert run_table(path, "endocrine") == {}
    (tmp_path / "config.toml").write_text("[endocrine]\nage_years = 52.5\n", encoding="utf-8")
    assert run_table(path, "endocrine") == run_table(tmp_path, "endocrine") == {"age_years": 52.5}
    assert run_table(path, "specimen") == {}
    (tmp_path / "config.toml").write_text("[endocrine\n", encoding="utf-8")
    with pytest.raises(RunError, match="not valid TOML"):
        run_table(path, "endocrine")


def test_files_that_are_no_checkpoint_are_refused_in_one_line(tmp_path):
    text = tmp_path / "a.vtkhdf"
    text.write_text("hello", encoding="utf-8")
    other = tmp_path / "b.vtkhdf"
    with h5py.File(other, "w") as file:
        file["numbers"] = [1, 2]
    for path, words in (
        (tmp_path / "none.vtkhdf", "there is no checkpoint"),
        (text, "is not a checkpoint, or it is damaged"),
        (other, "no lattice named 'bone'"),
        (tmp_path, "no lattice named 'bone'|not a checkpoint"),
    ):
        with pytest.raises(RunError, match=words) as caught:
            read_snapshot(path)
        assert "\n" not in str(caught.value)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RunError, match="holds no checkpoints"):
        checkpoints(empty)


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "a.vtkhdf"
    write_checkpoint(path, ball(20, 8))
    noise = np.random.default_rng(0).integers(0, 100_000, (20, 20, 20)).astype(np.int32)
    with h5py.File(path, "a") as file:
        del file["VTKHDF/CellData/bone_100000th_voxel"]
        file["VTKHDF/CellData"].create_dataset(
            "bone_100000th_voxel", data=noise, chunks=noise.shape, fletcher32=True
        )
    data = bytearray(path.read_bytes())
    data[data.index(noise[10].tobytes()) + 5] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(RunError, match="wrong checksum"):
        read_snapshot(path)


def test_a_checkpoint_of_the_program_is_read_with_its_own_settings(tmp_path):
    from trabsim.backends import get_backend
    from trabsim.checkpoint import write_checkpoint as write
    from trabsim.config import load_config
    from trabsim.state import empty_state

    backend = get_backend("numpy")
    state = empty_state(backend, (9, 10, 11), 25.0, 3, 1)
    state.bone[2:5] = FULL
    state.tissue[...] = 1
    state.osteoblasts.append(backend.xp, **{name: np.arange(4) for name in state.osteoblasts.columns})
    config = load_config("postmenopause", {"mineral.lag_days": 13.0})
    write(tmp_path / "day_000007.vtkhdf", state, 7, config, backend)
    snapshot = read_snapshot(tmp_path)
    assert (snapshot.day, snapshot.voxel_size_um, snapshot.solid.sum()) == (7, 25.0, 330)
    assert snapshot.settings("mineral")["lag_days"] == 13.0
    assert snapshot.label("opg") == "osteoprotegerin in marrow (a.u.)"
    assert snapshot.column("osteoblasts", "voxel").tolist() == [0, 1, 2, 3]


def test_a_cut_off_file_is_refused(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(20, 8))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(RunError, match="damaged"):
        read_snapshot(path)


def test_an_unknown_field_is_answered_with_the_nearest(tmp_path):
    snapshot = read_snapshot(
        write_checkpoint(tmp_path / "a.vtkhdf", ball(5, 2), sclerostin=np.zeros((5, 5, 5)))
    )
    with pytest.raises(RunError, match="holds no field 'sklerostin'; did you mean 'sclerostin'"):
        snapshot.array("sklerostin")


@pytest.mark.parametrize("box", [(0, 5), (0, 6, 0, 5, 0, 5), (2, 2, 0, 5, 0, 5), (-1, 2, 0, 5, 0, 5)])
def test_a_box_outside_the_lattice_is_refused(tmp_path, box):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(5, 2))
    with pytest.raises(RunError, match="box"):
        read_snapshot(path, box)


def test_voxels_that_are_no_cubes_are_refused(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(5, 2))
    with h5py.File(path, "a") as file:
        file["VTKHDF"].attrs["Spacing"] = (10.0, 10.0, 20.0)
    with pytest.raises(RunError, match="only cubic voxels"):
        read_snapshot(path)
