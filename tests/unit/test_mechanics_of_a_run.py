"""What a loaded piece carries in a simulation: strain energy, stiffness, strength, and loads held as forces."""

from __future__ import annotations

import re

import numpy as np
import pytest
from small_bone import E_MPA, PLAIN, begin, feel, rods, solid, specimen

from trabsim.tissue.mineral import mineral_mg_per_cm3
from trabsim.tissue.specimen import Specimen

PRESS = [[0.0, 0.0, -1.0, 0.0, 0.0, 0.0]]


# ------------------------------------------------------------------ energy density
@pytest.mark.parametrize("coarsening", [1, 2])
def test_a_solid_block_has_the_energy_of_its_stress(coarsening: int) -> None:
    """Uniaxial stress s: U = s**2 / 2 E in every voxel; stiffness E; failure at 0.7 % strain."""
    settings = PLAIN | {
        "mechanics.stresses_MPa": [[0, 0, -20.0, 0, 0, 0]],
        "mechanics.coarsening": coarsening,
    }
    sim = begin(solid(), settings)
    feel(sim, 0)
    np.testing.assert_allclose(sim.state.strain_energy, 20.0**2 / (2 * E_MPA), rtol=1e-4)
    row = sim.measure(microarchitecture=False)
    for axis in "xyz":
        assert row[f"stiffness_{axis}_MPa"] == pytest.approx(E_MPA, rel=1e-4)
    assert row["failure_load_N"] == pytest.approx(0.007 * E_MPA * (8 * 0.04) ** 2, rel=1e-4)
    assert row["tissue_energy_MPa"] == pytest.approx(0.02, rel=1e-4)
    assert row["mechanical_stimulus"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("coarsening", [1, 2])
def test_porous_tissue_feels_the_energy_of_its_matrix(coarsening: int) -> None:
    """Half full voxels carry twice the stress: four times the energy per matrix, half the stiffness."""
    settings = PLAIN | {
        "mechanics.stresses_MPa": [[0, 0, -20.0, 0, 0, 0]],
        "mechanics.coarsening": coarsening,
    }
    sim = begin(solid(fraction=0.5), settings)
    feel(sim, 0)
    np.testing.assert_allclose(sim.state.strain_energy, 4 * 20.0**2 / (2 * E_MPA), rtol=1e-3)
    assert sim.measure(microarchitecture=False)["stiffness_z_MPa"] == pytest.approx(E_MPA / 2, rel=1e-3)


@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_modulus_follows_mineral(exponent: int) -> None:
    """E = E0 (m / m0)**exponent, for matrix of one age."""
    settings = PLAIN | {
        "mechanics.mineral_exponent": exponent,
        "mechanics.reference_mineral_mg_per_cm3": 1000.0,
    }
    sim = begin(solid(), settings | {"mechanics.stresses_MPa": PRESS})
    sim.state.formed_day[...] = -400
    feel(sim, 0)
    mineral = mineral_mg_per_cm3(np.array([-400], np.int32), 0, sim.config.process.mineral, sim.backend)
    expected = E_MPA * (float(mineral[0]) / 1000.0) ** exponent
    assert sim.measure(microarchitecture=False)["stiffness_z_MPa"] == pytest.approx(expected, rel=1e-4)


def test_loads_act_one_after_another() -> None:
    """Energies of several loads add up; compression and tension of the same size are alike."""
    loads = [[0, 0, -20.0, 0, 0, 0], [10.0, 0, 0, 0, 0, 0]]
    sim = begin(solid(), PLAIN | {"mechanics.stresses_MPa": loads})
    feel(sim, 0)
    np.testing.assert_allclose(sim.state.strain_energy, (20.0**2 + 10.0**2) / (2 * E_MPA), rtol=1e-4)


def test_odd_lattices_are_mapped_whole() -> None:
    """With elements of two voxels every bone voxel of an odd lattice has the energy of its element."""
    sim = begin(specimen(np.ones((9, 11, 7))), PLAIN | {"mechanics.stresses_MPa": PRESS})
    feel(sim, 0)
    assert sim.state.strain_energy.shape == (9, 11, 7)
    assert (sim.state.strain_energy > 0).all()


def pillars() -> Specimen:
    """Two pillars between two plates, loaded along z."""
    bone = np.zeros((12, 12, 12))
    bone[:, 2:4, 2:4] = bone[:, 8:10, 8:10] = 1.0
    bone[:2] = bone[-2:] = 1.0
    return specimen(bone)


def test_loads_are_forces_so_bone_that_is_lost_loads_the_rest() -> None:
    """Without one pillar the other carries more than half again as much, and feels it."""
    sim = begin(pillars(), PLAIN | {"mechanics.stresses_MPa": PRESS})
    feel(sim, 0)
    before = sim.state.strain_energy.copy()
    sim.state.bone[2:-2, 8:10, 8:10] = 0
    gone = np.zeros(sim.state.shape, bool)
    gone[2:-2, 8:10, 8:10] = True
    sim.state.osteocytes.keep(~gone.ravel()[sim.state.osteocytes.voxel])
    feel(sim, 30)
    assert sim.state.strain_energy[6, 2, 2] > 1.5 * before[6, 2, 2]
    cells = sim.state.osteocytes
    z, y, _x = np.unravel_index(cells.voxel, sim.state.shape)
    left = (z > 3) & (z < 8) & (y < 6)
    assert left.sum() > 3
    assert (cells.stimulus[left] > 0.3).all()
    assert sim.state.strain_energy[6, 8, 8] == 0


def test_estimated_loads_are_found_once() -> None:
    """They are read from the first specimen, kept in the levels, and stay while the specimen changes."""
    sim = begin(rods(24), PLAIN)
    feel(sim, 0)
    found = {name: value for name, value in sim.state.levels.items() if name.startswith("load_")}
    assert len(found) == 6 * 6 + 1
    assert sim.state.levels["tissue_energy_MPa"] == pytest.approx(0.02, rel=0.5)
    sim.state.bone[:, :12, :12] //= 2
    feel(sim, 30)
    assert {name: sim.state.levels[name] for name in found} == found
    assert sim.state.levels["tissue_energy_MPa"] > 0.02


def test_a_piece_that_spans_one_axis_is_loaded_along_it_alone() -> None:
    """A column: the other compressions and the shears find no bone from face to face."""
    bone = np.zeros((16, 16, 16))
    bone[:, 4:10, 4:10] = 1.0
    sim = begin(specimen(bone), PLAIN)
    feel(sim, 0)
    loads = np.array(
        [
            [sim.state.levels[f"load_{i}_{s}_MPa"] for s in ("xx", "yy", "zz", "yz", "xz", "xy")]
            for i in range(1, 7)
        ]
    )
    assert loads[0, 2] < 0
    assert np.count_nonzero(loads) == 1
    row = sim.measure(microarchitecture=False)
    assert row["stiffness_z_MPa"] > 100.0
    assert row["stiffness_x_MPa"] == row["stiffness_y_MPa"] == 0.0


def test_loads_far_from_the_target_are_worth_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Usual loads that strain tissue many times the target draw one line with the factor that mends it."""
    bone = np.zeros((16, 16, 16))
    bone[:, 4:10, 4:10] = 1.0

    def warned(stress_MPa: float) -> list[str]:
        sim = begin(specimen(bone), PLAIN | {"mechanics.stresses_MPa": [[0, 0, -stress_MPa, 0, 0, 0]]})
        caplog.clear()
        feel(sim, 0)
        return [record.getMessage() for record in caplog.records]

    (line,) = warned(20.0)
    assert re.match(
        r"the usual loads strain the tissue to .* MPa on average, far from mechanics.target_MPa", line
    )
    factor = float(re.search(r"stresses_MPa by ([0-9.]+)", line)[1])  # type: ignore[index]
    assert warned(20.0 * factor) == []


def test_when_nothing_carries_a_load_any_more_osteocytes_keep_their_stimulus(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The last strut across is lost: the bone around the piece goes on bearing that load; the run says so once."""
    bone = np.zeros((16, 16, 16))
    bone[:, 4:10, 4:10] = 1.0
    bone[4:10, 4:10, :] = 1.0
    along_x, along_z = [-2.0, 0, 0, 0, 0, 0], [0, 0, -20.0, 0, 0, 0]
    sim = begin(specimen(bone), PLAIN | {"mechanics.stresses_MPa": [along_x, along_z]})
    feel(sim, 0)
    sim.state.bone[:, 4:6, 4:10] = 0
    feel(sim, 30)
    felt, reference = sim.state.osteocytes.stimulus.copy(), sim.state.osteocytes.reference.copy()
    assert felt.any()
    sim.state.bone[:, :, 12:14] = 0
    caplog.clear()
    with caplog.at_level("WARNING", "trabsim"):
        feel(sim, 60)
        feel(sim, 90)
    assert [r.getMessage() for r in caplog.records] == [
        "day 60: no connected bone carries 1 of the loads any more; osteocytes keep the stimulus they had"
    ]
    assert sim.state.levels["loads_not_carried"] == 1
    assert sim.state.levels["stiffness_x_MPa"] == 0
    assert sim.state.levels["stiffness_z_MPa"] > 0
    assert np.array_equal(sim.state.osteocytes.stimulus, felt)
    assert np.array_equal(sim.state.osteocytes.reference, reference)
    sim.state.bone[4:10, 4:10, 12:14] = sim.state.bone[6, 8, 3]
    feel(sim, 120)
    assert sim.state.levels["loads_not_carried"] == 0
    assert not np.array_equal(sim.state.osteocytes.stimulus, felt)


def test_a_load_that_nothing_ever_carried_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A column that is asked to bear a load across as well goes on under the load along it, month after month."""
    bone = np.zeros((16, 16, 16))
    bone[:, 4:10, 4:10] = 1.0
    both = {"mechanics.stresses_MPa": [[-2.0, 0, 0, 0, 0, 0], [0, 0, -20.0, 0, 0, 0]]}
    sim = begin(specimen(bone), PLAIN | both)
    with caplog.at_level("WARNING", "trabsim"):
        feel(sim, 0)
        before = sim.state.osteocytes.stimulus.copy()
        sim.state.bone[:, 4:6, 4:10] = 0
        feel(sim, 30)
    said = [r.getMessage() for r in caplog.records if "carries" in r.getMessage()]
    assert said == ["day 0: no connected bone carries 1 of the loads; they are left out"]
    assert not np.array_equal(sim.state.osteocytes.stimulus, before)
