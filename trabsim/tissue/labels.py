"""Double fluorochrome labels on any pair of days: apposition rate and mineralizing surface as a biopsy shows them.

A label binds where matrix begins to mineralize, which is the matrix laid down one osteoid lag before.  So on that
earlier day the front is noted: which surface forms, and how much matrix each voxel holds.  On the second one the matrix
that has come since tells how far apart the two lines lie.

References
----------
Frost 1969, Calcif Tissue Res 3:211, doi:10.1007/BF02058664 (double labels)
Dempster et al. 2013, J Bone Miner Res 28:2, doi:10.1002/jbmr.1805 (MS/BS = double + half of single label)
"""

from __future__ import annotations

import math
from typing import Any

from pydantic import model_validator

from trabsim.clock import Clock
from trabsim.lattice import around, ball, neighbors_26
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import Phase, State
from trabsim.units import DAYS_PER_YEAR

#: Labels that lie closer than this read as one.
ONE_LINE_UM = 2.0

#: Fastest apposition for which the pair of a line is looked for.
FASTEST_UM_PER_DAY = 1.5

#: Labels further apart are not of one forming site any more.
LONGEST_DAYS = 60


class LabelParams(Params):
    """``[labels]``: when a double label is given."""

    days: tuple[tuple[int, int], ...] = param(
        (),
        "pairs of days after entry on which the two labels are given",
        source="assumed: none; two weeks apart is usual",
    )

    @model_validator(mode="after")
    def _in_order(self) -> LabelParams:
        last = -math.inf
        for first, second in self.days:
            if not first < second <= first + LONGEST_DAYS:
                raise ValueError(
                    f"days holds the pair [{first}, {second}]; "
                    f"give the second label 1-{LONGEST_DAYS} days after the first"
                )
            if first <= last:
                raise ValueError(
                    f"days holds the pair [{first}, {second}] before day {last:g}, "
                    "when the pair before it ends; sort them"
                )
            last = second
        return self


class Labels(Process):
    """Note the front of the first label, and compare on the day of the second."""

    name = "labels"
    reads = ("bone", "tissue", "exposed", "phase")
    writes = ("labels", "levels")
    references = ("doi:10.1007/BF02058664", "doi:10.1002/jbmr.1805")

    def __init__(self, params: LabelParams, backend: Any, *, lag_days: float):
        super().__init__(params, backend)
        self.lag_days = round(lag_days)

    def apply(self, state: State, clock: Clock) -> None:
        front = clock.day + self.lag_days
        for first, second in self.params.days:
            if front == first:
                self._note(state)
            elif front == second and len(state.labels):
                self._compare(state, second, second - first)

    def _note(self, state: State) -> None:
        """Keep the matrix in and around every forming voxel."""
        xp, labels = self.backend.xp, state.labels
        forming = xp.flatnonzero(state.phase == Phase.FORMING)
        near, inside = around(xp, forming, neighbors_26(), state.shape)
        inside &= state.tissue.ravel()[near] == 1
        voxels = xp.unique(xp.concatenate([forming, near[inside]]))
        labels.keep(xp.zeros(len(labels), bool))
        labels.append(
            xp,
            id=voxels,
            bone=state.bone.ravel()[voxels],
            forming=state.phase.ravel()[voxels] == Phase.FORMING,
        )

    def _compare(self, state: State, day: int, interval: int) -> None:
        xp, surface, h = self.backend.xp, state.surface, state.voxel_size_um
        formed, was_forming = self._since(state)
        area = xp.zeros(state.shape, xp.float32)
        area.ravel()[surface.index] = surface.area_um2
        phase = state.phase.ravel()[surface.index]
        exposed = state.exposed.ravel()[surface.index] == 1
        now = surface.index[exposed & (phase == Phase.FORMING)]
        near, inside = around(xp, now, ball(max(FASTEST_UM_PER_DAY * interval / h, 1.75)), state.shape)
        paired = (inside & was_forming.ravel()[near]).any(axis=1)
        forms = inside & (state.phase.ravel()[near] == Phase.FORMING)
        volume = xp.where(inside, formed.ravel()[near], 0).sum(axis=1) * state.quantum_um3
        thickness = volume / xp.maximum(xp.where(forms, area.ravel()[near], 0.0).sum(axis=1), 1e-9)
        double = paired & (thickness >= ONE_LINE_UM)
        size = area.ravel()[now].astype(xp.float64)
        # what formed at the first label and has come to rest shows one line, and so does what began between the two
        rests = exposed & (phase == Phase.QUIESCENT) & was_forming.ravel()[surface.index]
        total = max(float(surface.area_um2.sum()), 1e-9)
        twice = float(size[double].sum())
        once = float(size[~double].sum()) + float(surface.area_um2[rests].sum())
        MAR = float((size * thickness)[double].sum()) / twice / interval if twice else float("nan")
        MS_BS = (twice + 0.5 * once) / total
        state.levels |= {
            "label_day": float(day),
            "label_MAR_um_per_day": MAR,
            "label_MS_BS": MS_BS,
            "label_double_LS_BS": twice / total,
            "label_single_LS_BS": once / total,
            "label_BFR_BS_um_per_year": MAR * MS_BS * DAYS_PER_YEAR,
        }

    def _since(self, state: State) -> tuple[Any, Any]:
        """Matrix (quanta) that each voxel gained since the first label, and whether it formed then."""
        xp, labels = self.backend.xp, state.labels
        formed, was_forming = xp.zeros(state.shape, xp.int32), xp.zeros(state.shape, bool)
        gained = xp.maximum(state.bone.ravel()[labels.id] - labels.bone, 0)
        formed.ravel()[labels.id] = gained
        was_forming.ravel()[labels.id] = labels.forming == 1
        return formed, was_forming
