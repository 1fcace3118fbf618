"""How the bone hangs together: Euler number, connectivity density, largest piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from trabsim.morphometry._region import BoolArray, check_boolean, region_of_interest, tissue_voxels
from trabsim.morphometry._threads import kernel_threads

if TYPE_CHECKING:
    from trabsim.morphometry._cubes import CubeCounts


@dataclass(frozen=True)
class Connectivity:
    """Topology of the bone.

    Attributes
    ----------
    euler_26_closed : int
        Euler number of the bone with 26 neighbors (pieces - tunnels + cavities), cut faces closed.
    Conn_D_per_mm3 : float
        (1 - delta chi) / TV, with the Euler number delta chi that the region adds to the whole it was cut
        from; nan without bone.
    Conn_D_uncorrected_per_mm3 : float
        (1 - chi) / TV with the closed Euler number; nan without bone.
    """

    euler_26_closed: int
    Conn_D_per_mm3: float
    Conn_D_uncorrected_per_mm3: float


def euler_number(bone: ArrayLike, mask: ArrayLike | None = None, threads: int | None = None) -> int:
    """Euler number of the bone: pieces minus tunnels plus enclosed cavities.

    Bone voxels are neighbors if they share a face, an edge or a vertex (26-connected), marrow only through
    faces.  What is outside the volume or the region is not bone, so cut faces are closed.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.
    threads : int, optional
        Threads to use; no result depends on it.

    Returns
    -------
    int
        0 without bone.

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume or the shapes differ.
    """
    return connectivity(bone, 1.0, mask, threads).euler_26_closed


def connectivity(
    bone: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None, threads: int | None = None
) -> Connectivity:
    """Euler number and connectivity density.

    The edge correction is that of Odgaard & Gundersen [1]_ as BoneJ applies it [2]_: of the vertices, edges
    and faces of bone voxels, those on a face of the volume count half, on an edge a quarter, on a corner an
    eighth, so that the values of blocks that fill a specimen add up to its own.  For a region of any shape
    the weight is the fraction of the voxels around it that are in the region, which is the same for a box.
    Bone is taken as it is: loose pieces and enclosed cavities raise the Euler number, so keep the largest
    piece and fill cavities first where connectivity alone is wanted.

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
    Connectivity

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.

    References
    ----------
    .. [1] Odgaard A, Gundersen HJG (1993) Bone 14:173-182. doi:10.1016/8756-3282(93)90245-6
    .. [2] Doube M et al. (2010) Bone 47:1076-1079. doi:10.1016/j.bone.2010.08.023
    """
    from trabsim.morphometry._cubes import CubeCounts

    voxels, region, size_um = region_of_interest(bone, voxel_size_um, mask)
    with kernel_threads(threads):
        return connectivity_of_counts(CubeCounts(voxels, region), tissue_voxels(voxels, region), size_um)


def connectivity_of_counts(counts: CubeCounts, tissue: int, voxel_size_um: float) -> Connectivity:
    """Connectivity from counts of neighborhoods and the voxels of the region."""
    volume_mm3 = tissue * (voxel_size_um * 1e-3) ** 3
    return Connectivity(
        euler_26_closed=counts.euler,
        Conn_D_per_mm3=(1 - counts.euler_edge_corrected) / volume_mm3 if counts.bone else float("nan"),
        Conn_D_uncorrected_per_mm3=(1 - counts.euler) / volume_mm3 if counts.bone else float("nan"),
    )


def largest_component(bone: ArrayLike) -> BoolArray:
    """The largest piece of bone whose voxels touch by faces (6-connected).

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.

    Returns
    -------
    (z, y, x) array of bool
        That piece; the first one in C order among equals; all false without bone.

    Raises
    ------
    SpecimenError
        If the array is not a boolean volume.
    """
    import cc3d

    voxels = check_boolean("bone", bone)
    if not voxels.any():
        return np.zeros(voxels.shape, bool)
    labels, pieces = cc3d.connected_components(np.ascontiguousarray(voxels), connectivity=6, return_N=True)
    if pieces == 1:
        return voxels.copy()
    sizes = np.bincount(labels.ravel(), minlength=pieces + 1)
    sizes[0] = 0
    among_largest = (sizes == sizes.max())[labels.ravel()]
    return labels == labels.ravel()[np.argmax(among_largest)]
