"""A thin section as a biopsy shows it: bone and osteoid stained, and two fluorochrome labels as lines.

The labels of the model are the matrix that each voxel held on the day of the first label, and the
surface that forms on that of the second.  Lines are drawn where half of the light would be bone, between voxel centers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trabsim.errors import RunError
from trabsim.state import FULL, Phase
from trabsim.viz.annotate import Notes, annotate, save, scene_size
from trabsim.viz.notes import day_text, percent
from trabsim.viz.pictures import Size, check_request, facts
from trabsim.viz.read import Box, Snapshot, read_snapshot
from trabsim.viz.scene import blur

_MINERALIZED = (126, 168, 150)
_OSTEOID = (214, 96, 64)
_MARROW = (247, 244, 238)
_FIRST, _SECOND = (122, 205, 40), (250, 150, 20)
_EDGE = (58, 84, 74)
_SMOOTHING_VOXELS = 0.6
_AXES = ("z", "y", "x")
# planes that are read beside the one that is drawn
_AROUND = 6


def render_section(
    path: str | Path,
    out_png: str | Path,
    *,
    axis: str = "z",
    at: float | None = None,
    size: Size = (1600, 1200),
    box: Box | None = None,
    title: str | None = None,
) -> str:
    """Draw a plane through a checkpoint as a stained section with its double label.

    Parameters
    ----------
    path : str or Path
        A checkpoint written after the days of a double label (``labels.days``), or a run folder, of which the last
        one is taken.
    out_png : str or Path
    axis : {"z", "y", "x"}
        Across which the plane lies.
    at : float, optional
        Where it lies, as a share of the box along that axis, 0-1; by default where most surface is labeled.
    size, box, title
        As in `trabsim.viz.render_checkpoint`.

    Returns
    -------
    str
        Which plane was drawn.

    Raises
    ------
    RunError
        If the checkpoint holds no label, or for a wrong axis or place.

    Notes
    -----
    Osteoid is the matrix younger than ``mineral.lag_days`` under surface that forms.
    """
    size = check_request(size, "front", "plain")
    if axis not in _AXES or (at is not None and not 0.0 <= at <= 1.0):
        raise RunError(f"there is no plane across '{axis}' at {at}; give z, y or x and a place from 0 to 1")
    snapshot = read_snapshot(path, box)
    then, formed_then = _first_label(snapshot)
    forms = snapshot.array("phase") == Phase.FORMING
    across = _AXES.index(axis)
    number = _busiest(formed_then, forms, across) if at is None else int(at * snapshot.bone.shape[across])
    number = min(number, snapshot.bone.shape[across] - 1)
    image, um_per_pixel = _paint(snapshot, then, formed_then, forms, across, number, size)
    notes = Notes(
        f"Section on {day_text(snapshot.day)}" if title is None else title,
        _caption(snapshot),
        (
            ("mineralized bone", _MINERALIZED),
            ("osteoid", _OSTEOID),
            ("first label", _FIRST),
            ("second label", _SECOND),
        ),
    )
    how = f"plane {number} across {axis}"
    save(annotate(image, size, um_per_pixel, notes), out_png, facts(snapshot, how))
    return how


def _first_label(snapshot: Snapshot) -> tuple[np.ndarray, np.ndarray]:
    """Matrix of every voxel on the day of the first label (share of a voxel), and where it formed then."""
    ids, bone = snapshot.column("labels", "id"), snapshot.column("labels", "bone")
    forming = snapshot.column("labels", "forming")
    if ids is None or bone is None or forming is None or len(ids) == 0:
        raise RunError(
            f"{snapshot.path.name} holds no label; run with --set labels.days=[[95,109]] and draw a checkpoint "
            "written after the second day"
        )
    whole = np.full(snapshot.lattice, -1, np.int32)
    whole.ravel()[ids] = bone
    formed = np.zeros(snapshot.lattice, bool)
    formed.ravel()[ids] = forming > 0
    then = whole[snapshot.box]
    return np.where(then >= 0, then, snapshot.bone) / np.float32(FULL), formed[snapshot.box]


def _busiest(formed_then: np.ndarray, forms: np.ndarray, axis: int) -> int:
    """Plane in which most surface carries both labels."""
    others = tuple(a for a in range(3) if a != axis)
    return int(np.argmax(np.minimum(formed_then.sum(axis=others), forms.sum(axis=others))))


def _caption(snapshot: Snapshot) -> str:
    levels = snapshot.levels()
    rate, surface = levels.get("label_MAR_um_per_day"), levels.get("label_MS_BS")
    days = snapshot.settings("labels").get("days") or []
    pair = next((p for p in days if p[1] == levels.get("label_day")), None)
    words = "" if pair is None else f"labels on days {pair[0]} and {pair[1]}"
    if rate is None or surface is None or not np.isfinite(rate):
        return words
    measured = f"in the whole specimen MAR {rate:.2f} um/day, MS/BS {percent(surface)}"
    return f"{words}; {measured}" if words else measured


def _paint(
    snapshot: Snapshot,
    then: np.ndarray,
    formed_then: np.ndarray,
    forms: np.ndarray,
    axis: int,
    number: int,
    size: Size,
) -> tuple[np.ndarray, float]:
    from scipy import ndimage

    around = slice(max(number - _AROUND, 0), number + _AROUND + 1)
    here = tuple(around if a == axis else slice(None) for a in range(3))
    middle = number - around.start

    def plane(field: np.ndarray) -> np.ndarray:
        return np.take(field, middle, axis=axis)[::-1]  # the first axis of the plane grows upwards

    now = snapshot.bone / np.float32(FULL)
    age_days = (0 if snapshot.day is None else snapshot.day) - snapshot.array("formed_day")[here]
    lag = float(snapshot.settings("mineral").get("lag_days", 12.0))
    near_now = ndimage.binary_dilation(forms[here], iterations=2)
    near_then = ndimage.binary_dilation(formed_then[here], iterations=2)
    ready = np.where((age_days <= 2.0 * lag) & near_now, 1.0, 0.0)
    fields = [
        plane(blur(field.astype(np.float32), sigma))
        for field, sigma in (
            (now[here], _SMOOTHING_VOXELS),
            (np.minimum(then, now)[here], _SMOOTHING_VOXELS),
            (near_now, 0.5),
            (near_then, 0.5),
            (ready, 0.8),
        )
    ]
    rows, columns = fields[0].shape
    width, height = scene_size(size)
    step = max(columns / (0.98 * width), rows / (0.98 * height))
    grid = np.meshgrid(
        (np.arange(height) + 0.5 - height / 2) * step + (rows - 1) / 2,
        (np.arange(width) + 0.5 - width / 2) * step + (columns - 1) / 2,
        indexing="ij",
    )
    bone, before, labeled_now, labeled_then, fresh = (
        ndimage.map_coordinates(field, grid, order=1, mode="nearest") for field in fields
    )
    inside = (np.abs(grid[0] - (rows - 1) / 2) <= rows / 2) & (
        np.abs(grid[1] - (columns - 1) / 2) <= columns / 2
    )
    image = np.empty((height, width, 3))
    image[:] = _MARROW
    image[bone >= 0.5] = _MINERALIZED
    # the seam: what came since the first label, and fresh matrix beside it
    image[(bone >= 0.5) & (labeled_now > 0.5) & ((before < 0.5) | (fresh > 0.5))] = _OSTEOID
    thick = max(height / 640.0, 1.0)
    for field, where, color, wide in (
        (bone, np.ones_like(bone, bool), _EDGE, 0.5 * thick),
        (before, (labeled_then > 0.5) & (bone >= 0.5), _FIRST, thick),
        (bone, labeled_now > 0.5, _SECOND, thick),
    ):
        steep = np.hypot(*np.gradient(field))
        line = np.clip(wide + 0.5 - np.abs(field - 0.5) / np.maximum(steep, 1e-6), 0.0, 1.0)
        line = np.where(where, line, 0.0)[..., None]
        image = line * np.array(color) + (1.0 - line) * image
    image[~inside] = 255.0
    return np.rint(image).astype(np.uint8), step * snapshot.voxel_size_um
