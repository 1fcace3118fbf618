"""Growth hormone and IGF-1: by age, in deficiency, under GH, secretagogues and estrogen by its route."""

from __future__ import annotations

import pytest
from hormone_days import live

from trabsim.endocrine.somatotropic import SomatotropicParams, gh_for, igf1_from, normal_igf1_ng_per_mL

DEFICIENT = {"age_years": 44.0, "growth_hormone_deficiency_age_years": 30.0}
LONG = 60


def igf1(
    person: dict[str, object] | None = None, drugs: dict[str, float] | None = None, days: int = LONG
) -> float:
    return live(person or {"age_years": 60.0}, drugs, days)["igf1_relative"]


def test_igf1_falls_by_a_seventh_in_ten_years():
    """It is normal for the age, whatever that is: relative IGF-1 stays exactly 1."""
    p = SomatotropicParams()
    ratio = normal_igf1_ng_per_mL(60.0, p) / normal_igf1_ng_per_mL(50.0, p)
    assert 0.84 <= ratio <= 0.88
    assert 90.0 < live({"age_years": 60.0})["igf1_ng_per_mL"] < 160.0
    for age in (20.0, 51.0, 90.0):
        assert igf1({"age_years": age}) == 1.0


def test_igf1_from_growth_hormone_and_back():
    p = SomatotropicParams()
    assert igf1_from(1.0, p) == 1.0
    assert igf1_from(0.0, p) == pytest.approx(0.25)
    for gh in (0.1, 0.5, 2.0, 8.0):
        assert gh_for(igf1_from(gh, p), p) == pytest.approx(gh)


def test_deficiency_halves_igf1_from_its_onset():
    assert 0.35 <= igf1(DEFICIENT) <= 0.55
    assert igf1({"age_years": 29.0, "growth_hormone_deficiency_age_years": 30.0}) == 1.0


@pytest.mark.parametrize(
    ("dose", "low", "high"), [(0.2, 1.35, 1.7), (0.3, 1.5, 1.9), (0.4, 1.7, 2.2), (0.7, 2.0, 2.9)]
)
def test_growth_hormone_raises_igf1_in_deficiency(dose, low, high):
    """0.2-0.4 mg/day raise it to 1.5-2 times, doses of early trials to the middle of normal."""
    ratio = igf1(DEFICIENT, {"gh_drug_mg_per_day": dose}) / igf1(DEFICIENT)
    assert low <= ratio <= high


def test_dose_response_is_that_of_moller():
    """1, 2 and 4 IU/m2 a day (0.62, 1.23, 2.5 mg): 206, 260 and 468 of 248 ug/L, with a spread of 30 %."""
    p = SomatotropicParams()
    for dose, measured in ((0.62, 206 / 248), (1.23, 260 / 248), (2.47, 468 / 248)):
        lowest = igf1_from(0.62 / p.normal_mg_per_day, p) / (206 / 248)
        assert igf1_from(dose / p.normal_mg_per_day, p) / lowest == pytest.approx(measured, rel=0.3)


def test_igf1_follows_within_two_weeks():
    drugs = {"gh_drug_mg_per_day": 0.4}
    start, two_weeks, end = igf1(DEFICIENT), igf1(DEFICIENT, drugs, 14), igf1(DEFICIENT, drugs, 200)
    assert start < igf1(DEFICIENT, drugs, 1) < two_weeks
    assert (two_weeks - start) / (end - start) > 0.85


def test_the_route_of_estrogen_matters():
    """2 mg by mouth against a patch: IGF-1 lower by 20-25 %, growth hormone higher; the patch changes little."""
    oral_drugs = {"estradiol_drug_pg_per_mL": 75.0, "oral_estrogen_exposure": 2.0}
    patch_drugs = {"estradiol_drug_pg_per_mL": 45.0}
    oral, patch = live({"age_years": 60.0}, oral_drugs, LONG), live({"age_years": 60.0}, patch_drugs, LONG)
    assert 0.74 <= oral["igf1_relative"] / patch["igf1_relative"] <= 0.84
    assert abs(patch["igf1_relative"] - 1.0) < 0.06
    assert oral["gh_relative"] > patch["gh_relative"] >= 1.0


def test_the_route_of_estrogen_matters_on_a_fixed_dose_of_growth_hormone():
    """On growth hormone, the switch from 2 mg by mouth to a patch raised IGF-1 by 25 % (18.7 to 23.4 nmol/L)."""
    fixed = {"gh_drug_mg_per_day": 0.4}
    oral = igf1(DEFICIENT, {**fixed, "estradiol_drug_pg_per_mL": 75.0, "oral_estrogen_exposure": 2.0})
    patch = igf1(DEFICIENT, {**fixed, "estradiol_drug_pg_per_mL": 45.0})
    assert patch / oral == pytest.approx(1.25, abs=0.12)


def test_secretagogues_add_up_to_more_than_their_sum():
    """Hypothesis: together a GHRH analog and a ghrelin mimetic release more than the sum."""

    def released(**drugs: float) -> float:
        return live({"age_years": 60.0}, drugs, LONG)["gh_relative"] - 1.0

    analog, mimetic = released(ghrh_drive=1.0), released(ghrelin_drive=1.0)
    assert released(ghrh_drive=1.0, ghrelin_drive=1.0) > analog + mimetic > 0
    assert igf1(drugs={"ghrh_drive": 1.0}) == pytest.approx(1.8, abs=0.1)


def test_secretagogues_need_a_pituitary():
    drugs = {"ghrh_drive": 1.0}
    assert (
        live(DEFICIENT, drugs, LONG)["gh_relative"]
        < 0.5 * live({"age_years": 44.0}, drugs, LONG)["gh_relative"]
    )


def test_growth_hormone_holds_back_the_own():
    """What is given adds less than itself, for the pituitary answers the rise of IGF-1."""
    given = 0.75 / SomatotropicParams().normal_mg_per_day
    more = live({"age_years": 60.0}, {"gh_drug_mg_per_day": 0.75}, 100)["gh_relative"] - 1.0
    assert 0.0 < more < 0.9 * given


def test_testosterone_amplifies_secretion():
    low = {
        "sex": "male",
        "age_years": 60.0,
        "hypogonadism": "primary",
        "hypogonadism_testosterone_ng_per_dL": 50.0,
    }
    drugs = {"ghrh_drive": 1.0}
    with_testosterone = {**drugs, "testosterone_drug_ng_per_dL": 500.0}
    assert igf1(low) < 1.0
    assert igf1(low, with_testosterone) > igf1(low, drugs)


def test_measured_igf1_replaces_the_axis():
    """It is what the person has without drugs; growth hormone still adds."""
    person = {"age_years": 60.0, "igf1_table": [[0, 60.0]]}
    plain, treated = live(person, days=LONG), live(person, {"gh_drug_mg_per_day": 0.4}, LONG)
    assert plain["igf1_ng_per_mL"] == pytest.approx(60.0, rel=0.01)
    assert treated["igf1_ng_per_mL"] > 80.0
