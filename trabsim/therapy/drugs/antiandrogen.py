"""An antiandrogen (flutamide, by its active metabolite): blocks the androgen receptor.

References
----------
Brogden & Clissold 1989, Drugs 38:185, doi:10.2165/00003495-198938020-00003 (flutamide)
"""

from __future__ import annotations

from trabsim.params import param
from trabsim.therapy.therapy import BY_GROWTH, Memory, OneCompartmentDrug, OneCompartmentParams


class AntiandrogenParams(OneCompartmentParams):
    """``[drug.antiandrogen]``."""

    absorption_half_life_hours: float = param(
        0.5, "half-life of absorption and conversion", source="derived: peak about 2 h after the dose", gt=0
    )
    half_life_hours: float = param(
        9.6, "half-life of hydroxyflutamide", source="Brogden & Clissold 1989: 8-10 h", gt=0
    )
    volume_L: float = param(
        430.0,
        "apparent volume",
        source="assumed: 750 mg/day hold about 1 ug/mL (Brogden & Clissold 1989)",
        gt=0,
    )
    half_ng_per_mL: float = param(
        120.0,
        "concentration at which half of receptors are blocked",
        source="assumed: nearly all at 750 mg/day",
        gt=0,
    )


class Antiandrogen(OneCompartmentDrug):
    """Flutamide by mouth; 750 mg a day."""

    kind = "antiandrogen"
    label_dose = 750.0
    routes = ("oral",)
    sets = ("androgen_receptor_block",)
    enters = (*BY_GROWTH, "sclerostin_factor")
    evidence = "uncalibrated"
    references = ("doi:10.2165/00003495-198938020-00003",)
    params_class = AntiandrogenParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"androgen_receptor_block": concentration / (concentration + self.params.half_ng_per_mL)}
