"""Solve the steady fields when cells or geometry have changed enough to matter.

Signals relax within hours, cells change over weeks, so each field is the steady state of
``c - length^2 laplace(c) = source`` in its domain, with no flux through bone walls, cut faces and the edge of the
region of interest.  Bone-bound fields live in bone; marrow fields in marrow and the outermost bone voxel, whose cells
lie in it.  Between two solutions a field stands still; fresh surface takes over the value of what covered it.

References
----------
Lemaire et al. 2004, J Theor Biol 229:293, doi:10.1016/j.jtbi.2004.03.023 (decay rates)
"""

from __future__ import annotations

from typing import Any

from trabsim.blocks import ordered_mean
from trabsim.clock import Clock
from trabsim.errors import InvariantError
from trabsim.fields import secretion
from trabsim.fields.secretion import SecretionParams
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import FULL, State

#: A solution may undershoot by this share of its maximum; more is an error.
UNDERSHOOT = 1e-4


class FieldParams(Params):
    """``[fields]``."""

    rankl_contact_um: float = param(
        60.0, "reach of cell-bound RANKL", source="assumed: osteocyte dendrites reach 60 um", gt=0, le=500
    )
    rankl_soluble_um: float = param(
        200.0,
        "length of soluble RANKL",
        source="derived: D 5 um2/s, decay 10/day (Lemaire 2004)",
        gt=0,
        le=500,
    )
    opg_um: float = param(
        300.0,
        "length of OPG",
        source="assumed: D 40 um2/s and half-life of hours give 300-800 um",
        gt=0,
        le=500,
    )
    sclerostin_um: float = param(
        120.0, "length of sclerostin in the canaliculi", source="assumed: 100-150 um", gt=0, le=500
    )
    coupling_um: float = param(
        45.0,
        "length of freed growth factors",
        source="derived: active TGF-beta lives for minutes",
        gt=0,
        le=500,
    )
    estradiol_um: float = param(
        150.0, "length of locally made estradiol", source="assumed: small lipophilic molecule", gt=0, le=500
    )
    tolerance: float = param(
        5e-5,
        "relative error of a solution",
        source="assumed: far below the spread between cells",
        ge=1e-6,
        le=1e-4,
    )
    refresh_change: float = param(
        0.02,
        "share of surface voxels that may change before fields are solved again",
        source="measured: results agree with daily solutions within Monte-Carlo error",
        gt=0,
        le=1,
    )
    refresh_days: int = param(30, "longest time between solutions", source="assumed: monthly", ge=1)


class FieldRefresh(Process):
    """Solve all fields when due by need."""

    name = "fields"
    reads = (
        "bone",
        "tissue",
        "exposed",
        "osteocytes",
        "osteoblasts",
        "credit",
        "phase",
        "matrix_factor",
        "levels",
    )
    writes = (
        "rankl_contact",
        "rankl_soluble",
        "opg",
        "sclerostin",
        "coupling",
        "estradiol_local",
        "levels",
        "counters",
    )
    references = ("doi:10.1016/j.jtbi.2004.03.023",)

    def __init__(self, params: FieldParams, backend: Any, *, secretion: SecretionParams):
        super().__init__(params, backend)
        self.secretion = secretion

    def apply(self, state: State, clock: Clock) -> None:
        if self._due(state, clock):
            self.solve_all(state, clock)
            state.counters["fields_day"] = clock.day
            state.counters["fields_turnover"] = self._turnover(state)
            state.count("field_refreshes", 1)

    @staticmethod
    def _turnover(state: State) -> int:
        """Quanta resorbed and formed so far: how much geometry has changed."""
        return state.counters.get("resorbed_quanta", 0) + state.counters.get("formed_quanta", 0)

    def _due(self, state: State, clock: Clock) -> bool:
        p, c = self.params, state.counters
        if "fields_day" not in c or clock.day - c["fields_day"] >= p.refresh_days:
            return True
        changed_voxels = (self._turnover(state) - c["fields_turnover"]) / FULL
        return changed_voxels > p.refresh_change * int(state.surface.index.shape[0])

    def solve_all(self, state: State, clock: Clock) -> None:
        """Solve every field from today's cells; the first time also sets the reference values of health."""
        xp, p = self.backend.xp, self.params
        bone_domain = state.bone >= (FULL + 1) // 2
        marrow_domain = ~bone_domain
        marrow_domain |= state.exposed == 1
        marrow_domain &= state.tissue == 1
        bone_domain, marrow_domain = bone_domain.view(xp.uint8), marrow_domain.view(xp.uint8)

        source = secretion.sclerostin_source(state, self.backend, self.secretion)
        self._solve(state, "sclerostin", source, bone_domain, p.sclerostin_um)
        del source
        rankl = secretion.rankl_source(state, self.backend, self.secretion)
        self._solve(state, "rankl_contact", rankl, bone_domain, p.rankl_contact_um)
        # what sits on surface cells is partly shed into the marrow
        rankl[...] = 0
        surface = state.surface
        bound = state.rankl_contact.ravel()[surface.index]
        rankl.ravel()[surface.index] = bound * surface.area_um2.astype(xp.float32)
        self._solve(state, "rankl_soluble", rankl, marrow_domain, p.rankl_soluble_um)
        del rankl
        source = secretion.estradiol_source(state, self.backend, self.secretion)
        self._reference_by_area(state, source, marrow_domain)
        source *= xp.float32(self.secretion.aromatase_pg_per_mL / state.levels["estradiol_local_reference"])
        self._solve(state, "estradiol_local", source, marrow_domain, p.estradiol_um)
        source = secretion.opg_source(state, self.backend, clock.day, self.secretion)
        self._solve(state, "opg", source, marrow_domain, p.opg_um)
        source = secretion.coupling_source(state, self.backend)
        self._solve(state, "coupling", source, marrow_domain, p.coupling_um)
        self._set_references(state)

    def _solve(self, state: State, name: str, source: Any, domain: Any, length_um: float) -> None:
        field = state.arrays[name]
        self.backend.solve_steady(
            source, domain, length_um / state.voxel_size_um, field, self.params.tolerance
        )
        low, high = float(field.min()), float(field.max())
        if low < -UNDERSHOOT * max(high, 0.0) and low < 0:
            raise InvariantError(
                f"field {name} fell to {low:.3g} (maximum {high:.3g}); please report this run"
            )
        if low < 0:
            self.backend.xp.maximum(field, 0, out=field)

    def _reference_by_area(self, state: State, source: Any, domain: Any) -> None:
        """On the first day, find what a healthy surface that secretes 1 per um2 receives of OPG and of estradiol."""
        if "opg_reference" in state.levels:
            return
        for name, length_um in (("opg", self.params.opg_um), ("estradiol_local", self.params.estradiol_um)):
            self._solve(state, name, source, domain, length_um)
            state.levels[f"{name}_reference"] = max(self._surface_mean(state, name), 1e-12)

    def _set_references(self, state: State) -> None:
        for name in ("sclerostin", "rankl_contact", "rankl_soluble"):
            if f"{name}_reference" not in state.levels:
                state.levels[f"{name}_reference"] = max(self._surface_mean(state, name), 1e-12)
        state.levels["opg_mean"] = self._surface_mean(state, "opg") / state.levels["opg_reference"]
        if "coupling_reference" not in state.levels:
            active = state.surface.active
            if int(active.shape[0]):
                mean = ordered_mean(self.backend.xp, state.coupling.ravel()[active])
                if mean > 0:
                    state.levels["coupling_reference"] = mean

    def _surface_mean(self, state: State, name: str) -> float:
        return ordered_mean(self.backend.xp, state.arrays[name].ravel()[state.surface.index])
