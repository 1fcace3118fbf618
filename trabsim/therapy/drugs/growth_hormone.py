"""Recombinant human growth hormone under the skin.

References
----------
Bidlingmaier & Strasburger 2010, Handb Exp Pharmacol 195:187 (pharmacokinetics)
"""

from __future__ import annotations

from trabsim.params import param
from trabsim.therapy.therapy import BY_GROWTH, MASS, Memory, OneCompartmentDrug, OneCompartmentParams


class GrowthHormoneParams(OneCompartmentParams):
    """``[drug.rhgh]``."""

    bioavailability_fraction: float = param(
        0.75, "share of a dose that reaches plasma", source="assumed: 70-80 % in labels", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        3.0, "half-life under the skin", source="derived: peak 4-6 h after the dose", gt=0
    )
    half_life_hours: float = param(
        0.4, "half-life in plasma", source="assumed: 20-30 min into a vein; absorption sets the pace", gt=0
    )
    volume_L: float = param(5.0, "volume of distribution", source="assumed: 70 mL/kg", gt=0)


class GrowthHormone(OneCompartmentDrug):
    """Growth hormone; 1 mg is 3 IU."""

    kind = "rhgh"
    units = {**MASS, "IU": 1.0 / 3.0}  # noqa: RUF012
    label_dose = 0.7
    routes = ("subcutaneous",)
    sets = ("gh_drug_mg_per_day",)
    enters = BY_GROWTH
    evidence = "calibrated"
    references = ("assumed: Bidlingmaier 2010 Handb Exp Pharmacol 195:187, without DOI",)
    params_class = GrowthHormoneParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"gh_drug_mg_per_day": self.flow(concentration)}
