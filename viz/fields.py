"""What a field of a checkpoint looks like: on a plane cut through the specimen, or as a cloud around the bone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trabsim.errors import RunError
from trabsim.state import FULL
from trabsim.viz.annotate import Notes, Ramp, annotate, save, scene_size
from trabsim.viz.camera import View, fit
from trabsim.viz.cloud import cloud_over
from trabsim.viz.coloring import color_scene, label_of, limits_of, where_defined
from trabsim.viz.colors import BONE, ramp
from trabsim.viz.notes import checkpoint_notes
from trabsim.viz.pictures import Size, check_request, draw_bare, facts
from trabsim.viz.raycast import LEVEL
from trabsim.viz.read import MOST_VOXELS, Box, Snapshot, read_snapshot, short_names, suggest, variable_of
from trabsim.viz.scene import Scene, smooth_solid, spread

WAYS = ("slice", "volume")
AXES = ("z", "y", "x")
_MARROW = (250, 249, 247)
_OUTLINE = (60, 56, 52)
# share of the light that a voxel at the top of the ramp takes on its way
_DENSITY = 0.10


@dataclass(frozen=True)
class Field:
    """A field with the voxels it speaks of, its label with unit, and the ends of its ramp."""

    values: np.ndarray
    domain: np.ndarray
    label: str
    low: float
    high: float


def render_field(
    path: str | Path,
    out_png: str | Path,
    *,
    field: str,
    how: str = "slice",
    axis: str = "z",
    at: float = 0.5,
    size: Size = (1600, 1200),
    view: View = "corner",
    limits: tuple[float, float] | None = None,
    box: Box | None = None,
    title: str | None = None,
    renderer: str = "auto",
) -> str:
    """Draw a field of a checkpoint with its unit.

    Parameters
    ----------
    path : str or Path
        A ``*.vtkhdf`` file, or a run folder, of which the last checkpoint is drawn.
    out_png : str or Path
    field : str
        ``rankl``, ``opg``, ``sclerostin``, ``estradiol``, or any array per voxel of the checkpoint.
    how : {"slice", "volume"}
        On a plane, or as a cloud through which the bone is seen.
    axis : {"z", "y", "x"}
        Across which the plane lies.
    at : float
        Where it lies, as a share of the box along that axis, 0-1.
    size, view, limits, box, title, renderer
        As in `trabsim.viz.render_checkpoint`.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        As `trabsim.viz.render_checkpoint`, and for an unknown field, way, axis or place.
    """
    size = check_request(size, view, renderer)
    if how not in WAYS:
        raise RunError(f"a field cannot be drawn as '{how}'; {suggest(how, WAYS)}")
    if axis not in AXES or not 0.0 <= at <= 1.0:
        raise RunError(f"there is no plane across '{axis}' at {at:g}; give z, y or x and a place from 0 to 1")
    snapshot = read_snapshot(path, box, MOST_VOXELS)
    shown = read_field(snapshot, field, limits)
    if how == "slice":
        image, drawn = (
            _slice(snapshot, shown, AXES.index(axis), at, size, title),
            f"plane across {axis} at {at:g}",
        )
    else:
        image, drawn = _volume(snapshot, shown, size, view, title, renderer)
    save(image, out_png, {**facts(snapshot, drawn), "field": shown.label})
    return drawn


def read_field(snapshot: Snapshot, name: str, limits: tuple[float, float] | None = None) -> Field:
    """A field by its name or the name readers know it by.

    Raises
    ------
    RunError
        If the file holds no such field, or the limits leave no range.
    """
    real = variable_of(name)
    if real not in snapshot.names:
        known = (*short_names(snapshot.names), *snapshot.names)
        raise RunError(f"{snapshot.path.name} holds no field '{name}'; {suggest(name, known)}")
    values = snapshot.array(real).astype(np.float32)
    domain = where_defined(snapshot, values)
    low, high = limits_of(values[domain], limits)
    return Field(values, domain, label_of(snapshot, real), low, high)


def _slice(
    snapshot: Snapshot, shown: Field, axis: int, at: float, size: Size, title: str | None
) -> np.ndarray:
    """The plane, seen along its axis with the next one to the right; bone gray, or colored if the field is of bone."""
    number = min(int(at * snapshot.bone.shape[axis]), snapshot.bone.shape[axis] - 1)
    plane = [slice(None)] * 3
    around = slice(max(number - 3, 0), number + 4)  # a few planes, for smoothing across
    plane[axis] = around
    here = tuple(plane)
    fraction = np.where(snapshot.tissue[here], snapshot.bone[here] / np.float32(FULL), 0)
    middle = number - around.start
    solid = np.take(smooth_solid(fraction), middle, axis=axis)
    spread_ = np.take(spread(shown.values[here], shown.domain[here]), middle, axis=axis)
    solid, spread_ = solid[::-1], spread_[::-1]  # the first axis of the plane grows upwards
    width, height = scene_size(size)
    voxels_per_pixel = max(solid.shape[1] / (0.98 * width), solid.shape[0] / (0.98 * height))
    image = _paint(solid, spread_, shown, snapshot, (width, height), voxels_per_pixel)
    words = _notes(snapshot, shown, title)
    return annotate(image, size, voxels_per_pixel * snapshot.voxel_size_um, words)


def _paint(
    solid: np.ndarray,
    values: np.ndarray,
    shown: Field,
    snapshot: Snapshot,
    size: Size,
    voxels_per_pixel: float,
) -> np.ndarray:
    from scipy import ndimage

    width, height = size
    rows = (np.arange(height) + 0.5 - height / 2) * voxels_per_pixel + (solid.shape[0] - 1) / 2
    columns = (np.arange(width) + 0.5 - width / 2) * voxels_per_pixel + (solid.shape[1] - 1) / 2
    grid = np.meshgrid(rows, columns, indexing="ij")
    inside = (np.abs(grid[0] - (solid.shape[0] - 1) / 2) <= solid.shape[0] / 2) & (
        np.abs(grid[1] - (solid.shape[1] - 1) / 2) <= solid.shape[1] / 2
    )
    bone = ndimage.map_coordinates(solid, grid, order=1, mode="nearest")
    known = np.where(values > -1e29, values, 0.0)
    weight = ndimage.map_coordinates((values > -1e29).astype(np.float32), grid, order=1, mode="nearest")
    value = ndimage.map_coordinates(known, grid, order=1, mode="nearest") / np.maximum(weight, 1e-6)
    color = ramp(((value - shown.low) / (shown.high - shown.low)).ravel(), "even").reshape(height, width, 3)
    of_marrow = bool(shown.domain[~snapshot.solid & snapshot.tissue].any())
    image = np.empty((height, width, 3))
    image[:] = _MARROW
    where = ((bone < LEVEL) == of_marrow) & (weight > 0.5)
    image[bone >= LEVEL] = BONE
    image[where] = color[where]
    # a thin line where bone begins, of one width whatever the size
    steep = np.hypot(*np.gradient(bone))
    line = np.clip(1.4 - np.abs(bone - LEVEL) / np.maximum(steep, 1e-6), 0.0, 1.0)[..., None]
    image = line * np.array(_OUTLINE) + (1.0 - line) * image
    image[~inside] = 255.0
    return np.rint(image).astype(np.uint8)


def _volume(
    snapshot: Snapshot, shown: Field, size: Size, view: View, title: str | None, renderer: str
) -> tuple[np.ndarray, str]:
    scene: Scene = color_scene(snapshot, "bone")
    camera = fit(view, scene.shape, scene_size(size))
    image, how = draw_bare(scene, camera, renderer)
    share = (spread(shown.values, shown.domain) - shown.low) / (shown.high - shown.low)
    image = cloud_over(image, scene, np.clip(share, 0.0, 1.0).astype(np.float32), camera, _DENSITY)
    words = _notes(snapshot, shown, title, "glow")
    return annotate(
        image, size, camera.voxels_per_pixel * scene.voxel_size_um, words
    ), f"cloud over bone {how}"


def _notes(snapshot: Snapshot, shown: Field, title: str | None, name: str = "even") -> Notes:
    plain = checkpoint_notes(snapshot, color_free(snapshot), title)
    return Notes(plain.title, plain.caption, (), Ramp(shown.label, shown.low, shown.high, name))


def color_free(snapshot: Snapshot) -> Scene:
    """A scene without anything that needs a legend."""
    return Scene(np.zeros((1, 1, 1), np.float32), snapshot.voxel_size_um)
