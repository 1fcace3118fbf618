"""Osteocytes: where they lie, how long they live.

Osteoblasts that stop forming are buried as osteocytes; osteocytes leave with the bone that osteoclasts remove, and a
few die each year and leave an empty lacuna.  What they secrete is in `trabsim.fields.secretion`.

References
----------
Mullender et al. 1996, Bone 18:109 (osteocyte density in human cancellous bone)
"""

from __future__ import annotations

from typing import Any

from trabsim.clock import Clock
from trabsim.factors import factor
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import FULL, State
from trabsim.units import DAYS_PER_YEAR


class OsteocyteParams(Params):
    """``[osteocytes]``."""

    density_per_mm3: float = param(
        18_000.0,
        "osteocytes per bone volume at the start",
        source="assumed: 14,000-20,000 in human trabecular bone (Mullender 1996: 13,300-17,100)",
        gt=0,
    )
    death_rate_per_year: float = param(
        0.01,
        "share that dies each year",
        source="assumed: about 10-20 % empty lacunae in matrix of a decade's age",
        ge=0,
        le=1,
    )


def lies_in_bone(bone: Any, voxel: Any) -> Any:
    """Whether the voxel of each osteocyte is still bone."""
    return 2 * bone.ravel()[voxel].astype("int64") >= FULL


class OsteocyteTurnover(Process):
    """Take out osteocytes whose bone was resorbed; let a few die."""

    name = "osteocytes"
    reads = ("bone", "osteocytes", "levels")
    writes = ("osteocytes", "counters")
    references = ("assumed: osteocytes leave with their bone, and a few die each year",)

    def apply(self, state: State, clock: Clock) -> None:
        xp = self.backend.xp
        cells = state.osteocytes
        embedded = lies_in_bone(state.bone, cells.voxel)
        lost = len(cells) - int(embedded.sum())
        if lost:
            state.count("osteocytes_removed", lost)
            cells.keep(embedded)
        if clock.day % 30 == 0:
            rate = self.params.death_rate_per_year * 30.0 / DAYS_PER_YEAR
            rate *= factor(state, "osteocyte_death_factor")
            dies = (
                Random(self.backend, state.seed).uniform(Stream.OSTEOCYTE_DEATH, clock.day, cells.id) < rate
            )
            cells.alive = xp.where(dies, 0, cells.alive).astype(xp.uint8)
