"""Bone that lost contact with the main body is taken out once a month, and counted.

Parts that touch a cut face of the specimen stay: outside they may hang together.
"""

from __future__ import annotations

from typing import Any

from trabsim.clock import Clock
from trabsim.credit import rescue
from trabsim.params import Params, param
from trabsim.process import Every, Process
from trabsim.state import FULL, Phase, State


class FragmentParams(Params):
    """``[fragments]``."""

    every_days: int = param(30, "interval between checks", source="assumed: monthly", ge=1)


def loose_parts(backend: Any, solid: Any) -> Any:
    """Voxels of 6-connected parts that are neither the largest nor touch a face of the lattice.

    Parameters
    ----------
    solid : bool array, shape (z, y, x)

    Returns
    -------
    bool array, shape (z, y, x)
    """
    xp = backend.xp
    labels, n = backend.components(solid, 6)
    if n <= 1:
        return xp.zeros(solid.shape, bool)
    size = xp.bincount(labels.ravel(), minlength=n + 1)
    size[0] = 0
    stays = xp.zeros(n + 1, bool)
    stays[int(xp.argmax(size))] = True
    for axis in range(3):
        for end in (0, -1):
            stays[xp.unique(xp.take(labels, end, axis=axis))] = True
    stays[0] = True
    return ~stays[labels]


class Fragments(Process):
    """Remove loose parts."""

    name = "fragments"
    reads = ("bone",)
    writes = (
        "bone",
        "credit",
        "phase",
        "exposed",
        "surface_bp",
        "buried_bp",
        "osteoblasts",
        "osteocytes",
        "counters",
    )
    references = ("assumed: a piece without contact bears no load and is cleared by macrophages",)

    def __init__(self, params: FragmentParams, backend: Any, *, credit_reach_um: float):
        super().__init__(params, backend)
        self.credit_reach_um = credit_reach_um
        self.every = Every(params.every_days)

    def apply(self, state: State, clock: Clock) -> None:
        xp = self.backend.xp
        # partly filled voxels hang on to the bone they touch, so a part is anything that holds bone at all
        loose = loose_parts(self.backend, state.bone > 0)
        gone = xp.flatnonzero(loose)
        if int(gone.shape[0]) == 0:
            return
        bone, credit = state.bone.ravel(), state.credit.ravel()
        volume = int(bone[gone].astype(xp.int64).sum())
        state.count("resorbed_quanta", volume)
        state.count("fragment_quanta", volume)
        owed = gone[credit[gone] > 0]
        amount = credit[owed].astype(xp.int64)
        state.count("fragments_cleared", 1 if volume * 2 >= FULL else 0)
        if drug := int(state.surface_bp.ravel()[gone].astype(xp.int64).sum()) + int(
            state.buried_bp.ravel()[gone].astype(xp.int64).sum()
        ):
            state.count("bisphosphonate_gone", drug)
            state.surface_bp.ravel()[gone] = 0
            state.buried_bp.ravel()[gone] = 0
        bone[gone] = 0
        credit[gone] = 0
        state.phase.ravel()[gone] = Phase.QUIESCENT
        state.exposed.ravel()[gone] = 0
        # what osteoclasts took is still owed to the bone nearby; what is cleared with the piece is not
        left = rescue(self.backend, state, owed, amount, self.credit_reach_um)
        state.count("credit_fragments", volume + int(left.sum()))
        stranded = loose.ravel()[state.osteoblasts.voxel]
        state.count("osteoblasts_died", int(stranded.sum()))
        state.osteoblasts.keep(~stranded)
        buried = loose.ravel()[state.osteocytes.voxel]
        state.count("osteocytes_removed", int(buried.sum()))
        state.osteocytes.keep(~buried)
