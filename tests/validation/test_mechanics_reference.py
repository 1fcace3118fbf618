"""An independent finite element solver's solutions of a real specimen, reproduced."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from trabsim.backends import get_backend
from trabsim.mechanics.compression import compress, uniform_modulus


@pytest.fixture(scope="module")
def bone(shared):
    with np.load(shared / "reference" / "mufe" / "masks.npz") as packed:
        return np.unpackbits(packed["m100"])[:1_000_000].reshape(100, 100, 100).astype(bool)


def scalars(shared, volume, boundary):
    with (shared / "reference" / "mufe" / "scalars.csv").open() as table:
        (row,) = (r for r in csv.DictReader(table) if (r["volume"], r["boundary"]) == (volume, boundary))
    return {name: float(value) for name, value in row.items() if name not in ("volume", "boundary")}


@pytest.mark.parametrize("boundary", ["bonded", "confined"])
def test_stiffness_and_strain_energy_are_those_of_the_independent_solver(shared, bone, boundary):
    result = compress(uniform_modulus(bone, 10_000), 39.0, backend=get_backend("numpy"), boundary=boundary)
    wanted = scalars(shared, "lhdl100", boundary)
    mesh = result.system.mesh
    assert (len(mesh.voxels), 3 * len(mesh.nodes)) == (wanted["elements"], wanted["dofs"])
    assert result.apparent_modulus_MPa == pytest.approx(wanted["apparent_modulus_MPa"], rel=1e-5)
    assert result.force_N == pytest.approx(wanted["axial_force_N"], rel=1e-5)
    assert result.solve.iterations <= 18
    with np.load(shared / "reference" / "mufe" / f"lhdl100_{boundary}_sed.npz") as reference:
        for point, name in (("center", "sed_centre"), ("average", "sed_elemavg")):
            given, theirs = result.energy_density(point), reference[name].astype(float)
            difference = np.abs(given - theirs) / np.maximum(theirs, 0.01 * theirs.mean())
            assert np.percentile(difference, 99) < 0.01
            key = "mean_SED_center_MPa" if point == "center" else "mean_SED_element_average_MPa"
            assert given.mean() == pytest.approx(wanted[key], rel=1e-4)


@pytest.mark.parametrize("boundary", ["bonded", "confined"])
def test_prescribed_displacements_are_those_of_the_reference(shared, bone, boundary):
    from trabsim.mechanics.boundary import compressed, plate_faces
    from trabsim.mechanics.mesh import make_mesh

    faces = plate_faces(boundary, 0)
    mesh = make_mesh(uniform_modulus(bone, 10_000), faces, get_backend("numpy"), spans=0)
    u = compressed(mesh, 0, 0.01) * 0.039
    with np.load(shared / "reference" / "mufe" / f"lhdl100_{boundary}_bc.npz") as reference:
        z, y, x, direction = reference["coords_zyxd"].T.astype(int)
        node = np.searchsorted(mesh.nodes, np.ravel_multi_index((z, y, x), mesh.node_shape))
        assert (mesh.fixed[node] >> direction & 1).all()
        held = sum(int(np.count_nonzero(mesh.fixed >> c & 1)) for c in range(3))
        assert held == len(np.unique(np.stack([node, direction]), axis=1).T)
        np.testing.assert_allclose(u[node, direction], reference["values"], atol=1e-6)


@pytest.mark.validate
def test_twice_the_resolution_takes_no_more_iterations(shared):
    """6.7 million degrees of freedom, about a minute."""
    with np.load(shared / "reference" / "mufe" / "masks.npz") as packed:
        bone = np.unpackbits(packed["m200"])[:8_000_000].reshape(200, 200, 200).astype(bool)
    result = compress(uniform_modulus(bone, 10_000), 19.5, backend=get_backend("numpy"))
    wanted = scalars(shared, "lhdl200", "bonded")
    assert 3 * len(result.system.mesh.nodes) == wanted["dofs"]
    assert result.apparent_modulus_MPa == pytest.approx(wanted["apparent_modulus_MPa"], rel=1e-4)
    assert result.energy_density("center").mean() == pytest.approx(wanted["mean_SED_center_MPa"], rel=1e-3)
    assert result.solve.iterations <= 14
