"""What a clinic would make of measures: bone mineral content, the threshold of treatment, relative fracture risk.

None of it is a forecast for a person: areas are means of their sex, FRAX is what the user says it is, and the risk
counts strength alone, not age, falls or earlier fractures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from trabsim.densitometry import OSTEOPENIA, OSTEOPOROSIS, SITES
from trabsim.endocrine.history import EndocrineParams
from trabsim.measure_params import MeasureParams


def clinic_measures(
    row: Mapping[str, float], person: EndocrineParams, params: MeasureParams
) -> dict[str, float]:
    """Bone mineral content of each site (g), and whether a guideline would treat.

    Parameters
    ----------
    row : mapping of str to float
        With what `trabsim.densitometry` reports.
    person : EndocrineParams
    params : MeasureParams

    Returns
    -------
    dict of str to float
        For each site ``SITE_BMC_g``: areal BMD times a constant area; then ``treatment_recommended``.
    """
    sex = "men" if person.sex == "male" else "women"
    found = {
        f"{site}_BMC_g": row[f"{site}_BMD_g_per_cm2"] * getattr(params, f"{sex}_{site}_area_cm2")
        for site in SITES
    }
    lowest = min(row[f"{site}_T_score"] for site in SITES)
    return found | {"treatment_recommended": treatment_recommended(lowest, person, params)}


def treatment_recommended(lowest_T_score: float, person: EndocrineParams, params: MeasureParams) -> float:
    """1 where the guideline of Cosman et al. 2014 (doi:10.1007/s00198-014-2794-2) would consider a drug, else 0.

    That is after a fracture, at a T-score of -2.5 or less, and between it and -1 where the FRAX value that the user
    gave reaches its threshold for hip or major fractures.  It speaks of women after menopause and of men from 50 years
    on, which is not asked here; and of fractures of hip and spine, while ``prior_fracture`` does not say of what.

    Parameters
    ----------
    lowest_T_score : float
        Of the sites.
    person : EndocrineParams
    params : MeasureParams

    Returns
    -------
    float
        nan where neither a fracture nor the T-score is known.
    """
    if person.prior_fracture:
        return 1.0
    if math.isnan(lowest_T_score):
        return math.nan
    at_risk = (person.FRAX_hip_fraction or 0.0) >= params.FRAX_hip_treatment_fraction or (
        person.FRAX_major_fraction or 0.0
    ) >= params.FRAX_major_treatment_fraction
    return float(lowest_T_score <= OSTEOPOROSIS or (lowest_T_score <= OSTEOPENIA and at_risk))


def fracture_risk(
    row: Mapping[str, float],
    entry: Mapping[str, float] | None,
    person: EndocrineParams,
    params: MeasureParams,
) -> dict[str, float]:
    """Odds of a vertebral fracture relative to entry, as far as strength decides: nothing where load is not solved.

    With :math:`F` the failure load, :math:`s` its standard deviation among people as a share of the load at entry
    :math:`F_0`, and :math:`r` the odds ratio per standard deviation,

    .. math:: r^{(F_0 - F) / (s F_0)} .

    Parameters
    ----------
    row, entry : mapping of str to float
        Rows of measures, with ``failure_load_N`` where load is solved.
    person : EndocrineParams
    params : MeasureParams

    Returns
    -------
    dict of str to float
        ``fracture_risk_relative_to_entry``; nan where the load at entry is not known.
    """
    if "failure_load_N" not in row:
        return {}
    first = math.nan if entry is None else entry.get("failure_load_N", math.nan)
    ratio = (
        params.men_odds_ratio_per_strength_loss
        if person.sex == "male"
        else params.women_odds_ratio_per_strength_loss
    )
    lost = 1.0 - row["failure_load_N"] / first if math.isfinite(first) and first > 0 else math.nan
    return {"fracture_risk_relative_to_entry": ratio ** (lost / params.strength_SD_fraction)}
