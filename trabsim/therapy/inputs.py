"""What a therapy may set, and nothing else: one table of levels with default, unit and meaning.

`Therapies` writes every one of them each day; without a drug it is the default.  Endocrine processes and cells read
them by name.  No entry is an outcome: there is no density, marker or number of cells among them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Input(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    default : float
        What holds without any drug.
    unit, meaning : str
    together : str
        How two drugs add up: ``sum``; ``either`` for shares that are blocked independently, 1 - (1 - a)(1 - b);
        ``largest``; or ``mean of X`` for a property of what X counts, weighted by it.
    """

    default: float
    unit: str
    meaning: str
    together: Literal["sum", "either", "largest"] | str = "sum"


INPUTS: dict[str, Input] = {
    "estradiol_drug_pg_per_mL": Input(0.0, "pg/mL", "plasma estradiol that comes from a drug"),
    "oral_estrogen_exposure": Input(
        0.0, "1", "estrogen that passes the liver first, 1 = steady 1 mg/day of oral estradiol"
    ),
    "serm_occupancy": Input(
        0.0, "1", "SERM over the concentration that competes like estradiol at its half effect"
    ),
    "serm_efficacy": Input(
        0.0, "1", "what a receptor with SERM does, 1 = with estradiol", "mean of serm_occupancy"
    ),
    "progestogen_exposure": Input(0.0, "1", "progestogen, 1 = steady standard daily dose"),
    "testosterone_drug_ng_per_dL": Input(0.0, "ng/dL", "plasma testosterone that comes from a drug"),
    "aromatase_inhibition": Input(0.0, "1", "share of aromatase that is blocked", "either"),
    "gonadotropin_suppression": Input(0.0, "1", "share of gonadotropins that is shut off", "either"),
    "gonadorelin_support": Input(0.0, "1", "share of gonadotropins kept up by pulses of GnRH", "largest"),
    "androgen_receptor_block": Input(0.0, "1", "share of androgen receptors that is blocked", "either"),
    "denosumab_ng_per_mL": Input(0.0, "ng/mL", "free denosumab, mean of the day"),
    "romosozumab_ug_per_mL": Input(0.0, "ug/mL", "free romosozumab, mean of the day"),
    "pth_pulse_on": Input(
        0.0, "1", "activity of PTH receptors in response to pulses, 1 = teriparatide 20 ug/day"
    ),
    "pth_pulse_duration": Input(
        0.0, "1", "time PTH receptors are bound because of pulses, 1 = teriparatide 20 ug/day"
    ),
    "pth_infused_pg_per_mL": Input(
        0.0, "pg/mL", "infused PTH receptor agonist, as intact PTH of equal molarity"
    ),
    "parathyroidectomy": Input(0.0, "1", "share of parathyroid overactivity that is removed", "largest"),
    "gh_drug_mg_per_day": Input(0.0, "mg/day", "growth hormone injected, as it reaches plasma"),
    "ghrh_drive": Input(0.0, "1", "drive of GHRH receptors, 1 = tesamorelin 2 mg/day"),
    "ghrelin_drive": Input(0.0, "1", "drive of ghrelin receptors, 1 = ipamorelin 0.3 mg/day"),
    "glucocorticoid_mg_per_day": Input(0.0, "mg/day", "prednisolone, as it reaches plasma"),
    "calcium_supplement_mg_per_day": Input(0.0, "mg/day", "elemental calcium beside the diet"),
    "vitamin_d_supplement_IU_per_day": Input(0.0, "IU/day", "vitamin D beside diet and sun"),
    "bisphosphonate_delivery": Input(
        0.0,
        "1",
        "leaves plasma for bone today, 1 = alendronate 10 mg/day in steady state (moles per surface)",
    ),
    "bisphosphonate_potency": Input(
        0.0, "1", "potency of what is delivered today, 1 = alendronate", "mean of bisphosphonate_delivery"
    ),
    "bisphosphonate_release_per_day": Input(
        0.0,
        "1/day",
        "rate at which what is delivered today leaves bone surface",
        "mean of bisphosphonate_delivery",
    ),
}

DEFAULTS = {name: line.default for name, line in INPUTS.items()}


def combined(name: str, parts: list[dict[str, float]]) -> float:
    """What drugs set together.

    Parameters
    ----------
    name : str
        A line of the table.
    parts : list of dict
        What each drug sets.

    Returns
    -------
    float
    """
    line = INPUTS[name]
    values = [part[name] for part in parts if name in part]
    if not values:
        return line.default
    if len(values) == 1:
        return values[0]
    if line.together == "sum":
        return sum(values)
    if line.together == "largest":
        return max(values)
    if line.together == "either":
        left = 1.0
        for value in values:
            left *= 1.0 - value
        return 1.0 - left
    weight = line.together.removeprefix("mean of ")
    weights = [part.get(weight, 0.0) for part in parts if name in part]
    total = sum(weights)
    return sum(w * v for w, v in zip(weights, values)) / total if total > 0 else line.default
