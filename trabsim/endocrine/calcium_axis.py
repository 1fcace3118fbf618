"""Calcium, vitamin D and parathyroid hormone (PTH).

The set point of PTH falls with calcium intake and with 25-hydroxyvitamin D,

    PTH / normal = (calcium / usual calcium)^-p (25OHD / usual 25OHD)^-q,

and is 1 on the usual diet at any age; the normal itself rises with age, which is reported and does not act.  Vitamin D
from supplements fills a slow compartment.  In primary hyperparathyroidism PTH does not fall below the level of the
disease until surgery.  Infused PTH adds, and holds back a part of the own.

References
----------
Steingrimsdottir et al. 2005, JAMA 294:2336, doi:10.1001/jama.294.18.2336 (PTH, 25OHD and calcium intake)
Ekwaru et al. 2014, PLoS One 9:e111265, doi:10.1371/journal.pone.0111265 (25OHD by dose)
Carrivick et al. 2015, J Clin Endocrinol Metab 100 (PTH with age, in 17,275 and 4,878 adults)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trabsim.clock import Clock
from trabsim.endocrine.history import EndocrineParams
from trabsim.endocrine.measured import measured
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State


class CalciumParams(Params):
    """``[calcium_axis]``."""

    pth_young_pg_per_mL: float = param(
        38.0, "PTH of healthy adults of 30 years", source="assumed: the middle of 15-65", gt=0
    )
    pth_gain_per_year: float = param(
        0.005, "its rise a year", source="Carrivick 2015: 4-5 % in ten years", ge=0, lt=0.1
    )
    usual_calcium_mg_per_day: float = param(
        800.0,
        "calcium intake at which PTH is normal",
        source="assumed: the diet of the calibrated cohorts",
        gt=0,
    )
    usual_hydroxyvitamin_d_ng_per_mL: float = param(
        25.0,
        "25-hydroxyvitamin D at which PTH is normal",
        source="assumed: that of the calibrated cohorts",
        gt=0,
    )
    calcium_exponent: float = param(
        0.2,
        "power by which PTH falls with calcium intake",
        source="assumed: 1,000 mg more lower it by some 15 %",
        ge=0,
        le=2,
    )
    vitamin_d_exponent: float = param(
        0.25,
        "power by which PTH falls with 25-hydroxyvitamin D",
        source="derived: PTH higher by a third to a half below 10 ng/mL (Steingrimsdottir 2005)",
        ge=0,
        le=2,
    )
    vitamin_d_most_ng_per_mL: float = param(
        42.0,
        "25-hydroxyvitamin D that supplements can add",
        source="derived: 5-6 ng/mL at 1,000 IU/day, falling per dose (Ekwaru 2014)",
        ge=0,
    )
    vitamin_d_half_IU_per_day: float = param(
        6500.0, "dose that adds half of that", source="derived: as for the most (Ekwaru 2014)", gt=0
    )
    vitamin_d_days: float = param(
        25.0, "time in which it follows intake", source="assumed: half-life of two to three weeks", gt=1
    )
    infusion_most_share: float = param(
        0.6,
        "share of own PTH that infused PTH can hold back",
        source="assumed: by the calcium that it raises",
        ge=0,
        le=1,
    )
    infusion_half_pg_per_mL: float = param(
        40.0, "infused PTH that holds back half of that", source="assumed: the normal level", gt=0
    )


def normal_pth_pg_per_mL(age_years: float, params: CalciumParams) -> float:
    """PTH (pg/mL) of a healthy adult of an age (years) on the usual diet."""
    return params.pth_young_pg_per_mL * (1.0 + params.pth_gain_per_year) ** max(0.0, age_years - 30.0)


def set_point(calcium_mg_per_day: float, hydroxyvitamin_d: float, params: CalciumParams) -> float:
    """PTH relative to normal from calcium intake (mg/day) and 25-hydroxyvitamin D (ng/mL); exactly 1 as usual."""
    calcium = calcium_mg_per_day / params.usual_calcium_mg_per_day
    vitamin = hydroxyvitamin_d / params.usual_hydroxyvitamin_d_ng_per_mL
    return calcium**-params.calcium_exponent * vitamin**-params.vitamin_d_exponent


def added_by_supplement(dose_IU_per_day: float, params: CalciumParams) -> float:
    """25-hydroxyvitamin D (ng/mL) that a daily dose of vitamin D adds in the long run."""
    return (
        params.vitamin_d_most_ng_per_mL
        * dose_IU_per_day
        / (dose_IU_per_day + params.vitamin_d_half_IU_per_day)
    )


def pth_relative(
    age_years: float,
    day: int,
    hydroxyvitamin_d: tuple[float, float],
    levels: Mapping[str, float],
    person: EndocrineParams,
    params: CalciumParams,
) -> float:
    """PTH of today relative to normal for the age.

    Parameters
    ----------
    age_years : float
    day : int
        After entry.
    hydroxyvitamin_d : (float, float)
        ng/mL without and with supplements.
    levels : mapping of str to float
        Read: ``calcium_supplement_mg_per_day``, ``parathyroidectomy``, ``pth_infused_pg_per_mL``.
    person : EndocrineParams
    params : CalciumParams
    """
    normal = normal_pth_pg_per_mL(age_years, params)
    diet = person.calcium_intake_mg_per_day
    fed = set_point(diet + levels.get("calcium_supplement_mg_per_day", 0.0), hydroxyvitamin_d[1], params)
    if person.pth_table is not None:
        # what was measured, changed by supplements as any set point would be
        fed *= measured(float(day), person.pth_table) / normal / set_point(diet, hydroxyvitamin_d[0], params)
    onset = person.hyperparathyroidism_age_years
    if onset is not None and age_years >= onset:
        sick = max(fed, person.hyperparathyroidism_pth_pg_per_mL / normal)
        fed += (sick - fed) * (1.0 - levels.get("parathyroidectomy", 0.0))
    infused = levels.get("pth_infused_pg_per_mL", 0.0)
    held_back = params.infusion_most_share * infused / (infused + params.infusion_half_pg_per_mL)
    return fed * (1.0 - held_back) + infused / normal


class CalciumAxis(Process):
    """Set today's 25-hydroxyvitamin D and PTH."""

    name = "calcium_axis"
    reads = ("levels",)
    writes = ("levels",)
    references = ("doi:10.1001/jama.294.18.2336", "doi:10.1371/journal.pone.0111265")

    def __init__(self, params: CalciumParams, backend: Any, *, person: EndocrineParams):
        super().__init__(params, backend)
        self.person = person

    def apply(self, state: State, clock: Clock) -> None:
        p, levels, person = self.params, state.levels, self.person
        age = person.age_years + clock.years
        table = person.hydroxyvitamin_d_table
        base = person.hydroxyvitamin_d_ng_per_mL if table is None else measured(float(clock.day), table)
        added = levels.get("vitamin_d_added_ng_per_mL", 0.0)
        target = added_by_supplement(levels.get("vitamin_d_supplement_IU_per_day", 0.0), p)
        added += (target - added) * (1.0 - math.exp(-1.0 / p.vitamin_d_days))
        relative = pth_relative(age, clock.day, (base, base + added), levels, person, p)
        levels["vitamin_d_added_ng_per_mL"] = added
        levels["hydroxyvitamin_d_ng_per_mL"] = base + added
        levels["pth_relative"] = relative
        levels["pth_pg_per_mL"] = relative * normal_pth_pg_per_mL(age, p)
