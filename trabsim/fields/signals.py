"""What surface cells receive: RANK occupancy and Wnt signaling, from the fields and the hormones of today.

Binding happens here and only here.  With every quantity relative to healthy bone,

    L_free = L / (1 + O),    phi = phi_min + (1 - phi_min) * 3 L_free / (1 + L_free),

so that phi = 1 where L = O = 1.  Estradiol lowers RANKL and sclerostin and raises OPG; free sclerostin inhibits Wnt;
Wnt in turn raises OPG and lowers RANKL.

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

from typing import Any

from trabsim.blocks import block_mean, ordered_mean
from trabsim.clock import Clock
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State

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
        2.0,
        "extra RANKL where estrogen response is 0",
        source="Eghbali-Fatourechi 2003 doi:10.1172/JCI17215: up to threefold",
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
        0.3,
        "effect of Wnt on RANKL (down) and OPG (up)",
        source="assumed: how sclerostin antibodies lower resorption",
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


def local_response(estradiol: Any, params: SignalParams, xp: Any) -> Any:
    """Estrogen response from local estradiol (pg/mL): second-order saturation, 1 at the young-adult level."""
    square, half = estradiol * estradiol, params.estrogen_half_pg_per_mL**2
    reference = params.estrogen_reference_pg_per_mL**2
    return xp.minimum(square / (square + half) * ((reference + half) / reference), 1.0)


def rank_occupancy(rankl: Any, opg: Any, phi_least: float) -> Any:
    """RANK occupancy from RANKL and OPG relative to health; 1 where both are 1."""
    free = rankl / (1.0 + opg)
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

    def apply(self, state: State, clock: Clock) -> None:
        p, xp, surface = self.params, self.backend.xp, state.surface
        relative = {
            name: state.arrays[name].ravel()[surface.index].astype(xp.float64)
            / state.levels[f"{name}_reference"]
            for name in SURFACE_FIELDS
        }
        estradiol = state.levels["estradiol_pg_per_mL"] + state.estradiol_local.ravel()[surface.index].astype(
            xp.float64
        )
        response = local_response(estradiol, p, xp)
        state.levels["estrogen_response"] = ordered_mean(xp, response)
        lacking = 1.0 - response
        wnt = wnt_signaling(relative["sclerostin"] * (1.0 + p.sclerostin_gain_without_estrogen * lacking))
        by_wnt = 1.0 + p.wnt_on_rankl * (wnt - 1.0)
        rankl = (
            p.contact_share * relative["rankl_contact"] + (1.0 - p.contact_share) * relative["rankl_soluble"]
        )
        rankl = rankl * (1.0 + p.rankl_gain_without_estrogen * lacking) / by_wnt
        opg = (1.0 - p.opg_mean_share) * relative["opg"] + p.opg_mean_share * state.levels["opg_mean"]
        opg = opg * (1.0 - p.opg_loss_without_estrogen * lacking) * by_wnt
        phi = rank_occupancy(rankl, opg, p.phi_least)
        for name, values in (("phi", phi), ("wnt", wnt)):
            state.arrays[name][...] = 0  # no signal is left where there is no surface any more
            state.arrays[name].ravel()[surface.index] = values.astype(xp.float32)
        state.levels["phi"] = ordered_mean(xp, phi)
        state.levels["wnt"] = ordered_mean(xp, wnt)
        surface.block_phi = block_mean(self.backend, surface.index, phi, state, 1.0)
