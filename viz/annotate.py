"""Title, legend and scale bar around a drawn scene, with Pillow alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.colors import INK, PALE_INK, ramp

Color = tuple[int, int, int]

# shares of the picture's height
_TITLE, _TEXT = 0.034, 0.024
_SMALLEST_LETTERS = 8.0  # pixels
_HEADER, _FOOTER, _EDGE = 0.115, 0.075, 0.030


@dataclass(frozen=True)
class Ramp:
    """A color bar: label with unit, the values at its ends, and its name in `trabsim.viz.colors.RAMPS`."""

    label: str
    low: float
    high: float
    name: str = "even"


@dataclass(frozen=True)
class Notes:
    """What is written around a picture; texts in plain ASCII, which every font has."""

    title: str = ""
    caption: str = ""
    swatches: tuple[tuple[str, Color], ...] = ()
    ramp: Ramp | None = None


def scene_size(size: tuple[int, int]) -> tuple[int, int]:
    """Part of a picture (width, height) that is left for the scene."""
    width, height = size
    return width, height - round(_HEADER * height) - round(_FOOTER * height)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """Picture size as integers.

    Raises
    ------
    RunError
        Unless it is two numbers from 160 to 16000.
    """
    try:
        width, height = (int(n) for n in size)
    except (TypeError, ValueError):
        raise RunError(f"a picture's size is (width, height) in pixels, not {size!r}; correct it") from None
    if not (160 <= width <= 16_000 and 160 <= height <= 16_000):
        raise RunError(f"picture size {width} x {height} is out of range; give 160 to 16000 pixels each way")
    return width, height


def bar_length_um(longest_um: float) -> float:
    """Longest round length (1, 2 or 5 times a power of ten) that is not above `longest_um`."""
    power = 10.0 ** math.floor(math.log10(longest_um))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest_um * (1 + 1e-9))


def length_text(length_um: float) -> str:
    """A length as it stands above a scale bar."""
    return f"{length_um / 1000:g} mm"


def annotate(scene: np.ndarray, size: tuple[int, int], um_per_pixel: float, notes: Notes) -> np.ndarray:
    """Put a scene on a white sheet with title, legend and scale bar.

    Parameters
    ----------
    scene : uint8 array, shape (height, width, 3)
        Drawn at `scene_size(size)`.
    size : tuple of int
        Width and height of the sheet.
    um_per_pixel : float
        Scale in the plane of the picture.
    notes : Notes

    Returns
    -------
    uint8 array, shape (height, width, 3)
    """
    from PIL import Image, ImageDraw

    width, height = size
    sheet = Image.new("RGB", size, "white")
    sheet.paste(Image.fromarray(scene), (0, round(_HEADER * height)))
    pen = ImageDraw.Draw(sheet)
    edge = round(_EDGE * height)
    _fitted(pen, (edge, edge), notes.title, _TITLE * height, INK, width - 2 * edge)
    _fitted(
        pen,
        (edge, edge + round(1.45 * _TITLE * height)),
        notes.caption,
        _TEXT * height,
        PALE_INK,
        width - 2 * edge,
    )
    bar = _scale_bar(pen, size, um_per_pixel)
    room = width - edge - bar
    if notes.ramp is not None:
        _color_bar(sheet, pen, size, notes.ramp, room)
    else:
        _legend(pen, size, notes.swatches, room)
    return np.asarray(sheet)


def save(image: np.ndarray, out: str | Path, facts: Mapping[str, object] | None = None) -> None:
    """Write a picture; a PNG carries `facts` in its header, each under its name.

    Raises
    ------
    RunError
        For an unknown ending of the name, or a folder that cannot be written to.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    more: dict[str, Any] = {}
    if facts and Path(out).suffix.lower() == ".png":
        more["pnginfo"] = header = PngInfo()
        for name, value in {"Software": "trabsim", **facts}.items():
            header.add_text(name, str(value))
    try:
        Image.fromarray(image).save(out, **more)
    except ValueError:
        raise RunError(f"cannot write a picture named '{Path(out).name}'; end the name in .png") from None
    except OSError as error:
        raise RunError(f"cannot write {out}: {error.strerror or error}; check the folder") from None


def letters(pixels: float) -> Any:
    """Pillow's own font at a height of so many pixels, or the nearest that it has."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size=max(pixels, _SMALLEST_LETTERS))
    except (TypeError, ImportError):  # Pillow before 10.1, or built without FreeType
        return ImageFont.load_default()


def _fitted(
    pen: Any,
    place: tuple[float, float],
    text: str,
    pixels: float,
    color: Color,
    room: float,
    anchor: str = "la",
) -> None:
    """Write a line, smaller where it would not fit, and cut off where even small letters would not."""
    font = letters(pixels)
    while pen.textlength(text, font=font) > room and pixels > _SMALLEST_LETTERS:
        pixels *= 0.96
        font = letters(pixels)
    while text and pen.textlength(text, font=font) > room:
        text = text[:-4] + "..." if len(text) > 4 else ""
    pen.text(place, text, fill=color, font=font, anchor=anchor)


def _scale_bar(pen: Any, size: tuple[int, int], um_per_pixel: float) -> int:
    """Draw the scale bar at the lower right; returns where it begins, from the right edge, in pixels."""
    width, height = size
    edge = round(_EDGE * height)
    length_um = bar_length_um(0.16 * width * um_per_pixel)
    pixels = round(length_um / um_per_pixel)
    bottom, thick = height - edge, max(round(0.006 * height), 2)
    pen.rectangle((width - edge - pixels, bottom - thick, width - edge - 1, bottom - 1), fill=INK)
    font = letters(_TEXT * height)
    middle = width - edge - pixels / 2
    pen.text(
        (middle, bottom - thick - 0.008 * height), length_text(length_um), fill=INK, font=font, anchor="ms"
    )
    return edge + pixels + 2 * edge


def _legend(pen: Any, size: tuple[int, int], swatches: tuple[tuple[str, Color], ...], room: float) -> None:
    height = size[1]
    edge, pixels = round(_EDGE * height), _TEXT * height
    while True:
        font, square, gap = letters(pixels), 0.95 * pixels, 0.45 * pixels
        needed = sum(square + gap + pen.textlength(label, font=font) + 4 * gap for label, _ in swatches)
        if needed <= room or pixels < _SMALLEST_LETTERS:
            break
        pixels *= 0.92
    x, bottom = float(edge), float(height - edge)
    for label, color in swatches:
        outline = tuple(round(0.6 * channel) for channel in color)
        pen.rectangle((x, bottom - square, x + square, bottom), fill=color, outline=outline)
        x += square + gap
        pen.text((x, bottom - square / 2), label, fill=INK, font=font, anchor="lm")
        x += pen.textlength(label, font=font) + 4 * gap


def _color_bar(sheet: Any, pen: Any, size: tuple[int, int], bar: Ramp, room: float) -> None:
    from PIL import Image

    width, height = size
    edge, pixels = round(_EDGE * height), _TEXT * height
    font = letters(pixels)
    low, high = f"{bar.low:.4g}", f"{bar.high:.4g}"
    long, thick = round(min(0.26 * width, 0.5 * room)), max(round(0.8 * pixels), 4)
    middle = height - edge - thick / 2
    x = float(edge)
    pen.text((x, middle), low, fill=INK, font=font, anchor="lm")
    x += pen.textlength(low, font=font) + 0.5 * pixels
    colors = np.tile(np.rint(ramp(np.linspace(0.0, 1.0, long), bar.name)).astype(np.uint8), (thick, 1, 1))
    sheet.paste(Image.fromarray(colors), (round(x), height - edge - thick))
    x += long + 0.5 * pixels
    pen.text((x, middle), high, fill=INK, font=font, anchor="lm")
    x += pen.textlength(high, font=font) + pixels
    _fitted(pen, (x, middle), bar.label, pixels, INK, room - x, anchor="lm")
