"""Women: ovaries under drugs, progesterone, and the very numbers of a woman without drugs."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hormone_days import glands, live, nobody

from trabsim.clock import Clock
from trabsim.endocrine.ovary import OvaryParams, estradiol_pg_per_mL, own_estradiol, progesterone_ng_per_mL
from trabsim.units import DAYS_PER_YEAR


def smooth(x: float) -> float:
    x = min(1.0, max(0.0, x))
    return x * x * (3.0 - 2.0 * x)


@pytest.mark.parametrize("day", [-730, 0, 1, 200, 365, 730, 1500, 4000])
def test_without_drugs_the_levels_are_what_the_calibration_saw(day):
    """The default woman's estradiol, FSH and testosterone are the floats of the plain ovary, bit for bit."""
    levels = live(days=1, start_day=day)
    age = 50.0 + day / DAYS_PER_YEAR
    estradiol = 90.0 + (8.0 - 90.0) * smooth((age - 51.0 + 2.03) / (2.17 + 2.03))
    share = min(1.0, max(0.0, 1.0 - (estradiol - 8.0) / 82.0))
    assert levels["estradiol_pg_per_mL"] == estradiol_pg_per_mL(age, day, OvaryParams())
    assert levels["estradiol_pg_per_mL"] == pytest.approx(estradiol, rel=1e-12)
    assert levels["testosterone_ng_per_dL"] == 20.0
    assert levels["fsh_IU_per_L"] == pytest.approx(7.5 * math.pow(80.0 / 7.5, share), rel=1e-12)


def test_timing_of_the_transition_is_that_of_the_cohort():
    """SWAN: flat until two years before the final menstrual period, steepest at it, stable two years after."""
    ages = [46.0 + 0.1 * i for i in range(100)]
    levels = [estradiol_pg_per_mL(age, 0, OvaryParams()) for age in ages]
    slopes = [b - a for a, b in pairwise(levels)]
    steepest = ages[slopes.index(min(slopes))]
    assert levels[ages.index(46.0 + 0.1 * 29)] == 90.0
    assert abs(steepest - 51.0) < 0.2
    assert estradiol_pg_per_mL(53.2, 0, OvaryParams()) == 8.0


def test_premature_loss_is_just_an_early_age():
    person = {"age_years": 36.0, "final_menstrual_period_age_years": 33.0}
    assert live(person)["estradiol_pg_per_mL"] == 8.0
    assert live(person)["fsh_IU_per_L"] == pytest.approx(80.0)


def test_a_gnrh_agonist_leaves_the_postmenopausal_level():
    """Chemical menopause: estradiol below 20 pg/mL, no ovulation, and FSH does not rise."""
    levels = live({"age_years": 35.0}, {"gonadotropin_suppression": 1.0})
    assert levels["estradiol_pg_per_mL"] == pytest.approx(8.0)
    assert levels["progesterone_ng_per_mL"] == pytest.approx(0.3)
    assert levels["fsh_IU_per_L"] < 10.0
    after = live({"age_years": 60.0}, {"gonadotropin_suppression": 1.0})
    assert after["estradiol_pg_per_mL"] == pytest.approx(8.0), "there is nothing left to suppress"


def test_an_aromatase_inhibitor_takes_most_of_what_is_left_after_menopause():
    """Anastrozole 1 mg/day: -80 to -90 %."""
    levels = live({"age_years": 60.0}, {"aromatase_inhibition": 1.0})
    assert 0.1 <= levels["estradiol_pg_per_mL"] / 8.0 <= 0.2
    assert levels["aromatase_activity"] == pytest.approx(0.15)


def test_estradiol_given_adds_to_the_own():
    levels = live({"age_years": 60.0}, {"estradiol_drug_pg_per_mL": 45.0})
    assert levels["estradiol_endogenous_pg_per_mL"] == pytest.approx(8.0)
    assert levels["estradiol_pg_per_mL"] == pytest.approx(53.0)
    assert levels["fsh_IU_per_L"] < live({"age_years": 60.0})["fsh_IU_per_L"]


def test_much_estradiol_rests_the_ovaries():
    """The own production falls with the dose, never below the postmenopausal rest."""
    own = [
        own_estradiol(90.0, {"estradiol_drug_pg_per_mL": dose}, OvaryParams()) for dose in (0, 50, 150, 3000)
    ]
    assert own == sorted(own, reverse=True)
    assert own[0] == 90.0
    assert own[2] == pytest.approx(8.0 + 82.0 / 2)
    assert own[3] >= 8.0


def test_progesterone_ends_with_ovulation():
    p = OvaryParams()
    course = [progesterone_ng_per_mL(age, 0.0, p) for age in (40.0, 49.5, 50.5, 51.0, 60.0)]
    assert course == sorted(course, reverse=True)
    assert course[0] == pytest.approx(10.0)
    assert course[-2:] == pytest.approx([0.3, 0.3])
    surgery = OvaryParams(final_menstrual_period_age_years=None, surgical_menopause_age_years=45.0)
    assert progesterone_ng_per_mL(44.9, 0.0, surgery) == pytest.approx(10.0)
    assert progesterone_ng_per_mL(45.1, 0.0, surgery) == pytest.approx(0.3)


def test_oral_estrogen_raises_shbg_and_lowers_free_testosterone():
    """2 mg by mouth: SHBG up by six tenths (63 to 102 nmol/L)."""
    plain = live({"age_years": 60.0})
    oral = live({"age_years": 60.0}, {"oral_estrogen_exposure": 2.0})
    assert oral["shbg_nmol_per_L"] / plain["shbg_nmol_per_L"] == pytest.approx(102 / 63, rel=0.02)
    assert oral["free_testosterone_ng_per_dL"] < plain["free_testosterone_ng_per_dL"]


def test_measured_testosterone_replaces_the_glands():
    levels = live(
        {"testosterone_table": [[0, 30.0], [10, 50.0]]}, {"testosterone_drug_ng_per_dL": 5.0}, days=6
    )
    assert levels["testosterone_ng_per_dL"] == pytest.approx(45.0)


def test_measured_fsh_progesterone_and_shbg_are_reported_and_drugs_act_on_top():
    """Without drugs the very values; a GnRH agonist and oral estrogen change them by the share they always do."""
    tables = {
        "fsh_table": [[0, 20.0], [10, 40.0]],
        "progesterone_table": [[0, 6.0]],
        "shbg_table": [[0, 90.0]],
    }
    plain = live({"age_years": 40.0, **tables}, days=6)
    assert plain["fsh_IU_per_L"] == 30.0
    assert plain["progesterone_ng_per_mL"] == 6.0
    assert plain["shbg_nmol_per_L"] == 90.0
    drugs = {"gonadotropin_suppression": 0.5, "oral_estrogen_exposure": 2.0}
    treated, usual = (
        live({"age_years": 40.0, **tables}, drugs, days=6),
        live({"age_years": 40.0}, drugs, days=6),
    )
    untreated = live({"age_years": 40.0}, days=6)
    for name in ("fsh_IU_per_L", "shbg_nmol_per_L"):
        assert treated[name] / plain[name] == pytest.approx(usual[name] / untreated[name])
    assert treated["progesterone_ng_per_mL"] == pytest.approx(0.3 + 5.7 * 0.5)
    assert treated["estradiol_pg_per_mL"] == usual["estradiol_pg_per_mL"]
    man = {"sex": "male", "age_years": 70.0}
    assert live({**man, "shbg_table": [[0, 25.0]]})["shbg_nmol_per_L"] == 25.0
    assert (
        live({**man, "shbg_table": [[0, 25.0]]})["free_testosterone_ng_per_dL"]
        > live(man)["free_testosterone_ng_per_dL"]
    )


def test_a_stop_and_resume_changes_nothing():
    """All that a gland remembers stands in the levels: new processes and a copy of them go on where others stopped."""
    drugs = {
        "oral_estrogen_exposure": 2.0,
        "vitamin_d_supplement_IU_per_day": 800.0,
        "romosozumab_ug_per_mL": 9.0,
    }
    state = nobody()
    for first, last in ((0, 40), (40, 90)):
        levels, state, processes = state.levels, nobody(), glands()
        state.levels.update(levels)
        for day in range(first, last):
            state.levels.update(drugs)
            for process in processes:
                process.apply(state, Clock(day))
    assert state.levels == live(drugs=drugs, days=90)
