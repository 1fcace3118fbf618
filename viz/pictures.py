"""Pictures of checkpoints: one, the change between two, and the cells at work."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.annotate import Notes, annotate, check_size, save, scene_size
from trabsim.viz.camera import Camera, View, angles, fit
from trabsim.viz.cells import LAYERS, cell_spheres, inside_only
from trabsim.viz.coloring import color_scene, distance_scene, loss_scene
from trabsim.viz.notes import cell_notes, checkpoint_notes, loss_notes
from trabsim.viz.probe import INSTALL_HINT, ask_pyvista
from trabsim.viz.read import MOST_VOXELS, Box, Snapshot, read_snapshot
from trabsim.viz.scene import Scene

log = logging.getLogger("trabsim")

RENDERERS = ("auto", "pyvista", "plain")
Size = tuple[int, int]
# share of what lies inside that a glass bone lets through
_GLASS = 0.62


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
    snapshot = read_snapshot(path, box, MOST_VOXELS)
    scene = color_scene(snapshot, color, limits)
    image, how = draw_scene(scene, size, view, checkpoint_notes(snapshot, scene, title), renderer)
    save(image, out_png, facts(snapshot, how))
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
    distance: bool = False,
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
    distance : bool
        Whether to draw the bone of `before` instead, colored by how far its surface has receded since (um).

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
    first, last = read_snapshot(before, box, MOST_VOXELS), read_snapshot(after, box, MOST_VOXELS)
    if distance and by_load:
        raise RunError("a picture shows distance lost or load borne, not both; choose one of them")
    scene = distance_scene(first, last) if distance else loss_scene(first, last, by_load=by_load)
    image, how = draw_scene(scene, size, view, loss_notes(first, last, scene, title), renderer)
    save(image, out_png, facts(last, how))
    return how


def render_cells(
    path: str | Path,
    out_png: str | Path,
    *,
    layers: Sequence[str] = LAYERS[:2],
    size: Size = (1600, 1200),
    view: View = "corner",
    box: Box | None = None,
    title: str | None = None,
    renderer: str = "auto",
) -> str:
    """Draw the phases of the surface with the cells on it, or inside a bone of glass.

    Parameters, return value and errors are those of `render_checkpoint`, and:

    Parameters
    ----------
    layers : sequence of str
        Of ``osteoclasts``, ``osteoblasts`` and ``osteocytes``.  With osteocytes the bone is drawn as of glass.

    Notes
    -----
    Osteoclasts are domes whose volume grows with their nuclei, osteoblasts a sheet of one flat cell for each voxel of
    surface that forms.  Dead osteocytes are drawn as empty lacunae.
    """
    size = check_request(size, view, renderer)
    snapshot = read_snapshot(path, box, MOST_VOXELS)
    scene = color_scene(snapshot, "phase")
    scene.spheres = cell_spheres(snapshot, scene.solid, layers)
    notes = cell_notes(snapshot, scene, title)
    image, how = draw_scene(scene, size, view, notes, renderer, glass="osteocytes" in layers)
    save(image, out_png, facts(snapshot, how))
    return how


def draw_scene(
    scene: Scene,
    size: Size,
    view: View,
    notes: Notes,
    renderer: str,
    turning: bool = False,
    glass: bool = False,
) -> tuple[np.ndarray, str]:
    """Draw a scene with its notes; returns the picture and how it was drawn.

    `turning`: see `fit`.  `glass`: the bone lets through what lies inside.
    """
    camera = fit(view, scene.shape, scene_size(size), turning=turning)
    image, how = draw_bare(scene, camera, renderer)
    if glass:
        inside, _ = draw_bare(inside_only(scene), camera, renderer)
        seen = np.any(inside < 250, axis=-1, keepdims=True)  # elsewhere there is nothing but white
        image = np.where(seen, _GLASS * inside + (1.0 - _GLASS) * image, 0.25 * 255.0 + 0.75 * image)
        image = np.rint(image).astype(np.uint8)
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


def draw_from(scene: Scene, cameras: Sequence[Camera], renderer: str) -> Iterator[np.ndarray]:
    """Draw a scene from several places, one picture after another, as `draw_bare` would."""
    answer = ask_pyvista() if renderer != "plain" else None
    if answer is not None and answer.usable:
        from trabsim.viz.draw_pyvista import draw_from as draw_pyvista_from

        yield from draw_pyvista_from(scene, cameras, answer.window)
    else:
        for camera in cameras:
            yield draw_bare(scene, camera, renderer)[0]


def check_request(size: Size, view: View, renderer: str) -> Size:
    """Refuse a wrong size, view or renderer before anything is read; returns the size."""
    if renderer not in RENDERERS:
        raise RunError(f"unknown renderer '{renderer}'; give one of {', '.join(RENDERERS)}")
    angles(view)
    return check_size(size)


def facts(snapshot: Snapshot, how: str) -> dict[str, object]:
    """What the file of a picture says about itself."""
    return {
        "source": snapshot.path.name,
        "day": "unknown" if snapshot.day is None else snapshot.day,
        "lattice_zyx": " x ".join(str(n) for n in snapshot.lattice),
        "box_zyx": " ".join(f"{part.start}:{part.stop}" for part in snapshot.box),
        "drawn_voxel_um": snapshot.voxel_size_um,
        "decimation": "none"
        if snapshot.step == 1
        else f"means over {snapshot.step}^3 voxels of the checkpoint",
        "drawn": how,
    }
