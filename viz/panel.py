"""Therapies side by side: one specimen, one camera, one scale, with numbers and a curve under each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.annotate import bar_length_um, length_text
from trabsim.viz.arms import NUMBERS, Arm, Comparison, gather
from trabsim.viz.camera import View, fit
from trabsim.viz.colors import BONE, INK, ramp
from trabsim.viz.notes import day_text
from trabsim.viz.pictures import check_request, draw_bare
from trabsim.viz.read import Box
from trabsim.viz.scene import Scene
from trabsim.viz.style import GRAY, MM_PER_INCH, PAGE_MM, PALE, PALETTE, look, new_figure, write_figure

_MOST_COLUMNS = 4
# millimeters
_WIDEST, _GAP, _EDGE = 60.0, 4.5, 1.5
_HEAD, _NUMBERS, _CURVE, _AXIS, _FOOT, _LEFT = 5.5, 12.5, 20.0, 8.5, 10.0, 13.0
# what is drawn is scaled down to this share of its size, which hides the steps of pixels
_FINER = 1.6


def compare(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    labels: Sequence[str] | None = None,
    day: int | None = None,
    color: str = "loss",
    view: View = "corner",
    box: Box | None = None,
    dpi: int = 300,
    renderer: str = "auto",
) -> str:
    """Draw runs of one specimen side by side, with their numbers and the course of their density.

    Parameters
    ----------
    runs : sequence of str or Path
        Folders of 2 to 8 runs that started from one specimen, the untreated one first.
    out : str or Path
        ``.png``, ``.pdf`` or ``.svg``; 183 mm wide with three runs or more, which is two columns of a journal.
    labels : sequence of str, optional
        Names of the runs; by default those of their folders.
    day : int, optional
        Day after entry; by default the latest that all runs have a checkpoint of.
    color : str
        ``loss`` for what was lost and gained since entry, else as in `trabsim.viz.render_checkpoint`.
    view, box, renderer
        As in `trabsim.viz.render_checkpoint`.
    dpi : int
        Dots per inch.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        For fewer than two runs or too many, different specimens, no common day, an unknown name, no matplotlib,
        or a file that cannot be written.

    Notes
    -----
    The numbers are those of ``series.csv`` on that day; where it lacks the architecture it is measured from the
    checkpoint in the same way.  In brackets stands the change since entry, relative.
    """
    check_request((1000, 1000), view, renderer)
    with look():
        shown = gather(runs, labels, day, color, box)
        figure, facts = _draw(shown, view, dpi, renderer)
        write_figure(figure, out, facts)
    return f"{facts['drawn']}, day {shown.day}"


def _draw(shown: Comparison, view: View, dpi: int, renderer: str) -> tuple[Any, dict[str, object]]:
    arms = shown.arms
    columns = min(len(arms), _MOST_COLUMNS)
    rows = -(-len(arms) // columns)
    wide = min(_WIDEST, (PAGE_MM - _LEFT - _EDGE - (columns - 1) * _GAP) / columns)
    row_mm = _HEAD + wide + _NUMBERS + _CURVE + _AXIS
    width, height = _LEFT + _EDGE + columns * wide + (columns - 1) * _GAP, rows * row_mm + _FOOT
    figure = new_figure(width, height, dpi)
    pixels = round(wide / MM_PER_INCH * dpi * _FINER)
    camera = fit(view, arms[0].scene.shape, (pixels, pixels), margin=0.0)
    um_per_mm = camera.voxels_per_pixel * arms[0].scene.voxel_size_um * pixels / wide
    how = ""
    low, high = _range(arms)
    for number, arm in enumerate(arms):
        row, column = divmod(number, columns)
        left, top = _LEFT + column * (wide + _GAP), height - row * row_mm

        def axes(y: float, tall: float, x: float = left) -> Any:
            return figure.add_axes((x / width, y / height, wide / width, tall / height))

        _title(figure, (left + 0.5) / width, (top - 4.0) / height, wide, number, arm.label)
        image, how = draw_bare(arm.scene, camera, renderer)
        place = axes(top - _HEAD - wide, wide)
        place.imshow(image, interpolation="lanczos", aspect="auto")
        place.axis("off")
        if number == 0:
            scale_bar(place, um_per_mm, wide)
        _write_numbers(axes(top - _HEAD - wide - _NUMBERS, _NUMBERS - 1.5), arm)
        curve = axes(top - row_mm + _AXIS, _CURVE)
        _curve(curve, arms, number, (low, high))
        if column == 0:
            curve.set_ylabel(f"{shown.density}\n(% from entry)", labelpad=2.0)
        else:
            curve.tick_params(labelleft=False)
    when = day_text(shown.day).replace("day", "Day", 1) + "; in brackets the change since entry"
    figure.text(_LEFT / width, 6.0 / height, when, color=GRAY)
    color_legend(figure, arms[0].scene, _LEFT / width, 2.0 / height, width)
    facts: dict[str, object] = {
        "drawn": how,
        "day": shown.day,
        "runs": ", ".join(arm.label for arm in arms),
        "also_different": ", ".join(shown.differ) or "nothing but therapy",
        "voxel_size_um": arms[0].scene.voxel_size_um,
        "um_per_mm_of_paper": round(um_per_mm, 2),
        "smoothing": "surface smoothed for the eye; numbers are measured on voxels",
    }
    return figure, facts


def _title(figure: Any, x: float, y: float, wide: float, number: int, label: str) -> None:
    figure.text(x, y, chr(ord("a") + number), fontsize=9, fontweight="bold", va="baseline")
    shorter = label if len(label) <= 0.62 * wide else label[: int(0.62 * wide) - 3] + "..."
    from_left = x + 4.2 / (figure.get_figwidth() * MM_PER_INCH)
    figure.text(from_left, y, shorter, fontsize=8, va="baseline", color=PALETTE[number % len(PALETTE)])


def scale_bar(place: Any, um_per_mm: float, wide: float) -> None:
    """A scale bar at the lower left of a picture `wide` mm wide."""
    length_um = bar_length_um(0.28 * wide * um_per_mm)
    share = length_um / um_per_mm / wide
    place.plot(
        (0.0, share), (0.02, 0.02), transform=place.transAxes, color=_hex(INK), lw=1.6, solid_capstyle="butt"
    )
    place.text(share / 2, 0.035, length_text(length_um), transform=place.transAxes, ha="center", va="bottom")


def _write_numbers(place: Any, arm: Arm) -> None:
    place.axis("off")
    for line, (column, symbol, unit, factor, decimals) in enumerate(NUMBERS):
        y = 1.0 - (line + 0.5) / len(NUMBERS)
        now, before = factor * arm.now.get(column, np.nan), factor * arm.before.get(column, np.nan)
        value = f"{now:.{decimals}f} {unit}" if np.isfinite(now) else "not measured"
        place.text(0.03, y, symbol, va="center", color=GRAY)
        place.text(0.68, y, value, va="center", ha="right")
        if np.isfinite(now) and before > 0:
            percent = round(100 * (now / before - 1))
            change = f"({percent:+d} %)" if percent else "(0 %)"
            change = change.replace("-", "\N{MINUS SIGN}")
            place.text(0.99, y, change, va="center", ha="right", color=GRAY)


def _range(arms: Sequence[Arm]) -> tuple[float, float]:
    values = np.concatenate([np.zeros(1), *(arm.change for arm in arms)])
    values = values[np.isfinite(values)]
    room = 0.08 * max(float(np.ptp(values)), 1.0)
    return float(values.min()) - room, float(values.max()) + room


def _curve(axis: Any, arms: Sequence[Arm], chosen: int, limits: tuple[float, float]) -> None:
    """Density of one run over time, the others pale behind it."""
    axis.axhline(0.0, color=GRAY, linewidth=0.5, linestyle=(0, (3, 3)), zorder=1)
    for number, arm in enumerate(arms):
        mine = number == chosen
        axis.plot(
            arm.days / DAYS_PER_YEAR,
            arm.change,
            color=PALETTE[number % len(PALETTE)] if mine else PALE,
            linewidth=1.4 if mine else 0.9,
            zorder=3 if mine else 2,
        )
    arm = arms[chosen]
    if len(arm.change):
        last = f"{arm.change[-1]:+.1f} %".replace("-", "\N{MINUS SIGN}")
        up = arm.change[-1] < sum(limits) / 2
        axis.annotate(
            last,
            (1.0, 0.96 if up else 0.04),
            xycoords="axes fraction",
            ha="right",
            va="top" if up else "bottom",
            bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            zorder=4,
            color=PALETTE[chosen % len(PALETTE)],
        )
    axis.set_ylim(*limits)
    axis.margins(x=0.02)
    axis.set_xlabel("years after entry", labelpad=1.5)


def color_legend(figure: Any, scene: Scene, x: float, y: float, width_mm: float) -> None:
    """What the colors of a scene mean, on a line that begins at (x, y) of the figure."""
    from matplotlib.patches import Rectangle

    def write(words: str, color: str = _hex(INK)) -> float:
        text = figure.text(x, y, words, va="baseline", color=color)
        return float(text.get_window_extent().width) / figure.bbox.width

    mm = 1.0 / width_mm
    tall = 2.0 * mm * figure.get_figwidth() / figure.get_figheight()
    if scene.values is not None:
        x += write(f"{scene.values.low:.4g}") + 1 * mm
        bar = figure.add_axes((x, y, 26 * mm, tall))
        bar.imshow(ramp(np.linspace(0, 1, 128), scene.values.ramp)[None] / 255.0, aspect="auto")
        bar.axis("off")
        x += 27 * mm
        x += write(f"{scene.values.high:.4g}") + 3 * mm
        write(scene.values.label)
        return
    classes = [(patch.label, patch.color) for patch in scene.patches]
    if scene.base_label is not None:
        classes.insert(0, (scene.base_label, BONE))
    for label, color in classes:
        box = Rectangle(
            (x, y), 2.0 * mm, tall, transform=figure.transFigure, fc=_hex(color), ec="0.6", lw=0.4
        )
        figure.add_artist(box)
        x += 3.0 * mm
        x += write(label + (" since entry" if label in ("lost", "gained") else "")) + 4 * mm


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
