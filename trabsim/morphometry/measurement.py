"""All static measurements of one volume in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trabsim.errors import ConfigError
from trabsim.morphometry._region import BoolArray, cut_to_region, region_of_interest, tissue_voxels
from trabsim.morphometry._threads import kernel_threads
from trabsim.morphometry.anisotropy import Fabric, cubes_inside, fabric_of_surface
from trabsim.morphometry.plates_and_rods import PlateRod, plate_rod_of_spheres
from trabsim.morphometry.structure_model import index_of_surface, smooth_surface
from trabsim.morphometry.surface import bone_surface_of_counts
from trabsim.morphometry.thickness import (
    Thickness,
    fitted_spheres,
    marrow_of,
    thickness_of_spheres,
    trabecular_number,
)
from trabsim.morphometry.topology import Connectivity, connectivity_of_counts, largest_component
from trabsim.morphometry.volume import MineralDensity, mineral_of_region

NAN = float("nan")


class _Volume:
    """One region of interest, and what its measurements share; each is made when first asked for."""

    def __init__(
        self,
        bone: BoolArray,
        mask: BoolArray | None,
        voxel_size_um: float,
        mineral_mg_per_cm3: NDArray[np.floating] | None,
        plates_and_rods: bool,
    ) -> None:
        self.bone = bone
        self.mask = mask
        self.size_um = voxel_size_um
        self.mineral_mg_per_cm3 = mineral_mg_per_cm3
        self.plates_and_rods = plates_and_rods
        self.tissue = tissue_voxels(bone, mask)
        self.bone_count = int(np.count_nonzero(bone))

    @cached_property
    def TV_mm3(self) -> float:
        return self.tissue * (self.size_um * 1e-3) ** 3

    @cached_property
    def BV_mm3(self) -> float:
        return self.bone_count * (self.size_um * 1e-3) ** 3

    @cached_property
    def mineral(self) -> MineralDensity:
        if self.mineral_mg_per_cm3 is None:
            return MineralDensity(NAN, NAN)
        return mineral_of_region(self.bone, self.mask, self.mineral_mg_per_cm3)

    @cached_property
    def _neighborhoods(self) -> tuple[float, Connectivity]:
        from trabsim.morphometry._cubes import CubeCounts

        counts = CubeCounts(self.bone, self.mask)
        return bone_surface_of_counts(counts, self.size_um), connectivity_of_counts(
            counts, self.tissue, self.size_um
        )

    @property
    def BS_mm2(self) -> float:
        return self._neighborhoods[0]

    @property
    def connectivity(self) -> Connectivity:
        return self._neighborhoods[1]

    @cached_property
    def _isosurface(self) -> tuple[float, Fabric]:
        surface = smooth_surface(self.bone, self.mask)
        volume = cubes_inside(self.bone.shape, self.mask)
        return index_of_surface(surface), fabric_of_surface(surface, volume, self.size_um)

    @property
    def SMI(self) -> float:
        return self._isosurface[0]

    @property
    def fabric(self) -> Fabric:
        return self._isosurface[1]

    @cached_property
    def _in_bone(self) -> tuple[Thickness, PlateRod | None]:
        # The volume of sphere numbers is dropped here, before the marrow's is made.
        spheres = fitted_spheres(self.bone, self.mask)
        shape = plate_rod_of_spheres(self.bone, self.mask, spheres) if self.plates_and_rods else None
        return thickness_of_spheres(spheres, self.size_um), shape

    @property
    def Tb_Th(self) -> Thickness:
        return self._in_bone[0]

    @property
    def plate_rod(self) -> PlateRod:
        shape = self._in_bone[1]
        assert shape is not None, "plate_rod asked of a volume that was made without plates_and_rods"
        return shape

    @cached_property
    def Tb_Sp(self) -> Thickness:
        spheres = fitted_spheres(marrow_of(self.bone, self.mask), self.mask)
        return thickness_of_spheres(spheres, self.size_um)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else NAN


_METRICS: dict[str, Callable[[_Volume], float]] = {
    "TV_mm3": lambda v: v.TV_mm3,
    "BV_mm3": lambda v: v.BV_mm3,
    "BV_TV": lambda v: _ratio(v.bone_count, v.tissue),
    "BS_mm2": lambda v: v.BS_mm2,
    "BS_BV_per_mm": lambda v: _ratio(v.BS_mm2, v.BV_mm3),
    "BS_TV_per_mm": lambda v: _ratio(v.BS_mm2, v.TV_mm3),
    "Tb_Th_um": lambda v: v.Tb_Th.mean_um,
    "Tb_Th_SD_um": lambda v: v.Tb_Th.SD_um,
    "Tb_Th_max_um": lambda v: v.Tb_Th.max_um,
    "Tb_Sp_um": lambda v: v.Tb_Sp.mean_um,
    "Tb_Sp_SD_um": lambda v: v.Tb_Sp.SD_um,
    "Tb_Sp_max_um": lambda v: v.Tb_Sp.max_um,
    "Tb_N_per_mm": lambda v: trabecular_number(v.Tb_Th, v.Tb_Sp),
    "Conn_D_per_mm3": lambda v: v.connectivity.Conn_D_per_mm3,
    "Conn_D_uncorrected_per_mm3": lambda v: v.connectivity.Conn_D_uncorrected_per_mm3,
    "euler_26_closed": lambda v: v.connectivity.euler_26_closed,
    "SMI": lambda v: v.SMI,
    "DA": lambda v: v.fabric.DA,
    "DA_ratio": lambda v: v.fabric.DA_ratio,
    "MIL_longest_um": lambda v: float(v.fabric.MIL_um[0]),
    "MIL_middle_um": lambda v: float(v.fabric.MIL_um[1]),
    "MIL_shortest_um": lambda v: float(v.fabric.MIL_um[2]),
    "main_direction_z": lambda v: float(v.fabric.directions[0, 0]),
    "main_direction_y": lambda v: float(v.fabric.directions[0, 1]),
    "main_direction_x": lambda v: float(v.fabric.directions[0, 2]),
    "plate_fraction": lambda v: v.plate_rod.plate_fraction,
    "rod_fraction": lambda v: v.plate_rod.rod_fraction,
    "EF_mean": lambda v: v.plate_rod.EF_mean,
    "TMD_mg_per_cm3": lambda v: v.mineral.TMD_mg_per_cm3,
    "vBMD_mg_per_cm3": lambda v: v.mineral.vBMD_mg_per_cm3,
}
METRICS: tuple[str, ...] = tuple(_METRICS)
_PLATE_ROD = {"plate_fraction", "rod_fraction", "EF_mean"}


def measure(
    bone: ArrayLike,
    voxel_size_um: float,
    mask: ArrayLike | None = None,
    mineral_mg_per_cm3: ArrayLike | None = None,
    metrics: Iterable[str] | None = None,
    only_largest_component: bool = False,
    threads: int | None = None,
) -> dict[str, float]:
    """Measure the structure of a scan or of a simulated lattice.

    Each number is that of the function named for it, and its convention is stated there:
    `bone_volume_fraction`, `bone_surface` (BS), `trabecular_thickness`, `trabecular_separation`,
    `trabecular_number`, `connectivity` (Conn.D, Euler number), `structure_model_index`, `fabric` (DA, MIL,
    main direction), `plate_rod`, `mineral_density`.  What several share is computed once.

    Parameters
    ----------
    bone : (z, y, x) array of bool
        Bone voxels.
    voxel_size_um : float
        Voxel edge in um.
    mask : (z, y, x) array of bool, optional
        Region of interest; what is outside is neither bone nor marrow.  All of the volume if left out.
    mineral_mg_per_cm3 : (z, y, x) array of float, optional
        Hydroxyapatite in each voxel; without it TMD and vBMD are nan.
    metrics : iterable of str, optional
        Names to return, out of `METRICS`; all if left out.  What is not asked for is not computed.
    only_largest_component : bool, optional
        Measure the largest 6-connected piece of the bone in the region alone, as is usual for scans.
    threads : int, optional
        Threads to use; no result depends on it.

    Returns
    -------
    dict of str to float
        In the order asked for.  nan for what is undefined: a ratio to nothing, the thickness of absent bone
        or marrow.

    Raises
    ------
    SpecimenError
        If an array is not a volume of the right type, the shapes differ, or the voxel size is not above zero.
    ConfigError
        If a metric is unknown or `threads` is not a whole number above zero.

    References
    ----------
    Bouxsein ML et al. (2010) J Bone Miner Res 25:1468-1486. doi:10.1002/jbmr.141
    """
    names = METRICS if metrics is None else tuple(metrics)
    unknown = sorted(set(names) - set(METRICS))
    if unknown:
        raise ConfigError(f"unknown metric {unknown[0]!r}: choose from {', '.join(METRICS)}")
    voxels, region, size_um = region_of_interest(bone, voxel_size_um, mask)
    if only_largest_component and voxels.size:
        voxels = largest_component(voxels)
    mineral = None
    if mineral_mg_per_cm3 is not None:
        mineral = cut_to_region("mineral_mg_per_cm3", mineral_mg_per_cm3, bone, mask)
    with kernel_threads(threads):
        volume = _Volume(voxels, region, size_um, mineral, plates_and_rods=not _PLATE_ROD.isdisjoint(names))
        return {name: float(_METRICS[name](volume)) for name in names}
