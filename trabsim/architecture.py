"""The architecture of a running specimen: what is taken for bone, and its Tb.Th, Tb.Sp, Tb.N, Conn.D, SMI, DA."""

from __future__ import annotations

from typing import Any

import numpy as np

from trabsim.state import FULL, State
from trabsim.tissue.components import enclosed_cavities

#: Standard deviation of the blur under which the architecture is measured: less than that of a scan of 40 um voxels,
#: enough for holes of a single voxel to close.
BLUR_UM = 22.0


def solid_bone(state: State, backend: Any, core: tuple[slice, slice, slice]) -> tuple[Any, Any]:
    """The voxels that morphometry takes for bone, and the mask they lie in.

    A scanner blurs bone before anyone sets a threshold.  Without it, partly filled voxels at the surface would make
    holes and bridges of a single voxel, each of which counts in Conn.D as much as a trabecula.  So the bone fraction
    is blurred by `BLUR_UM`, the fullest voxels are taken until they make up the volume of bone that there is, and
    marrow from which no path through faces leads out is filled.

    Returns
    -------
    bone : numpy bool array, shape of `core`
    mask : numpy bool array, same shape, or None
        None where all is tissue.
    """
    from scipy import ndimage

    sigma = BLUR_UM / state.voxel_size_um
    bone = backend.to_numpy(state.bone)
    tissue = backend.to_numpy(state.tissue).astype(bool)
    whole = bool(tissue.all())
    blurred = ndimage.gaussian_filter(bone.astype(np.float32) / np.float32(FULL), sigma, mode="reflect")
    if not whole:  # what lies outside is unknown, not marrow
        known = ndimage.gaussian_filter(tissue.astype(np.float32), sigma, mode="reflect")
        blurred = np.where(tissue, blurred / np.maximum(known, np.float32(1e-6)), np.float32(0.0))
    blurred = np.ascontiguousarray(blurred[core])
    voxels = round(int(bone[core].sum(dtype="int64")) / FULL)
    solid = blurred >= _value_of_fullest(blurred, voxels)
    mask = None if whole else np.ascontiguousarray(tissue[core])
    return np.ascontiguousarray(solid | enclosed_cavities(solid, mask, connectivity=6)[0]), mask


def _value_of_fullest(fraction: np.ndarray, voxels: int) -> float:
    """The value that so many voxels reach; above all of them where none are wanted."""
    if voxels == 0:
        return float("inf")
    return float(np.partition(fraction.ravel(), -voxels)[-voxels])


def architecture_measures(state: State, backend: Any, core: tuple[slice, slice, slice]) -> dict[str, float]:
    """Tb.Th, Tb.Sp, Tb.N, Conn.D, SMI, DA of the bone that `solid_bone` finds."""
    from trabsim import morphometry

    bone, mask = solid_bone(state, backend, core)
    found = morphometry.measure(bone, state.voxel_size_um, mask=mask, threads=backend.threads)
    wanted = ("Tb_Th_um", "Tb_Sp_um", "Tb_N_per_mm", "Conn_D_per_mm3", "SMI", "DA")
    return {name: float(found[name]) for name in wanted}
