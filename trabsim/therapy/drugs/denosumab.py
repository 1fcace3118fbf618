"""Denosumab: an antibody against RANKL that RANKL itself clears.

Two compartments and a target whose total is followed.  Below a few hundred ng/mL the target clears drug faster than the
body does, so that the last of it disappears within weeks: the end of an interval is steep, and a missed dose is felt.

References
----------
Choi et al. 2025, Front Pharmacol 16:1631034, doi:10.3389/fphar.2025.1631034
"""

from __future__ import annotations

from trabsim.params import Params, param
from trabsim.therapy.target_mediated import AntibodyDrug

HOURS = 24.0


class DenosumabParams(Params):
    """``[drug.denosumab]``."""

    bioavailability_fraction: float = param(
        1.0,
        "share of a dose that reaches plasma",
        source="Choi 2025 doi:10.3389/fphar.2025.1631034: volumes and clearances are apparent ones",
        ge=0,
        le=1,
    )
    absorption_per_day: float = param(
        0.0078 * HOURS, "rate out of the skin", source="Choi 2025: 0.0078 per hour", gt=0, le=5
    )
    central_L: float = param(1.58, "volume of plasma", source="Choi 2025", gt=0.1)
    peripheral_L: float = param(6.06, "volume of tissue", source="Choi 2025", gt=0.1)
    exchange_L_per_day: float = param(
        0.20 * HOURS, "exchange of plasma with tissue", source="Choi 2025: 0.20 L/h", gt=0, le=20
    )
    clearance_L_per_day: float = param(
        0.006 * HOURS, "clearance by the body (64 kg)", source="Choi 2025: 0.006 L/h", gt=0, le=10
    )
    target_nM: float = param(15.23, "target in plasma volume without drug", source="Choi 2025", gt=0, le=200)
    target_made_nM_per_day: float = param(
        0.01 * HOURS, "target made", source="Choi 2025: 0.01 nM/h", gt=0, le=20
    )
    complex_lost_per_day: float = param(
        0.022 * HOURS, "loss of drug that is bound to target", source="Choi 2025: 0.022 per hour", gt=0, le=8
    )
    half_nM: float = param(1.56, "drug at which half of the target is bound", source="Choi 2025", gt=0)
    molar_mass_g: float = param(
        147_000.0, "molar mass, g per mole", source="assumed: 147 kDa, an IgG2 antibody", gt=0
    )


class Denosumab(AntibodyDrug):
    """Denosumab under the skin."""

    kind = "denosumab"
    label_dose = 60.0
    label_every_days = 182.625
    sets = ("denosumab_ng_per_mL",)
    enters = ("rankl_binder",)
    evidence = "calibrated"
    references = ("doi:10.3389/fphar.2025.1631034", "doi:10.1007/s10928-008-9102-8")
    params_class = DenosumabParams
    per_mg_per_L = 1e3  # ng/mL

    def target_rates(self) -> tuple[float, float]:
        return self.params.target_made_nM_per_day / self.params.target_nM, self.params.complex_lost_per_day
