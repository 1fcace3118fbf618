"""How much of the bone is plate and how much is rod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from trabsim.morphometry._directions import symmetric_directions
from trabsim.morphometry._region import BoolArray, region_of_interest
from trabsim.morphometry._threads import kernel_threads
from trabsim.morphometry.thickness import fitted_spheres

if TYPE_CHECKING:
    from trabsim.morphometry._spheres import InscribedSpheres

RAY_PAIRS = 240
SIGHT_RADII = 4.0


@dataclass(frozen=True)
class PlateRod:
    """Shape of the trabeculae by volume; nan where there is no bone or nothing to end a sphere.

    Attributes
    ----------
    plate_fraction, rod_fraction : float
        Fraction of the bone's volume with an ellipsoid factor below zero, and above; what is exactly zero is
        in neither.
    EF_mean : float
        Volume mean of the ellipsoid factor: -1 plates, +1 rods.
    """

    plate_fraction: float
    rod_fraction: float
    EF_mean: float


def plate_rod(
    bone: ArrayLike, voxel_size_um: float, mask: ArrayLike | None = None, threads: int | None = None
) -> PlateRod:
    """Plate and rod fraction by the sign of the local ellipsoid factor.

    The ellipsoid factor a/b - b/c of an ellipsoid with semi-axes a <= b <= c goes from -1 for a disc to +1
    for a needle [1]_.  Every voxel belongs to the largest inscribed sphere over it, of radius r.  The
    ellipsoid there is not the largest inscribed one of [1]_ but the one with the second moments of the bone
    that can be seen from the sphere's center within 4 r (480 rays), an inertia tensor as in [2]_ that does
    not see past marrow into the next trabecula.  A bar counts as a plate when it is about twice as wide as it
    is thick.

    Limits: a ball or a cube is neither, its factor is zero but for noise, and falls to either side by chance;
    where trabeculae meet, the node is judged by what is seen of its arms; what the border of the region cuts
    is taken to go on as on the other side; the fraction is not that of skeleton-based segmentation, though
    near it on real bone.  Turning the volume by 90 degrees moves it by less than 0.02.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    voxel_size_um : float
        Voxel edge in um; only checked, the fractions have no unit.
    mask : (z, y, x) array of bool, optional
        Region of interest; all of the volume if left out.
    threads : int, optional
        Threads to use; no result depends on it.

    Returns
    -------
    PlateRod

    Raises
    ------
    SpecimenError
        If an array is not a boolean volume, the shapes differ, or the voxel size is not above zero.

    References
    ----------
    .. [1] Doube M (2015) Front Endocrinol 6:15. doi:10.3389/fendo.2015.00015
    .. [2] Vasilic B et al. (2009) Med Phys 36:3280-3291. PMC2832042
    """
    voxels, region, _ = region_of_interest(bone, voxel_size_um, mask)
    with kernel_threads(threads):
        return plate_rod_of_spheres(voxels, region, fitted_spheres(voxels, region))


def plate_rod_of_spheres(
    bone: BoolArray, mask: BoolArray | None, spheres: InscribedSpheres | None
) -> PlateRod:
    """Plate and rod fraction from the spheres in the bone of a region made by `region_of_interest`."""
    from trabsim.morphometry._rays import visible_semi_axes

    if spheres is None:
        nan = float("nan")
        return PlateRod(nan, nan, nan)
    seen = np.flatnonzero(spheres.voxels)
    radii = np.sqrt(spheres.squared_radii[seen])
    directions = symmetric_directions(RAY_PAIRS)
    axes = visible_semi_axes(bone, mask, spheres.centers[seen], radii, SIGHT_RADII, directions)
    factor = axes[:, 0] / axes[:, 1] - axes[:, 1] / axes[:, 2]
    voxels = spheres.voxels[seen].astype(np.float64)
    total = voxels.sum()
    return PlateRod(
        plate_fraction=float(voxels[factor < 0].sum() / total),
        rod_fraction=float(voxels[factor > 0].sum() / total),
        EF_mean=float(voxels @ factor / total),
    )
