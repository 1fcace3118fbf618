"""Gray to bone: fixed threshold, calibrated density, Otsu, or an image that is already a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.gray_values import check_finite, otsu_threshold, slabs, smoothed_planes
from trabsim.tissue.region import Box, region_box
from trabsim.tissue.scan_image import Image

Method = Literal["threshold", "density", "otsu", "mask"]


@dataclass(frozen=True)
class Rule:
    """A segmentation reduced to its core: bone is where the smoothed gray value exceeds ``gray_threshold``.

    Attributes
    ----------
    method : {"threshold", "density", "otsu", "mask"}
        How the threshold was found.
    gray_threshold : float
        In the image's own values; for a mask 0, and then any nonzero value is bone.
    gaussian : float
        Sigma of the smoothing in voxels; 0 for none.
    threshold : float or None
        As the user gave it (``density``: in mg HA/cm3) or as Otsu found it; None for a mask.
    density_slope, density_intercept : float or None
        The calibration that was used.
    """

    method: Method
    gray_threshold: float
    gaussian: float = 0.0
    threshold: float | None = None
    density_slope: float | None = None
    density_intercept: float | None = None


def segment(
    image: Image,
    *,
    method: Method = "threshold",
    threshold: float | None = None,
    gaussian: float = 0.0,
    density_slope: float | None = None,
    density_intercept: float | None = None,
) -> NDArray[np.bool_]:
    """Tell bone from marrow.

    Parameters
    ----------
    image : Image
        The scan.
    method : {"threshold", "density", "otsu", "mask"}
        ``threshold``: gray value > ``threshold``.  ``density``: slope * gray + intercept > ``threshold`` in
        mg HA/cm3.  ``otsu``: gray value > Otsu's threshold of the (smoothed) image.  ``mask``: nonzero.
    threshold : float
        See ``method``; not for ``otsu`` and ``mask``.
    gaussian : float
        Sigma in voxels of a Gaussian applied first, in double precision, edges reflected (``d c b a | a b c
        d``), kernel cut at 4 sigma; 0 for none.  On every axis the same number of voxels.
    density_slope, density_intercept : float, optional
        Calibration to mg HA/cm3; by default the file's own.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
        True is bone.

    Raises
    ------
    SpecimenError
        If settings do not fit together, or the image holds NaN or infinite values.

    References
    ----------
    Otsu N (1979) A threshold selection method from gray-level histograms. IEEE Trans Syst Man Cybern 9:62-66.
    doi:10.1109/TSMC.1979.4310076
    """
    box = region_box(None, image.values.shape)
    check_finite(image, box)
    rule = segmentation_rule(
        image,
        box,
        method=method,
        threshold=threshold,
        gaussian=gaussian,
        density_slope=density_slope,
        density_intercept=density_intercept,
    )
    return segment_box(image.values, rule, box)


def segment_box(values: NDArray[Any], rule: Rule, box: Box) -> NDArray[np.bool_]:
    """Bone within ``box``; smoothing sees the scan beyond it."""
    bone = np.empty(box.shape, dtype=bool)
    for start, stop in slabs(box.shape):
        above(smoothed_planes(values, rule.gaussian, box, start, stop), rule, out=bone[start:stop])
    return bone


def segmentation_rule(
    image: Image,
    box: Box,
    *,
    method: Method,
    threshold: float | None = None,
    gaussian: float = 0.0,
    density_slope: float | None = None,
    density_intercept: float | None = None,
    tissue: NDArray[np.bool_] | None = None,
) -> Rule:
    """Check the settings of `segment` and find the gray threshold; Otsu looks at ``tissue`` in ``box``."""
    if method not in get_args(Method):
        raise SpecimenError(f"unknown segmentation {method!r}: use one of {', '.join(get_args(Method))}")
    if not (np.isfinite(gaussian) and gaussian >= 0):
        raise SpecimenError(f"gaussian of {gaussian} voxels: give 0 for none, or a positive sigma")
    if method in ("otsu", "mask") and threshold is not None:
        raise SpecimenError(
            f"segmentation {method!r} takes no threshold, but {threshold:g} was given: leave it out"
        )
    if method == "mask":
        if gaussian > 0:
            raise SpecimenError(
                f"segmentation 'mask' takes no gaussian, but {gaussian:g} was given: leave it out"
            )
        return Rule("mask", 0.0)
    if method == "otsu":
        found = otsu_threshold(image, box, gaussian, tissue)
        return Rule("otsu", found, gaussian, found)
    if threshold is None or not np.isfinite(threshold):
        unit = "mg HA/cm3" if method == "density" else "gray values of the scan"
        raise SpecimenError(f"segmentation {method!r} needs a threshold in {unit}, got {threshold}")
    if method == "threshold":
        return Rule("threshold", float(threshold), gaussian, float(threshold))
    slope, intercept = _calibration(image, density_slope, density_intercept)
    return Rule("density", (threshold - intercept) / slope, gaussian, float(threshold), slope, intercept)


def _calibration(image: Image, slope: float | None, intercept: float | None) -> tuple[float, float]:
    if (slope is None) != (intercept is None):
        raise SpecimenError(
            "a density calibration needs both density_slope and density_intercept, one is missing"
        )
    if slope is None or intercept is None:
        if image.unit == "mg HA/cm3":
            return 1.0, 0.0
        if "density_slope" not in image.meta:
            raise SpecimenError(
                f"{image.source} holds values in {image.unit!r} and no calibration to mg HA/cm3: "
                "give density_slope and density_intercept"
            )
        slope, intercept = float(image.meta["density_slope"]), float(image.meta["density_intercept"])
    if not (np.isfinite(slope) and np.isfinite(intercept) and slope > 0):
        raise SpecimenError(
            f"density_slope {slope} and density_intercept {intercept}: both must be finite, the slope above 0"
        )
    return float(slope), float(intercept)


def above(planes: NDArray[Any], rule: Rule, out: NDArray[np.bool_]) -> None:
    """Write where ``planes`` are bone under ``rule``."""
    if rule.method == "mask":
        np.not_equal(planes, 0, out=out)
    else:
        np.greater(planes, np.float64(rule.gray_threshold), out=out)
