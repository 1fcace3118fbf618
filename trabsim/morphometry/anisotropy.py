"""Which way the bone runs: mean intercept lengths, their ellipsoid, degree of anisotropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trabsim.morphometry._directions import symmetric_directions
from trabsim.morphometry._region import BoolArray, region_of_interest
from trabsim.morphometry._threads import kernel_threads
from trabsim.morphometry.structure_model import smooth_surface

if TYPE_CHECKING:
    from trabsim.morphometry._isosurface import Isosurface

DIRECTIONS = 480
# An intercept length counts as at most this many times the shortest: parallel plates have infinite ones.
LONGEST_RATIO = 1000.0


@dataclass(frozen=True)
class Fabric:
    """Ellipsoid of the mean intercept lengths.

    Attributes
    ----------
    DA : float
        1 - (shortest / longest axis)^2, the convention of BoneJ: 0 isotropic, 1 parallel plates or fibers.
    DA_ratio : float
        Longest over shortest axis, the convention of the ASBMR guidelines: 1 isotropic.
    MIL_um : (3,) array of float64
        Axes of the ellipsoid, longest first.
    directions : (3, 3) array of float64
        Unit vectors (z, y, x) along the axes, in rows; the first is the main direction.  The largest
        component is positive.
    tensor : (3, 3) array of float64
        Fabric tensor in (z, y, x): the axes' lengths along their directions, scaled to trace 1.
    """

    DA: float
    DA_ratio: float
    MIL_um: NDArray[np.float64]
    directions: NDArray[np.float64]
    tensor: NDArray[np.float64]


def fabric(
    bone: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None, threads: int | None = None
) -> Fabric:
    """Mean intercept length fabric of the bone.

    The mean intercept length along a direction is the length of test lines in the region over the number of
    times they cross the bone surface [1]_.  For lines that fill the region evenly that number is known
    without drawing them: a surface element is met in proportion to its area seen along the line (Cauchy), so
    MIL(u) = V / integral of abs(n.u) over the surface.  Here the surface is that of marching cubes after a
    Gaussian of one voxel, open where the region ends: lines through raw voxels count their stairs, which
    hides up to half the anisotropy of oblique bone.  The ellipsoid is fitted to the points MIL(u) u [2]_ of
    480 fixed directions, a Fibonacci sphere made symmetric so that the result turns with the volume.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    voxel_size_um : float
        Voxel edge in um.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.
    threads : int, optional
        Threads to use; no result depends on it.

    Returns
    -------
    Fabric
        All nan where there is no surface.

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.

    References
    ----------
    .. [1] Whitehouse WJ (1974) J Microsc 101:153-168. doi:10.1111/j.1365-2818.1974.tb03878.x
    .. [2] Harrigan TP, Mann RW (1984) J Mater Sci 19:761-767. doi:10.1007/BF00540446
    """
    voxels, region, size_um = region_of_interest(bone, voxel_size_um, mask)
    with kernel_threads(threads):
        surface = smooth_surface(voxels, region)
    return fabric_of_surface(surface, cubes_inside(voxels.shape, region), size_um)


def cubes_inside(shape: tuple[int, ...], region: BoolArray | None) -> int:
    """Volume in voxels that the open surface is in: vertices with all eight voxels in the region."""
    if region is None:
        return int(np.prod([max(n - 1, 0) for n in shape]))
    inside = region
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        inside = inside[tuple(low)] & inside[tuple(high)]
    return int(np.count_nonzero(inside))


def mean_intercept_lengths(
    surface: Isosurface, volume: float, directions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """MIL in voxels along each of the directions, at most `LONGEST_RATIO` times the shortest."""
    crossings = np.abs(surface.facing @ directions.T).sum(axis=0)
    return volume / np.maximum(crossings, crossings.max() / LONGEST_RATIO)


def fabric_of_surface(surface: Isosurface | None, volume: float, voxel_size_um: float) -> Fabric:
    """Fabric from the sums over a surface in `volume` voxels."""
    if surface is None or surface.open_area == 0:
        nan = float("nan")
        return Fabric(nan, nan, np.full(3, nan), np.full((3, 3), nan), np.full((3, 3), nan))
    directions = symmetric_directions(DIRECTIONS)
    lengths = mean_intercept_lengths(surface, volume, directions)
    # x.A.x = 1 for the points x, in units of the shortest length.
    z, y, x = (directions * (lengths / lengths.min())[:, None]).T
    columns = np.stack([z * z, y * y, x * x, 2 * z * y, 2 * z * x, 2 * y * x], axis=1)
    zz, yy, xx, zy, zx, yx = np.linalg.lstsq(columns, np.ones(len(z)), rcond=None)[0]
    quadric = np.array([[zz, zy, zx], [zy, yy, yx], [zx, yx, xx]])
    squares, vectors = np.linalg.eigh(quadric)
    squares = np.maximum(squares, squares[2] / LONGEST_RATIO**2)
    axes = 1 / np.sqrt(squares)
    rows = vectors.T
    leading = rows[np.arange(3), np.argmax(np.abs(rows), axis=1)]
    rows = rows * np.sign(leading)[:, None]
    tensor = (rows.T * axes) @ rows
    return Fabric(
        DA=float(1 - squares[0] / squares[2]),
        DA_ratio=float(axes[0] / axes[2]),
        MIL_um=axes * lengths.min() * voxel_size_um,
        directions=rows,
        tensor=tensor / np.trace(tensor),
    )
