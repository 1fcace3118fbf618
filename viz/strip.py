"""A run in a row: its specimen on some days, side by side, above the curve of its density."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trabsim.errors import RunError
from trabsim.runfile import open_run
from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.arms import DENSITY
from trabsim.viz.camera import View, fit
from trabsim.viz.coloring import color_scene, loss_scene
from trabsim.viz.notes import percent
from trabsim.viz.panel import color_legend, scale_bar
from trabsim.viz.pictures import check_request, draw_bare
from trabsim.viz.read import MOST_VOXELS, Box, checkpoints, day_of, read_snapshot, since_entry
from trabsim.viz.scene import Scene, Values
from trabsim.viz.style import GRAY, MM_PER_INCH, PAGE_MM, PALETTE, look, new_figure, write_figure

_MOST = 8
# millimeters
_GAP, _EDGE, _LEFT, _HEAD, _WORDS, _CURVE, _AXIS, _FOOT, _WIDEST = (
    2.5,
    2.0,
    16.0,
    5.0,
    5.0,
    20.0,
    8.5,
    7.0,
    45.0,
)
_FINER = 1.6


def render_strip(
    run: str | Path,
    out: str | Path,
    *,
    days: Sequence[int] | None = None,
    most: int = 5,
    color: str = "loss",
    view: View = "corner",
    box: Box | None = None,
    dpi: int = 300,
    renderer: str = "auto",
) -> str:
    """Draw one run on several days in a row.

    Parameters
    ----------
    run : str or Path
        Run folder.
    out : str or Path
        ``.png``, ``.pdf`` or ``.svg``.
    days : sequence of int, optional
        Days after entry that have a checkpoint; by default up to `most` of them, evenly from the first to the last.
    most : int
        2 to 8.
    color : str
        ``loss`` for what was lost and gained since the first of the days, else as in
        `trabsim.viz.render_checkpoint`, with one scale of colors.
    view, box, dpi, renderer
        As in `trabsim.viz.compare`.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        If the run has fewer than two checkpoints, a day has none, or a name is unknown.
    """
    check_request((1000, 1000), view, renderer)
    opened = open_run(run)
    paths = _chosen(Path(run), days, most)
    shots = [read_snapshot(path, box, MOST_VOXELS) for path in paths]
    if color == "loss":
        scenes = [loss_scene(shots[0], shot) for shot in shots]
    else:
        scenes = [color_scene(shot, color) for shot in shots]
        _one_scale(scenes)
    wide = min(_WIDEST, (PAGE_MM - _LEFT - _EDGE - (len(shots) - 1) * _GAP) / len(shots))
    across = len(shots) * wide + (len(shots) - 1) * _GAP
    series = opened.series
    column, label = next(
        ((c, n) for c, n in DENSITY if c in series and series[c].notna().sum() > 1), ("", "")
    )
    low = _CURVE + _AXIS if column else 0.0
    width, height = _LEFT + _EDGE + across, _HEAD + wide + _WORDS + low + _FOOT
    pixels = round(wide / MM_PER_INCH * dpi * _FINER)
    camera = fit(view, scenes[0].shape, (pixels, pixels), margin=0.0)
    um_per_mm = camera.voxels_per_pixel * scenes[0].voxel_size_um * pixels / wide
    how = ""
    with look():
        figure = new_figure(width, height, dpi)
        middles = []
        for number, (shot, scene) in enumerate(zip(shots, scenes)):
            left = _LEFT + number * (wide + _GAP)
            middles.append(left + wide / 2)
            image, how = draw_bare(scene, camera, renderer)
            place = figure.add_axes(
                (left / width, 1.0 - (_HEAD + wide) / height, wide / width, wide / height)
            )
            place.imshow(image, interpolation="lanczos", aspect="auto")
            place.axis("off")
            years = (shot.day or 0) / DAYS_PER_YEAR
            figure.text(middles[-1] / width, 1.0 - 3.8 / height, f"year {years:.1f}", ha="center", fontsize=8)
            words = f"BV/TV {percent(shot.BV_TV)}"
            figure.text(middles[-1] / width, 1.0 - (_HEAD + wide + 3.5) / height, words, ha="center")
            if number == 0:
                scale_bar(place, um_per_mm, wide)
        if column:
            axis = figure.add_axes(
                (_LEFT / width, (_FOOT + _AXIS) / height, across / width, (_CURVE - 2.0) / height)
            )
            known = series[(series["day"] >= 0) & series[column].notna()]
            change = 100.0 * (known[column] / known[column].iloc[0] - 1.0)
            axis.plot(known["day"] / DAYS_PER_YEAR, change, color=PALETTE[1])
            axis.axhline(0.0, color=GRAY, linewidth=0.5, linestyle=(0, (3, 3)))
            at = np.array([float(shot.day or 0) for shot in shots])
            axis.plot(
                at / DAYS_PER_YEAR, np.interp(at, known["day"], change), "o", color=PALETTE[1], markersize=3.5
            )
            axis.set_ylabel(f"{label}\n(% from entry)")
            axis.set_xlabel("years after entry", labelpad=1.5)
            axis.margins(x=0.01, y=0.15)
        color_legend(figure, scenes[-1], _LEFT / width, 2.0 / height, width)
        facts = {
            "run": Path(run).name,
            "days": ", ".join(str(shot.day) for shot in shots),
            "decimation": "none" if shots[0].step == 1 else f"means over {shots[0].step}^3 voxels",
            "drawn": how,
        }
        write_figure(figure, out, facts)
    return f"{how}, days {facts['days']}"


def _chosen(run: Path, days: Sequence[int] | None, most: int) -> list[Path]:
    by_day = {day: path for path in since_entry(checkpoints(run)) if (day := day_of(path)) is not None}
    if days is None:
        if not 2 <= most <= _MOST:
            raise RunError(f"a strip of {most} pictures cannot be drawn; give 2 to {_MOST}")
        # a last day beside the last regular one says nothing new
        known = sorted(by_day)
        if len(known) > 2 and known[-1] - known[-2] < 0.2 * (known[1] - known[0]):
            known.pop()
        picked = np.unique(np.linspace(0, len(known) - 1, most).round().astype(int))
        days = [known[number] for number in picked.tolist()] if known else []
    if not 2 <= len(days) <= _MOST:
        raise RunError(
            f"a strip needs 2 to {_MOST} checkpoints, and {run} gives {len(days)}; choose other days"
        )
    for day in days:
        if day not in by_day:
            raise RunError(
                f"{run} holds no checkpoint of day {day}; choose from: {', '.join(map(str, sorted(by_day)))}"
            )
    return [by_day[day] for day in days]


def _one_scale(scenes: Sequence[Scene]) -> None:
    """Give all scenes the widest of their ramps."""
    shown = [scene.values for scene in scenes if scene.values is not None]
    if shown:
        low, high = min(v.low for v in shown), max(v.high for v in shown)
        for scene in scenes:
            v = scene.values
            if v is not None:
                scene.values = Values(v.label, v.lattice, low, high, v.ramp)
