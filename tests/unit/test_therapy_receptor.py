"""The two-state PTH receptor tells a pulse from an infusion."""

from __future__ import annotations

import pytest
from therapy_days import give

from trabsim.therapy.pth_receptor import Receptor, respond, respond_to_injection
from trabsim.therapy.registry import therapy_class


def pulses(kind, amount):
    _, sets, _ = give(kind, amount, 1)
    return sets[0]["pth_pulse_on"], sets[0]["pth_pulse_duration"]


def test_teriparatide_20_ug_is_the_measure():
    assert pulses("teriparatide", 0.020) == (pytest.approx(1.0), pytest.approx(1.0))


def test_twice_the_dose_does_less_than_twice():
    """Activity saturates; and it does so before the time that receptors are bound."""
    on, duration = pulses("teriparatide", 0.040)
    assert 1.3 < on < duration < 2.0


def test_abaloparatide_pulses_as_teriparatide_and_binds_half_as_long():
    on, duration = pulses("abaloparatide", 0.080)
    assert on == pytest.approx(1.0, abs=0.1)
    assert duration == pytest.approx(0.5, abs=0.1)


def test_intact_pth_is_weaker_and_longer():
    """PTH(1-84) 100 ug: absorbed slowly, so less activity per time that receptors are bound."""
    on, duration = pulses("pth_1_84", 0.100)
    assert 0.4 < on < 0.9
    assert duration > on


def test_a_steady_concentration_is_adapted_to_exactly():
    """At any concentration, once active and inactive receptors are in balance, activity is the same."""
    r = Receptor()
    for concentration in (0.0, 5.0, 30.0, 1e3, 1e6):
        f = concentration / (r.active_pM + concentration)
        g = concentration / (r.asleep_pM + concentration)
        down = r.sleeps * (1 - f) + r.sleeps_bound * f
        up = r.wakes * (1 - g) + r.wakes_bound * g
        active = up / (up + down)
        activity = active * (r.activity * (1 - f) + r.activity_bound * f) + (1 - active) * (
            r.activity_asleep * (1 - g) + r.activity_asleep_bound * g
        )
        assert activity == pytest.approx(r.adapted, rel=1e-12)


def test_an_infusion_is_exposure_with_little_activity():
    """Per time that receptors are bound, an infusion brings a tenth of the activity, on its first day alone."""
    pulse = respond_to_injection(4614.0, 4.38 / 60, 0.693 / 60, 110.0)
    infusion = respond(lambda minute: 20.0, Receptor())
    assert infusion.duration > 3 * pulse.duration
    assert infusion.on / infusion.duration < 0.15 * pulse.on / pulse.duration


def test_nothing_without_drug():
    """The body's own hormone alone leaves activity adapted and binding as it is."""
    response = respond(lambda minute: 0.0, Receptor())
    assert response.on == pytest.approx(0.0, abs=1e-9)
    assert response.duration == pytest.approx(0.0, abs=1e-9)


def test_infused_pth_counts_as_intact_hormone_of_equal_molarity():
    """40 ug/day hold about 22 pg/mL of PTH(1-34), as many molecules as 50 pg/mL of PTH(1-84)."""
    _, sets, remembered = give("pth_continuous", 0.040, 5, every=1)
    own = remembered[-1]["pth_continuous_pg_per_mL"]
    assert own == pytest.approx(40e6 / (110e3 * 0.693 * 24), rel=0.01)
    assert sets[-1]["pth_infused_pg_per_mL"] == pytest.approx(own * 9425 / 4118, rel=1e-9)
    assert set(sets[-1]) == {"pth_infused_pg_per_mL"}


def test_each_day_answers_to_its_own_dose():
    """A pulse is over by the next morning: a day without a dose has no pulse."""
    _, sets, _ = give("teriparatide", 0.020, 3)
    assert sets[1] == {"pth_pulse_on": 0.0, "pth_pulse_duration": 0.0}
    assert therapy_class("teriparatide")().response(0.0).on == pytest.approx(0.0, abs=1e-9)
