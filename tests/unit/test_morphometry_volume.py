"""Amounts of bone and mineral, and what every measurement demands of its arrays."""

from __future__ import annotations

import numpy as np
import pytest
from morphometry_samples import random_bone

from trabsim.errors import ConfigError, SpecimenError
from trabsim.morphometry import (
    bone_volume_fraction,
    connectivity,
    measure,
    mineral_density,
    trabecular_thickness,
)


def test_bone_volume_fraction_counts_voxels_of_the_region_only():
    bone = np.zeros((4, 5, 6), bool)
    bone[:2] = True
    mask = np.zeros_like(bone)
    mask[1:4, 1:3, 2:] = True
    assert bone_volume_fraction(bone) == 0.5
    assert bone_volume_fraction(bone, mask) == pytest.approx(1 / 3)
    assert np.isnan(bone_volume_fraction(bone, np.zeros_like(bone)))


def test_tissue_mineral_density_is_over_bone_and_volumetric_density_over_the_region():
    bone = random_bone((12, 13, 14))
    mineral = np.where(bone, 900.0, -20.0) + np.random.default_rng(0).normal(size=bone.shape)
    mask = np.zeros_like(bone)
    mask[2:11, 3:9, 1:13] = True
    mask[4, 4, 4] = False
    density = mineral_density(bone, mineral, mask)
    assert density.TMD_mg_per_cm3 == pytest.approx(mineral[bone & mask].mean(), rel=1e-12)
    assert density.vBMD_mg_per_cm3 == pytest.approx(mineral[mask].mean(), rel=1e-12)
    whole = mineral_density(bone, mineral.astype(np.float32))
    assert whole.vBMD_mg_per_cm3 == pytest.approx(mineral.mean(), rel=1e-6)


def test_mineral_density_of_nothing_is_nan():
    nothing = np.zeros((3, 3, 3), bool)
    assert np.isnan(mineral_density(nothing, np.ones((3, 3, 3))).TMD_mg_per_cm3)
    assert mineral_density(nothing, np.ones((3, 3, 3))).vBMD_mg_per_cm3 == 1.0
    assert np.isnan(mineral_density(nothing, np.ones((3, 3, 3)), nothing).vBMD_mg_per_cm3)


def test_arrays_that_cannot_be_measured_are_named_with_what_to_do():
    bone = np.ones((3, 4, 5), bool)
    with pytest.raises(SpecimenError, match=r"bone has dtype float64: threshold it"):
        bone_volume_fraction(bone * 1.0)
    with pytest.raises(SpecimenError, match=r"bone has shape \(4, 5\): give a \(z, y, x\) array"):
        bone_volume_fraction(bone[0])
    with pytest.raises(SpecimenError, match=r"bone has shape \(0, 4, 5\)"):
        bone_volume_fraction(bone[:0])
    with pytest.raises(SpecimenError, match=r"mask has dtype int64"):
        bone_volume_fraction(bone, np.ones(bone.shape, np.int64))
    with pytest.raises(SpecimenError, match=r"mask has shape \(3, 4, 4\) but bone \(3, 4, 5\)"):
        bone_volume_fraction(bone, bone[:, :, 1:])
    with pytest.raises(SpecimenError, match=r"mineral_mg_per_cm3 has shape \(5,\) but bone \(3, 4, 5\)"):
        mineral_density(bone, np.ones(5))


@pytest.mark.parametrize("size", [0, -20.0, float("nan"), float("inf"), "20"])
def test_voxel_size_must_be_a_length(size):
    with pytest.raises(SpecimenError, match="give the voxel edge in um, above zero"):
        trabecular_thickness(np.ones((3, 3, 3), bool), size)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_threads_must_be_a_whole_number_above_zero(threads):
    with pytest.raises(ConfigError, match="give a whole number above zero, or None for all"):
        connectivity(np.ones((3, 3, 3), bool), 20.0, threads=threads)


def test_unknown_metric_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"unknown metric 'Tb.Th': choose from TV_mm3, .*Tb_Th_um"):
        measure(np.ones((3, 3, 3), bool), 20.0, metrics=["BV_TV", "Tb.Th"])
