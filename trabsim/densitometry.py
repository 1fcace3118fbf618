"""What a densitometer would report: areal density of spine and hip, T-scores with their class, texture.

These are equivalents: a fixed mixture of the trabecular bone of the specimen and of the cortical compartment stands for
a whole bone.

References
----------
WHO 1994, Technical Report Series 843 (classes of the T-score)
Pothuaud et al. 2008, Bone 42:775, doi:10.1016/j.bone.2007.11.018 (texture from the variogram of a projection)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.state import FULL, State
from trabsim.tissue.cortex import CortexParams
from trabsim.tissue.mineral import mineral_mg_per_cm3

SITES = ("lumbar_spine", "total_hip", "femoral_neck")

#: Edge of a pixel of the projection from which texture is read.
TEXTURE_PIXEL_UM = 200.0

#: Largest distance, in pixels, at which the variogram is read.
TEXTURE_REACH = 3

#: T-scores at and below which bone is osteopenic, and osteoporotic.
OSTEOPENIA, OSTEOPOROSIS = -1.0, -2.5


def density_measures(
    state: State, backend: Any, core: tuple[slice, slice, slice], day: int, config: Any
) -> dict[str, float]:
    """TMD and vBMD of the specimen, the distribution of its mineral, and what a densitometer would report.

    The distribution (mean, standard deviation) is that of matrix past its osteoid lag, as in backscattered electrons; a
    voxel counts with its mean mineral, so the spread within voxels is missing.  The projection for texture is along y.
    """
    xp = backend.xp
    total, volume, ripe, spread = 0.0, 0, 0, 0.0
    rows = []
    for z in range(core[0].start, core[0].stop):  # plane by plane keeps memory low
        bone = state.bone[z, core[1], core[2]]
        mineral = mineral_mg_per_cm3(
            state.formed_day[z, core[1], core[2]], day, config.process.mineral, backend
        )
        mineral = mineral.astype(xp.float64)
        per_voxel = mineral * bone
        # along y, from front to back; mg/cm2
        rows.append(per_voxel.sum(axis=0) * (state.voxel_size_um * 1e-4 / FULL))
        total += float(per_voxel.sum())
        spread += float((per_voxel * mineral).sum())
        volume += int(bone.sum(dtype="int64"))
        ripe += int(xp.where(mineral > 0, bone, 0).sum(dtype="int64"))
    voxels = max(int(state.tissue[core].sum(dtype="int64")), 1)
    vBMD = total / (voxels * FULL)
    mean = total / max(ripe, 1)
    row = {
        "TMD_mg_per_cm3": total / max(volume, 1),
        "TMD_mineralized_mg_per_cm3": mean,
        "TMD_SD_mg_per_cm3": float(np.sqrt(max(spread / max(ripe, 1) - mean * mean, 0.0))),
        "vBMD_mg_per_cm3": vBMD,
    }
    areal = backend.to_numpy(xp.stack(rows))
    row |= areal_measures(state, vBMD, config.process.cortex)
    row["TBS_like"] = texture_score(areal, state.voxel_size_um)
    row["cortical_volume_relative"] = state.levels.get("cortical_volume", float("nan"))
    return row


def reference_g_per_cm2(site: str, male: bool, params: CortexParams) -> tuple[float, float]:
    """Mean and standard deviation of young adults at a site; the femoral neck of men is compared with women's."""
    sex = "men" if male and site != "femoral_neck" else "women"
    return getattr(params, f"young_{sex}_{site}_g_per_cm2"), getattr(
        params, f"young_{sex}_{site}_SD_g_per_cm2"
    )


def areal_measures(state: State, vBMD_mg_per_cm3: float, params: CortexParams) -> dict[str, float]:
    """Areal BMD, T-score and its class.

    Returns
    -------
    dict of str to float
        For each site ``SITE_BMD_relative`` (1 in young adults), ``SITE_BMD_g_per_cm2`` and ``SITE_T_score``;
        ``T_score`` is that of the lumbar spine, ``WHO_class`` that of the lowest site: 0 normal, 1 osteopenia,
        2 osteoporosis.
    """
    cortical = state.levels.get("cortical_mineral", float("nan"))
    male = state.levels.get("sex_male", 0.0) > 0.5
    row: dict[str, float] = {}
    for site in SITES:
        share = getattr(params, f"{site}_trabecular_share")
        relative = share * vBMD_mg_per_cm3 / params.young_vBMD_mg_per_cm3 + (1.0 - share) * cortical
        young, spread = reference_g_per_cm2(site, male, params)
        row[f"{site}_BMD_relative"] = relative
        row[f"{site}_BMD_g_per_cm2"] = relative * young
        row[f"{site}_T_score"] = (relative - 1.0) * young / spread
    row["T_score"] = row["lumbar_spine_T_score"]
    row["WHO_class"] = who_class(min(row[f"{site}_T_score"] for site in SITES))
    return row


def who_class(T_score: float) -> float:
    """0 normal, 1 osteopenia (T at most -1), 2 osteoporosis (T at most -2.5); nan where T is not known."""
    if np.isnan(T_score):
        return float("nan")
    return float((T_score <= OSTEOPENIA) + (T_score <= OSTEOPOROSIS))


def texture_score(areal: NDArray[np.float64], voxel_size_um: float) -> float:
    """Slope of the logarithm of the variogram of a projection over the logarithm of distance, at its start.

    A smooth gradient gives 2, noise without structure 0.  It does not depend on the unit of `areal`.  Close to the
    trabecular bone score in kind, not in its scale.

    Parameters
    ----------
    areal : float64 array, two axes
        Mineral per area, projected along the third axis, in voxels.
    voxel_size_um : float

    Returns
    -------
    float
        nan where the projection has fewer than five pixels along an axis, or no contrast.
    """
    pixel = max(1, round(TEXTURE_PIXEL_UM / voxel_size_um))
    rows, columns = (n // pixel for n in areal.shape)
    if min(rows, columns) < TEXTURE_REACH + 2:
        return float("nan")
    image = areal[: rows * pixel, : columns * pixel].reshape(rows, pixel, columns, pixel).mean(axis=(1, 3))
    distance = np.arange(1, TEXTURE_REACH + 1)
    variogram = np.array([_mean_square_difference(image, int(k)) for k in distance])
    if bool((variogram <= 0).any()):
        return float("nan")
    return float(np.polyfit(np.log(distance), np.log(variogram), 1)[0])


def _mean_square_difference(image: NDArray[np.float64], k: int) -> float:
    """Over all pairs of pixels that are `k` apart along an axis."""
    down, across = image[k:] - image[:-k], image[:, k:] - image[:, :-k]
    return float((down**2).sum() + (across**2).sum()) / (down.size + across.size)
