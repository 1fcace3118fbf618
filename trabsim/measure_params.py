"""``[measures]``: numbers that turn what is simulated into what is reported, and that change nothing of the simulation.

References
----------
Kopperdahl et al. 2014, J Bone Miner Res 29:570, doi:10.1002/jbmr.2069 (fractures by the strength of finite elements)
Cosman et al. 2014, Osteoporos Int 25:2359, doi:10.1007/s00198-014-2794-2 (whom to treat, by T-score and FRAX)
"""

from __future__ import annotations

from trabsim.params import Params, param

#: Where the areas below come from.
AREA = "assumed: a round mean of adults; the report of NHANES 2005-2008 has a table, which was not at hand"


class MeasureParams(Params):
    """``[measures]``."""

    women_lumbar_spine_area_cm2: float = param(57.0, "projected area of L1-L4, women", source=AREA, gt=0)
    men_lumbar_spine_area_cm2: float = param(68.0, "projected area of L1-L4, men", source=AREA, gt=0)
    women_total_hip_area_cm2: float = param(34.0, "projected area of the total hip, women", source=AREA, gt=0)
    men_total_hip_area_cm2: float = param(42.0, "projected area of the total hip, men", source=AREA, gt=0)
    women_femoral_neck_area_cm2: float = param(
        4.9, "projected area of the femoral neck, women", source=AREA, gt=0
    )
    men_femoral_neck_area_cm2: float = param(
        5.6, "projected area of the femoral neck, men", source=AREA, gt=0
    )
    osteoclast_cover_um2: float = param(
        1257.0,
        "bone surface that an osteoclast covers",
        source="derived: the footprint of 40 um across behind resorption.rate_um3_per_day",
        gt=0,
    )
    osteoblast_cover_um2: float = param(
        200.0,
        "bone surface that an osteoblast covers",
        source="derived: the 5,000 cells/mm2 behind osteoblasts.rate_um3_per_day",
        gt=0,
    )
    osteoblast_reach_um: float = param(
        60.0,
        "distance from the voxel that an osteoblast fills over which its area is spread",
        source="assumed: the diagonal of a voxel's face of 40 um, and that on finer ones, so that both agree",
        gt=0,
        le=200,
    )
    women_odds_ratio_per_strength_loss: float = param(
        2.8,
        "odds of a vertebral fracture in women whose strength is a standard deviation lower",
        source="Kopperdahl 2014 doi:10.1002/jbmr.2069: 1.8-4.3, of whole vertebrae, adjusted for age",
        ge=1,
    )
    men_odds_ratio_per_strength_loss: float = param(
        2.2,
        "odds of a vertebral fracture in men whose strength is a standard deviation lower",
        source="Kopperdahl 2014 doi:10.1002/jbmr.2069: 1.5-3.2; Wang 2012 doi:10.1002/jbmr.1539 finds 7.2",
        ge=1,
    )
    strength_SD_fraction: float = param(
        0.3,
        "standard deviation of strength among people of one age, of the failure load at entry",
        source="assumed: a quarter to a third of the mean, and the patient starts at the mean",
        gt=0,
        le=1,
    )
    FRAX_hip_treatment_fraction: float = param(
        0.03,
        "10-year chance of hip fracture by FRAX from which low bone mass is treated",
        source="Cosman 2014 doi:10.1007/s00198-014-2794-2",
        ge=0,
        le=1,
    )
    FRAX_major_treatment_fraction: float = param(
        0.20,
        "10-year chance of major fracture by FRAX from which low bone mass is treated",
        source="Cosman 2014 doi:10.1007/s00198-014-2794-2",
        ge=0,
        le=1,
    )
