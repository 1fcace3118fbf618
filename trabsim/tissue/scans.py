"""From a scan to a specimen: read, cut out, segment, clean, resample.

The order matters and is always the same: gray values are smoothed and thresholded on the scan's own grid,
islands and cavities are dealt with there, and only then does bone become a fraction per lattice voxel.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.components import clean
from trabsim.tissue.gray_values import check_finite, gray_range, kernel_radius
from trabsim.tissue.plate_thickness import plate_thickness_um
from trabsim.tissue.region import Box, cylinder_tissue, find_cylinder, mask_tissue, region_box, tissue_bounds
from trabsim.tissue.resampling import averaged, fit_lattice, nearest_tissue, refined_bone
from trabsim.tissue.scan_formats import read_image
from trabsim.tissue.scan_image import Image, agreed_spacing, cube_edge, is_cubic, show_um
from trabsim.tissue.segmentation import Method, segment, segment_box, segmentation_rule
from trabsim.tissue.specimen import Specimen
from trabsim.tissue.specimen_checks import doubts, refuse_all_or_nothing
from trabsim.tissue.specimen_report import SpecimenReport

__all__ = ["Image", "Specimen", "SpecimenReport", "prepare", "read_image", "segment"]

log = logging.getLogger("trabsim")


def prepare(
    scan: str | Path | Image,
    *,
    voxel_size_um: float | Sequence[float] | None = None,
    method: Method = "threshold",
    threshold: float | None = None,
    gaussian_voxels: float = 0.0,
    density_slope: float | None = None,
    density_intercept: float | None = None,
    box_voxels: Sequence[int] | None = None,
    region_mask: str | Path | Image | NDArray[Any] | None = None,
    cylinder_auto: bool = False,
    cylinder_center_voxels: tuple[float, float] | None = None,
    cylinder_radius_voxels: float | None = None,
    lattice_voxel_size_um: float | None = None,
    keep: Literal["largest", "all"] = "largest",
    fill_cavities: bool = True,
) -> Specimen:
    """Make a specimen of a scan.

    Parameters
    ----------
    scan : path or Image
        See `read_image`.
    voxel_size_um : float or (z, y, x), optional
        Required where the file holds none; a number that contradicts the file by more than 1 % is an error.
    method, threshold, gaussian_voxels, density_slope, density_intercept
        See `segment`; ``gaussian_voxels`` is its ``gaussian``.  Otsu's histogram is taken within the region.
    box_voxels : six int, optional
        (z0, z1, y0, y1, x0, x1), ends not included.
    region_mask : path, Image or ndarray, optional
        Of the scan's size; nonzero is tissue.
    cylinder_auto : bool
        Find a core along z from the bone itself, see `trabsim.tissue.region.find_cylinder`.
    cylinder_center_voxels : (y, x), optional
        Axis of a core along z in voxels of the scan; the center of the box by default.
    cylinder_radius_voxels : float, optional
        Its radius.  Box, mask and cylinder may be combined; tissue is what all of them hold.
    lattice_voxel_size_um : float, optional
        Edge of the cubic lattice voxel; the scan's own by default.  Larger: bone volume is averaged and
        conserved. Smaller: gray values are interpolated linearly before the threshold.
    keep : {"largest", "all"}
        Keep the largest 6-connected bone only, or all of it.
    fill_cavities : bool
        Fill marrow that is closed on all sides (26-connected), as no cell could get there.

    Returns
    -------
    Specimen
        ``tissue`` is None where no mask or cylinder was asked for.  ``report`` is that of `SpecimenReport`.

    Raises
    ------
    SpecimenError
        If the scan cannot be read or settings do not fit it; one line with what to do.
    """
    image = scan if isinstance(scan, Image) else read_image(scan)
    spacing, lattice_um = _voxel_sizes(image, voxel_size_um, lattice_voxel_size_um)
    if keep not in ("largest", "all"):
        raise SpecimenError(f"keep = {keep!r}: use 'largest' or 'all'")
    settings: dict[str, Any] = {
        "method": method,
        "threshold": threshold,
        "gaussian": gaussian_voxels,
        "density_slope": density_slope,
        "density_intercept": density_intercept,
    }
    box, tissue, words = _box_and_mask(image, box_voxels, region_mask)
    check_finite(image, box.widened(kernel_radius(gaussian_voxels), image.values.shape))
    if cylinder_auto or cylinder_radius_voxels is not None or cylinder_center_voxels is not None:
        cylinder = cylinder_auto, cylinder_center_voxels, cylinder_radius_voxels
        tissue, core_words = _core(image, settings, box, tissue, *cylinder)
        words += core_words
    if tissue is not None:
        smaller = tissue_bounds(tissue, box)
        tissue = np.ascontiguousarray(tissue[smaller.inside(box)])
        box = smaller

    rule = segmentation_rule(image, box, **settings, tissue=tissue)
    gray = gray_range(image, box, tissue)
    fit = fit_lattice(box.shape, spacing, lattice_um)
    if min(fit.ratios) < 1.0:
        bone = refined_bone(image.values, rule, box, fit)
    else:
        bone = segment_box(image.values, rule, box)
    fine_tissue = None if tissue is None else nearest_tissue(tissue, fit)
    if fine_tissue is not None:
        bone &= fine_tissue
    total = bone.size if fine_tissue is None else int(np.count_nonzero(fine_tissue))
    segmented = int(np.count_nonzero(bone))
    refuse_all_or_nothing(image, box, tissue, rule, segmented / total, gray)

    cleaned = clean(bone, fine_tissue, drop_islands=keep == "largest", fill_cavities=fill_cavities)
    cleaned_BV_TV = np.count_nonzero(cleaned.bone) / total
    refuse_all_or_nothing(image, box, tissue, rule, cleaned_BV_TV, gray)
    thickness = plate_thickness_um(cleaned.bone, fit.fine_um, fine_tissue)

    fraction = averaged(cleaned.bone, fit.coarse_ratios, fit.shape)
    if fine_tissue is not None:
        tissue = averaged(fine_tissue, fit.coarse_ratios, fit.shape) >= 0.5
        fraction[~tissue] = 0.0
    specimen = Specimen(fraction, tissue, fit.lattice_um, image.source)
    lost = cleaned.island_voxels / segmented if keep == "largest" else 0.0
    warnings = image.warnings + doubts(specimen, thickness, lost)
    for line in warnings:
        log.warning("%s: %s", image.source, line)
    report = SpecimenReport(
        source=image.source,
        format=str(image.meta.get("format", "array")),
        sha256=image.sha256,
        scan_shape=[int(n) for n in image.values.shape],
        scan_voxel_um=list(spacing),
        unit=image.unit,
        gray_min=gray[0],
        gray_max=gray[1],
        method=rule.method,
        threshold=rule.threshold,
        gray_threshold=rule.gray_threshold,
        gaussian_voxels=float(rule.gaussian),
        density_slope=rule.density_slope,
        density_intercept=rule.density_intercept,
        region=words,
        box_voxels=list(box.bounds),
        BV_TV_segmented=segmented / total,
        islands=cleaned.islands,
        island_voxels=cleaned.island_voxels,
        islands_dropped=keep == "largest",
        cavities=cleaned.cavities,
        cavity_voxels=cleaned.cavity_voxels,
        cavities_filled=fill_cavities,
        BV_TV_cleaned=float(cleaned_BV_TV),
        Tb_Th_plate_um=thickness,
        resampling=fit.words,
        cut_off_um=fit.cut_off_um,
        lattice_voxel_um=fit.lattice_um,
        lattice_shape=list(fit.shape),
        tissue_voxels=specimen.tissue_volume_voxels,
        BV_TV=specimen.BV_TV,
        warnings=warnings,
    )
    return replace(specimen, report=report.to_dict())


def _voxel_sizes(
    image: Image, voxel_size_um: float | Sequence[float] | None, lattice_voxel_size_um: float | None
) -> tuple[tuple[float, float, float], float]:
    """Size of the scan's voxel and of the lattice's, in um."""
    spacing = agreed_spacing(image, voxel_size_um)
    if spacing is None:
        raise SpecimenError(f"{image.source} holds no voxel size: give voxel_size_um, for example 20.0")
    if lattice_voxel_size_um is not None:
        return spacing, lattice_voxel_size_um
    if not is_cubic(spacing):
        raise SpecimenError(
            f"{image.source} has voxels of {show_um(spacing)}, no cubes: give lattice_voxel_size_um, "
            f"for example {max(spacing):g}, to resample them"
        )
    edge = cube_edge(spacing)
    return (edge, edge, edge), edge


def _box_and_mask(
    image: Image, box_voxels: Sequence[int] | None, region_mask: str | Path | Image | NDArray[Any] | None
) -> tuple[Box, NDArray[np.bool_] | None, str]:
    """The region without a cylinder: its box, its tissue within the box, and both in words."""
    shape = image.values.shape
    box = region_box(box_voxels, shape)
    words = "whole scan" if box_voxels is None else f"box {box.bounds}"
    if region_mask is None:
        return box, None, words
    if isinstance(region_mask, np.ndarray):
        return box, mask_tissue(region_mask, shape, box, "array"), f"{words}, mask"
    mask = region_mask if isinstance(region_mask, Image) else read_image(region_mask)
    return box, mask_tissue(mask.values, shape, box, mask.source), f"{words}, mask {mask.source}"


def _core(
    image: Image,
    settings: dict[str, Any],
    box: Box,
    tissue: NDArray[np.bool_] | None,
    find: bool,
    center_yx: tuple[float, float] | None,
    radius: float | None,
) -> tuple[NDArray[np.bool_], str]:
    """Tissue within a cylinder along z, given or found, and the cylinder in words."""
    if find and (center_yx is not None or radius is not None):
        raise SpecimenError("cylinder_auto finds center and radius itself: leave them out, or cylinder_auto")
    if find:
        bone = segment_box(image.values, segmentation_rule(image, box, **settings, tissue=tissue), box)
        center_yx, radius = find_cylinder(bone if tissue is None else bone & tissue, box)
    elif radius is None:
        raise SpecimenError(f"cylinder at {center_yx} without a radius: give cylinder_radius_voxels")
    if center_yx is None:
        center_yx = ((box.y0 + box.y1 - 1) / 2, (box.x0 + box.x1 - 1) / 2)
    core = cylinder_tissue(box, center_yx, radius)
    both = core if tissue is None else core & tissue
    if not both.any():
        raise SpecimenError("region mask and cylinder have no voxel in common: nothing is left")
    at = f"(y, x) = ({center_yx[0]:.4g}, {center_yx[1]:.4g})"
    return both, f", cylinder {'found ' if find else ''}at {at} with radius {radius:.4g} voxels"
