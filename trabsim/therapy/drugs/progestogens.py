"""Medroxyprogesterone and micronized progesterone.

What progestogens do to human bone by themselves is not settled; the effect that the model can give them is zero
unless a user sets it.  They are here because estrogen is given with them.

References
----------
Stanczyk et al. 2013, Endocr Rev 34:171, doi:10.1210/er.2012-1008 (pharmacology of progestogens)
Prior 2018, Climacteric 21:366 (progesterone and bone formation: the hypothesis)
"""

from __future__ import annotations

from trabsim.params import Params, param
from trabsim.therapy.therapy import Memory, OneCompartmentDrug, OneCompartmentParams


class MedroxyprogesteroneParams(OneCompartmentParams):
    """``[drug.medroxyprogesterone]``."""

    bioavailability_fraction: float = param(
        0.9, "share of a dose that reaches plasma", source="Stanczyk 2013: above 90 %", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.8, "half-life of absorption", source="derived: peak 2-4 h after the dose", gt=0
    )
    half_life_hours: float = param(24.0, "half-life", source="Stanczyk 2013: about 24 h", gt=0)
    volume_L: float = param(
        2400.0, "apparent volume", source="assumed: 10 mg peak near 3 ng/mL (Stanczyk 2013)", gt=0
    )
    standard_mg: float = param(
        2.5, "daily dose that counts as 1", source="assumed: usual with daily estrogen", gt=0
    )


class Progestogen(OneCompartmentDrug):
    """What both have alike."""

    sets = ("progestogen_exposure",)
    enters = ("osteoblast_recruitment_factor",)
    evidence = "hypothesis"
    references = ("doi:10.1210/er.2012-1008",)

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        self.of_standard = self.steady(self.params.standard_mg)

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"progestogen_exposure": concentration / self.of_standard if self.of_standard > 0 else 0.0}


class Medroxyprogesterone(Progestogen):
    """Medroxyprogesterone acetate by mouth (hypothesis: its default effect on bone is zero)."""

    kind = "medroxyprogesterone"
    label_dose = 10.0
    routes = ("oral",)
    params_class = MedroxyprogesteroneParams


class MicronizedProgesteroneParams(OneCompartmentParams):
    """``[drug.micronized_progesterone]``."""

    bioavailability_fraction: float = param(
        0.08, "share of a dose by mouth that reaches plasma", source="Stanczyk 2013: below 10 %", ge=0, le=1
    )
    vaginal_bioavailability_fraction: float = param(
        0.15,
        "the same through the vagina",
        source="assumed: more than by mouth, as the liver is passed by",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        0.8, "half-life of absorption", source="derived: peak about 3 h after the dose", gt=0
    )
    half_life_hours: float = param(17.0, "half-life", source="assumed: 16-18 h in the label", gt=0)
    volume_L: float = param(
        480.0, "apparent volume", source="assumed: 100 mg peak near 15 ng/mL with food", gt=0
    )
    standard_mg: float = param(
        100.0, "daily dose that counts as 1", source="assumed: usual with daily estrogen", gt=0
    )


class MicronizedProgesterone(Progestogen):
    """Progesterone, micronized (hypothesis: its default effect on bone is zero)."""

    kind = "micronized_progesterone"
    label_dose = 200.0
    routes = ("oral", "vaginal")
    params_class = MicronizedProgesteroneParams

    def bioavailability(self, route: str | None) -> float:
        p = self.params
        return float(p.vaginal_bioavailability_fraction if route == "vaginal" else p.bioavailability_fraction)
