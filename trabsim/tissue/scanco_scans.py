"""Scans in Scanco's own formats, AIM and ISQ.

Values come back *native*: the integers of the file, neither Hounsfield units nor density.  Where the file
holds its calibration, slope and intercept come along, and mg HA/cm3 = slope * native + intercept.

Readers differ here.  ITK's converts to Hounsfield units unasked and weighs half a gigabyte; aimio-py weighs
6 MB and gives native values, so its reader is used for AIM and its header for ISQ.  An ISQ volume is mapped
from the file, which also serves files beyond 2 GB, and its calibration slope is divided by ``mu_scaling``,
because it applies to linear attenuation (1/cm), as the readers of ITK and VTK have it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.scan_image import claimed_spacing, optional_library, show_reason

Read = tuple[NDArray[Any], tuple[float, float, float] | None, dict[str, Any]]


def read_aim(path: Path) -> Read:
    """Read a Scanco AIM file (versions 020 and 030, compressed or not).

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    values : ndarray, shape (z, y, x)
        Native values; int8, int16 or float32.
    spacing_um : (z, y, x) or None
        Element size of the header.
    meta : dict
        ``unit`` is ``"native"``; ``origin`` (z, y, x) in um; ``density_slope`` and ``density_intercept``
        where the processing log holds them.

    Raises
    ------
    SpecimenError
        If the reader is missing or the file is damaged.
    """
    aimio = _aimio(path.name)
    try:
        values, header = aimio.read_aim(str(path))
    except UnicodeDecodeError as error:
        raise SpecimenError(
            f"cannot read {path.name}: its processing log is damaged or holds characters outside ASCII, "
            "rename the patient on the scanner's console or convert the scan to MHA"
        ) from error
    except (RuntimeError, ValueError, MemoryError, OSError) as error:
        raise SpecimenError(
            f"cannot read {path.name}, is it damaged or cut short? ({show_reason(error)})"
        ) from error
    notes: list[str] = []
    spacing = claimed_spacing([1e3 * length for length in header["element_size"][::-1]], notes)
    meta: dict[str, Any] = {"unit": "native", "warnings": notes}
    meta["origin"] = tuple(1e3 * length for length in header["origin"][::-1])
    try:
        log = aimio.aim_info(str(path)).get("processing_log", "")  # unedited, unlike the one read with voxels
        slope, intercept = aimio.get_aim_density_equation(log)
    except (ValueError, ZeroDivisionError):
        return values, spacing, meta  # an uncalibrated file, such as a segmentation
    if slope > 0:
        meta |= {"density_slope": float(slope), "density_intercept": float(intercept)}
    return values, spacing, meta


def read_isq(path: Path) -> Read:
    """Read a Scanco ISQ file; see `read_aim` for what comes back.

    The voxel size is the header's length over the number of voxels, per axis, as slice thickness and
    increment are rounded to whole um.

    Raises
    ------
    SpecimenError
        If the reader is missing or the file is damaged.
    """
    aimio = _aimio(path.name)
    try:
        header = aimio.isq_info(str(path))
    except (RuntimeError, ValueError, MemoryError, OSError) as error:
        raise SpecimenError(
            f"cannot read {path.name}, is it damaged or cut short? ({show_reason(error)})"
        ) from error
    shape = tuple(int(count) for count in header["dimensions_p"][::-1])
    start = int(header["data_offset"])
    there = path.stat().st_size
    if min(shape) < 1 or start < 512 or there < start + 2 * int(np.prod(shape, dtype=object)):
        raise SpecimenError(
            f"cannot read {path.name}: its header promises {shape} voxels (z, y, x), the file has only "
            f"{there} bytes, is it damaged or cut short?"
        )
    values = np.memmap(path, dtype="<i2", mode="r", offset=start, shape=shape)
    notes: list[str] = []
    lengths_um = header["dimensions_um"][::-1]
    spacing = claimed_spacing([length / count for length, count in zip(lengths_um, shape)], notes)
    meta: dict[str, Any] = {"unit": "native", "warnings": notes}
    slope, mu_scaling = header.get("rescale_slope"), header.get("mu_scaling", 0)
    if slope and mu_scaling and "mg" in str(header.get("rescale_units", "")).lower():
        meta |= {
            "density_slope": float(slope) / float(mu_scaling),
            "density_intercept": float(header["rescale_intercept"]),
        }
    return values, spacing, meta


def _aimio(name: str) -> Any:
    return optional_library("py_aimio", "aimio-py", f"reading {name}")
