"""Glucocorticoids, as the equivalent dose of prednisolone.

References
----------
Czock et al. 2005, Clin Pharmacokinet 44:61, doi:10.2165/00003088-200544010-00003 (prednisolone)
"""

from __future__ import annotations

from trabsim.params import param
from trabsim.therapy.therapy import Memory, OneCompartmentDrug, OneCompartmentParams


class PrednisoloneParams(OneCompartmentParams):
    """``[drug.prednisolone_equivalent]``."""

    bioavailability_fraction: float = param(
        0.82, "share of a dose that reaches plasma", source="Czock 2005: 82 %", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.4, "half-life of absorption", source="derived: peak 1-2 h after the dose (Czock 2005)", gt=0
    )
    half_life_hours: float = param(3.0, "half-life in plasma", source="Czock 2005: 2-4 h", gt=0)
    volume_L: float = param(42.0, "volume of distribution", source="Czock 2005: 0.4-0.7 L/kg", gt=0)


class Prednisolone(OneCompartmentDrug):
    """Prednisolone by mouth, or what equals it."""

    kind = "prednisolone_equivalent"
    label_dose = 60.0
    routes = ("oral",)
    sets = ("glucocorticoid_mg_per_day",)
    enters = (
        "rankl_factor",
        "opg_factor",
        "osteoblast_death_factor",
        "osteocyte_death_factor",
        "osteoclast_life_factor",
        "gathering_factor",
    )
    evidence = "uncalibrated"
    references = ("doi:10.2165/00003088-200544010-00003",)
    params_class = PrednisoloneParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"glucocorticoid_mg_per_day": self.flow(concentration)}
