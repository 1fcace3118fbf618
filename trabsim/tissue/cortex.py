"""The cortical share of what a densitometer sees, as one well-mixed compartment.

DXA measures trabecular and cortical bone together.  The cortical part is remodeled here by the same RANK occupancy,
cell properties and mineral rules as the lattice, but without space: its turnover is lower because it has less surface.

References
----------
Parfitt 2002, Bone 30:5, doi:10.1016/S8756-3282(01)00642-1 (cortical turnover)
Nottestad et al. 1987, J Bone Miner Res 2:221 (share of trabecular bone in vertebrae)
"""

from __future__ import annotations

from trabsim.clock import Clock
from trabsim.factors import factor
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.state import State
from trabsim.units import DAYS_PER_YEAR


class CortexParams(Params):
    """``[cortex]``."""

    turnover_per_year: float = param(
        0.04,
        "cortical bone remodeled a year at RANK occupancy 1",
        source="Parfitt 2002: 3-10 %/year",
        ge=0,
        le=1,
    )
    occupancy_exponent: float = param(
        1.0,
        "exponent of RANK occupancy",
        source="assumed: activation and resorption per site together",
        ge=0,
        le=4,
    )
    refill_days: float = param(
        90.0,
        "mean time from resorption to refill",
        source="assumed: resorption, reversal and half of formation",
        gt=1,
    )
    balance: float = param(
        0.99,
        "cortical bone formed per bone resorbed in a young adult",
        source="assumed: slight loss with every cycle",
        ge=0,
        le=2,
    )
    balance_loss_without_estrogen: float = param(
        0.012,
        "bone balance lost where estrogen response is 0",
        source="derived: as in the lattice, by shorter osteoblast life",
        ge=0,
    )
    balance_loss_per_osteoblast_death: float = param(
        0.2,
        "bone balance lost where osteoblasts die twice as fast",
        source="derived: what an osteoblast of the lattice lays down in its life falls by a sixth",
        ge=0,
        lt=1,
    )
    secondary_fraction: float = param(
        0.30, "mineral that arrives slowly", source="as in [mineral]: two-phase law", ge=0, lt=1
    )
    secondary_days: float = param(900.0, "its time constant", source="as in [mineral]: two-phase law", gt=0)
    lumbar_spine_trabecular_share: float = param(
        0.6,
        "share of lumbar-spine areal BMD from trabecular bone",
        source="assumed: between a quarter to a third of a whole vertebra (Nottestad 1987) and two thirds of its body",
        gt=0,
        le=1,
    )
    total_hip_trabecular_share: float = param(
        0.35,
        "share of total-hip areal BMD from trabecular bone",
        source="assumed: less than in the spine",
        gt=0,
        le=1,
    )
    femoral_neck_trabecular_share: float = param(
        0.3,
        "share of femoral-neck areal BMD from trabecular bone",
        source="assumed: mostly cortical",
        gt=0,
        le=1,
    )
    young_vBMD_mg_per_cm3: float = param(
        160.0,
        "trabecular density of young women, mg HA/cm3",
        source="assumed: vertebral QCT of young adults is 165 +- 30",
        gt=0,
    )
    young_women_lumbar_spine_g_per_cm2: float = param(
        1.064,
        "lumbar-spine areal BMD of young women",
        source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607",
        gt=0,
    )
    young_women_lumbar_spine_SD_g_per_cm2: float = param(
        0.106, "its standard deviation", source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607", gt=0
    )
    young_men_lumbar_spine_g_per_cm2: float = param(
        1.057,
        "lumbar-spine areal BMD of young men",
        source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607",
        gt=0,
    )
    young_men_lumbar_spine_SD_g_per_cm2: float = param(
        0.11, "its standard deviation", source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607", gt=0
    )
    young_women_total_hip_g_per_cm2: float = param(
        0.971,
        "total-hip areal BMD of young women",
        source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607",
        gt=0,
    )
    young_women_total_hip_SD_g_per_cm2: float = param(
        0.114, "its standard deviation", source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607", gt=0
    )
    young_men_total_hip_g_per_cm2: float = param(
        1.067,
        "total-hip areal BMD of young men",
        source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607",
        gt=0,
    )
    young_men_total_hip_SD_g_per_cm2: float = param(
        0.12, "its standard deviation", source="NHANES 2005-2014, ages 21-30, quoted in PMC12995607", gt=0
    )
    young_women_femoral_neck_g_per_cm2: float = param(
        0.858,
        "femoral-neck areal BMD of young women",
        source="assumed: NHANES III young women, which the WHO takes for both sexes",
        gt=0,
    )
    young_women_femoral_neck_SD_g_per_cm2: float = param(
        0.12,
        "its standard deviation",
        source="assumed: NHANES III young women, which the WHO takes for both sexes",
        gt=0,
    )


def step_cortex(
    volume: float, credit: float, young: float, drive: float, balance: float, p: CortexParams
) -> tuple[float, float, float, float, float]:
    """One day of the compartment.

    Parameters
    ----------
    volume, credit, young : float
        Bone, resorbed bone not yet refilled, and slow mineral still missing; relative to the bone at the start.
    drive : float
        RANK occupancy to its exponent.
    balance : float
        Bone formed per bone resorbed.

    Returns
    -------
    volume, credit, young, resorbed, formed : float
    """
    resorbed = volume * p.turnover_per_year / DAYS_PER_YEAR * drive
    refilled = credit / p.refill_days
    formed = balance * refilled
    share_young = young / volume
    young += p.secondary_fraction * formed - young / p.secondary_days - resorbed * share_young
    return volume + formed - resorbed, credit + resorbed - refilled, young, resorbed, formed


class CorticalCompartment(Process):
    """Remodel the cortical compartment."""

    name = "cortex"
    reads = ("levels",)
    writes = ("levels",)
    references = ("doi:10.1016/S8756-3282(01)00642-1",)

    def apply(self, state: State, clock: Clock) -> None:
        p, levels = self.params, state.levels
        if "cortical_volume" not in levels:
            turnover = p.turnover_per_year / DAYS_PER_YEAR
            levels["cortical_volume"] = 1.0
            levels["cortical_credit"] = turnover * p.refill_days
            levels["cortical_young"] = turnover * p.secondary_fraction / (1.0 / p.secondary_days + turnover)
        balance = p.balance * (1.0 - p.balance_loss_without_estrogen * (1.0 - levels["estrogen_response"]))
        volume, credit, young, resorbed, formed = step_cortex(
            levels["cortical_volume"],
            levels["cortical_credit"],
            levels["cortical_young"],
            levels["phi"] ** p.occupancy_exponent * self._resorption(state),
            balance * self._formation(state),
            p,
        )
        levels["cortical_volume"], levels["cortical_credit"], levels["cortical_young"] = volume, credit, young
        # markers average over a month
        for name, flow in (("cortical_resorption", resorbed), ("cortical_formation", formed)):
            levels[name] = levels.get(name, flow) + (flow - levels.get(name, flow)) / 30.0
        levels["cortical_mineral"] = volume - young

    @staticmethod
    def _resorption(state: State) -> float:
        """Sites opened and bone taken per site, relative to health at the same RANK occupancy."""
        taken = factor(state, "activation_factor") * factor(state, "osteoclast_life_factor")
        return taken * state.levels.get("bisphosphonate_activity", 1.0)

    def _formation(self, state: State) -> float:
        """Matrix that the osteoblasts of a site lay down in their lives, relative to health."""
        made = factor(state, "osteoblast_recruitment_factor") * factor(state, "matrix_rate_factor")
        dying = factor(state, "osteoblast_death_factor") - 1.0
        return made / (1.0 + self.params.balance_loss_per_osteoblast_death * dying)
