"""The element is what mechanics says it is, and meshes of it pass the classical tests exactly."""

from __future__ import annotations

import numpy as np
import pytest
from bone_samples import NUMPY, E, modulus

from trabsim.mechanics.boundary import ALL_FACES, strained
from trabsim.mechanics.compression import compress
from trabsim.mechanics.element import elasticity_matrix, octant_matrices, stiffness_matrix
from trabsim.mechanics.homogenization import unit_cases
from trabsim.mechanics.solver import ElasticSystem
from trabsim.mechanics.strains import center_strains, strain_energy_density


@pytest.mark.parametrize("poisson", [0.3, 0.0, 0.45, -0.5])
def test_element_is_symmetric_with_six_motions_that_cost_no_energy(poisson):
    k = stiffness_matrix(poisson)
    assert np.array_equal(k, k.T)
    values = np.linalg.eigvalsh(k)
    assert (np.abs(values[:6]) < 1e-14).all()
    assert values[6] > 0.01
    position = np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)], float)
    rigid = [np.tile(axis, (8, 1)) for axis in np.eye(3)] + [np.cross(axis, position) for axis in np.eye(3)]
    for motion in rigid:
        assert np.abs(k @ motion.ravel()).max() < 1e-14


def test_element_that_is_never_stored_is_the_stored_one():
    mesh_rows, layers = np.array([[0, 2, 4, 6]], np.int32), np.array([0, 1])
    apply = NUMPY.elastic.voxels(mesh_rows, np.ones(1, np.float32), layers, np.zeros(8, np.uint8), 0.3)
    found = np.empty((24, 24))
    for i, unit in enumerate(np.eye(24)):
        out = np.empty((8, 3))
        apply(unit.reshape(8, 3).copy(), out)
        found[i] = out.ravel()
    np.testing.assert_allclose(found, stiffness_matrix(0.3), atol=1e-15)


def test_octants_of_one_material_add_up_to_an_element_of_twice_the_edge():
    np.testing.assert_allclose(octant_matrices(0.3).sum(axis=0), 2 * stiffness_matrix(0.3), atol=1e-14)


@pytest.mark.parametrize("case", range(6))
def test_patch_a_homogeneous_strain_on_the_faces_is_homogeneous_inside(case):
    """From rest inside; every element has the same exact strain and energy."""
    strain = np.eye(6)[case] * 0.01
    system = ElasticSystem(np.full((7, 6, 5), E, np.float32), 40.0, 0.3, ALL_FACES, NUMPY)
    wanted = strained(system.mesh, strain)
    u = np.where((system.mesh.fixed != 0)[:, None], wanted, 0.0)
    system.solve(u, 1e-10)
    np.testing.assert_allclose(u, wanted, atol=1e-11)
    np.testing.assert_allclose(center_strains(system.mesh, u, NUMPY), np.tile(strain, (210, 1)), atol=1e-11)
    energy = 0.5 * E * strain @ elasticity_matrix(0.3) @ strain
    for point in ("center", "average"):
        given = strain_energy_density(system.mesh, u, 0.3, NUMPY, point)
        np.testing.assert_allclose(given, energy, rtol=1e-8)


@pytest.mark.parametrize("axis", "zyx")
def test_bar_between_smooth_plates_has_the_modulus_of_its_material(axis):
    bar = compress(np.full((6, 5, 9), E, np.float32), 40.0, backend=NUMPY, boundary="frictionless", axis=axis)
    assert bar.apparent_modulus_MPa == pytest.approx(E, rel=1e-9)
    assert bar.energy_density() == pytest.approx(0.5 * E * 0.01**2, rel=1e-5)


def test_confined_bar_has_the_modulus_of_uniaxial_strain():
    bar = compress(np.full((6, 5, 7), E, np.float32), 40.0, backend=NUMPY, boundary="confined")
    assert bar.apparent_modulus_MPa == pytest.approx(E * elasticity_matrix(0.3)[2, 2], rel=1e-9)


def test_bonded_plates_stiffen_a_bar_but_not_one_that_does_not_bulge():
    block = np.full((6, 6, 6), E, np.float32)
    assert compress(block, 40.0, backend=NUMPY).apparent_modulus_MPa > 1.02 * E
    assert compress(block, 40.0, backend=NUMPY, poisson=0.0).apparent_modulus_MPa == pytest.approx(
        E, rel=1e-9
    )


def test_solid_block_has_the_stiffness_tensor_of_its_material():
    """Tension, shear and their couplings, exactly."""
    cases = unit_cases(np.full((5, 6, 7), E, np.float32), 40.0, backend=NUMPY, poisson=0.25, tolerance=1e-8)
    np.testing.assert_allclose(cases.stiffness_MPa, E * elasticity_matrix(0.25), rtol=1e-7, atol=1e-3)


def test_layers_in_line_and_side_by_side():
    """Without sideways strain: harmonic mean of moduli along the layers' normal, arithmetic mean across."""
    layers = np.where(np.arange(8) % 4 < 2, np.float32(1000), np.float32(4000))
    block = np.broadcast_to(layers[:, None, None], (8, 6, 6))
    along = compress(block, 40.0, backend=NUMPY, poisson=0.0, axis="z", tolerance=1e-9)
    across = compress(block, 40.0, backend=NUMPY, poisson=0.0, axis="x", tolerance=1e-9)
    assert along.apparent_modulus_MPa == pytest.approx(1600, rel=1e-7)
    assert across.apparent_modulus_MPa == pytest.approx(2500, rel=1e-7)


def strut_cell(t):
    """Cell of a cubic lattice: square struts of a quarter of its width along each axis."""
    n = 4 * t
    on = np.abs(np.arange(n) - (n - 1) / 2) < t / 2
    z, y, x = np.meshgrid(on, on, on, indexing="ij")
    return (z & y) | (z & x) | (y & x)


def test_cubic_lattice_lies_between_its_bounds_and_refinement_converges():
    """Bounds for a strut of width t in a cell of width 4 t: the strut alone, and layers of uniform strain."""
    found = []
    for t in (2, 4, 8):
        cell = compress(modulus(strut_cell(t)), 80.0 / t, backend=NUMPY, poisson=0.0, boundary="confined")
        found.append(cell.apparent_modulus_MPa / E)
    strut, layer = 1 / 16, 7 / 16
    least, most = strut, 1 / (0.75 / strut + 0.25 / layer)
    assert all(least < value < most for value in found)
    assert found[0] > found[1] > found[2]  # displacement elements are too stiff
    assert found[1] - found[2] < 0.6 * (found[0] - found[1])
    assert found[1] - found[2] < 0.015 * found[2]
