"""Formation: osteoblast teams lay down matrix, fill what was eroded, and end as osteocytes, lining cells or by death.

An osteoblast fills one voxel at a time; when it is full the cell moves to unfilled surface that its team supports,
weakly preferring hollows, never onto eroded surface that still waits for its own team.  Its rate wanes with age and
its death thins the team, so wall thickness is not set anywhere: it emerges.

References
----------
Kragstrup et al. 1983, Metab Bone Dis Relat Res 5:17 (apposition, wall thickness)
Manolagas 2000, Endocr Rev 21:115, doi:10.1210/er.21.2.115 (fates)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trabsim.clock import Clock
from trabsim.factors import factor
from trabsim.lattice import around, ball, neighbors_6
from trabsim.lookup import LookupTable, decay_table
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import FULL, Phase, State
from trabsim.units import UM2_PER_MM2

#: A voxel with this much bone counts as filled: sharing the last room rounds down and leaves a few quanta.
FILLED = FULL - FULL // 100


class OsteoblastParams(Params):
    """``[osteoblasts]``."""

    rate_um3_per_day: float = param(
        180.0,
        "matrix made a day by a young osteoblast",
        source="calibrated: 0.9 um/day at 5,000 cells/mm2",
        gt=0,
    )
    rate_half_life_days: float = param(
        150.0,
        "age in which that rate halves",
        source="calibrated: MAR 0.63-0.72 um/day (Lips 1978, Kragstrup 1983)",
        gt=0,
    )
    life_half_days: float = param(
        100.0,
        "half of a team is gone after",
        source="calibrated: MAR and W.Th (Lips 1978, Kragstrup 1983)",
        gt=0,
    )
    oldest_days: int = param(
        65,
        "age at which the last ones stop",
        source="calibrated: formation period of 69-100 days (Lips 1978, Kragstrup 1983)",
        ge=10,
    )
    death_gain_without_estrogen: float = param(
        0.1,
        "faster loss where estrogen response is 0",
        source="assumed: set by hand between losses around menopause (Greendale 2012) and later (PEPI 1996)",
        ge=0,
    )
    most_per_mm2: float = param(8000.0, "highest standing density", source="assumed: crowding", gt=0)
    sight_um: float = param(
        40.0, "how far it looks for unfilled surface", source="assumed: two cell widths", gt=5
    )
    hollow_preference: float = param(
        1.5,
        "preference for hollows, per unit of local bone fraction",
        source="assumed: weak; a strong one piles cells up and follows the lattice",
        ge=0,
    )
    crowding: float = param(
        0.5, "aversion per osteoblast on 625 um2", source="assumed: keeps teams flat", ge=0
    )
    team_preference: float = param(
        3.0, "preference for the own team's surface", source="assumed: teams keep together", ge=0
    )
    osteocyte_share: float = param(
        0.155,
        "share that ends as osteocyte",
        source="derived: osteocyte density over osteoblast density",
        ge=0,
        le=1,
    )
    lining_share: float = param(
        0.16, "share that ends as lining cell", source="derived: 800 lining cells/mm2", ge=0, le=1
    )


def survival(params: OsteoblastParams, days: np.ndarray, death: float = 1.0) -> np.ndarray:
    """Share of a team that still forms at an age (days) with full estrogen response, dying `death` times as fast."""
    alive: np.ndarray = 0.5 ** (days / params.life_half_days * death) * (days < params.oldest_days)
    return alive


def lifetime_volume_um3(params: OsteoblastParams) -> float:
    """Matrix that an osteoblast lays down in its life on average (um3): what one is worth in credit."""
    days = np.arange(params.oldest_days)
    made = params.rate_um3_per_day * 0.5 ** (days / params.rate_half_life_days)
    # rounded, so that the last bits of the power do not matter
    return float(np.round((made * survival(params, days)).sum(), 6))


def team_rates(params: OsteoblastParams) -> LookupTable:
    """Matrix made a day by one osteoblast (um3) by its age in days."""
    return decay_table(params.rate_half_life_days, float(params.oldest_days))


def place(xp: Any, backend: Any, demand: Any, voxel: Any, room: Any, n_voxels: Any) -> Any:
    """Share the room of voxels among the osteoblasts that fill them.

    Parameters
    ----------
    demand : int64 array, per osteoblast
    voxel : int64 array, per osteoblast
        Row of its voxel in `room`.
    room : int64 array, per voxel

    Returns
    -------
    int64 array
        Placed by each: its demand where there is room for all, else its proportional share, rounded down.
    """
    total = xp.zeros(n_voxels, xp.int64)
    backend.scatter_add(total, voxel, demand)
    total_here, room_here = total[voxel], room[voxel]
    return xp.where(total_here <= room_here, demand, demand * room_here // xp.maximum(total_here, 1))


class Formation(Process):
    """Lay down today's matrix, let osteoblasts move on, and end their lives."""

    name = "formation"
    reads = ("bone", "tissue", "phase", "site", "exposed", "osteoblasts", "levels")
    writes = (
        "bone",
        "formed_day",
        "matrix_factor",
        "microdamage",
        "phase",
        "site",
        "contact_day",
        "osteoblasts",
        "osteocytes",
        "counters",
        "rankl_contact",
        "sclerostin",
        "lining_reserve",
    )
    references = ("doi:10.1210/er.21.2.115",)

    def apply(self, state: State, clock: Clock) -> None:
        if len(state.osteoblasts) == 0:
            return
        self._deposit(state, clock)
        self._move_on(state, clock)
        self._end_lives(state, clock)

    # ------------------------------------------------------------------ matrix
    def _deposit(self, state: State, clock: Clock) -> None:
        p, xp, cells = self.params, self.backend.xp, state.osteoblasts
        age = (clock.day - cells.birth_day).astype(xp.float64)
        made = team_rates(p)(self.backend, age) * (p.rate_um3_per_day / state.quantum_um3)
        made = made * factor(state, "matrix_rate_factor")
        random = Random(self.backend, state.seed)
        demand = cells.owed + random.round(Stream.OSTEOBLAST_DEPOSIT, clock.day, cells.id, made)
        filled, row = xp.unique(cells.voxel, return_inverse=True)
        row = row.ravel()
        bone = state.bone.ravel()
        before = bone[filled].astype(xp.int64)
        placed = place(xp, self.backend, demand, row, FULL - before, filled.shape[0])
        cells.owed = demand - placed
        added = xp.zeros(filled.shape[0], xp.int64)
        self.backend.scatter_add(added, row, placed)
        after = before + added
        weight = xp.maximum(after, 1)
        days = state.formed_day.ravel()
        days[filled] = ((days[filled].astype(xp.int64) * before + clock.day * added) // weight).astype(
            xp.int32
        )
        stored = state.matrix_factor.ravel()
        stored[filled] = ((stored[filled] * before + 1.0 * added) / weight).astype(xp.float32)
        damage = state.microdamage.ravel()
        damage[filled] = (damage[filled] * before / weight).astype(xp.float32)
        bone[filled] = after.astype(xp.int32)
        state.count("formed_quanta", int(added.sum()))
        state.count("modeling_formed_quanta", int((placed * cells.modeling).sum()))
        self._mark_forming(state, clock, filled, cells, row)
        turned = filled[(2 * before < FULL) & (2 * after >= FULL)]
        if int(turned.shape[0]):
            self._inherit_signals(state, turned)

    def _mark_forming(self, state: State, clock: Clock, filled: Any, cells: Any, row: Any) -> None:
        xp = self.backend.xp
        site = xp.full(filled.shape[0], 2**31 - 1, xp.int64)
        self.backend.scatter_min(site, row, cells.site)
        state.phase.ravel()[filled] = Phase.FORMING
        state.contact_day.ravel()[filled] = clock.day
        state.site.ravel()[filled] = site
        near, inside = around(xp, filled, neighbors_6(), state.shape)
        near = near[inside]
        near = near[state.phase.ravel()[near] == Phase.FORMING]
        state.contact_day.ravel()[near] = clock.day

    def _inherit_signals(self, state: State, turned: Any) -> None:
        """Bone that has just come into being takes the signals, and the lining cells, of the bone it grew on."""
        xp = self.backend.xp
        near, inside = around(xp, turned, neighbors_6(), state.shape)
        bone_side = (
            inside
            & (2 * state.bone.ravel()[near].astype(xp.int64) >= FULL)
            & (state.exposed.ravel()[near] == 1)
        )
        first = xp.argmax(bone_side, axis=1)
        rows = xp.arange(turned.shape[0])
        source = xp.where(bone_side[rows, first], near[rows, first], turned)
        for name in ("rankl_contact", "sclerostin", "lining_reserve"):
            values = state.arrays[name].ravel()
            values[turned] = values[source]

    # ------------------------------------------------------------------ motion
    def _move_on(self, state: State, clock: Clock) -> None:
        p, xp, cells = self.params, self.backend.xp, state.osteoblasts
        movers = xp.flatnonzero(state.bone.ravel()[cells.voxel] >= FILLED)
        if int(movers.shape[0]) == 0:
            return
        h = state.voxel_size_um
        crowd = xp.zeros(state.shape, xp.int32)
        self.backend.scatter_add(crowd, cells.voxel, xp.ones(len(cells), xp.int32))
        offsets = ball(max(p.sight_um / h, 1.75))
        voxels, inside = around(xp, cells.voxel[movers], offsets, state.shape)
        free, hollow, own = self._fillable(state, voxels, inside, cells.site[movers])
        standing = crowd.ravel()[voxels]
        free &= standing < p.most_per_mm2 * h * h / UM2_PER_MM2
        away = xp.asarray(offsets).astype(xp.float64)
        distance = xp.sqrt((away * away).sum(axis=1)) * h
        noise = Random(self.backend, state.seed).uniform(
            Stream.OSTEOBLAST_MOVE,
            clock.day,
            cells.id[movers][:, None] * 1024 + xp.arange(offsets.shape[0], dtype=xp.int64),
        )
        score = (
            p.hollow_preference * hollow
            - p.crowding * standing * (625.0 / (h * h))
            + p.team_preference * own
            + noise
            - distance[None, :] / p.sight_um
        )
        score = xp.where(free, score, -1e9)
        best = xp.argmax(score, axis=1)
        rows = xp.arange(movers.shape[0])
        found = free[rows, best]
        target = voxels[rows, best]
        cells.voxel[movers[found]] = target[found]

    def _fillable(self, state: State, voxels: Any, inside: Any, site: Any) -> tuple[Any, Any, Any]:
        """Where an osteoblast can go on: unfilled, supported, and not waiting for a team of its own.

        Returns
        -------
        free : bool array
        hollow : float64 array
            Bone among the six neighbors, 0-1.
        own : bool array
            Whether a supporting neighbor belongs to the same site.
        """
        xp = self.backend.xp
        bone, phase, where = state.bone.ravel(), state.phase.ravel(), state.site.ravel()
        free = inside & (bone[voxels] < FILLED) & (state.tissue.ravel()[voxels] == 1)
        bone_side = 2 * bone[voxels].astype(xp.int64) >= FULL
        free &= ~(bone_side & self._waits(phase[voxels]))
        hollow = xp.zeros(voxels.shape, xp.float64)
        supported = bone_side.copy()
        own = where[voxels] == site[:, None]
        flat = voxels.ravel()
        for offset in neighbors_6():
            near, within = around(xp, flat, offset[None, :], state.shape)
            near, within = near.reshape(voxels.shape), within.reshape(voxels.shape)
            solid = within & (2 * bone[near].astype(xp.int64) >= FULL)
            free &= ~(solid & self._waits(phase[near]) & (state.exposed.ravel()[near] == 1))
            supported |= solid
            own |= solid & (where[near] == site[:, None]) & (phase[near] == Phase.FORMING)
            hollow += xp.where(within, bone[near], 0) / (6.0 * FULL)
        return free & supported, hollow, own

    @staticmethod
    def _waits(phase: Any) -> Any:
        return (phase == Phase.RESORBING) | (phase == Phase.REVERSAL) | (phase == Phase.ARRESTED)

    # ------------------------------------------------------------------- fates
    def _end_lives(self, state: State, clock: Clock) -> None:
        p, xp, cells = self.params, self.backend.xp, state.osteoblasts
        random = Random(self.backend, state.seed)
        hazard = float(np.round(np.log(2.0) / p.life_half_days, 12))
        hazard *= 1.0 + p.death_gain_without_estrogen * (1.0 - state.levels["estrogen_response"])
        hazard *= factor(state, "osteoblast_death_factor")
        ends = (random.uniform(Stream.OSTEOBLAST_FATE, clock.day, cells.id) < hazard) | (
            clock.day - cells.birth_day >= p.oldest_days
        )
        n = int(ends.sum())
        if n == 0:
            return
        fate = random.uniform(Stream.OSTEOBLAST_FATE, clock.day, cells.id[ends], draw=1)
        voxel, in_bone = self._nearest_bone(state, cells.voxel[ends])
        buried = (fate < p.osteocyte_share) & in_bone
        lines = (fate >= p.osteocyte_share) & (fate < p.osteocyte_share + p.lining_share)
        state.count("osteoblasts_died", n)
        state.count("osteoblasts_became_lining", int(lines.sum()))
        state.count("unplaced_quanta", int(cells.owed[ends].sum()))
        ids = cells.id[ends][buried]
        order = xp.argsort(ids)
        self._embed(state, clock, voxel[buried][order])
        cells.keep(~ends)

    def _nearest_bone(self, state: State, voxels: Any) -> tuple[Any, Any]:
        """Voxel in which a cell at each of `voxels` would be buried: its own, or else a face neighbor that is bone.

        Returns
        -------
        voxels : int64 array
        found : bool array
        """
        xp = self.backend.xp
        near, inside = around(xp, voxels, ball(1.0), state.shape)  # the voxel itself comes first
        bone_side = inside & (2 * state.bone.ravel()[near].astype(xp.int64) >= FULL)
        rows = xp.arange(voxels.shape[0])
        first = xp.argmax(bone_side, axis=1)
        return near[rows, first], bone_side[rows, first]

    def _embed(self, state: State, clock: Clock, voxels: Any) -> None:
        xp = self.backend.xp
        n = int(voxels.shape[0])
        first = state.new_ids("osteocyte", n)
        state.osteocytes.append(
            xp,
            id=xp.arange(first, first + n, dtype=xp.int64),
            voxel=voxels,
            birth_day=xp.full(n, clock.day),
            reference=xp.zeros(n, xp.float32),
            stimulus=xp.zeros(n, xp.float32),
            alive=xp.ones(n, xp.uint8),
        )
        state.count("osteocytes_born", n)
