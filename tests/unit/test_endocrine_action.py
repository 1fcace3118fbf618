"""What levels do to cells: exactly nothing in health, and the sign of every arrow."""

from __future__ import annotations

import numpy as np
import pytest
from hormone_days import live
from small_bone import begin, rods

from trabsim.endocrine.action import (
    ActionParams,
    androgen_shift,
    answers,
    factors,
    felt_igf1,
    free_sclerostin,
    rankl_by_exposure,
)
from trabsim.factors import NEUTRAL

UP, DOWN = 1, -1
#: For each level, at the value given: the factors it raises and lowers.  All others stay exactly neutral.
ARROWS: dict[str, tuple[float, dict[str, int]]] = {
    "serm_occupancy": (2.0, {"serm_competitor": UP}),
    "serm_efficacy": (0.5, {"serm_efficacy": UP}),
    "aromatase_inhibition": (1.0, {"aromatase_activity": DOWN}),
    "denosumab_ng_per_mL": (4.0, {"rankl_binder": UP}),
    "romosozumab_ug_per_mL": (10.0, {"sclerostin_factor": DOWN}),
    "pth_exposure": (1.0, {"rankl_factor": UP, "opg_factor": DOWN}),
    "pth_pulse_on": (
        1.0,
        {
            "osteoblast_death_factor": DOWN,
            "osteoblast_recruitment_factor": UP,
            "modeling_drive": UP,
            "sclerostin_factor": DOWN,
        },
    ),
    "igf1_bone_relative": (
        2.0,
        {
            "rankl_factor": UP,
            "activation_factor": UP,
            "gathering_factor": UP,
            "osteoblast_recruitment_factor": UP,
            "matrix_rate_factor": UP,
            "osteoblast_death_factor": DOWN,
        },
    ),
    "gh_relative": (2.0, {"osteoblast_recruitment_factor": UP}),
    "glucocorticoid_effect": (
        0.5,
        {
            "rankl_factor": UP,
            "opg_factor": DOWN,
            "osteoclast_life_factor": UP,
            "gathering_factor": DOWN,
            "osteoblast_death_factor": UP,
            "osteocyte_death_factor": UP,
        },
    ),
    "testosterone_ng_per_dL": (
        120.0,
        {"osteoblast_recruitment_factor": UP, "osteoblast_death_factor": DOWN, "sclerostin_factor": DOWN},
    ),
    "sost_made": (2.0, {"sclerostin_factor": UP}),
    "progestogen_exposure": (1.0, {}),
}


def test_every_factor_is_written_and_no_other():
    assert set(factors({}, ActionParams())) == set(NEUTRAL)


def test_without_any_level_every_factor_is_exactly_neutral():
    assert factors({}, ActionParams()) == NEUTRAL


@pytest.mark.parametrize(
    "person",
    [{}, {"age_years": 25.0}, {"age_years": 88.0}, {"age_years": 30.0, "surgical_menopause_age_years": 31.0}],
    ids=str,
)
def test_a_woman_without_drugs_is_exactly_neutral_for_years(person):
    """Through menopause, at any age: a run is then bit-identical to one without this code."""
    for days in (1, 1500):
        levels = live(person, days=days, start_day=-730)
        assert {name: levels[name] for name in NEUTRAL} == NEUTRAL


def test_a_day_of_hormones_leaves_bone_as_it_was():
    """With and without these processes, all arrays are the same, bit for bit."""
    one, other = begin(rods(16)), begin(rods(16))
    extra = {"growth_hormone", "calcium_axis", "glucocorticoid", "hormone_action"}
    other.processes = [process for process in other.processes if process.name not in extra]
    assert len(one.processes) - len(other.processes) == len(extra)
    for _ in range(30):
        one.step()
        other.step()
    for name, array in one.state.arrays.items():
        assert np.array_equal(array, other.state.arrays[name]), name


@pytest.mark.parametrize("level", ARROWS)
def test_the_sign_of_every_arrow(level):
    """A level moves the factors it should, in the direction it should, and no other by a single bit."""
    value, moved = ARROWS[level]
    got = factors({level: value}, ActionParams())
    for name, neutral in NEUTRAL.items():
        sign = np.sign(got[name] - neutral)
        assert sign == moved.get(name, 0), (level, name, got[name])


@pytest.mark.parametrize("level", ARROWS)
def test_more_of_a_level_does_more(level):
    value, moved = ARROWS[level]
    for name, sign in moved.items():
        course = [factors({level: share * value}, ActionParams())[name] for share in (0.5, 0.75, 1.0, 1.25)]
        if level in {"igf1_bone_relative", "gh_relative", "testosterone_ng_per_dL", "sost_made"}:
            course = course[1:]  # half of these may lie below health
        steps = np.diff(course) * sign
        assert (steps > 0).all(), (level, name, course)


def test_all_arrows_are_positive_quantities():
    """No level, however high, makes a multiplier negative."""
    extreme = {level: 1e3 * value for level, (value, _) in ARROWS.items()}
    extreme |= {"glucocorticoid_effect": 1.0, "serm_efficacy": 1.0, "aromatase_inhibition": 1.0}
    assert all(value >= 0 for value in factors(extreme, ActionParams()).values())
    absent = {
        "igf1_bone_relative": 0.1,
        "gh_relative": 0.0,
        "testosterone_ng_per_dL": 0.0,
        "pth_exposure": -0.5,
    }
    assert all(value >= 0 for value in factors(absent, ActionParams()).values())


# --------------------------------------------------------------------- single arrows
def test_bone_gets_used_to_its_igf1():
    """Who long lacks it feels part of the lack; treated, the answer is strongest at first, then fades."""
    p = ActionParams()
    left = 1.0 - p.igf1_habituation_exponent
    lacking = {"age_years": 45.0, "growth_hormone_deficiency_age_years": 35.0}
    untreated = live(lacking, days=1)
    assert felt_igf1(untreated, p) == pytest.approx(untreated["igf1_bone_relative"] ** left)
    drug = {"gh_drug_mg_per_day": 0.7}
    early, late, end = (live(lacking, drug, days) for days in (30, 730, 7300))
    assert felt_igf1(early, p) > felt_igf1(late, p) > felt_igf1(end, p) > felt_igf1(untreated, p)
    assert felt_igf1(end, p) == pytest.approx(end["igf1_bone_relative"] ** left, rel=1e-3)


def test_denosumab_at_half_effect_binds_as_much_as_opg_and_more():
    """A binder of 1 is half effect."""
    assert factors({"denosumab_ng_per_mL": 4.0}, ActionParams())["rankl_binder"] == 1.0


def test_pth_that_is_low_lowers_rankl():
    """The response has no kink at the normal and stays below its ceiling."""
    p = ActionParams()
    below, above = rankl_by_exposure(-1e-6, p), rankl_by_exposure(1e-6, p)
    assert (above - 1.0) / (1.0 - below) == pytest.approx(1.0, abs=1e-4)
    course = [rankl_by_exposure(x, p) for x in np.linspace(-0.5, 50, 200)]
    assert (np.diff(course) > 0).all()
    assert course[0] > 0.4
    assert course[-1] < 5.0


def test_calcium_lowers_rankl_a_little_and_hyperparathyroidism_raises_it():
    """Small early plateau against a catabolic disease; surgery ends it within months."""
    person = {"age_years": 60.0}
    fed = live(person, {"calcium_supplement_mg_per_day": 1000.0}, 200)["rankl_factor"]
    assert 0.85 < fed < 0.97
    sick = {**person, "hyperparathyroidism_age_years": 50.0}
    assert live(sick, days=1)["rankl_factor"] > 1.4
    assert live(sick, {"parathyroidectomy": 1.0}, 200)["rankl_factor"] == pytest.approx(1.0, abs=0.01)


def test_continuous_pth_is_catabolic_and_pulses_are_not():
    """Infusion raises RANKL and gives nothing to osteoblasts; injections give first and take later."""
    person = {"age_years": 60.0}
    infused = live(person, {"pth_infused_pg_per_mL": 60.0}, 90)
    assert infused["rankl_factor"] > 1.3
    for name in ("osteoblast_recruitment_factor", "osteoblast_death_factor", "modeling_drive"):
        assert infused[name] == NEUTRAL[name]
    drug = {"pth_pulse_on": 1.0, "pth_pulse_duration": 1.0}
    first, later = live(person, drug, 3), live(person, drug, 180)
    assert first["modeling_drive"] == later["modeling_drive"] > 0
    assert first["rankl_factor"] < 1.25 < 1.8 < later["rankl_factor"]


def test_osteocytes_answer_romosozumab_with_more_sclerostin():
    """Free sclerostin is lowest at first and rises under treatment; after it, it stands above normal for months."""
    drug = {"romosozumab_ug_per_mL": 12.0}
    course = [live({"age_years": 65.0}, drug, days)["sclerostin_factor"] for days in (1, 30, 120, 360)]
    assert course == sorted(course)
    assert course[0] < 0.2
    assert course[-1] < 0.6
    levels = {"sost_made": 2.5, "romosozumab_ug_per_mL": 0.0}
    assert factors(levels, ActionParams())["sclerostin_factor"] > 2.0
    for _ in range(360):
        levels |= answers(levels, ActionParams())
    assert factors(levels, ActionParams())["sclerostin_factor"] == pytest.approx(1.0, abs=0.1)


def test_romosozumab_binds_half_at_its_half_effect():
    assert free_sclerostin(1.8, ActionParams()) == pytest.approx(0.5)


def test_the_androgen_response():
    """0 for a young man and for a woman as usual, -1 without testosterone, and as much fewer osteoblasts then."""
    p = ActionParams()
    assert androgen_shift({"sex_male": 1.0, "testosterone_ng_per_dL": 600.0}, p) == 0.0
    assert androgen_shift({"testosterone_ng_per_dL": 20.0}, p) == 0.0
    castrate = {"sex_male": 1.0, "testosterone_ng_per_dL": 0.0}
    assert androgen_shift(castrate, p) == pytest.approx(-1.0)
    assert factors(castrate, p)["osteoblast_recruitment_factor"] == pytest.approx(
        1.0 - p.recruitment_gain_by_androgen
    )
    blocked = {"sex_male": 1.0, "testosterone_ng_per_dL": 600.0, "androgen_receptor_block": 1.0}
    assert androgen_shift(blocked, p) == pytest.approx(-1.0)


def test_a_low_dose_of_testosterone_in_women_acts_a_little():
    got = live({"age_years": 60.0}, {"testosterone_drug_ng_per_dL": 80.0})["osteoblast_recruitment_factor"]
    assert 1.005 < got < 1.05


def test_progestogen_acts_only_where_one_lets_it():
    """Default 0; at 5 % a standard dose recruits 5 % more."""
    drug = {"progestogen_exposure": 1.0}
    assert factors(drug, ActionParams()) == NEUTRAL
    allowed = ActionParams(recruitment_gain_by_progestogen=0.05)
    assert factors(drug, allowed) == NEUTRAL | {"osteoblast_recruitment_factor": pytest.approx(1.05)}


def test_growth_hormone_raises_both_sides():
    """Deficiency opens fewer sites and builds less; treatment undoes both."""
    sick = {"age_years": 44.0, "growth_hormone_deficiency_age_years": 30.0}
    low, treated = live(sick, days=60), live(sick, {"gh_drug_mg_per_day": 0.7}, 60)
    for name in ("activation_factor", "rankl_factor", "osteoblast_recruitment_factor", "matrix_rate_factor"):
        assert low[name] < 1.0 <= treated[name] + 0.02, name
