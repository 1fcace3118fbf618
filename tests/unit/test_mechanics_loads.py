"""Loads held as forces, loads read from a specimen, and the failure load."""

from __future__ import annotations

import numpy as np
import pytest
from bone_samples import NUMPY, E, modulus, spongy

from trabsim.errors import MechanicsError
from trabsim.mechanics.compression import compress
from trabsim.mechanics.homogenization import unit_cases
from trabsim.mechanics.load_estimation import UNIT_STRESSES, estimate_loads
from trabsim.mechanics.strains import on_lattice, strain_energy_density
from trabsim.mechanics.strength import failure_load

STRESS = np.array([-0.3, 0.1, -1.0, 0.2, 0.0, -0.1])


@pytest.fixture(scope="module")
def cases():
    return unit_cases(modulus(spongy(24, 0.4)), 40.0, backend=NUMPY, tolerance=1e-7)


def test_tensor_is_symmetric_positive_and_softer_than_solid_bone(cases):
    c = cases.stiffness_MPa
    assert np.array_equal(c, c.T)
    assert np.linalg.eigvalsh(c).min() > 0
    assert np.diag(c).max() < 0.4 * E * 1.35


def test_mean_energy_is_that_of_apparent_stress_and_strain(cases):
    """Hill's condition: what the plates put in is what the tissue holds."""
    energy = cases.energy_density(STRESS, "average").sum() / np.prod(cases.system.mesh.shape)
    assert energy == pytest.approx(0.5 * STRESS @ cases.strain_for(STRESS), rel=1e-6)
    np.testing.assert_allclose(cases.stiffness_MPa @ cases.strain_for(STRESS), STRESS, atol=1e-12)


def test_combination_is_the_sum_of_the_unit_fields(cases):
    """Energies do not add up, displacements do."""
    twice = cases.energy_density(2 * STRESS)
    np.testing.assert_allclose(twice, 4 * cases.energy_density(STRESS), rtol=1e-10)
    system, strain = cases.system, cases.strain_for(STRESS)
    u = sum(float(s) * d.astype(float) for s, d in zip(strain, cases.displacements))
    np.testing.assert_array_equal(
        cases.energy_density(STRESS), strain_energy_density(system.mesh, u, 0.3, NUMPY)
    )
    field = cases.energy_density_map(STRESS)
    np.testing.assert_array_equal(field, on_lattice(system.mesh, cases.energy_density(STRESS), NUMPY))
    assert field.dtype == np.float32


def test_load_is_a_force_so_lost_bone_strains_the_rest_more():
    bone = np.zeros((12, 12, 12), bool)
    bone[:, 2:4, 2:4] = bone[:, 8:10, 8:10] = True
    bone[:2] = bone[-2:] = True
    press = np.array([0, 0, -1.0, 0, 0, 0])
    both = unit_cases(modulus(bone), 40.0, backend=NUMPY).energy_density_map(press)
    bone[2:-2, 8:10, 8:10] = False
    one = unit_cases(modulus(bone), 40.0, backend=NUMPY).energy_density_map(press)
    assert one[6, 2, 2] > 1.5 * both[6, 2, 2]


def test_unit_fields_restart_from_their_state(cases):
    again = unit_cases(modulus(spongy(24, 0.4)), 40.0, backend=NUMPY, tolerance=1e-5, start=cases.state())
    assert all(solve.iterations <= 1 for solve in again.solves)
    np.testing.assert_allclose(again.stiffness_MPa, cases.stiffness_MPa, rtol=1e-6, atol=1e-3)
    state = cases.state()
    assert state.values.dtype == np.float32
    assert state.values.shape == (6, len(state.nodes), 3)


def test_even_tissue_is_reached_exactly_where_one_load_can():
    block = unit_cases(np.full((6, 6, 6), E, np.float32), 40.0, backend=NUMPY)
    found = estimate_loads(block, 0.02, UNIT_STRESSES[2:3])
    assert found.unevenness < 1e-4
    assert found.mean_MPa == pytest.approx(0.02, rel=1e-6)
    assert found.stresses_MPa[0, 2] == pytest.approx(-np.sqrt(2 * E * 0.02), rel=1e-4)


def test_the_load_a_specimen_is_built_for_is_found():
    """Columns along y, held together by thin plates, are there for load along y."""
    bone = np.zeros((20, 20, 20), bool)
    bone[2:18:6, :, 2:18:6] = bone[3:18:6, :, 2:18:6] = bone[2:18:6, :, 3:18:6] = bone[3:18:6, :, 3:18:6] = (
        True
    )
    bone[:, ::19, :] = True
    found = estimate_loads(unit_cases(modulus(bone), 40.0, backend=NUMPY), 0.02)
    assert (found.scales >= 0).all()
    strongest = np.abs(found.stresses_MPa).sum(axis=1)
    assert strongest.argmax() == 1
    assert strongest[1] > 1.5 * np.delete(strongest, 1).max()


def test_scales_are_those_of_brute_force(cases):
    found = estimate_loads(cases, 0.02)
    from scipy.optimize import nnls

    fields = np.stack([cases.energy_density(load) for load in UNIT_STRESSES], axis=1)
    wanted, _ = nnls(fields, np.full(len(fields), 0.02))
    np.testing.assert_allclose(found.scales, wanted, rtol=1e-4, atol=1e-6 * wanted.max())


def test_failure_load_of_a_bar_is_critical_strain_times_stiffness():
    bar = compress(np.full((5, 4, 4), E, np.float32), 50.0, backend=NUMPY, boundary="frictionless")
    assert bar.failure_load_N() == pytest.approx(0.007 * E * 0.04, rel=1e-6)
    assert bar.effective_strain_map() == pytest.approx(0.01, rel=1e-5)


def test_failure_load_does_not_depend_on_the_strain_that_is_tried():
    bone = modulus(spongy(20, 0.45))
    loads = [compress(bone, 40.0, backend=NUMPY, strain=s).failure_load_N() for s in (0.01, 1e-4)]
    assert loads[0] == pytest.approx(loads[1], rel=1e-6)


def test_failure_load_leaves_two_percent_above_the_critical_strain():
    strain = np.linspace(0, 1, 1000)
    load = failure_load(strain, 50.0)
    assert np.count_nonzero(strain * load / 50.0 >= 0.007 * (1 - 1e-12)) == 20


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("a load without direction", lambda c: c.energy_density(np.zeros(6))),
        ("stress ", lambda c: c.energy_density([1, 2, 3])),
        ("the target energy density is 0", lambda c: estimate_loads(c, 0)),
        ("strain energy at 'corner'", lambda c: c.energy_density(STRESS, "corner")),
    ],
)
def test_a_mistake_is_one_clear_line(cases, message, call):
    with pytest.raises(MechanicsError) as error:
        call(cases)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_direction_that_bone_does_not_span_is_named():
    """Columns that only reach two faces carry nothing sideways."""
    bone = np.zeros((8, 8, 8), bool)
    bone[:, 3:5, 3:5] = True
    cases = unit_cases(modulus(bone), 40.0, backend=NUMPY)
    with pytest.raises(MechanicsError, match="face to face along x, so nothing carries stress xx"):
        cases.energy_density([1, 0, 0, 0, 0, 0])
    assert cases.energy_density([0, 0, -1, 0, 0, 0]).min() > 0
