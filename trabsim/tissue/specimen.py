"""A specimen: the piece of trabecular bone that a run starts from, whether scanned or synthetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError

ROUNDING = 1e-5
"""How far float32 averaging may leave the range 0-1 before a fraction counts as wrong."""


@dataclass(frozen=True, eq=False)
class Specimen:
    """Bone on a lattice, before any cell is placed on it.

    Attributes
    ----------
    bone_fraction : ndarray of float32, shape (z, y, x)
        Share of each voxel's volume that is bone, 0-1.  A binary scan holds only 0 and 1.
    tissue : ndarray of bool, shape (z, y, x), or None
        Voxels that belong to the specimen (bone and marrow).  Voxels outside are no tissue: they take part in
        neither morphometry nor fields, and hold no bone.  None means that the whole box is tissue.
    voxel_size_um : float
        Edge of the cubic lattice voxel.
    source : str
        Where the bone comes from: a file name, or the name of the synthetic generator.
    report : mapping
        How it was made, as plain numbers and texts (fit for JSON), for the provenance of a run.

    Raises
    ------
    SpecimenError
        If the arrays disagree in shape, a fraction lies outside 0-1, bone lies outside the tissue, or there
        is no bone or no tissue at all.
    """

    bone_fraction: NDArray[np.float32]
    tissue: NDArray[np.bool_] | None
    voxel_size_um: float
    source: str
    report: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bone = np.ascontiguousarray(self.bone_fraction, dtype=np.float32)
        if bone.ndim != 3 or bone.size == 0:
            raise SpecimenError(
                f"a specimen has three axes (z, y, x), not shape {bone.shape}: give a 3-D array"
            )
        if not (np.isfinite(self.voxel_size_um) and self.voxel_size_um > 0):
            raise SpecimenError(f"voxel size of {self.voxel_size_um} um: give a positive length in um")
        low, high = float(bone.min()), float(bone.max())
        if not (low >= -ROUNDING and high <= 1.0 + ROUNDING):
            raise SpecimenError(
                f"bone fractions must lie within 0-1, these reach from {low:.6g} to {high:.6g}: "
                "segment the image before making a specimen of it"
            )
        if low < 0.0 or high > 1.0:
            bone = np.clip(bone, 0.0, 1.0)
        if high <= 0.0:
            raise SpecimenError("the specimen holds no bone: every bone fraction is 0, check how it was made")
        object.__setattr__(self, "bone_fraction", bone)
        object.__setattr__(self, "voxel_size_um", float(self.voxel_size_um))
        if self.tissue is None:
            return
        tissue = np.ascontiguousarray(self.tissue, dtype=bool)
        if tissue.shape != bone.shape:
            raise SpecimenError(
                f"the tissue mask has shape {tissue.shape}, the bone {bone.shape}: both must be equal"
            )
        if not tissue.any():
            raise SpecimenError("the tissue mask is empty: it must mark at least one voxel")
        if (bone[~tissue] > 0).any():
            raise SpecimenError("bone lies outside the tissue mask: set it to 0 there or widen the mask")
        object.__setattr__(self, "tissue", tissue)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lattice size in voxels, (z, y, x)."""
        nz, ny, nx = self.bone_fraction.shape
        return (nz, ny, nx)

    @property
    def tissue_volume_voxels(self) -> int:
        """Number of voxels that are tissue, TV in voxels."""
        return int(self.bone_fraction.size if self.tissue is None else np.count_nonzero(self.tissue))

    @property
    def BV_TV(self) -> float:
        """Bone volume per tissue volume, the sum of the fractions over the tissue voxels (0-1)."""
        return float(self.bone_fraction.sum(dtype=np.float64) / self.tissue_volume_voxels)

    def bone(self, threshold: float = 0.5) -> NDArray[np.bool_]:
        """Voxels that hold at least ``threshold`` of bone, shape (z, y, x)."""
        return np.asarray(self.bone_fraction >= threshold)
