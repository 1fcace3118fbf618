"""How thick the trabeculae are and how far apart: the diameters of the largest spheres that fit.

Every voxel of a tissue has the diameter of the largest sphere that lies in the tissue and contains the voxel
[1]_.  Means, standard deviations and maxima are over voxels, that is volume weighted.  Conventions: full
diameters; a sphere's radius is the distance from its center voxel to the nearest voxel center of the other
tissue, and it contains the voxels nearer than that, so a plate of an even number of voxels is measured
exactly and one of an odd number one voxel too thick; spheres may run out of the volume and of the region;
nothing is cut off or averaged at the surface afterwards.

References
----------
.. [1] Hildebrand T, Rueegsegger P (1997) J Microsc 185:67-75. doi:10.1046/j.1365-2818.1997.1340694.x
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trabsim.morphometry._region import BoolArray, bounding_box, region_of_interest
from trabsim.morphometry._threads import kernel_threads

if TYPE_CHECKING:
    from trabsim.morphometry._spheres import InscribedSpheres


@dataclass(frozen=True)
class Thickness:
    """Distribution of sphere diameters over the voxels; nan without tissue or anything to end a sphere.

    Attributes
    ----------
    mean_um, SD_um, max_um : float
        Mean, standard deviation (of the population of voxels) and maximum.
    """

    mean_um: float
    SD_um: float
    max_um: float


def trabecular_thickness(
    bone: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None, threads: int | None = None
) -> Thickness:
    """Tb.Th: diameters of the largest spheres in the bone.

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
    Thickness

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.
    """
    voxels, region, size_um = region_of_interest(bone, voxel_size_um, mask)
    with kernel_threads(threads):
        return thickness_of_spheres(fitted_spheres(voxels, region), size_um)


def trabecular_separation(
    bone: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None, threads: int | None = None
) -> Thickness:
    """Tb.Sp: diameters of the largest spheres in the marrow.

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
    Thickness

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.
    """
    voxels, region, size_um = region_of_interest(bone, voxel_size_um, mask)
    with kernel_threads(threads):
        return thickness_of_spheres(fitted_spheres(marrow_of(voxels, region), region), size_um)


def trabecular_number(thickness: Thickness, separation: Thickness) -> float:
    """Tb.N in 1/mm: 1 / (mean Tb.Th + mean Tb.Sp).

    Tb.N is the inverse of the mean distance between the mid-axes of trabeculae [1]_.  Between two neighbors
    that distance is half a thickness, the space between them, and half a thickness; the sum of the two means
    stands for it here.  That is exact for parallel plates, and needs no skeleton, whose side branches on real
    bone shorten the distance by up to a third.

    Parameters
    ----------
    thickness, separation : Thickness
        Tb.Th and Tb.Sp of the same region.

    Returns
    -------
    float
        nan where either is.

    References
    ----------
    .. [1] Hildebrand T et al. (1999) J Bone Miner Res 14:1167-1174. doi:10.1359/jbmr.1999.14.7.1167
    """
    return 1000.0 / (thickness.mean_um + separation.mean_um)


def local_thickness(
    tissue: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None, threads: int | None = None
) -> NDArray[np.float32]:
    """Diameter of the largest sphere over every voxel of a tissue, as a volume.

    Parameters
    ----------
    tissue : (z, y, x) array of bool
        Bone for local thickness; its complement for local separation.
    voxel_size_um : float
        Voxel edge in um.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.
    threads : int, optional
        Threads to use; no result depends on it.

    Returns
    -------
    (z, y, x) array of float32
        Diameter in um; zero outside the tissue and the region; nan in the tissue if nothing ends a sphere.

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.
    """
    voxels, region, size_um = region_of_interest(tissue, voxel_size_um, mask)
    diameters = np.zeros(np.shape(tissue), np.float32)
    box = bounding_box(np.asarray(mask)) if mask is not None else (slice(None),) * 3
    with kernel_threads(threads):
        spheres = fitted_spheres(voxels, region)
    if spheres is None:
        diameters[box][voxels] = np.nan
    else:
        sizes = (2 * size_um * np.sqrt(spheres.squared_radii)).astype(np.float32)
        diameters[box][voxels] = sizes[spheres.owner[voxels]]
    return diameters


def marrow_of(bone: BoolArray, mask: BoolArray | None) -> BoolArray:
    """What is not bone in the region."""
    return ~bone if mask is None else mask & ~bone


def fitted_spheres(tissue: BoolArray, mask: BoolArray | None) -> InscribedSpheres | None:
    """Largest spheres in a tissue of a region made by `region_of_interest`."""
    from trabsim.morphometry._spheres import inscribed_spheres

    return inscribed_spheres(tissue, mask)


def thickness_of_spheres(spheres: InscribedSpheres | None, voxel_size_um: float) -> Thickness:
    """Distribution of the diameters, by the voxels each sphere is the largest over."""
    if spheres is None:
        nan = float("nan")
        return Thickness(nan, nan, nan)
    # Sums over the few distinct radii, in whole numbers of voxels, do not depend on the order of the spheres.
    voxels = np.bincount(spheres.squared_radii, weights=spheres.voxels)
    diameters = 2 * voxel_size_um * np.sqrt(np.arange(len(voxels)))
    mean = float(voxels @ diameters) / float(voxels.sum())
    variance = float(voxels @ (diameters - mean) ** 2) / float(voxels.sum())
    return Thickness(mean, float(np.sqrt(variance)), float(diameters[-1]))
