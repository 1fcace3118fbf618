"""How the command line writes numbers, tables and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import click

from trabsim.provenance import plain

#: Measures that a run is judged by, in the order of the closing table.
MAIN_MEASURES = (
    "BV_TV",
    "Tb_Th_um",
    "Tb_Sp_um",
    "Tb_N_per_mm",
    "Conn_D_per_mm3",
    "SMI",
    "vBMD_mg_per_cm3",
    "lumbar_spine_BMD_g_per_cm2",
    "T_score",
    "Ac_f_per_year",
    "BFR_BV_per_year",
    "CTX_pct_of_baseline",
    "P1NP_pct_of_baseline",
)


def number(value: float | None, digits: int = 4) -> str:
    """A number with a few significant digits; a dash for what is undefined."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.{digits}g}" if 1e-3 <= abs(value) < 1e6 else f"{value:.{digits - 1}e}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of text, the first to the left and numbers to the right."""
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss, or with one decimal below a minute."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def echo_json(data: Any) -> None:
    """Write JSON; what is not finite becomes null."""
    click.echo(json.dumps(plain(data), indent=2, ensure_ascii=False))


def then_and_now(rows: Any, measures: Sequence[str] = MAIN_MEASURES) -> dict[str, dict[str, float]]:
    """First and last value of each measure since entry, with their days.

    Parameters
    ----------
    rows : DataFrame
        A series.

    Returns
    -------
    dict of str to dict
        With ``first``, ``first_day``, ``last`` and ``last_day``; measures that were never taken are absent.
    """
    found = {}
    for name in measures:
        if name not in rows:
            continue
        taken = rows[["day", name]].dropna()
        if len(taken):
            first, last = taken.iloc[0], taken.iloc[-1]
            found[name] = {
                "first_day": int(first["day"]),
                "first": float(first[name]),
                "last_day": int(last["day"]),
                "last": float(last[name]),
            }
    return found


def change_table(found: dict[str, dict[str, float]]) -> str:
    """Table of `then_and_now`."""
    if not found:
        return "nothing has been measured yet"
    first, last = (most_common([int(v[key]) for v in found.values()]) for key in ("first_day", "last_day"))
    rows = []
    for name, v in found.items():
        change = v["last"] - v["first"]
        percent = (
            f"{100 * change / v['first']:+.1f} %"
            if v["first"] > 0 and name != "T_score"
            else f"{change:+.2f}"
        )
        days = (
            ""
            if (v["first_day"], v["last_day"]) == (first, last)
            else f"days {v['first_day']}, {v['last_day']}"
        )
        rows.append((name, number(v["first"]), number(v["last"]), percent, days))
    return table(("", f"day {first}", f"day {last}", "change", ""), rows)


def most_common(values: Sequence[int]) -> int:
    """The value that occurs most often, of equals the largest."""
    return max(values, key=lambda value: (values.count(value), value))


def time_table(seconds: dict[str, float], wall: float) -> str:
    """Where the time went: every part above 2 % of the wall time."""
    ranked = sorted(seconds.items(), key=lambda item: -item[1])
    large = [(name, spent) for name, spent in ranked if spent > 0.02 * wall]
    rest = wall - sum(spent for _, spent in large)
    rows = [(name, duration(spent), f"{100 * spent / max(wall, 1e-9):.0f} %") for name, spent in large]
    rows.append(
        ("everything else", duration(max(rest, 0.0)), f"{100 * max(rest, 0.0) / max(wall, 1e-9):.0f} %")
    )
    return table(("time", "", ""), rows)
