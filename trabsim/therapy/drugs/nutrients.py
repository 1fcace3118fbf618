"""Calcium and vitamin D beside the diet.

What they do to parathyroid hormone stands with the calcium axis, which also keeps the store of 25-hydroxyvitamin D.

References
----------
Jones 2008, Am J Clin Nutr 88:582S, doi:10.1093/ajcn/88.2.582S (pharmacokinetics of vitamin D)
Heaney et al. 1975, J Lab Clin Med 85:881, PMID 1138021 (absorption of calcium)
"""

from __future__ import annotations

from trabsim.params import param
from trabsim.therapy.therapy import Memory, OneCompartmentDrug, OneCompartmentParams


class CalciumParams(OneCompartmentParams):
    """``[drug.calcium]``."""

    bioavailability_fraction: float = param(
        0.3, "share of a dose that is absorbed", source="Heaney 1975: 25-35 %", gt=0, le=1
    )
    absorption_half_life_hours: float = param(
        1.5, "half-life in the gut", source="assumed: a few hours", gt=0
    )
    half_life_hours: float = param(
        3.0,
        "half-life of what was absorbed above the usual",
        source="assumed: in urine or bone by the evening",
        gt=0,
    )
    volume_L: float = param(15.0, "volume of distribution", source="assumed: fluid outside cells", gt=0)


class Calcium(OneCompartmentDrug):
    """Elemental calcium by mouth."""

    kind = "calcium"
    label_dose = 1500.0
    routes = ("oral",)
    concentration = ("mg_per_dL", 0.1)
    sets = ("calcium_supplement_mg_per_day",)
    enters = ("rankl_factor",)
    evidence = "calibrated"
    references = ("assumed: PMID 1138021, without DOI",)
    params_class = CalciumParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"calcium_supplement_mg_per_day": self.flow(concentration)}


class VitaminDParams(OneCompartmentParams):
    """``[drug.vitamin_d]``."""

    bioavailability_fraction: float = param(
        0.8, "share of a dose that is absorbed", source="assumed: 55-99 % in radiolabel studies", gt=0, le=1
    )
    absorption_half_life_hours: float = param(
        6.0, "half-life in the gut", source="derived: peak within a day", gt=0
    )
    half_life_hours: float = param(
        24.0, "half-life until the liver has taken it up", source="Jones 2008: about a day", gt=0
    )
    volume_L: float = param(5.0, "volume of distribution", source="assumed: plasma and liver", gt=0)


class VitaminD(OneCompartmentDrug):
    """Cholecalciferol by mouth; 1 ug is 40 IU."""

    kind = "vitamin_d"
    units = {"IU": 1.0, "ug": 40.0, "mg": 40_000.0}  # noqa: RUF012
    ledger_unit = "IU"
    label_dose = 50_000.0
    label_every_days = 7.0
    routes = ("oral",)
    concentration = ("IU_per_mL", 1e-3)
    sets = ("vitamin_d_supplement_IU_per_day",)
    enters = ("rankl_factor",)
    evidence = "uncalibrated"
    references = ("doi:10.1093/ajcn/88.2.582S",)
    params_class = VitaminDParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"vitamin_d_supplement_IU_per_day": self.flow(concentration)}
