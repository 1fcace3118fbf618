"""Curves of runs for a paper: clinical measures, morphometry, and arms of several runs with bands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trabsim.errors import RunError
from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.read import suggest
from trabsim.viz.series import read_table
from trabsim.viz.style import GRAY, PAGE_MM, PALETTE, look, new_figure, write_figure

_COLUMNS, _PANEL_MM, _LEGEND_MM = 3, 42.0, 8.0
_BAND = (10.0, 90.0)
# so few points that each was measured on its own day
_SPARSE = 24


class Measure(NamedTuple):
    """One plot: column of the series, label with unit, factor, and whether it shows change from entry (%)."""

    column: str
    label: str
    factor: float = 1.0
    relative: bool = False


CLINICAL = (
    Measure("lumbar_spine_BMD_g_per_cm2", "spine BMD (% from entry)", relative=True),
    Measure("total_hip_BMD_g_per_cm2", "hip BMD (% from entry)", relative=True),
    Measure("vBMD_mg_per_cm3", "vBMD (% from entry)", relative=True),
    Measure("T_score", "T-score"),
    Measure("CTX_pct_of_baseline", "CTX (% of baseline)"),
    Measure("P1NP_pct_of_baseline", "P1NP (% of baseline)"),
)
MORPHOMETRY = (
    Measure("BV_TV", "BV/TV (%)", 100.0),
    Measure("Tb_Th_um", "Tb.Th (µm)"),
    Measure("Tb_Sp_um", "Tb.Sp (µm)"),
    Measure("Tb_N_per_mm", "Tb.N (mm⁻¹)"),
    Measure("Conn_D_per_mm3", "Conn.D (mm⁻³)"),
    Measure("SMI", "SMI"),
    Measure("DA", "DA"),
    Measure("BS_BV_per_mm", "BS/BV (mm⁻¹)"),
    Measure("Ac_f_per_year", "Ac.f (per year)"),
)


def plot_clinical(
    runs: Sequence[str | Path], out: str | Path, *, labels: Sequence[str] | None = None, dpi: int = 300
) -> str:
    """Plot BMD of spine and hip, T-score, CTX and P1NP over the years after entry.

    Parameters
    ----------
    runs : sequence of str or Path
        An arm each: the folder of a run, or a folder of the runs of one arm, which are drawn as median and band.
    out : str or Path
        ``.png``, ``.pdf`` or ``.svg``.
    labels : sequence of str, optional
        Names of the arms; by default those of their folders.
    dpi : int

    Returns
    -------
    str
        The measures that were plotted.

    Raises
    ------
    RunError
        If a folder holds no series, no series holds one of the measures, there is no matplotlib, or the plot cannot
        be written.
    """
    return plot_arms(runs, out, measures=CLINICAL, labels=labels, dpi=dpi)


def plot_morphometry(
    runs: Sequence[str | Path], out: str | Path, *, labels: Sequence[str] | None = None, dpi: int = 300
) -> str:
    """Plot BV/TV, Tb.Th, Tb.Sp, Tb.N, Conn.D and more over the years; arguments and errors as `plot_clinical`."""
    return plot_arms(runs, out, measures=MORPHOMETRY, labels=labels, dpi=dpi)


def plot_arms(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    measures: Sequence[Measure | str] = CLINICAL,
    labels: Sequence[str] | None = None,
    dpi: int = 300,
) -> str:
    """Plot chosen columns of the series of several arms, with bands where an arm has several runs.

    Parameters
    ----------
    runs, out, labels, dpi
        As in `plot_clinical`.
    measures : sequence of Measure or str
        Columns of ``series.csv``, for example ``("BV_TV", "Ac_f_per_year")``.

    Returns
    -------
    str
        The measures that were plotted, and what a band is.

    Raises
    ------
    RunError
        As `plot_clinical`, and if a column is named that no series holds.
    """
    arms = [_tables(Path(run)) for run in runs]
    if not arms:
        raise RunError("there is nothing to plot; give the folder of a run")
    if labels is not None and len(labels) != len(arms):
        raise RunError(f"{len(labels)} labels for {len(arms)} arms; give one for each, in their order")
    names = list(labels or (Path(run).resolve().name.replace("_", " ") for run in runs))
    known = tuple(sorted({column for arm in arms for table in arm for column in table} - {"day"}))
    chosen = []
    for measure in measures:
        if isinstance(measure, str):
            if measure not in known:
                raise RunError(f"no series holds a column '{measure}'; {suggest(measure, known)}")
            measure = Measure(measure, measure.replace("_", " "))
        if measure.column in known:
            chosen.append(measure)
    if not chosen:
        wanted = ", ".join(m if isinstance(m, str) else m.column for m in measures)
        raise RunError(f"the series hold none of {wanted}; run longer or measure more")
    with look():
        columns = min(_COLUMNS, len(chosen))
        rows = -(-len(chosen) // columns)
        figure = new_figure(PAGE_MM * columns / _COLUMNS, rows * _PANEL_MM + _LEGEND_MM, dpi, "constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for axis, measure in zip(axes, chosen):
            for number, arm in enumerate(arms):
                _draw(axis, arm, measure, PALETTE[number % len(PALETTE)], names[number])
            _finish(axis, measure)
        for axis in axes[len(chosen) :]:
            axis.set_visible(False)
        for axis in axes[max(len(chosen) - columns, 0) : len(chosen)]:
            axis.set_xlabel("years after entry")
            axis.tick_params(labelbottom=True)
        if len(arms) > 1:
            lines, words = axes[0].get_legend_handles_labels()
            figure.legend(lines, words, loc="outside lower center", ncols=min(len(arms), 5))
        several = any(len(arm) > 1 for arm in arms)
        band = (
            f"; lines are medians, bands from the {_BAND[0]:.0f}th to the {_BAND[1]:.0f}th percentile of runs"
        )
        said = "plotted " + ", ".join(measure.column for measure in chosen) + (band if several else "")
        write_figure(figure, out, {"arms": ", ".join(names), "plotted": said})
    return said


def _tables(folder: Path) -> list[dict[str, np.ndarray]]:
    """Series of a run, or of all runs in a folder."""
    if (folder / "series.csv").is_file() or not folder.is_dir():
        return [read_table(folder)]
    found = sorted(folder.glob("*/series.csv"))
    if not found:
        raise RunError(
            f"there is no series in {folder}; give a run folder that holds series.csv, or a folder of them"
        )
    return [read_table(path.parent) for path in found]


def _course(table: dict[str, np.ndarray], measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Days since entry and values of a measure, without gaps."""
    if measure.column not in table:
        return np.zeros(0), np.zeros(0)
    days, values = table["day"], measure.factor * table[measure.column]
    known = np.isfinite(values) & (days >= 0)
    days, values = days[known], values[known]
    if measure.relative and len(values):
        values = 100.0 * (values / values[0] - 1.0)
    return days, values


def _draw(axis: Any, arm: list[dict[str, np.ndarray]], measure: Measure, color: str, label: str) -> None:
    courses = [course for table in arm if len((course := _course(table, measure))[0])]
    if not courses:
        return
    if len(courses) == 1:
        days, middle = courses[0]
    else:
        # days that all runs have lived to; measures in between are interpolated
        last = min(days[-1] for days, _ in courses)
        days = np.unique(np.concatenate([d for d, _ in courses]))
        days = days[days <= last]
        values = np.array([np.interp(days, d, v) for d, v in courses])
        low, middle, high = np.percentile(values, (_BAND[0], 50.0, _BAND[1]), axis=0)
        axis.fill_between(days / DAYS_PER_YEAR, low, high, color=color, alpha=0.18, linewidth=0)
    marker = "o" if len(days) <= _SPARSE else None
    axis.plot(days / DAYS_PER_YEAR, middle, color=color, marker=marker, markersize=2.2, label=label)


def _finish(axis: Any, measure: Measure) -> None:
    axis.set_ylabel(measure.label)
    axis.margins(x=0.02, y=0.1)
    level = 0.0 if measure.relative else (100.0 if "baseline" in measure.label else None)
    if level is not None:
        axis.axhline(level, color=GRAY, linewidth=0.5, linestyle=(0, (3, 3)), zorder=1)
    if measure.column == "T_score":
        axis.axhline(-2.5, color=GRAY, linewidth=0.5, linestyle=(0, (1, 2)), zorder=1)
