"""Growth hormone and IGF-1, relative to what is normal for age and sex.

The liver makes IGF-1 from growth hormone (GH) and holds GH back with it.  Oral estrogen makes the liver resist GH:
IGF-1 falls and GH rises.  The pituitary secretes more GH under sex steroids, GHRH analogs and ghrelin mimetics.  With
everything relative to health,

    GH = own x drive x (usual IGF-1 / IGF-1)^p + given,        IGF-1 -> liver x f(GH) within days,
    f(GH) = 1 + (1 - f0) ((1 + k) GH / (GH + k) - 1),        f(1) = 1.

How GHRH analogs and ghrelin mimetics add up is a hypothesis: in bone nobody has measured it.

References
----------
Moller et al. 1993, Clin Endocrinol 39:403, doi:10.1111/j.1365-2265.1993.tb02386.x (IGF-1 by dose of GH)
Janssen et al. 2000, J Clin Endocrinol Metab 85:464, doi:10.1210/jcem.85.1.6311 (oral and transdermal estradiol)
Zhu et al. 2017, PLoS One 12:e0185561, doi:10.1371/journal.pone.0185561 (IGF-1 by age; no difference between sexes)
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


class SomatotropicParams(Params):
    """``[growth_hormone]``."""

    igf1_young_ng_per_mL: float = param(
        180.0, "IGF-1 at 30 years", source="assumed: published medians are 150-200", gt=0
    )
    igf1_loss_per_year: float = param(
        0.0135,
        "share lost a year from 30 years on",
        source="assumed: a seventh to a sixth in ten years",
        ge=0,
        lt=1,
    )
    igf1_least_fraction: float = param(
        0.25, "IGF-1 without growth hormone", source="Moller 1993: 61 against 248 ug/L", ge=0, lt=1
    )
    saturation_gain: float = param(
        4.0,
        "growth hormone at half of what IGF-1 can gain, relative to health",
        source="derived: IGF-1 under 1, 2 and 4 IU/m2 a day (Moller 1993); three- to fourfold in acromegaly",
        gt=0,
    )
    normal_mg_per_day: float = param(
        0.55,
        "growth hormone under the skin that acts as healthy secretion",
        source="derived: 0.4-0.5 by titration to normal IGF-1 (Cook 1999 PMID 10566634), 0.85 by Moller 1993",
        gt=0,
    )
    deficient_fraction: float = param(
        0.2, "secretion left in deficiency", source="assumed: IGF-1 is then 0.4-0.5 of normal", ge=0, lt=1
    )
    igf1_days: float = param(
        5.0, "time in which IGF-1 follows", source="assumed: a new level within two weeks", gt=0.5
    )
    resistance_gain_by_oral_estrogen: float = param(
        0.175,
        "resistance of the liver per 1 mg/day of estradiol by mouth",
        source="derived: 2 mg by mouth against a patch, IGF-1 18.7 and 23.4 nmol/L (Janssen 2000), and less with EE",
        ge=0,
    )
    feedback_exponent: float = param(
        0.5,
        "power by which IGF-1 holds back own secretion",
        source="assumed: intact women lose some 20 % of IGF-1 under 2 mg by mouth, and secrete more",
        ge=0,
        le=3,
    )
    pituitary_gain_by_estrogen: float = param(
        0.2,
        "more secretion at full response to estradiol",
        source="assumed: small, for a patch of 50 ug/day leaves IGF-1 as it is",
        ge=0,
    )
    pituitary_gain_by_androgen: float = param(
        0.15,
        "more secretion at full response to testosterone",
        source="assumed: testosterone amplifies, yet taking it away left GH and IGF-1 unchanged (Mauras 2000)",
        ge=0,
    )
    local_gain_by_estrogen: float = param(
        0.1, "more IGF-1 made in bone at full response to estradiol", source="assumed: small", ge=0
    )
    estradiol_half_pg_per_mL: float = param(
        30.0, "estradiol of half response of the pituitary", source="assumed: as in bone", gt=0
    )
    testosterone_half_ng_per_dL: float = param(
        250.0, "testosterone of half response of the pituitary", source="assumed: as in bone", gt=0
    )
    gain_by_ghrh: float = param(
        2.8,
        "more secretion by a GHRH analog (1 = tesamorelin 2 mg/day)",
        source="derived: IGF-1 rises to 1.8 of baseline; hypothesis for bone, without a trial",
        ge=0,
    )
    gain_by_ghrelin: float = param(
        0.8,
        "more secretion by a ghrelin mimetic (1 = a research dose)",
        source="assumed: hypothesis, IGF-1 up by about 30 %",
        ge=0,
    )
    gain_by_both: float = param(
        1.5,
        "more secretion by both together, beyond the sum",
        source="assumed: hypothesis, more than the sum",
        ge=0,
    )


def normal_igf1_ng_per_mL(age_years: float, params: SomatotropicParams) -> float:
    """IGF-1 that is normal at an age (years), ng/mL."""
    return params.igf1_young_ng_per_mL * (1.0 - params.igf1_loss_per_year) ** max(0.0, age_years - 30.0)


def igf1_from(gh: float, params: SomatotropicParams) -> float:
    """IGF-1 at rest from growth hormone, both relative to health; exactly 1 at 1."""
    k = params.saturation_gain
    return 1.0 + (1.0 - params.igf1_least_fraction) * ((1.0 + k) * gh / (gh + k) - 1.0)


def gh_for(igf1: float, params: SomatotropicParams) -> float:
    """Growth hormone that leaves this IGF-1, both relative to health: the inverse of `igf1_from`."""
    k = params.saturation_gain
    share = min(max((igf1 - 1.0) / (1.0 - params.igf1_least_fraction) + 1.0, 0.0), 0.99 * (1.0 + k))
    return share * k / (1.0 + k - share)


def own_axis(
    age_years: float, day: int, person: EndocrineParams, params: SomatotropicParams
) -> tuple[float, float]:
    """Growth hormone and IGF-1 of a person without drugs, both relative to what is normal for the age."""
    if person.igf1_table is not None:
        igf1 = measured(float(day), person.igf1_table) / normal_igf1_ng_per_mL(age_years, params)
        return gh_for(igf1, params), igf1
    onset = person.growth_hormone_deficiency_age_years
    if onset is None or age_years < onset:
        return 1.0, 1.0
    return params.deficient_fraction, igf1_from(params.deficient_fraction, params)


def sex_steroid_shift(levels: Mapping[str, float], params: SomatotropicParams) -> tuple[float, float]:
    """How far the responses to estradiol and testosterone lie from what is usual for the person; 0 and 0 as usual."""
    e, t = params.estradiol_half_pg_per_mL, params.testosterone_half_ng_per_dL

    def response(name: str, half: float) -> float:
        level = levels.get(name, 0.0)
        return level / (level + half)

    by_estrogen = response("estradiol_pg_per_mL", e) - response("estradiol_usual_pg_per_mL", e)
    block = 1.0 - levels.get("androgen_receptor_block", 0.0)
    androgen = block * levels.get("testosterone_ng_per_dL", 0.0)
    by_androgen = androgen / (androgen + t) - response("testosterone_usual_ng_per_dL", t)
    return by_estrogen, by_androgen


def secretion(levels: Mapping[str, float], params: SomatotropicParams) -> float:
    """What drives the pituitary today, relative to the usual; exactly 1 without drugs and disease of other glands."""
    p = params
    by_estrogen, by_androgen = sex_steroid_shift(levels, p)
    ghrh, ghrelin = levels.get("ghrh_drive", 0.0), levels.get("ghrelin_drive", 0.0)
    drive = 1.0 + p.gain_by_ghrh * ghrh + p.gain_by_ghrelin * ghrelin + p.gain_by_both * ghrh * ghrelin
    return drive * max(
        0.0, 1.0 + p.pituitary_gain_by_estrogen * by_estrogen + p.pituitary_gain_by_androgen * by_androgen
    )


def next_day(
    own: tuple[float, float], igf1: float, levels: Mapping[str, float], params: SomatotropicParams
) -> tuple[float, float]:
    """Growth hormone of today and IGF-1 at its end, relative to health, from IGF-1 of yesterday."""
    gh_own, igf1_own = own
    gh = gh_own * secretion(levels, params) * (igf1_own / igf1) ** params.feedback_exponent
    gh += levels.get("gh_drug_mg_per_day", 0.0) / params.normal_mg_per_day
    liver = 1.0 / (1.0 + params.resistance_gain_by_oral_estrogen * levels.get("oral_estrogen_exposure", 0.0))
    target = liver * igf1_from(gh, params)
    return gh, igf1 + (target - igf1) * (1.0 - math.exp(-1.0 / params.igf1_days))


class SomatotropicAxis(Process):
    """Set today's growth hormone and IGF-1."""

    name = "growth_hormone"
    reads = ("levels",)
    writes = ("levels",)
    references = ("doi:10.1111/j.1365-2265.1993.tb02386.x", "doi:10.1210/jcem.85.1.6311")

    def __init__(self, params: SomatotropicParams, backend: Any, *, person: EndocrineParams):
        super().__init__(params, backend)
        self.person = person

    def apply(self, state: State, clock: Clock) -> None:
        p, levels = self.params, state.levels
        age = self.person.age_years + clock.years
        own = own_axis(age, clock.day, self.person, p)
        before = levels.get("igf1_relative", own[1])
        gh, igf1 = next_day(own, before, levels, p)
        by_estrogen, _ = sex_steroid_shift(levels, p)
        levels["gh_relative"] = gh
        levels["igf1_relative"] = igf1
        levels["igf1_bone_relative"] = igf1 * max(0.0, 1.0 + p.local_gain_by_estrogen * by_estrogen)
        levels["igf1_ng_per_mL"] = igf1 * normal_igf1_ng_per_mL(age, p)
