"""Pictures of checkpoints: one, the change between two, and the cells at work."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.annotate import Notes, annotate, check_size, save, scene_size
from trabsim.viz.camera import Camera, View, angles, fit
from trabsim.viz.coloring import color_scene, loss_scene
from trabsim.viz.colors import OSTEOBLAST, OSTEOCLAST
from trabsim.viz.notes import cell_notes, checkpoint_notes, loss_notes
from trabsim.viz.probe import INSTALL_HINT, ask_pyvista
from trabsim.viz.read import Box, Snapshot, read_snapshot
from trabsim.viz.scene import Scene, Spheres

log = logging.getLogger("trabsim")

RENDERERS = ("auto", "pyvista", "plain")
Size = tuple[int, int]
# Drawn sizes: an osteoclast of 5 nuclei is 40 um across, an osteoblast 15 um.  Assumed: true shapes vary.
_OSTEOCLAST_RADIUS_UM = 12.0
_OSTEOBLAST_RADIUS_UM = 7.5
_SMALLEST_CELL_VOXELS = 0.6
_LIFT_RADII = 0.8


def render_checkpoint(
    path: str | Path,
    out_png: str | Path,
    *,
    size: Size = (1600, 1200),
    view: View = "corner",
    color: str = "bone",
    limits: tuple[float, float] | None = None,
    box: Box | None = None,
    title: str | None = None,
    renderer: str = "auto",
) -> str:
    """Draw the bone of one checkpoint.

    Parameters
    ----------
    path : str or Path
        A ``*.vtkhdf`` file, or a run folder, of which the last checkpoint is drawn.
    out_png : str or Path
    size : tuple of int
        Width and height in pixels.
    view : str or (float, float)
        ``corner``, ``front``, ``side``, ``top``, or azimuth and elevation in degrees.
    color : str
        ``bone``, ``phase``, ``mineral``, ``age``, or the name of a field of the checkpoint.
    limits : tuple of float, optional
        Ends of the color ramp; by default the 1st and 99th percentile of the field.
    box : tuple of int, optional
        Voxels z0, z1, y0, y1, x0, x1 to draw; everything by default.
    title : str, optional
    renderer : {"auto", "pyvista", "plain"}
        ``auto`` takes PyVista where it can draw and else the program's own ray caster.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        If the file is no checkpoint, a name is unknown, or the picture cannot be written.

    Notes
    -----
    The surface is smoothed for the eye; nothing is measured on it.  The projection is parallel, so that the
    scale bar holds everywhere in the picture.
    """
    size = check_request(size, view, renderer)
    snapshot = read_snapshot(path, box)
    scene = color_scene(snapshot, color, limits)
    image, how = draw_scene(scene, size, view, checkpoint_notes(snapshot, scene, title), renderer)
    save(image, out_png)
    return how


def render_loss(
    before: str | Path,
    after: str | Path,
    out_png: str | Path,
    *,
    size: Size = (1600, 1200),
    view: View = "corner",
    box: Box | None = None,
    title: str | None = None,
    renderer: str = "auto",
    by_load: bool = False,
) -> str:
    """Draw what became of the bone between two checkpoints of one run: lost, gained or kept.

    Parameters
    ----------
    before, after : str or Path
        Checkpoints with one lattice.
    out_png, size, view, box, title, renderer
        As in `render_checkpoint`.
    by_load : bool
        Whether to tell apart the half of the bone that bore more load in `before`.

    Returns
    -------
    str
        How it was drawn.

    Raises
    ------
    RunError
        As `render_checkpoint`, if the lattices differ, and for `by_load` without mechanics in the run.

    Notes
    -----
    The surface drawn is that of the bone of either day; a voxel counts as bone when at least half full.  The
    numbers of the caption count all matrix and leave out the rim that measures leave out.
    """
    size = check_request(size, view, renderer)
    first, last = read_snapshot(before, box), read_snapshot(after, box)
    scene = loss_scene(first, last, by_load=by_load)
    image, how = draw_scene(scene, size, view, loss_notes(first, last, scene, title), renderer)
    save(image, out_png)
    return how


def render_cells(
    path: str | Path,
    out_png: str | Path,
    *,
    size: Size = (1600, 1200),
    view: View = "corner",
    box: Box | None = None,
    title: str | None = None,
    renderer: str = "auto",
) -> str:
    """Draw the phases of the surface with the osteoclasts and osteoblasts on it.

    Parameters, return value and errors are those of `render_checkpoint`.  Osteoclasts are drawn as balls
    whose volume grows with their nuclei, osteoblasts as small balls.
    """
    size = check_request(size, view, renderer)
    snapshot = read_snapshot(path, box)
    scene = color_scene(snapshot, "phase")
    cells = (_osteoclasts(snapshot), _osteoblasts(snapshot))
    scene.spheres = tuple(_on_surface(kind, scene) for kind in cells if len(kind.radii))
    image, how = draw_scene(scene, size, view, cell_notes(snapshot, scene, title), renderer)
    save(image, out_png)
    return how


def draw_scene(
    scene: Scene, size: Size, view: View, notes: Notes, renderer: str, turning: bool = False
) -> tuple[np.ndarray, str]:
    """Draw a scene with its notes; returns the picture and how it was drawn.  `turning`: see `fit`."""
    camera = fit(view, scene.shape, scene_size(size), turning=turning)
    image, how = draw_bare(scene, camera, renderer)
    return annotate(image, size, camera.voxels_per_pixel * scene.voxel_size_um, notes), how


def draw_bare(scene: Scene, camera: Camera, renderer: str) -> tuple[np.ndarray, str]:
    """Draw a scene without a word around it; returns the picture and how it was drawn.

    Raises
    ------
    RunError
        If PyVista is asked for and cannot draw here.
    """
    answer = ask_pyvista() if renderer != "plain" else None
    if answer is not None and answer.usable:
        from trabsim.viz.draw_pyvista import draw as draw_pyvista

        image, how = draw_pyvista(scene, camera, answer.window), "drawn with PyVista"
    elif renderer == "pyvista":
        assert answer is not None
        raise RunError(f"PyVista cannot draw here: {answer.reason}; {INSTALL_HINT}; or use renderer='plain'")
    else:
        from trabsim.viz.draw_plain import draw as draw_plain

        image, how = draw_plain(scene, camera), "drawn with the built-in ray caster"
        if answer is not None:
            how += f" ({answer.reason}; for PyVista: {INSTALL_HINT})"
    log.debug(how)
    return image, how


def check_request(size: Size, view: View, renderer: str) -> Size:
    """Refuse a wrong size, view or renderer before anything is read; returns the size."""
    if renderer not in RENDERERS:
        raise RunError(f"unknown renderer '{renderer}'; give one of {', '.join(RENDERERS)}")
    angles(view)
    return check_size(size)


def _osteoclasts(snapshot: Snapshot) -> Spheres:
    position = snapshot.column("osteoclasts", "position_um")
    if position is None or len(position) == 0:
        return Spheres("osteoclast", OSTEOCLAST, np.zeros((0, 3)), np.zeros(0))
    nuclei = snapshot.column("osteoclasts", "nuclei")
    if nuclei is None:
        nuclei = np.full(len(position), 5)
    radii = _OSTEOCLAST_RADIUS_UM * np.cbrt(np.maximum(nuclei, 1))
    return _cells("osteoclast", OSTEOCLAST, position / snapshot.voxel_size_um - 0.5, radii, snapshot)


def _osteoblasts(snapshot: Snapshot) -> Spheres:
    voxel = snapshot.column("osteoblasts", "voxel")
    if voxel is None or len(voxel) == 0:
        return Spheres("osteoblast", OSTEOBLAST, np.zeros((0, 3)), np.zeros(0))
    centers = np.stack(np.unravel_index(voxel, snapshot.lattice), axis=-1).astype(np.float64)
    return _cells("osteoblast", OSTEOBLAST, centers, np.full(len(voxel), _OSTEOBLAST_RADIUS_UM), snapshot)


def _on_surface(kind: Spheres, scene: Scene) -> Spheres:
    """Lift cells off the voxel they work on, so that bone does not hide them."""
    from trabsim.viz.raycast import normals

    lift = _LIFT_RADII * kind.radii[:, None] * normals(scene.solid, kind.centers)
    return Spheres(kind.label, kind.color, kind.centers + lift, kind.radii)


def _cells(
    label: str, color: tuple[int, int, int], centers: np.ndarray, radii_um: np.ndarray, snapshot: Snapshot
) -> Spheres:
    """Cells inside the box, in its voxels."""
    centers = centers - [part.start for part in snapshot.box]
    inside = ((centers > -0.5) & (centers < np.array(snapshot.bone.shape) - 0.5)).all(axis=1)
    radii = np.maximum(radii_um / snapshot.voxel_size_um, _SMALLEST_CELL_VOXELS)
    return Spheres(label, color, np.ascontiguousarray(centers[inside]), radii[inside])
