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
    gaussian: float = 0.0,
    density_slope: float | None = None,
    density_intercept: float | None = None,
    box: Sequence[int] | None = None,
    region: str | Path | Image | NDArray[Any] | None = None,
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
    method, threshold, gaussian, density_slope, density_intercept
        See `segment`.  Otsu's histogram is taken within the region.
    box : six int, optional
        (z0, z1, y0, y1, x0, x1) in voxels of the scan, ends not included.
    region : {"cylinder"}, path, Image or ndarray, optional
        ``"cylinder"`` is a core along z.  Anything else is a mask image of the scan's size; nonzero is
        tissue. With a box as well, tissue is what both hold.
    cylinder_center_voxels : (y, x), optional
        Axis of the core in voxels of the scan, the first voxel's center being 0.  By default the center of
        the box; if the radius is left out too, the core is found from the bone itself, see
        `trabsim.tissue.region.find_cylinder`.
    cylinder_radius_voxels : float, optional
        Radius of the core in voxels of the scan.
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
        "gaussian": gaussian,
        "density_slope": density_slope,
        "density_intercept": density_intercept,
    }
    cut = region_box(box, image.values.shape)
    words = "whole scan" if box is None else f"box {cut.bounds}"
    check_finite(image, cut.widened(kernel_radius(gaussian), image.values.shape))
    tissue, what = _tissue(image, cut, settings, region, cylinder_center_voxels, cylinder_radius_voxels)
    if tissue is not None:
        smaller = tissue_bounds(tissue, cut)
        tissue = np.ascontiguousarray(tissue[smaller.inside(cut)])
        cut, words = smaller, f"{words}, {what}"

    rule = segmentation_rule(image, cut, **settings, tissue=tissue)
    gray = gray_range(image, cut, tissue)
    fit = fit_lattice(cut.shape, spacing, lattice_um)
    if min(fit.ratios) < 1.0:
        bone = refined_bone(image.values, rule, cut, fit)
    else:
        bone = segment_box(image.values, rule, cut)
    fine_tissue = None if tissue is None else nearest_tissue(tissue, fit)
    if fine_tissue is not None:
        bone &= fine_tissue
    total = bone.size if fine_tissue is None else int(np.count_nonzero(fine_tissue))
    segmented = int(np.count_nonzero(bone))
    refuse_all_or_nothing(image, cut, tissue, rule, segmented / total, gray)

    cleaned = clean(bone, fine_tissue, drop_islands=keep == "largest", fill_cavities=fill_cavities)
    del bone  # large
    cleaned_BV_TV = np.count_nonzero(cleaned.bone) / total
    refuse_all_or_nothing(image, cut, tissue, rule, cleaned_BV_TV, gray)
    thickness = plate_thickness_um(cleaned.bone, fit.fine_um, fine_tissue)

    fraction = averaged(cleaned.bone, fit.coarse_ratios, fit.shape)
    if fine_tissue is not None:
        tissue = averaged(fine_tissue, fit.coarse_ratios, fit.shape) >= 0.5
        fraction[~tissue] = 0.0
    specimen = Specimen(fraction, tissue, fit.lattice_um, image.source)
    lost = cleaned.island_voxels / segmented if keep == "largest" else 0.0
    warnings = (
        image.warnings
        + _assumptions(image, voxel_size_um)
        + doubts(specimen, thickness, lost, averaged=max(fit.ratios) > 1.0)
    )
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
        box_voxels=list(cut.bounds),
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


def _assumptions(image: Image, voxel_size_um: float | Sequence[float] | None) -> list[str]:
    """What was taken for granted because neither file nor user said otherwise."""
    if voxel_size_um is None and image.meta.get("slice_distance_assumed"):
        return [
            "the file holds no slice distance: taken equal to the pixel size, voxel_size_um would say more"
        ]
    return []


def _tissue(
    image: Image,
    box: Box,
    settings: dict[str, Any],
    region: str | Path | Image | NDArray[Any] | None,
    center_yx: tuple[float, float] | None,
    radius: float | None,
) -> tuple[NDArray[np.bool_] | None, str]:
    """Tissue within ``box``, None for all of it, and where it comes from in words."""
    if isinstance(region, str) and region == "cylinder":
        return _core(image, box, settings, center_yx, radius)
    if center_yx is not None or radius is not None:
        raise SpecimenError("a cylinder's center or radius is given without region = 'cylinder': add it")
    if region is None:
        return None, ""
    if isinstance(region, np.ndarray):
        return mask_tissue(region, image.values.shape, box, "array"), "mask"
    mask = region if isinstance(region, Image) else read_image(region)
    return mask_tissue(mask.values, image.values.shape, box, mask.source), f"mask {mask.source}"


def _core(
    image: Image,
    box: Box,
    settings: dict[str, Any],
    center_yx: tuple[float, float] | None,
    radius: float | None,
) -> tuple[NDArray[np.bool_], str]:
    """Tissue within a cylinder along z, given or found, and the cylinder in words."""
    found = ""
    if radius is None:
        if center_yx is not None:
            raise SpecimenError(f"cylinder at {center_yx} without a radius: give cylinder_radius_voxels")
        bone = segment_box(image.values, segmentation_rule(image, box, **settings), box)
        center_yx, radius = find_cylinder(bone, box)
        found = "found "
    if center_yx is None:
        center_yx = ((box.y0 + box.y1 - 1) / 2, (box.x0 + box.x1 - 1) / 2)
    y, x = center_yx
    words = f"cylinder {found}at (y, x) = ({y:.4g}, {x:.4g}) with radius {radius:.4g} voxels"
    return cylinder_tissue(box, (y, x), radius), words
