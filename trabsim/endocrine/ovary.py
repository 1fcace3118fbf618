"""Ovarian history: plasma estradiol, FSH and progesterone over a woman's life.

Estradiol is flat until two years before the final menstrual period (FMP), falls fastest at the FMP and is stable two
years after it; FSH rises along the same time axis.  Surgery ends it within days; premature loss is an early FMP.
FSH and progesterone are reported and drive nothing.

What drugs do to the own production: a GnRH agonist and high estradiol take away the part that ovaries make and leave
the postmenopausal rest, an aromatase inhibitor takes away most of that rest.  Estradiol given as a drug adds.

References
----------
Randolph et al. 2011, J Clin Endocrinol Metab 96:746, doi:10.1210/jc.2010-1746
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from trabsim.clock import Clock
from trabsim.endocrine.binding import free_testosterone_ng_per_dL, shbg_nmol_per_L
from trabsim.endocrine.measured import Table, measured, require_in_order
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State
from trabsim.units import DAYS_PER_YEAR


class OvaryParams(Params):
    """The part of ``[endocrine]`` that tells of age and ovaries."""

    age_years: float = param(50.0, "age at entry", source="assumed: around menopause", ge=18, le=110)
    final_menstrual_period_age_years: float | None = param(
        51.0,
        "age at the final menstrual period; leave out with surgical menopause",
        source="Gold 2001: median 51",
        ge=20,
        le=70,
    )
    surgical_menopause_age_years: float | None = param(
        None, "age at removal of both ovaries", source="assumed: none", ge=18, le=110
    )
    estradiol_table: Table | None = param(
        None,
        "measured estradiol as [day after entry, pg/mL] pairs; replaces the ovary, linear between pairs",
        source="assumed: measured by the user",
    )
    estradiol_premenopausal_pg_per_mL: float = param(
        90.0,
        "cycle average before the transition",
        source="assumed: published cycle averages are 80-120",
        gt=0,
        le=1000,
    )
    estradiol_postmenopausal_pg_per_mL: float = param(
        8.0, "plateau after it", source="assumed: published means are 5-15", ge=0, le=1000
    )
    fall_start_years: float = param(
        -2.03,
        "estradiol begins to fall, years from the FMP",
        source="Randolph 2011 doi:10.1210/jc.2010-1746",
        lt=0,
    )
    fall_end_years: float = param(
        2.17,
        "estradiol is stable again, years from the FMP",
        source="Randolph 2011 doi:10.1210/jc.2010-1746",
        gt=0,
    )
    surgical_half_life_days: float = param(
        3.0, "fall of estradiol after ovariectomy", source="assumed: gone within two weeks", gt=0
    )
    fsh_premenopausal_IU_per_L: float = param(7.5, "FSH before the transition", source="assumed: 5-10", gt=0)
    fsh_postmenopausal_IU_per_L: float = param(
        80.0, "FSH after it", source="Recker 2004 doi:10.1359/JBMR.040710 (inclusion: above 75)", gt=0
    )
    testosterone_ng_per_dL: float = param(
        20.0,
        "plasma testosterone, from which marrow makes estradiol",
        source="assumed: women have 15-70",
        ge=0,
    )

    testosterone_table: Table | None = param(
        None,
        "measured own testosterone as [day after entry, ng/dL] pairs; replaces what glands make",
        source="assumed: measured by the user",
    )
    fsh_table: Table | None = param(
        None,
        "measured FSH as [day after entry, IU/L] pairs; replaces the pituitary of a woman",
        source="assumed: measured by the user",
    )
    progesterone_table: Table | None = param(
        None,
        "measured progesterone as [day after entry, ng/mL] pairs; replaces the ovary",
        source="assumed: measured by the user",
    )
    shbg_table: Table | None = param(
        None,
        "measured SHBG as [day after entry, nmol/L] pairs, without oral estrogen",
        source="assumed: measured by the user",
    )
    progesterone_luteal_ng_per_mL: float = param(
        10.0, "mean of the luteal phase in regular cycles", source="assumed: published means are 8-12", ge=0
    )
    progesterone_postmenopausal_ng_per_mL: float = param(
        0.3, "progesterone without ovulation", source="assumed: below 0.5", ge=0
    )
    ovarian_feedback_half_pg_per_mL: float = param(
        150.0,
        "estradiol given as a drug at which ovaries make half",
        source="assumed: patches up to 100 ug/day suppress ovulation only in part",
        gt=0,
    )
    aromatase_block_share: float = param(
        0.85,
        "share of postmenopausal estradiol lost at full aromatase inhibition",
        source="assumed: anastrozole 1 mg lowers it by 80-90 %",
        ge=0,
        le=1,
    )
    shbg_woman_nmol_per_L: float = param(
        55.0, "sex hormone-binding globulin of a woman", source="assumed: 40-70", gt=0
    )

    @model_validator(mode="after")
    def _table_in_order(self) -> OvaryParams:
        require_in_order("estradiol_table", self.estradiol_table, "pg/mL")
        require_in_order("testosterone_table", self.testosterone_table, "ng/dL")
        require_in_order("fsh_table", self.fsh_table, "IU/L")
        require_in_order("progesterone_table", self.progesterone_table, "ng/mL")
        require_in_order("shbg_table", self.shbg_table, "nmol/L")
        return self


def transition(years_from_fmp: float, start: float, end: float) -> float:
    """Share of the menopausal transition that is over: 0 before `start`, 1 after `end`, steepest in between."""
    x = min(1.0, max(0.0, (years_from_fmp - start) / (end - start)))
    return x * x * (3.0 - 2.0 * x)


def estradiol_pg_per_mL(age_years: float, day: int, params: OvaryParams) -> float:
    """Plasma estradiol at an age (years) and day after entry, pg/mL."""
    if params.estradiol_table is not None:
        return measured(float(day), params.estradiol_table)
    high, low = params.estradiol_premenopausal_pg_per_mL, params.estradiol_postmenopausal_pg_per_mL
    natural = high
    if params.final_menstrual_period_age_years is not None:
        years = age_years - params.final_menstrual_period_age_years
        natural = high + (low - high) * transition(years, params.fall_start_years, params.fall_end_years)
    surgery = params.surgical_menopause_age_years
    if surgery is not None and age_years >= surgery:
        days = (age_years - surgery) * DAYS_PER_YEAR
        return low + max(0.0, natural - low) * 0.5 ** (days / params.surgical_half_life_days)
    return natural


def own_estradiol(untreated: float, levels: Mapping[str, float], params: OvaryParams) -> float:
    """What is left of a woman's own estradiol under the drugs of today.

    Parameters
    ----------
    untreated : float
        Her own estradiol without drugs, pg/mL.
    levels : mapping of str to float
        Read: ``gonadotropin_suppression``, ``aromatase_inhibition`` (0-1), ``estradiol_drug_pg_per_mL``.
    params : OvaryParams

    Returns
    -------
    float
        pg/mL; exactly `untreated` without these drugs.
    """
    drug = levels.get("estradiol_drug_pg_per_mL", 0.0)
    feedback = drug * drug / (drug * drug + params.ovarian_feedback_half_pg_per_mL**2)
    kept = (1.0 - levels.get("gonadotropin_suppression", 0.0)) * (1.0 - feedback)
    rest = min(untreated, params.estradiol_postmenopausal_pg_per_mL)
    blocked = params.aromatase_block_share * levels.get("aromatase_inhibition", 0.0)
    return untreated - (untreated - rest) * (1.0 - kept) - rest * blocked


def progesterone_ng_per_mL(age_years: float, suppression: float, params: OvaryParams, day: int = 0) -> float:
    """Luteal mean of progesterone (ng/mL) at an age (years) and suppression of gonadotropins by a drug (0-1).

    Cycles lose ovulation from the start of the transition to the FMP.  Where it was measured, that of the day after
    entry is taken.
    """
    if params.progesterone_table is not None:
        untreated = measured(float(day), params.progesterone_table)
        rest = min(untreated, params.progesterone_postmenopausal_ng_per_mL)
        return rest + (untreated - rest) * (1.0 - suppression)
    fmp, surgery = params.final_menstrual_period_age_years, params.surgical_menopause_age_years
    high, low = params.progesterone_luteal_ng_per_mL, params.progesterone_postmenopausal_ng_per_mL
    if surgery is not None and age_years >= surgery:
        return low
    lost = transition(age_years - fmp, params.fall_start_years, 0.0) if fmp is not None else 0.0
    return low + (high - low) * (1.0 - lost) * (1.0 - suppression)


def fsh_IU_per_L(estradiol: float, suppression: float, params: OvaryParams) -> float:
    """FSH (IU/L) from estradiol (pg/mL) and suppression of gonadotropins by a drug (0-1)."""
    share = 1.0 - (estradiol - params.estradiol_postmenopausal_pg_per_mL) / max(
        1e-9, params.estradiol_premenopausal_pg_per_mL - params.estradiol_postmenopausal_pg_per_mL
    )
    fsh_share = min(1.0, max(0.0, share))
    fsh = params.fsh_premenopausal_IU_per_L * math.pow(
        params.fsh_postmenopausal_IU_per_L / params.fsh_premenopausal_IU_per_L, fsh_share
    )
    return fsh * (1.0 - 0.9 * suppression)


class OvarianHistory(Process):
    """Set today's plasma estradiol, FSH, progesterone and testosterone of a woman."""

    name = "ovary"
    reads = ("levels",)
    writes = ("levels",)
    references = ("doi:10.1210/jc.2010-1746",)

    def __init__(self, params: OvaryParams, backend: Any):
        super().__init__(params, backend)

    def apply(self, state: State, clock: Clock) -> None:
        p, levels = self.params, state.levels
        age = p.age_years + clock.years
        suppression = levels.get("gonadotropin_suppression", 0.0)
        untreated = estradiol_pg_per_mL(age, clock.day, p)
        own = own_estradiol(untreated, levels, p)
        estradiol = own + levels.get("estradiol_drug_pg_per_mL", 0.0)
        table = p.testosterone_table
        made = p.testosterone_ng_per_dL if table is None else measured(float(clock.day), table)
        testosterone = made + levels.get("testosterone_drug_ng_per_dL", 0.0)
        oral = levels.get("oral_estrogen_exposure", 0.0)
        base = p.shbg_woman_nmol_per_L if p.shbg_table is None else measured(float(clock.day), p.shbg_table)
        shbg = shbg_nmol_per_L(age, base, 0.0, oral)
        fsh = fsh_IU_per_L(estradiol, suppression, p)
        if p.fsh_table is not None:  # drugs change what was measured by the same share
            fsh = measured(float(clock.day), p.fsh_table) * (fsh / fsh_IU_per_L(untreated, 0.0, p))
        levels["age_years"] = age
        levels["sex_male"] = 0.0
        levels["estradiol_usual_pg_per_mL"] = untreated
        levels["estradiol_endogenous_pg_per_mL"] = own
        levels["estradiol_pg_per_mL"] = estradiol
        levels["fsh_IU_per_L"] = fsh
        levels["progesterone_ng_per_mL"] = progesterone_ng_per_mL(age, suppression, p, clock.day)
        levels["testosterone_usual_ng_per_dL"] = made
        levels["testosterone_ng_per_dL"] = testosterone
        levels["shbg_nmol_per_L"] = shbg
        levels["free_testosterone_ng_per_dL"] = free_testosterone_ng_per_dL(testosterone, shbg)
