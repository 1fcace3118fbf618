"""The PTH receptor in two states: what a pulse does that an infusion cannot.

Ligand binds active receptors weakly and makes them inactive within minutes; inactive ones bind it tightly and wake up
slowly.  The weights of the four forms are such that any steady concentration is adapted to exactly.  A pulse therefore
leaves two numbers a day: how far activity rose above the adapted one (``on``), and for how long receptors were bound
(``duration``).  A steady infusion leaves only the second.

References
----------
Martonova et al. 2023, PLoS ONE 18:e0283544, doi:10.1371/journal.pone.0283544
Li & Goldbeter 1989, Biophys J 55:125 (exact adaptation)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

MINUTES_PER_DAY = 1440


class Receptor(NamedTuple):
    """Rates per minute, affinity of the active form in pM, activities of the four forms.

    The rates and three of the activities are those of Martonova 2023; the fourth, of active receptors with ligand,
    follows from exact adaptation.
    """

    sleeps: float = 0.012
    wakes: float = 0.104
    sleeps_bound: float = 0.222
    wakes_bound: float = 0.055
    active_pM: float = 1000.0
    activity: float = 20.0
    activity_asleep: float = 1.0
    activity_asleep_bound: float = 10.0
    #: The body's own hormone: the mean of the pulses of healthy adults.
    basal_pM: float = 5.0

    @property
    def asleep_pM(self) -> float:
        """Affinity of the inactive form, from detailed balance."""
        return self.active_pM * (self.sleeps / self.wakes) / (self.sleeps_bound / self.wakes_bound)

    @property
    def adapted(self) -> float:
        """Activity at any steady concentration."""
        ratio = self.sleeps / self.wakes
        return (self.activity + self.activity_asleep * ratio) / (1.0 + ratio)

    @property
    def activity_bound(self) -> float:
        """Activity of active receptors with ligand."""
        ratio = self.sleeps_bound / self.wakes_bound
        return self.adapted * (1.0 + ratio) - self.activity_asleep_bound * ratio


class Response(NamedTuple):
    """Of one day: activity above the adapted one, and receptors bound beyond the body's own hormone (minutes)."""

    on: float
    duration: float


def respond(ligand_pM: Callable[[float], float], receptor: Receptor) -> Response:
    """Follow the receptor through a day that begins adapted to the body's own hormone.

    Parameters
    ----------
    ligand_pM : callable
        Concentration of the drug, pM, at minutes after the start of the day.
    receptor : Receptor

    Returns
    -------
    Response
    """
    r, half_asleep = receptor, receptor.asleep_pM
    adapted, bound_activity = r.adapted, r.activity_bound

    def shares(concentration: float) -> tuple[float, float]:
        return concentration / (r.active_pM + concentration), concentration / (half_asleep + concentration)

    def relaxation(f: float, g: float) -> tuple[float, float]:
        down = r.sleeps * (1.0 - f) + r.sleeps_bound * f
        up = r.wakes * (1.0 - g) + r.wakes_bound * g
        return down + up, up / (down + up)

    f, g = shares(r.basal_pM)
    _, active = relaxation(f, g)
    bound_before = active * f + (1.0 - active) * g
    on = duration = 0.0
    for minute in range(MINUTES_PER_DAY):
        f, g = shares(r.basal_pM + ligand_pM(minute + 0.5))
        rate, goal = relaxation(f, g)
        middle = goal + (active - goal) * math.exp(-0.5 * rate)
        activity = middle * (r.activity * (1.0 - f) + bound_activity * f) + (1.0 - middle) * (
            r.activity_asleep * (1.0 - g) + r.activity_asleep_bound * g
        )
        on += max(0.0, activity - adapted)
        duration += middle * f + (1.0 - middle) * g - bound_before
        active = goal + (active - goal) * math.exp(-rate)
    return Response(on, max(0.0, duration))


@lru_cache(maxsize=512)
def respond_to_injection(
    dose_pmol: float, absorption_per_minute: float, elimination_per_minute: float, volume_L: float
) -> Response:
    """Response to a dose under the skin (pmol that reach plasma)."""
    scale = dose_pmol * absorption_per_minute / (absorption_per_minute - elimination_per_minute) / volume_L

    def concentration(minute: float) -> float:
        gone, absorbed = math.exp(-elimination_per_minute * minute), math.exp(-absorption_per_minute * minute)
        return scale * (gone - absorbed)

    return respond(concentration, Receptor())
