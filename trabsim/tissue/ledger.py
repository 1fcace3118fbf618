"""The laws that must hold at the end of every day; a broken one stops the run and names the place.

Matrix: initial + formed - resorbed = present.  Credit: resorbed = on surface + paid out + lost.  Drug: delivered = on
surface + buried + in osteoclasts + desorbed + gone.  Cells: born - died = alive.  All in whole numbers, so
*equal* means equal.
"""

from __future__ import annotations

from typing import Any

from trabsim.clock import Clock
from trabsim.errors import InvariantError
from trabsim.lattice import unravel
from trabsim.params import Params
from trabsim.process import Process
from trabsim.state import FULL, State

#: Ways in which credit can be lost; each one is counted.
CREDIT_LOSSES = ("credit_capped", "credit_covered", "credit_unplaced", "credit_uncoupled", "credit_fragments")


class LedgerParams(Params):
    """``[ledgers]``: nothing to set; the laws are not optional."""


def matrix_imbalance(state: State) -> int:
    """Quanta by which the matrix ledger is off."""
    c = state.counters
    expected = c["initial_quanta"] + c.get("formed_quanta", 0) - c.get("resorbed_quanta", 0)
    return int(state.bone.sum(dtype="int64")) - expected


def credit_imbalance(state: State) -> int:
    """Quanta by which the credit ledger is off."""
    c = state.counters
    spent = c.get("credit_paid", 0) + sum(c.get(name, 0) for name in CREDIT_LOSSES)
    return int(state.credit.sum(dtype="int64")) + spent - c.get("resorbed_quanta", 0)


def drug_imbalance(state: State) -> int:
    """Quanta by which the ledger of bisphosphonate is off."""
    c = state.counters
    if not c.get("bisphosphonate_delivered", 0):
        return 0
    held = int(state.surface_bp.sum(dtype="int64")) + int(state.buried_bp.sum(dtype="int64"))
    held += int(state.osteoclasts.drug_load.sum())
    out = c.get("bisphosphonate_desorbed", 0) + c.get("bisphosphonate_gone", 0)
    return held + out - c["bisphosphonate_delivered"]


class Ledgers(Process):
    """Check every law."""

    name = "ledgers"
    reads = (
        "bone",
        "tissue",
        "credit",
        "surface_bp",
        "buried_bp",
        "osteoclasts",
        "osteoblasts",
        "osteocytes",
        "counters",
    )
    references = ("assumed: conservation",)

    def apply(self, state: State, clock: Clock) -> None:
        self._equal(clock, "matrix", matrix_imbalance(state), "quanta")
        self._equal(clock, "credit", credit_imbalance(state), "quanta")
        self._equal(clock, "drug", drug_imbalance(state), "quanta")
        c = state.counters
        for kind in ("osteoclasts", "osteoblasts"):
            alive = c.get(f"{kind}_born", 0) - c.get(f"{kind}_died", 0)
            self._equal(clock, kind, len(state.tables[kind]) - alive, "cells")
        alive = c.get("osteocytes_born", 0) - c.get("osteocytes_removed", 0)
        self._equal(clock, "osteocytes", len(state.osteocytes) - alive, "cells")
        self._in_place(state, clock)

    @staticmethod
    def _equal(clock: Clock, what: str, difference: int, unit: str) -> None:
        if difference:
            raise InvariantError(
                f"day {clock.day}: the {what} ledger is off by {difference} {unit}; please report this run"
            )

    def _in_place(self, state: State, clock: Clock) -> None:
        """No voxel above full or below empty, no osteoblast outside the tissue, no osteocyte outside bone."""
        xp = self.backend.xp
        bone = state.bone.ravel()
        for cells, wrong, where in (
            ("osteoblasts", state.tissue.ravel()[state.osteoblasts.voxel] == 0, "tissue"),
            ("osteocytes", 2 * bone[state.osteocytes.voxel].astype(xp.int64) < FULL, "bone"),
        ):
            if bool(wrong.any()):
                table: Any = state.tables[cells]
                row = int(xp.argmax(wrong))
                z, y, x = (int(c) for c in unravel(table.voxel[row], state.shape))
                raise InvariantError(
                    f"day {clock.day}: {cells[:-1]} {int(table.id[row])} stands outside {where}, "
                    f"at voxel ({z}, {y}, {x})"
                )
        for name, value, bad in (("above full", bone.max(), FULL), ("below empty", -bone.min(), 0)):
            if int(value) > bad:
                voxel = int(xp.argmax(bone) if name == "above full" else xp.argmin(bone))
                z, y, x = (int(c) for c in unravel(voxel, state.shape))
                raise InvariantError(f"day {clock.day}: voxel ({z}, {y}, {x}) is {name}")
