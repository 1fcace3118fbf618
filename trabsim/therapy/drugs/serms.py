"""Raloxifene and bazedoxifene: they take the place of estradiol at its receptor and do part of its work.

Their number is the concentration over the one that competes as well as estradiol at its half effect, and their efficacy
the part of the work that is done.  A woman with much estradiol therefore loses by them, one without gains.

References
----------
Hochner-Celnikier 1999, Eur J Obstet Gynecol Reprod Biol 85:23, PMID 10428318 (raloxifene)
McKeand 2014, Expert Opin Drug Metab Toxicol 10:1305 (bazedoxifene)
"""

from __future__ import annotations

from typing import ClassVar

from trabsim.params import Params, param
from trabsim.therapy.therapy import Memory, OneCompartmentDrug, OneCompartmentParams


class SermParams(OneCompartmentParams):
    """Pharmacokinetics, affinity and efficacy."""

    half_ng_per_mL: float = param(
        0.15,
        "concentration that competes like estradiol at its half effect",
        source="assumed: a usual dose takes most receptors of a postmenopausal woman",
        gt=0,
    )
    efficacy_fraction: float = param(
        0.55,
        "work that a receptor with the drug does, of that with estradiol",
        source="assumed: lumbar gain about half of that of estrogen (Delmas 1997)",
        ge=0,
        le=1,
    )


class Serm(OneCompartmentDrug):
    """What both have alike."""

    params_class: ClassVar[type[Params]] = SermParams
    routes = ("oral",)
    sets = ("serm_occupancy", "serm_efficacy")
    enters = ("serm_competitor", "serm_efficacy")

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        if concentration == 0.0:
            return {"serm_occupancy": 0.0}
        p = self.params
        return {"serm_occupancy": concentration / p.half_ng_per_mL, "serm_efficacy": p.efficacy_fraction}


class RaloxifeneParams(SermParams):
    """``[drug.raloxifene]``."""

    bioavailability_fraction: float = param(
        0.02, "share of a dose that reaches plasma", source="Hochner-Celnikier 1999: 2 %", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        1.2, "half-life of absorption", source="derived: peak about 6 h, with reabsorption from the gut", gt=0
    )
    half_life_hours: float = param(
        27.7, "half-life", source="assumed: 27.7 h in the label, single dose", gt=0
    )
    volume_L: float = param(
        1982.0, "apparent volume", source="derived: 60 mg/day have an AUC of 24.2 ng h/mL in the label", gt=0
    )


class Raloxifene(Serm):
    """Raloxifene by mouth."""

    kind = "raloxifene"
    label_dose = 60.0
    evidence = "calibrated"
    references = ("assumed: PMID 10428318, without DOI",)
    params_class = RaloxifeneParams


class BazedoxifeneParams(SermParams):
    """``[drug.bazedoxifene]``."""

    bioavailability_fraction: float = param(
        0.062, "share of a dose that reaches plasma", source="McKeand 2014: 6 %", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.5, "half-life of absorption", source="derived: peak 1-2 h after the dose", gt=0
    )
    half_life_hours: float = param(28.0, "half-life", source="McKeand 2014: 28-30 h", gt=0)
    volume_L: float = param(
        611.0,
        "apparent volume",
        source="derived: 20 mg/day have an AUC of about 82 ng h/mL in the label",
        gt=0,
    )
    half_ng_per_mL: float = param(
        0.5,
        "concentration that competes like estradiol at its half effect",
        source="assumed: 20 mg take as many receptors as 60 mg of raloxifene",
        gt=0,
    )
    efficacy_fraction: float = param(
        0.5,
        "work that a receptor with the drug does, of that with estradiol",
        source="assumed: lumbar gain like raloxifene's or a little below (Miller 2008)",
        ge=0,
        le=1,
    )


class Bazedoxifene(Serm):
    """Bazedoxifene by mouth."""

    kind = "bazedoxifene"
    label_dose = 20.0
    evidence = "uncalibrated"
    references = ("assumed: pharmacokinetics of the label; no trial in the calibration table",)
    params_class = BazedoxifeneParams
