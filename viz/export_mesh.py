"""The surface of a checkpoint as a closed mesh, for 3-D printing, other solvers and other programs.

What the box cuts is capped, so that the mesh encloses the bone.  Places are those of the checkpoint: voxel i
spans i to i + 1 voxel sizes, and a box stays where it was in the specimen.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.export_mesh_files import write_glb, write_ply, write_stl
from trabsim.viz.raycast import LEVEL, normals
from trabsim.viz.read import Box, Snapshot, read_snapshot
from trabsim.viz.scene import Scene, smooth_solid

#: Units a mesh may be written in, and how many micrometers they hold.
MESH_UNITS = {"mm": 1000.0, "um": 1.0}
MESH_FORMATS = ("stl", "ply", "glb")


class Surface(NamedTuple):
    """A closed mesh.

    Attributes
    ----------
    points : float64 array, shape (n, 3)
        (z, y, x) in voxels from the center of the first voxel.
    triangles : int32 array, shape (m, 3)
        Counterclockwise seen from marrow, once the points are read as (x, y, z).
    """

    points: np.ndarray
    triangles: np.ndarray


def closed_surface(solid: np.ndarray) -> Surface:
    """Surface of a solid with caps where the lattice ends.

    Parameters
    ----------
    solid : float32 array, shape (z, y, x)
        Bone where at least 0.5, from `trabsim.viz.scene.smooth_solid`.

    Returns
    -------
    Surface
        Without triangles where there is no bone.
    """
    from skimage.measure import marching_cubes

    if not (solid >= LEVEL).any():
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    # one layer as the edge, so that walls reach the face at a right angle, and one of marrow, which caps them;
    # both are then pressed onto the face
    padded = np.pad(np.pad(solid, 1, mode="edge"), 1)
    points, triangles, _, _ = marching_cubes(padded, LEVEL, allow_degenerate=False)
    points = points.astype(np.float64) - 2.0
    top = np.asarray(solid.shape, dtype=np.float64) - 0.5
    pressed = ((points < -0.5) | (points > top)).any(axis=1)
    np.clip(points, -0.5, top, out=points)
    return _merged(points, triangles.astype(np.int64), pressed)


def _merged(points: np.ndarray, triangles: np.ndarray, pressed: np.ndarray) -> Surface:
    """Make one of the points that fell together on a face, and drop triangles that lost their area."""
    some = np.flatnonzero(pressed)
    _, first, same = np.unique(
        np.rint(points[some] * 4096).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    stands_for = np.arange(len(points))
    stands_for[some] = some[first][same.ravel()]
    triangles = stands_for[triangles]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    used = np.unique(triangles)
    number = np.full(len(points), -1, np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return Surface(points[used], number[triangles])


class Shaded(NamedTuple):
    """A mesh whose caps have points of their own, so that they can be lit as the flat faces they are.

    Attributes
    ----------
    points : float64 array, shape (n, 3)
    triangles : int32 array, shape (m, 3)
        As in `Surface`.
    normals : float64 array, shape (n, 3)
        Directions (z, y, x) towards marrow or out of the box.
    cap : bool array, shape (n,)
        Points of the caps.
    """

    points: np.ndarray
    triangles: np.ndarray
    normals: np.ndarray
    cap: np.ndarray


def shaded(surface: Surface, solid: np.ndarray) -> Shaded:
    """Part the caps of a closed surface from its walls and give every point a normal."""
    top = np.asarray(solid.shape, dtype=np.float64) - 0.5
    walls, points = surface.triangles, [surface.points]
    caps: list[np.ndarray] = []
    away: list[np.ndarray] = []
    count = len(surface.points)
    for axis in range(3):
        for face, sign in ((-0.5, -1.0), (top[axis], 1.0)):
            on_face = (surface.points[:, axis] == face)[walls].all(axis=1)
            used, corners = np.unique(walls[on_face], return_inverse=True)
            walls = walls[~on_face]
            points.append(surface.points[used])
            caps.append(count + corners.reshape(-1, 3))
            outward = np.zeros((len(used), 3))
            outward[:, axis] = sign
            away.append(outward)
            count += len(used)
    return Shaded(
        np.concatenate(points),
        np.concatenate([walls, *caps]).astype(np.int32),
        np.concatenate([normals(solid, surface.points), *away]),
        np.arange(count) >= len(surface.points),
    )


def export_surface(
    path: str | Path,
    out: str | Path,
    *,
    to: str | None = None,
    unit: str = "mm",
    color: str | None = None,
    box: Box | None = None,
) -> str:
    """Write the surface of a checkpoint as STL, PLY or GLB.

    Parameters
    ----------
    path : str or Path
        A ``*.vtkhdf`` file, or a run folder, of which the last checkpoint is taken.
    out : str or Path
    to : {"stl", "ply", "glb"}, optional
        By default what the name of `out` ends in.
    unit : {"mm", "um"}
        Unit of the coordinates in STL and PLY, which leave it open; both say it in their header.  GLB is always in
        meters, as its standard wants.
    color : str, optional
        Color the points as `render_checkpoint` would; PLY and GLB only.
    box : tuple of int, optional
        Voxels z0, z1, y0, y1, x0, x1; everything by default.

    Returns
    -------
    str
        What was written.

    Raises
    ------
    RunError
        If the file is no checkpoint, holds no bone, a name is unknown, or the mesh cannot be written.

    Notes
    -----
    The surface is smoothed over 0.75 voxel without moving a voxel center to the other side: struts neither break
    nor merge.  Measure volume and area on the voxels, with `trabsim measure`.
    """
    out = Path(out)
    to = out.suffix.lower().lstrip(".") if to is None else to
    if to not in MESH_FORMATS:
        raise RunError(f"a surface cannot be written as '{to}'; choose {', '.join(MESH_FORMATS)}")
    if unit not in MESH_UNITS:
        raise RunError(f"unit '{unit}' is unknown; choose {' or '.join(MESH_UNITS)}")
    if to == "stl" and color is not None:
        raise RunError("STL holds no colors; write .ply or .glb, or leave --color out")
    snapshot = read_snapshot(path, box)
    scene = _scene(snapshot, color)
    surface = closed_surface(scene.solid)
    if len(surface.triangles) == 0:
        raise RunError(
            f"{snapshot.path.name} holds no bone there, so it has no surface; choose another box or day"
        )
    colors = None if color is None else scene.colors(surface.points)
    corner = np.array([part.start for part in snapshot.box], dtype=np.float64)
    places_um = (surface.points + corner + 0.5) * snapshot.voxel_size_um
    day = "" if snapshot.day is None else f" day {snapshot.day}"
    if to == "glb":
        mesh = shaded(surface, scene.solid)
        colors = None if color is None else scene.colors(mesh.points)
        places_mm = (mesh.points + corner + 0.5) * snapshot.voxel_size_um / 1000.0
        write_glb(out, places_mm[:, ::-1], mesh.triangles, mesh.normals[:, ::-1], colors)
        unit = "m (nodes scale mm)"
    else:
        told = f"trabsim surface of {snapshot.path.name}{day}, unit {unit}"
        places = places_um[:, ::-1] / MESH_UNITS[unit]
        if to == "ply":
            write_ply(out, places, surface.triangles, colors, told)
        else:
            write_stl(out, places, surface.triangles, told)
    return f"surface of {len(surface.triangles)} triangles{' on' * bool(day)}{day}, unit {unit}"


def _scene(snapshot: Snapshot, color: str | None) -> Scene:
    from trabsim.state import FULL
    from trabsim.viz.coloring import color_scene

    if color is not None:
        return color_scene(snapshot, color)
    fraction = np.where(snapshot.tissue, snapshot.bone / np.float32(FULL), 0)
    return Scene(smooth_solid(fraction), snapshot.voxel_size_um)
