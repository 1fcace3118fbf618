"""The one call that measures everything: what it returns, and what must not change its numbers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from morphometry_samples import random_bone

from trabsim.errors import SpecimenError
from trabsim.morphometry import (
    METRICS,
    bone_surface,
    bone_volume_fraction,
    connectivity,
    fabric,
    largest_component,
    measure,
    plate_rod,
    structure_model_index,
    trabecular_separation,
    trabecular_thickness,
)

SHAPE = (34, 38, 42)
# What depends on which of several equal spheres comes first.
BY_TIES = {"plate_fraction": 0.03, "rod_fraction": 0.03, "EF_mean": 0.01}
VECTOR = {"main_direction_z", "main_direction_y", "main_direction_x"}


@pytest.fixture(scope="module")
def bone():
    return random_bone(SHAPE, 0.3, seed=11)


@pytest.fixture(scope="module")
def mineral(bone):
    return np.where(bone, 900.0, 0.0) + np.random.default_rng(2).normal(0, 10, bone.shape)


def cylinder(shape, radius):
    y, x = np.ogrid[: shape[1], : shape[2]]
    disc = (y - shape[1] / 2 + 0.5) ** 2 + (x - shape[2] / 2 + 0.5) ** 2 < radius**2
    return np.broadcast_to(disc, shape).copy()


def test_all_names_in_order_with_the_numbers_of_the_functions(bone, mineral):
    result = measure(bone, 20.0, mineral_mg_per_cm3=mineral)
    assert tuple(result) == METRICS
    assert all(isinstance(value, float) and np.isfinite(value) for value in result.values())
    thickness, separation = trabecular_thickness(bone, 20.0), trabecular_separation(bone, 20.0)
    topology, ellipsoid, shape = connectivity(bone, 20.0), fabric(bone, 20.0), plate_rod(bone, 20.0)
    volume_mm3 = bone.size * 8e-6
    surface_mm2 = bone_surface(bone, 20.0)
    expected = {
        "TV_mm3": volume_mm3,
        "BV_TV": bone_volume_fraction(bone),
        "BS_mm2": surface_mm2,
        "BS_BV_per_mm": surface_mm2 / (volume_mm3 * bone.mean()),
        "BS_TV_per_mm": surface_mm2 / volume_mm3,
        "Tb_Th_um": thickness.mean_um,
        "Tb_Th_SD_um": thickness.SD_um,
        "Tb_Th_max_um": thickness.max_um,
        "Tb_Sp_um": separation.mean_um,
        "Tb_Sp_SD_um": separation.SD_um,
        "Tb_Sp_max_um": separation.max_um,
        "Tb_N_per_mm": 1000 / (thickness.mean_um + separation.mean_um),
        "Conn_D_per_mm3": topology.Conn_D_per_mm3,
        "Conn_D_uncorrected_per_mm3": topology.Conn_D_uncorrected_per_mm3,
        "euler_26_closed": topology.euler_26_closed,
        "SMI": structure_model_index(bone, 20.0),
        "DA": ellipsoid.DA,
        "MIL_middle_um": ellipsoid.MIL_um[1],
        "main_direction_y": ellipsoid.directions[0, 1],
        "plate_fraction": shape.plate_fraction,
        "rod_fraction": shape.rod_fraction,
        "EF_mean": shape.EF_mean,
        "TMD_mg_per_cm3": mineral[bone].mean(),
        "vBMD_mg_per_cm3": mineral.mean(),
    }
    assert {name: result[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_only_what_is_asked_for_in_the_order_asked(bone):
    whole = measure(bone, 20.0)
    some = measure(bone, 20.0, metrics=["SMI", "BV_TV", "Tb_Th_um"])
    assert list(some) == ["SMI", "BV_TV", "Tb_Th_um"]
    assert all(some[name] == whole[name] for name in some)
    assert measure(bone, 20.0, metrics=()) == {}
    assert measure(bone, 20.0, metrics=iter(["rod_fraction"])) == {"rod_fraction": whole["rod_fraction"]}


@pytest.mark.parametrize("fill", [False, True])
def test_all_marrow_and_all_bone_are_measured_without_a_warning(fill):
    for shape in ((1, 1, 1), (1, 5, 2), (6, 7, 8)):
        result = measure(np.full(shape, fill), 20.0, mineral_mg_per_cm3=np.full(shape, 5.0))
        assert result["BV_TV"] == float(fill)
        assert result["BS_mm2"] == 0.0
        assert result["euler_26_closed"] == float(fill)
        undefined = {"Tb_Th_um", "Tb_Sp_um", "Tb_N_per_mm", "SMI", "DA", "plate_fraction", "main_direction_x"}
        assert np.isnan([result[name] for name in undefined]).all()
        assert np.isnan(result["TMD_mg_per_cm3"]) != fill
        assert result["vBMD_mg_per_cm3"] == 5.0


def test_an_empty_region_has_no_numbers(bone):
    result = measure(bone, 20.0, np.zeros_like(bone), bone * 1.0, only_largest_component=True)
    assert {name for name, value in result.items() if not np.isnan(value)} == {
        "TV_mm3",
        "BV_mm3",
        "BS_mm2",
        "euler_26_closed",
    }
    assert result["TV_mm3"] == result["BS_mm2"] == 0.0


def test_a_single_voxel_of_bone_or_of_marrow():
    bone = np.zeros((5, 5, 5), bool)
    bone[2, 2, 2] = True
    assert measure(bone, 20.0)["Tb_Th_um"] == 40.0
    assert measure(~bone, 20.0)["Tb_Sp_um"] == 40.0
    assert measure(~bone, 20.0)["euler_26_closed"] == 2.0


def test_without_mineral_its_densities_are_nan(bone):
    result = measure(bone, 20.0, metrics=["TMD_mg_per_cm3", "vBMD_mg_per_cm3"])
    assert np.isnan(list(result.values())).all()
    with pytest.raises(SpecimenError, match="mineral_mg_per_cm3 has shape"):
        measure(bone, 20.0, mineral_mg_per_cm3=np.zeros((2, 2, 2)))


def test_a_box_shaped_mask_equals_cropping(bone, mineral):
    box = (slice(3, 30), slice(5, 36), slice(0, 33))
    mask = np.zeros_like(bone)
    mask[box] = True
    masked = measure(bone, 20.0, mask, mineral)
    assert masked == measure(bone[box], 20.0, mineral_mg_per_cm3=mineral[box])


def test_a_cylinder_does_not_care_for_the_volume_around_it(bone, mineral):
    """Neither for how much there is nor for what is in it."""
    mask = cylinder(SHAPE, 15.0)
    alone = measure(bone, 20.0, mask, mineral)
    rows, columns = np.flatnonzero(mask.any(axis=(0, 2))), np.flatnonzero(mask.any(axis=(0, 1)))
    box = (slice(None), slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    assert alone == measure(bone[box], 20.0, mask[box], mineral[box])
    assert alone == measure(bone | ~mask, 20.0, mask, np.where(mask, mineral, 1e9))
    assert alone == measure(bone & mask, 20.0, mask, mineral, threads=1)
    assert alone["TV_mm3"] == pytest.approx(mask.sum() * 8e-6, rel=1e-12)


def test_a_cylinder_of_plates_has_the_thickness_of_the_plates():
    bone = np.zeros((42, 40, 40), bool)
    for start in (4, 18, 32):
        bone[start : start + 6] = True
    result = measure(bone, 10.0, cylinder(bone.shape, 18.0), metrics=["Tb_Th_um", "Tb_Sp_um", "DA", "SMI"])
    assert result["Tb_Th_um"] == pytest.approx(60.0, rel=1e-12)
    assert result["Tb_Sp_um"] == pytest.approx(80.0, rel=1e-12)
    assert result["DA"] > 0.97


@pytest.mark.parametrize("masked", [False, True])
def test_bits_do_not_depend_on_the_number_of_threads(bone, mineral, masked):
    mask = cylinder(SHAPE, 16.0) if masked else None
    one = measure(bone, 39.0, mask, mineral, threads=1)
    two = measure(bone, 39.0, mask, mineral, threads=2)
    assert list(one.values()) == list(two.values())


def test_threads_are_given_back(bone):
    import numba

    before = numba.get_num_threads()
    measure(bone, 20.0, threads=1, metrics=["Tb_Th_um"])
    assert numba.get_num_threads() == before


@pytest.mark.parametrize(
    "turn",
    [
        lambda v: np.rot90(v, axes=(0, 1)),
        lambda v: np.rot90(v, axes=(1, 2)),
        lambda v: v.transpose(2, 0, 1),
        lambda v: v[::-1, :, ::-1],
    ],
    ids=["about x", "about z", "cycle", "half turn"],
)
def test_turning_the_volume_changes_nothing_but_ties(bone, mineral, turn):
    before = measure(bone, 20.0, mineral_mg_per_cm3=mineral)
    after = measure(turn(bone), 20.0, mineral_mg_per_cm3=turn(mineral))
    for name in METRICS:
        if name in BY_TIES:
            assert after[name] == pytest.approx(before[name], abs=BY_TIES[name]), name
        elif name not in VECTOR:
            assert after[name] == pytest.approx(before[name], rel=1e-6), name


def test_main_direction_turns_with_the_volume():
    bone = np.zeros((40, 40, 40), bool)
    bone[:, 8:14, 8:14] = bone[:, 26:32, 20:26] = bone[:, 10:16, 28:34] = True
    for volume, along in ((bone, "z"), (bone.transpose(1, 0, 2), "y"), (bone.transpose(2, 1, 0), "x")):
        assert measure(volume, 20.0)[f"main_direction_{along}"] == pytest.approx(1.0, abs=1e-3)


def test_only_the_largest_piece_is_measured_when_asked(bone):
    piece = largest_component(bone)
    assert piece.sum() < bone.sum()
    assert measure(bone, 20.0, only_largest_component=True) == pytest.approx(
        measure(piece, 20.0), nan_ok=True
    )


def test_arrays_are_left_as_they_were_and_any_memory_order_will_do(bone, mineral):
    mask = cylinder(SHAPE, 15.0)
    copies = bone.copy(), mask.copy(), mineral.copy()
    expected = measure(bone, 20.0, mask, mineral)
    for before, after in zip(copies, (bone, mask, mineral)):
        assert np.array_equal(before, after)
    for array in copies:
        array.flags.writeable = False
    assert expected == measure(*copies[:1], 20.0, *copies[1:])
    fortran = [np.asfortranarray(array) for array in copies]
    assert expected == pytest.approx(measure(fortran[0], 20.0, fortran[1], fortran[2]), rel=1e-12)


def test_importing_morphometry_loads_nothing_heavy():
    code = (
        "import sys, trabsim.morphometry; "
        "print([name for name in ('numba', 'scipy', 'skimage', 'cc3d') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
