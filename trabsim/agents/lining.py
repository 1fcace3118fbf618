"""Lining cells: they cover abandoned erosion, recover between remodeling events, and can form bone on their own.

Without high Wnt signaling (drugs, loading) bone formation on quiescent surface is practically absent; with it lining
cells become osteoblasts and use up a reserve that recovers in more than a year.

References
----------
Kim et al. 2012, J Bone Miner Res 27:2075 (lining cells become osteoblasts)
Eriksen et al. 2022, J Bone Miner Res, biopsies of FRAME at month 2 (modeling under romosozumab)
Wein 2017, Curr Mol Biol Rep 3:79, doi:10.1007/s40610-017-0062-x (the same under bone-forming drugs; review)
"""

from __future__ import annotations

from trabsim.agents.reversal import recruit_osteoblasts
from trabsim.clock import Clock
from trabsim.factors import factor
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import Phase, State
from trabsim.units import UM2_PER_MM2


class LiningParams(Params):
    """``[lining]``."""

    cover_days: float = param(
        60.0, "mean time in which lining cells cover abandoned surface", source="assumed: months", gt=1
    )
    recovery_days: float = param(
        450.0,
        "time in which the reserve of lining cells recovers",
        source="assumed: a second anabolic course acts less for over a year",
        gt=30,
    )
    modeling_wnt: float = param(
        1.25,
        "Wnt signaling above which lining cells form bone",
        source="assumed: absent in health, where Wnt stays below 1.15 on nearly all surface",
        gt=1,
    )
    modeling_per_day: float = param(
        0.011,
        "chance a day per unit of Wnt above that",
        source="derived: modeling on 18 % of surface after two months of romosozumab (Eriksen 2022)",
        ge=0,
        le=1,
    )
    modeling_cells_per_mm2: float = param(
        2500.0, "osteoblasts that arise", source="assumed: half a layer", gt=0
    )


class Lining(Process):
    """Cover, recover, and model."""

    name = "lining"
    reads = ("phase", "site", "wnt", "lining_reserve", "credit", "levels")
    writes = (
        "phase",
        "credit",
        "contact_day",
        "gathered",
        "lining_reserve",
        "erosion_depth_nm",
        "osteoblasts",
        "counters",
    )
    references = ("doi:10.1007/s40610-017-0062-x",)

    def apply(self, state: State, clock: Clock) -> None:
        self._cover(state, clock)
        if clock.day % 30 == 0:
            index = state.surface.index
            reserve = state.lining_reserve.ravel()
            reserve[index] = self.backend.xp.minimum(reserve[index] + 30.0 / self.params.recovery_days, 1.0)
        self._model(state, clock)

    def _cover(self, state: State, clock: Clock) -> None:
        active = state.surface.active
        arrested = active[state.phase.ravel()[active] == Phase.ARRESTED]
        if int(arrested.shape[0]) == 0:
            return
        u = Random(self.backend, state.seed).uniform(Stream.LINING_COVER, clock.day, arrested)
        covered = arrested[u < 1.0 / self.params.cover_days]
        credit = state.credit.ravel()
        state.count("credit_uncoupled", int(credit[covered].astype("int64").sum()))
        credit[covered] = 0
        state.phase.ravel()[covered] = Phase.QUIESCENT
        state.erosion_depth_nm.ravel()[covered] = 0
        state.gathered.ravel()[covered] = 0

    def _model(self, state: State, clock: Clock) -> None:
        p, xp, surface = self.params, self.backend.xp, state.surface
        above = state.wnt.ravel()[surface.index].astype(xp.float64) - p.modeling_wnt
        above = above + factor(state, "modeling_drive")
        if not bool((above > 0).any()):
            return
        reserve = state.lining_reserve.ravel()
        quiescent = state.phase.ravel()[surface.index] == Phase.QUIESCENT
        chance = xp.where(
            quiescent, xp.maximum(above, 0.0) * p.modeling_per_day * reserve[surface.index], 0.0
        )
        random = Random(self.backend, state.seed)
        starts = random.uniform(Stream.MODELING_FORMATION, clock.day, surface.index) < chance
        voxels = surface.index[starts]
        if int(voxels.shape[0]) == 0:
            return
        expected = p.modeling_cells_per_mm2 * surface.area_um2[starts] / UM2_PER_MM2
        number = random.round(Stream.MODELING_FORMATION, clock.day, voxels, expected, draw=1)
        reserve[voxels] = 0
        state.phase.ravel()[voxels] = Phase.FORMING
        state.contact_day.ravel()[voxels] = clock.day
        state.count("modeling_osteoblasts", int(number.sum()))
        recruit_osteoblasts(self.backend, state, clock, voxels, number, modeling=True)
