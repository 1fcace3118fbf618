"""Films: a run through its years, and one specimen turned around."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.annotate import annotate, scene_size
from trabsim.viz.camera import View, angles, fit
from trabsim.viz.cells import LAYERS, cell_spheres
from trabsim.viz.coloring import color_scene, loss_scene
from trabsim.viz.curve import draw_curve, read_curve
from trabsim.viz.film_files import require_writer, write_film
from trabsim.viz.notes import cell_notes, checkpoint_notes, loss_notes
from trabsim.viz.pictures import Size, check_request, draw_bare, draw_from, draw_scene
from trabsim.viz.read import MOST_VOXELS, Box, Snapshot, checkpoints, read_snapshot, since_entry

#: Size of a film that is not told, by ending: a GIF of many pixels is large.
SIZES: dict[str, Size] = {".mp4": (1280, 960), ".gif": (720, 600)}
_CURVE_SHARE = 0.16
# a film of many checkpoints does not take longer than this
_LONGEST_SECONDS = 24.0
_SECONDS_PER_CHECKPOINT = 0.75


def movie(
    run: str | Path,
    out: str | Path,
    *,
    size: Size | None = None,
    view: View = "corner",
    color: str = "loss",
    limits: tuple[float, float] | None = None,
    box: Box | None = None,
    title: str | None = None,
    seconds_per_checkpoint: float | None = None,
    turn_degrees: float = 0.0,
    curve: bool = True,
    renderer: str = "auto",
) -> str:
    """Make a film of the checkpoints of a run since entry, or of all where there are not two since.

    Parameters
    ----------
    run : str or Path
        Run folder.
    out : str or Path
        ``.mp4`` (needs imageio and imageio-ffmpeg) or ``.gif`` (needs neither).
    size : tuple of int, optional
        Width and height; 1280 x 960 or, for a GIF, 720 x 600.  An mp4 has even numbers of pixels, so odd ones are
        cut by one.
    view, box, title, renderer
        As in `trabsim.viz.render_checkpoint`.
    limits : tuple of float, optional
        Ends of the color ramp in every frame; by default those that the first and the last checkpoint ask for.
    color : str
        ``loss`` compares every checkpoint with the first one, ``cells`` shows the cells at work; else as in
        `trabsim.viz.render_checkpoint`.
    seconds_per_checkpoint : float, optional
        0.75, or less so that the film lasts no longer than 24 s.
    turn_degrees : float
        How far the specimen turns from one checkpoint to the next.
    curve : bool
        Whether to draw the density, or else BV/TV, of the series below the specimen, with a dot on the day.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        If the run holds no checkpoints, a name is unknown, or the film cannot be written here.
    """
    out = Path(out)
    even = _even(out, size, view, renderer)
    if seconds_per_checkpoint is not None and not (
        np.isfinite(seconds_per_checkpoint) and seconds_per_checkpoint > 0
    ):
        raise RunError(
            f"{seconds_per_checkpoint} seconds per checkpoint make no film; give a positive number"
        )
    require_writer(out)
    paths = since_entry(checkpoints(run))
    seconds = seconds_per_checkpoint or min(_SECONDS_PER_CHECKPOINT, _LONGEST_SECONDS / len(paths))
    below = read_curve(Path(run)) if curve else None
    low = round(_CURVE_SHARE * even[1]) if below is not None else 0
    first = read_snapshot(paths[0], box, MOST_VOXELS)
    if limits is None and color not in ("loss", "cells"):
        limits = _common_limits([first, read_snapshot(paths[-1], box, MOST_VOXELS)], color)
    azimuth, elevation = angles(view)
    how = ""

    def frames() -> Iterator[np.ndarray]:
        nonlocal how
        for number, path in enumerate(paths):
            now = read_snapshot(path, box, MOST_VOXELS)
            turned = (azimuth + number * turn_degrees, elevation)
            words = title if title is not None or below is None else below.date(now.day).capitalize()
            image, how = _frame(
                first,
                now,
                color,
                limits,
                (even[0], even[1] - low),
                turned,
                words,
                renderer,
                turn_degrees != 0,
            )
            if below is not None:
                image = np.concatenate([image, draw_curve(below, now.day, (even[0], low))])
            yield image

    write_film(out, frames(), seconds)
    return how


def turntable(
    path: str | Path,
    out: str | Path,
    *,
    size: Size | None = None,
    elevation: float = 24.0,
    color: str = "bone",
    limits: tuple[float, float] | None = None,
    box: Box | None = None,
    title: str | None = None,
    frames: int = 72,
    seconds: float = 8.0,
    renderer: str = "auto",
) -> str:
    """Turn one checkpoint around once.

    Parameters
    ----------
    path : str or Path
        A checkpoint, or a run folder, of which the last one is taken.
    out : str or Path
        ``.mp4`` or ``.gif``.
    size, limits, box, title, renderer
        As in `movie`.
    elevation : float
        Degrees above the horizon from which it is seen.
    color : str
        As in `trabsim.viz.render_checkpoint`; ``cells`` for the cells at work; ``loss`` for what was lost and gained
        since the first checkpoint after entry of its run.
    frames : int
        How many pictures a turn has, 2 to 720.
    seconds : float
        How long a turn takes.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        As `movie`.
    """
    out = Path(out)
    even = _even(out, size, (0.0, elevation), renderer)
    if not (2 <= frames <= 720 and np.isfinite(seconds) and seconds > 0):
        raise RunError(
            f"a turn of {frames} frames in {seconds:g} s is no film; give 2 to 720 frames and a time"
        )
    require_writer(out)
    now = read_snapshot(path, box, MOST_VOXELS)
    before = now
    if color == "loss":
        before = read_snapshot(since_entry(checkpoints(now.path.parent))[0], box, MOST_VOXELS)
    scene, notes = _scene(before, now, color, limits, title)
    views = [(360.0 * number / frames, elevation) for number in range(frames)]
    cameras = [fit(angle, scene.shape, scene_size(even), turning=True) for angle in views]
    _, how = draw_bare(scene, fit((0.0, elevation), scene.shape, (64, 64)), renderer)
    um = cameras[0].voxels_per_pixel * scene.voxel_size_um
    write_film(
        out,
        (annotate(image, even, um, notes) for image in draw_from(scene, cameras, renderer)),
        seconds / frames,
    )
    return how


def _even(out: Path, size: Size | None, view: View, renderer: str) -> Size:
    """Size of the film, checked with all that is cheap to check."""
    width, height = check_request(size or SIZES.get(out.suffix.lower(), SIZES[".mp4"]), view, renderer)
    return width - width % 2, height - height % 2


def _common_limits(ends: list[Snapshot], color: str) -> tuple[float, float] | None:
    """One scale for all frames, that of the first and the last checkpoint: else colors would flicker."""
    shown = [scene.values for scene in (color_scene(end, color) for end in ends) if scene.values is not None]
    return (min(one.low for one in shown), max(one.high for one in shown)) if shown else None


def _frame(
    first: Snapshot,
    now: Snapshot,
    color: str,
    limits: tuple[float, float] | None,
    size: Size,
    view: View,
    title: str | None,
    renderer: str,
    turning: bool,
) -> tuple[np.ndarray, str]:
    scene, notes = _scene(first, now, color, limits, title)
    return draw_scene(scene, size, view, notes, renderer, turning)


def _scene(first: Snapshot, now: Snapshot, color: str, limits: tuple[float, float] | None, title: str | None):  # type: ignore[no-untyped-def]
    if color == "loss":
        scene = loss_scene(first, now)
        return scene, loss_notes(first, now, scene, title)
    if color == "cells":
        scene = color_scene(now, "phase")
        scene.spheres = cell_spheres(now, scene.solid, LAYERS[:2])
        return scene, cell_notes(now, scene, title)
    scene = color_scene(now, color, limits)
    return scene, checkpoint_notes(now, scene, title)
