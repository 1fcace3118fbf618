"""What runs say of a published number: its value in the model, its Monte-Carlo error, and how far off it is.

Each published quantity is one measure of a series.  Density of a small specimen is noisy because few sites are open at
a time: `density_change` therefore takes bone volume as potential bone volume (which the sites that happen to be open do
not touch) times the share of it that is there, averaged over three months up to the day.  In the mean that is bone
volume itself.

Runs leave a row a month.  What was looked at in between lies on the line between the rows before and after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trabsim.errors import ConfigError
from trabsim.tissue.cortex import CortexParams
from trabsim.trials.clinical import ClinicalRow
from trabsim.trials.lives import FIRST_MONTH

#: Rows of one run by month after entry.
Series = Mapping[int, Mapping[str, float]]

SITES = {"LS": "lumbar_spine", "TH": "total_hip", "FN": "femoral_neck"}
QCT_SITES = ("LS QCT",)
MARKERS = {"CTX_pct": "CTX", "NTX_pct": "NTX", "P1NP_pct": "P1NP", "BAP_pct": "BAP", "OC_pct": "osteocalcin"}
#: Biopsy measures: column of the series, and what it is multiplied by.
BIOPSY = {
    "MS_BS": ("MS_BS", 100.0),
    "ES_BS": ("ES_BS", 100.0),
    "OS_BS": ("OS_BS", 100.0),
    "MAR_um_per_day": ("MAR_um_per_day", 1.0),
    "Ac.f": ("Ac_f_per_year", 1.0),
    "W.Th_um": ("W_Th_um", 1.0),
    # um3/um2/year as mm3/mm2/year
    "BFR_BS_mm3_mm2_yr": ("BFR_BS_um_per_year", 0.001),
    # forming surface times the share of osteoblasts that lining cells have become
    "modeling_based_BS_pct": ("modeling_OS_BS", 100.0),
}
#: Structure: column of the series, and what an absolute value is multiplied by.
STRUCTURE = {
    "BVTV": ("BV_TV", 100.0),
    "TbTh": ("Tb_Th_um", 1.0),
    "TbTh_um": ("Tb_Th_um", 1.0),
    "TbN": ("Tb_N_per_mm", 1.0),
    "TbN_per_mm": ("Tb_N_per_mm", 1.0),
    "TbSp": ("Tb_Sp_um", 1.0),
    "TbSp_um": ("Tb_Sp_um", 1.0),
    "ConnD": ("Conn_D_per_mm3", 1.0),
    "SMI": ("SMI", 1.0),
    "BS_TV_per_mm": ("BS_TV_per_mm", 1.0),
}
#: Sites whose structure a specimen can stand for; a 2D histology reads another thickness than a 3D image.
STRUCTURE_SITES = ("biopsy iliac uCT", "LS uCT", "LS HRQCT")
#: Columns that cost seconds and are measured only in the months that need them.
SLOW = ("Tb_Th_um", "Tb_Sp_um", "Tb_N_per_mm", "Conn_D_per_mm3", "SMI", "DA")
#: Levels in serum.
SERUM = {"E2_pg_ml": "estradiol_pg_per_mL"}

PERCENT = "_pct_change"

SPREADS = ("SE", "SD", "95CI", "none", "")

#: Months over which the share of potential bone volume that is there is averaged.
STEADY_MONTHS = 3


@dataclass(frozen=True)
class Score:
    """A published number beside that of the model.

    Attributes
    ----------
    simulated, MC_SE : float
        Mean and standard error over seeds; the error is nan with one seed.
    SE : float
        Of the published number.
    allowance : float
        What the model is not held to.
    z : float
    """

    simulated: float
    MC_SE: float
    SE: float
    allowance: float
    z: float


def skip_reason(row: ClinicalRow) -> str | None:
    """Why a row cannot be compared with a series; None if it can."""
    return _unreadable_month(row) or _unknown_quantity(row)


def _unreadable_month(row: ClinicalRow) -> str | None:
    start, end = row.months
    if min(start, row.baseline_month) < FIRST_MONTH:
        return f"its baseline lies more than {-FIRST_MONTH} months before entry"
    if end < start:
        return f"month {end:g} lies before its baseline, month {start:g}"
    if start == end and is_rate(row):
        return f"a rate needs time to pass, and its baseline is the month that it is looked at, {end:g}"
    if min(structure_months(row), default=0) < 0:
        return (
            f"microarchitecture is measured from entry on, and it asks for month {min(structure_months(row))}"
        )
    return None


def _unknown_quantity(row: ClinicalRow) -> str | None:
    quantity = row.quantity
    if quantity in ("BMD_pct_change", "BMD_pct_per_year", "T_score"):
        return None if row.site in SITES else f"no densitometer looks at '{row.site}'"
    if quantity.startswith("vBMD_trab_pct"):
        return None if row.site in QCT_SITES else f"the specimen is of the spine, not '{row.site}'"
    if quantity in MARKERS or quantity in SERUM:
        return None
    measure = quantity.removesuffix(PERCENT)
    if measure in BIOPSY:
        return None
    if measure in STRUCTURE:
        sites = (*STRUCTURE_SITES, *QCT_SITES)
        return None if row.site in sites else f"no specimen stands for the structure of '{row.site}'"
    return f"nothing in the series is '{quantity}'"


def structure_months(row: ClinicalRow) -> tuple[int, ...]:
    """Months in which a row needs the microarchitecture."""
    measure = row.quantity.removesuffix(PERCENT)
    if STRUCTURE.get(measure, ("",))[0] not in SLOW:
        return ()
    looked = (row.baseline_month, row.eval_month) if row.quantity.endswith(PERCENT) else (row.eval_month,)
    return tuple(dict.fromkeys(month for at in looked for month in (math.floor(at), math.ceil(at))))


def outcome(
    row: ClinicalRow, series: Series, params: CortexParams | None = None, plain: bool = False
) -> float:
    """Value of a row's quantity in one run of one arm.

    Parameters
    ----------
    row : ClinicalRow
    series : mapping of int to row
        Rows by month after entry.
    params : CortexParams, optional
        That the run had.
    plain : bool
        Whether density is taken as it stands, without potential bone volume.

    Returns
    -------
    float
        In the unit of the published value.
    """
    quantity, (start, end) = row.quantity, row.months
    if quantity in MARKERS:
        return _marker(series, f"{MARKERS[quantity]}_pct_of_baseline", row.baseline_month, end)
    if quantity in SERUM:
        return between(end, lambda month: series[month][SERUM[quantity]])
    if quantity == "T_score":
        return between(end, lambda month: series[month][f"{SITES[row.site]}_T_score"])
    measure = quantity.removesuffix(PERCENT)
    if measure in BIOPSY or measure in STRUCTURE:
        column, factor = (BIOPSY | STRUCTURE)[measure]
        read = _near if measure in BIOPSY else _at
        last = between(end, lambda month: read(series, month, column))
        if quantity.endswith(PERCENT):
            return 100.0 * (last / between(start, lambda month: read(series, month, column)) - 1.0)
        return factor * last
    site = None if quantity.startswith("vBMD") else SITES[row.site]
    change = density_change(series, start, end, site, params or CortexParams(), plain)
    return change * 12.0 / (end - start) if is_rate(row) else change


def is_rate(row: ClinicalRow) -> bool:
    """Whether a density is told as a change per year."""
    density = "BMD" in row.quantity
    return density and (row.reference == "rate" or row.quantity.endswith("_per_year"))


def between(month: float, read: Callable[[int], float]) -> float:
    """What is read in a month, which may lie on the line between two rows."""
    before = math.floor(month)
    share = month - before
    return (1.0 - share) * read(before) + share * read(before + 1) if share else read(before)


def _marker(series: Series, column: str, start: float, end: float) -> float:
    """Change of a marker in %; its own baseline is entry, whatever noise the row of that day has."""

    def level(month: int) -> float:
        return 100.0 if month == 0 else series[month][column]

    last = between(end, level) if end else series[0][column]
    return 100.0 * (last / between(start, level) - 1.0)


def _at(series: Series, month: int, column: str) -> float:
    return series[month].get(column, math.nan)


def _near(series: Series, month: int, column: str) -> float:
    """Mean of what is known around a month; nan if nothing is."""
    found = [series[m].get(column, math.nan) for m in around_month(series, month)]
    known = [value for value in found if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def around_month(series: Series, month: int) -> list[int]:
    """The month and its neighbors on the same side of entry, where there are rows."""
    near = (month - 2, month - 1, month) if month == 0 else (month - 1, month, month + 1)
    return [m for m in near if m in series and (m <= 0) == (month <= 0)]


def density_change(
    series: Series, start: float, end: float, site: str | None, params: CortexParams, plain: bool = False
) -> float:
    """Change of density in %, of a site for a densitometer or, without one, of trabecular bone.

    Parameters
    ----------
    series : mapping of int to row
    start, end : float
        Months.
    site : {"lumbar_spine", "total_hip", "femoral_neck"} or None
    params : CortexParams
    plain : bool
        Without averaging what is open.
    """
    first, last = (
        between(at, lambda month: _density(series, month, site, params, plain)) for at in (start, end)
    )
    return 100.0 * (last / first - 1.0)


def _density(series: Series, month: int, site: str | None, params: CortexParams, plain: bool) -> float:
    row = series[month]
    factor = 1.0 if plain else _steady_factor(series, month)
    if site is None:
        return row["vBMD_mg_per_cm3"] * factor
    share = getattr(params, f"{site}_trabecular_share")
    trabecular = share * row["vBMD_mg_per_cm3"] / params.young_vBMD_mg_per_cm3
    return row[f"{site}_BMD_relative"] + trabecular * (factor - 1.0)


def _steady_factor(series: Series, month: int) -> float:
    """Mean share of potential bone volume that is there, over the share that is there today."""
    months = [
        m for m in range(month - STEADY_MONTHS + 1, month + 1) if m in series and (m <= 0) == (month <= 0)
    ]
    shares = [series[m]["BV_TV"] / series[m]["potential_BV_TV"] for m in months]
    return float(np.mean(shares)) / (series[month]["BV_TV"] / series[month]["potential_BV_TV"])


def published_error(row: ClinicalRow) -> float:
    """Standard error of a published value.

    Where none is published: 0.5 percentage points for areal density with more than 100 people and 1 below, 2 points for
    QCT, 10 points for markers, 0.1 for T-scores, 30 % of the value for biopsies.

    Raises
    ------
    ConfigError
        If the spread cannot be read, or is of an unknown kind.
    """
    if row.spread_kind not in SPREADS:
        raise ConfigError(f"spread_kind is '{row.spread_kind}'; write SE, SD, 95CI or none")
    if row.spread and row.spread_kind == "SE":
        return _spread(row)
    if row.spread and row.spread_kind == "SD" and row.n:
        return _spread(row) / math.sqrt(row.n)
    if row.spread and row.spread_kind == "95CI":
        return abs(_interval(row)[1] - _interval(row)[0]) / 3.92
    if row.quantity in MARKERS:
        return 10.0
    if row.quantity.startswith("vBMD"):
        return 2.0
    if row.quantity == "T_score":
        return 0.1
    if row.quantity.startswith("BMD"):
        return 0.5 if row.n is not None and row.n > 100 else 1.0
    return 0.3 * abs(row.value)


def _interval(row: ClinicalRow) -> tuple[float, float]:
    ends = row.spread.split(";")
    try:
        low, high = (float(end) for end in ends)
    except ValueError:
        raise ConfigError(
            f"spread is '{row.spread}', which is no 95CI; write its ends with a semicolon between, such as 4.0;7.4"
        ) from None
    return low, high


def _spread(row: ClinicalRow) -> float:
    try:
        return float(row.spread)
    except ValueError:
        raise ConfigError(
            f"spread is '{row.spread}', which is no {row.spread_kind}; write a number, or spread_kind none"
        ) from None


def allowance(row: ClinicalRow) -> float:
    """What the model is not held to: 1 percentage point of density, 10 of markers, 15 % of a structural value.

    A T-score counts like a density: a percentage point of it is about 0.1.
    """
    if row.quantity in MARKERS:
        return 10.0
    if row.quantity == "T_score":
        return 0.1
    return 1.0 if "BMD" in row.quantity else 0.15 * abs(row.value)


def score(row: ClinicalRow, values: Sequence[float]) -> Score:
    """Compare a row with what each seed gave, the reference arm already subtracted.

    Parameters
    ----------
    row : ClinicalRow
    values : sequence of float
        One per seed.

    Returns
    -------
    Score
        z = (simulated - published) / sqrt(SE^2 + MC_SE^2 + allowance^2); with one seed MC_SE is not known and counts as
        nothing.
    """
    found = np.asarray(values, dtype=np.float64)
    mean = float(found.mean())
    own = float(found.std(ddof=1) / math.sqrt(len(found))) if len(found) > 1 else math.nan
    error, spare = published_error(row), allowance(row)
    z = (mean - row.value) / math.sqrt(error**2 + (0.0 if math.isnan(own) else own) ** 2 + spare**2)
    return Score(mean, own, error, spare, z)
