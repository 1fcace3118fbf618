"""The solver on whatever specimen it is given: same bits, few iterations, parts that float, hinges, mistakes."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from bone_samples import NUMPY, E, modulus, spongy

from trabsim.backends import get_backend
from trabsim.errors import MechanicsError
from trabsim.mechanics.compression import compress, uniform_modulus
from trabsim.mechanics.homogenization import unit_cases


def test_same_bits_on_one_thread_and_on_two():
    bone = modulus(spongy(48))
    one, two = (compress(bone, 40.0, backend=get_backend("numpy", threads=n)) for n in (1, 2))
    assert one.solve.residual == two.solve.residual
    assert one.displacement.tobytes() == two.displacement.tobytes()
    assert one.force_N == two.force_N


def test_iterations_do_not_grow_with_resolution():
    coarse = spongy(32, scale=2.0)
    fine = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    counts = [compress(modulus(bone), 40.0, backend=NUMPY).solve.iterations for bone in (coarse, fine)]
    assert counts[1] <= counts[0] + 2
    assert max(counts) <= 25


@pytest.fixture(scope="module")
def thin_bone():
    from trabsim.tissue.synthetic import synthesize

    specimen = synthesize((72, 72, 72), 40.0, seed=2, BV_TV=0.10, Tb_Th_um=135.0, DA=0.45)
    return specimen.bone()


def test_thin_bone_does_not_make_iterations_explode(thin_bone):
    result = compress(modulus(thin_bone), 40.0, backend=NUMPY, tolerance=1e-6)
    assert thin_bone.mean() < 0.12
    assert result.solve.iterations <= 45


def test_restart_after_one_voxel_in_a_hundred_changed_takes_half_the_work(thin_bone):
    tolerance = 1e-4
    rng = np.random.default_rng(3)
    before = compress(modulus(thin_bone), 40.0, backend=NUMPY, tolerance=tolerance).state()
    changed = thin_bone.copy()
    bone_voxels = np.flatnonzero(thin_bone)
    changed.flat[rng.choice(bone_voxels, bone_voxels.size // 200, replace=False)] = False
    grown = np.flatnonzero(np.roll(thin_bone, 1, axis=1) & ~thin_bone)
    changed.flat[rng.choice(grown, bone_voxels.size // 200, replace=False)] = True
    cold = compress(modulus(changed), 40.0, backend=NUMPY, tolerance=tolerance)
    warm = compress(modulus(changed), 40.0, backend=NUMPY, tolerance=tolerance, start=before)
    assert warm.solve.start_residual < cold.solve.start_residual
    assert warm.solve.iterations <= 0.6 * cold.solve.iterations
    assert warm.apparent_modulus_MPa == pytest.approx(cold.apparent_modulus_MPa, rel=1e-3)


def test_restart_of_the_same_specimen_needs_no_iteration():
    bone = modulus(spongy(24))
    first = compress(bone, 40.0, backend=NUMPY, tolerance=1e-4)
    again = compress(bone, 40.0, backend=NUMPY, tolerance=1.1e-4, start=first.state())
    assert again.solve.iterations <= 1


def test_parts_that_float_are_left_out_with_a_warning(caplog):
    """An island inside, and one that touches a side face, which only confined plates hold."""
    bone = np.zeros((12, 12, 12), bool)
    bone[:, 3:6, 3:6] = True
    alone = compress(modulus(bone), 40.0, backend=NUMPY)
    bone[5:7, 8:10, 8:10] = True
    bone[2:4, 8:10, 11:] = True
    with caplog.at_level(logging.WARNING, "trabsim"):
        result = compress(modulus(bone), 40.0, backend=NUMPY)
    assert [record.getMessage() for record in caplog.records] == [
        "12 of 120 elements, in 2 parts that touch no held face, float and are left out of the mechanics"
    ]
    assert result.system.mesh.left_out == 12
    assert result.force_N == alone.force_N
    assert compress(modulus(bone), 40.0, backend=NUMPY, boundary="confined").system.mesh.left_out == 8
    assert np.count_nonzero(result.energy_density_map()) == 108


@pytest.mark.parametrize("boundary", ["bonded", "frictionless", "confined"])
def test_hinges_and_dangling_parts_are_no_obstacle(boundary):
    """Blocks that share an edge or a corner only can turn about it without any energy."""
    bone = np.zeros((16, 16, 16), bool)
    bone[:, 4:8, 4:8] = True
    alone = compress(modulus(bone), 40.0, backend=NUMPY, boundary=boundary, tolerance=1e-8)
    bone[6:10, 8:12, 8:12] = True  # shares an edge along z
    bone[3:6, 1:4, 8:12] = True  # shares an edge as well
    bone[10:14, 12:15, 12:15] = True  # shares one corner with the second block
    result = compress(modulus(bone), 40.0, backend=NUMPY, boundary=boundary, tolerance=1e-8)
    assert np.isfinite(result.displacement).all()
    assert result.force_N > alone.force_N
    assert result.solve.iterations <= 40


def test_a_column_of_voxels_that_meet_at_edges_only_carries_load():
    bone = np.zeros((8, 8, 8), bool)
    bone[:, 2:6, 2:6] = True
    bone[3:5] = False
    bone[3, 2:6, 3], bone[4, 2:6, 4] = True, True  # two rows that share edges
    result = compress(modulus(bone), 40.0, backend=NUMPY, tolerance=1e-6)
    assert 0 < result.apparent_modulus_MPa < 0.2 * E
    assert result.solve.iterations < 60


def test_many_struts_that_never_meet():
    """The coarsest level then has as many parts as there are struts."""
    bone = np.zeros((16, 24, 24), bool)
    bone[:, ::2, ::2] = True
    result = compress(modulus(bone), 40.0, backend=NUMPY, poisson=0.0)
    assert result.apparent_modulus_MPa == pytest.approx(E / 4, rel=1e-6)
    assert result.solve.iterations <= 20


def test_struts_in_one_coarse_cell_stay_apart():
    """Two plates one voxel apart, under shear: were they joined on coarse levels, iterations would explode."""
    bone = np.zeros((32, 32, 32), bool)
    bone[:, :, 8:10] = bone[:, :, 11:13] = True
    bone[:2] = bone[-2:] = True
    result = compress(modulus(bone), 40.0, backend=NUMPY)
    assert result.solve.iterations <= 20


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 1), (1, 4, 3), (5, 1, 2)])
def test_tiny_specimens(shape):
    for boundary in ("bonded", "frictionless", "confined"):
        result = compress(np.full(shape, E, np.float32), 40.0, backend=NUMPY, poisson=0.0, boundary=boundary)
        assert result.apparent_modulus_MPa == pytest.approx(E, rel=1e-6)


def test_modulus_may_differ_between_voxels():
    """A soft specimen is stiffer for every voxel that hardens; scale does not matter."""
    bone = spongy(20, 0.5)
    soft = np.where(bone, np.random.default_rng(1).uniform(50, 20_000, bone.shape), 0)
    result = compress(soft, 40.0, backend=NUMPY)
    assert compress(soft * 1e6, 40.0, backend=NUMPY).apparent_modulus_MPa == pytest.approx(
        1e6 * result.apparent_modulus_MPa, rel=1e-5
    )
    hardened = np.where(bone, np.maximum(soft, 10_000), 0)
    assert compress(hardened, 40.0, backend=NUMPY).apparent_modulus_MPa > result.apparent_modulus_MPa


BAR = np.ones((6, 4, 4), bool)
MISTAKES = {
    "the modulus is 0": lambda: uniform_modulus(BAR, 0),
    "the modulus is -5": lambda: uniform_modulus(BAR, -5),
    "a modulus of -1.0 MPa": lambda: compress(np.where(BAR, 1.0, -1.0) * -1, 40.0, backend=NUMPY),
    "a modulus of nan MPa": lambda: compress(np.where(BAR, np.nan, 1.0), 40.0, backend=NUMPY),
    "Poisson's ratio is 0.5": lambda: compress(modulus(BAR), 40.0, backend=NUMPY, poisson=0.5),
    "Poisson's ratio is -1": lambda: compress(modulus(BAR), 40.0, backend=NUMPY, poisson=-1.0),
    "no connected bone reaches from face to face along z": lambda: compress(
        modulus(BAR & (np.arange(6) != 3)[:, None, None]), 40.0, backend=NUMPY
    ),
    "no bone touches a face that is held": lambda: unit_cases(modulus(np.pad(BAR, 1)), 40.0, backend=NUMPY),
    "the image holds no bone": lambda: compress(modulus(~BAR), 40.0, backend=NUMPY),
    "moduli have shape (6, 4)": lambda: compress(np.ones((6, 4)), 40.0, backend=NUMPY),
    "the voxel size is 0": lambda: compress(modulus(BAR), 0, backend=NUMPY),
    "the strain is 0": lambda: compress(modulus(BAR), 40.0, backend=NUMPY, strain=0),
    "the tolerance is 0": lambda: compress(modulus(BAR), 40.0, backend=NUMPY, tolerance=0),
    "axis 'w': choose z, y or x": lambda: compress(modulus(BAR), 40.0, backend=NUMPY, axis="w"),
    "boundary 'glued': choose one of bonded": lambda: compress(
        modulus(BAR), 40.0, backend=NUMPY, boundary="glued"
    ),
    "no equilibrium after 2 iterations: the residual is ": lambda: compress(
        modulus(spongy(16, 0.5)), 40.0, backend=NUMPY, most_iterations=2
    ),
    "displacements of a lattice of (7, 5, 5) nodes cannot start": lambda: compress(
        modulus(BAR[:5]), 40.0, backend=NUMPY, start=compress(modulus(BAR), 40.0, backend=NUMPY).state()
    ),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_one_clear_line(message):
    with pytest.raises(MechanicsError) as error:
        MISTAKES[message]()
    text = str(error.value)
    assert text.startswith(message)
    assert "\n" not in text
