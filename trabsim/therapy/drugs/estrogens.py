"""Estradiol by mouth and through the skin, and conjugated estrogens.

All are counted as estradiol in plasma.  What is swallowed passes the liver first, where it lowers IGF-1: that is told
apart as `oral_estrogen_exposure`.

References
----------
Kuhl 2005, Climacteric 8 Suppl 1:3, doi:10.1080/13697130500148875 (pharmacology of estrogens by route)
"""

from __future__ import annotations

from trabsim.params import Params, param
from trabsim.therapy.therapy import BY_SEX_STEROIDS, Memory, OneCompartmentDrug, OneCompartmentParams


class EstradiolOralParams(OneCompartmentParams):
    """``[drug.estradiol_oral]``."""

    bioavailability_fraction: float = param(
        0.05, "share of a dose that reaches plasma as estradiol", source="Kuhl 2005: about 5 %", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        1.5, "half-life of absorption", source="derived: peak 4-8 h after the dose (Kuhl 2005)", gt=0
    )
    half_life_hours: float = param(
        15.0,
        "half-life, prolonged by estrone as a store",
        source="Kuhl 2005: 13-20 h after oral dosing",
        gt=0,
    )
    volume_L: float = param(
        1037.0,
        "apparent volume",
        source="derived: clearance 1,150 L/day, so that 1 mg/day holds 40-50 pg/mL (Kuhl 2005)",
        gt=0,
    )


class EstradiolOral(OneCompartmentDrug):
    """Estradiol by mouth."""

    kind = "estradiol_oral"
    concentration = ("pg_per_mL", 1e6)
    label_dose = 2.0
    routes = ("oral",)
    sets = ("estradiol_drug_pg_per_mL", "oral_estrogen_exposure")
    enters = BY_SEX_STEROIDS
    evidence = "uncalibrated"
    references = ("doi:10.1080/13697130500148875",)
    params_class = EstradiolOralParams

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        self.of_one_mg = self.steady(1.0)

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        liver = concentration / self.of_one_mg if self.of_one_mg > 0 else 0.0
        return {"estradiol_drug_pg_per_mL": concentration, "oral_estrogen_exposure": liver}


class EstradiolPatchParams(OneCompartmentParams):
    """``[drug.estradiol_patch]``."""

    absorption_half_life_hours: float = param(
        8.0,
        "half-life in the skin below the patch",
        source="assumed: level is steady within a day or two",
        gt=0,
    )
    half_life_hours: float = param(
        2.7, "half-life after the patch is taken off", source="Kuhl 2005: 2-3 h", gt=0
    )
    volume_L: float = param(
        187.0,
        "apparent volume",
        source="derived: clearance 1,150 L/day; 50 ug/day holds 40-50 pg/mL (Kuhl 2005)",
        gt=0,
    )


class EstradiolPatch(OneCompartmentDrug):
    """Estradiol through the skin; the dose is what a patch or gel delivers per day."""

    kind = "estradiol_patch"
    units = {"ug/day": 1e-3, "mg/day": 1.0}  # noqa: RUF012
    delivered_per_day = True
    concentration = ("pg_per_mL", 1e6)
    label_dose = 0.1
    routes = ("transdermal",)
    sets = ("estradiol_drug_pg_per_mL",)
    enters = BY_SEX_STEROIDS
    evidence = "calibrated"
    references = ("doi:10.1080/13697130500148875",)
    params_class = EstradiolPatchParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"estradiol_drug_pg_per_mL": concentration}


class ConjugatedEstrogensParams(OneCompartmentParams):
    """``[drug.conjugated_estrogens]``."""

    bioavailability_fraction: float = param(
        0.083,
        "estradiol in plasma per conjugated estrogens swallowed (mg/mg, as share)",
        source="assumed: 0.625 mg acts on bone like 1 mg of oral estradiol (Kuhl 2005)",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        3.0, "half-life of absorption", source="derived: peak 6-10 h after the dose (Kuhl 2005)", gt=0
    )
    half_life_hours: float = param(15.0, "half-life", source="Kuhl 2005: 10-24 h for estrone sulfate", gt=0)
    volume_L: float = param(
        1037.0, "apparent volume", source="as in estradiol_oral: they are counted as estradiol", gt=0
    )
    standard_mg: float = param(
        0.625,
        "daily dose whose effect on the liver counts as 1",
        source="assumed: that of 1 mg oral estradiol",
        gt=0,
    )


class ConjugatedEstrogens(OneCompartmentDrug):
    """Conjugated equine estrogens by mouth, as estradiol equivalent."""

    kind = "conjugated_estrogens"
    concentration = ("pg_per_mL", 1e6)
    label_dose = 1.25
    routes = ("oral",)
    sets = ("estradiol_drug_pg_per_mL", "oral_estrogen_exposure")
    enters = BY_SEX_STEROIDS
    evidence = "calibrated"
    references = ("doi:10.1080/13697130500148875",)
    params_class = ConjugatedEstrogensParams

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        self.of_standard = self.steady(self.params.standard_mg)

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        liver = concentration / self.of_standard if self.of_standard > 0 else 0.0
        return {"estradiol_drug_pg_per_mL": concentration, "oral_estrogen_exposure": liver}
