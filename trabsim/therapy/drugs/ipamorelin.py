"""Ipamorelin: drives the ghrelin receptor of the pituitary.

No trial on human bone exists: what the model says of it is a hypothesis.

References
----------
Gobburu et al. 1999, Pharm Res 16:1412, doi:10.1023/A:1018955126402 (pharmacokinetics and GH response)
"""

from __future__ import annotations

from trabsim.params import param
from trabsim.therapy.therapy import BY_GROWTH, Memory, OneCompartmentDrug, OneCompartmentParams


class IpamorelinParams(OneCompartmentParams):
    """``[drug.ipamorelin]``."""

    absorption_half_life_hours: float = param(
        0.2, "half-life under the skin", source="assumed: minutes", gt=0
    )
    half_life_hours: float = param(2.0, "half-life in plasma", source="Gobburu 1999: about 2 h", gt=0)
    volume_L: float = param(15.0, "volume of distribution", source="Gobburu 1999: 0.22 L/kg", gt=0)
    standard_mg_per_day: float = param(
        0.3, "daily dose that counts as drive 1", source="assumed: what is taken outside of trials", gt=0
    )


class Ipamorelin(OneCompartmentDrug):
    """Ipamorelin under the skin (hypothesis)."""

    kind = "ipamorelin"
    label_dose = 0.3
    concentration = ("pg_per_mL", 1e6)
    routes = ("subcutaneous",)
    sets = ("ghrelin_drive",)
    enters = BY_GROWTH
    evidence = "hypothesis"
    references = ("doi:10.1023/A:1018955126402",)
    params_class = IpamorelinParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"ghrelin_drive": self.flow(concentration) / self.params.standard_mg_per_day}
