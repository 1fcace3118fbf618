"""A field as a cloud before the bone: rays gather color on their way until they meet bone."""

from __future__ import annotations

import numpy as np
from numba import njit

from trabsim.viz.camera import Camera
from trabsim.viz.colors import ramp
from trabsim.viz.raycast import _span, _trilinear, cast, in_bands
from trabsim.viz.scene import Scene

_STEP_VOXELS = 0.7
# steps of the color table
_COLORS = 256


def cloud_over(
    image: np.ndarray, scene: Scene, share: np.ndarray, camera: Camera, density: float
) -> np.ndarray:
    """Lay a cloud over the picture of a scene.

    Parameters
    ----------
    image : uint8 array, shape (height, width, 3)
        The scene drawn with `camera`.
    scene : Scene
    share : float32 array, shape (z, y, x)
        The field, scaled to 0-1.
    camera : Camera
    density : float
        Share of the light that a voxel takes where `share` is 1; falls with its square.

    Returns
    -------
    uint8 array, shape (height, width, 3)
    """
    width, height = camera.size
    step = camera.voxels_per_pixel
    corner = camera.corner(scene.shape)
    depth, _ = cast(
        scene.solid, scene.gap, corner, step * camera.right, step * camera.up, camera.ahead, (height, width)
    )
    table = ramp(np.linspace(0.0, 1.0, _COLORS), "glow")
    seen = image.astype(np.float64)
    in_bands(
        height,
        lambda a, b: _gather(
            share,
            depth,
            corner,
            step * camera.right,
            step * camera.up,
            camera.ahead,
            table,
            density,
            a,
            b,
            seen,
        ),
    )
    return np.rint(seen).astype(np.uint8)


@njit(cache=True, nogil=True)
def _gather(share, depth, corner, right, up, ahead, table, density, first, last, seen):
    o, color = np.empty(3), np.empty(3)
    for row in range(first, last):
        for column in range(depth.shape[1]):
            for a in range(3):
                o[a] = corner[a] + (column + 0.5) * right[a] - (row + 0.5) * up[a]
                color[a] = 0.0
            start, end, _ = _span(o, ahead, share.shape)
            end = min(end, depth[row, column])
            if start >= end:
                continue
            left = 1.0  # light that still passes
            t = start + 0.5 * _STEP_VOXELS
            while t < end and left > 0.01:
                value = _trilinear(share, o[0] + t * ahead[0], o[1] + t * ahead[1], o[2] + t * ahead[2])
                if value > 0.0:
                    taken = left * (1.0 - (1.0 - density * value * value) ** _STEP_VOXELS)
                    which = min(int(value * (table.shape[0] - 1) + 0.5), table.shape[0] - 1)
                    for a in range(3):
                        color[a] += taken * table[which, a]
                    left -= taken
                t += _STEP_VOXELS
            for a in range(3):
                seen[row, column, a] = color[a] + left * seen[row, column, a]
