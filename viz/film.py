"""A film of a run: its checkpoints one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.camera import View, angles
from trabsim.viz.coloring import color_scene, loss_scene
from trabsim.viz.notes import checkpoint_notes, loss_notes
from trabsim.viz.pictures import Size, check_request, draw_scene
from trabsim.viz.probe import INSTALL_HINT
from trabsim.viz.read import Box, Snapshot, checkpoints, day_of, read_snapshot

_FRAMES_PER_SECOND = 12


def movie(
    run: str | Path,
    out: str | Path,
    *,
    size: Size = (1280, 960),
    view: View = "corner",
    color: str = "loss",
    limits: tuple[float, float] | None = None,
    box: Box | None = None,
    title: str | None = None,
    seconds_per_checkpoint: float = 0.75,
    turn_degrees: float = 0.0,
    renderer: str = "auto",
) -> str:
    """Make a film of the checkpoints of a run since entry, or of all where there are not two since.

    Parameters
    ----------
    run : str or Path
        Run folder.
    out : str or Path
        ``.mp4`` (needs imageio and imageio-ffmpeg) or ``.gif`` (needs neither).
    size, view, limits, box, title, renderer
        As in `trabsim.viz.render_checkpoint`; an mp4 has even numbers of pixels, so odd ones are cut by one.
    color : str
        ``loss`` compares every checkpoint with the first one; else as in `trabsim.viz.render_checkpoint`.
    seconds_per_checkpoint : float
    turn_degrees : float
        How far the specimen turns from one checkpoint to the next.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        If the run holds no checkpoints, a name is unknown, or the film cannot be written here.
    """
    width, height = check_request(size, view, renderer)
    even = (width - width % 2, height - height % 2)
    if not (np.isfinite(seconds_per_checkpoint) and seconds_per_checkpoint > 0):
        raise RunError(
            f"{seconds_per_checkpoint} seconds per checkpoint make no film; give a positive number"
        )
    out = Path(out)
    writers = {".mp4": _write_mp4, ".gif": _write_gif}
    if out.suffix.lower() not in writers:
        raise RunError(f"cannot write a film named '{out.name}'; end the name in .mp4 or .gif")
    if out.suffix.lower() == ".mp4":
        _require_imageio(out)
    paths = _since_entry(checkpoints(run))
    first = read_snapshot(paths[0], box)
    azimuth, elevation = angles(view)
    how = ""

    def frames() -> Iterator[np.ndarray]:
        nonlocal how
        for number, path in enumerate(paths):
            now = read_snapshot(path, box)
            turned = (azimuth + number * turn_degrees, elevation)
            image, how = _frame(first, now, color, limits, even, turned, title, renderer, turn_degrees != 0)
            yield image

    try:
        writers[out.suffix.lower()](out, frames(), seconds_per_checkpoint)
    except OSError as error:
        raise RunError(f"cannot write {out}: {error.strerror or error}; check the folder") from None
    return how


def _since_entry(paths: list[Path]) -> list[Path]:
    """Checkpoints without those of the spin-up, whose remodeling space is still opening."""
    since = [path for path in paths if (day_of(path) or 0) >= 0]
    return since if len(since) > 1 else paths


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
    if color == "loss":
        scene = loss_scene(first, now)
        notes = loss_notes(first, now, scene, title)
    else:
        scene = color_scene(now, color, limits)
        notes = checkpoint_notes(now, scene, title)
    return draw_scene(scene, size, view, notes, renderer, turning)


def _require_imageio(out: Path) -> None:
    try:
        import imageio.v2  # noqa: F401
        import imageio_ffmpeg  # noqa: F401
    except ImportError as error:
        raise RunError(
            f"{out.name} needs {error.name}, which is not installed; {INSTALL_HINT}; or name it .gif"
        ) from None


def _write_mp4(out: Path, frames: Iterator[np.ndarray], seconds: float) -> None:
    import imageio.v2

    repeats = max(1, round(seconds * _FRAMES_PER_SECOND))
    if not out.parent.is_dir():
        raise FileNotFoundError(2, "no such folder")
    writer: Any = imageio.v2.get_writer(
        out,
        format="FFMPEG",
        fps=_FRAMES_PER_SECOND,
        codec="libx264",
        quality=8,
        macro_block_size=2,
        pixelformat="yuv420p",
    )
    try:
        for image in frames:
            for _ in range(repeats):
                writer.append_data(image)
    finally:
        writer.close()


def _write_gif(out: Path, frames: Iterator[np.ndarray], seconds: float) -> None:
    from PIL import Image

    images = [Image.fromarray(image).quantize(colors=255, dither=Image.Dither.NONE) for image in frames]
    images[0].save(out, save_all=True, append_images=images[1:], duration=round(1000 * seconds), loop=0)
