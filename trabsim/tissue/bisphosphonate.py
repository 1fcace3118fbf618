"""Bisphosphonate in bone: it binds to surface, is buried by new matrix, and is freed again by resorption.

Drug is counted in whole quanta of what 1/16 um2 of quiescent surface takes up in a day at the reference dose, so that
its ledger is exact:

    delivered = on surface + buried in matrix + in osteoclasts + desorbed + gone.

What an osteoclast frees it partly engulfs; engulfed drug lowers its rate of resorption and brings its end a little
nearer (`trabsim.agents.resorption`, `trabsim.agents.osteoclasts`).  Affinity and potency belong to the drug; where
several were given, they are means over all drug in the specimen, weighted by amount.

References
----------
Sato et al. 1991, J Clin Invest 88:2095, doi:10.1172/JCI115539 (where it binds, how much stops an osteoclast)
Weinstein et al. 2009, N Engl J Med 360:53, doi:10.1056/NEJMoa0802633 (osteoclasts do not become fewer)
"""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from trabsim.blocks import ordered_mean
from trabsim.clock import Clock
from trabsim.credit import share_among
from trabsim.lattice import around, ball
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import FULL, Phase, State

#: Quanta of drug in what 1 um2 of quiescent surface takes up in a day at the reference dose.
PER_UM2_DAY = 16

#: Most quanta on the surface of one voxel: thousands of years at the reference dose, far from overflow.
MOST = 2**30


class BisphosphonateParams(Params):
    """``[bisphosphonate]``: how drug lies in bone and acts on a cell; dose, affinity and potency belong to the drug."""

    eroded_preference: float = param(
        5.5,
        "uptake of eroded surface over that of quiescent surface",
        source="Sato 1991 doi:10.1172/JCI115539: label on 72 % of surface below osteoclasts, 13 % of other surface",
        ge=0,
    )
    forming_preference: float = param(
        2.0,
        "uptake of forming surface over that of quiescent surface",
        source="assumed: young mineral binds, osteoid covers it (Sato 1991 finds little there)",
        ge=0,
    )
    burial_days: float = param(
        3.0,
        "time in which forming matrix covers the drug below it",
        source="derived: a layer of 2 um at 0.7 um/day",
        ge=1,
    )
    layer_um: float = param(
        2.0, "depth of bone that holds the drug on its surface", source="assumed: about a micrometer", gt=0
    )
    engulfed_share: float = param(
        0.4, "share of freed drug that the osteoclast engulfs", source="assumed: about half", ge=0, le=1
    )
    recirculated_share: float = param(
        0.4,
        "share of freed drug that binds to surface nearby again; the rest leaves",
        source="assumed: as much as is engulfed",
        ge=0,
        le=1,
    )
    half_load_um2_day: float = param(
        6_500.0,
        "engulfed drug of potency 1 (uptake of 1 um2 of quiescent surface in a day) of half effect",
        source="assumed: by hand toward urinary NTX -72 % in 6 months at 10 mg/day (McClung 2005); 50,000 "
        "would follow from what stops isolated osteoclasts (Sato 1991: 1.3e-3 fmol/um2) and a skeleton of 10 m2",
        gt=0,
    )
    least_activity_share: float = param(
        0.1,
        "rate of resorption that no amount of drug takes away",
        source="assumed: markers reach a floor under high doses",
        ge=0,
        lt=1,
    )
    smoothing_days: float = param(
        30.0,
        "time over which the mean effect is smoothed before the cortical compartment follows it",
        source="assumed: a small specimen has few osteoclasts",
        ge=1,
    )

    @model_validator(mode="after")
    def _shares_fit(self) -> BisphosphonateParams:
        if self.engulfed_share + self.recirculated_share > 1.0:
            raise ValueError(
                f"engulfed_share + recirculated_share = {self.engulfed_share + self.recirculated_share:g} is above 1; "
                "lower one of them"
            )
        return self


def relative_activity(load: Any, potency: float, params: BisphosphonateParams) -> Any:
    """Rate of resorption that a load (quanta, float64 array) leaves, relative to none."""
    effect = load * (potency / (params.half_load_um2_day * PER_UM2_DAY))
    return params.least_activity_share + (1.0 - params.least_activity_share) / (1.0 + effect)


def held_quanta(state: State) -> int:
    """Drug in the specimen, by its ledger."""
    c = state.counters
    out = c.get("bisphosphonate_desorbed", 0) + c.get("bisphosphonate_gone", 0)
    return c.get("bisphosphonate_delivered", 0) - out


def settle_nearby(backend: Any, state: State, voxels: Any, amount: Any, reach_voxels: float) -> None:
    """Bind drug to the surface at and around voxels; what finds none leaves.

    Parameters
    ----------
    voxels : int64 array, shape (n,)
    amount : int64 array, shape (n,)
        Quanta.
    reach_voxels : float
        1 for neighbors through faces, 1.75 for all 26.
    """
    if int(voxels.shape[0]) == 0:
        state.count("bisphosphonate_gone", 0)  # the ledger has its line whether or not anything went
        return
    near, inside = around(backend.xp, voxels, ball(reach_voxels), state.shape)
    takers = inside & (state.exposed.ravel()[near] == 1)
    left = share_among(backend, state.surface_bp, near, takers, amount)
    state.count("bisphosphonate_gone", int(left.sum()))


class BisphosphonateBinding(Process):
    """Bury what new matrix covers, let some go, and take up what plasma delivers today."""

    name = "bisphosphonate_binding"
    reads = ("bone", "exposed", "phase", "surface_bp", "buried_bp", "levels")
    writes = ("surface_bp", "buried_bp", "levels", "counters")
    references = ("doi:10.1172/JCI115539",)

    def apply(self, state: State, clock: Clock) -> None:
        delivery = state.levels.get("bisphosphonate_delivery", 0.0)
        if held_quanta(state) > 0:
            self._move_with_the_surface(state)
            self._bury_and_desorb(state)
        if delivery > 0:
            self._take_up(state, delivery)

    def _move_with_the_surface(self, state: State) -> None:
        """Drug on what is no surface any more: below new matrix it is buried, and it leaves with lost bone."""
        xp = self.backend.xp
        on_surface = state.surface_bp.ravel()
        lost = xp.flatnonzero((state.surface_bp > 0) & (state.exposed == 0))
        if int(lost.shape[0]) == 0:
            return
        amount = on_surface[lost].astype(xp.int64)
        on_surface[lost] = 0
        covered = 2 * state.bone.ravel()[lost].astype(xp.int64) >= FULL
        self._bury(state, lost[covered], amount[covered])
        settle_nearby(self.backend, state, lost[~covered], amount[~covered], 1.75)

    def _bury(self, state: State, voxels: Any, amount: Any) -> None:
        if int(voxels.shape[0]):
            state.buried_bp.ravel()[voxels] += amount.astype(self.backend.xp.int32)
        state.count("bisphosphonate_buried", int(amount.sum(dtype="int64")))

    def _bury_and_desorb(self, state: State) -> None:
        xp, index = self.backend.xp, state.surface.index
        on_surface = state.surface_bp.ravel()
        active = state.surface.active
        forming = active[state.phase.ravel()[active] == Phase.FORMING]
        held = on_surface[forming]
        # whole quanta: what is cut off stays; most forming voxels hold none, or are marrow yet
        some = held >= self.params.burial_days
        some &= state.exposed.ravel()[forming] == 1
        forming, held = forming[some], held[some]
        buried = (held / self.params.burial_days).astype(xp.int32)
        on_surface[forming] = held - buried
        self._bury(state, forming, buried)
        amount = on_surface[index]
        desorbed = (amount * state.levels["bisphosphonate_bound_release_per_day"]).astype(xp.int32)
        on_surface[index] = amount - desorbed
        state.count("bisphosphonate_desorbed", int(desorbed.sum(dtype="int64")))

    def _take_up(self, state: State, delivery: float) -> None:
        p, xp, surface = self.params, self.backend.xp, state.surface
        most = float(surface.area_um2.max()) if int(surface.index.shape[0]) else 0.0
        if most * max(1.0, p.eroded_preference, p.forming_preference) * delivery * PER_UM2_DAY < 1.0:
            return  # the last of a dose, less than a quantum anywhere
        by_phase = {Phase.QUIESCENT: 1.0, Phase.FORMING: p.forming_preference}
        relative = xp.asarray([by_phase.get(phase, p.eroded_preference) for phase in range(5)])
        wanted = (surface.area_um2 * (delivery * PER_UM2_DAY)) * relative[state.phase.ravel()[surface.index]]
        on_surface = state.surface_bp.ravel()
        before = on_surface[surface.index]
        taken = xp.minimum(wanted, float(MOST)).astype(xp.int32)
        taken = xp.minimum(taken, xp.maximum(MOST - before, 0))
        on_surface[surface.index] = before + taken
        self._blend(state, int(taken.sum(dtype="int64")))

    @staticmethod
    def _blend(state: State, added: int) -> None:
        """Potency and affinity of the drug in bone, by amount, after `added` quanta of today's were taken up."""
        held, levels = held_quanta(state), state.levels
        state.count("bisphosphonate_delivered", added)
        share = added / max(held + added, 1) if held else 1.0
        for name in ("potency", "release_per_day"):
            today = levels[f"bisphosphonate_{name}"]
            before = levels.get(f"bisphosphonate_bound_{name}", today)
            levels[f"bisphosphonate_bound_{name}"] = before + (today - before) * share


class BisphosphonateRelease(Process):
    """Free the drug in the bone that was resorbed today: osteoclasts engulf part of it, part binds again."""

    name = "bisphosphonate_release"
    reads = ("exposed", "surface_bp", "buried_bp", "osteoclasts", "levels")
    writes = ("surface_bp", "buried_bp", "osteoclasts", "levels", "counters")
    references = ("doi:10.1172/JCI115539", "doi:10.1056/NEJMoa0802633")

    def apply(self, state: State, clock: Clock) -> None:
        if held_quanta(state) <= 0:
            return
        if state.surface.resorbed is not None:
            self._free(state, state.surface.resorbed)
        self._act(state)

    def _free(self, state: State, resorbed: Any) -> None:
        p, xp = self.params, self.backend.xp
        on_surface, buried = state.surface_bp.ravel(), state.buried_bp.ravel()
        voxels = resorbed.voxels
        depth_nm = resorbed.taken * round(state.voxel_size_um * 1000.0) // FULL
        layer_nm = max(round(p.layer_um * 1000.0), 1)
        off = on_surface[voxels].astype(xp.int64) * xp.minimum(depth_nm, layer_nm) // layer_nm
        out = buried[voxels].astype(xp.int64) * resorbed.taken // xp.maximum(resorbed.before, 1)
        on_surface[voxels] -= off.astype(xp.int32)
        buried[voxels] -= out.astype(xp.int32)
        freed = off + out
        engulfed = xp.floor(freed * p.engulfed_share).astype(xp.int64)
        again = xp.minimum(xp.floor(freed * p.recirculated_share).astype(xp.int64), freed - engulfed)
        # each osteoclast by its part in the bone that was claimed
        row = resorbed.row
        mouthful = engulfed[row] * resorbed.share // resorbed.claims[row]
        load = state.osteoclasts.drug_load.copy()
        self.backend.scatter_add(load, resorbed.cell, mouthful)
        state.osteoclasts.drug_load = load
        total = int(mouthful.sum())
        state.count("bisphosphonate_engulfed", total)
        state.count("bisphosphonate_gone", int((freed - again).sum()) - total)
        some = again > 0
        settle_nearby(self.backend, state, voxels[some], again[some], 1.0)

    def _act(self, state: State) -> None:
        """Let what cells hold slow them; keep the mean for bone outside the lattice."""
        xp, cells, levels = self.backend.xp, state.osteoclasts, state.levels
        if len(cells) == 0:
            return
        cells.activity = relative_activity(
            cells.drug_load.astype(xp.float64), levels["bisphosphonate_bound_potency"], self.params
        )
        nuclei = cells.nuclei.astype(xp.float64)
        mean = ordered_mean(xp, cells.activity * nuclei) / ordered_mean(xp, nuclei)
        before = levels.get("bisphosphonate_activity", 1.0)
        levels["bisphosphonate_activity"] = before + (mean - before) / self.params.smoothing_days
