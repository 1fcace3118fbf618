"""Romosozumab: an antibody against sclerostin.

Two compartments; sclerostin in plasma turns over within minutes, so that drug bound to it leaves as fast as sclerostin
is made.  That pathway saturates at a concentration reached throughout a month of treatment, and clears the last of it.

References
----------
Stein & Peletier 2018, CPT Pharmacometrics Syst Pharmacol 7:670, doi:10.1002/psp4.12316 (fit of Padhi 2011)
Padhi et al. 2011, J Bone Miner Res 26:19, doi:10.1002/jbmr.173 (single doses)
"""

from __future__ import annotations

from trabsim.params import Params, param
from trabsim.therapy.target_mediated import AntibodyDrug

STEIN = "Stein & Peletier 2018, fit of Padhi 2011 doi:10.1002/jbmr.173"


class RomosozumabParams(Params):
    """``[drug.romosozumab]``."""

    bioavailability_fraction: float = param(
        0.8, "share of a dose that reaches plasma", source="assumed: 50-80 % in label and trials", ge=0, le=1
    )
    absorption_per_day: float = param(
        0.3, "rate out of the skin", source="assumed: peak 4-7 days after a dose", gt=0, le=5
    )
    central_L: float = param(2.4, "volume of plasma", source=STEIN, gt=0.1)
    peripheral_L: float = param(2.6, "volume of tissue", source=STEIN, gt=0.1)
    exchange_L_per_day: float = param(0.54, "exchange of plasma with tissue", source=STEIN, gt=0, le=20)
    clearance_L_per_day: float = param(0.25, "clearance by the body", source=STEIN, gt=0, le=10)
    target_made_nM_per_day: float = param(6.1, "sclerostin made", source=STEIN, gt=0, le=50)
    half_nM: float = param(12.0, "drug at which half of sclerostin is bound", source=STEIN, gt=0)
    molar_mass_g: float = param(
        149_000.0, "molar mass, g per mole", source="assumed: 149 kDa, an IgG2 antibody", gt=0
    )


class Romosozumab(AntibodyDrug):
    """Romosozumab under the skin."""

    kind = "romosozumab"
    label_dose = 210.0
    label_every_days = 30.4375
    sets = ("romosozumab_ug_per_mL",)
    enters = ("sclerostin_factor",)
    evidence = "calibrated"
    references = ("doi:10.1002/psp4.12316", "doi:10.1002/jbmr.173")
    params_class = RomosozumabParams
