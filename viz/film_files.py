"""Write films: MP4 by the ffmpeg that imageio-ffmpeg brings, GIF by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.probe import INSTALL_HINT

#: Of an MP4; a picture that lasts longer is repeated, which costs next to nothing.
FRAMES_PER_SECOND = 12


def require_writer(out: Path) -> None:
    """Refuse a name that is no film's, or an MP4 where it cannot be written, before anything is drawn.

    Raises
    ------
    RunError
        Names the ending to choose, or what to install.
    """
    ending = out.suffix.lower()
    if ending not in (".mp4", ".gif"):
        raise RunError(f"cannot write a film named '{out.name}'; end the name in .mp4 or .gif")
    if ending == ".mp4":
        try:
            import imageio.v2  # noqa: F401
            import imageio_ffmpeg  # noqa: F401
        except ImportError as error:
            raise RunError(
                f"{out.name} needs {error.name}, which is not installed; {INSTALL_HINT}; or name it .gif"
            ) from None


def write_film(out: Path, frames: Iterator[np.ndarray], seconds_per_frame: float) -> None:
    """Write pictures of one size as a film.

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    write = _write_mp4 if out.suffix.lower() == ".mp4" else _write_gif
    try:
        write(out, frames, seconds_per_frame)
    except OSError as error:
        raise RunError(f"cannot write {out}: {error.strerror or error}; check the folder") from None


def _write_mp4(out: Path, frames: Iterator[np.ndarray], seconds: float) -> None:
    import imageio.v2

    # whole repeats of a frame at a steady rate, as players want it
    repeats = max(1, round(seconds * FRAMES_PER_SECOND))
    if not out.parent.is_dir():
        raise FileNotFoundError(2, "no such folder")
    writer: Any = imageio.v2.get_writer(
        out,
        format="FFMPEG",
        fps=repeats / seconds if repeats == 1 else FRAMES_PER_SECOND,
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
    # a GIF counts in hundredths of a second, and players do not go below two
    duration = max(round(100 * seconds), 2) * 10
    images[0].save(out, save_all=True, append_images=images[1:], duration=duration, loop=0)
