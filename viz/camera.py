"""A camera without perspective: where it stands, and how many micrometers a pixel shows."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass

import numpy as np

from trabsim.errors import RunError

#: Names of views: (azimuth, elevation) in degrees.  Azimuth 0 looks along +y with x to the right and z up.
VIEWS: dict[str, tuple[float, float]] = {
    "corner": (32.0, 24.0),
    "front": (0.0, 0.0),
    "side": (90.0, 0.0),
    "top": (0.0, 90.0),
}

View = str | tuple[float, float]


@dataclass(frozen=True)
class Camera:
    """A parallel projection of a box of voxels; directions are (z, y, x).

    Attributes
    ----------
    right, up, ahead : ndarray of float64, shape (3,)
        Axes of the picture and direction of sight, length 1.
    center : ndarray of float64, shape (3,)
        Voxel position at the middle of the picture.
    voxels_per_pixel : float
    size : tuple of int
        Picture (width, height) in pixels.
    """

    right: np.ndarray
    up: np.ndarray
    ahead: np.ndarray
    center: np.ndarray
    voxels_per_pixel: float
    size: tuple[int, int]

    def corner(self, shape: tuple[int, int, int]) -> np.ndarray:
        """Upper left corner of the picture, moved back out of a box of `shape` voxels."""
        width, height = self.size
        step = self.voxels_per_pixel
        back = float(np.linalg.norm(shape)) + 4.0
        return self.center - width / 2 * step * self.right + height / 2 * step * self.up - back * self.ahead

    def points(self, depth: np.ndarray, corner: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Positions (n, 3) seen at the raveled `pixels` of a depth image."""
        rows, columns = np.divmod(pixels, depth.shape[1])
        step = self.voxels_per_pixel * self.size[0] / depth.shape[1]
        return (
            corner
            + (columns[:, None] + 0.5) * step * self.right
            - (rows[:, None] + 0.5) * step * self.up
            + depth.ravel()[pixels, None] * self.ahead
        )


def angles(view: View) -> tuple[float, float]:
    """Azimuth and elevation (degrees) of a view given by name or as a pair.

    Raises
    ------
    RunError
        For an unknown name, or a pair that is not two finite numbers with an elevation within 90 degrees.
    """
    if isinstance(view, str):
        if view in VIEWS:
            return VIEWS[view]
        near = difflib.get_close_matches(view, VIEWS, 1, 0.5)
        hint = (
            f"did you mean '{near[0]}'?"
            if near
            else f"give one of {', '.join(VIEWS)} or (azimuth, elevation)"
        )
        raise RunError(f"unknown view '{view}'; {hint}")
    try:
        azimuth, elevation = (float(angle) for angle in view)
    except (TypeError, ValueError):
        raise RunError(
            f"a view is a name or (azimuth, elevation) in degrees, not {view!r}; correct it"
        ) from None
    if not (math.isfinite(azimuth) and abs(elevation) <= 90.0):
        raise RunError(
            f"view {view!r} is out of range; give a finite azimuth and an elevation within -90..90 degrees"
        )
    return azimuth, elevation


def fit(
    view: View,
    shape: tuple[int, int, int],
    size: tuple[int, int],
    margin: float = 0.01,
    turning: bool = False,
) -> Camera:
    """Aim a camera so that the whole box fills the picture.

    Parameters
    ----------
    view : str or (float, float)
        Name of a view, or azimuth and elevation in degrees.
    shape : tuple of int
        Box in voxels (z, y, x).
    size : tuple of int
        Picture (width, height) in pixels.
    margin : float
        Share of the picture left empty on each side.
    turning : bool
        Whether the box must fit from every azimuth, so that a film of it keeps its scale.

    Returns
    -------
    Camera
    """
    azimuth, elevation = (math.radians(angle) for angle in angles(view))
    ca, sa, ce, se = math.cos(azimuth), math.sin(azimuth), math.cos(elevation), math.sin(elevation)
    right = np.array([0.0, sa, ca])
    up = np.array([ce, se * ca, -se * sa])
    ahead = -np.array([se, -ce * ca, ce * sa])
    half = np.asarray(shape, dtype=np.float64) / 2.0
    room = 1.0 - 2.0 * margin
    to_side, to_top = float(np.abs(right) @ half), float(np.abs(up) @ half)
    if turning:
        to_side = math.hypot(half[1], half[2])
        to_top = abs(ce) * half[0] + abs(se) * to_side
    wide, high = 2.0 * to_side / (room * size[0]), 2.0 * to_top / (room * size[1])
    return Camera(right, up, ahead, half - 0.5, max(wide, high), size)
