"""How much surface the bone has."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trabsim.errors import SpecimenError
from trabsim.morphometry._region import check_boolean, check_voxel_size, region_of_interest
from trabsim.morphometry._threads import kernel_threads

if TYPE_CHECKING:
    from trabsim.morphometry._cubes import CubeCounts


@lru_cache(maxsize=1)
def _triangle_areas() -> NDArray[np.float64]:
    """Area of marching cubes in a cube of edge 1 between eight voxels, by which of them are bone."""
    from skimage.measure import marching_cubes, mesh_surface_area

    areas = np.zeros(256)
    for code in range(1, 255):
        corners = np.array([code >> bit & 1 for bit in range(8)], np.float32).reshape(2, 2, 2)
        points, triangles, _, _ = marching_cubes(corners, 0.5)
        areas[code] = mesh_surface_area(points, triangles)
    areas.flags.writeable = False
    return areas


def bone_surface(
    bone: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None, threads: int | None = None
) -> float:
    """BS: surface between bone and marrow in mm2, by marching cubes on the raw voxels.

    Triangles are drawn (level 0.5, no smoothing) between every 2 x 2 x 2 voxels that all lie in the region,
    so the surface is open where the region ends: its border is not bone surface.  On smooth bodies such
    triangles count 8-10 % more than there is, at any voxel size, because stairs stay stairs;
    `surface_area_from_fraction` does not have that bias.

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
    float
        Area in mm2; 0 without bone or without marrow.

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.

    References
    ----------
    Lewiner T et al. (2003) J Graph Tools 8:1-15. doi:10.1080/10867651.2003.10487582
    """
    from trabsim.morphometry._cubes import CubeCounts

    voxels, region, size_um = region_of_interest(bone, voxel_size_um, mask)
    with kernel_threads(threads):
        return bone_surface_of_counts(CubeCounts(voxels, region), size_um)


def bone_surface_of_counts(counts: CubeCounts, voxel_size_um: float) -> float:
    """BS in mm2 from counts of neighborhoods."""
    return float(counts.inside @ _triangle_areas()) * (voxel_size_um * 1e-3) ** 2


def surface_area_from_fraction(
    bone_fraction: ArrayLike,
    voxel_size_um: float,
    mask: ArrayLike | None = None,
    smoothing_voxels: float = 0.0,
    threads: int | None = None,
) -> float:
    """BS in mm2 where voxels may be partly bone: the integral of the gradient of the bone fraction.

    The integral of the gradient's length is the area of the level surfaces, averaged over all levels (coarea
    formula [1]_), so a voxel that is a third bone shifts the surface instead of making a stair.  The gradient
    is taken at the vertices between 2 x 2 x 2 voxels as the mean of four differences along each axis; the
    mean is the only smoothing needed when fractions are true.  Vertices count whose eight voxels all lie in
    the region, so the surface is open where the region ends.

    With true fractions a plate is measured within 2 % from three voxels of thickness on, a rod from five, a
    ball from six, at any offset and tilt; a rod of three voxels loses 5 %, a plate of two 5 %.  Oblique
    surface comes out up to 1.5 % high, never low, at any voxel size.  A mask of zeros and ones counts stairs:
    give it `smoothing_voxels` of 0.7 to 1.  Fractions that vary within the bone (pores, noise) add their own
    gradient.

    Parameters
    ----------
    bone_fraction : (z, y, x) array of float
        Fraction of each voxel that is bone, 0-1.
    voxel_size_um : float
        Voxel edge in um.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.
    smoothing_voxels : float, optional
        Standard deviation of a Gaussian applied first, in voxels; none by default.
    threads : int, optional
        Threads to use; no result depends on it.

    Returns
    -------
    float
        Area in mm2.

    Raises
    ------
    SpecimenError
        If the fraction is not a volume of numbers 0-1, the shapes differ, the voxel size is not above zero,
        or the smoothing is negative.

    References
    ----------
    .. [1] Federer H (1959) Curvature measures. Trans Am Math Soc 93:418-491.
           doi:10.1090/S0002-9947-1959-0110078-1
    """
    from trabsim.morphometry._gradient import gradient_integral
    from trabsim.morphometry._smoothing import smoothed_field

    size_um = check_voxel_size(voxel_size_um)
    fraction = np.asarray(bone_fraction)
    if fraction.ndim != 3 or fraction.size == 0:
        raise SpecimenError(
            f"bone_fraction has shape {fraction.shape}: give a (z, y, x) array with at least one voxel"
        )
    lowest, highest = fraction.min(), fraction.max()
    if not (lowest >= 0 and highest <= 1):
        raise SpecimenError(f"bone_fraction goes from {lowest} to {highest}: give fractions from 0 to 1")
    if not smoothing_voxels >= 0:
        raise SpecimenError(f"smoothing_voxels is {smoothing_voxels!r}: give zero or more")
    region = None if mask is None else check_boolean("mask", mask)
    if region is not None and region.shape != fraction.shape:
        raise SpecimenError(
            f"mask has shape {region.shape} but bone_fraction {fraction.shape}: give both the same shape"
        )
    field = np.ascontiguousarray(fraction)
    if field.dtype not in (np.float32, np.float64):
        field = field.astype(np.float32)
    with kernel_threads(threads):
        if smoothing_voxels > 0:
            inside = field if region is None else np.where(region, field, field.dtype.type(0))
            smooth = smoothed_field(inside, region, smoothing_voxels)
            field = np.ascontiguousarray(smooth[1:-1, 1:-1, 1:-1])
        total = gradient_integral(field, region)
    return total * (size_um * 1e-3) ** 2
