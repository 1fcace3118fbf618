"""Alendronate, risedronate and zoledronate: from the dose to what leaves plasma for bone.

Plasma is empty within days; about half of what reaches it binds to bone, the rest leaves with urine.  What happens at
bone surfaces - binding, burial, release, uptake by osteoclasts - is a matter of the tissue.  Amounts are compared in
moles, with the daily 10 mg of alendronate as 1.

References
----------
Porras et al. 1999, Clin Pharmacokinet 36:315, doi:10.2165/00003088-199936050-00002 (alendronate)
Mitchell et al. 1998, Br J Clin Pharmacol 46:537 PMID 9862242 (risedronate)
Chen et al. 2002, J Clin Pharmacol 42:1228, doi:10.1177/009127002762491316 (zoledronate)
Dunford et al. 2001, J Pharmacol Exp Ther 296:235, PMID 11160603 (inhibition of FPPS)
Nancollas et al. 2006, Bone 38:617, doi:10.1016/j.bone.2005.05.003 (affinity to hydroxyapatite)
"""

from __future__ import annotations

from typing import ClassVar

from trabsim.params import Params, param
from trabsim.therapy.pharmacokinetics import Compartments, rate_per_day
from trabsim.therapy.therapy import Memory, Therapy


class BisphosphonateParams(Params):
    """Gut, plasma, urine and bone."""

    bioavailability_fraction: float = param(
        0.0064, "share of a dose that reaches plasma", source="Porras 1999: 0.64 % fasting", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.5, "half-life of absorption", source="Porras 1999: absorbed within an hour", gt=0
    )
    half_life_hours: float = param(
        1.9, "half-life in plasma", source="assumed: below 5 % are left after 6 h (Porras 1999)", gt=0
    )
    volume_L: float = param(28.0, "volume of distribution", source="Porras 1999: at least 28 L", gt=0)
    skeleton_fraction: float = param(
        0.5, "share of what is in plasma that binds to bone", source="Porras 1999: 40-60 %", ge=0, le=1
    )
    molar_mass_g: float = param(249.1, "molar mass, g per mole", source="assumed: alendronic acid", gt=0)
    potency_gain: float = param(
        1.0,
        "potency of what osteoclasts engulf, per mole, 1 = alendronate",
        source="assumed: alendronate is the measure",
        ge=0,
    )
    release_per_day: float = param(
        0.0022,
        "rate of release from bone surface",
        source="assumed: 17 % of what is retained appears in urine within 6 months (Khan 1997)",
        ge=0,
        le=1,
    )


class AlendronateParams(BisphosphonateParams):
    """``[drug.alendronate]``."""


#: What 10 mg of alendronate bring to bone, micromoles.
UNIT_UMOL = 10.0 * 0.0064 * 0.5 / 249.1 * 1e3


class Bisphosphonate(Therapy):
    """What the three have alike."""

    params_class: ClassVar[type[Params]] = BisphosphonateParams
    sets = ("bisphosphonate_delivery", "bisphosphonate_potency", "bisphosphonate_release_per_day")
    enters = ("bisphosphonate_delivery", "bisphosphonate_potency", "bisphosphonate_release_per_day")
    evidence = "calibrated"
    series = ("ng_per_mL", "in_bone_mg")

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        p = self.params
        out = rate_per_day(half_life_hours=p.half_life_hours)
        self.compartments = Compartments(
            ("gut", "plasma"),
            {
                ("gut", "plasma"): rate_per_day(half_life_hours=p.absorption_half_life_hours),
                ("plasma", "bone"): out * p.skeleton_fraction,
                ("plasma", "urine"): out * (1.0 - p.skeleton_fraction),
            },
        )

    def advance(self, memory: Memory, absorbed: float) -> dict[str, float]:
        p = self.params
        infused = self.routes[0] == "intravenous"
        morning = [0.0 if infused else absorbed, absorbed if infused else 0.0]
        day = self.compartments.day([memory["gut_mg"] + morning[0], memory["plasma_mg"] + morning[1]])
        memory["gut_mg"], memory["plasma_mg"] = day.end
        bound, urine = day.gone
        memory[self.in_body] = day.end[0] + day.end[1]
        memory.add(self.in_bone, bound)
        memory.add(self.eliminated, urine)
        memory["ng_per_mL"] = day.mean[1] / p.volume_L * 1e3
        delivery = bound / p.molar_mass_g * 1e3 / UNIT_UMOL
        if delivery == 0.0:
            return {"bisphosphonate_delivery": 0.0}
        return {
            "bisphosphonate_delivery": delivery,
            "bisphosphonate_potency": p.potency_gain,
            "bisphosphonate_release_per_day": p.release_per_day,
        }


class Alendronate(Bisphosphonate):
    """Alendronate by mouth, fasting."""

    kind = "alendronate"
    label_dose = 70.0
    label_every_days = 7.0
    routes = ("oral",)
    references = ("doi:10.2165/00003088-199936050-00002", "doi:10.1016/j.bone.2005.05.003")
    params_class = AlendronateParams


class RisedronateParams(BisphosphonateParams):
    """``[drug.risedronate]``."""

    bioavailability_fraction: float = param(
        0.0063, "share of a dose that reaches plasma", source="Mitchell 1998: 0.63 % fasting", ge=0, le=1
    )
    half_life_hours: float = param(
        1.5, "half-life in plasma", source="Mitchell 1998: initial half-life about 1.5 h", gt=0
    )
    volume_L: float = param(440.0, "volume of distribution", source="assumed: 6.3 L/kg in the label", gt=0)
    skeleton_fraction: float = param(
        0.5,
        "share of what is in plasma that binds to bone",
        source="Mitchell 1998: half leaves with urine",
        ge=0,
        le=1,
    )
    molar_mass_g: float = param(305.1, "molar mass, g per mole", source="assumed: risedronate sodium", gt=0)
    potency_gain: float = param(
        3.0,
        "potency of what osteoclasts engulf, per mole, 1 = alendronate",
        source="assumed: below the ratio of FPPS inhibition, 5 (Dunford 2001), as uptake differs too",
        ge=0,
    )
    release_per_day: float = param(
        0.006,
        "rate of release from bone surface",
        source="assumed: lowest affinity of the three (Nancollas 2006); effect is gone within a year",
        ge=0,
        le=1,
    )


class Risedronate(Bisphosphonate):
    """Risedronate by mouth, fasting."""

    kind = "risedronate"
    label_dose = 150.0
    label_every_days = 30.4375
    routes = ("oral",)
    references = ("assumed: PMID 9862242, without DOI", "doi:10.1016/j.bone.2005.05.003")
    params_class = RisedronateParams


class ZoledronateParams(BisphosphonateParams):
    """``[drug.zoledronate]``."""

    bioavailability_fraction: float = param(
        1.0, "share of a dose that reaches plasma", source="assumed: it is infused into a vein", ge=0, le=1
    )
    half_life_hours: float = param(
        1.4, "half-life in plasma", source="Chen 2002: 1.4 h, before the slow release from bone", gt=0
    )
    volume_L: float = param(
        20.0,
        "volume of distribution",
        source="derived: renal clearance 69 mL/min is 38 % of all (Chen 2002)",
        gt=0,
    )
    skeleton_fraction: float = param(
        0.61, "share of what is in plasma that binds to bone", source="Chen 2002: 39 % in urine", ge=0, le=1
    )
    molar_mass_g: float = param(272.1, "molar mass, g per mole", source="assumed: zoledronic acid", gt=0)
    potency_gain: float = param(
        4.0,
        "potency of what osteoclasts engulf, per mole, 1 = alendronate",
        source="assumed: 5 mg a year act like 3,650 mg of oral alendronate; FPPS alone says 17 (Dunford 2001)",
        ge=0,
    )
    release_per_day: float = param(
        0.0006,
        "rate of release from bone surface",
        source="assumed: highest affinity (Nancollas 2006)",
        ge=0,
        le=1,
    )


class Zoledronate(Bisphosphonate):
    """Zoledronate into a vein."""

    kind = "zoledronate"
    label_dose = 5.0
    label_every_days = 365.25
    routes = ("intravenous",)
    references = ("doi:10.1177/009127002762491316", "doi:10.1016/j.bone.2005.05.003")
    params_class = ZoledronateParams
