"""What a clinic would see of a trial: densitometry with its precision error, and who would be called a responder.

A densitometer repeats itself within a precision error (coefficient of variation CV); of two scans the difference has
the error sqrt(2) CV, and only a change beyond the least significant change, 1.96 sqrt(2) CV = 2.77 CV, is taken for
real.  Conventions and limits are those of the International Society for Clinical Densitometry (Baim et al. 2005,
doi:10.1016/j.jocd.2005.08.001; Shuhart et al. 2019, doi:10.1016/j.jocd.2019.07.001).
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from trabsim.errors import ConfigError
from trabsim.params import Params, param

if TYPE_CHECKING:
    import pandas

#: Endpoints that a densitometer sees, and the parameter with its precision error.
SEEN = {
    "BMD_pct_change_LS": "lumbar_spine_CV_fraction",
    "BMD_pct_change_TH": "total_hip_CV_fraction",
    "BMD_pct_change_FN": "femoral_neck_CV_fraction",
}

#: Least significant change over CV, at 95 % confidence.
LSC_PER_CV = 1.96 * math.sqrt(2.0)

COLUMNS = ("patient", "arm", "replicate", "month", "endpoint", "value")


class DensitometryParams(Params):
    """Precision of a densitometer; defaults are the largest errors that the ISCD accepts of a technologist."""

    lumbar_spine_CV_fraction: float = param(
        0.019,
        "precision error at the lumbar spine",
        source="Shuhart 2019 doi:10.1016/j.jocd.2019.07.001",
        ge=0,
        lt=0.2,
    )
    total_hip_CV_fraction: float = param(
        0.018,
        "precision error at the total hip",
        source="Shuhart 2019 doi:10.1016/j.jocd.2019.07.001",
        ge=0,
        lt=0.2,
    )
    femoral_neck_CV_fraction: float = param(
        0.025,
        "precision error at the femoral neck",
        source="Shuhart 2019 doi:10.1016/j.jocd.2019.07.001",
        ge=0,
        lt=0.2,
    )


def least_significant_change_pct(endpoint: str, params: DensitometryParams | None = None) -> float:
    """Change in % that two scans must differ by to be taken for real.

    Parameters
    ----------
    endpoint : str
        One of `SEEN`.
    params : DensitometryParams, optional

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        If no densitometer sees it.
    """
    if endpoint not in SEEN:
        raise ConfigError(f"no densitometer sees '{endpoint}'; choose from {', '.join(SEEN)}")
    return 100.0 * LSC_PER_CV * float(getattr(params or DensitometryParams(), SEEN[endpoint]))


def observe(
    results: pandas.DataFrame, seed: int, params: DensitometryParams | None = None
) -> pandas.DataFrame:
    """Put the precision error of densitometry on results.

    Each scan has an error of its own; that at entry is common to all later changes of a patient in an arm.  Errors
    depend on the seed and on what is scanned alone, never on the order or number of rows.

    Parameters
    ----------
    results : DataFrame
        Tidy: patient, arm, replicate, month, endpoint, value; see `trabsim.trials.results.read_results`.
    seed : int
    params : DensitometryParams, optional

    Returns
    -------
    DataFrame
        The rows of `SEEN` with a column ``observed`` beside ``value``; both in %.

    Raises
    ------
    ConfigError
        If a column is missing, or no row is of densitometry.
    """
    p = params or DensitometryParams()
    missing = [name for name in COLUMNS if name not in results]
    if missing:
        raise ConfigError(f"the table of results lacks {', '.join(missing)}; give the results of a trial")
    seen = results[results["endpoint"].isin(list(SEEN))].copy()
    if seen.empty:
        raise ConfigError(f"no result is seen by a densitometer; the trial needs one of {', '.join(SEEN)}")
    observed = []
    for row in seen.itertuples(index=False):
        error = getattr(p, SEEN[row.endpoint])
        now, first = (
            1.0 + error * _normal(seed, row.patient, row.arm, row.replicate, row.endpoint, month)
            for month in (row.month, 0)
        )
        change = 0.0 if row.month == 0 else 100.0 * ((1.0 + row.value / 100.0) * now / first - 1.0)
        observed.append(change)
    seen["observed"] = observed
    return seen.reset_index(drop=True)


def responders(observed: pandas.DataFrame, params: DensitometryParams | None = None) -> pandas.DataFrame:
    """Count who would be called a responder, and how often that is wrong.

    Parameters
    ----------
    observed : DataFrame
        From `observe`.
    params : DensitometryParams, optional
        The same.

    Returns
    -------
    DataFrame
        By arm, endpoint and month: ``n``; ``LSC_pct``; shares ``called_responder`` and ``called_loser`` (observed
        change beyond the least significant one), ``truly_beyond_LSC`` (the simulated gain is), and
        ``called_without_gain`` (called a responder though the simulated density did not rise).
    """
    import pandas

    rows: list[dict[str, Any]] = []
    later = observed[observed["month"] > 0].dropna(subset=["value"])
    for (arm, endpoint, month), part in later.groupby(["arm", "endpoint", "month"], sort=True):
        limit = least_significant_change_pct(str(endpoint), params)
        called = part["observed"] > limit
        rows.append(
            {
                "arm": arm,
                "endpoint": endpoint,
                "month": month,
                "n": len(part),
                "LSC_pct": limit,
                "called_responder": float(called.mean()),
                "called_loser": float((part["observed"] < -limit).mean()),
                "truly_beyond_LSC": float((part["value"] > limit).mean()),
                "called_without_gain": float((called & (part["value"] <= 0)).mean()),
            }
        )
    return pandas.DataFrame(rows)


def _normal(seed: int, *scan: object) -> float:
    """A standard normal number that belongs to one scan."""
    words = hashlib.sha256(repr((int(seed), *map(str, scan))).encode()).digest()
    return float(np.random.default_rng(int.from_bytes(words[:16], "little")).standard_normal())
