"""Microdamage: grows with strain energy and age of the matrix, leaves with the bone that is resorbed.

References
----------
Burr 2002, Bone 30:2, doi:10.1016/s8756-3282(01)00619-6 (targeted remodeling)
"""

from __future__ import annotations

from typing import Any

from trabsim.clock import Clock
from trabsim.params import Params, param
from trabsim.process import Every, Process
from trabsim.state import State
from trabsim.units import DAYS_PER_YEAR


class DamageParams(Params):
    """``[microdamage]``."""

    every_days: int = param(30, "interval", source="assumed: with the mechanics", ge=1)
    growth_per_year: float = param(
        0.05,
        "damage added a year at the target strain energy density, in a unit at which a site draws remodeling",
        source="assumed: bone turned over at 10 % a year keeps it near one half",
        ge=0,
    )
    energy_exponent: int = param(
        2, "power of strain energy density over its target", source="assumed: fatigue is steep", ge=0, le=6
    )
    most_energy: float = param(
        10.0,
        "energy density over its target beyond which growth stays",
        source="assumed: such bone breaks",
        gt=1,
    )
    age_doubling_years: float = param(
        20.0, "age of the matrix at which it is added twice as fast", source="assumed: brittle with age", gt=0
    )
    most: float = param(3.0, "most damage", source="assumed: more does not draw more", gt=0)


class Microdamage(Process):
    """Add a month's damage."""

    name = "microdamage"
    reads = ("bone", "strain_energy", "formed_day")
    writes = ("microdamage",)
    references = ("doi:10.1016/s8756-3282(01)00619-6",)

    def __init__(self, params: DamageParams, backend: Any, *, target_MPa: float):
        super().__init__(params, backend)
        self.every = Every(params.every_days)
        self.target_MPa = target_MPa

    def apply(self, state: State, clock: Clock) -> None:
        p, xp = self.params, self.backend.xp
        per_step = p.growth_per_year * self.every.days / DAYS_PER_YEAR
        for z in range(state.shape[0]):  # plane by plane keeps memory low
            energy = xp.minimum(
                state.strain_energy[z] / xp.float32(self.target_MPa), xp.float32(p.most_energy)
            )
            growth = xp.full(energy.shape, per_step, xp.float32)
            for _ in range(p.energy_exponent):
                growth = growth * energy
            age = (clock.day - state.formed_day[z]).astype(xp.float32)
            growth = growth * (1 + age / xp.float32(p.age_doubling_years * DAYS_PER_YEAR))
            damage = xp.minimum(state.microdamage[z] + growth, xp.float32(p.most))
            state.microdamage[z] = xp.where(state.bone[z] > 0, damage, xp.float32(0))
