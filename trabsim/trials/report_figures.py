"""Figures of a report as SVG: arm curves, waterfall, panels; in colors that color-blind readers tell apart."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from trabsim.errors import ConfigError
from trabsim.trials.report_statistics import Mean, Published

#: Colors of Okabe and Ito 2008, with a mark and a line for each, so that color is never alone in telling arms apart.
STYLES = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#E69F00", "v", "-"),
    ("#56B4E9", "P", "--"),
    ("#000000", "X", "-."),
)

#: Units at the end of names, as an axis says them.
UNITS = {
    "um": "µm",
    "per_mm": "1/mm",
    "per_mm2": "1/mm²",
    "per_mm3": "1/mm³",
    "per_year": "1/year",
    "um_per_day": "µm/day",
    "um_per_year": "µm/year",
    "mg_per_cm3": "mg/cm³",
    "g_per_cm2": "g/cm²",
    "pg_per_mL": "pg/mL",
    "MPa": "MPa",
    "N": "N",
}

#: Curves of one figure: means by month, by arm.
Curves = Mapping[str, Mapping[int, Mean]]


def curves_figure(panels: Mapping[str, Curves], published: Sequence[Published], arms: Sequence[str]) -> str:
    """Means of arms with their bands, one panel per endpoint.

    Parameters
    ----------
    panels : mapping of str to curves
        By name of the endpoint.
    published : sequence of Published
        Values of arms that are drawn over the curves.
    arms : sequence of str
        In the order of their colors.

    Returns
    -------
    str
        SVG.
    """
    columns = min(len(panels), 3)
    lines = math.ceil(len(panels) / columns)
    figure = _figure(4.2 * columns if columns > 1 else 6.4, 3.2 * lines if columns > 1 else 4.0)
    for k, (name, curves) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(lines, columns, k)
        for arm, by_month in curves.items():
            color, mark, line = STYLES[arms.index(arm) % len(STYLES)]
            months = list(by_month)
            axes.plot(
                months,
                [m.mean for m in by_month.values()],
                line,
                marker=mark,
                color=color,
                label=arm,
                markersize=4,
            )
            low, high = [m.low for m in by_month.values()], [m.high for m in by_month.values()]
            low, high = (
                [b if math.isfinite(b) else m.mean for b, m in zip(bounds, by_month.values())]
                for bounds in (low, high)
            )
            axes.fill_between(months, low, high, color=color, alpha=0.18, linewidth=0)
            points = [p for p in published if p.arm == arm and p.endpoint == name and not p.difference]
            if points:
                axes.errorbar(
                    [p.month for p in points],
                    [p.value for p in points],
                    yerr=[1.96 * p.SE for p in points],
                    fmt=mark,
                    color=color,
                    markerfacecolor="white",
                    markersize=7,
                    capsize=3,
                    label=f"{arm}, published",
                )
        _finish(axes, name)
        if k == 1:
            axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def waterfall_figure(values: Mapping[str, Mapping[int, float]], name: str, arms: Sequence[str]) -> str:
    """Every patient's value, sorted, one panel per arm.

    Parameters
    ----------
    values : mapping of str to mapping of int to float
        By arm and patient.
    name : str
        Of the endpoint.
    arms : sequence of str
    """
    figure = _figure(3.6 * len(values) if len(values) > 1 else 6.4, 3.4)
    first = None
    for k, (arm, by_patient) in enumerate(values.items(), 1):
        axes = figure.add_subplot(1, len(values), k, sharey=first)
        first = first or axes
        ranked = sorted(
            (item for item in by_patient.items() if math.isfinite(item[1])), key=lambda item: -item[1]
        )
        color = STYLES[arms.index(arm) % len(STYLES)][0]
        axes.bar(range(len(ranked)), [value for _, value in ranked], color=color, width=0.8)
        axes.set_xticks(range(len(ranked)), [str(patient) for patient, _ in ranked], fontsize=7)
        axes.set_xlabel("patient")
        axes.axhline(0.0, color="#444444", linewidth=0.8)
        axes.set_title(arm, fontsize=10)
        if k == 1:
            axes.set_ylabel(label_of(name))
        _plain(axes)
    return _svg(figure)


def label_of(name: str) -> str:
    """Name of an endpoint as an axis says it, with its unit."""
    if found := re.fullmatch(r"BMD_pct_change_(LS|TH|FN)", name):
        return f"BMD {found[1]}, change (%)"
    if found := re.fullmatch(r"(CTX|NTX|P1NP|BAP|OC)_pct", name):
        return f"{found[1]}, change (%)"
    stem, change = name, ""
    for ending, said in (("_pct_change", ", change"), ("_change", ", change")):
        if stem.endswith(ending):
            stem, change = stem.removesuffix(ending), said
            break
    unit = next((unit for unit in sorted(UNITS, key=len, reverse=True) if stem.endswith(f"_{unit}")), None)
    if unit is not None:
        stem = stem.removesuffix(f"_{unit}")
    stem = stem.replace("Tb_", "Tb.").replace("Conn_D", "Conn.D").replace("BV_TV", "BV/TV").replace("_", " ")
    if name.endswith("_pct_change"):
        return f"{stem}{change} (%)"
    return f"{stem}{change} ({UNITS[unit]})" if unit is not None else f"{stem}{change}"


def _finish(axes: Any, name: str) -> None:
    axes.set_xlabel("months from entry")
    axes.set_ylabel(label_of(name))
    axes.axhline(0.0, color="#888888", linewidth=0.6)
    _plain(axes)


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError(
            'a report needs Matplotlib, which is not installed; install it with: pip install "trabsim[trials]"'
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Any) -> str:
    """The figure as an element of a page; equal figures give equal text."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "trabsim", "font.family": "sans-serif"}
    ):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
