"""The first state of a run: bone to the quantum, ages of steady turnover, osteocytes as dense as asked for."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import begin, centers, rods, specimen

from trabsim.config import load_config
from trabsim.state import FULL, VARIABLES


def test_bone_is_counted_in_quanta() -> None:
    """Each voxel holds its fraction, rounded to the quantum; the sum is the start of the matrix ledger."""
    fraction = np.random.Generator(np.random.Philox(1)).random((16, 17, 18)).astype(np.float32)
    state = begin(specimen(fraction)).state
    assert np.abs(state.bone - fraction.astype(np.float64) * FULL).max() <= 0.5
    assert state.counters["initial_quanta"] == int(state.bone.sum(dtype=np.int64))
    assert state.counters["tissue_voxels"] == fraction.size
    assert state.shape == (16, 17, 18)


def test_a_mask_bounds_the_tissue() -> None:
    """Outside the mask there is neither tissue nor bone nor cell."""
    piece = rods(24)
    _, y, x = centers(piece.shape)
    inside = np.hypot(y - 12, x - 12) < 10
    state = begin(specimen(np.where(inside, piece.bone_fraction, 0), tissue=inside)).state
    assert (state.tissue.astype(bool) == inside).all()
    assert not state.bone[~inside].any()
    assert inside.ravel()[state.osteocytes.voxel].all()
    assert state.counters["tissue_voxels"] == int(inside.sum())


@pytest.mark.parametrize("voxel_size_um", [20.0, 40.0])
def test_osteocytes_are_as_dense_as_asked_for(voxel_size_um: float) -> None:
    """Osteocytes per bone volume (5 sigma), in bone-side voxels only, each with its own id."""
    state = begin(rods(24, voxel_size_um), {"osteocytes.density_per_mm3": 20_000.0}).state
    solid = 2 * state.bone.astype(np.int64) >= FULL
    volume_mm3 = float(state.bone[solid].sum(dtype=np.int64)) / FULL * (voxel_size_um / 1000) ** 3
    expected = 20_000.0 * volume_mm3
    assert abs(len(state.osteocytes) - expected) < 5 * np.sqrt(expected)
    assert solid.ravel()[state.osteocytes.voxel].all()
    assert np.unique(state.osteocytes.id).size == len(state.osteocytes) == state.counters["osteocytes_born"]
    assert (state.osteocytes.alive == 1).all()
    assert (state.osteocytes.birth_day == state.formed_day.ravel()[state.osteocytes.voxel]).all()


def test_ages_are_those_of_steady_turnover() -> None:
    """Matrix ages follow the exponential law: its mean and its median, cut at the oldest age (5 %)."""
    settings = {"mineral.mean_age_days": 1000.0, "mineral.oldest_days": 4000.0, "mineral.packet_um": 40.0}
    state = begin(rods(30), settings).state
    age = -state.formed_day.astype(float)
    assert age.min() >= 0
    assert age.max() <= 4000
    assert age.mean() == pytest.approx(1000.0 * (1 - np.exp(-4.0)), rel=0.05)
    assert np.median(age) == pytest.approx(1000.0 * np.log(2), rel=0.05)


def test_packets_share_an_age() -> None:
    """Voxels of one packet were formed on one day; packets differ."""
    state = begin(rods(24), {"mineral.packet_um": 120.0}).state
    cubes = state.formed_day.reshape(8, 3, 8, 3, 8, 3).transpose(0, 2, 4, 1, 3, 5).reshape(512, 27)
    assert (cubes == cubes[:, :1]).all()
    assert np.unique(cubes[:, 0]).size > 300


def test_ages_count_from_the_start_of_the_spin_up() -> None:
    """With a spin-up nothing was formed in the future of its first day."""
    state = begin(rods(24), {"run.spin_up_days": 100}).state
    assert state.formed_day.max() <= -100
    assert (state.contact_day == -100).all()


def test_pools_start_at_their_healthy_size() -> None:
    """Precursors and osteoprogenitors of every block as set; no osteoclast, osteoblast or site yet."""
    settings = {
        "precursors.block_um": 160.0,
        "precursors.precursors_per_block": 123,
        "precursors.osteoprogenitors_per_block": 45,
        "precursors.mature_per_block": 6,
        "precursors.maturation_days": 9,
    }
    state = begin(rods(24), settings).state
    assert state.block_voxels == 4
    assert state.blocks_shape == (6, 6, 6)
    assert (state.osteoclast_precursors == 123).all()
    assert (state.osteoprogenitors == 45).all()
    assert (state.osteoclast_mature == 6).all()
    assert state.osteoclast_committed.shape == (216, 9)
    assert not state.osteoclast_committed.any()
    assert len(state.osteoclasts) == len(state.osteoblasts) == len(state.sites) == 0


def test_every_variable_of_the_table_is_there() -> None:
    """Name, type and shape as the table of variables says."""
    state = begin(rods(24)).state
    shapes = {"voxel": (24, 24, 24), "block": (216,)}
    for variable in VARIABLES:
        if "." in variable.name:
            table, column = variable.name.split(".")
            assert state.tables[table].columns[column].dtype == np.dtype(variable.dtype), variable.name
        else:
            assert state.arrays[variable.name].dtype == np.dtype(variable.dtype), variable.name
            if variable.dims in shapes:
                assert state.arrays[variable.name].shape == shapes[variable.dims], variable.name


def test_the_seed_is_that_of_the_run() -> None:
    """The same seed embeds the same state, another one other ages and osteocytes on the same bone."""
    one, again, other = (begin(rods(24), {"run.seed": seed}).state for seed in (4, 4, 5))
    assert one.formed_day.tobytes() == again.formed_day.tobytes()
    assert one.osteocytes.voxel.tobytes() == again.osteocytes.voxel.tobytes()
    assert one.formed_day.tobytes() != other.formed_day.tobytes()
    assert one.bone.tobytes() == other.bone.tobytes()
    assert load_config({}).run.seed == 1
