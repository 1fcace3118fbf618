"""The bone surface of today: where cells can sit, and how much area each voxel holds.

A voxel that is at least half bone counts as bone; the surface is every bone voxel with marrow among its 26
neighbors.  Area comes from the gradient of the smoothed bone fraction (coarea formula), not from counting voxels
or faces, so that it depends neither on how the lattice lies nor on the size of its voxels; on thin bone both faces
count.

References
----------
Zucker & Hummel 1981, IEEE Trans Pattern Anal 3:324 (3-D gradient operator)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trabsim.clock import Clock
from trabsim.credit import rescue
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import FULL, Phase, State


@dataclass
class Surface:
    """Geometry of the surface.

    Attributes
    ----------
    index : int64 array, shape (n,)
        Raveled surface voxels in rising order.
    area_um2 : float64 array, shape (n,)
        Surface area that each one holds.
    active : int64 array
        Raveled voxels whose phase is not quiescent, in rising order.
    block_phi : float64 array, per marrow block
        Mean RANK occupancy of the block's surface (set where signals are received).
    resorbed : Resorbed or None
        Which bone osteoclasts took today (set where they take it).
    """

    index: Any
    area_um2: Any
    active: Any
    block_phi: Any = None
    resorbed: Any = None

    def position_of(self, xp: Any, voxels: Any) -> Any:
        """Rows of `voxels` in `index`; meaningless for voxels that are not on the surface."""
        return xp.minimum(xp.searchsorted(self.index, voxels), max(int(self.index.shape[0]) - 1, 0))


class SurfaceParams(Params):
    """``[surface]``."""

    smoothing_um: float = param(
        28.28,
        "standard deviation of the smoothing of bone before its area is taken",
        source="assumed: what voxels of 40 um do by themselves; area agrees at 20-40 um but on struts below 120 um",
        ge=0,
        le=100,
    )

    lost_interest_days: int = param(
        5,
        "days after the last osteoblast left until a forming voxel is quiescent again",
        source="assumed: shorter than the wait between two osteoblasts of one team",
        ge=1,
    )


class SurfaceGeometry(Process):
    """Find today's surface and clear what is no longer on it."""

    name = "surface"
    reads = ("bone", "tissue", "contact_day")
    writes = ("exposed", "phase", "credit", "erosion_depth_nm", "gathered", "counters")
    references = ("assumed: area from the gradient of the bone fraction (Zucker & Hummel 1981)",)

    def __init__(self, params: SurfaceParams, backend: Any, *, credit_reach_um: float):
        super().__init__(params, backend)
        self.credit_reach_um = credit_reach_um

    def apply(self, state: State, clock: Clock) -> None:
        xp = self.backend.xp
        h = state.voxel_size_um
        # a mask costs, so none is given where all is tissue
        whole = state.counters["tissue_voxels"] == state.tissue.size
        index, faces = self.backend.surface(
            state.bone, FULL, None if whole else state.tissue, smoothing_voxels=self.params.smoothing_um / h
        )
        area = faces * (h * h)
        state.exposed[...] = 0
        state.exposed.ravel()[index] = 1
        active = xp.flatnonzero(state.phase)
        active = active[self._still_valid(state, clock, active)]
        state.surface = Surface(index=index, area_um2=area, active=active)

    def _still_valid(self, state: State, clock: Clock, active: Any) -> Any:
        """Clear voxels that are buried, gone, or left by their osteoblasts; returns those that stay active."""
        phase = state.phase.ravel()[active]
        forming = phase == Phase.FORMING
        exposed = state.exposed.ravel()[active] == 1
        marrow_side = 2 * state.bone.ravel()[active].astype("int64") < FULL
        left = clock.day - state.contact_day.ravel()[active] > self.params.lost_interest_days
        stays = (exposed | (forming & marrow_side)) & ~(forming & left)
        gone = active[~stays]
        state.phase.ravel()[gone] = Phase.QUIESCENT
        state.erosion_depth_nm.ravel()[gone] = 0
        state.gathered.ravel()[gone] = 0
        self._pass_on_credit(state, gone[state.credit.ravel()[gone] > 0])
        return stays

    def _pass_on_credit(self, state: State, covered: Any) -> None:
        """Hand the credit of buried erosion to what is still open around it."""
        if int(covered.shape[0]) == 0:
            return
        credit = state.credit.ravel()
        amount = credit[covered].astype("int64")
        credit[covered] = 0
        left = rescue(self.backend, state, covered, amount, self.credit_reach_um)
        state.count("credit_covered", int(left.sum()))
