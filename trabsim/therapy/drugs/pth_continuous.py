"""PTH(1-34) by an even infusion: exposure without pulses.

The receptor adapts to a steady concentration, so nothing is left of its activity in response to pulses; the drug adds
to the body's own hormone, molecule for molecule.

References
----------
Horwitz et al. 2005, J Bone Miner Res 20:1792, doi:10.1359/JBMR.050602 (two days of infusion in adults)
"""

from __future__ import annotations

from trabsim.params import param
from trabsim.therapy.therapy import BY_PTH_EXPOSURE, Memory, OneCompartmentDrug, OneCompartmentParams

#: Molar mass of the hormone that assays of intact PTH measure.
INTACT_G = 9425.0


class PthContinuousParams(OneCompartmentParams):
    """``[drug.pth_continuous]``."""

    absorption_half_life_hours: float = param(
        0.158, "half-life under the skin", source="as in teriparatide: Martonova 2023", gt=0
    )
    half_life_hours: float = param(
        1.0, "half-life in plasma", source="as in teriparatide: the label says an hour", gt=0
    )
    volume_L: float = param(
        110.0, "volume of distribution", source="as in teriparatide: Martonova 2023", gt=0
    )
    molar_mass_g: float = param(4118.0, "molar mass, g per mole", source="assumed: PTH(1-34)", gt=0)


class PthContinuous(OneCompartmentDrug):
    """PTH(1-34) by infusion; the dose is what flows in a day."""

    kind = "pth_continuous"
    units = {"ug/day": 1e-3, "mg/day": 1.0}  # noqa: RUF012
    delivered_per_day = True
    label_dose = 0.040
    routes = ("subcutaneous", "intravenous")
    concentration = ("pg_per_mL", 1e6)
    sets = ("pth_infused_pg_per_mL",)
    enters = BY_PTH_EXPOSURE
    evidence = "uncalibrated"
    references = ("doi:10.1359/JBMR.050602",)
    params_class = PthContinuousParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"pth_infused_pg_per_mL": concentration * INTACT_G / self.params.molar_mass_g}
