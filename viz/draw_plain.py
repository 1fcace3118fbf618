"""Draw a scene on the processor, without any graphics library: rays, soft shadows and ambient light."""

from __future__ import annotations

import numpy as np

from trabsim.viz.camera import Camera
from trabsim.viz.colors import linear, screen
from trabsim.viz.light import Light
from trabsim.viz.raycast import cast, normals
from trabsim.viz.scene import Scene
from trabsim.viz.spheres import shape_matrices, stamp_spheres

# rays per pixel along each axis; without it thin struts get jagged edges
_OVERSAMPLING = 2
_CHUNK = 1 << 20
_CUT_FACE = 0.74
_HAZE = 0.12


def draw(scene: Scene, camera: Camera) -> np.ndarray:
    """Draw a scene.

    Parameters
    ----------
    scene : Scene
    camera : Camera

    Returns
    -------
    uint8 array, shape (height, width, 3)
        On white.
    """
    width, height = camera.size
    corner = camera.corner(scene.shape)
    step = camera.voxels_per_pixel / _OVERSAMPLING
    rows, columns = height * _OVERSAMPLING, width * _OVERSAMPLING
    depth, cap = cast(
        scene.solid, scene.gap, corner, step * camera.right, step * camera.up, camera.ahead, (rows, columns)
    )
    which, centers, matrices, paint = _stamp_cells(scene, camera, depth, corner, step)
    hit = np.flatnonzero(np.isfinite(depth))
    image = np.ones((depth.size, 3), np.float32)
    if hit.size:
        sun = _unit(0.75 * camera.up - 0.55 * camera.right - 0.75 * camera.ahead)
        bony = np.flatnonzero(np.isfinite(depth) & (cap < 0) & (which < 0))
        seen = camera.points(depth, corner, bony[::_OVERSAMPLING])
        light = Light(scene.solid, scene.gap, seen, normals(scene.solid, seen), sun)
        near, far = float(depth.ravel()[hit].min()), float(depth.ravel()[hit].max())
        for first in range(0, hit.size, _CHUNK):
            some = hit[first : first + _CHUNK]
            points = camera.points(depth, corner, some)
            away = normals(scene.solid, points)
            cell, axis = which.ravel()[some], cap.ravel()[some]
            flat = (axis >= 0) & (cell < 0)
            away[flat] = 0.0
            away[flat, axis[flat]] = -np.sign(camera.ahead[axis[flat]])
            sky, direct = light.at(points, away)
            sky[flat], direct[flat] = 1.0, 1.0
            color = scene.colors(points)
            round_ = cell >= 0
            if round_.any():
                mine = cell[round_]
                away[round_] = np.einsum("nij,nj->ni", matrices[mine], points[round_] - centers[mine])
                away[round_] /= np.linalg.norm(away[round_], axis=1, keepdims=True)
                color[round_] = paint[cell[round_]]
            lit = _shade(linear(color), away, sky, direct, sun, camera, np.where(flat, _CUT_FACE, 1.0))
            haze = _HAZE * ((depth.ravel()[some] - near) / max(far - near, 1e-9)) ** 1.5
            image[some] = lit + (1.0 - lit) * haze[:, None]
    image = image.reshape(height, _OVERSAMPLING, width, _OVERSAMPLING, 3).mean(axis=(1, 3))
    return screen(image)


def _shade(
    albedo: np.ndarray,
    away: np.ndarray,
    sky: np.ndarray,
    direct: np.ndarray,
    sun: np.ndarray,
    camera: Camera,
    dimming: np.ndarray,
) -> np.ndarray:
    """Light (n, 3) that a matt surface with a faint gloss sends to the camera."""
    above = 0.5 + 0.5 * (away @ camera.up)
    facing = np.clip(-(away @ camera.ahead), 0.0, 1.0)
    gloss = np.clip(away @ _unit(sun - camera.ahead), 0.0, 1.0) ** 40 * direct
    strength = sky * (0.25 + 0.20 * above + 0.20 * facing) + 0.80 * direct * np.clip(away @ sun, 0.0, 1.0)
    return albedo * (dimming * strength)[:, None] + 0.05 * gloss[:, None]


def _stamp_cells(
    scene: Scene, camera: Camera, depth: np.ndarray, corner: np.ndarray, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Put the cells into the depth image; returns which cell is seen, and centers, shapes, colors of all."""
    centers = np.concatenate([np.zeros((0, 3)), *(kind.centers for kind in scene.spheres)])
    radii = np.concatenate([np.zeros(0), *(kind.radii for kind in scene.spheres)])
    paint = np.concatenate(
        [np.zeros((0, 3)), *(np.tile(np.float64(kind.color), (len(kind.radii), 1)) for kind in scene.spheres)]
    )
    matrices = shape_matrices(scene.spheres)
    axes = (camera.right, camera.up, camera.ahead)
    which = stamp_spheres(depth, centers, radii, corner, axes, step, matrices)
    return which, centers, matrices, paint


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)
