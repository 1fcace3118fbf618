"""Anastrozole: blocks aromatase, in the body and in bone.

What is blocked is a saturating function of concentration, told in units of what 1 mg a day blocks in steady state: 97 %
of aromatase in tissue.  How far estradiol in plasma then falls depends on sex, and is told by the gonads.

References
----------
Geisler et al. 1996, Br J Cancer 74:1286, doi:10.1038/bjc.1996.531 (inhibition in the body)
Plourde et al. 1995, J Steroid Biochem Mol Biol 53:175 (pharmacokinetics)
"""

from __future__ import annotations

from trabsim.params import Params, param
from trabsim.therapy.therapy import BY_SEX_STEROIDS, Memory, OneCompartmentDrug, OneCompartmentParams


class AnastrozoleParams(OneCompartmentParams):
    """``[drug.anastrozole]``."""

    bioavailability_fraction: float = param(
        0.85, "share of a dose that reaches plasma", source="assumed: 83-85 % in the label", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        0.4, "half-life of absorption", source="derived: peak within 2 h (Plourde 1995)", gt=0
    )
    half_life_hours: float = param(48.0, "half-life", source="Plourde 1995: about 50 h", gt=0)
    volume_L: float = param(
        82.0, "apparent volume", source="derived: 1 mg/day hold about 30 ng/mL (Plourde 1995)", gt=0
    )
    half_ng_per_mL: float = param(
        1.0,
        "concentration at which half of aromatase is blocked",
        source="derived: 97 % at 1 mg/day (Geisler 1996)",
        gt=0,
    )
    standard_mg: float = param(1.0, "daily dose whose block counts as 1", source="assumed: the label's", gt=0)


class Anastrozole(OneCompartmentDrug):
    """Anastrozole by mouth."""

    kind = "anastrozole"
    label_dose = 1.0
    routes = ("oral",)
    sets = ("aromatase_inhibition",)
    enters = ("aromatase_activity", *BY_SEX_STEROIDS)
    evidence = "uncalibrated"
    references = ("doi:10.1038/bjc.1996.531",)
    params_class = AnastrozoleParams

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        self.of_standard = self._blocked(self.steady(self.params.standard_mg))

    def _blocked(self, concentration: float) -> float:
        return concentration / (concentration + float(self.params.half_ng_per_mL))

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        share = self._blocked(concentration) / self.of_standard if self.of_standard > 0 else 0.0
        return {"aromatase_inhibition": min(1.0, share)}
