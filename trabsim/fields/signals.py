"""What surface cells receive: RANK occupancy and Wnt signaling, from the fields and the hormones of today.

Binding happens here and only here.  With every quantity relative to healthy bone,

    L_free = L / (1 + O + 2 B),    phi = phi_min + (1 - phi_min) * 3 L_free / (1 + L_free),

so that phi = 1 where L = O = 1 and no antibody binds RANKL (B = 0).  Estradiol lowers RANKL and sclerostin and raises
OPG; free sclerostin inhibits Wnt; Wnt in turn raises OPG and lowers RANKL.

The response to estradiol saturates.  Half of the protection is left at 30 pg/mL, so that loss begins before the final
menstrual period as it does in women; men begin to lose bone, and very low oral doses still work in women, at 10 to
25 pg/mL.

References
----------
Finkelstein et al. 2016, J Clin Invest 126:1114, PMID 26901812
Prestwood et al. 2000, J Clin Endocrinol Metab 85:4462, PMID 11134094
Eghbali-Fatourechi et al. 2003, J Clin Invest 111:1221, doi:10.1172/JCI17215 (RANKL 2-3 times higher after menopause)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trabsim.blocks import block_mean, ordered_mean
from trabsim.clock import Clock
from trabsim.factors import factor
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State

#: Testosterone at which the field of locally made estradiol is solved: that of women.
TESTOSTERONE_REFERENCE_NG_PER_DL = 20.0

SURFACE_FIELDS = ("rankl_contact", "rankl_soluble", "opg", "sclerostin")


class SignalParams(Params):
    """``[signals]``."""

    phi_least: float = param(
        0.08,
        "RANK occupancy without RANKL",
        source="assumed: resorption falls by about 90 % at most under denosumab",
        ge=0,
        lt=1,
    )
    contact_share: float = param(
        0.7,
        "share of RANK signaling by cell-bound RANKL",
        source="assumed: the membrane form is the main one",
        ge=0,
        le=1,
    )
    opg_mean_share: float = param(
        0.5,
        "share of OPG that acts as the volume mean",
        source="assumed: OPG lives for hours to days and spreads over mm",
        ge=0,
        le=1,
    )
    rankl_gain_without_estrogen: float = param(
        1.9,
        "extra RANKL where estrogen response is 0, beside what less Wnt adds",
        source="Eghbali-Fatourechi 2003 doi:10.1172/JCI17215: up to threefold in all",
        ge=0,
    )
    opg_loss_without_estrogen: float = param(
        0.25, "OPG lost where estrogen response is 0", source="assumed: modest", ge=0, lt=1
    )
    sclerostin_gain_without_estrogen: float = param(
        0.25,
        "extra sclerostin where estrogen response is 0",
        source="assumed: estrogen therapy lowers it 20-30 %",
        ge=0,
    )
    wnt_on_rankl: float = param(
        0.6,
        "effect of Wnt on RANKL (down) and OPG (up)",
        source="assumed: eroded surface halves within two months of romosozumab (Chavassieux 2019)",
        ge=0,
        lt=1,
    )
    estrogen_half_pg_per_mL: float = param(
        30.0,
        "estradiol of half response",
        source="calibrated: bone loss begins before the final menstrual period (Sowers 2010, Greendale 2012)",
        gt=0,
    )
    estrogen_reference_pg_per_mL: float = param(
        80.0, "estradiol of response 1", source="assumed: young-adult cycle average, lower end", gt=0
    )


def local_response(
    estradiol: Any,
    params: SignalParams,
    xp: Any,
    *,
    reference_pg_per_mL: float | None = None,
    competitor: float = 0.0,
    efficacy: float = 0.0,
) -> Any:
    """Estrogen response from local estradiol: second-order saturation, 1 at the young-adult level, never above.

    With ``a = (estradiol / half)^2`` and a modulator s of some efficacy the receptor gives
    ``(a + efficacy s) / (1 + a + s)``, relative to what estradiol alone gives at the young-adult level.

    Parameters
    ----------
    estradiol : float64 array
        pg/mL.
    params : SignalParams
    xp : module
    reference_pg_per_mL : float, optional
        Young-adult level of the sex; left out, that of `params`.
    competitor, efficacy : float
        The modulator over what competes like estradiol of half response, and what it achieves alone, 0-1.
    """
    square, half = estradiol * estradiol, params.estrogen_half_pg_per_mL**2
    young = params.estrogen_reference_pg_per_mL if reference_pg_per_mL is None else reference_pg_per_mL
    reference = young**2
    response = (square + efficacy * competitor * half) / (square + half * (1.0 + competitor))
    return xp.minimum(response * ((reference + half) / reference), 1.0)


def rank_occupancy(rankl: Any, opg: Any, phi_least: float, binder: float = 0.0) -> Any:
    """RANK occupancy from RANKL and OPG relative to health; 1 where both are 1 and no antibody binds RANKL.

    A binder of 1 halves free RANKL at healthy OPG: that is how half effect is measured.
    """
    free = rankl / (1.0 + opg + 2.0 * binder)
    return phi_least + (1.0 - phi_least) * 3.0 * free / (1.0 + free)


def wnt_signaling(sclerostin: Any) -> Any:
    """Wnt signaling from free sclerostin relative to health: 1 at 1, at most 2."""
    return 2.0 / (1.0 + sclerostin)


class SurfaceSignals(Process):
    """Set `phi` and `wnt` on the surface."""

    name = "signals"
    reads = (*SURFACE_FIELDS, "estradiol_local", "levels")
    writes = ("phi", "wnt", "levels")
    references = ("doi:10.1172/JCI17215",)

    def __init__(self, params: SignalParams, backend: Any, *, local_estradiol_pg_per_mL: float = 0.0):
        super().__init__(params, backend)
        self.local_estradiol_pg_per_mL = local_estradiol_pg_per_mL

    def _reference(self, levels: Mapping[str, float]) -> float | None:
        """Estradiol at which men's response is 1: in young plasma, and what young testosterone adds in marrow."""
        plasma = levels.get("estrogen_reference_pg_per_mL")
        if plasma is None:
            return None
        made = levels.get("testosterone_reference_ng_per_dL", 0.0) / TESTOSTERONE_REFERENCE_NG_PER_DL
        return plasma + self.local_estradiol_pg_per_mL * made

    def apply(self, state: State, clock: Clock) -> None:
        p, xp, surface = self.params, self.backend.xp, state.surface
        relative = {
            name: state.arrays[name].ravel()[surface.index].astype(xp.float64)
            / state.levels[f"{name}_reference"]
            for name in SURFACE_FIELDS
        }
        # the field is that of marrow at the reference level of testosterone: aromatase is at work at once
        made = state.levels["testosterone_ng_per_dL"] / TESTOSTERONE_REFERENCE_NG_PER_DL
        made *= factor(state, "aromatase_activity")
        local = state.estradiol_local.ravel()[surface.index].astype(xp.float64)
        response = local_response(
            state.levels["estradiol_pg_per_mL"] + local * made,
            p,
            xp,
            reference_pg_per_mL=self._reference(state.levels),
            competitor=factor(state, "serm_competitor"),
            efficacy=factor(state, "serm_efficacy"),
        )
        state.levels["estrogen_response"] = ordered_mean(xp, response)
        lacking = 1.0 - response
        sclerostin = relative["sclerostin"] * (1.0 + p.sclerostin_gain_without_estrogen * lacking)
        wnt = wnt_signaling(sclerostin * factor(state, "sclerostin_factor"))
        by_wnt = 1.0 + p.wnt_on_rankl * (wnt - 1.0)
        rankl = (
            p.contact_share * relative["rankl_contact"] + (1.0 - p.contact_share) * relative["rankl_soluble"]
        )
        rankl = rankl * (1.0 + p.rankl_gain_without_estrogen * lacking) / by_wnt
        opg = (1.0 - p.opg_mean_share) * relative["opg"] + p.opg_mean_share * state.levels["opg_mean"]
        opg = opg * (1.0 - p.opg_loss_without_estrogen * lacking) * by_wnt
        rankl, opg = rankl * factor(state, "rankl_factor"), opg * factor(state, "opg_factor")
        phi = rank_occupancy(rankl, opg, p.phi_least, factor(state, "rankl_binder"))
        for name, values in (("phi", phi), ("wnt", wnt)):
            state.arrays[name][...] = 0  # no signal is left where there is no surface any more
            state.arrays[name].ravel()[surface.index] = values.astype(xp.float32)
        state.levels["phi"] = ordered_mean(xp, phi)
        state.levels["wnt"] = ordered_mean(xp, wnt)
        surface.block_phi = block_mean(self.backend, surface.index, phi, state, 1.0)
