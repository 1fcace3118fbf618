"""How much bone there is, and how much mineral it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trabsim.morphometry._region import BoolArray, cut_to_region, region_of_interest, tissue_voxels


def bone_volume_fraction(bone: ArrayLike, mask: ArrayLike | None = None) -> float:
    """BV/TV: bone voxels over all voxels of the region of interest.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.

    Returns
    -------
    float
        Fraction 0-1; nan if the region is empty.

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume or the shapes differ.
    """
    voxels, region, _ = region_of_interest(bone, 1.0, mask)
    total = tissue_voxels(voxels, region)
    return int(np.count_nonzero(voxels)) / total if total else float("nan")


@dataclass(frozen=True)
class MineralDensity:
    """Mean mineral densities.

    Attributes
    ----------
    TMD_mg_per_cm3 : float
        Tissue mineral density: mean over the bone voxels; nan without bone.
    vBMD_mg_per_cm3 : float
        Volumetric bone mineral density: mean over all voxels of the region, marrow as it stands in the array;
        nan without a region.
    """

    TMD_mg_per_cm3: float
    vBMD_mg_per_cm3: float


def mineral_density(
    bone: ArrayLike, mineral_mg_per_cm3: ArrayLike, mask: ArrayLike | None = None
) -> MineralDensity:
    """Mean mineral density of the bone and of the whole region.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    mineral_mg_per_cm3 : (z, y, x) array of float
        Hydroxyapatite in each voxel, mg per cm3 of voxel: of a calibrated scan, or zero in the marrow of a
        simulated lattice.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.

    Returns
    -------
    MineralDensity

    Raises
    ------
    SpecimenError
        If an array is not a volume, or the shapes differ.

    References
    ----------
    Bouxsein ML et al. (2010) J Bone Miner Res 25:1468-1486. doi:10.1002/jbmr.141
    """
    voxels, region, _ = region_of_interest(bone, 1.0, mask)
    return mineral_of_region(
        voxels, region, cut_to_region("mineral_mg_per_cm3", mineral_mg_per_cm3, bone, mask)
    )


def mineral_of_region(
    voxels: BoolArray, region: BoolArray | None, mineral: NDArray[np.floating]
) -> MineralDensity:
    """Mean mineral densities of arrays cut to the region of interest."""
    nan = float("nan")
    inside = True if region is None else region
    return MineralDensity(
        TMD_mg_per_cm3=float(np.mean(mineral, dtype=np.float64, where=voxels)) if voxels.any() else nan,
        vBMD_mg_per_cm3=float(np.mean(mineral, dtype=np.float64, where=inside)) if voxels.size else nan,
    )
