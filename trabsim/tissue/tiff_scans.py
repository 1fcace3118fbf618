"""Scans as TIFF: one multi-page file, or a folder with one file per slice."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.scan_image import claimed_spacing, show_reason

UM_PER_UNIT = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "millimeter": 1e3,
    "um": 1.0,
    "µm": 1.0,
    "μm": 1.0,
    "\\u00b5m": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "nm": 1e-3,
    "inch": 25400.0,
}
PRINTING_DENSITIES_PER_INCH = (1, 72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 240, 300, 400, 600, 1200)
"""Resolutions that software writes when it knows none; no scanner's voxel."""

DAMAGE = re.compile(
    r"invalid page offset|corrupt|truncat|failed to|invalid value offset|raised|incomplete", re.I
)
"""How tifffile's log speaks of a damaged file where it raises nothing and returns fewer slices."""

RGB, YCBCR, WHITE_IS_ZERO = 2, 6, 0

Read = tuple[NDArray[Any], tuple[float, float, float] | None, dict[str, Any]]


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorting key under which ``slice9`` comes before ``slice10``."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", name)
    ]


def read_tiff(path: Path) -> Read:
    """Read one TIFF file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    values : ndarray, shape (z, y, x), or (y, x) for a file of one page
    spacing_um : (z, y, x) or None
        From OME or ImageJ metadata with a real unit, else from the resolution tags.
    meta : dict
        ``warnings``, and ``slice_distance_assumed``: whether the file holds no slice distance, so that it was
        taken equal to the pixel size.

    Raises
    ------
    SpecimenError
        If the file is damaged, in color, or of a kind that cannot be read.
    """
    import tifffile

    notes: list[str] = []
    try:
        with _listening(notes), tifffile.TiffFile(path) as tiff:
            len(tiff.pages)  # walks the chain of pages, and so notices where it breaks off
            page = tiff.pages.first
            _refuse_color(page, path)
            if len(tiff.series) != 1 and tiff.series[0].ndim == 2:
                raise SpecimenError(f"the pages of {path.name} differ in size or type: give one image stack")
            if len(tiff.series) != 1:
                notes.append(f"{path.name} holds {len(tiff.series)} images: the first was read")
            values, inverted = _pixels(tiff, path)
            spacing, assumed = _spacing(tiff, notes)
    except SpecimenError:
        raise
    except Exception as error:
        raise SpecimenError(
            f"cannot read {path.name}, is it damaged or cut short? ({show_reason(error)})"
        ) from error
    for note in notes:
        if DAMAGE.search(note):
            raise SpecimenError(f"cannot read {path.name}, is it damaged or cut short? ({note})")
    values = np.squeeze(values)
    if inverted:
        notes.append("the TIFF stores white as zero: values were inverted, so that bright is dense")
    spacing = claimed_spacing(spacing, notes)
    return values, spacing, {"warnings": notes, "slice_distance_assumed": assumed and spacing is not None}


def read_tiff_folder(folder: Path, names: list[str]) -> Read:
    """Read slices, one file each, in the order of ``names``; see `read_tiff` for what comes back.

    Raises
    ------
    SpecimenError
        If slices differ in size or type, hold more than one page, or one cannot be read.
    """
    first, spacing, meta = read_tiff(folder / names[0])
    if first.ndim != 2:
        raise SpecimenError(
            f"{names[0]} in {folder.name} holds several pages (shape {first.shape}): "
            "give that file itself, or a folder with one slice per file"
        )
    stack = np.empty((len(names), *first.shape), dtype=first.dtype)
    stack[0] = first
    for z, name in enumerate(names[1:], start=1):
        plane, _, _ = read_tiff(folder / name)
        if plane.shape != first.shape or plane.dtype != first.dtype:
            raise SpecimenError(
                f"{name} in {folder.name} has shape {plane.shape} and type {plane.dtype}, {names[0]} has "
                f"{first.shape} and {first.dtype}: leave only the slices of one scan in the folder"
            )
        stack[z] = plane
    return stack, spacing, meta | {"warnings": meta["warnings"] + _gaps(names)}


def _gaps(names: list[str]) -> list[str]:
    """One note if the slice numbers do not run on evenly."""
    numbers = [re.findall(r"\d+", Path(name).stem) for name in names]
    if not all(numbers):
        return []
    steps = np.diff([int(found[-1]) for found in numbers])
    if steps.size and steps.min() > 0 and steps.max() > steps.min():
        at = int(np.argmax(steps))
        return [f"slice numbers jump from {names[at]} to {names[at + 1]}: are slices missing?"]
    return []


@contextmanager
def _listening(notes: list[str]) -> Iterator[None]:
    """Collect what tifffile logs, so that damage it only mentions is seen and nothing is printed."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notes.append(show_reason(ValueError(record.getMessage())))

    log, collector = logging.getLogger("tifffile"), Collector(logging.WARNING)
    level, propagate, disabled = log.level, log.propagate, log.disabled
    log.addHandler(collector)
    log.setLevel(logging.WARNING)
    log.propagate, log.disabled = False, False
    try:
        yield
    finally:
        log.removeHandler(collector)
        log.setLevel(level)
        log.propagate, log.disabled = propagate, disabled


def _refuse_color(page: Any, path: Path) -> None:
    if page.photometric in (RGB, YCBCR) or page.samplesperpixel > 1:
        raise SpecimenError(f"{path.name} is a color image (RGB): convert it to gray values first")


def _pixels(tiff: Any, path: Path) -> tuple[NDArray[Any], bool]:
    """Decode the first series, bright is dense; also says whether white was stored as zero."""
    white_is_zero = tiff.pages.first.photometric == WHITE_IS_ZERO
    try:
        values = np.asarray(tiff.series[0].asarray())
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        return _pixels_by_pillow(path), white_is_zero  # which already shows such images the right way round
    inverted = white_is_zero and values.dtype.kind in "bu"
    return (~values if inverted else values), inverted


def _pixels_by_pillow(path: Path) -> NDArray[Any]:
    """Decode compressions that tifffile alone does not know, such as LZW."""
    from PIL import Image as Picture
    from PIL import ImageSequence

    with Picture.open(path) as picture:
        return np.stack([np.asarray(page) for page in ImageSequence.Iterator(picture)])


def _spacing(tiff: Any, notes: list[str]) -> tuple[tuple[float, float, float] | None, bool]:
    """Voxel size in um, (z, y, x), from the best of the metadata a TIFF can hold; whether z is assumed."""
    z, y, x = _ome_spacing(tiff) if tiff.is_ome else (None, None, None)
    if y is None or x is None:
        y, x = _tag_spacing(tiff, notes)
    if y is None or x is None:
        return None, False
    imagej = tiff.imagej_metadata or {}
    scale = UM_PER_UNIT.get(str(imagej.get("unit", "")).strip().lower())
    if z is None and scale and imagej.get("spacing"):
        z = abs(float(imagej["spacing"])) * scale
    if z is None:
        if max(y, x) > 1.01 * min(y, x):
            notes.append(f"the TIFF holds pixels of {y:g} x {x:g} um (y, x) but no slice distance: not used")
            return None, False
        return (x, y, x), True
    return (z, y, x), False


def _ome_spacing(tiff: Any) -> tuple[float | None, float | None, float | None]:
    from xml.etree import ElementTree

    pixels = next(
        (node for node in ElementTree.fromstring(tiff.ome_metadata).iter() if node.tag.endswith("Pixels")),
        None,
    )
    if pixels is None:
        return None, None, None

    def length(axis: str) -> float | None:
        value = pixels.get(f"PhysicalSize{axis}")
        scale = UM_PER_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "µm").lower())
        return float(value) * scale if value and scale else None

    return length("Z"), length("Y"), length("X")


def _tag_spacing(tiff: Any, notes: list[str]) -> tuple[float | None, float | None]:
    """Pixel size in um, (y, x), from the resolution tags; None where they hold no real unit."""
    tags = tiff.pages.first.tags
    x_tag, y_tag, unit_tag = tags.get("XResolution"), tags.get("YResolution"), tags.get("ResolutionUnit")
    if x_tag is None or y_tag is None or 0 in x_tag.value or 0 in y_tag.value:
        return None, None
    unit = (tiff.imagej_metadata or {}).get("unit") if tiff.is_imagej else None
    if unit:
        scale = UM_PER_UNIT.get(str(unit).strip().lower())
    else:
        scale = {2: 25400.0, 3: 10000.0}.get(int(unit_tag.value)) if unit_tag is not None else None
    if scale is None:
        return None, None
    y, x = (scale * tag.value[1] / tag.value[0] for tag in (y_tag, x_tag))
    per_inch = 25400.0 / x
    if not unit and any(
        abs(per_inch - printing) < 0.002 * printing for printing in PRINTING_DENSITIES_PER_INCH
    ):
        notes.append(f"the TIFF's resolution of {per_inch:.0f} per inch is a printing default: not used")
        return None, None
    return y, x
