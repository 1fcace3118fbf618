"""Antibodies that their own target clears: ordinary differential equations inside the day.

Drug in plasma exchanges with tissue, is cleared slowly by the body, and quickly together with the target it has bound.
Binding is at quasi-steady state.  Fourth-order Runge-Kutta with a fixed number of steps makes it deterministic; what
was eliminated and the mean of free drug are integrated beside, so that the ledger closes to rounding.

References
----------
Gibiansky et al. 2008, J Pharmacokinet Pharmacodyn 35:573, doi:10.1007/s10928-008-9102-8 (quasi-steady state)
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

from trabsim.params import Params
from trabsim.therapy.therapy import Memory, Therapy

#: Steps of a day.  Rates are below 8 a day; halving the step changes concentrations by less than 1e-4.
STEPS = 12


class Antibody(NamedTuple):
    """Rates per day, volumes in L, concentrations in nM, amounts in nmol."""

    absorption: float
    central_L: float
    peripheral_L: float
    exchange_L_per_day: float
    clearance_L_per_day: float
    #: Made and lost of the target; zero loss stands for a target at its own steady state.
    target_made_nM_per_day: float
    target_lost_per_day: float
    complex_lost_per_day: float
    half_nM: float


Amounts = tuple[float, float, float, float, float, float]


def free_nM(total: float, target: float, half: float) -> float:
    """Free drug where `total` drug meets `target` (all nM) and half of the target is bound at `half`."""
    gap = total - target - half
    root = math.sqrt(gap * gap + 4.0 * half * total)
    # the same root written so that nothing cancels where drug is scarce
    return 0.5 * (gap + root) if gap >= 0 else 2.0 * half * total / (root - gap)


def slopes(y: Amounts, p: Antibody) -> Amounts:
    """Change per day of depot, central, peripheral (nmol), target (nM), eliminated (nmol) and free drug summed."""
    depot, central, peripheral, target, _, _ = y
    total = central / p.central_L
    if p.target_lost_per_day > 0:
        free = free_nM(total, target, p.half_nM)
        bound = total - free
        by_target = p.complex_lost_per_day * bound * p.central_L
        target_change = (
            p.target_made_nM_per_day
            - p.target_lost_per_day * target
            - (p.complex_lost_per_day - p.target_lost_per_day) * bound
        )
    else:
        # a target that turns over within minutes: what is made of it leaves with drug as far as it is bound
        free = total
        by_target = p.target_made_nM_per_day * free / (p.half_nM + free) * p.central_L
        target_change = 0.0
    absorbed = p.absorption * depot
    exchanged = p.exchange_L_per_day * (free - peripheral / p.peripheral_L)
    lost = p.clearance_L_per_day * free + by_target
    return (-absorbed, absorbed - exchanged - lost, exchanged, target_change, lost, free)


def advance_day(depot: float, central: float, peripheral: float, target: float, p: Antibody) -> Amounts:
    """Amounts after a day; the last two are what was eliminated (nmol) and the mean of free drug (nM).

    Parameters
    ----------
    depot, central, peripheral : float
        nmol, doses of the morning included.
    target : float
        Total target, nM.
    p : Antibody
    """
    y: Amounts = (depot, central, peripheral, target, 0.0, 0.0)
    h = 1.0 / STEPS
    for _ in range(STEPS):
        k1 = slopes(y, p)
        k2 = slopes(_ahead(y, k1, 0.5 * h), p)
        k3 = slopes(_ahead(y, k2, 0.5 * h), p)
        k4 = slopes(_ahead(y, k3, h), p)
        y = (
            y[0] + h / 6.0 * (k1[0] + 2.0 * (k2[0] + k3[0]) + k4[0]),
            y[1] + h / 6.0 * (k1[1] + 2.0 * (k2[1] + k3[1]) + k4[1]),
            y[2] + h / 6.0 * (k1[2] + 2.0 * (k2[2] + k3[2]) + k4[2]),
            y[3] + h / 6.0 * (k1[3] + 2.0 * (k2[3] + k3[3]) + k4[3]),
            y[4] + h / 6.0 * (k1[4] + 2.0 * (k2[4] + k3[4]) + k4[4]),
            y[5] + h / 6.0 * (k1[5] + 2.0 * (k2[5] + k3[5]) + k4[5]),
        )
    return y


def _ahead(y: Amounts, k: Amounts, h: float) -> Amounts:
    return (
        y[0] + h * k[0],
        y[1] + h * k[1],
        y[2] + h * k[2],
        y[3] + h * k[3],
        y[4] + h * k[4],
        y[5] + h * k[5],
    )


class AntibodyDrug(Therapy):
    """An antibody under the skin that its target clears; sets the mean of free drug in plasma.

    Attributes
    ----------
    per_mg_per_L : float
        What one mg/L is in the unit of the level that is set.
    """

    routes: ClassVar[tuple[str, ...]] = ("subcutaneous",)
    per_mg_per_L: ClassVar[float] = 1.0

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        p = self.params
        self.mg = p.molar_mass_g * 1e-6  # mg per nmol
        target_lost, complex_lost = self.target_rates()
        self.rates = Antibody(
            absorption=p.absorption_per_day,
            central_L=p.central_L,
            peripheral_L=p.peripheral_L,
            exchange_L_per_day=p.exchange_L_per_day,
            clearance_L_per_day=p.clearance_L_per_day,
            target_made_nM_per_day=p.target_made_nM_per_day,
            target_lost_per_day=target_lost,
            complex_lost_per_day=complex_lost,
            half_nM=p.half_nM,
        )
        # a target that turns over within minutes has nothing to remember
        self.target_at_rest = p.target_made_nM_per_day / target_lost if target_lost > 0 else None

    def target_rates(self) -> tuple[float, float]:
        """Loss per day of free target and of bound drug; both 0 for a target at its own steady state."""
        return 0.0, 0.0

    def advance(self, memory: Memory, absorbed: float) -> dict[str, float]:
        resting = self.target_at_rest
        depot, central, peripheral, target, gone, free = advance_day(
            (memory["depot_mg"] + absorbed) / self.mg,
            memory["central_mg"] / self.mg,
            memory["peripheral_mg"] / self.mg,
            0.0 if resting is None else memory.get("target_nM", resting),
            self.rates,
        )
        memory["depot_mg"], memory["central_mg"] = depot * self.mg, central * self.mg
        memory["peripheral_mg"] = peripheral * self.mg
        if resting is not None:
            memory["target_nM"] = target
        memory[self.in_body] = (depot + central + peripheral) * self.mg
        memory.add(self.eliminated, gone * self.mg)
        return {self.sets[0]: max(0.0, free) * self.mg * self.per_mg_per_L}
