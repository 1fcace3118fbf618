"""A coarser lattice for mechanics keeps modulus in the mean and puts fields back where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from bone_samples import NUMPY, E, modulus, spongy

from trabsim.mechanics.coarsening import halve_lattice, refine_field
from trabsim.mechanics.compression import compress


def test_mean_is_kept_and_a_block_of_one_value_is_that_value():
    fine = modulus(spongy(20))
    assert halve_lattice(fine).mean() == pytest.approx(fine.mean(), rel=1e-6)
    coarse = halve_lattice(np.full((5, 4, 7), E))
    assert coarse.shape == (3, 2, 4)
    assert (coarse[:2, :, :3] == E).all()
    assert (coarse[2, :, :3] == E / 2).all()


def test_a_field_goes_back_to_the_voxels_of_its_cell():
    field = np.arange(12.0).reshape(3, 2, 2)
    fine = refine_field(field, (5, 4, 3))
    assert fine.shape == (5, 4, 3)
    for at in np.ndindex(5, 4, 3):
        assert fine[at] == field[at[0] // 2, at[1] // 2, at[2] // 2]


def test_a_specimen_is_stiffer_on_the_coarser_lattice_but_not_by_much():
    bone = modulus(spongy(40, 0.5, scale=4.0))
    fine = compress(bone, 20.0, backend=NUMPY, tolerance=1e-4).apparent_modulus_MPa
    coarse = compress(halve_lattice(bone), 40.0, backend=NUMPY, tolerance=1e-4).apparent_modulus_MPa
    assert fine < coarse < 1.35 * fine
