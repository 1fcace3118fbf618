"""Testicular history: testosterone, its free part, SHBG and estradiol over a man's life.

Testosterone falls slowly from 30 years on.  A little comes from the adrenal gland; the rest needs gonadotropins, which
a GnRH agonist takes away and which testosterone or estradiol given as drugs suppress.  Estradiol is made from
testosterone by aromatase, in relation to it more with age, and a little from adrenal precursors.  Where an inhibitor
blocks aromatase, less estradiol restrains the pituitary and testosterone rises.

References
----------
Rohrmann et al. 2011, Clin Endocrinol 75:232, doi:10.1111/j.1365-2265.2011.04043.x (decline with age, NHANES III)
Mauras et al. 2000, J Clin Endocrinol Metab 85:2370 (anastrozole halves estradiol in men)
Burnett-Bowie et al. 2009, Clin Endocrinol 70:116 (testosterone 11.2 to 18.2 nmol/L under anastrozole)
Smith 2007, Clin Cancer Res 13:241 (testosterone 372 to 13 ng/dL under leuprolide)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trabsim.clock import Clock
from trabsim.endocrine.binding import free_testosterone_ng_per_dL, shbg_nmol_per_L
from trabsim.endocrine.history import EndocrineParams
from trabsim.endocrine.measured import measured
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State

#: 1 ng/dL in pg/mL.
PG_PER_ML = 10.0


class TestisParams(Params):
    """``[testis]``."""

    testosterone_young_ng_per_dL: float = param(
        600.0, "testosterone of men of 30 years", source="assumed: published means are 500-700", gt=0
    )
    testosterone_loss_per_year: float = param(
        0.0083,
        "share lost a year from 30 years on",
        source="Rohrmann 2011 doi:10.1111/j.1365-2265.2011.04043.x: 2 % in 2.4 years",
        ge=0,
        lt=0.1,
    )
    shbg_young_nmol_per_L: float = param(
        30.0, "SHBG of men of 30 years", source="assumed: published means are 25-35", gt=0
    )
    shbg_gain_per_year: float = param(
        0.0085,
        "its rise a year from 30 years on",
        source="derived: 42-44 nmol/L beyond 70 years, as in the Health in Men Study 2010",
        ge=0,
        lt=0.1,
    )
    aromatization_share: float = param(
        0.00383,
        "mass of plasma estradiol per mass of testosterone at 30 years",
        source="derived: 28 pg/mL in young men, of which 5 are adrenal",
        ge=0,
        lt=0.1,
    )
    aromatization_gain_per_year: float = param(
        0.0055,
        "its rise a year from 30 years on",
        source="derived: estradiol falls by 0.25 % a year (Rohrmann 2011) while testosterone falls by 0.83 %",
        ge=0,
        lt=0.1,
    )
    adrenal_testosterone_ng_per_dL: float = param(
        13.0, "testosterone left without testes", source="Smith 2007: 13 ng/dL under leuprolide", ge=0
    )
    adrenal_estradiol_pg_per_mL: float = param(
        5.0, "estradiol left without testes", source="assumed: it falls by 70-80 %", ge=0
    )
    suppression_most_share: float = param(
        0.95,
        "share of own production lost under much testosterone",
        source="assumed: LH becomes undetectable under full replacement",
        ge=0,
        le=1,
    )
    suppression_half_ng_per_dL: float = param(
        150.0,
        "testosterone given as a drug that suppresses half of that",
        source="assumed: replacement adds little to own production",
        gt=0,
    )
    suppression_half_pg_per_mL: float = param(
        60.0,
        "estradiol given as a drug that halves own production",
        source="assumed: twice the male level",
        gt=0,
    )
    aromatase_block_share: float = param(
        2.0 / 3.0,
        "estradiol lost per testosterone at full aromatase inhibition",
        source="derived: estradiol falls by half while testosterone rises by half (Mauras 2000, Burnett-Bowie 2009)",
        ge=0,
        lt=1,
    )
    feedback_gain: float = param(
        1.0,
        "rise of testicular production per share of estradiol lost",
        source="derived: testosterone rises by half where estradiol falls by half (Mauras 2000, Burnett-Bowie 2009)",
        ge=0,
        le=5,
    )


def healthy_testosterone(age_years: float, params: TestisParams) -> float:
    """Testosterone (ng/dL) of a healthy man of an age (years)."""
    years = max(0.0, age_years - 30.0)
    return params.testosterone_young_ng_per_dL * (1.0 - params.testosterone_loss_per_year) ** years


def estradiol_from(testosterone: float, age_years: float, params: TestisParams) -> float:
    """Plasma estradiol (pg/mL) that a man of an age (years) makes at a testosterone (ng/dL)."""
    years = max(0.0, age_years - 30.0)
    share = params.aromatization_share * (1.0 + params.aromatization_gain_per_year) ** years
    return params.adrenal_estradiol_pg_per_mL + share * testosterone * PG_PER_ML


def untreated_testosterone(
    age_years: float, day: int, support: float, person: EndocrineParams, params: TestisParams
) -> float:
    """Testosterone (ng/dL) without drugs other than gonadorelin (`support`, 0-1), which restores it where only the
    pituitary fails."""
    if person.testosterone_table is not None:
        return measured(float(day), person.testosterone_table)
    healthy = healthy_testosterone(age_years, params)
    if person.hypogonadism is None or age_years < person.hypogonadism_age_years:
        return healthy
    low = min(healthy, person.hypogonadism_testosterone_ng_per_dL)
    return low + support * (healthy - low) if person.hypogonadism == "secondary" else low


def under_drugs(untreated: float, levels: Mapping[str, float], params: TestisParams) -> tuple[float, float]:
    """Own testosterone under the drugs of today.

    Parameters
    ----------
    untreated : float
        Own testosterone without drugs, ng/dL.
    levels : mapping of str to float
        Read: ``testosterone_drug_ng_per_dL``, ``estradiol_drug_pg_per_mL``, ``gonadotropin_suppression``,
        ``gonadorelin_support`` and ``aromatase_inhibition``.
    params : TestisParams

    Returns
    -------
    own : float
        ng/dL.
    blocked : float
        Share of estradiol per testosterone that is not made, 0-1.
    """
    p = params
    given = levels.get("testosterone_drug_ng_per_dL", 0.0)
    estradiol = levels.get("estradiol_drug_pg_per_mL", 0.0)
    support = levels.get("gonadorelin_support", 0.0)
    by_androgen = given * given / (given * given + p.suppression_half_ng_per_dL**2)
    by_estrogen = estradiol * estradiol / (estradiol * estradiol + p.suppression_half_pg_per_mL**2)
    kept = (1.0 - p.suppression_most_share * by_androgen * (1.0 - support)) * (
        1.0 - by_estrogen * (1.0 - support)
    )
    kept *= 1.0 - levels.get("gonadotropin_suppression", 0.0)
    blocked = p.aromatase_block_share * levels.get("aromatase_inhibition", 0.0)
    # testosterone x and estradiol x (1 - blocked), both relative, at rest:  x = 1 + gain (1 - x (1 - blocked))
    released = (1.0 + p.feedback_gain) / (1.0 + p.feedback_gain * (1.0 - blocked))
    adrenal = min(untreated, p.adrenal_testosterone_ng_per_dL)
    return adrenal + (untreated - adrenal) * kept * released, blocked


class TesticularHistory(Process):
    """Set today's testosterone, SHBG and estradiol of a man."""

    name = "testis"
    reads = ("levels",)
    writes = ("levels",)
    references = ("doi:10.1111/j.1365-2265.2011.04043.x", "doi:10.1210/jcem.84.10.6079")

    def __init__(self, params: TestisParams, backend: Any, *, person: EndocrineParams):
        super().__init__(params, backend)
        self.person = person

    def apply(self, state: State, clock: Clock) -> None:
        p, levels, person = self.params, state.levels, self.person
        age = person.age_years + clock.years
        support = levels.get("gonadorelin_support", 0.0)
        untreated = untreated_testosterone(age, clock.day, support, person, p)
        own, blocked = under_drugs(untreated, levels, p)
        testosterone = own + levels.get("testosterone_drug_ng_per_dL", 0.0)
        estradiol = estradiol_from(testosterone, age, p)
        if person.estradiol_table is not None:
            estradiol += measured(float(clock.day), person.estradiol_table) - estradiol_from(
                untreated, age, p
            )
        estradiol = max(0.0, estradiol) * (1.0 - blocked)
        healthy = healthy_testosterone(age, p)
        oral = levels.get("oral_estrogen_exposure", 0.0)
        shbg = shbg_nmol_per_L(age, p.shbg_young_nmol_per_L, p.shbg_gain_per_year, oral)
        if person.shbg_table is not None:
            shbg = shbg_nmol_per_L(age, measured(float(clock.day), person.shbg_table), 0.0, oral)
        levels["age_years"] = age
        levels["sex_male"] = 1.0
        levels["estradiol_usual_pg_per_mL"] = estradiol_from(healthy, age, p)
        levels["estradiol_endogenous_pg_per_mL"] = estradiol
        levels["estradiol_pg_per_mL"] = estradiol + levels.get("estradiol_drug_pg_per_mL", 0.0)
        levels["estrogen_reference_pg_per_mL"] = estradiol_from(p.testosterone_young_ng_per_dL, 30.0, p)
        levels["testosterone_usual_ng_per_dL"] = healthy
        levels["testosterone_reference_ng_per_dL"] = p.testosterone_young_ng_per_dL
        levels["testosterone_ng_per_dL"] = testosterone
        levels["shbg_nmol_per_L"] = shbg
        levels["free_testosterone_ng_per_dL"] = free_testosterone_ng_per_dL(testosterone, shbg)
