"""Calibration of a network's form, on bones that are formulas."""

from __future__ import annotations

import numpy as np
import pytest

from trabsim.tissue.synthetic_calibration import (
    CELL_OVER_STRUT,
    LARGEST_STRETCH,
    Form,
    Measured,
    Target,
    bounded,
    calibrate,
    deviator,
    first_guess,
    form_of,
    form_vector,
    matrix_function,
    steady,
)

TARGET = Target(0.12, 135.0, 0.52)


def in_jumps(volume, jump):
    """Round to values that `jump` parts in logarithms and that miss the target by at least half of it."""
    if jump == 0.0:
        return volume
    return 0.12 * np.exp(jump * (np.floor(np.log(volume / 0.12) / jump) + 0.5))


def formula(volume=1.7, thickness=0.17, stretch=0.74, own=None, jump=0.0):
    """A bone whose measures follow power laws, and the number of times it was measured."""
    own = np.zeros((3, 3)) if own is None else own
    calls = []

    def sample(form: Form) -> Measured:
        calls.append(form)
        ratio = form.cell_um / form.strut_um
        tensor = matrix_function(stretch * form.stretch + own, np.exp)
        axes = np.linalg.eigvalsh(tensor)
        return Measured(
            in_jumps(0.13 * (8.0 / ratio) ** volume, jump),
            form.strut_um * 1.4 * (8.0 / ratio) ** thickness,
            1.0 - (axes[0] / axes[2]) ** 2,
            tensor / np.trace(tensor),
        )

    return sample, calls


def test_known_slopes_need_few_steps():
    sample, calls = formula()
    found = calibrate(TARGET, first_guess(TARGET, 0.2), sample, 0.001)
    assert found is not None
    assert found.converged
    assert found.upright
    assert len(calls) <= 4


@pytest.mark.parametrize("slopes", [(2.6, 0.05, 1.1), (1.1, 0.3, 0.45), (2.0, 0.17, 0.3)])
def test_slopes_far_from_the_assumed_ones_are_learned(slopes):
    sample, calls = formula(*slopes)
    found = calibrate(TARGET, first_guess(TARGET, 0.2), sample, 0.005)
    assert found is not None
    assert found.converged
    assert len(calls) <= 12


def test_a_bone_that_leans_is_turned_upright():
    """Its own fabric points between z and x; the stretch must undo that."""
    axis = np.array([1.0, 0.0, 1.0]) / np.sqrt(2.0)
    own = deviator(0.5 * np.outer(axis, axis))
    sample, _ = formula(own=own)
    start = first_guess(TARGET, 0.2)
    assert sample(start).tilt_degrees > 20
    found = calibrate(TARGET, start, sample, 0.005)
    assert found is not None
    assert found.converged
    assert found.measured.tilt_degrees < 1.0


def test_a_jump_is_survived_and_the_best_is_kept():
    """Islands come and go: a volume that jumps by 6 % cannot be met exactly."""
    sample, calls = formula(jump=0.06)
    found = calibrate(TARGET, first_guess(TARGET, 0.2), sample, 0.01)
    assert found is not None
    assert not found.converged
    assert TARGET.worst(found.measured) == min(TARGET.worst(sample(form)) for form in list(calls))
    assert TARGET.worst(found.measured) < 0.07


def test_what_is_out_of_reach_is_not_claimed():
    """A bone whose volume does not answer: best effort, not converged, and no endless search."""
    sample, calls = formula(volume=0.0)
    found = calibrate(TARGET, first_guess(TARGET, 0.2), sample, 0.01)
    assert found is not None
    assert not found.converged
    assert len(calls) <= 14


def test_nothing_to_measure_gives_nothing():
    assert calibrate(TARGET, first_guess(TARGET, 0.2), lambda form: None, 0.01) is None


def test_errors_are_relative_except_for_a_small_DA():
    measured = Measured(0.126, 128.25, 0.546, np.eye(3))
    errors = TARGET.errors(measured)
    assert errors == pytest.approx({"BV_TV": 0.05, "Tb_Th_um": -0.05, "DA": 0.05})
    assert Target(0.126, 128.25, 0.0).errors(Measured(0.126, 128.25, 0.02, np.eye(3)))["DA"] == pytest.approx(
        0.05
    )


def test_wanted_fabric_has_the_wanted_DA_and_stands_upright():
    axes = np.linalg.eigvalsh(matrix_function(TARGET.log_axes, np.exp))
    assert 1.0 - (axes[0] / axes[2]) ** 2 == pytest.approx(0.52)
    assert TARGET.log_axes[0, 0] == TARGET.log_axes.max()
    assert np.trace(TARGET.log_axes) == pytest.approx(0.0, abs=1e-12)


def test_form_and_vector_are_the_same_thing():
    form = Form(900.0, 100.0, deviator(np.array([[0.3, 0.05, 0.0], [0.05, -0.1, 0.02], [0.0, 0.02, 0.0]])))
    back = form_of(form_vector(form))
    assert (back.cell_um, back.strut_um) == pytest.approx((900.0, 100.0))
    np.testing.assert_allclose(back.stretch, form.stretch, atol=1e-12)
    assert np.linalg.det(form.matrix / form.cell_um) == pytest.approx(1.0)


def test_forms_stay_networks_of_struts_and_plates():
    wild = Form(50.0, 100.0, deviator(np.diag([4.0, 0.0, 0.0])))
    tame = bounded(wild)
    assert tame.cell_um == pytest.approx(CELL_OVER_STRUT[0] * 100.0)
    assert tame.elongation == pytest.approx(LARGEST_STRETCH)


def test_the_last_bits_of_a_measure_do_not_steer():
    """A sum taken in another order may differ there."""
    value = 0.1234567890123
    assert steady(value) == steady(np.nextafter(value, 1.0))
    assert steady(value) == pytest.approx(value, rel=1e-6)
