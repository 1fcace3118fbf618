"""Cells that mix within a day: osteoclast precursors, osteomorphs and osteoprogenitors, counted per marrow block.

Precursors commit with RANK occupancy and need a week to mature; mature ones wait for an open site.  Osteomorphs, the
daughters of dividing osteoclasts, wait in the marrow and join again.  Osteoprogenitors multiply where resorption frees
growth factors.  Every conversion and every step to a neighboring block is a binomial draw.

References
----------
McDonald et al. 2021, Cell 184:1330, doi:10.1016/j.cell.2021.02.002 (osteomorphs)
"""

from __future__ import annotations

from typing import Any

from trabsim.blocks import block_mean
from trabsim.clock import Clock
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import State


class PrecursorParams(Params):
    """``[precursors]``."""

    block_um: float = param(
        160.0,
        "edge of a marrow block in which cells mix within a day",
        source="assumed: cell crawling of 0.1 um/s",
        gt=0,
    )
    precursors_per_block: int = param(
        200,
        "osteoclast precursors where none are used up",
        source="assumed: 5 % of the marrow cells in a block are monocytic",
        ge=0,
        le=5000,
    )
    precursor_renewal_days: float = param(
        20.0, "time in which the pool refills", source="assumed: weeks", gt=1
    )
    commitment_per_day: float = param(
        0.05,
        "share that commits a day at RANK occupancy 1",
        source="assumed: pool turns over in weeks",
        ge=0,
        le=0.3,
    )
    maturation_days: int = param(
        8, "from commitment to a mature precursor", source="assumed: 7-10 days in culture", ge=1, le=60
    )
    mature_per_block: int = param(
        50, "mature precursors at the start", source="derived: steady state of the rates here", ge=0
    )
    mature_life_days: float = param(
        10.0, "how long a mature precursor waits", source="assumed: as long as an osteoclast lives", gt=1
    )
    osteomorph_life_days: float = param(
        60.0, "how long an osteomorph waits", source="assumed: weeks to months (McDonald 2021)", gt=1
    )
    osteoprogenitors_per_block: int = param(
        60,
        "osteoprogenitors where none are used up",
        source="assumed: 1-2 % of the marrow cells",
        ge=0,
        le=5000,
    )
    osteoprogenitor_renewal_days: float = param(
        30.0, "time in which the pool refills", source="assumed: weeks", gt=1
    )
    coupling_gain: float = param(
        1.0,
        "extra osteoprogenitors per unit of freed growth factor, relative to its mean at open sites",
        source="assumed: TGF-beta and IGF-1 from matrix recruit, size not measured",
        ge=0,
    )
    move_per_day: float = param(
        0.2,
        "share of a pool that steps to a neighboring block along an axis",
        source="assumed: mixing over a few blocks a week",
        ge=0,
        le=0.5,
    )


def step_along(xp: Any, pool: Any, forth: Any, back: Any, blocks: tuple[int, int, int], axis: int) -> Any:
    """Move `forth` cells up and `back` cells down `axis`; cells at the ends stay. Keeps the total."""
    shaped = [a.reshape(blocks) for a in (pool, forth, back)]
    stay, up, down = (xp.moveaxis(a, axis, 0).copy() for a in shaped)
    up[-1] = 0
    down[0] = 0
    stay -= up + down
    stay[1:] += up[:-1]
    stay[:-1] += down[1:]
    return xp.moveaxis(stay, 0, axis).reshape(-1).copy()


class PrecursorPools(Process):
    """One day of the pools."""

    name = "precursors"
    reads = ("phi", "coupling", "levels")
    writes = (
        "osteoclast_precursors",
        "osteoclast_committed",
        "osteoclast_mature",
        "osteomorphs",
        "osteoprogenitors",
    )
    references = ("doi:10.1016/j.cell.2021.02.002",)

    def apply(self, state: State, clock: Clock) -> None:
        p, xp = self.params, self.backend.xp
        random = Random(self.backend, state.seed)
        block = xp.arange(state.osteoclast_precursors.shape[0], dtype=xp.int64)
        phi = state.surface.block_phi

        pool = state.osteoclast_precursors
        lacking = xp.maximum(p.precursors_per_block - pool, 0)
        supply = random.binomial(
            Stream.PRECURSOR_SUPPLY, clock.day, block, lacking, 1.0 / p.precursor_renewal_days
        )
        commit = random.binomial(
            Stream.PRECURSOR_COMMIT, clock.day, block, pool, xp.minimum(p.commitment_per_day * phi, 0.5)
        )
        mature = state.osteoclast_mature
        dies = random.binomial(Stream.PRECURSOR_DEATH, clock.day, block, mature, 1.0 / p.mature_life_days)
        stages = state.osteoclast_committed
        state.arrays["osteoclast_precursors"] = pool + supply - commit
        state.arrays["osteoclast_mature"] = mature - dies + stages[:, -1]
        state.arrays["osteoclast_committed"] = xp.concatenate([commit[:, None], stages[:, :-1]], axis=1)

        morphs = state.osteomorphs
        dies = random.binomial(
            Stream.OSTEOMORPH_DEATH, clock.day, block, morphs, 1.0 / p.osteomorph_life_days
        )
        state.arrays["osteomorphs"] = morphs - dies
        self._renew_osteoprogenitors(state, clock, random, block)
        self._move(state, clock, random, block)

    def _renew_osteoprogenitors(self, state: State, clock: Clock, random: Random, block: Any) -> None:
        p, xp, active = self.params, self.backend.xp, state.surface.active
        reference = state.levels.get("coupling_reference", 0.0)
        freed = xp.zeros(block.shape[0], xp.float64)
        if reference > 0 and int(active.shape[0]):
            freed = block_mean(self.backend, active, state.coupling.ravel()[active] / reference, state, 0.0)
        room = xp.floor(
            p.osteoprogenitors_per_block * (1.0 + p.coupling_gain * xp.minimum(freed, 3.0))
        ).astype(xp.int64)
        pool = state.osteoprogenitors
        rate = 1.0 / p.osteoprogenitor_renewal_days
        gain = random.binomial(
            Stream.OSTEOPROGENITOR_SUPPLY, clock.day, block, xp.maximum(room - pool, 0), rate
        )
        loss = random.binomial(
            Stream.OSTEOPROGENITOR_DEATH, clock.day, block, xp.maximum(pool - room, 0), rate
        )
        state.arrays["osteoprogenitors"] = pool + gain - loss

    def _move(self, state: State, clock: Clock, random: Random, block: Any) -> None:
        # one axis a day: in three days a cell has mixed in all directions, at a third of the draws
        axis, p = clock.day % 3, self.params
        streams = {
            "osteoclast_mature": (Stream.PRECURSOR_MOVE, 0),
            "osteomorphs": (Stream.PRECURSOR_MOVE, 2),
            "osteoprogenitors": (Stream.OSTEOPROGENITOR_MOVE, 0),
        }
        for name, (stream, draw) in streams.items():
            pool = state.arrays[name]
            forth = random.binomial(stream, clock.day, block, pool, p.move_per_day / 2, draw)
            back = random.binomial(stream, clock.day, block, pool - forth, p.move_per_day / 2, draw + 1)
            state.arrays[name] = step_along(self.backend.xp, pool, forth, back, state.blocks_shape, axis)
