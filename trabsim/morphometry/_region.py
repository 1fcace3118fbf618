"""What every measurement first does to its arrays: check them, and cut them to the region of interest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trabsim.errors import SpecimenError

BoolArray = NDArray[np.bool_]


def check_voxel_size(voxel_size_um: float) -> float:
    """Return the voxel edge as a float, or say why it cannot be one.

    Raises
    ------
    SpecimenError
        If it is not a finite number above zero.
    """
    if not isinstance(voxel_size_um, int | float | np.number) or not (
        math.isfinite(voxel_size_um) and voxel_size_um > 0
    ):
        raise SpecimenError(f"voxel_size_um is {voxel_size_um!r}: give the voxel edge in um, above zero")
    return float(voxel_size_um)


def check_boolean(name: str, array: ArrayLike) -> BoolArray:
    """Return `array` as it is if it is a boolean volume, or say why it is not.

    Raises
    ------
    SpecimenError
        If it is not a three-dimensional boolean array with at least one voxel.
    """
    volume = np.asarray(array)
    if volume.ndim != 3 or volume.size == 0:
        raise SpecimenError(
            f"{name} has shape {volume.shape}: give a (z, y, x) array with at least one voxel"
        )
    if volume.dtype != np.bool_:
        raise SpecimenError(f"{name} has dtype {volume.dtype}: threshold it to a boolean array first")
    return volume


def bounding_box(mask: BoolArray) -> tuple[slice, slice, slice]:
    """Smallest box around the set voxels of `mask`; an empty box if there are none."""
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        set_planes = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(set_planes[0]), int(set_planes[-1]) + 1) if set_planes.size else slice(0, 0))
    return box[0], box[1], box[2]


def region_of_interest(
    bone: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None
) -> tuple[BoolArray, BoolArray | None, float]:
    """Check the arguments and cut the volume to the bounding box of the region of interest.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    voxel_size_um : float
        Voxel edge in um.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.

    Returns
    -------
    bone : (z, y, x) array of bool, C order
        Bone within the region, cut to its bounding box; false outside the region.
    mask : (z, y, x) array of bool or None
        The region within that box; None where the region is the whole box.
    voxel_size_um : float

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.
    """
    size_um = check_voxel_size(voxel_size_um)
    bone_voxels = check_boolean("bone", bone)
    if mask is None:
        return np.ascontiguousarray(bone_voxels), None, size_um
    region = check_boolean("mask", mask)
    if region.shape != bone_voxels.shape:
        raise SpecimenError(
            f"mask has shape {region.shape} but bone {bone_voxels.shape}: give both the same shape"
        )
    box = bounding_box(region)
    region = np.ascontiguousarray(region[box])
    if region.all():
        return np.ascontiguousarray(bone_voxels[box]), None, size_um
    return bone_voxels[box] & region, region, size_um


def cut_to_region(
    name: str, values: ArrayLike, bone: ArrayLike, mask: ArrayLike | None = None
) -> NDArray[np.floating]:
    """Check an array that goes with `bone`, and cut it to the same box as `region_of_interest` does.

    Raises
    ------
    SpecimenError
        If the shapes differ.
    """
    volume = np.asarray(values)
    if volume.shape != np.shape(bone):
        raise SpecimenError(
            f"{name} has shape {volume.shape} but bone {np.shape(bone)}: give both the same shape"
        )
    return volume if mask is None else volume[bounding_box(np.asarray(mask))]


def tissue_voxels(bone: BoolArray, mask: BoolArray | None) -> int:
    """Voxels in the region of interest (TV as a count) of arrays made by `region_of_interest`."""
    return bone.size if mask is None else int(np.count_nonzero(mask))
