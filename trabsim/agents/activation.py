"""Where remodeling starts: a quiescent, lined surface voxel opens.

The chance rises with RANK occupancy.  What does not open while occupancy is low is not forgotten: it accumulates as a
debt of sites that are ready, which fades over years and is released when occupancy returns.

References
----------
El-Masri et al. 2024, Bone Res 12:62, doi:10.1038/s41413-024-00362-4 (sites made ready under OPG:Fc)
Recker et al. 2004, J Bone Miner Res 19:1628, doi:10.1359/JBMR.040710 (activation frequency)
"""

from __future__ import annotations

from typing import Any

from trabsim.blocks import ordered_mean
from trabsim.clock import Clock
from trabsim.factors import factor
from trabsim.lookup import power_table
from trabsim.params import Params, param
from trabsim.process import Process
from trabsim.rng import Random, Stream
from trabsim.state import Phase, State
from trabsim.units import DAYS_PER_YEAR, UM2_PER_MM2


class ActivationParams(Params):
    """``[activation]``."""

    rate_per_mm2_per_year: float = param(
        1.55,
        "sites opened per quiescent surface at RANK occupancy 1",
        source="calibrated: Ac.f 0.13/year (Recker 2004)",
        ge=0,
    )
    occupancy_exponent: float = param(
        2.4,
        "exponent of RANK occupancy",
        source="calibrated: Ac.f across menopause (Recker 2004)",
        ge=0,
        le=4,
    )
    unprompted: float = param(
        0.13,
        "share of the sites that open at RANK occupancy 1 which open at none",
        source="assumed: resorption keeps 10-15 % of its rate when RANKL is blocked",
        ge=0,
        lt=1,
    )
    fewer_per_stimulus: float = param(
        0.3,
        "fewer sites per unit of the osteocytes' mechanical stimulus; the mean over the surface stays",
        source="assumed: resorption spares what is loaded (Schulte 2013 doi:10.1371/journal.pone.0062172)",
        ge=0,
        le=2,
    )
    least_by_load: float = param(
        0.2, "fewest sites where the stimulus is strong, relative", source="assumed: some always open", ge=0
    )
    most_by_load: float = param(
        3.0, "most sites where nothing is felt, relative", source="assumed: saturates", ge=1
    )
    more_per_damage: float = param(
        0.5,
        "more sites per unit of microdamage; the mean over the surface stays",
        source="assumed: part of remodeling is targeted (Burr 2002 doi:10.1016/s8756-3282(01)00619-6)",
        ge=0,
    )
    debt_fade_days: float = param(
        1000.0,
        "time in which a ready site is forgotten",
        source="assumed: rebound after longer use is worse",
        gt=1,
    )
    debt_release_days: float = param(
        600.0,
        "time in which ready sites open at RANK occupancy 1",
        source="assumed: rebound lasts about a year",
        gt=1,
    )


def opening_chance(
    area_um2: Any, drive: Any, debt: Any, phi: Any, params: ActivationParams, readier: float = 1.0
) -> Any:
    """Chance that a voxel opens today.

    Parameters
    ----------
    area_um2 : float64 array
        Surface of the voxel.
    drive : float64 array
        Openings relative to RANK occupancy 1.
    debt : float64 array
        Withheld openings per mm2.
    phi : float64 array
        RANK occupancy.
    readier : float
        Multiplies the rate at which sites become ready; the debt is of sites that are ready already.
    """
    rate = params.rate_per_mm2_per_year / DAYS_PER_YEAR * drive * readier
    per_mm2 = rate + debt * phi / params.debt_release_days
    return area_um2 / UM2_PER_MM2 * per_mm2


def next_debt(debt: Any, drive: Any, phi: Any, params: ActivationParams, xp: Any) -> Any:
    """Debt of tomorrow (openings per mm2): withheld today, less what fades and what is released."""
    withheld = params.rate_per_mm2_per_year / DAYS_PER_YEAR * xp.maximum(0.0, 1.0 - drive)
    leaves = 1.0 / params.debt_fade_days + phi / params.debt_release_days
    return debt * (1.0 - xp.minimum(leaves, 1.0)) + withheld


def preference(stimulus: Any, damage: Any, params: ActivationParams, xp: Any) -> Any:
    """How much rather a voxel opens than the mean of the surface: strained bone less, damaged bone more.

    Parameters
    ----------
    stimulus, damage : float64 arrays, one value per surface voxel

    Returns
    -------
    float64 array
        Its mean is 1.
    """
    by_load = xp.clip(1.0 - params.fewer_per_stimulus * stimulus, params.least_by_load, params.most_by_load)
    wanted = by_load * (1.0 + params.more_per_damage * damage)
    return wanted / max(ordered_mean(xp, wanted), 1e-9)


class Activation(Process):
    """Open today's sites."""

    name = "activation"
    reads = ("phase", "phi", "activation_debt", "strain_signal", "microdamage", "levels")
    writes = ("phase", "site", "contact_day", "gathered", "activation_debt", "sites", "counters")
    references = ("doi:10.1038/s41413-024-00362-4", "doi:10.1359/JBMR.040710")

    def __init__(self, params: ActivationParams, backend: Any, *, with_debt: bool = True):
        super().__init__(params, backend)
        self.with_debt = with_debt

    def apply(self, state: State, clock: Clock) -> None:
        p, xp, surface = self.params, self.backend.xp, state.surface
        phi = state.phi.ravel()[surface.index].astype(xp.float64)
        drive = p.unprompted + (1.0 - p.unprompted) * power_table(p.occupancy_exponent)(self.backend, phi)
        debt = state.activation_debt.ravel()[surface.index].astype(xp.float64)
        if self.with_debt:
            state.activation_debt.ravel()[surface.index] = next_debt(debt, drive, phi, p, xp).astype(
                xp.float32
            )
        chance = opening_chance(surface.area_um2, drive, debt, phi, p, factor(state, "activation_factor"))
        felt = state.strain_signal.ravel()[surface.index].astype(xp.float64)
        chance = chance * preference(felt, state.microdamage.ravel()[surface.index].astype(xp.float64), p, xp)
        chance = xp.where(state.phase.ravel()[surface.index] == Phase.QUIESCENT, chance, 0.0)
        opens = Random(self.backend, state.seed).uniform(Stream.ACTIVATION, clock.day, surface.index) < chance
        voxels = surface.index[opens]
        n = int(voxels.shape[0])
        if n:
            self._open(state, clock, voxels, n)

    def _open(self, state: State, clock: Clock, voxels: Any, n: int) -> None:
        xp = self.backend.xp
        first = state.new_ids("site", n)
        ids = xp.arange(first, first + n, dtype=xp.int64)
        state.phase.ravel()[voxels] = Phase.RESORBING
        state.contact_day.ravel()[voxels] = clock.day
        state.gathered.ravel()[voxels] = 0
        state.site.ravel()[voxels] = ids
        state.sites.append(
            xp, id=ids, voxel=voxels, opened_day=xp.full(n, clock.day), recruits=xp.zeros(n, xp.int64)
        )
        state.count("sites_opened", n)
