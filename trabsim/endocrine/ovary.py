"""Ovarian history: plasma estradiol and FSH over a woman's life.

Estradiol is flat until two years before the final menstrual period (FMP), falls fastest at the FMP and is stable two
years after it; FSH rises along the same time axis.  FSH is reported and drives nothing.

References
----------
Randolph et al. 2011, J Clin Endocrinol Metab 96:746, doi:10.1210/jc.2010-1746
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

from pydantic import model_validator

from trabsim.clock import Clock
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State
from trabsim.units import DAYS_PER_YEAR


class OvaryParams(Params):
    """``[endocrine]``: sex, age and hormonal history."""

    sex: Literal["female"] = param(
        "female",
        "sex (the testis and adrenal are not modeled yet)",
        source="assumed: this version models the ovary",
    )
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
    estradiol_table: tuple[tuple[float, float], ...] | None = param(
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

    @model_validator(mode="after")
    def _table_in_order(self) -> OvaryParams:
        if self.estradiol_table is not None:
            days = [day for day, _ in self.estradiol_table]
            if len(days) < 1 or any(b <= a for a, b in pairwise(days)):
                raise ValueError("estradiol_table needs pairs [day, pg/mL] with rising days; sort them")
            if any(value < 0 for _, value in self.estradiol_table):
                raise ValueError("estradiol_table holds a negative concentration; correct it")
        return self


def transition(years_from_fmp: float, start: float, end: float) -> float:
    """Share of the menopausal transition that is over: 0 before `start`, 1 after `end`, steepest in between."""
    x = min(1.0, max(0.0, (years_from_fmp - start) / (end - start)))
    return x * x * (3.0 - 2.0 * x)


def estradiol_pg_per_mL(age_years: float, day: int, params: OvaryParams) -> float:
    """Plasma estradiol at an age (years) and day after entry, pg/mL."""
    if params.estradiol_table is not None:
        return _interpolate(float(day), params.estradiol_table)
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


def _interpolate(day: float, table: tuple[tuple[float, float], ...]) -> float:
    if day <= table[0][0]:
        return table[0][1]
    for (d0, v0), (d1, v1) in pairwise(table):
        if day <= d1:
            return v0 + (v1 - v0) * (day - d0) / (d1 - d0)
    return table[-1][1]


class OvarianHistory(Process):
    """Set today's plasma estradiol, FSH and testosterone."""

    name = "ovary"
    writes = ("levels",)
    references = ("doi:10.1210/jc.2010-1746",)

    def __init__(self, params: OvaryParams, backend: Any):
        super().__init__(params, backend)

    def apply(self, state: State, clock: Clock) -> None:
        p = self.params
        age = p.age_years + clock.years
        estradiol = estradiol_pg_per_mL(age, clock.day, p)
        share = 1.0 - (estradiol - p.estradiol_postmenopausal_pg_per_mL) / max(
            1e-9, p.estradiol_premenopausal_pg_per_mL - p.estradiol_postmenopausal_pg_per_mL
        )
        fsh_share = min(1.0, max(0.0, share))
        state.levels["age_years"] = age
        state.levels["estradiol_pg_per_mL"] = estradiol
        state.levels["fsh_IU_per_L"] = p.fsh_premenopausal_IU_per_L * math.pow(
            p.fsh_postmenopausal_IU_per_L / p.fsh_premenopausal_IU_per_L, fsh_share
        )
        state.levels["testosterone_ng_per_dL"] = p.testosterone_ng_per_dL
