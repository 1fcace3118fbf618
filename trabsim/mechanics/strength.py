"""Failure load from a linear solution, by the share of tissue that is strained too much.

Pistoia et al. 2002, doi:10.1016/S8756-3282(02)00736-6: a distal radius fails when 2 % of its bone tissue
exceeds an effective strain of 0.7 %.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CRITICAL_STRAIN = 0.007
CRITICAL_SHARE = 0.02


def failure_load(
    effective_strain: Any,
    load: float,
    critical_strain: float = CRITICAL_STRAIN,
    critical_share: float = CRITICAL_SHARE,
) -> float:
    """Scale a load until the critical share of the tissue reaches the critical strain.

    Parameters
    ----------
    effective_strain : array, shape (elements,)
        ``sqrt(2 U / E)`` of equal volumes of tissue under ``load``.
    load : float
    critical_strain, critical_share : float

    Returns
    -------
    float
        In the unit of ``load``; infinite if the critical share is not strained at all.
    """
    values = np.asarray(effective_strain, np.float64)
    above = max(1, round(critical_share * values.size))
    reached = float(np.partition(values, values.size - above)[values.size - above])
    return load * critical_strain / reached if reached > 0 else float("inf")
