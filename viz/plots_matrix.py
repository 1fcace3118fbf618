"""Distributions for a paper: mineral of the matrix, and the sites at which bone is remodeled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.errors import RunError
from trabsim.state import FULL
from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.coloring import exposed, matrix_values
from trabsim.viz.colors import PHASES
from trabsim.viz.read import MOST_VOXELS, Snapshot, checkpoints, day_of, read_snapshot, since_entry
from trabsim.viz.style import GRAY, PAGE_MM, PALE, PALETTE, look, new_figure, write_figure

_BIN_MG = 10.0
_ROW_MM = 52.0
_PHASE_COLORS = ("", "#d55e00", "#e69f00", "#0072b2", "#7a5195")


def plot_mineral(
    runs: Sequence[str | Path], out: str | Path, *, labels: Sequence[str] | None = None, dpi: int = 300
) -> str:
    """Plot how much of the bone has how much mineral, at entry of the first run and at the end of each.

    Parameters
    ----------
    runs : sequence of str or Path
        Run folders.
    out : str or Path
        ``.png``, ``.pdf`` or ``.svg``.
    labels : sequence of str, optional
        Names of the runs; by default those of their folders.
    dpi : int

    Returns
    -------
    str
        Means and standard deviations.

    Raises
    ------
    RunError
        If a run holds no checkpoint, there is no matplotlib, or the plot cannot be written.

    Notes
    -----
    Volume weighted: every voxel counts with the matrix in it.  Bins are 10 mg HA/cm3 wide.
    """
    if labels is not None and len(labels) != len(runs):
        raise RunError(f"{len(labels)} labels for {len(runs)} runs; give one for each, in their order")
    names = list(labels or (Path(run).resolve().name.replace("_", " ") for run in runs))
    first = since_entry(checkpoints(runs[0]))[0]
    shots = [(f"entry (day {day_of(first)})", first, GRAY)]
    for number, (run, name) in enumerate(zip(runs, names)):
        last = checkpoints(run)[-1]
        shots.append((f"{name} (day {day_of(last)})", last, PALETTE[number % len(PALETTE)]))
    said = []
    with look():
        figure = new_figure(0.6 * PAGE_MM, 62.0, dpi, "constrained")
        axis = figure.subplots()
        for name, path, color in shots:
            snapshot = read_snapshot(path, None, MOST_VOXELS)
            mineral = matrix_values(snapshot, "mineral")[snapshot.solid].astype(np.float64)
            weight = snapshot.bone[snapshot.solid] / FULL
            low, high = (
                _BIN_MG * np.floor(mineral.min() / _BIN_MG),
                _BIN_MG * np.ceil(mineral.max() / _BIN_MG + 1),
            )
            share, edges = np.histogram(mineral, np.arange(low, high + 1, _BIN_MG), weights=weight)
            mean = np.average(mineral, weights=weight)
            SD = np.sqrt(np.average((mineral - mean) ** 2, weights=weight))
            entry = path == first
            axis.stairs(
                100.0 * share / share.sum(),
                edges,
                color=PALE if entry else color,
                label=f"{name}: {mean:.0f} ± {SD:.0f}",
                linewidth=1.2,
                fill=entry,
            )
            said.append(f"{name} {mean:.0f} (SD {SD:.0f}) mg HA/cm3")
        axis.set_xlabel("mineral of the matrix (mg HA/cm³)")
        axis.set_ylabel("share of bone volume (%)")
        axis.legend(loc="upper left")
        axis.set_xlim(*_middle(axis))
        write_figure(figure, out, {"mean_mineral": ", ".join(said)})
    return "; ".join(said)


def plot_sites(run: str | Path, out: str | Path, *, dpi: int = 300) -> str:
    """Plot the remodeling sites of a run: surface in each phase over time, and age, recruits and depth of sites.

    Parameters
    ----------
    run : str or Path
        Run folder.
    out : str or Path
        ``.png``, ``.pdf`` or ``.svg``.
    dpi : int

    Returns
    -------
    str
        How many sites the last checkpoint holds.

    Raises
    ------
    RunError
        If the run holds no checkpoint, there is no matplotlib, or the plot cannot be written.

    Notes
    -----
    Shares of the surface count exposed voxels, not areas; ES/BS and OS/BS of the series are areas.  Age, recruits and
    depth are those of the last checkpoint.
    """
    paths = since_entry(checkpoints(run))
    years, shares = [], []
    for path in paths:
        snapshot = read_snapshot(path, None, MOST_VOXELS)
        on = snapshot.array("phase")[exposed(snapshot.solid)]
        years.append((snapshot.day or 0) / DAYS_PER_YEAR)
        shares.append(
            [100.0 * float((on == number).mean()) if len(on) else 0.0 for number in range(len(PHASES))]
        )
    last = read_snapshot(paths[-1])
    opened, recruits = last.column("sites", "opened_day"), last.column("sites", "recruits")
    with look():
        figure = new_figure(PAGE_MM, 2 * _ROW_MM, dpi, "constrained")
        (over_time, age), (joined, depth) = figure.subplots(2, 2)
        for number in range(1, len(PHASES)):
            values = [share[number] for share in shares]
            if any(values):
                over_time.plot(
                    years, values, "o-", color=_PHASE_COLORS[number], markersize=2.5, label=PHASES[number][0]
                )
        over_time.set_xlabel("years after entry")
        over_time.set_ylabel("surface (% of exposed voxels)")
        over_time.set_ylim(bottom=0.0)
        over_time.legend(loc="best")
        days = (last.day or 0) - (opened if opened is not None else np.zeros(0))
        _histogram(age, days, "age of open sites (days)")
        _histogram(
            joined, recruits if recruits is not None else np.zeros(0), "osteoclasts that joined a site", 1.0
        )
        _depths(depth, last)
        write_figure(figure, out, {"source": last.path.name})
    return f"{len(days)} sites in {last.path.name}"


def _histogram(axis: Any, values: np.ndarray, label: str, step: float | None = None) -> None:
    values = np.asarray(values, dtype=np.float64)
    axis.set_xlabel(label)
    axis.set_ylabel("sites")
    if len(values) == 0:
        axis.text(0.5, 0.5, "none", transform=axis.transAxes, ha="center", color=GRAY)
        return
    top = float(np.percentile(values, 99.5))
    edges = np.arange(-0.5, top + 1.5, step) if step else np.linspace(min(float(values.min()), 0.0), top, 31)
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.hist(values, bins=edges, color=PALETTE[1], edgecolor="white", linewidth=0.3)
    middle = float(np.median(values))
    axis.axvline(middle, color=PALETTE[2], linewidth=1.0)
    axis.text(
        middle,
        0.97,
        f" median {middle:.3g}",
        transform=axis.get_xaxis_transform(),
        va="top",
        color=PALETTE[2],
    )


def _depths(axis: Any, last: Snapshot) -> None:
    """Depth of the surface below what it was before its site opened, by phase."""
    axis.set_xlabel("erosion depth (µm)")
    axis.set_ylabel("surface voxels up to this depth (%)")
    if "erosion_depth_nm" not in last.names:
        return
    on = exposed(last.solid)
    phase, depth = last.array("phase")[on], last.array("erosion_depth_nm")[on] / 1000.0
    shown = [n for n in range(1, len(PHASES)) if ((phase == n) & (depth > 0)).any()]
    if not shown:
        axis.text(0.5, 0.5, "none", transform=axis.transAxes, ha="center", color=GRAY)
        return
    for number in shown:
        here = depth[(phase == number) & (depth > 0)]
        below = np.concatenate([[0.0], np.sort(here)]), np.linspace(0.0, 100.0, len(here) + 1)
        axis.plot(*below, color=_PHASE_COLORS[number], label=PHASES[number][0], drawstyle="steps-post")
    axis.legend(loc="best")


def _middle(axis: Any) -> tuple[float, float]:
    """Limits of the values without long empty tails."""
    filled = [patch.get_data() for patch in axis.patches]
    low = min(float(edges[:-1][values > 0.15][0]) for values, edges, _ in filled)
    high = max(float(edges[1:][values > 0.15][-1]) for values, edges, _ in filled)
    return low - 2 * _BIN_MG, high + 2 * _BIN_MG
