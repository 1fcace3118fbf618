"""A picture to check a specimen by: three central slices, the scan with the bone's outline above the bone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.resampling import interpolation_matrix
from trabsim.tissue.scan_formats import read_image
from trabsim.tissue.scan_image import Image
from trabsim.tissue.specimen import Specimen

PANEL = 720
"""Longer side of the largest panel, in pixels."""

OVERSAMPLING = 3
"""Panels are drawn larger and averaged down, for smooth outlines."""

MARGIN, GAP, LINE = 48, 28, 56
"""Empty space around and between panels, and the height of a line of text, in pixels."""

INK, PAPER = (34, 34, 34), (255, 255, 255)
OUTLINE, REGION = (255, 128, 0), (0, 158, 255)
BONE, MARROW = (238, 226, 196), (58, 38, 48)
"""Bone and marrow are far apart in lightness: the picture survives gray printing and color blindness."""

WINDOW_PERCENT = (0.5, 99.8)
"""Percentiles of the gray values in the three slices that are shown black and white."""

PLANES = ("xy", "xz", "yz")
"""Horizontal and vertical axis of the slice across z, y and x."""

Plane = NDArray[Any]


def slice_picture(specimen: Specimen, path: str | Path, image: Image | str | Path | None = None) -> Path:
    """Draw the three central slices of a specimen into a PNG.

    Upper row, where the scan is given: its gray values, the bone's outline (bone fraction 0.5) in orange,
    the edge of the tissue in blue.  Lower row: bone fraction, from marrow (dark) to bone (light), white
    where there is no tissue.  One scale for all panels, with a bar.  In the slice across z the y axis runs
    down, as in image viewers; in the others z runs up.

    Parameters
    ----------
    specimen : Specimen
        Scanned or synthetic.
    path : str or Path
        Where the PNG goes.
    image : Image or path, optional
        The scan that ``specimen`` was prepared from.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    SpecimenError
        If the picture cannot be written, or ``image`` is not the scan of this specimen.
    """
    from PIL import Image as Picture
    from PIL import ImageDraw

    path = Path(path)
    scan = read_image(image) if isinstance(image, str | Path) else image
    rows = _panels(specimen, scan)
    widths = [panel.shape[1] for panel in rows[0]]
    height_of_row = max(panel.shape[0] for panel in rows[0])
    width = 2 * MARGIN + sum(widths) + GAP * (len(widths) - 1)
    bottom = MARGIN + LINE + len(rows) * (height_of_row + GAP) + LINE // 2
    sheet = Picture.new("RGB", (width, bottom + 2 * LINE), PAPER)
    draw = ImageDraw.Draw(sheet)
    left = MARGIN
    for column, name in enumerate(PLANES):
        draw.text((left, MARGIN + LINE - 18), "abc"[column], INK, _font(34), anchor="ls", stroke_width=1)
        draw.text((left + 34, MARGIN + LINE - 18), name, INK, _font(30), anchor="ls")
        for row, panels in enumerate(rows):
            top = MARGIN + LINE + row * (height_of_row + GAP)
            sheet.paste(Picture.fromarray(panels[column]), (left, top))
        left += widths[column] + GAP
    _scale_bar(draw, specimen, bottom)
    _legend(draw, specimen, scan is not None, width - MARGIN, bottom)
    voxel_mm = specimen.voxel_size_um / 1000
    caption = f"{specimen.source}:  BV/TV {specimen.BV_TV:.3f},  lattice voxel {voxel_mm:.4g} mm"
    draw.text((MARGIN, bottom + LINE), caption, INK, _font(26), anchor="ls")
    try:
        sheet.save(path, "PNG", dpi=(300, 300))
    except OSError as error:
        raise SpecimenError(f"cannot write the picture {path}: {error.strerror or error}") from error
    return path


def _panels(specimen: Specimen, scan: Image | None) -> list[list[Plane]]:
    """Rows of RGB panels, the gray ones first."""
    fractions = [_central(specimen.bone_fraction, axis) for axis in range(3)]
    tissues = [None if specimen.tissue is None else _central(specimen.tissue, axis) for axis in range(3)]
    scale = PANEL / max(specimen.shape)
    rows = [[_bone_panel(bone, tissue, scale) for bone, tissue in zip(fractions, tissues)]]
    if scan is not None:
        grays = [_gray_slice(specimen, scan, axis) for axis in range(3)]
        black, white = np.percentile(np.concatenate([gray.ravel() for gray, _ in grays]), WINDOW_PERCENT)
        span = max(float(white - black), 1e-12)
        upper = []
        for (gray, covered), bone, tissue, below in zip(grays, fractions, tissues, rows[0]):
            shown = np.clip((gray - black) / span, 0.0, 1.0) * 255.0
            upper.append(_gray_panel(shown, covered, bone, tissue, below.shape[:2]))
        rows.insert(0, upper)
    return [[panel if axis == 0 else panel[::-1] for axis, panel in enumerate(row)] for row in rows]


def _central(values: Plane, axis: int) -> Plane:
    """Slice across ``axis`` in the middle of a volume."""
    return np.asarray(np.take(values, values.shape[axis] // 2, axis=axis))


def _gray_slice(specimen: Specimen, scan: Image, axis: int) -> tuple[Plane, tuple[float, float]]:
    """The scan's slice at the specimen's central one, and how many rows and columns the lattice covers."""
    report = specimen.report
    if list(report.get("scan_shape", ())) != list(scan.values.shape) or report.get("sha256") != scan.sha256:
        raise SpecimenError(
            f"{scan.source} is not the scan that this specimen was prepared from: give the same image to both"
        )
    starts, stops = report["box_voxels"][0::2], report["box_voxels"][1::2]
    covered = [n * specimen.voxel_size_um / um for n, um in zip(specimen.shape, report["scan_voxel_um"])]
    middle = starts[axis] + (specimen.shape[axis] // 2 + 0.5) * covered[axis] / specimen.shape[axis]
    index: list[Any] = [slice(start, stop) for start, stop in zip(starts, stops)]
    index[axis] = min(int(middle), stops[axis] - 1)
    del covered[axis]
    return np.asarray(scan.values[tuple(index)], dtype=np.float64), (covered[0], covered[1])


def _gray_panel(
    gray: Plane, covered: tuple[float, float], bone: Plane, tissue: Plane | None, size: tuple[int, ...]
) -> Plane:
    """Gray values under the outlines of bone and tissue."""
    from PIL import Image as Picture
    from PIL import ImageDraw

    height, width = size[0] * OVERSAMPLING, size[1] * OVERSAMPLING
    along_rows = interpolation_matrix(gray.shape[0], covered[0] / height, height)
    along_columns = interpolation_matrix(gray.shape[1], covered[1] / width, width)
    smooth = (along_columns @ (along_rows @ gray).T).T
    panel = Picture.fromarray(np.ascontiguousarray(smooth).astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(panel)
    scale = height / bone.shape[0]
    if tissue is not None:
        _draw_outline(draw, tissue.astype(np.float32), scale, REGION)
    _draw_outline(draw, bone, scale, OUTLINE)
    return np.asarray(panel.reduce(OVERSAMPLING))


def _draw_outline(draw: Any, plane: Plane, scale: float, color: tuple[int, int, int]) -> None:
    """Draw where ``plane`` crosses one half, open at the edge of the picture."""
    from skimage.measure import find_contours

    for contour in find_contours(plane, 0.5):
        points = [(float((x + 0.5) * scale), float((y + 0.5) * scale)) for y, x in contour]
        draw.line(points, fill=color, width=2 * OVERSAMPLING, joint="curve")


def _bone_panel(bone: Plane, tissue: Plane | None, scale: float) -> Plane:
    """Bone fraction as color, one flat square per lattice voxel."""
    share = bone.astype(np.float64)[..., None]
    colors = share * np.array(BONE) + (1.0 - share) * np.array(MARROW)
    if tissue is not None:
        colors[~tissue] = PAPER
    rows = np.minimum(
        ((np.arange(round(bone.shape[0] * scale)) + 0.5) / scale).astype(int), bone.shape[0] - 1
    )
    columns = np.minimum(
        ((np.arange(round(bone.shape[1] * scale)) + 0.5) / scale).astype(int), bone.shape[1] - 1
    )
    return np.rint(colors).astype(np.uint8)[np.ix_(rows, columns)]


def bar_length_um(extent_um: float) -> float:
    """The longest of 1, 2 and 5 times a power of ten that is at most a third of ``extent_um``."""
    decade = 10.0 ** np.floor(np.log10(extent_um / 3.0))
    return float(max(step * decade for step in (1.0, 2.0, 5.0) if step * decade <= extent_um / 3.0))


def _scale_bar(draw: Any, specimen: Specimen, y: int) -> None:
    scale = PANEL / max(specimen.shape)
    length_um = bar_length_um(specimen.shape[2] * specimen.voxel_size_um)
    right = MARGIN + round(length_um / specimen.voxel_size_um * scale)
    draw.rectangle((MARGIN, y - 14, right - 1, y - 5), fill=INK)
    # in mm, because Pillow's own font has no sign for micro
    draw.text((right + 16, y), f"{length_um / 1000:g} mm", INK, _font(30), anchor="ls")


def _legend(draw: Any, specimen: Specimen, with_scan: bool, right: int, y: int) -> None:
    """Swatches with their names, from the right edge leftwards."""
    entries = [("bone", BONE), ("marrow", MARROW)]
    if with_scan:
        entries.append(("outline of bone", OUTLINE))
        if specimen.tissue is not None:
            entries.append(("edge of tissue", REGION))
    for name, color in reversed(entries):
        draw.text((right, y), name, INK, _font(26), anchor="rs")
        right -= round(draw.textlength(name, _font(26))) + 40
        draw.rectangle((right, y - 20, right + 28, y), fill=color, outline=INK)
        right -= 36


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
