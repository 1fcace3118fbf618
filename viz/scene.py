"""What a picture shows: a solid, the colors of its surface, and cells on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trabsim.viz.colors import BONE, ramp
from trabsim.viz.raycast import LEVEL, gaps, sample

# wide enough to hide the voxel steps
_SMOOTHING_VOXELS = 0.75
# how far a smoothed voxel center must stay on its own side of the surface
_MARGIN = 0.06
_UNDEFINED = -1e30


@dataclass(frozen=True)
class Patch:
    """A class of surface with a color of its own.

    Attributes
    ----------
    label : str
    color : tuple of int
    share : float32 array, shape (z, y, x)
        Share of the class among the surface around each voxel, 0-1; it has the place where this exceeds 0.5.
    """

    label: str
    color: tuple[int, int, int]
    share: np.ndarray


@dataclass(frozen=True)
class Values:
    """A field shown on the surface by a ramp of colors.

    Attributes
    ----------
    label : str
        Name with unit.
    lattice : float32 array, shape (z, y, x)
        Very negative (-1e30) where not defined.
    low, high : float
        Ends of the ramp.
    ramp : str
        Its name in `trabsim.viz.colors.RAMPS`.
    """

    label: str
    lattice: np.ndarray
    low: float
    high: float
    ramp: str = "even"


@dataclass(frozen=True)
class Spheres:
    """Cells of one kind.

    Attributes
    ----------
    label : str
    color : tuple of int
    centers : float64 array, shape (n, 3)
        Voxels.
    radii : float64 array, shape (n,)
        Voxels.
    away : float64 array, shape (n, 3), or None
        Direction along which they are flattened, length 1; None for balls.
    flatness : float
        Thickness over width, 0-1.
    """

    label: str
    color: tuple[int, int, int]
    centers: np.ndarray
    radii: np.ndarray
    away: np.ndarray | None = None
    flatness: float = 1.0


@dataclass
class Scene:
    """Everything a renderer needs.

    Attributes
    ----------
    solid : float32 array, shape (z, y, x)
        Bone where at least 0.5; from `smooth_solid`.
    voxel_size_um : float
    patches : tuple of Patch
    values : Values or None
    spheres : tuple of Spheres
    base_label : str or None
        What the plain bone color stands for, for the legend.
    """

    solid: np.ndarray
    voxel_size_um: float
    patches: tuple[Patch, ...] = ()
    values: Values | None = None
    spheres: tuple[Spheres, ...] = ()
    base_label: str | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels (z, y, x)."""
        nz, ny, nx = self.solid.shape
        return (nz, ny, nx)

    @cached_property
    def gap(self) -> np.ndarray:
        """Distance to bone in quarters of a voxel, uint8."""
        return gaps(self.solid >= LEVEL)

    def base_colors(self, points: np.ndarray) -> np.ndarray:
        """Colors (n, 3), 0-255, at points (n, 3) of the surface, patches left out."""
        color = np.empty((points.shape[0], 3))
        color[:] = BONE
        if self.values is not None:
            value = sample(self.values.lattice, points, 0.5 * _UNDEFINED)
            known = np.isfinite(value)
            width = max(self.values.high - self.values.low, 1e-30)
            color[known] = ramp((value[known] - self.values.low) / width, self.values.ramp)
        return color

    def colors(self, points: np.ndarray) -> np.ndarray:
        """Colors (n, 3), 0-255, at points (n, 3) of the surface."""
        color = self.base_colors(points)
        for patch in self.patches:
            color[sample(patch.share, points) > 0.5] = patch.color
        return color


def smooth_solid(fraction: np.ndarray) -> np.ndarray:
    """Smooth the steps of the voxels away without moving a voxel center to the other side of the surface.

    A plain Gaussian breaks thin struts; holding the centers on their side keeps every strut of the voxels.

    Parameters
    ----------
    fraction : array, shape (z, y, x)
        Share of bone in each voxel, 0-1.

    Returns
    -------
    float32 array, shape (z, y, x)
        At least 0.5 at exactly the voxels where `fraction` is.
    """
    bone = fraction >= LEVEL
    smooth = blur(fraction.astype(np.float32), _SMOOTHING_VOXELS)
    np.maximum(smooth, np.float32(LEVEL + _MARGIN), out=smooth, where=bone)
    np.minimum(smooth, np.float32(LEVEL - _MARGIN), out=smooth, where=~bone)
    return smooth


def shares(domain: np.ndarray, members: list[np.ndarray]) -> list[np.ndarray]:
    """Share of some classes among the voxels of a domain around each voxel.

    Parameters
    ----------
    domain : bool array, shape (z, y, x)
    members : list of bool array
        Subsets of the domain.

    Returns
    -------
    list of float32 array
        0 where no voxel of the domain is near.
    """
    weight = blur(domain.astype(np.float32), _SMOOTHING_VOXELS)
    near = weight > 1e-3
    return [_ratio(blur(mask.astype(np.float32), _SMOOTHING_VOXELS), weight, near, 0.0) for mask in members]


def spread(values: np.ndarray, domain: np.ndarray) -> np.ndarray:
    """Carry values a little beyond the voxels where they are defined, so that the surface gets a color.

    Parameters
    ----------
    values : array, shape (z, y, x)
    domain : bool array, shape (z, y, x)

    Returns
    -------
    float32 array
        -1e30 where no voxel of the domain is near.
    """
    weight = blur(domain.astype(np.float32), _SMOOTHING_VOXELS)
    total = blur(np.where(domain, values, 0).astype(np.float32), _SMOOTHING_VOXELS)
    return _ratio(total, weight, weight > 1e-2, _UNDEFINED)


def _ratio(top: np.ndarray, bottom: np.ndarray, where: np.ndarray, otherwise: float) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(top.shape, otherwise, np.float32), where=where)


def blur(field: np.ndarray, sigma: float, truncate: float = 3.0) -> np.ndarray:
    """Gaussian of `sigma` voxels; beyond the faces of the box it goes on as it ends."""
    from scipy import ndimage

    return ndimage.gaussian_filter(field, sigma, mode="nearest", truncate=truncate)
