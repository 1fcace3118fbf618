"""From a drawn patient to tables of a configuration: bone, hormones, load and turnover."""

from __future__ import annotations

from typing import Any

from trabsim.trials.clinical import Person
from trabsim.trials.persons import CONDITION_YEARS, endocrine_of, specimen_of
from trabsim.trials.population import DIGITS, Patient, PopulationParams

#: Keys of ``[endocrine]`` that a condition decides, and tables of measured levels that would take its place.
BY_CONDITION = {
    "ghd": ("growth_hormone_deficiency_age_years", "igf1_table"),
    "phpt": ("hyperparathyroidism_age_years", "pth_table"),
    "hypogonadism": ("hypogonadism", "hypogonadism_age_years", "testosterone_table"),
}


def _person(population: PopulationParams, patient: Patient) -> Person:
    since = patient.values.get("years_since_menopause")
    return Person(population.sex, patient.values["age_years"], since, condition=population.condition)


def hormones_of(population: PopulationParams, patient: Patient) -> dict[str, Any]:
    """Keys of ``[endocrine]`` that make a patient."""
    values, age = patient.values, patient.values["age_years"]
    hormones = endocrine_of(_person(population, patient))
    estradiol = values.get("estradiol_pg_per_mL")
    if estradiol is not None and population.sex == "male":
        hormones["estradiol_table"] = [[0.0, estradiol]]
    elif estradiol is not None:
        after = hormones["final_menstrual_period_age_years"] <= age
        hormones[f"estradiol_{'post' if after else 'pre'}menopausal_pg_per_mL"] = estradiol
    if values.get("growth_hormone_deficient"):
        hormones["growth_hormone_deficiency_age_years"] = max(18.0, age - CONDITION_YEARS)
    return hormones


def set_by(population: PopulationParams) -> dict[str, str]:
    """Keys of ``[endocrine]`` that a population decides, whoever is drawn, each with its key of ``[population]``."""
    keys = {"sex": "sex", "age_years": "age_years"}
    if population.sex == "female":
        keys["final_menstrual_period_age_years"] = "years_since_menopause"
    if population.estradiol_pg_per_mL is not None:
        keys |= {
            name: "estradiol_pg_per_mL"
            for name in (
                "estradiol_table",
                "estradiol_premenopausal_pg_per_mL",
                "estradiol_postmenopausal_pg_per_mL",
            )
        }
    if population.growth_hormone_deficient is not None:
        keys |= dict.fromkeys(BY_CONDITION["ghd"], "growth_hormone_deficient")
    if population.condition is not None:
        keys |= dict.fromkeys(BY_CONDITION[population.condition], "condition")
    return keys


def tables_of(
    population: PopulationParams, patient: Patient, usual_rate: float, spin_up_days: int
) -> dict[str, Any]:
    """Tables of a configuration that make a patient: specimen, endocrine, and what load and turnover change.

    Parameters
    ----------
    population : PopulationParams
    patient : Patient
    usual_rate : float
        ``activation.rate_per_mm2_per_year`` of people of the usual turnover.
    spin_up_days : int
        Length of the run-in.

    Returns
    -------
    dict
    """
    values = patient.values
    tables: dict[str, Any] = {
        "specimen": {
            "preset": specimen_of(_person(population, patient))["preset"],
            "BV_TV": values["BV_TV"],
            "seed": patient.specimen_seed,
        },
        "endocrine": hormones_of(population, patient),
    }
    if "load" in values:
        first_day = 1 - spin_up_days  # on the first day osteocytes learn what they are used to
        tables["mechanics"] = {
            "program": [{"kind": "constant", "start_day": first_day, "scale": values["load"]}]
        }
    if "marker_level" in values:
        tables["activation"] = {
            "rate_per_mm2_per_year": round(usual_rate * values["marker_level"], DIGITS + 2)
        }
    return tables
