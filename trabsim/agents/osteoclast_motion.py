"""How an osteoclast moves: it looks around on the bone, prefers shallow surface and high RANK occupancy, keeps its
heading, and hurries where it is deep.

Positions are real numbers in um, so that motion does not depend on the lattice; only the candidates it can see are
voxels.

References
----------
Eriksen 1986, Endocr Rev 7:379, doi:10.1210/edrv-7-4-379 (depth of resorption)
"""

from __future__ import annotations

from typing import Any

from trabsim.clock import Clock
from trabsim.lattice import around, ball, centers_um, voxel_at
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import FULL, Phase, State

#: Score of a voxel that cannot be chosen.
FORBIDDEN = -1e9


class MotionParams(Params):
    """``[osteoclast_motion]``."""

    sight_um: float = param(
        60.0,
        "how far it looks around",
        source="assumed: filopodia reach beyond its own width of 40 um",
        gt=10,
        le=120,
    )
    speed_um_per_day: float = param(
        6.0,
        "speed scale",
        source="calibrated: volume per eroded area of about 50 um",
        gt=0,
    )
    most_um_per_day: float = param(15.0, "highest speed", source="assumed: a third of its width a day", gt=0)
    hurry_depth_um: float = param(
        55.0, "depth at which it hurries", source="assumed: near the mean depth", gt=0
    )
    leave_depth_um: float = param(
        45.0,
        "depth beyond which it does not resorb",
        source="calibrated: W.Th near 50 um; Eriksen 1986 has about 60 um at the deepest",
        gt=0,
    )
    shallow_um: float = param(
        10.0, "depth that costs one unit of preference", source="calibrated: wide, even pits (W.Th)", gt=0
    )
    persistence: float = param(
        0.5, "preference for its heading", source="assumed: wandering, not straight", ge=0
    )
    attraction: float = param(
        0.3, "preference per unit of RANK occupancy", source="assumed: weaker than depth", ge=0
    )
    strain_avoidance: float = param(
        0.3,
        "aversion per unit of the osteocytes' mechanical stimulus",
        source="assumed: as weak as the attraction of RANKL",
        ge=0,
    )
    noise: float = param(
        1.0, "random part of the preference", source="assumed: as strong as 25 um of depth", ge=0
    )
    clearance_um: float = param(
        12.0, "distance it keeps to the nearest bone voxel", source="assumed: half its height", ge=0
    )


def front_depth_um(bone: Any, depth_nm: Any, voxel_size_um: float) -> Any:
    """Depth (um) that resorption has reached in voxels: depth of their top plus what is already gone of them."""
    return depth_nm / 1000.0 + (FULL - bone) * (voxel_size_um / FULL)


def resorbable(state: State, xp: Any, voxels: Any) -> Any:
    """Whether an osteoclast can resorb in `voxels`: bone that touches marrow and is not being formed."""
    bone = state.bone.ravel()[voxels]
    touches = (state.exposed.ravel()[voxels] == 1) | (2 * bone.astype(xp.int64) < FULL)
    return (bone > 0) & touches & (state.phase.ravel()[voxels] != Phase.FORMING)


def norm(xp: Any, vector: Any) -> Any:
    """Length along the last axis, of three components, added in fixed order."""
    return xp.sqrt(vector[..., 0] ** 2 + vector[..., 1] ** 2 + vector[..., 2] ** 2)


class OsteoclastMotion(Process):
    """Move every osteoclast."""

    name = "osteoclast_motion"
    reads = ("bone", "exposed", "phase", "erosion_depth_nm", "phi", "strain_signal", "osteoclasts")
    writes = ("osteoclasts",)
    references = ("doi:10.1210/edrv-7-4-379",)

    def apply(self, state: State, clock: Clock) -> None:
        p, xp, cells = self.params, self.backend.xp, state.osteoclasts
        if len(cells) == 0:
            return
        h = state.voxel_size_um
        center = voxel_at(xp, cells.position_um, state.shape, h)
        voxels, inside = around(xp, center, ball(max(p.sight_um / h, 1.75)), state.shape)
        seen = inside & resorbable(state, xp, voxels)
        away = centers_um(xp, voxels, state.shape, h) - cells.position_um[:, None, :]
        distance = norm(xp, away)
        depth = front_depth_um(state.bone.ravel()[voxels], state.erosion_depth_nm.ravel()[voxels], h)
        rows = xp.arange(len(cells))

        nearest = xp.argmin(xp.where(seen, distance, -FORBIDDEN), axis=1)
        here = xp.where(seen[rows, nearest], depth[rows, nearest], 0.0)

        along = away[..., 0] * cells.heading[:, None, 0] + away[..., 1] * cells.heading[:, None, 1]
        along = along + away[..., 2] * cells.heading[:, None, 2]
        noise = Random(self.backend, state.seed).uniform(
            Stream.OSTEOCLAST_MOVE,
            clock.day,
            cells.id[:, None] * 4096 + xp.arange(voxels.shape[1], dtype=xp.int64),
        )
        score = (
            p.persistence * along / (distance + 1.0)
            - depth / p.shallow_um
            + p.attraction * state.phi.ravel()[voxels]
            - p.strain_avoidance * state.strain_signal.ravel()[voxels]
            + p.noise * noise
        )
        score = xp.where(seen & (depth < p.leave_depth_um), score, FORBIDDEN)
        best = xp.argmax(score, axis=1)
        moves = score[rows, best] > FORBIDDEN

        speed = p.speed_um_per_day * (0.3 + (here / p.hurry_depth_um) ** 2)
        reach = xp.minimum(xp.minimum(speed, p.most_um_per_day), distance[rows, best])
        heading = away[rows, best] / xp.maximum(distance[rows, best], 1e-6)[:, None]
        position = cells.position_um + xp.where(moves, reach, 0.0)[:, None] * heading
        cells.heading = xp.where(moves[:, None], heading, cells.heading)

        # stay on the bone while it recedes below: near the voxel's face, whatever the size of the voxel
        to_bone = centers_um(xp, voxels[rows, nearest], state.shape, h) - position
        to_bone = to_bone - xp.clip(to_bone, -0.5 * h, 0.5 * h)
        gap = norm(xp, to_bone)
        pull = xp.maximum(gap - p.clearance_um, 0.0) / xp.maximum(gap, 1e-6)
        pull = xp.where(seen[rows, nearest], pull, 0.0)
        position = position + to_bone * pull[:, None]
        for axis in range(3):
            position[:, axis] = xp.clip(position[:, axis], 0.0, state.shape[axis] * h * (1 - 1e-12))
        cells.position_um = position
