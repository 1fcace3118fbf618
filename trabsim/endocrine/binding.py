"""Sex hormone-binding globulin (SHBG) and how much testosterone it leaves free.  Reported; drives nothing.

Free testosterone follows from the law of mass action for one site on SHBG and unspecific binding to albumin.

References
----------
Vermeulen et al. 1999, J Clin Endocrinol Metab 84:3666, doi:10.1210/jcem.84.10.6079
"""

from __future__ import annotations

import math

#: Association constants (L/mol) and albumin (4.3 g/dL over 69,000 g/mol) of Vermeulen 1999.
SHBG_L_PER_MOL = 1.0e9
ALBUMIN_L_PER_MOL = 3.6e4
ALBUMIN_MOL_PER_L = 43.0 / 69_000.0
#: 1 nmol/L of testosterone (288.4 g/mol) in ng/dL.
NG_PER_DL_PER_NMOL = 28.84


def free_testosterone_ng_per_dL(total_ng_per_dL: float, shbg_nmol_per_L: float) -> float:
    """Free testosterone from total testosterone and SHBG.

    Parameters
    ----------
    total_ng_per_dL : float
    shbg_nmol_per_L : float

    Returns
    -------
    float
        ng/dL.

    Examples
    --------
    The worked example of the authors, 10 nmol/L and 40 nmol/L, gives 1.74 %:

    >>> round(free_testosterone_ng_per_dL(288.4, 40.0) / 288.4, 4)
    0.0174
    """
    total = total_ng_per_dL / NG_PER_DL_PER_NMOL * 1e-9
    shbg = shbg_nmol_per_L * 1e-9
    unspecific = 1.0 + ALBUMIN_L_PER_MOL * ALBUMIN_MOL_PER_L
    # free x solves  a x^2 + b x - total = 0
    a = unspecific * SHBG_L_PER_MOL
    b = unspecific + SHBG_L_PER_MOL * (shbg - total)
    free = 2.0 * total / (b + math.sqrt(b * b + 4.0 * a * total))
    return free * 1e9 * NG_PER_DL_PER_NMOL


def shbg_nmol_per_L(age_years: float, young_nmol_per_L: float, rise_per_year: float, oral: float) -> float:
    """SHBG by age (years) and oral estrogen (1 = 1 mg/day of estradiol by mouth).

    The liver makes more where estrogen passes it first: 2 mg by mouth against a patch raised SHBG from 63 to
    102 nmol/L (J Clin Endocrinol Metab 2000, 85:464, doi:10.1210/jcem.85.1.6311).
    """
    aged = young_nmol_per_L * (1.0 + rise_per_year) ** max(0.0, age_years - 30.0)
    return aged * (1.0 + 0.31 * oral)
