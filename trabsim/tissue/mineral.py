"""Mineral by the age of the matrix: nothing during the osteoid lag, most within a month, the rest over years.

A voxel stores the day its matrix was laid down; mineral is a function of age, so it costs nothing between measures.

References
----------
Ruffoni et al. 2007, Bone 40:1308, doi:10.1016/j.bone.2007.01.012 (two-phase mineralization law)
Martinez-Reina & Pivonka 2019, Bone 125:87, doi:10.1016/j.bone.2019.04.022 (lag of 12 days)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trabsim.params import Params, param


class MineralParams(Params):
    """``[mineral]``: how matrix mineralizes."""

    lag_days: float = param(12.0, "osteoid maturation before mineral", source="Martinez-Reina 2019", ge=0)
    primary_fraction: float = param(
        0.70, "share of the fast phase", source="Ruffoni 2007 doi:10.1016/j.bone.2007.01.012", gt=0, lt=1
    )
    primary_days: float = param(
        6.0, "time constant of the fast phase", source="assumed: 70 % within a month", gt=0
    )
    secondary_days: float = param(
        900.0,
        "time constant of the slow phase",
        source="assumed: published values range from 350 to 1,800",
        gt=0,
    )
    full_mg_per_cm3: float = param(
        1200.0,
        "mineral of fully mineralized matrix, mg HA/cm3",
        source="assumed: gives a mean TMD of 1,000-1,100",
        gt=0,
    )
    mean_age_days: float = param(
        3650.0,
        "mean age of the matrix at the start",
        source="derived: turnover of 10 %/year (MODEL: BFR/BV)",
        gt=0,
    )
    oldest_days: float = param(14600.0, "oldest matrix at the start", source="assumed: 40 years", gt=0)
    packet_um: float = param(
        60.0, "edge of the packets that share an age at the start", source="assumed: wall thickness", gt=0
    )


def mineral_fraction(age_days: np.ndarray, params: MineralParams) -> np.ndarray:
    """Share of full mineral at an age of the matrix (days), 0-1."""
    ripe = np.maximum(0.0, np.asarray(age_days, dtype=np.float64) - params.lag_days)
    fast = params.primary_fraction * -np.expm1(-ripe / params.primary_days)
    slow = (1.0 - params.primary_fraction) * -np.expm1(-ripe / params.secondary_days)
    return fast + slow


def mineral_table(params: MineralParams) -> np.ndarray:
    """Mineral in mg HA/cm3 for each whole day of age, from 0 to the oldest age that matters."""
    last = int(params.lag_days + 12 * params.secondary_days)
    return mineral_fraction(np.arange(last + 1), params) * params.full_mg_per_cm3


def mineral_mg_per_cm3(formed_day: Any, day: int, params: MineralParams, backend: Any) -> Any:
    """Mineral of the matrix in each voxel.

    Parameters
    ----------
    formed_day : int32 array
    day : int
        Today.
    params : MineralParams
    backend : Backend

    Returns
    -------
    float32 array
        mg HA per cm3 of matrix.
    """
    xp = backend.xp
    table = backend.from_numpy(mineral_table(params).astype(np.float32))
    return table[xp.clip(day - formed_day, 0, table.shape[0] - 1)]
