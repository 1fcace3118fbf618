"""Glucocorticoid exposure: from the dose, or an excess of the gland, to a relative effect on cells.

The normal secretion of the adrenal gland has no effect here: healthy bone is bone under it.

References
----------
Godschalk & Downs 1988, J Bone Miner Res 3:113 (osteocalcin by dose in healthy men)
Canalis et al. 2007, Osteoporos Int 18:1319, doi:10.1007/s00198-007-0394-0 (review)
"""

from __future__ import annotations

from typing import Any

from trabsim.clock import Clock
from trabsim.endocrine.history import EndocrineParams
from trabsim.endocrine.measured import measured
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State


class GlucocorticoidParams(Params):
    """``[glucocorticoid]``."""

    half_mg_per_day: float = param(
        10.0,
        "prednisolone of half effect",
        source="derived: osteocalcin 83, 78, 74 and 37 % at 10, 15, 20 and 60 mg (Godschalk 1988), more over months",
        gt=0,
    )


def relative_effect(prednisolone_mg_per_day: float, params: GlucocorticoidParams) -> float:
    """Effect from exposure beyond the normal (mg/day of prednisolone): 0 without any, towards 1."""
    return prednisolone_mg_per_day / (prednisolone_mg_per_day + params.half_mg_per_day)


class GlucocorticoidExposure(Process):
    """Set today's effect of glucocorticoids beyond the normal."""

    name = "glucocorticoid"
    reads = ("levels",)
    writes = ("levels",)
    references = ("doi:10.1007/s00198-007-0394-0",)

    def __init__(self, params: GlucocorticoidParams, backend: Any, *, person: EndocrineParams):
        super().__init__(params, backend)
        self.person = person

    def apply(self, state: State, clock: Clock) -> None:
        given = state.levels.get("glucocorticoid_mg_per_day", 0.0)
        person, table = self.person, self.person.glucocorticoid_table
        own = person.glucocorticoid_excess_mg_per_day if table is None else measured(float(clock.day), table)
        exposure = given + own
        state.levels["glucocorticoid_effect"] = relative_effect(exposure, self.params)
