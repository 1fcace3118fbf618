"""A curve under a film: what a run measured, with a dot on the day that is shown.  Pillow alone draws it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.annotate import letters
from trabsim.viz.colors import INK, PALE_INK
from trabsim.viz.read import run_table

#: What a film shows, the first that a run has: column, label with unit, factor.
CURVES = (
    ("lumbar_spine_BMD_g_per_cm2", "lumbar spine BMD (g/cm2)", 1.0),
    ("vBMD_mg_per_cm3", "trabecular BMD (mg HA/cm3)", 1.0),
    ("BV_TV", "BV/TV (%)", 100.0),
)
#: Ages of a configuration that are marked where time runs.
MENOPAUSE = (
    ("final_menstrual_period_age_years", "menopause"),
    ("surgical_menopause_age_years", "ovariectomy"),
)
_LINE, _COMING = (31, 95, 168), (205, 208, 214)
_FINER = 2


@dataclass(frozen=True)
class Curve:
    """A measure over time.

    Attributes
    ----------
    label : str
    days, values : ndarray of float64
    age_years : float or None
        At entry.
    marks : tuple of (float, str)
        Days to mark, and what happened then.
    """

    label: str
    days: np.ndarray
    values: np.ndarray
    age_years: float | None
    marks: tuple[tuple[float, str], ...] = ()

    def date(self, day: int | None) -> str:
        """A day as years after entry, with age where it is known."""
        if day is None:
            return "day unknown"
        years = day / DAYS_PER_YEAR
        words = f"year {years:.1f}"
        return words if self.age_years is None else f"{words}, age {self.age_years + years:.1f}"


def read_curve(run: Path) -> Curve | None:
    """Curve of a run folder since entry, or None where it has no series with one of `CURVES`."""
    import pandas

    path = run / "series.csv"
    if not path.is_file():
        return None
    try:
        table = pandas.read_csv(path)
    except (ValueError, UnicodeDecodeError, OSError):
        return None
    endocrine = run_table(run, "endocrine")
    age = endocrine.get("age_years")
    for column, label, factor in CURVES:
        if column in table and "day" in table:
            values = pandas.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
            days = pandas.to_numeric(table["day"], errors="coerce").to_numpy(np.float64)
            known = np.isfinite(values) & (days >= 0)
            if known.sum() > 1:
                return Curve(
                    label, days[known], factor * values[known], age, _marks(endocrine, days[known][-1])
                )
    return None


def _marks(endocrine: dict[str, Any], last: float) -> tuple[tuple[float, str], ...]:
    """Final menstrual period or removal of the ovaries, where it falls between entry and the last day."""
    entry = endocrine.get("age_years")
    told = [(endocrine.get(key), what) for key, what in MENOPAUSE]
    if entry is None:
        return ()
    days = [(DAYS_PER_YEAR * (age - entry), what) for age, what in told if isinstance(age, int | float)]
    return tuple((day, what) for day, what in days if 0.0 < day < last)


def draw_curve(curve: Curve, day: int | None, size: tuple[int, int]) -> np.ndarray:
    """The curve as a picture, uint8 (height, width, 3): bold up to `day`, pale after it."""
    from PIL import Image, ImageDraw

    width, height = (_FINER * n for n in size)
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    small = 0.125 * height
    font = letters(small)
    low, high = float(curve.values.min()), float(curve.values.max())
    room = 0.06 * max(high - low, 1e-9)
    low, high = low - room, high + room
    ends = [f"{value:.3g}" for value in (high, low)]
    left = 0.045 * height + max(float(pen.textlength(text, font=font)) for text in ends) + 0.6 * small
    right, top, bottom = width - 2.2 * small, 1.7 * small, height - 1.9 * small
    last = max(float(curve.days[-1]), 1.0)

    def place(days: Any, values: Any) -> list[tuple[float, float]]:
        x = left + (right - left) * np.asarray(days) / last
        y = bottom - (bottom - top) * (np.asarray(values) - low) / (high - low)
        return list(zip(x.tolist(), y.tolist()))

    thin, bold = max(round(0.008 * height), 1), max(round(0.022 * height), 2)
    pen.line([(left, top), (left, bottom), (right, bottom)], fill=PALE_INK, width=thin)
    pen.text((left, 0.1 * small), curve.label, fill=INK, font=font, anchor="la")
    for text, y in zip(ends, (top, bottom)):
        pen.text((left - 0.4 * small, y), text, fill=PALE_INK, font=font, anchor="rm")
    years = last / DAYS_PER_YEAR
    step = next(s for s in (0.25, 0.5, 1, 2, 5, 10, 20, 50) if years / s <= 8)
    for number in range(int(years / step) + 1):
        ((x, y),) = place([number * step * DAYS_PER_YEAR], [low])
        pen.line([(x, y), (x, y + 0.3 * small)], fill=PALE_INK, width=thin)
        unit = " years" if number == int(years / step) else ""
        pen.text((x, y + 0.45 * small), f"{number * step:g}{unit}", fill=PALE_INK, font=font, anchor="ma")
    for when, what in curve.marks:
        ((x, _),) = place([when], [low])
        pen.line([(x, top), (x, bottom)], fill=PALE_INK, width=thin)
        pen.text((x + 0.3 * small, bottom - 0.2 * small), what, fill=PALE_INK, font=font, anchor="ld")
    pen.line(place(curve.days, curve.values), fill=_COMING, width=bold, joint="curve")
    if day is not None and day >= 0:
        now = float(np.interp(day, curve.days, curve.values))
        past = curve.days <= day
        so_far = place([*curve.days[past], day], [*curve.values[past], now])
        if len(so_far) > 1:
            pen.line(so_far, fill=_LINE, width=bold, joint="curve")
        (x, y), r = so_far[-1], 1.9 * bold
        pen.ellipse((x - r, y - r, x + r, y + r), fill=_LINE, outline="white", width=thin)
    return np.asarray(sheet.resize(size, Image.Resampling.LANCZOS))
