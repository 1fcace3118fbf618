"""Meshes of a scene for PyVista: the surface in pieces of one color, and the faces cut by the box."""

from __future__ import annotations

from typing import Any

import numpy as np

from trabsim.viz.colors import BONE
from trabsim.viz.raycast import LEVEL, normals, sample
from trabsim.viz.scene import Scene, blur

Piece = tuple[Any, tuple[int, int, int] | None]
# bone around a place shades it: blur in voxels, its weight, and how far the lattice is thinned for it
_SHADE_SCALES = ((2.0, 0.35, 1), (5.0, 0.35, 2), (11.0, 0.30, 4))
_SHADE_FLOOR = 0.25


def surface(scene: Scene) -> list[Piece]:
    """Surface of the solid, open at the cut faces.

    Returns
    -------
    list of (pyvista.PolyData, color)
        Points (x, y, z) in voxels with normals, ``shade`` and ``rgb``; color None means that of the points.
    """
    import pyvista

    # one layer more on each side, pulled in to half a voxel: the surface then ends on the faces of the box
    padded = np.pad(scene.solid, 1, mode="edge")
    grid = pyvista.ImageData(dimensions=padded.shape[::-1], origin=(-1.0, -1.0, -1.0))
    grid.point_data["solid"] = padded.ravel()
    mesh = grid.contour([LEVEL], scalars="solid", method="flying_edges", compute_normals=False)
    if mesh.n_points == 0:
        return []
    points = _pull_in(np.asarray(mesh.points, dtype=np.float64)[:, ::-1], scene.shape)
    _move(mesh, points)
    away = normals(scene.solid, points)
    mesh.point_data["shade"] = shade(scene, points, away)
    mesh.point_data["rgb"] = scene.base_colors(points)
    mesh.point_data.active_normals = np.ascontiguousarray(away[:, ::-1], dtype=np.float32)
    return _in_pieces(mesh, scene, points)


def cut_faces(scene: Scene) -> list[Piece]:
    """Flat faces where the box cuts bone; as `surface`, without ``shade``."""
    pieces: list[Piece] = []
    shape = scene.shape
    for axis in range(3):
        for end in (0, shape[axis] - 1):
            face = np.pad(np.take(scene.solid, end, axis=axis), 1, mode="edge")
            mesh = _squares(face, axis)
            mesh.point_data["solid"] = face.ravel()
            mesh = mesh.clip_scalar(scalars="solid", value=LEVEL, invert=False)
            if mesh.n_points == 0:
                continue
            points = np.asarray(mesh.points, dtype=np.float64)[:, ::-1] - 1.0
            points[:, axis] = -1.0 if end == 0 else shape[axis]
            points = _pull_in(points, shape)
            _move(mesh, points)
            away = np.zeros((mesh.n_points, 3), np.float32)
            away[:, 2 - axis] = -1.0 if end == 0 else 1.0
            mesh.point_data["rgb"] = scene.base_colors(points)
            mesh.point_data.active_normals = away
            pieces += _in_pieces(mesh, scene, points)
    return pieces


def _in_pieces(mesh: Any, scene: Scene, points: np.ndarray) -> list[Piece]:
    """Cut a mesh along the edges of the patches."""
    for number, patch in enumerate(scene.patches):
        mesh.point_data[f"patch{number}"] = sample(patch.share, points)
    pieces: list[Piece] = []
    rest = [mesh]
    for number, patch in enumerate(scene.patches):
        parts = [_split(part, f"patch{number}") for part in rest]
        pieces += [(inside, patch.color) for insides, _ in parts for inside in insides]
        rest = [outside for _, outsides in parts for outside in outsides]
    return pieces + [(part, None if scene.values is not None else BONE) for part in rest]


def _split(mesh: Any, name: str) -> tuple[list[Any], list[Any]]:
    """Parts of a mesh where a share is above one half, and the rest; only the cells on the border are cut."""
    if mesh.n_cells == 0:
        return [], []
    if not mesh.is_all_triangles:
        inside, outside = mesh.clip_scalar(scalars=name, value=0.5, invert=False, both=True)
        return [inside], [outside]
    cells = mesh.faces.reshape(-1, 4)
    above = (np.asarray(mesh.point_data[name]) > 0.5)[cells[:, 1:]].sum(axis=1)
    within, border, beyond = (
        _only(mesh, cells[chosen]) for chosen in (above == 3, above % 3 > 0, above == 0)
    )
    if border.n_cells == 0:
        return [within], [beyond]
    inside, outside = border.clip_scalar(scalars=name, value=0.5, invert=False, both=True)
    return [within, inside], [beyond, outside]


def _only(mesh: Any, cells: np.ndarray) -> Any:
    """A mesh with some of its cells, on the same points."""
    part = mesh.copy(deep=False)
    part.faces = cells.ravel()
    return part


def _move(mesh: Any, points: np.ndarray) -> None:
    """Put the points of a mesh elsewhere and drop its data."""
    mesh.points = points[:, ::-1].astype(np.float32)
    mesh.clear_data()


def _pull_in(points: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Halve what lies outside the outer voxel centers."""
    last = np.asarray(shape, dtype=np.float64) - 1.0
    inside = np.clip(points, 0.0, last)
    return inside + 0.5 * (points - inside)


def _squares(face: np.ndarray, axis: int) -> Any:
    """Mesh of the squares between the samples of a face across `axis`; points are (x, y, z)."""
    import pyvista

    rows, columns = face.shape
    plane = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    points = np.insert(plane.astype(np.float32), axis, 0.0, axis=1)[:, ::-1]
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    squares = np.stack(
        [np.full_like(first, 4), first, first + 1, first + columns + 1, first + columns], axis=-1
    )
    return pyvista.PolyData(np.ascontiguousarray(points), squares.ravel())


def shade(scene: Scene, points: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Brightness factor (n,) of places by how much bone stands before them."""
    hidden = np.zeros(points.shape[0])
    for scale, weight, step in _SHADE_SCALES:
        around = blur(_thinned(scene.solid, step), scale / step, truncate=2.5)
        before = (points + scale * away + 0.5) / step - 0.5
        hidden += weight * np.clip(2.0 * sample(around, before), 0.0, 1.0)
    return np.clip(1.15 - 1.15 * hidden, _SHADE_FLOOR, 1.0) ** 0.8


def _thinned(field: np.ndarray, step: int) -> np.ndarray:
    """Means over cubes of `step` voxels; the last ones are filled up with the edge."""
    if step == 1:
        return field
    nz, ny, nx = (-(-n // step) for n in field.shape)
    padded = np.pad(field, [(0, -n % step) for n in field.shape], mode="edge")
    return padded.reshape(nz, step, ny, step, nx, step).mean(axis=(1, 3, 5))
