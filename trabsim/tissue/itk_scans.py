"""Scans that SimpleITK reads: MetaImage (MHA, MHD), NRRD, and DICOM series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.scan_image import SIZE_TOLERANCE, claimed_spacing, optional_library, show_reason

UM_PER_UNIT = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "um": 1.0,
    "µm": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "nm": 1e-3,
}
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

RESCALE_TYPE, WINDOW_UNIT, MODALITY = "0028|1054", "0028|1055", "0008|0060"
POSITION, ORIENTATION, SERIES = "0020|0032", "0020|0037", "0020|000e"

Read = tuple[NDArray[Any], tuple[float, float, float] | None, dict[str, Any]]


def looks_like_dicom(path: Path) -> bool:
    """Whether a file is DICOM by its ending or, lacking one, by its magic word."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    if (path.suffix and not path.suffix[1:].isdigit()) or path.name == "DICOMDIR":
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_metaimage_or_nrrd(path: Path) -> Read:
    """Read one MHA, MHD, NRRD or NHDR file.

    Parameters
    ----------
    path : Path
        The file; a header without its data file beside it is an error.

    Returns
    -------
    values : ndarray, shape (z, y, x)
        In the order of the file; its orientation matrix is not applied.
    spacing_um : (z, y, x) or None
        The formats' length is mm unless the header names another unit.
    meta : dict
        ``origin`` (z, y, x) in um and ``warnings``.

    Raises
    ------
    SpecimenError
        If SimpleITK is missing, or the file is damaged or no 3-D gray image.
    """
    sitk = _simpleitk(path.name)
    with _quiet(sitk):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
            _check_header(reader, path.name)
            image = reader.Execute()
        except RuntimeError as error:
            raise SpecimenError(
                f"cannot read {path.name}, is it damaged or cut short? ({show_reason(error)})"
            ) from error
    unit = _length_unit(path, image)
    notes: list[str] = []
    if unit is not None and unit.lower() not in UM_PER_UNIT:
        notes.append(f"{path.name} gives its voxel size in {unit!r}, an unknown unit: not used")
        return sitk.GetArrayFromImage(image), None, {"warnings": notes}
    scale = UM_PER_UNIT[unit.lower()] if unit else 1e3
    return _unpack(sitk, image, scale, notes)


def read_dicom(
    path: Path,
) -> tuple[NDArray[Any], tuple[float, float, float] | None, dict[str, Any], list[Path]]:
    """Read a DICOM series, given as its folder or as one file of it, or one multi-frame file.

    Parameters
    ----------
    path : Path
        Folder that holds one series, or any file of the wanted series.

    Returns
    -------
    values : ndarray, shape (z, y, x)
        Slices ordered by their position along the slice normal; rescale slope and intercept are applied.
    spacing_um : (z, y, x) or None
        z from the slice positions, never from the slice thickness.
    meta : dict
        ``unit`` (``"HU"``, ``"mg HA/cm3"`` or ``"gray"``), ``origin`` and ``warnings``.
    files : list of Path
        The files of the series, in reading order.

    Raises
    ------
    SpecimenError
        If a file is damaged, a slice is missing, or the folder holds several series.
    """
    sitk = _simpleitk(path.name)
    with _quiet(sitk):
        files = _series_files(sitk, path)
        try:
            readers = [_header(sitk, file) for file in files]
            _check_header(readers[0], files[0].name)
            if len(files) > 1:
                _check_positions(readers, files, path.name)
                image = sitk.ReadImage([str(file) for file in files])
            else:
                image = sitk.ReadImage(str(files[0]))
        except RuntimeError as error:
            raise SpecimenError(
                f"cannot read {path.name}, is a slice damaged or cut short? ({show_reason(error)})"
            ) from error
    values, spacing, meta = _unpack(sitk, image, 1e3, [])
    return values, spacing, meta | {"unit": _dicom_unit(readers[0])}, files


def _simpleitk(name: str) -> ModuleType:
    return optional_library("SimpleITK", "SimpleITK", f"reading {name}")


@contextmanager
def _quiet(sitk: ModuleType) -> Iterator[None]:
    """Keep ITK from writing warnings to the terminal; what matters of them is checked here."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def _check_header(reader: Any, name: str) -> None:
    """Refuse color and anything but three axes before the voxels are read."""
    if reader.GetNumberOfComponents() > 1:
        raise SpecimenError(f"{name} is a color or vector image: convert it to gray values first")
    size = [length for length in reader.GetSize() if length > 1]
    if reader.GetDimension() != 3 and len(size) != 3:
        raise SpecimenError(
            f"{name} is not a 3-D image (size {tuple(reader.GetSize())}, x first): give a volume"
        )


def _unpack(sitk: ModuleType, image: Any, um_per_unit: float, notes: list[str]) -> Read:
    values = sitk.GetArrayFromImage(image)
    if values.ndim > 3:
        values = values.reshape([length for length in values.shape if length > 1])
    spacing = [length * um_per_unit for length in image.GetSpacing()[2::-1]]
    origin = [length * um_per_unit for length in image.GetOrigin()[2::-1]]
    meta = {"origin": tuple(origin), "direction": tuple(image.GetDirection())}
    return values, claimed_spacing(spacing, notes), meta | {"warnings": notes}


def _length_unit(path: Path, image: Any) -> str | None:
    """Unit of length a MetaImage or NRRD header names; ITK itself ignores it."""
    if image.HasMetaDataKey("ITK_VoxelUnits"):
        return str(image.GetMetaData("ITK_VoxelUnits")).strip()
    if path.suffix.lower() not in (".nrrd", ".nhdr"):
        return None
    with path.open("rb") as file:
        header = file.read(65536).split(b"\n\n")[0].decode("latin-1")
    found = re.search(r'^(?:space )?units:\s*"?([^"\s]+)', header, re.MULTILINE)
    return found.group(1) if found else None


def _header(sitk: ModuleType, file: Path) -> Any:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(file))
    reader.ReadImageInformation()
    return reader


def _series_files(sitk: ModuleType, path: Path) -> list[Path]:
    """The files of the wanted series, in slice order; none that looks like DICOM may be unreadable."""
    folder = path if path.is_dir() else path.parent
    wanted = None
    if not path.is_dir():
        try:
            header = _header(sitk, path)
        except RuntimeError as error:
            raise SpecimenError(
                f"cannot read {path.name}, is it damaged or cut short? ({show_reason(error)})"
            ) from error
        if max(header.GetSize()[2:], default=1) > 1 or not header.HasMetaDataKey(SERIES):
            return [path]
        wanted = header.GetMetaData(SERIES).strip()
    names = sitk.ImageSeriesReader
    series = {
        uid: names.GetGDCMSeriesFileNames(str(folder), uid) for uid in names.GetGDCMSeriesIDs(str(folder))
    }
    listed = {Path(name).name for files in series.values() for name in files}
    for file in sorted(folder.iterdir()):
        if file.is_file() and looks_like_dicom(file) and file.name not in listed:
            raise SpecimenError(
                f"cannot read {file.name} in {folder.name} as DICOM: is it damaged or cut short?"
            )
    if wanted is not None:
        series = {uid: files for uid, files in series.items() if path.name in {Path(f).name for f in files}}
    if len(series) > 1:
        raise SpecimenError(
            f"{folder.name} holds {len(series)} DICOM series: give one file of the wanted series instead"
        )
    if not series:
        raise SpecimenError(f"{path.name} holds no DICOM series with readable slices")
    return [Path(name) for name in next(iter(series.values()))]


def _check_positions(readers: list[Any], files: list[Path], name: str) -> None:
    """Slices must stand at even distances: a gap is a missing slice, and ITK would only average over it."""
    if not all(r.HasMetaDataKey(POSITION) and r.HasMetaDataKey(ORIENTATION) for r in readers):
        raise SpecimenError(f"{name} holds slices without a position: give it as MHA, NIfTI or TIFF instead")
    row, column = np.array(readers[0].GetMetaData(ORIENTATION).split("\\"), dtype=np.float64).reshape(2, 3)
    normal = np.cross(row, column)
    heights = [
        float(np.dot(normal, np.array(r.GetMetaData(POSITION).split("\\"), dtype=np.float64)))
        for r in readers
    ]
    steps = np.abs(np.diff(heights))
    usual = float(np.median(steps))
    wrong = np.flatnonzero(np.abs(steps - usual) > SIZE_TOLERANCE * usual)
    if usual <= 0 or wrong.size:
        at = int(wrong[0]) if wrong.size else 0
        raise SpecimenError(
            f"{name}: slices {files[at].name} and {files[at + 1].name} are {steps[at] * 1e3:.4g} um apart, "
            f"the others {usual * 1e3:.4g} um: is a slice missing or doubled?"
        )


def _dicom_unit(header: Any) -> str:
    """Unit of the rescaled values as the file names it."""
    said = header.GetMetaData(RESCALE_TYPE).strip() if header.HasMetaDataKey(RESCALE_TYPE) else ""
    if said.upper() == "HU":
        return "HU"
    if "mg" in said.lower():
        return "mg HA/cm3"
    is_ct = header.HasMetaDataKey(MODALITY) and header.GetMetaData(MODALITY).strip() == "CT"
    return "HU" if is_ct and header.HasMetaDataKey("0028|1052") and not said else "gray"
