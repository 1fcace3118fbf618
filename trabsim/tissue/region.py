"""Region of interest: which part of a scan is the specimen.

Outside the region is not tissue: it counts neither in morphometry nor in fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError

ROUNDNESS = 0.95
"""Least roundness, 4 pi area / perimeter^2, of what passes for a core seen along z (a square has 0.79)."""


@dataclass(frozen=True)
class Box:
    """Half-open ranges of voxels on the three axes."""

    z0: int
    z1: int
    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index of the box in an array (z, y, x)."""
        return slice(self.z0, self.z1), slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Size in voxels, (z, y, x)."""
        return self.z1 - self.z0, self.y1 - self.y0, self.x1 - self.x0

    @property
    def bounds(self) -> tuple[int, int, int, int, int, int]:
        """The six numbers (z0, z1, y0, y1, x0, x1)."""
        return self.z0, self.z1, self.y0, self.y1, self.x0, self.x1

    def inside(self, outer: Box) -> tuple[slice, slice, slice]:
        """Index of this box in an array that covers ``outer``."""
        z, y, x = outer.bounds[0::2]
        return (
            slice(self.z0 - z, self.z1 - z),
            slice(self.y0 - y, self.y1 - y),
            slice(self.x0 - x, self.x1 - x),
        )

    def widened(self, margin: int, shape: tuple[int, ...]) -> Box:
        """The box with ``margin`` more voxels on every side, cut at an image of ``shape``."""
        low = [max(0, start - margin) for start in self.bounds[0::2]]
        high = [min(length, stop + margin) for stop, length in zip(self.bounds[1::2], shape)]
        return Box(low[0], high[0], low[1], high[1], low[2], high[2])


def region_box(bounds: Sequence[int] | None, shape: tuple[int, ...]) -> Box:
    """The box a user asked for, or the whole image.

    Parameters
    ----------
    bounds : six int or None
        (z0, z1, y0, y1, x0, x1) in voxels, ends not included.
    shape : (z, y, x)
        Size of the image.

    Raises
    ------
    SpecimenError
        If the box is no box, or reaches outside the image.
    """
    if bounds is None:
        return Box(0, shape[0], 0, shape[1], 0, shape[2])
    numbers = tuple(bounds)
    if len(numbers) != 6 or any(int(n) != n for n in numbers):
        raise SpecimenError(f"box of {numbers}: give six whole numbers (z0, z1, y0, y1, x0, x1) in voxels")
    box = Box(*(int(n) for n in numbers))
    for axis, start, stop, length in zip("zyx", box.bounds[0::2], box.bounds[1::2], shape):
        if not 0 <= start < stop <= length:
            raise SpecimenError(
                f"box {box.bounds} does not lie in the image: {axis} runs from {start} to {stop}, "
                f"the image from 0 to {length}"
            )
    return box


def mask_tissue(mask: NDArray[Any], shape: tuple[int, ...], box: Box, source: str) -> NDArray[np.bool_]:
    """Nonzero voxels of a mask image within ``box``.

    Raises
    ------
    SpecimenError
        If the mask is not of the image's size, or empty within the box.
    """
    if tuple(mask.shape) != tuple(shape):
        raise SpecimenError(
            f"the region mask {source} has shape {tuple(mask.shape)}, the scan {tuple(shape)} (z, y, x): "
            "both must be equal"
        )
    tissue = np.asarray(mask[box.slices] != 0)
    if not tissue.any():
        raise SpecimenError(f"the region mask {source} is empty within the box {box.bounds}: nothing is left")
    return tissue


def cylinder_tissue(box: Box, center_yx: tuple[float, float], radius: float) -> NDArray[np.bool_]:
    """Voxels of ``box`` whose center lies within a cylinder along z.

    Parameters
    ----------
    box : Box
        Where.
    center_yx : (y, x)
        Axis of the cylinder in voxels of the scan; the first voxel's center is 0.
    radius : float
        In voxels.

    Raises
    ------
    SpecimenError
        If the radius is not positive, or the cylinder misses the box.
    """
    if not (np.isfinite(radius) and radius > 0 and np.isfinite(center_yx).all()):
        raise SpecimenError(
            f"cylinder at {center_yx} with radius {radius}: give finite voxels, radius above 0"
        )
    y = np.arange(box.y0, box.y1) - center_yx[0]
    x = np.arange(box.x0, box.x1) - center_yx[1]
    disk = y[:, None] ** 2 + x[None, :] ** 2 <= radius**2
    if not disk.any():
        raise SpecimenError(
            f"the cylinder at (y, x) = ({center_yx[0]:g}, {center_yx[1]:g}) with radius {radius:g} voxels "
            f"does not meet the box {box.bounds}: check center and radius"
        )
    return np.broadcast_to(disk, box.shape).copy()


def find_cylinder(bone: NDArray[np.bool_], box: Box) -> tuple[tuple[float, float], float]:
    """Find the core that a hollow drill left: the circle that bone fills when seen along z.

    The convex hull of the largest connected bone, projected along z, has the centroid and the area of the
    circle.  Works where trabeculae reach the rim all around, as they do over a few millimeters of height.

    Parameters
    ----------
    bone : ndarray of bool, shape (z, y, x)
        Segmented bone within ``box``.
    box : Box
        Where ``bone`` was taken from.

    Returns
    -------
    center_yx : (y, x)
        In voxels of the scan.
    radius : float
        In voxels.

    Raises
    ------
    SpecimenError
        If the projection is not round.
    """
    from scipy.spatial import ConvexHull, QhullError

    from trabsim.tissue.components import largest_component

    largest, _, _ = largest_component(bone)
    points = np.argwhere(largest.any(axis=0)).astype(np.float64)
    # the corners of the pixels, so that the hull holds whole pixels
    corners = np.concatenate([points + step for step in ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5))])
    try:
        hull = ConvexHull(corners)
    except (QhullError, ValueError) as error:
        raise SpecimenError(
            "no cylinder found: there is no bone to find it by, check the threshold"
        ) from error
    area, perimeter = float(hull.volume), float(hull.area)  # Qhull's names, in two dimensions
    roundness = 4.0 * np.pi * area / perimeter**2
    if roundness < ROUNDNESS:
        raise SpecimenError(
            f"no cylinder along z found: the bone's outline has roundness {roundness:.2f}, a core at least "
            f"{ROUNDNESS:g}; give center and radius"
        )
    y, x = corners[hull.vertices].T
    cross = y * np.roll(x, -1) - np.roll(y, -1) * x
    center = [float(((a + np.roll(a, -1)) * cross).sum() / (3.0 * cross.sum())) for a in (y, x)]
    return (center[0] + box.y0, center[1] + box.x0), float(np.sqrt(area / np.pi))


def tissue_bounds(tissue: NDArray[np.bool_], box: Box) -> Box:
    """The smallest box, in voxels of the scan, around the tissue."""
    ends: list[int] = []
    for axis, start in enumerate(box.bounds[0::2]):
        others = tuple(other for other in range(3) if other != axis)
        there = np.flatnonzero(tissue.any(axis=others))
        ends += [start + int(there[0]), start + int(there[-1]) + 1]
    return Box(*ends)
