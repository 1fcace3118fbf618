"""Reversal: osteoprogenitors gather on eroded surface, then formation starts, or the site arrests.

They gather in proportion to the credit that resorption left, to Wnt signaling and to the osteoprogenitors at hand.
When enough have come, the credit is paid out as osteoblasts: as many as lay down that volume in their lives, times the
bone balance, at most a few layers.  Surface that stays below threshold is abandoned and counts as eroded.

References
----------
Lassen et al. 2017, J Bone Miner Res 32 (coupling needs a density of osteoprogenitors)
Andersen et al. 2013, Am J Pathol 183:235 (arrested reversal)
Eriksen 1986, Endocr Rev 7:379, doi:10.1210/edrv-7-4-379 (length of the reversal)
"""

from __future__ import annotations

from typing import Any

from trabsim.agents.osteoblasts import OsteoblastParams, lifetime_volume_um3
from trabsim.clock import Clock
from trabsim.credit import WAITING, hand_over
from trabsim.factors import factor
from trabsim.lattice import around, block_of, neighbors_26, repeat_rows
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import Phase, State
from trabsim.units import UM2_PER_MM2


class ReversalParams(Params):
    """``[reversal]``."""

    gathering_days: float = param(
        34.0,
        "time to gather enough osteoprogenitors on a typical site",
        source="Eriksen 1986 doi:10.1210/edrv-7-4-379: reversal of about a month",
        gt=1,
    )
    contact_memory_days: int = param(
        2,
        "days after the last contact when gathering begins",
        source="assumed: osteoclasts have moved on",
        ge=1,
    )
    abandon_days: int = param(
        120,
        "days after the last contact when a site is given up",
        source="assumed: Andersen 2013 finds arrested surfaces after months",
        ge=10,
    )
    half_credit_um: float = param(
        10.0,
        "credit per area at which gathering has half its highest speed",
        source="assumed: shallow scrapes attract few cells",
        gt=0,
    )
    balance: float = param(
        0.99,
        "matrix formed per matrix resorbed in a young adult",
        source="calibrated: premenopausal drift of BV/TV about -0.3 %/year",
        gt=0,
        le=2,
    )
    layer_per_mm2: float = param(5000.0, "osteoblasts in one layer", source="assumed: 200 um2 each", gt=0)
    most_layers: float = param(3.0, "most layers recruited at once", source="assumed: crowding", gt=0)
    reach_um: float = param(
        60.0,
        "how far osteoprogenitors spread from where more is owed than a team can pay back, or from what vanished",
        source="calibrated: shorter loses what thin struts owed, longer makes the others thicker",
        gt=0,
        le=120,
    )
    progenitor_divisions: int = param(
        4,
        "divisions between osteoprogenitor and osteoblast",
        source="assumed: 16 osteoblasts each",
        ge=0,
        le=10,
    )
    progenitors_half: float = param(
        10.0,
        "osteoprogenitors per block at half speed of gathering",
        source="assumed: rarely limiting in health",
        ge=0,
    )
    osteoblasts_per_stimulus: float = param(
        0.3,
        "more osteoblasts per unit of the osteocytes' mechanical stimulus",
        source="calibrated: more of it thickens what is left after menopause (Tb.Th), less loses it too fast",
        ge=0,
    )
    osteoblasts_least: float = param(
        0.2, "fewest osteoblasts where nothing is felt, relative", source="assumed: some always come", ge=0
    )
    osteoblasts_most: float = param(
        2.0, "most osteoblasts under strong load, relative", source="assumed: crowding", ge=1
    )
    wnt_exponent: int = param(
        1, "power of Wnt signaling in the speed of gathering", source="assumed: proportional", ge=0, le=3
    )


def gathering_speed(
    thickness_um: Any, wnt: Any, progenitors: Any, full: float, params: ReversalParams
) -> Any:
    """Share of the needed osteoprogenitors that arrive today.

    Parameters
    ----------
    thickness_um : float64 array
        Credit per eroded area around the voxel.
    wnt : float64 array
        Wnt signaling, 1 in health.
    progenitors : float64 array
        Osteoprogenitors in the marrow block.
    full : float
        Their number where none are used up; there, with 40 um of credit and wnt = 1, the speed is
        ``1 / gathering_days``.
    """
    half, cells = params.half_credit_um, params.progenitors_half
    by_credit = thickness_um / (thickness_um + half) * (40.0 + half) / 40.0
    by_cells = progenitors / (progenitors + cells) * (full + cells) / full
    return by_credit * by_cells * wnt**params.wnt_exponent / params.gathering_days


class Reversal(Process):
    """Gather osteoprogenitors, start formation, abandon what waits too long."""

    name = "reversal"
    reads = (
        "phase",
        "exposed",
        "site",
        "credit",
        "contact_day",
        "wnt",
        "strain_signal",
        "osteoprogenitors",
        "levels",
    )
    writes = (
        "phase",
        "credit",
        "gathered",
        "erosion_depth_nm",
        "contact_day",
        "osteoblasts",
        "osteoprogenitors",
        "counters",
    )
    references = (
        "doi:10.1210/edrv-7-4-379",
        "assumed: formation needs enough osteoprogenitors (Lassen 2017), else reversal arrests (Andersen 2013)",
    )

    def __init__(
        self, params: ReversalParams, backend: Any, *, osteoblasts: OsteoblastParams, progenitors_full: int
    ):
        super().__init__(params, backend)
        self.progenitors_full = float(max(progenitors_full, 1))
        self.volume_um3 = lifetime_volume_um3(osteoblasts)

    def apply(self, state: State, clock: Clock) -> None:
        p, active = self.params, state.surface.active
        # bone that came to the surface today is not in today's list of active voxels; its contact is fresh anyway
        active = active[state.exposed.ravel()[active] == 1]
        phase = state.phase.ravel()
        waited = clock.day - state.contact_day.ravel()[active]
        phase[active[(phase[active] == Phase.RESORBING) & (waited >= p.contact_memory_days)]] = Phase.REVERSAL
        self._reinforce(state, clock, active[phase[active] == Phase.FORMING])
        waiting = active[phase[active] == Phase.REVERSAL]
        if int(waiting.shape[0]) == 0:
            return
        self._level(state, waiting)
        self._gather(state, waiting)
        ready = state.gathered.ravel()[waiting] >= 1.0
        late = ~ready & (clock.day - state.contact_day.ravel()[waiting] > p.abandon_days)
        phase[waiting[late]] = Phase.ARRESTED
        if bool(ready.any()):
            self._start_formation(state, clock, waiting[ready])

    def _most_credit(self, state: State, voxels: Any) -> Any:
        """Credit (quanta) that the most crowded team could pay back on each voxel."""
        p, xp, surface = self.params, self.backend.xp, state.surface
        area = surface.area_um2[surface.position_of(xp, voxels)]
        most_cells = p.most_layers * p.layer_per_mm2 * area / UM2_PER_MM2
        return xp.floor(most_cells / self._cells_per_quantum(state)).astype(xp.int64)

    def _cells_per_quantum(self, state: State) -> float:
        return state.quantum_um3 * self.params.balance / self.volume_um3

    def _level(self, state: State, waiting: Any) -> None:
        """Hand half of what no team could pay back to the eroded surface around, day by day."""
        xp = self.backend.xp
        credit = state.credit.ravel()
        excess = credit[waiting].astype(xp.int64) - self._most_credit(state, waiting)
        crowded = waiting[excess > 1]
        if int(crowded.shape[0]) == 0:
            return
        amount = excess[excess > 1] // 2
        credit[crowded] -= amount.astype(xp.int32)
        left = hand_over(self.backend, state, crowded, amount, self.params.reach_um, *WAITING)
        credit[crowded] += left.astype(xp.int32)

    def _gather(self, state: State, waiting: Any) -> None:
        xp = self.backend.xp
        voxels, inside = around(xp, waiting, neighbors_26(), state.shape)
        eroded = (
            inside & (state.exposed.ravel()[voxels] == 1) & (state.phase.ravel()[voxels] != Phase.QUIESCENT)
        )
        eroded &= state.phase.ravel()[voxels] != Phase.FORMING
        credit = xp.where(eroded, state.credit.ravel()[voxels].astype(xp.int64), 0).sum(axis=1)
        credit = credit + state.credit.ravel()[waiting]
        thickness = credit * state.quantum_um3 / ((1 + eroded.sum(axis=1)) * self._typical_area(state))
        block = block_of(waiting, state.shape, state.block_voxels)
        speed = gathering_speed(
            thickness,
            state.wnt.ravel()[waiting].astype(xp.float64),
            state.osteoprogenitors[block].astype(xp.float64),
            self.progenitors_full,
            self.params,
        )
        state.gathered.ravel()[waiting] += (speed * factor(state, "gathering_factor")).astype(xp.float32)

    def _typical_area(self, state: State) -> float:
        """Mean area of a surface voxel (um2), in fixed point so that it has no order."""
        area = state.surface.area_um2
        return int((area * 1024.0).astype("int64").sum()) / 1024.0 / max(int(area.shape[0]), 1)

    def _start_formation(self, state: State, clock: Clock, voxels: Any) -> None:
        xp, surface = self.backend.xp, state.surface
        area = surface.area_um2[surface.position_of(xp, voxels)]
        state.phase.ravel()[voxels] = Phase.FORMING
        state.gathered.ravel()[voxels] = 0
        state.erosion_depth_nm.ravel()[voxels] = 0
        state.contact_day.ravel()[voxels] = clock.day
        state.count("formation_started_um2", int(xp.floor(area).astype(xp.int64).sum()))
        self._pay(state, clock, voxels)

    def _reinforce(self, state: State, clock: Clock, forming: Any) -> None:
        """Pay at once the credit that reached a team at work, from erosion that it covered."""
        owing = forming[state.credit.ravel()[forming] > 0]
        if int(owing.shape[0]):
            self._pay(state, clock, owing)

    def _pay(self, state: State, clock: Clock, voxels: Any) -> None:
        """Turn credit into osteoblasts, at most a few layers of them."""
        xp = self.backend.xp
        credit = state.credit.ravel()[voxels].astype(xp.int64)
        felt = 1.0 + self.params.osteoblasts_per_stimulus * state.strain_signal.ravel()[voxels].astype(
            xp.float64
        )
        felt = xp.clip(felt, self.params.osteoblasts_least, self.params.osteoblasts_most)
        felt = felt * factor(state, "osteoblast_recruitment_factor")
        paid = xp.minimum(credit, self._most_credit(state, voxels))
        state.count("credit_capped", int((credit - paid).sum()))
        state.count("credit_paid", int(paid.sum()))
        number = Random(self.backend, state.seed).round(
            Stream.OSTEOBLAST_RECRUIT, clock.day, voxels, paid * self._cells_per_quantum(state) * felt
        )
        state.credit.ravel()[voxels] = 0
        self._use_progenitors(state, voxels, number)
        recruit_osteoblasts(self.backend, state, clock, voxels, number)

    def _use_progenitors(self, state: State, voxels: Any, number: Any) -> None:
        xp = self.backend.xp
        used = xp.zeros(state.osteoprogenitors.shape[0], xp.int64)
        self.backend.scatter_add(used, block_of(voxels, state.shape, state.block_voxels), number)
        state.arrays["osteoprogenitors"] = xp.maximum(
            state.osteoprogenitors - used // 2**self.params.progenitor_divisions, 0
        )


def recruit_osteoblasts(
    backend: Any, state: State, clock: Clock, voxels: Any, number: Any, *, modeling: bool = False
) -> None:
    """Place `number` new osteoblasts on each of `voxels` (in rising order), to pay credit or to model."""
    xp = backend.xp
    row = repeat_rows(xp, number)
    n = int(row.shape[0])
    if n == 0:
        return
    first = state.new_ids("osteoblast", n)
    state.osteoblasts.append(
        xp,
        id=xp.arange(first, first + n, dtype=xp.int64),
        voxel=voxels[row],
        birth_day=xp.full(n, clock.day),
        site=state.site.ravel()[voxels[row]],
        owed=xp.zeros(n, xp.int64),
        modeling=xp.full(n, modeling),
    )
    state.count("osteoblasts_born", n)
