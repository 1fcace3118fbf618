"""Is this specimen what the user meant?  Hard errors for no bone at all, doubts for what merely looks odd."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.components import largest_component
from trabsim.tissue.gray_values import otsu_threshold
from trabsim.tissue.region import Box
from trabsim.tissue.scan_image import Image
from trabsim.tissue.segmentation import Rule
from trabsim.tissue.specimen import Specimen

VOXELS_PER_TRABECULA = 3.0
"""Lattice voxels that a mean trabecula should be thick, or every resorption pit perforates."""

DENSE_BV_TV, SPARSE_BV_TV = 0.6, 0.03
"""Human trabecular bone outside these bounds is rarer than a wrong threshold."""

MUCH_LOST = 0.05
"""Share of the bone in islands above which the connected rest may not be what was scanned."""

LOOSE_SHARE = 0.01
"""Share of the lattice's solid voxels in loose parts above which averaging has torn thin struts."""


def refuse_all_or_nothing(
    image: Image,
    box: Box,
    tissue: NDArray[np.bool_] | None,
    rule: Rule,
    share: float,
    gray: tuple[float, float],
) -> None:
    """No bone, or nothing but bone, is a wrong threshold: say what would be a better one."""
    if 0.0 < share < 1.0:
        return
    what = "no voxel of {} is bone" if share == 0.0 else "everything in {} is bone"
    what = what.format(image.source)
    if rule.method == "mask":
        raise SpecimenError(f"{what}: values reach from {gray[0]:g} to {gray[1]:g}, nonzero counts as bone")
    better = f"Otsu's method would give {otsu_threshold(image, box, rule.gaussian, tissue):.6g}"
    raise SpecimenError(
        f"{what}: gray values reach from {gray[0]:g} to {gray[1]:g}, the threshold is "
        f"{rule.gray_threshold:.6g}, {better}"
    )


def doubts(specimen: Specimen, thickness_um: float | None, lost: float, *, averaged: bool) -> list[str]:
    """What a user should look at before running with this specimen."""
    found = []
    largest_um = np.inf if thickness_um is None else thickness_um / VOXELS_PER_TRABECULA
    if specimen.voxel_size_um > largest_um:
        found.append(
            f"a lattice voxel of {specimen.voxel_size_um:g} um is more than a third of the trabecular "
            f"thickness, about {thickness_um:.0f} um: choose one below {largest_um:.0f} um"
        )
    if lost > MUCH_LOST:
        found.append(
            f"{100 * lost:.1f} % of the bone was in islands and was dropped: is the threshold too high?"
        )
    BV_TV = specimen.BV_TV
    if not SPARSE_BV_TV <= BV_TV <= DENSE_BV_TV:
        found.append(f"BV/TV of {BV_TV:.3f} is unusual for trabecular bone: check threshold and region")
    solid = specimen.bone()
    if not solid.any():
        found.append("no lattice voxel is at least half bone: choose a smaller lattice_voxel_size_um")
    elif averaged:
        found += _loose_parts(solid)
    return found


def _loose_parts(solid: NDArray[np.bool_]) -> list[str]:
    """One line if averaging has torn thin struts."""
    _, parts, voxels = largest_component(solid)
    if voxels <= LOOSE_SHARE * np.count_nonzero(solid):
        return []
    return [
        f"on the lattice {parts} parts with {voxels} voxels of at least half bone hang loose: "
        "choose a smaller lattice_voxel_size_um"
    ]
