"""Which file is read how.  One function, `read_image`, for every format."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.errors import SpecimenError
from trabsim.tissue import itk_scans, scanco_scans, tiff_scans
from trabsim.tissue.scan_image import (
    Image,
    agreed_spacing,
    check_gray_volume,
    claimed_spacing,
    optional_library,
    show_reason,
)

SUPPORTED = (
    ".tif/.tiff (one file or a folder of slices), .npy, .nii/.nii.gz, .mha/.mhd, .nrrd/.nhdr, "
    ".dcm/.dicom/.ima (one file or a folder), .aim, .isq"
)
UM_PER_NIFTI_UNIT = {"meter": 1e6, "mm": 1e3, "micron": 1.0, "unknown": 1e3}


def read_image(path: str | Path, voxel_size_um: float | Sequence[float] | None = None) -> Image:
    """Read a scan or a mask from any supported format.

    Parameters
    ----------
    path : str or Path
        A TIFF stack, ``.npy``, NIfTI, MHA or MHD, NRRD, DICOM, Scanco AIM or ISQ file, or a folder of TIFF
        slices (sorted naturally: 9 before 10) or of one DICOM series.
    voxel_size_um : float or (z, y, x), optional
        Needed later where the file holds none.

    Returns
    -------
    Image
        Values with axes (z, y, x), in the type and unit of the file.  ``.npy`` and uncompressed NIfTI and
        ISQ files are mapped, not loaded.

    Raises
    ------
    SpecimenError
        If the file is missing, unsupported, damaged, in color or not 3-D, a library is missing, or
        ``voxel_size_um`` contradicts the file by more than 1 %.
    """
    path = Path(path)
    if not path.exists():
        raise SpecimenError(f"no such file or folder: {path}")
    if path.is_dir():
        image = _read_folder(path)
    else:
        image = _read_file(path)
    if voxel_size_um is None:
        return image
    known = {key: value for key, value in image.meta.items() if key != "slice_distance_assumed"}
    return replace(image, spacing_um=agreed_spacing(image, voxel_size_um), meta=known)


def _read_folder(folder: Path) -> Image:
    files = sorted((p for p in folder.iterdir() if p.is_file()), key=lambda p: tiff_scans.natural_key(p.name))
    slices = [p.name for p in files if p.suffix.lower() in (".tif", ".tiff") and not p.name.startswith(".")]
    if slices:
        if any(itk_scans.looks_like_dicom(p) for p in files):
            raise SpecimenError(
                f"{folder.name} holds both TIFF and DICOM files: leave only one scan in the folder"
            )
        if len(slices) == 1:
            return _read_file(folder / slices[0])
        values, spacing, meta = tiff_scans.read_tiff_folder(folder, slices)
        meta |= {"format": "TIFF slices"}
        return Image(values, spacing, "gray", folder.name, checksum([folder / n for n in slices]), meta)
    if any(itk_scans.looks_like_dicom(p) for p in files):
        return _read_dicom(folder)
    raise SpecimenError(f"the folder {folder.name} holds neither TIFF slices nor a DICOM series: {SUPPORTED}")


def _read_file(path: Path) -> Image:
    name = re.sub(r";\d+$", "", path.name.lower())  # VMS writes scan.aim;1
    sources = [path]
    if name.endswith((".tif", ".tiff")):
        values, spacing, meta = tiff_scans.read_tiff(path)
        meta |= {"format": "TIFF"}
    elif name.endswith(".npy"):
        values, spacing, meta = _load_npy(path), None, {"format": "NumPy"}
    elif name.endswith((".nii", ".nii.gz")):
        values, spacing, meta = _read_nifti(path)
    elif name.endswith((".mha", ".mhd", ".nrrd", ".nhdr")):
        values, spacing, meta = itk_scans.read_metaimage_or_nrrd(path)
        meta |= {"format": "NRRD" if name.endswith((".nrrd", ".nhdr")) else "MetaImage"}
        sources += _detached_data(path)
    elif name.endswith(".aim"):
        values, spacing, meta = scanco_scans.read_aim(path)
        meta |= {"format": "Scanco AIM"}
    elif name.endswith(".isq"):
        values, spacing, meta = scanco_scans.read_isq(path)
        meta |= {"format": "Scanco ISQ"}
    elif itk_scans.looks_like_dicom(path):
        return _read_dicom(path)
    else:
        raise SpecimenError(f"{path.name}: cannot tell the format from its ending, supported are {SUPPORTED}")
    return Image(values, spacing, meta.pop("unit", "gray"), path.name, checksum(sources), meta)


def _read_dicom(path: Path) -> Image:
    values, spacing, meta, files = itk_scans.read_dicom(path)
    meta |= {"format": "DICOM"}
    return Image(values, spacing, meta.pop("unit"), path.name, checksum(files), meta)


def _load_npy(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a garbled header raises whatever Python's own parser meets first
        raise SpecimenError(
            f"cannot read {path.name}, is it damaged or cut short? ({show_reason(error)})"
        ) from error


def _read_nifti(path: Path) -> tuple[Any, tuple[float, float, float] | None, dict[str, Any]]:
    """Read NIfTI with nibabel, because ITK fills up a truncated file in silence.

    The file's axes (x, y, z) become (z, y, x); its orientation matrix is not applied.  Values with a scale
    in the header come back as scaled float32.
    """
    nibabel = optional_library("nibabel", "nibabel", f"reading {path.name}")
    try:
        scan = nibabel.load(path)
        slope, intercept = scan.dataobj.slope, scan.dataobj.inter
        if slope == 1 and intercept == 0:
            values = np.asanyarray(scan.dataobj)
        else:
            values = scan.get_fdata(dtype=np.float32, caching="unchanged")
        zooms = [float(zoom) for zoom in scan.header.get_zooms()]
        unit, _ = scan.header.get_xyzt_units()
    except Exception as error:  # nibabel lets zlib, OS and header errors through as they come
        raise SpecimenError(
            f"cannot read {path.name}, is it damaged or cut short? ({show_reason(error)})"
        ) from error
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    check_gray_volume(values.T, path.name)
    notes: list[str] = []
    spacing = claimed_spacing([zoom * UM_PER_NIFTI_UNIT[unit] for zoom in zooms[2::-1]], notes)
    origin = tuple(float(length) * UM_PER_NIFTI_UNIT[unit] for length in scan.affine[2::-1, 3])
    return values.T, spacing, {"format": "NIfTI", "origin": origin, "warnings": notes}


def _detached_data(header: Path) -> list[Path]:
    """The one data file that an MHD or NHDR header names, if it names one."""
    if header.suffix.lower() not in (".mhd", ".nhdr"):
        return []
    with header.open("rb") as file:
        text = file.read(65536).decode("latin-1")
    found = re.search(r"^(?:ElementDataFile\s*=|data ?file:)\s*(.+?)\s*$", text, re.MULTILINE | re.IGNORECASE)
    if not found:
        return []
    data = header.parent / found.group(1)
    return [data] if data.is_file() else []


def checksum(files: Iterable[Path]) -> str:
    """SHA-256 of the bytes of ``files``, one after the other, as a hexadecimal text."""
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(2**22):
                total.update(block)
    return total.hexdigest()
