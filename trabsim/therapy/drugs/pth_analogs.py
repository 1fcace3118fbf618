"""Teriparatide, abaloparatide and PTH(1-84): daily pulses at the PTH receptor.

The pulse of a dose is followed through the two-state receptor (`pth_receptor`), which leaves two numbers a day:
activity in response to the pulse, and how long receptors were bound.  Both are told in units of teriparatide 20 ug/day.

References
----------
Satterwhite et al. 2010, Calcif Tissue Int 87:485, doi:10.1007/s00223-010-9424-6 (teriparatide)
Hattersley et al. 2016, Endocrinology 157:141, doi:10.1210/en.2015-1726 (abaloparatide prefers the RG form)
Sikjaer et al. 2013, J Bone Miner Res 28:2232, doi:10.1002/jbmr.1964 (PTH(1-84))
Martonova et al. 2023, PLoS ONE 18:e0283544, doi:10.1371/journal.pone.0283544 (receptor)
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from trabsim.params import Params, param
from trabsim.therapy.pth_receptor import Response, respond_to_injection
from trabsim.therapy.therapy import BY_PTH_PULSES, Memory, OneCompartmentDrug, OneCompartmentParams

MINUTES_PER_DAY = 1440.0

#: The dose that both numbers are measured by, mg.
STANDARD_MG = 0.020


class PthParams(OneCompartmentParams):
    """Pharmacokinetics and what the ligand does at the receptor."""

    molar_mass_g: float = param(4118.0, "molar mass, g per mole", source="assumed: PTH(1-34)", gt=0)
    affinity_gain: float = param(
        1.0, "affinity to the receptor, 1 = teriparatide", source="assumed: teriparatide is the measure", gt=0
    )
    duration_gain: float = param(
        1.0,
        "how long a bound receptor goes on to signal, 1 = teriparatide",
        source="assumed: as in teriparatide",
        ge=0,
    )


class TeriparatideParams(PthParams):
    """``[drug.teriparatide]``."""

    bioavailability_fraction: float = param(
        0.95,
        "share of a dose that reaches plasma",
        source="assumed: 95 % in the label (Satterwhite 2010)",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        0.158, "half-life under the skin", source="Martonova 2023: 4.38 per hour", gt=0
    )
    half_life_hours: float = param(
        1.0, "half-life in plasma", source="assumed: 1 h in the label; Martonova 2023: 0.693 per hour", gt=0
    )
    volume_L: float = param(110.0, "volume of distribution", source="Martonova 2023: 110 L", gt=0)


class PthAnalog(OneCompartmentDrug):
    """What the three have alike."""

    params_class: ClassVar[type[Params]] = PthParams
    concentration = ("pg_per_mL", 1e6)
    routes = ("subcutaneous",)
    sets = ("pth_pulse_on", "pth_pulse_duration")
    enters = BY_PTH_PULSES

    def response(self, absorbed: float) -> Response:
        """Response of the receptor to a dose (mg that reach plasma)."""
        p = self.params
        return respond_to_injection(
            absorbed * 1e9 / p.molar_mass_g * p.affinity_gain,
            self.absorption / MINUTES_PER_DAY,
            self.elimination / MINUTES_PER_DAY,
            p.volume_L,
        )

    def advance(self, memory: Memory, absorbed: float) -> dict[str, float]:
        # a pulse is over by the next morning, so that each day's response is that of its own dose
        super().advance(memory, absorbed)
        if absorbed == 0.0:
            return {"pth_pulse_on": 0.0, "pth_pulse_duration": 0.0}
        today, standard = self.response(absorbed), standard_response()
        return {
            "pth_pulse_on": today.on / standard.on,
            "pth_pulse_duration": today.duration / standard.duration * self.params.duration_gain,
        }

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        """The mean concentration says nothing about a pulse."""
        return {}


class Teriparatide(PthAnalog):
    """Teriparatide, PTH(1-34), under the skin."""

    kind = "teriparatide"
    label_dose = 0.020
    evidence = "calibrated"
    references = ("doi:10.1007/s00223-010-9424-6", "doi:10.1371/journal.pone.0283544")
    params_class = TeriparatideParams


@lru_cache(maxsize=1)
def standard_response() -> Response:
    """Response to 20 ug of teriparatide with the parameters of this package."""
    drug = Teriparatide()
    return drug.response(STANDARD_MG * drug.bioavailability(None))


class AbaloparatideParams(PthParams):
    """``[drug.abaloparatide]``."""

    bioavailability_fraction: float = param(
        0.36, "share of a dose that reaches plasma", source="assumed: 36 % in the label", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.12, "half-life under the skin", source="derived: peak 0.5 h after the dose in the label", gt=0
    )
    half_life_hours: float = param(
        1.3,
        "half-life in plasma",
        source="derived: from peak and AUC; 1.7 h in the label includes a late tail",
        gt=0,
    )
    volume_L: float = param(
        33.0, "volume of distribution", source="derived: 80 ug have an AUC of 1.6 ng h/mL in the label", gt=0
    )
    molar_mass_g: float = param(3961.0, "molar mass, g per mole", source="assumed: abaloparatide", gt=0)
    affinity_gain: float = param(
        0.168,
        "affinity to the receptor, 1 = teriparatide",
        source="assumed: 80 ug act like teriparatide 20 ug in pulses (Hattersley 2016)",
        gt=0,
    )
    duration_gain: float = param(
        0.42,
        "how long a bound receptor goes on to signal, 1 = teriparatide",
        source="assumed: it prefers the RG form, which signals briefly: half the exposure (Hattersley 2016)",
        ge=0,
    )


class Abaloparatide(PthAnalog):
    """Abaloparatide under the skin."""

    kind = "abaloparatide"
    label_dose = 0.080
    evidence = "uncalibrated"
    references = ("doi:10.1210/en.2015-1726",)
    params_class = AbaloparatideParams


class IntactPthParams(PthParams):
    """``[drug.pth_1_84]``."""

    bioavailability_fraction: float = param(
        0.55, "share of a dose that reaches plasma", source="assumed: 55 % in the label", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.3,
        "half-life under the skin",
        source="derived: peak at 15 min (Sikjaer 2013) to 1-2 h (label)",
        gt=0,
    )
    half_life_hours: float = param(
        1.5, "half-life in plasma", source="assumed: 1.5 h in the label; 2.2 h in Sikjaer 2013", gt=0
    )
    volume_L: float = param(
        170.0,
        "volume of distribution",
        source="derived: 100 ug reach about 25 pmol/L (Sikjaer 2013)",
        gt=0,
    )
    molar_mass_g: float = param(9425.0, "molar mass, g per mole", source="assumed: PTH(1-84)", gt=0)


class IntactPth(PthAnalog):
    """PTH(1-84) under the skin."""

    kind = "pth_1_84"
    label_dose = 0.100
    evidence = "uncalibrated"
    references = ("doi:10.1002/jbmr.1964",)
    params_class = IntactPthParams
