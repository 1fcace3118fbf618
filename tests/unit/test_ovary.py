"""Estradiol over a woman's life: flat, falling, flat; at once after surgery; or as measured."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from small_bone import slab, wake

from trabsim.clock import Clock
from trabsim.endocrine.ovary import OvarianHistory, OvaryParams, estradiol_pg_per_mL, transition
from trabsim.errors import ConfigError
from trabsim.units import DAYS_PER_YEAR


def natural(**changes: object) -> OvaryParams:
    """A woman with 90 pg/mL before, 8 after, and her final menstrual period at 51."""
    return OvaryParams(
        **{
            "age_years": 50.0,
            "final_menstrual_period_age_years": 51.0,
            "estradiol_premenopausal_pg_per_mL": 90.0,
            "estradiol_postmenopausal_pg_per_mL": 8.0,
            "fall_start_years": -2.0,
            "fall_end_years": 2.0,
            **changes,
        }
    )


def test_transition_is_monotone_with_flat_ends() -> None:
    """0 before it starts, 1 after it ends, rising between, with no kink at the ends and steepest in the middle."""
    x = np.linspace(-5.0, 5.0, 2001)
    share = np.array([transition(float(v), -2.0, 2.0) for v in x])
    assert (share[x <= -2.0] == 0).all()
    assert (share[x >= 2.0] == 1).all()
    inside = (x > -2.0) & (x < 2.0)
    assert (np.diff(share[inside]) > 0).all()
    slope = np.gradient(share, x)
    assert slope[np.searchsorted(x, -1.99)] < 0.02
    assert slope[np.searchsorted(x, 1.99)] < 0.02
    assert abs(x[slope.argmax()]) < 0.01
    assert transition(0.0, -2.0, 2.0) == 0.5


def test_natural_menopause() -> None:
    """Premenopausal level, half way at the final menstrual period, postmenopausal level; never rising."""
    p = natural()
    levels = [estradiol_pg_per_mL(age, 0, p) for age in np.arange(30.0, 80.0, 0.1)]
    assert levels[0] == 90.0
    assert levels[-1] == 8.0
    assert (np.diff(levels) <= 0).all()
    assert estradiol_pg_per_mL(51.0, 0, p) == pytest.approx(49.0)


def test_surgery_drops_it_within_days() -> None:
    """From the day of surgery estradiol halves every few days towards the postmenopausal level."""
    p = natural(
        final_menstrual_period_age_years=None, surgical_menopause_age_years=45.0, surgical_half_life_days=3.0
    )
    assert estradiol_pg_per_mL(44.999, 0, p) == 90.0
    for days, expected in ((0, 90.0), (3, 49.0), (6, 28.5), (365, 8.0)):
        got = estradiol_pg_per_mL(45.0 + days / DAYS_PER_YEAR, 0, p)
        assert got == pytest.approx(expected, abs=1e-6)


def test_surgery_after_menopause_changes_little() -> None:
    """Where the ovary has stopped already, its removal takes nothing."""
    p = natural(surgical_menopause_age_years=60.0)
    assert estradiol_pg_per_mL(59.99, 0, p) == estradiol_pg_per_mL(60.5, 0, p) == 8.0


def test_surgery_in_the_midst_of_the_transition_never_raises_it() -> None:
    """Estradiol falls from where it was."""
    p = natural(surgical_menopause_age_years=51.0)
    ages = np.arange(49.0, 54.0, 0.002)
    levels = np.array([estradiol_pg_per_mL(age, 0, p) for age in ages])
    assert (np.diff(levels) <= 1e-9).all()


def test_measured_values_replace_the_ovary() -> None:
    """Between measured days the level is linear, before the first and after the last it stays."""
    p = natural(estradiol_table=((0.0, 100.0), (100.0, 20.0), (300.0, 60.0)))
    for day, expected in (
        (-50, 100.0),
        (0, 100.0),
        (50, 60.0),
        (100, 20.0),
        (200, 40.0),
        (300, 60.0),
        (999, 60.0),
    ):
        assert estradiol_pg_per_mL(50.0, day, p) == pytest.approx(expected)
    assert estradiol_pg_per_mL(50.0, 7, natural(estradiol_table=((3.0, 42.0),))) == 42.0


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (((0.0, 50.0), (0.0, 60.0)), "rising days"),
        (((10.0, 50.0), (5.0, 60.0)), "rising days"),
        ((), "rising days"),
        (((0.0, -1.0),), "negative"),
    ],
)
def test_impossible_tables_are_refused(table: tuple, complaint: str) -> None:
    """Days out of order and negative concentrations are errors that say what to mend."""
    with pytest.raises(ValidationError, match=complaint):
        natural(estradiol_table=table)
    from trabsim.config import load_config

    with pytest.raises(ConfigError, match=complaint):
        load_config({"endocrine": {"estradiol_table": [list(pair) for pair in table]}})


def test_the_process_sets_todays_levels() -> None:
    """Age runs with the clock from entry; FSH goes from its low to its high level as estradiol falls."""
    sim = wake(slab((16, 16, 16), thick=8.0))
    levels = sim.state.levels
    p = natural(fsh_premenopausal_IU_per_L=7.0, fsh_postmenopausal_IU_per_L=84.0)
    process = OvarianHistory(p, sim.backend)
    fsh = []
    for year in (-5, 0, 1, 2, 8):
        process.apply(sim.state, Clock(round(year * DAYS_PER_YEAR)))
        assert levels["age_years"] == pytest.approx(50.0 + year, abs=0.002)
        assert levels["estradiol_pg_per_mL"] == estradiol_pg_per_mL(levels["age_years"], 0, p)
        fsh.append(levels["fsh_IU_per_L"])
    assert fsh == sorted(fsh)
    assert fsh[0] == pytest.approx(7.0)
    assert fsh[-1] == pytest.approx(84.0)
    assert fsh[2] == pytest.approx(np.sqrt(7.0 * 84.0), rel=0.01)


def test_measured_estradiol_beyond_the_usual_leaves_fsh_in_its_range() -> None:
    """FSH stays between its two levels whatever was measured."""
    sim = wake(slab((16, 16, 16), thick=8.0))
    for value in (0.0, 400.0):
        OvarianHistory(natural(estradiol_table=((0.0, value),)), sim.backend).apply(sim.state, Clock(0))
        assert 7.0 <= sim.state.levels["fsh_IU_per_L"] <= 80.0 + 1e-9
