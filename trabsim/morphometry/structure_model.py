"""Whether the surface bends like a plate, a rod or a sphere: the structure model index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from trabsim.morphometry._region import BoolArray, region_of_interest
from trabsim.morphometry._threads import kernel_threads

if TYPE_CHECKING:
    from trabsim.morphometry._isosurface import Isosurface

SURFACE_SMOOTHING_VOXELS = 1.0


def structure_model_index(
    bone: ArrayLike,
    voxel_size_um: float,
    mask: ArrayLike | None = None,
    closed: bool = True,
    threads: int | None = None,
) -> float:
    """SMI: 6 V S' / S^2, with S' the growth of the surface when it moves outward [1]_.

    0 for a plate, 3 for a rod, 4 for a sphere; concave surface counts negative, so the index falls as bone
    gets denser, whatever its shape [2]_.  It depends on the mesh more than on the bone.  Here: Gaussian of
    one voxel (mean over the voxels in the region), marching cubes at 0.5, closed flat where the region ends,
    normals from the gradient, S' the exact derivative of the triangles' areas.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    voxel_size_um : float
        Voxel edge in um; only checked, the index has no unit.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.
    closed : bool, optional
        Count what closes the surface at the border of the region (the convention of the published tools).  If
        false, S and S' are those of the surface inside alone; V stays the same.
    threads : int, optional
        Threads to use; no result depends on it.

    Returns
    -------
    float
        nan where no surface lies between bone and marrow.

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.

    References
    ----------
    .. [1] Hildebrand T, Rueegsegger P (1997) Comput Methods Biomech Biomed Engin 1:15-23.
           doi:10.1080/01495739708936692
    .. [2] Salmon PL et al. (2015) Front Endocrinol 6:162. doi:10.3389/fendo.2015.00162
    """
    voxels, region, _ = region_of_interest(bone, voxel_size_um, mask)
    with kernel_threads(threads):
        return index_of_surface(smooth_surface(voxels, region), closed)


def smooth_surface(bone: BoolArray, mask: BoolArray | None) -> Isosurface | None:
    """Sums over the smoothed surface of bone in a region made by `region_of_interest`; None without bone."""
    from trabsim.morphometry._isosurface import isosurface
    from trabsim.morphometry._smoothing import smoothed_field

    if not bone.any():
        return None
    return isosurface(smoothed_field(bone, mask, SURFACE_SMOOTHING_VOXELS))


def index_of_surface(surface: Isosurface | None, closed: bool = True) -> float:
    """SMI from the sums over a surface."""
    if surface is None or surface.open_area == 0:
        return float("nan")
    area = surface.area if closed else surface.open_area
    growth = surface.area_growth if closed else surface.open_area_growth
    return 6 * surface.volume * growth / area**2
