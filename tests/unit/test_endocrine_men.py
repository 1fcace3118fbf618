"""Men: ageing, hypogonadism, androgen deprivation, testosterone given, and aromatase."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hormone_days import glands, live

from trabsim.config import load_config
from trabsim.endocrine.action import ActionParams
from trabsim.endocrine.binding import free_testosterone_ng_per_dL
from trabsim.factors import NEUTRAL
from trabsim.fields.signals import SignalParams, local_response

MAN = {"sex": "male", "age_years": 60.0}


def man(age: float, drugs: dict[str, float] | None = None, **history: object) -> dict[str, float]:
    return live({"sex": "male", "age_years": age, **history}, drugs)


def response(levels: dict[str, float]) -> float:
    """Estrogen response of bone from plasma and what marrow makes of testosterone."""
    local = levels["testosterone_ng_per_dL"] / 20.0 * levels["aromatase_activity"]
    total = np.array([levels["estradiol_pg_per_mL"] + local])
    reference = levels["estrogen_reference_pg_per_mL"]
    return float(local_response(total, SignalParams(), np, reference_pg_per_mL=reference)[0])


# ------------------------------------------------------------------ binding
def test_free_testosterone_of_the_authors_example():
    """Vermeulen 1999: 10 nmol/L with 40 nmol/L of SHBG leaves 1.74 % free."""
    assert free_testosterone_ng_per_dL(288.4, 40.0) == pytest.approx(5.02, abs=0.02)


def test_free_testosterone_solves_the_law_of_mass_action():
    """What is free, on albumin and on SHBG adds up to the total."""
    for total, shbg in ((15.0, 60.0), (250.0, 20.0), (900.0, 45.0)):
        free = free_testosterone_ng_per_dL(total, shbg) / 28.84e9  # mol/L
        bound = 1e9 * free * shbg * 1e-9 / (1 + 1e9 * free)
        assert free * (1 + 3.6e4 * 43 / 69_000) + bound == pytest.approx(total / 28.84e9, rel=1e-9)
    assert free_testosterone_ng_per_dL(0.0, 40.0) == 0.0


# ------------------------------------------------------------------- ageing
@pytest.mark.parametrize(
    ("level", "per_year", "tolerance"),
    [
        ("testosterone_ng_per_dL", -0.0083, 0.0005),
        ("free_testosterone_ng_per_dL", -0.0150, 0.0015),
        ("estradiol_pg_per_mL", -0.0025, 0.0007),
    ],
)
def test_rates_of_ageing_are_those_of_the_national_survey(level, per_year, tolerance):
    """NHANES III: 2 % are lost in 2.4, 1.3 and 8.1 years."""
    rate = math.log(man(75.0)[level] / man(35.0)[level]) / 40.0
    assert rate == pytest.approx(per_year, abs=tolerance)


def test_old_men_have_the_levels_of_old_men():
    """Men of 70 and more: testosterone 444 +- 162 ng/dL, SHBG 42 nmol/L."""
    old = man(76.0)
    assert abs(old["testosterone_ng_per_dL"] - 444.0) < 60.0
    assert old["shbg_nmol_per_L"] == pytest.approx(42.0, abs=4.0)


def test_a_young_man_is_the_reference():
    """His estrogen response is 1 and all cell factors of hormones are neutral."""
    young = man(30.0)
    assert young["estradiol_pg_per_mL"] == young["estrogen_reference_pg_per_mL"]
    assert response(young) == 1.0
    for name, neutral in NEUTRAL.items():
        assert young[name] == pytest.approx(neutral, abs=1e-12), name


# -------------------------------------------------------------- hypogonadism
def test_above_the_thresholds_bone_is_protected_and_below_it_is_not():
    """Finkelstein 2016: more than 10 pg/mL of estradiol and 200 ng/dL of testosterone generally prevent loss."""
    kept, weak, none = (
        response(man(60.0, hypogonadism="primary", hypogonadism_testosterone_ng_per_dL=t))
        for t in (300.0, 150.0, 20.0)
    )
    assert kept == 1.0
    assert none < 0.15
    assert none < weak < 0.85


def test_hypogonadism_begins_at_its_age():
    history = {"hypogonadism": "secondary", "hypogonadism_age_years": 50.0}
    assert man(49.0, **history)["testosterone_ng_per_dL"] > 400.0
    assert man(51.0, **history)["testosterone_ng_per_dL"] == pytest.approx(230.0)


def test_gonadorelin_restores_only_what_the_pituitary_withholds():
    healthy = man(40.0)["testosterone_ng_per_dL"]
    pump = {"gonadorelin_support": 1.0}
    secondary = man(40.0, pump, hypogonadism="secondary")["testosterone_ng_per_dL"]
    primary = man(40.0, pump, hypogonadism="primary")["testosterone_ng_per_dL"]
    assert secondary == pytest.approx(healthy)
    assert primary == pytest.approx(230.0)


# --------------------------------------------------------------------- drugs
def test_androgen_deprivation_reaches_castrate_levels():
    """Testosterone to 13 ng/dL (Smith 2007), estradiol down by 70 to 80 %."""
    before, after = man(70.0), man(70.0, {"gonadotropin_suppression": 1.0})
    assert after["testosterone_ng_per_dL"] == pytest.approx(13.0, abs=2.0)
    assert 0.18 <= after["estradiol_pg_per_mL"] / before["estradiol_pg_per_mL"] <= 0.32
    assert response(after) < 0.15
    assert after["osteoblast_recruitment_factor"] < before["osteoblast_recruitment_factor"]


def test_testosterone_given_suppresses_the_own():
    """Full replacement silences the testes, but for gonadorelin."""
    given = man(60.0, {"testosterone_drug_ng_per_dL": 600.0})
    kept = man(60.0, {"testosterone_drug_ng_per_dL": 600.0, "gonadorelin_support": 1.0})
    own = man(60.0)["testosterone_ng_per_dL"]
    assert given["testosterone_ng_per_dL"] - 600.0 < 0.15 * own
    assert kept["testosterone_ng_per_dL"] == pytest.approx(600.0 + own)


def test_testosterone_restores_estradiol_by_aromatization():
    """Gel in a man of 72 years below 275 ng/dL: both hormones return to the normal range."""
    low = man(72.0, hypogonadism="primary")
    treated = man(72.0, {"testosterone_drug_ng_per_dL": 400.0}, hypogonadism="primary")
    assert treated["estradiol_pg_per_mL"] > 1.3 * low["estradiol_pg_per_mL"]
    assert treated["osteoblast_recruitment_factor"] > low["osteoblast_recruitment_factor"]


def test_anastrozole_halves_estradiol_while_testosterone_rises():
    """1 mg/day in intact men: estradiol -50 %, testosterone up by half."""
    before, after = man(35.0), man(35.0, {"aromatase_inhibition": 1.0})
    assert after["estradiol_pg_per_mL"] / before["estradiol_pg_per_mL"] == pytest.approx(0.5, abs=0.06)
    assert after["testosterone_ng_per_dL"] / before["testosterone_ng_per_dL"] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("dose", [150.0, 300.0, 500.0, 800.0])
def test_anastrozole_takes_protection_at_every_dose_of_testosterone(dose):
    """With own production silenced, estradiol and the response of bone fall whatever the dose."""
    silenced = {"gonadotropin_suppression": 1.0, "testosterone_drug_ng_per_dL": dose}
    plain, blocked = man(35.0, silenced), man(35.0, {**silenced, "aromatase_inhibition": 1.0})
    assert blocked["estradiol_pg_per_mL"] < 0.4 * plain["estradiol_pg_per_mL"]
    assert response(blocked) < response(plain)


def test_an_antiandrogen_blocks_the_receptor_and_not_the_hormone():
    before, after = man(60.0), man(60.0, {"androgen_receptor_block": 1.0})
    assert after["testosterone_ng_per_dL"] == before["testosterone_ng_per_dL"]
    lost = ActionParams().recruitment_gain_by_androgen  # that of young men; less testosterone, less to lose
    assert 0.6 * lost < 1.0 - after["osteoblast_recruitment_factor"] < 1.1 * lost


def test_estradiol_given_to_a_man_adds_and_suppresses():
    after = man(60.0, {"estradiol_drug_pg_per_mL": 120.0})
    assert after["testosterone_ng_per_dL"] < 0.5 * man(60.0)["testosterone_ng_per_dL"]
    assert after["estradiol_pg_per_mL"] > 120.0


def test_measured_values_replace_the_testes():
    levels = man(60.0, testosterone_table=[[0, 321.0]], estradiol_table=[[0, 17.0]])
    assert levels["testosterone_ng_per_dL"] == pytest.approx(321.0)
    assert levels["estradiol_pg_per_mL"] == pytest.approx(17.0)
    treated = man(60.0, {"aromatase_inhibition": 1.0}, estradiol_table=[[0, 17.0]])
    assert treated["estradiol_pg_per_mL"] < 12.0


def test_a_man_has_testes_and_no_ovaries():
    assert glands(MAN)[0].name == "testis"
    assert load_config({"endocrine": MAN}).endocrine.sex == "male"
