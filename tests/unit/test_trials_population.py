"""People of a trial: distributions, correlations, inclusion, and what they become in a configuration."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.trials.distributions import Distribution
from trabsim.trials.patient_tables import tables_of
from trabsim.trials.population import Inclusion, PopulationParams, draw_patient, run_seed

WOMEN = PopulationParams(
    age_years=Distribution(kind="normal", mean=68, sd=6, least=55, most=80),
    years_since_menopause=Distribution(kind="normal", mean=18, sd=5),
    T_score=Distribution(kind="normal", mean=-2.2, sd=0.6),
    marker_level=Distribution(kind="lognormal", mean=1.2, sd=0.3),
    correlation=(("age_years", "years_since_menopause", 0.8),),
    inclusion=Inclusion(T_score=(-3.0, -1.0)),
)


def drawn(population: PopulationParams, n: int = 400, seed: int = 1) -> dict[str, np.ndarray]:
    people = [draw_patient(population, seed, number).values for number in range(1, n + 1)]
    return {name: np.array([values[name] for values in people]) for name in people[0]}


@pytest.mark.parametrize(
    ("kind", "keys", "mean", "sd"),
    [
        ("normal", {"mean": 2.0, "sd": 0.5}, 2.0, 0.5),
        ("lognormal", {"mean": 2.0, "sd": 0.5}, 2.0, 0.5),
        ("uniform", {"least": 1.0, "most": 4.0}, 2.5, 3.0 / 12**0.5),
        ("share", {"value": 0.3}, 0.3, 0.21**0.5),
        ("fixed", {"value": 7.0}, 7.0, 0.0),
    ],
)
def test_a_distribution_has_the_mean_and_spread_it_was_given(kind, keys, mean, sd):
    normals = np.random.default_rng(1).standard_normal(4000)
    values = [Distribution(kind=kind, **keys).at(float(x)) for x in normals]
    assert np.mean(values) == pytest.approx(mean, abs=4.0 * max(sd, 1e-9) / 4000**0.5)
    assert np.std(values) == pytest.approx(sd, rel=0.1)


def test_a_truncated_distribution_keeps_its_bounds_and_its_order():
    found = Distribution(kind="normal", mean=0.0, sd=1.0, least=1.0, most=1.5)
    values = [found.at(x) for x in np.linspace(-6, 6, 50)]
    assert min(values) >= 1.0
    assert max(values) <= 1.5
    assert values == sorted(values)


def test_people_keep_bounds_inclusion_and_correlation():
    people = drawn(WOMEN)
    assert people["age_years"].min() >= 55
    assert people["age_years"].max() <= 80
    assert people["T_score"].min() >= -3.0
    assert people["T_score"].max() <= -1.0
    found = np.corrcoef(people["age_years"], people["years_since_menopause"])[0, 1]
    assert found == pytest.approx(0.8, abs=0.1)
    assert np.corrcoef(people["age_years"], people["marker_level"])[0, 1] == pytest.approx(0.0, abs=0.2)


def test_a_person_depends_on_seed_and_place_alone():
    """Neither on how many are drawn nor on what else is said of them."""
    alone = draw_patient(WOMEN, 1, 7)
    for number in range(1, 7):
        draw_patient(WOMEN, 1, number)
    assert draw_patient(WOMEN, 1, 7) == alone
    assert draw_patient(WOMEN, 2, 7).values != alone.values
    without = draw_patient(WOMEN.model_copy(update={"marker_level": None}), 1, 7)
    assert without.values == {k: v for k, v in alone.values.items() if k != "marker_level"}
    seeds = {run_seed(1, draw_patient(WOMEN, 1, n), r) for n in range(1, 9) for r in range(1, 4)}
    assert len(seeds) == 24


def test_a_replacement_is_somebody_else():
    first = draw_patient(WOMEN, 1, 3)
    other = draw_patient(WOMEN, 1, 3, first.draw + 1)
    assert other.draw > first.draw
    assert other.specimen_seed != first.specimen_seed
    assert other.values != first.values


def test_a_population_that_cannot_meet_its_inclusion_is_refused():
    young = WOMEN.model_copy(update={"T_score": Distribution(kind="normal", mean=1.0, sd=0.2)})
    with pytest.raises(
        ConfigError,
        match=r"cannot meet its inclusion: of 1000 people drawn for patient 1 none has a T-score from -3 to -1.*"
        r"their T-scores run from 0\.\d to 1\.\d: change a distribution or the inclusion",
    ):
        draw_patient(young, 1, 1)


def test_values_reach_the_configuration():
    patient = draw_patient(
        WOMEN.model_copy(
            update={
                "load": Distribution(kind="fixed", value=0.8),
                "estradiol_pg_per_mL": Distribution(kind="fixed", value=9.0),
                "growth_hormone_deficient": Distribution(kind="share", value=1.0),
            }
        ),
        1,
        2,
    )
    config = load_config(tables_of(WOMEN, patient, 1.5, 730))
    values = patient.values
    assert values["BV_TV"] == config.specimen.BV_TV
    assert config.endocrine.age_years == values["age_years"]
    menopause = config.endocrine.final_menstrual_period_age_years
    assert menopause == pytest.approx(values["age_years"] - values["years_since_menopause"])
    assert config.endocrine.estradiol_postmenopausal_pg_per_mL == 9.0
    assert config.endocrine.growth_hormone_deficiency_age_years == pytest.approx(values["age_years"] - 10.0)
    assert config.process.mechanics.program[0].scale == 0.8
    assert config.process.activation.rate_per_mm2_per_year == pytest.approx(
        1.5 * values["marker_level"], rel=1e-4
    )


def test_men_have_their_estradiol_measured_and_no_menopause():
    men = PopulationParams(sex="male", estradiol_pg_per_mL=Distribution(kind="fixed", value=22.0))
    config = load_config(tables_of(men, draw_patient(men, 1, 1), 1.5, 730))
    assert config.endocrine.estradiol_table == ((0.0, 22.0),)
    with pytest.raises(ValidationError, match="years_since_menopause concerns women"):
        PopulationParams(sex="male", years_since_menopause=Distribution(value=3.0))


def test_bone_without_a_T_score_follows_age():
    old, young = (PopulationParams(age_years=Distribution(value=age)) for age in (80.0, 55.0))
    found = [draw_patient(p, 1, 1).values for p in (old, young)]
    assert found[0]["BV_TV"] < found[1]["BV_TV"]
    assert found[0]["T_score"] < found[1]["T_score"]


def test_a_change_over_the_run_in_is_allowed_for():
    shifted = WOMEN.model_copy(update={"run_in_T_score_change": -0.2})
    plain, made = (draw_patient(p, 1, 4).values for p in (WOMEN, shifted))
    assert made["T_score"] == plain["T_score"]
    assert made["BV_TV"] > plain["BV_TV"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kind": "normal", "mean": 1.0}, "a normal distribution needs sd"),
        ({"kind": "fixed", "value": 1.0, "sd": 1.0}, "a fixed distribution takes no sd"),
        ({"kind": "uniform", "least": 2.0, "most": 1.0}, "most = 1 does not lie above least = 2"),
        ({"kind": "lognormal", "mean": -1.0, "sd": 1.0}, "has a positive mean, got -1"),
        ({"kind": "share", "value": 1.5}, "a share lies between 0 and 1, got 1.5"),
        (
            {"kind": "normal", "mean": 0.0, "sd": 1.0, "least": 50.0},
            "nobody of this distribution lies between 50",
        ),
    ],
)
def test_a_distribution_that_cannot_be_is_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Distribution(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"BV_TV": Distribution(value=0.1)}, "T_score and BV_TV both say how much bone"),
        ({"growth_hormone_deficient": Distribution(value=1.0)}, "is so or not; write"),
        (
            {"condition": "ghd", "growth_hormone_deficient": Distribution(kind="share", value=0.5)},
            "condition = 'ghd' and growth_hormone_deficient say the same; keep one",
        ),
        ({"load": Distribution(kind="normal", mean=1.0, sd=0.3)}, "load cannot be negative"),
        ({"correlation": (("age_years", "lod", 0.1),)}, "correlation of 'lod', which has no distribution"),
        ({"correlation": (("age_years", "age_years", 0.1),)}, "is said twice, or of one with itself"),
        ({"correlation": (("age_years", "T_score", 1.0),)}, "must lie between -1 and 1"),
        (
            {
                "correlation": (
                    ("age_years", "T_score", 0.9),
                    ("age_years", "marker_level", 0.9),
                    ("T_score", "marker_level", -0.9),
                )
            },
            "contradict each other",
        ),
        ({"inclusion": {"T_score": (-1.0, -3.0)}}, r"T_score = \[-1, -3\] includes nobody"),
    ],
)
def test_a_population_that_contradicts_itself_is_refused(keys, message):
    given = {name: getattr(WOMEN, name) for name in ("age_years", "T_score", "marker_level")}
    with pytest.raises(ValidationError, match=message):
        PopulationParams(**{**given, **keys})
