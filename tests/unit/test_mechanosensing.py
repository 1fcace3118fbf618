"""What osteocytes make of the load: stimulus, reference, inheritance, and what is reported of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_bone import PLAIN, begin, feel, named, rods, solid, specimen

from trabsim.backends import get_backend
from trabsim.clock import Clock
from trabsim.mechanics import homogenization
from trabsim.mechanics.homogenization import UnitCases, unit_cases
from trabsim.mechanics.loads import MechanicsParams
from trabsim.mechanics.mechanosensing import LEAST_ENERGY, relaxed, stimulus
from trabsim.simulation import Simulation
from trabsim.state import FULL

NUMPY = get_backend("numpy", threads=1)
PRESS = [[0.0, 0.0, -1.0, 0.0, 0.0, 0.0]]


def program(**entry: Any) -> dict[str, Any]:
    return {"mechanics.program": [entry]}


# -------------------------------------------------------------- the rules alone
def test_stimulus_is_the_logarithm_within_its_limits() -> None:
    ratio = np.array([0.0, 1e-9, 0.2, 0.25, 0.7, 1.0, 1.3, 4.0, 7.0, 1e9])
    got = stimulus(ratio * 0.013, np.full(ratio.size, 0.013), 1.5, NUMPY)
    expected = np.clip(np.log(np.maximum(ratio, 1e-300)), -1.5, 1.5)
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("start", [0.5, 1.0, 1.8])
def test_reference_relaxes_to_a_mean_of_target_and_what_is_felt(weight: float, start: float) -> None:
    """In the end target**w x felt**(1 - w), from above and from below."""
    target, felt = 0.02, 0.026
    p = MechanicsParams(target_weight=weight)
    reference = np.array([start * target])
    for _ in range(800):
        reference = relaxed(reference, np.log(felt / reference), target, 0.02, p)
    assert reference[0] == pytest.approx(target**weight * felt ** (1 - weight), rel=2e-3)


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_reference_moves_by_the_share_of_the_way_that_time_allows(weight: float) -> None:
    """After the relaxation time a distance, on a logarithmic scale, has fallen by 1/e."""
    target, felt, p = 0.02, 0.02, MechanicsParams(target_weight=weight)
    reference = np.array([0.021])
    for _ in range(120):
        reference = relaxed(reference, np.log(felt / reference), target, 1 / 120, p)
    assert np.log(reference[0] / 0.02) / np.log(0.021 / 0.02) == pytest.approx(np.exp(-1), rel=0.01)


def test_nothing_relaxes_in_no_time_and_target_and_felt_alike_hold_it() -> None:
    p = MechanicsParams()
    reference = np.array([0.004, 0.02, 0.3])
    assert relaxed(reference, np.array([1.0, -2.0, 0.3]), 0.02, 0.0, p).tolist() == reference.tolist()
    assert relaxed(np.array([0.02]), np.zeros(1), 0.02, 0.5, p)[0] == 0.02


def test_far_references_approach_and_never_cross_zero() -> None:
    """Even a coarse step from a thousandth of the target, or a thousand times it, moves the right way."""
    p = MechanicsParams(target_weight=1.0)
    reference = np.array([0.02e-3, 0.02e3])
    moved = relaxed(reference, np.zeros(2), 0.02, 0.3, p)
    assert reference[0] < moved[0] < 0.02 < moved[1] < reference[1]


# ------------------------------------------------------------------------ osteocytes
def test_under_unchanged_loads_nothing_is_felt() -> None:
    """The first solution sets every reference to what its cell feels; a month later nothing has changed."""
    sim = begin(rods(24), PLAIN)
    cells = sim.state.osteocytes
    cells.alive[::5] = 0
    feel(sim, 0)
    felt = np.maximum(sim.state.strain_energy.ravel()[cells.voxel], LEAST_ENERGY * 0.02)
    np.testing.assert_allclose(cells.reference, felt, rtol=1e-6)
    for day in (0, 30):
        feel(sim, day)
        assert np.abs(cells.stimulus).max() < 1e-5
        assert np.abs(sim.state.strain_signal).max() < 1e-5
        assert sim.state.levels["mechanical_stimulus"] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(("scale", "x"), [(0.5, np.log(0.25)), (1.5, np.log(2.25)), (0.0, -2.0), (5.0, 2.0)])
def test_scaled_loads_are_felt_everywhere_alike(scale: float, x: float) -> None:
    """Half the load: ln(1/4) in every living osteocyte and at every surface near one; limits hold."""
    sim = begin(rods(24), PLAIN | program(kind="constant", scale=scale, start_day=30))
    cells, state = sim.state.osteocytes, sim.state
    cells.alive[::5] = 0
    feel(sim, 0)
    # so unloaded a voxel that its energy was clipped before and after would feel less
    cells.alive[cells.reference < 4.1 * LEAST_ENERGY * 0.02] = 0
    feel(sim, 30)
    living = cells.alive == 1
    assert living.sum() > 100
    np.testing.assert_allclose(cells.stimulus[living], x, atol=2e-3)
    assert not cells.stimulus[~living].any()
    near = state.strain_signal[np.abs(state.strain_signal) > 0]
    assert near.size > 1000
    np.testing.assert_allclose(near, x, atol=5e-3)


def test_a_program_that_has_begun_at_the_first_solution_is_felt() -> None:
    """References are those of the usual loads, so bed rest from the first day on is felt at once."""
    sim = begin(
        solid(),
        PLAIN | {"mechanics.stresses_MPa": [[0, 0, -20, 0, 0, 0]]} | program(kind="bed_rest", scale=0.5),
    )
    feel(sim, 0)
    np.testing.assert_allclose(sim.state.osteocytes.reference, 0.02, rtol=1e-4)
    np.testing.assert_allclose(sim.state.osteocytes.stimulus, np.log(0.25), atol=1e-3)


def test_a_program_may_turn_the_load() -> None:
    """Loads of its own replace the usual ones from its first day on, and can be scaled."""
    turned = program(kind="constant", start_day=30, stresses_MPa=[[-20, 0, 0, 0, 0, 0]], scale=0.5)
    sim = begin(solid(), PLAIN | {"mechanics.stresses_MPa": [[0, 0, -20, 0, 0, 0]]} | turned)
    feel(sim, 0)
    feel(sim, 30)
    np.testing.assert_allclose(sim.state.strain_energy, 0.02 / 4, rtol=1e-4)


def test_references_relax_with_time() -> None:
    """A month under half the load: on a logarithmic scale, share x (1 - w) of the way, days over years."""
    settings = PLAIN | {"mechanics.relaxation_years": 2.0, "mechanics.target_weight": 0.0}
    sim = begin(
        solid(),
        settings
        | {"mechanics.stresses_MPa": PRESS, "mechanics.target_MPa": 5e-5}
        | program(kind="constant", scale=0.7, start_day=30),
    )
    feel(sim, 0)
    before = sim.state.osteocytes.reference.copy()
    feel(sim, 60)
    moved = np.log(sim.state.osteocytes.reference / before)
    np.testing.assert_allclose(moved, 60 / 730.5 * np.log(0.49), rtol=2e-3)


def add_osteocytes(sim: Simulation, voxels: Any, alive: int = 1) -> slice:
    """Bury new osteocytes, without a reference yet."""
    voxels = np.atleast_1d(voxels)
    n, cells = voxels.size, sim.state.osteocytes
    first = sim.state.new_ids("osteocyte", n)
    there = len(cells)
    cells.append(
        np,
        id=np.arange(first, first + n),
        voxel=voxels,
        birth_day=np.full(n, 1),
        reference=np.zeros(n),
        stimulus=np.zeros(n),
        alive=np.full(n, alive),
    )
    return slice(there, there + n)


def test_a_newborn_osteocyte_is_used_to_what_its_neighbors_are_used_to() -> None:
    """Not to what it feels: on bone that everyone finds overloaded it finds itself overloaded, too."""
    sim = begin(solid(), PLAIN | {"mechanics.stresses_MPa": [[0, 0, -20, 0, 0, 0]]})
    feel(sim, 0)
    sim.state.osteocytes.reference[:] = 0.01
    new = add_osteocytes(sim, np.arange(0, 512, 7))
    feel(sim, 30)
    np.testing.assert_allclose(sim.state.osteocytes.reference[new], 0.01, rtol=1e-3)
    np.testing.assert_allclose(sim.state.osteocytes.stimulus[new], np.log(2.0), atol=2e-3)


def test_near_neighbors_count_more_and_the_dead_do_not() -> None:
    """Between two populations the reference goes from one to the other along the way."""
    settings = PLAIN | {"mechanics.stresses_MPa": [[0, 0, -20, 0, 0, 0]], "mechanics.reach_um": 40.0}
    sim = begin(specimen(np.ones((8, 8, 24))), settings)
    feel(sim, 0)
    cells = sim.state.osteocytes
    x = np.unravel_index(cells.voxel, sim.state.shape)[2]
    cells.reference[:] = np.where(x < 12, 0.01, 0.04)
    cells.alive[(x > 3) & (x < 20)] = 0
    cells.reference[(x > 3) & (x < 20)] = 5.0
    row = np.ravel_multi_index((np.full(24, 4), np.full(24, 4), np.arange(24)), sim.state.shape)
    new = add_osteocytes(sim, row)
    feel(sim, 30)
    reference = sim.state.osteocytes.reference[new]
    assert (np.diff(reference) > -1e-6).all()
    assert reference[0] == pytest.approx(0.01, rel=0.01)
    assert reference[-1] == pytest.approx(0.04, rel=0.01)
    assert reference[11:13].mean() == pytest.approx(0.025, rel=0.15)


def test_where_no_one_lives_a_newborn_takes_what_it_feels() -> None:
    sim = begin(solid(), PLAIN | {"mechanics.stresses_MPa": [[0, 0, -20, 0, 0, 0]]})
    feel(sim, 0)
    sim.state.osteocytes.keep(np.zeros(len(sim.state.osteocytes), bool))
    new = add_osteocytes(sim, [5, 100, 300])
    feel(sim, 30)
    np.testing.assert_allclose(sim.state.osteocytes.reference[new], 0.02, rtol=1e-4)
    assert np.abs(sim.state.osteocytes.stimulus[new]).max() < 1e-4


def test_the_signal_reaches_as_far_as_is_set() -> None:
    """One end of a bar unloaded in its cells' eyes: the mean over cells fades over the reach, sign and all."""
    signals = []
    for reach in (40.0, 120.0):
        sim = begin(
            specimen(np.ones((8, 8, 24))),
            PLAIN | {"mechanics.stresses_MPa": PRESS, "mechanics.reach_um": reach},
        )
        feel(sim, 0)
        cells = sim.state.osteocytes
        cells.reference[np.unravel_index(cells.voxel, sim.state.shape)[2] < 12] *= 2.0
        feel(sim, 30)
        signals.append(sim.state.strain_signal[4, 4])
    for signal in signals:
        assert signal[0] == pytest.approx(-np.log(2.0), abs=0.1)
        assert signal[-1] == pytest.approx(0.0, abs=0.1)
        assert (np.diff(signal) > -1e-3).all()
    assert np.ptp(signals[0][10:14]) > 1.3 * np.ptp(signals[1][10:14])


def test_without_a_living_osteocyte_nothing_is_signaled() -> None:
    sim = begin(rods(24), PLAIN | program(kind="bed_rest", scale=0.1))
    sim.state.osteocytes.alive[:] = 0
    feel(sim, 0)
    assert sim.state.strain_energy.any()
    assert not sim.state.strain_signal.any()


# ------------------------------------------------------------------- switched off
def test_switched_off_everything_is_neutral_and_no_column_is_written() -> None:
    sim = begin(rods(24))
    assert not {"mechanics", "microdamage"} & {process.name for process in sim.processes}
    for _ in range(3):
        sim.step()
    state = sim.state
    for name in ("strain_energy", "strain_signal", "microdamage"):
        assert not state.arrays[name].any()
    assert not state.osteocytes.stimulus.any()
    assert not state.osteocytes.reference.any()
    row = sim.measure(microarchitecture=False)
    assert not [name for name in row if "stiffness" in name or "MPa" in name or name[-2:] == "_N"]
    assert "microdamage" not in row
    assert "mechanical_stimulus" not in row


def test_switched_on_the_columns_are_there_and_finite() -> None:
    sim = begin(rods(24), PLAIN)
    assert "mechanics" in {process.name for process in sim.processes}
    assert "stiffness_z_MPa" not in sim.measure(microarchitecture=False)  # nothing is solved yet
    sim.step()
    row = sim.measure(microarchitecture=False)
    for name in (
        "stiffness_x_MPa",
        "stiffness_y_MPa",
        "stiffness_z_MPa",
        "failure_load_N",
        "tissue_energy_MPa",
    ):
        assert 0 < row[name] < np.inf, name
    assert row["microdamage"] >= 0


def test_it_is_solved_when_due() -> None:
    sim = begin(rods(24), PLAIN | {"mechanics.every_days": 10})
    due = named(sim, "mechanics").every.due
    assert [day for day in range(-20, 21) if due(Clock(day))] == [-20, -10, 0, 10, 20]


def test_each_solution_starts_from_what_the_last_one_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second solution of the same bone takes no step at all, that of slightly changed bone few."""
    steps: list[int] = []

    def counted(*arguments: Any, **options: Any) -> UnitCases:
        cases = unit_cases(*arguments, **options)
        steps.append(sum(solve.iterations for solve in cases.solves))
        return cases

    monkeypatch.setattr(homogenization, "unit_cases", counted)
    sim = begin(rods(24), PLAIN | {"mechanics.tolerance": 1e-4})
    feel(sim, 0)
    kept = sim.state.displacements
    assert (np.diff(kept.id) > 0).all()
    assert kept.values.shape == (len(kept), 18)
    first = kept.values.copy()
    feel(sim, 30)
    assert sim.state.displacements.values.tobytes() == first.tobytes()
    sim.state.bone[2, 4:8, 4:8] //= 2
    feel(sim, 60)
    assert steps[0] > 6
    assert steps[1] == 0
    assert 0 < steps[2] < 0.8 * steps[0]


def test_bone_is_left_as_it_is() -> None:
    """To feel is to change nothing of matter."""
    sim = begin(rods(24), PLAIN)
    before = sim.state.bone.copy()
    feel(sim, 0)
    assert sim.state.bone.tobytes() == before.tobytes()
    assert int(sim.state.bone.max()) <= FULL
