"""Calcium, vitamin D and PTH; and glucocorticoid exposure."""

from __future__ import annotations

import pytest
from hormone_days import live

from trabsim.endocrine.calcium_axis import CalciumParams, added_by_supplement, set_point
from trabsim.endocrine.glucocorticoid import GlucocorticoidParams, relative_effect

SICK = {"age_years": 60.0, "hyperparathyroidism_age_years": 55.0}


def pth(
    person: dict[str, object] | None = None, drugs: dict[str, float] | None = None, days: int = 200
) -> float:
    return live({"age_years": 60.0, **(person or {})}, drugs, days)["pth_relative"]


def test_the_usual_diet_is_neutral_at_any_age():
    """PTH in pg/mL rises by 4-5 % in ten years; relative to what is normal for the age it stays exactly 1."""
    young, old = live({"age_years": 50.0}), live({"age_years": 60.0})
    assert young["pth_relative"] == old["pth_relative"] == 1.0
    assert 1.04 <= old["pth_pg_per_mL"] / young["pth_pg_per_mL"] <= 1.055
    assert 20.0 < young["pth_pg_per_mL"] < 60.0


def test_calcium_lowers_pth_by_a_sixth():
    """1,000 mg/day more on 800: -10 to -20 %."""
    assert pth(drugs={"calcium_supplement_mg_per_day": 1000.0}) == pytest.approx(0.85, abs=0.05)
    assert pth({"calcium_intake_mg_per_day": 300.0}) > 1.1


def test_want_of_vitamin_d_raises_pth():
    """Below 10 ng/mL PTH is higher by a third to a half (Steingrimsdottir 2005)."""
    assert 1.3 <= pth({"hydroxyvitamin_d_ng_per_mL": 7.0}) <= 1.5
    falling = [set_point(800.0, d, CalciumParams()) for d in (5.0, 10.0, 20.0, 25.0, 40.0)]
    assert falling == sorted(falling, reverse=True)
    assert falling[3] == 1.0


def test_vitamin_d_fills_slowly_and_less_per_dose():
    """1,000 IU/day add 5-7 ng/mL in three months; the rise per dose falls with the dose."""
    p = CalciumParams()
    after = [
        live({"age_years": 60.0}, {"vitamin_d_supplement_IU_per_day": 1000.0}, days)[
            "hydroxyvitamin_d_ng_per_mL"
        ]
        for days in (1, 25, 120)
    ]
    assert 25.0 < after[0] < 25.5
    assert after[1] - 25.0 == pytest.approx(0.63 * (after[2] - 25.0), rel=0.03)
    assert 5.0 <= after[2] - 25.0 <= 7.0
    per_dose = [added_by_supplement(dose, p) / dose for dose in (400.0, 1000.0, 4000.0, 10_000.0)]
    assert per_dose == sorted(per_dose, reverse=True)
    assert added_by_supplement(0.0, p) == 0.0


def test_hyperparathyroidism_ends_with_surgery():
    """PTH stands at the level of the disease whatever the diet, and returns to its set point."""
    assert live(SICK)["pth_pg_per_mL"] == pytest.approx(120.0)
    assert live(SICK, {"calcium_supplement_mg_per_day": 1000.0})["pth_pg_per_mL"] == pytest.approx(120.0)
    assert pth(SICK, {"parathyroidectomy": 1.0}) == pytest.approx(1.0)
    assert pth({**SICK, "age_years": 50.0}) == 1.0


def test_infused_pth_adds_and_holds_back_the_own():
    before = live({"age_years": 60.0})
    after = live({"age_years": 60.0}, {"pth_infused_pg_per_mL": 60.0})
    gained = after["pth_pg_per_mL"] - before["pth_pg_per_mL"]
    assert 30.0 < gained < 60.0


def test_measured_levels_replace_the_glands():
    """Measured PTH and 25-hydroxyvitamin D hold without supplements, which still act."""
    person = {"pth_table": [[0, 80.0]], "hydroxyvitamin_d_table": [[0, 12.0], [100, 20.0]]}
    levels = live(person, days=51)
    assert levels["pth_pg_per_mL"] == pytest.approx(80.0)
    assert levels["hydroxyvitamin_d_ng_per_mL"] == pytest.approx(16.0)
    fed = live(person, {"calcium_supplement_mg_per_day": 1000.0}, 51)
    assert fed["pth_pg_per_mL"] == pytest.approx(80.0 * (1800 / 800) ** -0.2)


def test_glucocorticoid_effect_saturates():
    """None without any, half at its half-effect dose, never beyond 1; an excess of the gland counts like a dose."""
    p = GlucocorticoidParams()
    rising = [relative_effect(dose, p) for dose in (0.0, 2.5, 5.0, 10.0, 30.0, 1000.0)]
    assert rising == sorted(rising)
    assert rising[0] == 0.0
    assert rising[-1] < 1.0
    assert relative_effect(p.half_mg_per_day, p) == 0.5
    given = live(drugs={"glucocorticoid_mg_per_day": 7.0})["glucocorticoid_effect"]
    made = live({"glucocorticoid_excess_mg_per_day": 7.0})["glucocorticoid_effect"]
    healing = {"glucocorticoid_table": [[0, 14.0], [10, 0.0]]}
    assert live(healing, days=6)["glucocorticoid_effect"] == made
    assert live(healing, days=20)["glucocorticoid_effect"] == 0.0
    assert given == made > 0
