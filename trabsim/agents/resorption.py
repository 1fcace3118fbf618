"""Resorption: each osteoclast removes bone below its footprint, and what it removes is remembered as credit.

The footprint is a smooth disc of about 40 um in um, not in voxels.  All claims are added up in whole quanta before
bone is taken, so the order of cells does not matter.  The volume taken becomes *credit* on the eroded surface: the debt
that osteoblasts will pay back.  A voxel that turns to marrow hands its credit to the eroded voxels around it.

References
----------
Parfitt 1994, J Cell Biochem 55:273, doi:10.1002/jcb.240550303 (remodeling at one site)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from trabsim.agents.osteoclast_motion import front_depth_um, norm, resorbable
from trabsim.clock import Clock
from trabsim.credit import rescue, share_credit
from trabsim.lattice import around, ball, centers_um, neighbors_6, neighbors_26, voxel_at
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import FULL, Phase, State

#: Fixed point of footprint weights.
WEIGHT = 65_536

#: Fields that a freshly exposed voxel takes over until they are next solved.
INHERITED = ("rankl_soluble", "opg", "coupling", "estradiol_local", "phi", "wnt")


class ResorptionParams(Params):
    """``[resorption]``."""

    rate_um3_per_day: float = param(
        6283.0,
        "bone removed by an osteoclast of `typical_nuclei`",
        source="derived: 40 um footprint x 5 um/day (Agerbaek 1991: 4.7 um/day)",
        gt=0,
    )
    typical_nuclei: float = param(
        8.0,
        "nuclei at which the rate holds; it is proportional to nuclei",
        source="assumed: mean over life",
        gt=0,
    )
    footprint_um: float = param(
        40.0,
        "radius at which the footprint fades to nothing; half its weight lies within 20 um",
        source="assumed: footprint of about 40 um",
        gt=10,
        le=120,
    )
    contact_um: float = param(
        20.0,
        "distance that counts as contact",
        source="assumed: half the footprint; the tail would keep resetting the clock of reversal",
        gt=0,
    )


class Resorbed(NamedTuple):
    """What osteoclasts took on one day, for those who follow what lay in the bone.

    Attributes
    ----------
    voxels, claims, taken, before : int64 arrays, one entry per claimed voxel
        Raveled voxel; quanta wanted by all cells, taken, and there before.
    cell, row, share : int64 arrays, one entry per claim
        Row of the osteoclast, row in `voxels`, and quanta it wanted.
    """

    voxels: Any
    claims: Any
    taken: Any
    before: Any
    cell: Any
    row: Any
    share: Any


def footprint_weight(distance_um: Any, radius_um: float, xp: Any) -> Any:
    """Weight of a footprint at a distance (um): ``(1 - (r/R)^2)^2`` in fixed point, int64."""
    inner = xp.maximum(1.0 - (distance_um / radius_um) ** 2, 0.0)
    return xp.floor(inner * inner * WEIGHT).astype(xp.int64)


class Resorption(Process):
    """Take today's bone and keep its credit."""

    name = "resorption"
    reads = ("bone", "tissue", "exposed", "phase", "erosion_depth_nm", "osteoclasts")
    writes = (
        "bone",
        "exposed",
        "phase",
        "site",
        "credit",
        "contact_day",
        "gathered",
        "erosion_depth_nm",
        "counters",
        *INHERITED,
    )
    references = ("doi:10.1002/jcb.240550303",)

    def __init__(
        self, params: ResorptionParams, backend: Any, *, leave_depth_um: float, credit_reach_um: float
    ):
        super().__init__(params, backend)
        self.leave_depth_um = leave_depth_um
        self.credit_reach_um = credit_reach_um

    def apply(self, state: State, clock: Clock) -> None:
        if len(state.osteoclasts) == 0:
            return
        claimed, claims, parts = self._claims(state, clock)
        if int(claimed.shape[0]) == 0:
            return
        xp = self.backend.xp
        bone = state.bone.ravel()
        before = bone[claimed].astype(xp.int64)
        taken = xp.minimum(claims, before)
        bone[claimed] -= taken.astype(xp.int32)
        state.surface.resorbed = Resorbed(claimed, claims, taken, before, *parts)
        state.count("resorbed_quanta", int(taken.sum()))
        becomes_marrow = 2 * bone[claimed].astype(xp.int64) < FULL
        keeps = claimed[~becomes_marrow]
        state.credit.ravel()[keeps] += taken[~becomes_marrow].astype(xp.int32)
        lost, amount = claimed[becomes_marrow], taken[becomes_marrow]
        if int(lost.shape[0]):
            self._hand_over(state, clock, lost, amount)

    def _claims(self, state: State, clock: Clock) -> tuple[Any, Any, tuple[Any, Any, Any]]:
        """Sum what all osteoclasts want of each voxel, and tell who wants what; also marks the voxels in contact."""
        p, xp, cells, h = self.params, self.backend.xp, state.osteoclasts, state.voxel_size_um
        center = voxel_at(xp, cells.position_um, state.shape, h)
        voxels, inside = around(xp, center, ball(p.footprint_um / h + 0.9), state.shape)
        away = centers_um(xp, voxels, state.shape, h) - cells.position_um[:, None, :]
        distance = norm(xp, away)
        depth = front_depth_um(state.bone.ravel()[voxels], state.erosion_depth_nm.ravel()[voxels], h)
        allowed = inside & resorbable(state, xp, voxels) & (depth < self.leave_depth_um)
        weight = xp.where(allowed, footprint_weight(distance, p.footprint_um, xp), 0)
        weight = weight * self._openness(state, voxels) // FULL
        total = weight.sum(axis=1)
        budget = p.rate_um3_per_day / state.quantum_um3 * cells.nuclei / p.typical_nuclei * cells.activity
        share = xp.floor(budget).astype(xp.int64)[:, None] * weight // xp.maximum(total, 1)[:, None]

        nearest = xp.where(allowed, distance, 1e9)
        closest = nearest <= nearest.min(axis=1)[:, None]
        touched = allowed & ((distance <= p.contact_um) | closest)
        self._mark_contact(
            state, clock, voxels[touched], xp.broadcast_to(cells.site[:, None], voxels.shape)[touched]
        )

        wanted = share > 0
        claimed, row = xp.unique(voxels[wanted], return_inverse=True)
        claims = xp.zeros(claimed.shape[0], xp.int64)
        row, part = row.ravel(), share[wanted]
        self.backend.scatter_add(claims, row, part)
        cell = xp.broadcast_to(xp.arange(len(cells), dtype=xp.int64)[:, None], voxels.shape)[wanted]
        return claimed, claims, (cell, row, part)

    def _openness(self, state: State, voxels: Any) -> Any:
        """Faces of each voxel that lie open to marrow, in quanta: acid works where there is a face to work on.

        Without this a voxel would be hollowed out below bone that still covers it.
        """
        xp, bone = self.backend.xp, state.bone.ravel()
        tissue, flat = state.tissue.ravel(), voxels.ravel()
        faces = xp.zeros(flat.shape, xp.int64)
        for offset in neighbors_6():
            near, inside = around(xp, flat, offset[None, :], state.shape)
            near, inside = near.ravel(), inside.ravel()
            faces += xp.where(inside & (tissue[near] == 1), FULL - bone[near], 0)
        return faces.reshape(voxels.shape)

    def _mark_contact(self, state: State, clock: Clock, voxels: Any, sites: Any) -> None:
        xp = self.backend.xp
        if int(voxels.shape[0]) == 0:
            return
        touched, row = xp.unique(voxels, return_inverse=True)
        site = xp.full(touched.shape[0], 2**31 - 1, xp.int64)
        self.backend.scatter_min(site, row.ravel(), sites)
        on_bone = state.exposed.ravel()[touched] == 1  # crumbs on the marrow side carry no surface state
        touched, site = touched[on_bone], site[on_bone]
        state.phase.ravel()[touched] = Phase.RESORBING
        state.contact_day.ravel()[touched] = clock.day
        state.gathered.ravel()[touched] = 0
        state.site.ravel()[touched] = site

    def _hand_over(self, state: State, clock: Clock, lost: Any, amount: Any) -> None:
        """Pass the credit of voxels that became marrow to the eroded bone around them."""
        xp = self.backend.xp
        credit, phase, exposed = state.credit.ravel(), state.phase.ravel(), state.exposed.ravel()
        amount = amount + credit[lost]
        credit[lost] = 0
        voxels, inside = around(xp, lost, neighbors_26(), state.shape)
        bone_side = 2 * state.bone.ravel()[voxels].astype(xp.int64) >= FULL
        heirs = inside & bone_side & (phase[voxels] != Phase.FORMING) & (state.tissue.ravel()[voxels] == 1)
        fresh = heirs & (exposed[voxels] == 0)
        self._expose(state, clock, lost, voxels, fresh)
        eroded = heirs & (phase[voxels] != Phase.QUIESCENT)
        chosen = xp.where(eroded.any(axis=1)[:, None], eroded, heirs)
        left = share_credit(self.backend, state, voxels, chosen, amount)
        heirs = voxels[chosen]
        new = heirs[phase[heirs] == Phase.QUIESCENT]
        phase[new] = Phase.RESORBING
        state.contact_day.ravel()[new] = clock.day
        state.gathered.ravel()[new] = 0
        phase[lost] = Phase.QUIESCENT
        exposed[lost] = 0
        orphan = left > 0  # the last of a strut: no bone beside it
        if bool(orphan.any()):
            left = rescue(self.backend, state, lost[orphan], left[orphan], self.credit_reach_um)
            state.count("credit_unplaced", int(left.sum()))

    def _expose(self, state: State, clock: Clock, lost: Any, voxels: Any, fresh: Any) -> None:
        """Give bone that comes to the surface its depth, its site and the signals of the voxel that covered it."""
        xp, h = self.backend.xp, state.voxel_size_um
        opened, row = xp.unique(voxels[fresh], return_inverse=True)
        if int(opened.shape[0]) == 0:
            return
        row = row.ravel()
        parent_row = xp.broadcast_to(xp.arange(lost.shape[0])[:, None], voxels.shape)[fresh]
        offsets = xp.asarray(neighbors_26())
        step = norm(xp, offsets.astype(xp.float64)) * (h * 1000.0)
        step = xp.broadcast_to(xp.floor(step).astype(xp.int64)[None, :], voxels.shape)[fresh]
        depth = xp.full(opened.shape[0], 2**31 - 1, xp.int64)
        self.backend.scatter_min(
            depth, row, state.erosion_depth_nm.ravel()[lost[parent_row]].astype(xp.int64) + step
        )
        parent = xp.full(opened.shape[0], 2**62, xp.int64)
        self.backend.scatter_min(parent, row, lost[parent_row])
        state.erosion_depth_nm.ravel()[opened] = depth.astype(xp.int32)
        state.exposed.ravel()[opened] = 1
        state.phase.ravel()[opened] = Phase.RESORBING
        state.contact_day.ravel()[opened] = clock.day
        state.gathered.ravel()[opened] = 0
        state.site.ravel()[opened] = state.site.ravel()[parent]
        for name in INHERITED:
            values = state.arrays[name].ravel()
            values[opened] = values[parent]
