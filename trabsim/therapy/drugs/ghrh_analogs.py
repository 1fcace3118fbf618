"""Sermorelin, CJC-1295 and tesamorelin: they drive the GHRH receptor of the pituitary.

None of them was tried on human bone in a controlled trial: what the model says of them is a hypothesis.  Their drive is
measured by what tesamorelin 2 mg/day does to IGF-1.

References
----------
Gonzalez-Sales et al. 2015, Clin Pharmacokinet 54:95, doi:10.1007/s40262-014-0202-x (tesamorelin)
Teichman et al. 2006, J Clin Endocrinol Metab 91:799, doi:10.1210/jc.2005-1536 (CJC-1295)
Vittone et al. 1997, Metabolism 46:89 (sermorelin)
"""

from __future__ import annotations

from typing import ClassVar

from trabsim.params import Params, param
from trabsim.therapy.therapy import BY_GROWTH, Memory, OneCompartmentDrug, OneCompartmentParams


class GhrhParams(OneCompartmentParams):
    """Pharmacokinetics and drive."""

    standard_mg_per_day: float = param(
        2.0,
        "daily dose that drives like tesamorelin 2 mg/day",
        source="assumed: tesamorelin is the measure",
        gt=0,
    )


class GhrhAnalog(OneCompartmentDrug):
    """What the three have alike."""

    params_class: ClassVar[type[Params]] = GhrhParams
    concentration = ("pg_per_mL", 1e6)
    routes = ("subcutaneous",)
    sets = ("ghrh_drive",)
    enters = BY_GROWTH
    evidence = "hypothesis"

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"ghrh_drive": self.flow(concentration) / self.params.standard_mg_per_day}


class SermorelinParams(GhrhParams):
    """``[drug.sermorelin]``."""

    bioavailability_fraction: float = param(
        0.06, "share of a dose that reaches plasma", source="assumed: 6 % in the former label", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.1, "half-life under the skin", source="derived: peak 5-20 min after the dose", gt=0
    )
    half_life_hours: float = param(
        0.19, "half-life in plasma", source="assumed: 11-12 min in the former label", gt=0
    )
    volume_L: float = param(
        25.0, "volume of distribution", source="assumed: 23-26 L in the former label", gt=0
    )
    standard_mg_per_day: float = param(
        4.0,
        "daily dose that drives like tesamorelin 2 mg/day",
        source="assumed: 2 mg a night raise IGF-1 by about a third as much (Vittone 1997); shorter-lived",
        gt=0,
    )


class Sermorelin(GhrhAnalog):
    """Sermorelin, GHRH(1-29) (hypothesis)."""

    kind = "sermorelin"
    label_dose = 0.5
    references = ("assumed: Vittone 1997 Metabolism 46:89, without DOI",)
    params_class = SermorelinParams


class Cjc1295Params(GhrhParams):
    """``[drug.cjc_1295]``."""

    bioavailability_fraction: float = param(
        0.8,
        "share of a dose that reaches plasma",
        source="assumed: bound to albumin, hardly lost",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        12.0, "half-life under the skin", source="assumed: peak within two days", gt=0
    )
    half_life_hours: float = param(165.0, "half-life in plasma", source="Teichman 2006: 5.8-8.1 days", gt=0)
    volume_L: float = param(8.0, "volume of distribution", source="assumed: that of albumin", gt=0)
    standard_mg_per_day: float = param(
        0.4,
        "daily dose that drives like tesamorelin 2 mg/day",
        source="assumed: 30-60 ug/kg a week raise IGF-1 by half to threefold (Teichman 2006)",
        gt=0,
    )


class Cjc1295(GhrhAnalog):
    """CJC-1295 with drug affinity complex (hypothesis)."""

    kind = "cjc_1295"
    label_dose = 4.0
    label_every_days = 7.0
    references = ("doi:10.1210/jc.2005-1536",)
    params_class = Cjc1295Params


class TesamorelinParams(GhrhParams):
    """``[drug.tesamorelin]``."""

    bioavailability_fraction: float = param(
        0.04, "share of a dose that reaches plasma", source="assumed: below 4 % in the label", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.1, "half-life under the skin", source="derived: peak 0.15 h after the dose in the label", gt=0
    )
    half_life_hours: float = param(
        0.5, "half-life in plasma", source="Gonzalez-Sales 2015: 26-38 min with the label", gt=0
    )
    volume_L: float = param(20.0, "volume of distribution", source="assumed: the label's 9 L/kg over F", gt=0)


class Tesamorelin(GhrhAnalog):
    """Tesamorelin (hypothesis)."""

    kind = "tesamorelin"
    label_dose = 2.0
    references = ("doi:10.1007/s40262-014-0202-x",)
    params_class = TesamorelinParams
