"""Cells as they are drawn: osteoclasts as domes, osteoblasts as sheets of flat cells, osteocytes inside the bone.

Drawn sizes are for the eye: true shapes vary, and a sheet stands for the cells that fill a voxel of surface.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.colors import EMPTY_LACUNA, OSTEOBLAST, OSTEOCLAST, OSTEOCYTE
from trabsim.viz.raycast import LEVEL, normals, sample
from trabsim.viz.read import Snapshot, suggest
from trabsim.viz.scene import Scene, Spheres

#: Kinds of cells that can be drawn.
LAYERS = ("osteoclasts", "osteoblasts", "osteocytes")
# An osteoclast of 5 nuclei is 40 um across, an osteocyte with its lacuna 10 um, of which 16 are drawn to be seen.
# Assumed: true shapes vary.
_OSTEOCLAST_RADIUS_UM = 12.0
_OSTEOBLAST_RADIUS_UM = 7.5
_OSTEOCYTE_RADIUS_UM = 8.0
_SMALLEST_CELL_VOXELS = 0.4
# thickness over width
_DOME, _SHEET = 0.65, 0.40
# radius of a cell of a sheet, in voxels: neighbors overlap a little
_SHEET_VOXELS = 0.85
_STEPS_TO_SURFACE = 6


def cell_spheres(
    snapshot: Snapshot, solid: np.ndarray, layers: Sequence[str] = LAYERS[:2]
) -> tuple[Spheres, ...]:
    """Cells of a checkpoint, ready to be drawn.

    Parameters
    ----------
    snapshot : Snapshot
    solid : float32 array, shape (z, y, x)
        The smoothed bone of the scene, on whose surface cells are put.
    layers : sequence of str
        Names from `LAYERS`.

    Returns
    -------
    tuple of Spheres
        Kinds without a cell are left out; dead osteocytes are a kind of their own.

    Raises
    ------
    RunError
        For an unknown layer.
    """
    for layer in layers:
        if layer not in LAYERS:
            raise RunError(f"there are no cells named '{layer}'; {suggest(layer, LAYERS)}")
    found: list[Spheres] = []
    if "osteoclasts" in layers:
        found.append(_on_surface(_osteoclasts(snapshot), solid, _DOME))
    if "osteoblasts" in layers:
        found.append(_on_surface(_osteoblasts(snapshot), solid, _SHEET))
    if "osteocytes" in layers:
        found += _osteocytes(snapshot)
    return tuple(kind for kind in found if len(kind.radii))


def inside_only(scene: Scene) -> Scene:
    """The scene without its bone: what a glass bone would show."""
    return Scene(np.zeros_like(scene.solid), scene.voxel_size_um, spheres=scene.spheres)


def _osteoclasts(snapshot: Snapshot) -> Spheres:
    position = snapshot.column("osteoclasts", "position_um")
    if position is None or len(position) == 0:
        return _none("osteoclast")
    nuclei = snapshot.column("osteoclasts", "nuclei")
    if nuclei is None:
        nuclei = np.full(len(position), 5)
    radii = _OSTEOCLAST_RADIUS_UM * np.cbrt(np.maximum(nuclei, 1))
    return _cells("osteoclast", OSTEOCLAST, position / snapshot.voxel_size_um - 0.5, radii, snapshot)


def _osteoblasts(snapshot: Snapshot) -> Spheres:
    centers = _voxels(snapshot, "osteoblasts")
    fine = snapshot.voxel_size_um / snapshot.step
    radii = np.full(len(centers), max(_OSTEOBLAST_RADIUS_UM, _SHEET_VOXELS * fine))
    return _cells("osteoblast", OSTEOBLAST, centers, radii, snapshot)


def _osteocytes(snapshot: Snapshot) -> list[Spheres]:
    centers = _voxels(snapshot, "osteocytes")
    alive = snapshot.column("osteocytes", "alive")
    living = np.ones(len(centers), bool) if alive is None else alive > 0
    radii = np.full(len(centers), _OSTEOCYTE_RADIUS_UM)
    return [
        _cells("osteocyte", OSTEOCYTE, centers[living], radii[living], snapshot),
        _cells("empty lacuna", EMPTY_LACUNA, centers[~living], radii[~living], snapshot),
    ]


def _voxels(snapshot: Snapshot, table: str) -> np.ndarray:
    """Places (n, 3) of the cells of a table in voxels of the snapshot, whole lattice."""
    voxel = snapshot.column(table, "voxel")
    if voxel is None or len(voxel) == 0:
        return np.zeros((0, 3))
    fine = np.stack(np.unravel_index(voxel, snapshot.lattice), axis=-1).astype(np.float64)
    return (fine + 0.5) / snapshot.step - 0.5


def _on_surface(kind: Spheres, solid: np.ndarray, flatness: float) -> Spheres:
    """Put cells flat on the surface of the bone, so that bone does not hide them."""
    centers = kind.centers.copy()
    away = normals(solid, centers)
    for _ in range(_STEPS_TO_SURFACE):
        centers += np.clip(2.0 * (sample(solid, centers) - LEVEL), -0.5, 0.5)[:, None] * away
    lift = flatness * kind.radii[:, None] * away
    return Spheres(kind.label, kind.color, centers + 0.7 * lift, kind.radii, away, flatness)


def _cells(
    label: str, color: tuple[int, int, int], centers: np.ndarray, radii_um: np.ndarray, snapshot: Snapshot
) -> Spheres:
    """Cells inside the box, in its voxels."""
    centers = centers - [part.start / snapshot.step for part in snapshot.box]
    inside = ((centers > -0.5) & (centers < np.array(snapshot.bone.shape) - 0.5)).all(axis=1)
    radii = np.maximum(radii_um / snapshot.voxel_size_um, _SMALLEST_CELL_VOXELS)
    return Spheres(label, color, np.ascontiguousarray(centers[inside]), radii[inside])


def _none(label: str) -> Spheres:
    return Spheres(label, OSTEOCLAST, np.zeros((0, 3)), np.zeros(0))
