"""The bone surface of today: where cells can sit, and how much area each voxel holds.

A voxel that is at least half bone counts as bone; the surface is every bone voxel with marrow among its 26
neighbors.  Area comes from the gradient of the bone fraction (coarea formula), not from counting voxels or
faces, so that it does not depend on how the lattice lies.  Half of the gradient of a boundary falls on its bone
side, hence the factor 2; on thin bone both faces count.

References
----------
Zucker & Hummel 1981, IEEE Trans Pattern Anal 3:324 (3-D gradient operator)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trabsim.clock import Clock
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import FULL, Phase, State

#: Sum of the positive weights of the 3 x 3 x 3 gradient operator, times the two voxels it spans.
GRADIENT_NORM = 32


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
    """

    index: Any
    area_um2: Any
    active: Any
    block_phi: Any = None

    def position_of(self, xp: Any, voxels: Any) -> Any:
        """Rows of `voxels` in `index`; meaningless for voxels that are not on the surface."""
        return xp.minimum(xp.searchsorted(self.index, voxels), max(int(self.index.shape[0]) - 1, 0))


def surface_area_um2(xp: Any, variation: Any, voxel_size_um: float) -> Any:
    """Area of each surface voxel (um2) from the variation of bone around it, int64 of shape (n, 3)."""
    v = variation.astype(xp.float64)
    length = xp.sqrt(v[:, 0] * v[:, 0] + v[:, 1] * v[:, 1] + v[:, 2] * v[:, 2])
    return length * (2.0 * voxel_size_um * voxel_size_um / (GRADIENT_NORM * FULL))


class SurfaceParams(Params):
    """``[surface]``: nothing to set but what a reader should know."""

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

    def apply(self, state: State, clock: Clock) -> None:
        xp = self.backend.xp
        index, variation = self.backend.surface(state.bone, FULL, state.tissue)
        area = surface_area_um2(xp, variation, state.voxel_size_um)
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
        credit = state.credit.ravel()
        state.count("credit_covered", int(credit[gone].astype("int64").sum()))
        credit[gone] = 0
        state.phase.ravel()[gone] = Phase.QUIESCENT
        state.erosion_depth_nm.ravel()[gone] = 0
        state.gathered.ravel()[gone] = 0
        return stays
