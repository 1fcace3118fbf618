"""What hormones and drugs do to cells: one coefficient per arrow, one page.

Levels of today (plasma hormones, free drugs, receptor activity) become factors on properties of cells (see
`trabsim.factors`).  Cells read nothing else of the endocrine system but estradiol itself, which acts where it is
received (`trabsim.fields.signals`).  Each factor is exactly neutral without drug and disease.

Arrows, with x the excess of PTH exposure over the normal, A the pulsatile activity of PTH analogs, I IGF-1 in bone
relative to health and to what cells are used to, G growth hormone relative to health, c the effect of
glucocorticoids, t the androgen response:

=======================  =====================================================================================
RANKL                    up with x, with c, with I
OPG                      down with x, with c
binder of RANKL          denosumab over its half-effect concentration
local aromatase          blocked by its inhibitor
free sclerostin          romosozumab binds it, osteocytes make more in answer; down with A, with t
opening of sites         up with I
life of osteoclasts      up with c
gathering of cells       up with I, down with c
recruited osteoblasts    up with A, I, G, t and (default 0) progestogens
matrix per osteoblast    up with I
death of osteoblasts     down with A, I, t; up with c
modeling by lining cells up with A
death of osteocytes      up with c
=======================  =====================================================================================

References
----------
Canalis et al. 2007, Osteoporos Int 18:1319, doi:10.1007/s00198-007-0394-0 (glucocorticoids)
Falahati-Nini et al. 2000, J Clin Invest 106:1553, PMC381474 (testosterone maintains formation, estradiol both)
Horwitz et al. 2005, J Bone Miner Res 20, doi:10.1359/JBMR.050602 (infused PTH resorbs and does not form)
Modder et al. 2011, J Bone Miner Res 26:27, doi:10.1002/jbmr.128 (sclerostin falls with estradiol, not testosterone)
Stein & Peletier 2018 (romosozumab and sclerostin)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trabsim.clock import Clock
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State


class ActionParams(Params):
    """``[hormone_action]``."""

    # parathyroid hormone: exposure (1 = teriparatide 20 ug/day) and pulses (1 = the same)
    exposure_gain_by_pth: float = param(
        0.4,
        "exposure per normal level of PTH beyond the first",
        source="derived: sites open twice as often in mild primary hyperparathyroidism (assumed, at 3 times normal)",
        ge=0,
    )
    exposure_days: float = param(
        30.0,
        "time in which bone follows exposure",
        source="assumed: CTX follows P1NP by a month or two",
        gt=0.5,
    )
    rankl_gain_by_exposure: float = param(
        2.0,
        "more RANKL per unit of little exposure",
        source="assumed: NTX up by half to all at six months (McClung 2005)",
        ge=0,
    )
    rankl_gain_by_exposure_most: float = param(
        4.0, "more RANKL under endless exposure", source="assumed: twice as much as without estrogen", gt=0
    )
    opg_loss_by_exposure: float = param(
        0.15,
        "OPG lost per unit of exposure, as 1 / (1 + loss x)",
        source="assumed: less than RANKL gains",
        ge=0,
    )
    pulse_saturation: float = param(
        2.0,
        "how cells saturate with pulses: effect of A is A (1 + s) / (1 + s A), 1 at the label dose",
        source="assumed: by hand toward 13 against 9 % in the spine at twice the dose (Neer 2001)",
        ge=0,
    )
    death_loss_by_pulses: float = param(
        0.5,
        "fewer osteoblasts die per unit of pulses, as 1 / (1 + loss A)",
        source="assumed: by hand toward spine +9 % over placebo (Neer 2001); halves in mice (Jilka 1999)",
        ge=0,
    )
    recruitment_gain_by_pulses: float = param(
        0.1,
        "more osteoblasts per unit of pulses",
        source="assumed: wall thickness grows by a tenth",
        ge=0,
    )
    modeling_gain_by_pulses: float = param(
        0.42,
        "drive of lining cells to form bone per unit of pulses, in units of Wnt signaling",
        source="assumed: set by hand, spine +9 % at 18 months in one seed (+10 %, McClung 2005)",
        ge=0,
    )
    sclerostin_loss_by_pulses: float = param(
        0.3,
        "sclerostin lost per unit of pulses, as 1 / (1 + loss A)",
        source="assumed: falls by a fifth",
        ge=0,
    )
    # drugs that bind or block
    aromatase_block_share: float = param(
        0.85,
        "estradiol that marrow does not make at full aromatase inhibition",
        source="as in [endocrine]: postmenopausal estradiol, made by the same enzyme",
        ge=0,
        le=1,
    )
    denosumab_half_ng_per_mL: float = param(
        4.0,
        "free denosumab that halves free RANKL at healthy OPG",
        source="derived: bone escapes within weeks after the sixth month, 3-5 ng/mL (Choi 2025 kinetics)",
        gt=0,
    )
    romosozumab_half_ug_per_mL: float = param(
        1.8, "free romosozumab that halves free sclerostin", source="Stein 2018: 12 nM of 149 kDa", gt=0
    )
    sost_gain_by_binding: float = param(
        2.0,
        "more sclerostin made where all of it is bound",
        source="assumed: formation is back near baseline at 9 months",
        ge=0,
    )
    sost_days: float = param(
        120.0, "time in which osteocytes answer", source="assumed: P1NP fades over four months and more", gt=1
    )
    # growth hormone and IGF-1, as powers of the level that cells feel: relative to health, and to what they are used to
    igf1_habituation_exponent: float = param(
        0.7,
        "power of the usual IGF-1 by which cells divide today's",
        source="assumed: markers fall under a steady dose (Sartorio 2001), and the deficient keep most of their bone",
        ge=0,
        le=1,
    )
    igf1_habituation_days: float = param(
        730.0,
        "time in which IGF-1 becomes usual",
        source="assumed: gains of the deficient under growth hormone slow down after two to three years",
        gt=30,
    )
    activation_igf1_exponent: float = param(
        0.7, "sites opened", source="assumed: markers double where IGF-1 doubles (Sartorio 2001)", ge=0, le=3
    )
    rankl_igf1_exponent: float = param(
        0.2,
        "RANKL",
        source="assumed: resorption leads formation by three months (Sartorio 2001)",
        ge=0,
        le=3,
    )
    gathering_igf1_exponent: float = param(
        0.1, "speed of gathering", source="assumed: IGF-1 draws osteoprogenitors", ge=0, le=3
    )
    recruitment_igf1_exponent: float = param(
        0.37,
        "osteoblasts recruited",
        source="calibrated: 0.37 +- 0.09, lumbar and hip BMD of deficient men in 2 years (Bex 2002)",
        ge=0,
        le=3,
    )
    matrix_igf1_exponent: float = param(
        0.1, "matrix made per osteoblast", source="assumed: as for recruitment (Bex 2002)", ge=0, le=3
    )
    death_igf1_exponent: float = param(
        0.1, "fewer osteoblasts die", source="assumed: as for recruitment (Bex 2002)", ge=0, le=3
    )
    recruitment_gain_by_gh: float = param(
        0.05,
        "more osteoblasts where growth hormone is high, directly",
        source="assumed: small beside IGF-1",
        ge=0,
        lt=1,
    )
    # glucocorticoids, at full effect
    rankl_gain_by_glucocorticoid: float = param(
        0.4, "more RANKL", source="assumed: loses 6-12 % in the first year (Canalis 2007)", ge=0
    )
    opg_loss_by_glucocorticoid: float = param(
        0.3, "less OPG", source="assumed: OPG falls within days (Canalis 2007)", ge=0, lt=1
    )
    osteoclast_life_gain_by_glucocorticoid: float = param(
        0.3, "longer life of osteoclasts", source="assumed: Canalis 2007 gives the sign", ge=0
    )
    death_gain_by_glucocorticoid: float = param(
        2.0, "more osteoblasts die", source="assumed: osteocalcin falls to a third (Godschalk 1988)", ge=0
    )
    osteocyte_death_gain_by_glucocorticoid: float = param(
        3.0, "more osteocytes die", source="assumed: Canalis 2007 gives the sign", ge=0
    )
    gathering_loss_by_glucocorticoid: float = param(
        0.5, "slower gathering", source="assumed: a higher threshold of reversal; more arrest", ge=0, lt=1
    )
    # androgens, per unit of response; a progestogen
    androgen_half_ng_per_dL: float = param(
        250.0,
        "testosterone of half response",
        source="assumed: bone suffers below 200 (Finkelstein 2016)",
        gt=0,
    )
    androgen_full_ng_per_dL: float = param(
        600.0, "testosterone at which the response of men is 1", source="as in [testis]: young men", gt=0
    )
    androgen_woman_ng_per_dL: float = param(
        20.0, "testosterone that changes nothing in women", source="as in [endocrine]: usual in women", ge=0
    )
    recruitment_gain_by_androgen: float = param(
        0.057,
        "more osteoblasts",
        source="calibrated: 0.05 +- 0.11, androgen deprivation (Mittan 2002) and testosterone (Snyder 2017)",
        ge=0,
        le=1,
    )
    death_loss_by_androgen: float = param(
        0.05, "fewer osteoblasts die", source="assumed: as recruitment, weaker", ge=0, lt=1
    )
    sclerostin_loss_by_androgen: float = param(
        0.03,
        "less sclerostin",
        source="assumed: small, for Modder 2011 doi:10.1002/jbmr.128 saw none in men",
        ge=0,
        lt=1,
    )
    recruitment_gain_by_progestogen: float = param(
        0.0,
        "more osteoblasts under a progestogen",
        source="assumed: none shown; a hypothesis up to 0.05",
        ge=0,
        le=1,
    )


def androgen_shift(levels: Mapping[str, float], params: ActionParams) -> float:
    """Androgen response beyond the young-adult level of the sex, in units of that of young men; 0 as usual in women.

    The response is T / (T + half); -1 is a man without testosterone.
    """
    half, full = params.androgen_half_ng_per_dL, params.androgen_full_ng_per_dL
    usual = full if levels.get("sex_male", 0.0) else params.androgen_woman_ng_per_dL
    level = levels.get("testosterone_ng_per_dL", usual) * (1.0 - levels.get("androgen_receptor_block", 0.0))
    return (level / (level + half) - usual / (usual + half)) * (full + half) / full


def rankl_by_exposure(exposure: float, params: ActionParams) -> float:
    """RANKL relative to health from PTH exposure beyond the normal; below 1 where PTH is low."""
    slope = params.rankl_gain_by_exposure
    if exposure < 0:
        return 1.0 / (1.0 - slope * exposure)
    return 1.0 + slope * exposure / (1.0 + slope * exposure / params.rankl_gain_by_exposure_most)


def saturated(pulses: float, params: ActionParams) -> float:
    """Effect of pulsatile receptor activity on cells, 1 at the label dose of teriparatide."""
    s = params.pulse_saturation
    return pulses * (1.0 + s) / (1.0 + s * pulses)


def free_sclerostin(romosozumab_ug_per_mL: float, params: ActionParams) -> float:
    """Share of sclerostin that romosozumab leaves free."""
    return 1.0 / (1.0 + romosozumab_ug_per_mL / params.romosozumab_half_ug_per_mL)


def felt_igf1(levels: Mapping[str, float], params: ActionParams) -> float:
    """IGF-1 as cells feel it: relative to health, over a power of the level that they are used to."""
    usual = levels.get("igf1_usual_relative", 1.0)
    return levels.get("igf1_bone_relative", 1.0) / usual**params.igf1_habituation_exponent


def answers(levels: Mapping[str, float], params: ActionParams) -> dict[str, float]:
    """What bone remembers from day to day: PTH exposure, sclerostin that osteocytes make in answer, usual IGF-1."""
    p = params
    exposure = p.exposure_gain_by_pth * (levels.get("pth_relative", 1.0) - 1.0)
    before = levels.get("pth_exposure", exposure)
    exposure += levels.get("pth_pulse_duration", 0.0)
    made = levels.get("sost_made", 1.0)
    bound = 1.0 - free_sclerostin(levels.get("romosozumab_ug_per_mL", 0.0), p)
    igf1 = levels.get("igf1_bone_relative", 1.0)
    usual = levels.get("igf1_usual_relative", igf1)  # whoever enters has long had what they have
    return {
        "igf1_usual_relative": usual + (igf1 - usual) * (1.0 - math.exp(-1.0 / p.igf1_habituation_days)),
        "pth_exposure": before + (exposure - before) * (1.0 - math.exp(-1.0 / p.exposure_days)),
        "sost_made": made
        + (1.0 + p.sost_gain_by_binding * bound - made) * (1.0 - math.exp(-1.0 / p.sost_days)),
    }


def factors(levels: Mapping[str, float], params: ActionParams) -> dict[str, float]:
    """Factors on properties of cells from the levels of today.

    Parameters
    ----------
    levels : mapping of str to float
        A level that is missing counts as that of a healthy person without drugs.
    params : ActionParams

    Returns
    -------
    dict of str to float
        Every factor of `trabsim.factors`, exactly neutral without drug and disease.
    """
    p, get = params, levels.get
    x, pulses = get("pth_exposure", 0.0), saturated(get("pth_pulse_on", 0.0), p)
    igf1, gh = felt_igf1(levels, p), get("gh_relative", 1.0)
    steroid, androgen = get("glucocorticoid_effect", 0.0), androgen_shift(levels, p)
    return {
        "serm_competitor": get("serm_occupancy", 0.0),
        "serm_efficacy": get("serm_efficacy", 0.0),
        "aromatase_activity": 1.0 - p.aromatase_block_share * get("aromatase_inhibition", 0.0),
        "rankl_factor": rankl_by_exposure(x, p)
        * (1.0 + p.rankl_gain_by_glucocorticoid * steroid)
        * igf1**p.rankl_igf1_exponent,
        "opg_factor": (1.0 - p.opg_loss_by_glucocorticoid * steroid)
        / (1.0 + p.opg_loss_by_exposure * max(x, 0.0)),
        "rankl_binder": get("denosumab_ng_per_mL", 0.0) / p.denosumab_half_ng_per_mL,
        "sclerostin_factor": free_sclerostin(get("romosozumab_ug_per_mL", 0.0), p)
        * get("sost_made", 1.0)
        / (1.0 + p.sclerostin_loss_by_pulses * pulses)
        * (1.0 - p.sclerostin_loss_by_androgen * androgen),
        "activation_factor": igf1**p.activation_igf1_exponent,
        "osteoclast_life_factor": 1.0 + p.osteoclast_life_gain_by_glucocorticoid * steroid,
        "gathering_factor": igf1**p.gathering_igf1_exponent
        * (1.0 - p.gathering_loss_by_glucocorticoid * steroid),
        "osteoblast_recruitment_factor": (1.0 + p.recruitment_gain_by_pulses * pulses)
        * igf1**p.recruitment_igf1_exponent
        * (1.0 + p.recruitment_gain_by_gh * (2.0 * gh / (1.0 + gh) - 1.0))
        * (1.0 + p.recruitment_gain_by_androgen * androgen)
        * (1.0 + p.recruitment_gain_by_progestogen * get("progestogen_exposure", 0.0)),
        "matrix_rate_factor": igf1**p.matrix_igf1_exponent,
        "osteoblast_death_factor": (1.0 + p.death_gain_by_glucocorticoid * steroid)
        / (1.0 + p.death_loss_by_pulses * pulses)
        / igf1**p.death_igf1_exponent
        * (1.0 - p.death_loss_by_androgen * androgen),
        "modeling_drive": p.modeling_gain_by_pulses * pulses,
        "osteocyte_death_factor": 1.0 + p.osteocyte_death_gain_by_glucocorticoid * steroid,
    }


class HormoneAction(Process):
    """Turn hormone and drug levels of today into factors on properties of cells."""

    name = "hormone_action"
    reads = ("levels",)
    writes = ("levels",)
    references = (
        "doi:10.1007/s00198-007-0394-0",
        "doi:10.1359/JBMR.050602",
        "doi:10.1002/jbmr.128",
    )

    def __init__(self, params: ActionParams, backend: Any):
        super().__init__(params, backend)

    def apply(self, state: State, clock: Clock) -> None:
        levels = state.levels
        for name, value in answers(levels, self.params).items():
            levels[name] = value
        for name, value in factors(levels, self.params).items():
            levels[name] = value
