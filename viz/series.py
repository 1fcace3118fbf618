"""Plot what a run measured over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trabsim.errors import RunError
from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.curve import MENOPAUSE
from trabsim.viz.read import run_table

_BLUE, _ORANGE, _GREEN, _PURPLE = "#1f5fa8", "#d55e00", "#2a8a5c", "#7b4fa3"


class Line(NamedTuple):
    """One line of a plot: names its column may have, label, color, factor."""

    columns: tuple[str, ...]
    label: str
    color: str
    factor: float = 1.0


class Panel(NamedTuple):
    """One plot."""

    label: str
    lines: tuple[Line, ...]


PANELS: tuple[Panel, ...] = (
    Panel("estradiol (pg/mL)", (Line(("estradiol_pg_per_mL",), "", _PURPLE),)),
    Panel("BV/TV (%)", (Line(("BV_TV",), "", _BLUE, 100.0),)),
    Panel("vBMD (mg HA/cm³)", (Line(("vBMD_mg_per_cm3",), "", _BLUE),)),
    Panel("Tb.Th (µm)", (Line(("Tb_Th_um",), "", _BLUE),)),
    Panel("Tb.N (1/mm)", (Line(("Tb_N_per_mm",), "", _BLUE),)),
    Panel("Conn.D (1/mm³)", (Line(("Conn_D_per_mm3",), "", _BLUE),)),
    Panel(
        "markers (% of baseline)",
        (
            Line(("CTX_pct_of_baseline", "CTX_pct"), "CTX", _ORANGE),
            Line(("P1NP_pct_of_baseline", "P1NP_pct"), "P1NP", _GREEN),
        ),
    ),
    Panel("Ac.f (1/year)", (Line(("Ac_f_per_year",), "", _BLUE),)),
    Panel(
        "surface (% of BS)",
        (Line(("ES_BS",), "eroded", _ORANGE, 100.0), Line(("OS_BS",), "osteoid", _GREEN, 100.0)),
    ),
)


def plot_series(
    run: str | Path, out_png: str | Path, *, size: tuple[float, float] = (10.0, 8.0), dpi: int = 160
) -> str:
    """Plot structure, markers and turnover of a run against age, with menopause marked.

    Parameters
    ----------
    run : str or Path
        Run folder with ``series.csv``.  Measures that are absent there are left out.
    out_png : str or Path
        Any ending that matplotlib writes (.png, .pdf, .svg).
    size : tuple of float
        Width and height in inches.
    dpi : int

    Returns
    -------
    str
        The measures that were plotted.

    Raises
    ------
    RunError
        If there is no series, none of the known measures in it, no matplotlib, or the plot cannot be written.
    """
    table = read_table(Path(run))
    panels = [panel for panel in PANELS if any(_column(line, table) for line in panel.lines)]
    if not panels:
        known = ", ".join(line.columns[0] for panel in PANELS for line in panel.lines)
        raise RunError(f"series.csv of {run} holds none of {known}; run longer or measure more")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise RunError('plots need matplotlib, which is not installed; pip install "trabsim[viz]"') from None
    entry = run_table(Path(run), "endocrine")
    age = entry.get("age_years")
    time = table["day"] / DAYS_PER_YEAR + (0.0 if age is None else age)
    columns = min(3, len(panels))
    figure = Figure(figsize=size, dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(-(-len(panels) // columns), columns, squeeze=False, sharex=True).ravel()
    for axis, panel in zip(axes, panels):
        _draw(axis, panel, time, table)
        _mark(axis, entry, age, time)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis in axes[max(len(panels) - columns, 0) : len(panels)]:
        axis.set_xlabel("years after entry" if age is None else "age (years)")
        axis.tick_params(labelbottom=True)
    try:
        figure.savefig(out_png)
    except ValueError:
        raise RunError(
            f"cannot write a plot named '{Path(out_png).name}'; end the name in .png, .pdf or .svg"
        ) from None
    except OSError as error:
        raise RunError(f"cannot write {out_png}: {error.strerror or error}; check the folder") from None
    found = (_column(line, table) for panel in panels for line in panel.lines)
    return "plotted " + ", ".join(column for column in found if column)


def _column(line: Line, table: dict[str, np.ndarray]) -> str:
    """The name that a line's column has in the table; empty where it is absent."""
    return next((column for column in line.columns if column in table), "")


def read_table(run: Path) -> dict[str, np.ndarray]:
    """Columns of the series of a run that hold numbers; nan where nothing was measured."""
    import pandas

    path = run / "series.csv" if run.is_dir() else run
    if not path.is_file():
        raise RunError(f"there is no series at {path}; give a run folder that holds series.csv")
    try:
        frame = pandas.read_csv(path, comment="#")
    except (ValueError, UnicodeDecodeError, OSError):
        raise RunError(f"{path} is not a table of a run; give a run folder that holds series.csv") from None
    if "day" not in frame or len(frame) == 0:
        raise RunError(f"{path} holds no column 'day' or no rows; give the series.csv of a run")
    numbers = {
        str(name): pandas.to_numeric(frame[name], errors="coerce").to_numpy(np.float64) for name in frame
    }
    return {name: column for name, column in numbers.items() if np.isfinite(column).any()}


def _draw(axis: Any, panel: Panel, time: np.ndarray, table: dict[str, np.ndarray]) -> None:
    for line in panel.lines:
        column = _column(line, table)
        if not column:
            continue
        known = np.isfinite(table[column]) & np.isfinite(time)
        sparse = int(known.sum()) <= 24  # yearly measures: show where they were taken
        axis.plot(
            time[known],
            line.factor * table[column][known],
            color=line.color,
            linewidth=1.6,
            marker="o" if sparse else None,
            markersize=3.5,
            label=line.label or None,
        )
    axis.set_ylabel(panel.label)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="0.9", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.margins(y=0.12)
    if sum(bool(_column(line, table)) for line in panel.lines) > 1:
        axis.legend(frameon=False, loc="best", fontsize="small")


def _mark(axis: Any, entry: dict[str, Any], age: float | None, time: np.ndarray) -> None:
    """Mark the final menstrual period or the removal of the ovaries, where it falls into the run."""
    if age is None:
        return
    for key, name in MENOPAUSE:
        when = entry.get(key)
        if when is not None and np.nanmin(time) <= when <= np.nanmax(time):
            axis.axvline(when, color="0.45", linewidth=1.0, linestyle=(0, (4, 3)), zorder=0.5)
            axis.text(
                when,
                1.0,
                f" {name}",
                color="0.35",
                fontsize="small",
                va="top",
                transform=axis.get_xaxis_transform(),
            )
