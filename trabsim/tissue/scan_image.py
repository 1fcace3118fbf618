"""A scan as it was read: gray values, voxel size, unit.  Reading a file belongs to its siblings."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError

SMALLEST_VOXEL_UM = 0.5
LARGEST_VOXEL_UM = 500.0
"""Voxel sizes a header may claim.  Outside lie unset headers (1 mm) and sizes written in the wrong unit."""

SIZE_TOLERANCE = 0.01
"""Relative difference up to which two voxel sizes count as equal (headers round to 0.1 um and worse)."""

SLAB_BYTES = 2**27
"""Working memory of loops that take an image a few planes at a time."""


@dataclass(frozen=True, eq=False)
class Image:
    """Gray values on a regular grid.

    Attributes
    ----------
    values : ndarray, shape (z, y, x)
        Integer, floating or boolean gray values as the file stores them; may be a read-only memory map.
    spacing_um : tuple of three floats (z, y, x), or None
        Distance of voxel centers in um.  A single number means a cubic voxel, None that it is not known.
    unit : str
        What the values are: ``"gray"`` (uncalibrated), ``"native"`` (Scanco's integers), ``"HU"`` or
        ``"mg HA/cm3"``.
    source : str
        File or folder name, without its path.
    sha256 : str
        SHA-256 of the bytes that were read, hexadecimal; empty for an image made in memory.
    meta : mapping
        What else the file says: ``format``, ``origin``, ``warnings`` (list of str), and where the file
        holds a calibration ``density_slope`` and ``density_intercept`` (mg HA/cm3 = slope * value +
        intercept).

    Raises
    ------
    SpecimenError
        If the values are not a 3-D gray image, or the voxel size is not positive.
    """

    values: NDArray[Any]
    spacing_um: tuple[float, float, float] | None = None
    unit: str = "gray"
    source: str = "array"
    sha256: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_gray_volume(self.values, self.source)
        if self.spacing_um is not None:
            object.__setattr__(self, "spacing_um", three_lengths(self.spacing_um))

    @property
    def voxel_size_um(self) -> float | None:
        """Edge of the voxel in um; None where it is not known or the voxel is not a cube (within 1 %)."""
        if self.spacing_um is None or not is_cubic(self.spacing_um):
            return None
        return cube_edge(self.spacing_um)

    @property
    def warnings(self) -> list[str]:
        """What the reader found odd, one line each."""
        return list(self.meta.get("warnings", ()))


def check_gray_volume(values: NDArray[Any], source: str) -> None:
    """Raise SpecimenError unless ``values`` is a 3-D array of gray numbers."""
    shape = tuple(values.shape)
    if values.dtype.fields is not None or (values.ndim == 4 and shape[-1] in (3, 4)):
        raise SpecimenError(f"{source} is a color image (shape {shape}): convert it to gray values first")
    if values.ndim != 3 or min(shape) < 2:
        raise SpecimenError(
            f"{source} is not a 3-D image (shape {shape}): give a stack of two or more slices, axes (z, y, x)"
        )
    if shape[-1] in (3, 4) and min(shape[:2]) >= 16:
        raise SpecimenError(
            f"{source} looks like one color picture (shape {shape}): give a 3-D image of gray values"
        )
    if values.dtype.kind not in "biuf":
        raise SpecimenError(
            f"{source} holds values of type {values.dtype}: give integer or floating gray values"
        )


def three_lengths(size_um: float | Sequence[float]) -> tuple[float, float, float]:
    """Voxel size as (z, y, x) in um from one number or three.

    Raises
    ------
    SpecimenError
        If it is neither, or not positive and finite.
    """
    lengths = np.atleast_1d(np.asarray(size_um, dtype=np.float64))
    if lengths.shape == (1,):
        lengths = np.repeat(lengths, 3)
    if lengths.shape != (3,) or not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise SpecimenError(
            f"voxel size of {size_um} um: give one positive number, or three in the order (z, y, x)"
        )
    return (float(lengths[0]), float(lengths[1]), float(lengths[2]))


def is_cubic(spacing_um: tuple[float, float, float]) -> bool:
    """Whether the three edges agree within 1 %."""
    return max(spacing_um) <= min(spacing_um) * (1.0 + SIZE_TOLERANCE)


def cube_edge(spacing_um: tuple[float, float, float]) -> float:
    """Edge in um of the cube with the volume of the voxel; exactly the edge when all three are equal."""
    z, y, x = spacing_um
    return x if z == y == x else float(f"{math.cbrt(z * y * x):.6g}")


def claimed_spacing(
    spacing_um: Sequence[float] | None, notes: list[str]
) -> tuple[float, float, float] | None:
    """Take a voxel size from a header, unless it can only be an unset or wrongly scaled one.

    Rounded to six significant figures, because several formats store it in single precision.  A size outside
    0.5-500 um (an unset header says 1 mm) is not believed; why is appended to ``notes``.
    """
    if spacing_um is None:
        return None
    z, y, x = (float(f"{float(length):.6g}") for length in spacing_um)
    if all(SMALLEST_VOXEL_UM <= length <= LARGEST_VOXEL_UM for length in (z, y, x)):
        return (z, y, x)
    if (z, y, x) != (1000.0, 1000.0, 1000.0):
        notes.append(
            f"the file claims a voxel of {show_um((z, y, x))}, outside {SMALLEST_VOXEL_UM:g}-"
            f"{LARGEST_VOXEL_UM:g} um: not believed"
        )
    return None


def agreed_spacing(
    image: Image, voxel_size_um: float | Sequence[float] | None
) -> tuple[float, float, float] | None:
    """Voxel size from the user and the file together; the user's number wins where both agree within 1 %.

    A slice distance that the reader only assumed (plain TIFF) contradicts nobody.

    Raises
    ------
    SpecimenError
        If they differ by more than 1 %.
    """
    if voxel_size_um is None:
        return image.spacing_um
    given = three_lengths(voxel_size_um)
    if image.spacing_um is not None:
        first = 1 if image.meta.get("slice_distance_assumed") else 0
        for mine, theirs in zip(given[first:], image.spacing_um[first:]):
            if abs(mine - theirs) > SIZE_TOLERANCE * theirs:
                raise SpecimenError(
                    f"voxel_size_um says {show_um(given)} but {image.source} itself says "
                    f"{show_um(image.spacing_um)}: leave voxel_size_um out, or mend the file"
                )
    return given


def show_um(spacing_um: tuple[float, float, float]) -> str:
    """Voxel size for people: one number for a cube, else three with their order."""
    z, y, x = spacing_um
    return f"{x:g} um" if z == y == x else f"{z:g} x {y:g} x {x:g} um (z, y, x)"


def show_reason(error: BaseException) -> str:
    """The last line of another library's error, short enough for one line of ours."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1] if lines else type(error).__name__
    return reason if len(reason) <= 160 else reason[:157] + "..."


def optional_library(module: str, package: str, purpose: str) -> ModuleType:
    """Import a library of the ``scans`` extra.

    Raises
    ------
    SpecimenError
        If it is not installed; the message says how to get it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # generated bindings warn about themselves while they load
            return importlib.import_module(module)
    except ImportError as missing:
        raise SpecimenError(
            f'{purpose} needs {package}, which is not installed: pip install "trabsim[scans]"'
        ) from missing
