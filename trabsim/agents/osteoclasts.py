"""Osteoclasts: they arise at open sites, gain nuclei by fusion, age, and end by apoptosis or fission.

An open site takes on osteoclasts for about three weeks, beside those already there, as far as mature precursors wait
in its marrow block.  Recruitment saturates with RANK occupancy.  Without estrogen they live longer.

References
----------
Manolagas 2000, Endocr Rev 21:115, doi:10.1210/er.21.2.115 (life span)
McDonald et al. 2021, Cell 184:1330, doi:10.1016/j.cell.2021.02.002 (fission into osteomorphs, re-fusion)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from trabsim.clock import Clock
from trabsim.factors import factor
from trabsim.lattice import block_of, centers_um, repeat_rows, voxel_at
from trabsim.lookup import LookupTable
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import State


class OsteoclastParams(Params):
    """``[osteoclasts]``."""

    per_site: float = param(
        56.0,
        "osteoclasts that join a site at RANK occupancy 1",
        source="calibrated: eroded area per site and W.Th",
        gt=0,
    )
    joining_days: int = param(
        20,
        "how long an open site takes on osteoclasts",
        source="assumed: resorption lasts 3-4 weeks with their life of 12 days",
        ge=1,
    )
    recruitment_least: float = param(
        0.7,
        "recruitment per site without RANK occupancy, relative to occupancy 1",
        source="assumed: resorption keeps 10-15 % at lowest occupancy",
        ge=0,
    )
    recruitment_most: float = param(
        1.3,
        "recruitment per site at very high occupancy",
        source="assumed: sites, not precursors, limit",
        ge=0,
    )
    spacing_um: float = param(
        90.0,
        "how far from its neighbor a new osteoclast settles",
        source="calibrated: eroded area of about 0.09 mm2 per site",
        ge=0,
        le=200,
    )
    nuclei_first: int = param(
        7, "nuclei of a new osteoclast", source="assumed: 3-20 nuclei, mean near 8 over life", ge=3, le=20
    )
    nuclei_most: int = param(20, "most nuclei", source="assumed: 3-20 nuclei", ge=3, le=100)
    fusion_per_day: float = param(
        0.25,
        "chance to gain a nucleus a day at RANK occupancy 1; it saturates as recruitment does",
        source="assumed: mean of 8 nuclei over life",
        ge=0,
        le=1,
    )
    life_days: float = param(12.0, "mean life", source="Manolagas 2000: about two weeks", gt=1)
    life_shape: float = param(
        8.0, "shape of the gamma distribution of life", source="assumed: spread of a third", gt=1
    )
    life_gain_without_estrogen: float = param(
        0.1,
        "longer life where estrogen response is 0",
        source="calibrated: late postmenopausal loss; longer life than this loses too much",
        ge=0,
    )
    life_loss_by_drug: float = param(
        0.1,
        "faster use of life where engulfed drug has stopped resorption",
        source="assumed: little, for osteoclasts do not become fewer (Weinstein 2009 doi:10.1056/NEJMoa0802633)",
        ge=0,
    )
    fission_share: float = param(
        0.3,
        "share that ends by fission into osteomorphs at RANK occupancy 1",
        source="assumed: both ends are seen in vivo (McDonald 2021)",
        ge=0,
        le=1,
    )
    nuclei_per_osteomorph: int = param(
        3, "nuclei of one osteomorph", source="assumed: osteomorphs are small", ge=1
    )
    osteomorph_share: float = param(
        0.25,
        "share of new osteoclasts that osteomorphs make up where they abound",
        source="assumed: re-fusion is a minor way to an osteoclast (McDonald 2021)",
        ge=0,
        le=1,
    )
    osteomorph_gain: float = param(
        0.3,
        "extra recruitment where osteomorphs abound",
        source="assumed: they must raise cells per site to matter",
        ge=0,
    )
    osteomorphs_half: float = param(
        10.0, "osteomorphs per block at half of that gain", source="assumed: a third of a site's cells", gt=0
    )


@lru_cache(maxsize=8)
def life_table(mean_days: float, shape: float) -> LookupTable:
    """Quantiles of the gamma distribution of life, days, by probability."""
    from scipy.stats import gamma

    return LookupTable(
        lambda u: np.asarray(gamma.ppf(np.clip(u, 1e-4, 0.9995), shape)) * mean_days / shape, 0.0, 1.0
    )


def recruitment(phi: Any, params: OsteoclastParams) -> Any:
    """Osteoclasts that join a site, relative to RANK occupancy 1: 1 at phi = 1, saturating."""
    low, high = params.recruitment_least, params.recruitment_most
    half = (high - 1.0) / (1.0 - low)
    return low + (high - low) * phi / (phi + half)


def share_out(xp: Any, backend: Any, pool: Any, block: Any, wanted: Any) -> Any:
    """Give waiting cells of each block to those who want them, first come (in the order given) first served.

    Parameters
    ----------
    pool : int64 array, per block
        Waiting cells; lowered in place.
    block, wanted : int64 arrays, one entry per taker
        Takers must stand in an order that does not depend on storage (by id).

    Returns
    -------
    int64 array
        Cells given to each taker.
    """
    n = block.shape[0]
    if n == 0:
        return wanted
    order = xp.argsort(block * n + xp.arange(n, dtype=xp.int64))
    sorted_block, sorted_wanted = block[order], wanted[order]
    before = xp.cumsum(sorted_wanted) - sorted_wanted
    first = xp.searchsorted(sorted_block, sorted_block, side="left")
    before = before - before[first]
    given_sorted = xp.clip(pool[sorted_block] - before, 0, sorted_wanted)
    given = xp.zeros(n, xp.int64)
    given[order] = given_sorted
    backend.scatter_add(pool, block, -given)
    return given


class OsteoclastRecruitment(Process):
    """Let open sites take on osteoclasts, and osteoclasts gain nuclei."""

    name = "osteoclast_recruitment"
    reads = ("phi", "sites")
    writes = ("osteoclasts", "osteoclast_mature", "osteomorphs", "sites", "counters")
    references = ("doi:10.1016/j.cell.2021.02.002",)

    def __init__(self, params: OsteoclastParams, backend: Any, *, with_osteomorphs: bool = True):
        super().__init__(params, backend)
        self.with_osteomorphs = with_osteomorphs

    def apply(self, state: State, clock: Clock) -> None:
        self._fuse(state, clock)
        self._recruit(state, clock)

    def _recruit(self, state: State, clock: Clock) -> None:
        p, xp, sites = self.params, self.backend.xp, state.sites
        sites.keep(clock.day - sites.opened_day < p.joining_days)
        if len(sites) == 0:
            return
        by_id = xp.argsort(sites.id)
        sites.columns = {name: column[by_id] for name, column in sites.columns.items()}
        random = Random(self.backend, state.seed)
        block = block_of(sites.voxel, state.shape, state.block_voxels)
        expected = p.per_site / p.joining_days * recruitment(state.surface.block_phi[block], p)
        if self.with_osteomorphs:
            morphs = state.osteomorphs[block].astype(xp.float64)
            expected = expected * (1.0 + p.osteomorph_gain * morphs / (morphs + p.osteomorphs_half))
        wanted = random.round(Stream.OSTEOCLAST_ARRIVAL, clock.day, sites.id, expected)
        refused = xp.zeros(wanted.shape[0], xp.int64)
        joined = refused
        if self.with_osteomorphs:
            morphs_wanted = xp.minimum(
                random.round(
                    Stream.OSTEOCLAST_ARRIVAL, clock.day, sites.id, wanted * p.osteomorph_share, draw=1
                ),
                wanted,
            )
            joined = share_out(xp, self.backend, state.osteomorphs, block, morphs_wanted)
        joined = joined + share_out(xp, self.backend, state.osteoclast_mature, block, wanted - joined)
        sites.recruits = sites.recruits + joined
        row = repeat_rows(xp, joined)
        if int(row.shape[0]):
            self._place(state, clock, random, row, joined)

    def _place(self, state: State, clock: Clock, random: Random, row: Any, joined: Any) -> None:
        """Put new osteoclasts beside one of the site's own, or where the site opened."""
        p, xp, cells, sites = self.params, self.backend.xp, state.osteoclasts, state.sites
        n = int(row.shape[0])
        first = state.new_ids("osteoclast", n)
        ids = xp.arange(first, first + n, dtype=xp.int64)
        site = sites.id[row]
        position = centers_um(xp, sites.voxel[row], state.shape, state.voxel_size_um)
        if len(cells):
            order = xp.argsort(cells.site * (first + n) + cells.id)
            of_site = cells.site[order]
            start = xp.searchsorted(of_site, site, side="left")
            number = xp.searchsorted(of_site, site, side="right") - start
            pick = xp.floor(random.uniform(Stream.OSTEOCLAST_PLACE, clock.day, ids) * number).astype(xp.int64)
            chosen = order[xp.minimum(start + pick, len(cells) - 1)]
            beside = cells.position_um[chosen] + self._sidestep(clock, random, ids)
            position = xp.where((number > 0)[:, None], beside, position)
        life = life_table(p.life_days, p.life_shape)(
            self.backend, random.uniform(Stream.OSTEOCLAST_LIFE, clock.day, ids)
        )
        cells.append(
            xp,
            id=ids,
            position_um=position,
            heading=xp.zeros((n, 3)),
            nuclei=xp.full(n, p.nuclei_first),
            life_used_days=xp.zeros(n),
            life_days=life,
            site=site,
            drug_load=xp.zeros(n),
            activity=xp.ones(n),
        )
        state.count("osteoclasts_born", n)

    def _sidestep(self, clock: Clock, random: Random, ids: Any) -> Any:
        """A step of `spacing_um` at most along each axis; motion then brings the cell to the bone."""
        xp = self.backend.xp
        steps = [random.uniform(Stream.OSTEOCLAST_PLACE, clock.day, ids, draw) for draw in (1, 2, 3)]
        return (2.0 * xp.stack(steps, axis=-1) - 1.0) * self.params.spacing_um

    def _fuse(self, state: State, clock: Clock) -> None:
        p, xp, cells = self.params, self.backend.xp, state.osteoclasts
        if len(cells) == 0:
            return
        voxel = voxel_at(xp, cells.position_um, state.shape, state.voxel_size_um)
        block = block_of(voxel, state.shape, state.block_voxels)
        chance = p.fusion_per_day * recruitment(state.surface.block_phi[block], p)
        meets = (
            Random(self.backend, state.seed).uniform(Stream.OSTEOCLAST_FUSION, clock.day, cells.id) < chance
        )
        wants = (meets & (cells.nuclei < p.nuclei_most)).astype(xp.int64)
        order = xp.argsort(cells.id)
        gained = xp.zeros(len(cells), xp.int64)
        gained[order] = share_out(xp, self.backend, state.osteoclast_mature, block[order], wants[order])
        cells.nuclei = (cells.nuclei + gained).astype(xp.int32)


class OsteoclastLife(Process):
    """Age osteoclasts; those whose life is used up die or divide into osteomorphs."""

    name = "osteoclast_life"
    reads = ("osteoclasts", "phi", "levels")
    writes = ("osteoclasts", "osteomorphs", "counters")
    references = ("doi:10.1210/er.21.2.115", "doi:10.1016/j.cell.2021.02.002")

    def __init__(self, params: OsteoclastParams, backend: Any, *, with_osteomorphs: bool = True):
        super().__init__(params, backend)
        self.with_osteomorphs = with_osteomorphs

    def apply(self, state: State, clock: Clock) -> None:
        p, cells = self.params, state.osteoclasts
        if len(cells) == 0:
            return
        lacking = 1.0 - state.levels["estrogen_response"]
        longer = (1.0 + p.life_gain_without_estrogen * lacking) * factor(state, "osteoclast_life_factor")
        stopped = 1.0 - cells.activity
        cells.life_used_days = cells.life_used_days + (1.0 + p.life_loss_by_drug * stopped) / longer
        ends = cells.life_used_days >= cells.life_days
        n = int(ends.sum())
        if n == 0:
            return
        if self.with_osteomorphs:
            self._divide(state, clock, ends)
        if load := int(cells.drug_load[ends].sum()):
            state.count("bisphosphonate_gone", load)
        cells.keep(~ends)
        state.count("osteoclasts_died", n)

    def _divide(self, state: State, clock: Clock, ends: Any) -> None:
        p, xp, cells = self.params, self.backend.xp, state.osteoclasts
        voxel = voxel_at(xp, cells.position_um[ends], state.shape, state.voxel_size_um)
        # less RANK signaling drives osteoclasts into fission rather than death
        block = block_of(voxel, state.shape, state.block_voxels)
        chance = p.fission_share * 2.0 / (1.0 + state.surface.block_phi[block])
        divides = (
            Random(self.backend, state.seed).uniform(Stream.OSTEOCLAST_FATE, clock.day, cells.id[ends])
            < chance
        )
        pieces = xp.where(divides, cells.nuclei[ends].astype(xp.int64) // p.nuclei_per_osteomorph, 0)
        self.backend.scatter_add(state.osteomorphs, block, pieces)
