"""A volume of a checkpoint as NIfTI or OME-Zarr, with its place in millimeters or micrometers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

import trabsim
from trabsim.durable import PARTIAL, FileAside, cannot_write
from trabsim.errors import RunError
from trabsim.viz.export_fields import quantity
from trabsim.viz.read import Box, Snapshot, read_snapshot

VOLUME_FORMATS = ("nifti", "ome-zarr")
EXPORT_HINT = 'pip install "trabsim[export]"'
# coarser copies end when the longest side fits into one chunk
_CHUNK = 64


def export_volume(
    path: str | Path,
    out: str | Path,
    *,
    to: str | None = None,
    field: str = "bone",
    box: Box | None = None,
) -> str:
    """Write one array of a checkpoint as a volume for image programs.

    Parameters
    ----------
    path : str or Path
        A ``*.vtkhdf`` file, or a run folder, of which the last checkpoint is taken.
    out : str or Path
        ``.nii``, ``.nii.gz`` or ``.ome.zarr`` (a folder, which must not be there yet).
    to : {"nifti", "ome-zarr"}, optional
        By default what the name of `out` ends in.
    field : str
        An array of the checkpoint, ``bone`` (share of bone in each voxel), ``density``, ``mineral`` or ``age``.
    box : tuple of int, optional
        Voxels z0, z1, y0, y1, x0, x1; everything by default.

    Returns
    -------
    str
        What was written.

    Raises
    ------
    RunError
        If the file is no checkpoint, the field is unknown, a package is missing, or the file cannot be written.

    Notes
    -----
    NIfTI: axes x, y, z, affine in mm.  OME-Zarr 0.5: axes z, y, x in micrometers, with copies at half the
    resolution (means; for classes and day numbers every second voxel).  Both put the center of the first voxel half
    a voxel from the corner of the specimen, as the checkpoint does.
    """
    out = Path(out)
    if to is None:
        to = {".nii": "nifti", ".gz": "nifti", ".zarr": "ome-zarr"}.get(out.suffix.lower(), out.suffix)
    if to not in VOLUME_FORMATS:
        raise RunError(f"a volume cannot be written as '{to}'; choose {' or '.join(VOLUME_FORMATS)}")
    write = _write_nifti if to == "nifti" else _write_zarr
    _require(to)
    snapshot = read_snapshot(path, box)
    name, values = quantity(snapshot, field)
    write(out, name, values, snapshot)
    return f"{name}, {' x '.join(map(str, values.shape))} voxels (z, y, x) of {snapshot.voxel_size_um:g} um"


def _require(to: str) -> None:
    from importlib.util import find_spec

    package = {"nifti": "nibabel", "ome-zarr": "zarr"}[to]
    if find_spec(package) is None:
        raise RunError(f"{to} needs {package}, which is not installed; {EXPORT_HINT}")


def _center_um(snapshot: Snapshot) -> np.ndarray:
    """Center (z, y, x) of the first voxel that was read."""
    return (np.array([part.start for part in snapshot.box]) + 0.5) * snapshot.voxel_size_um


def _write_nifti(out: Path, name: str, values: np.ndarray, snapshot: Snapshot) -> None:
    import nibabel

    if not out.name.lower().endswith((".nii", ".nii.gz")):
        raise RunError(f"a NIfTI file cannot be named '{out.name}'; end the name in .nii or .nii.gz")
    affine = np.diag([snapshot.voxel_size_um / 1000.0] * 3 + [1.0])
    affine[:3, 3] = _center_um(snapshot)[::-1] / 1000.0
    if values.dtype == np.int64:
        values = values.astype(np.float64)  # few readers know 64-bit integers
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = f"{name}, day {snapshot.day}, trabsim {trabsim.__version__}".encode()[:79]
    data = image.to_bytes()
    if out.name.lower().endswith(".gz"):
        import gzip

        data = gzip.compress(data, 1, mtime=0)
    with FileAside(out) as file:
        file.write(data)


def _write_zarr(out: Path, name: str, values: np.ndarray, snapshot: Snapshot) -> None:
    if not out.name.lower().endswith(".zarr"):
        raise RunError(f"an OME-Zarr folder cannot be named '{out.name}'; end the name in .ome.zarr")
    if out.exists():
        raise RunError(f"{out} is there already; remove it, or choose another name")
    if not out.parent.is_dir():  # zarr would make it
        raise RunError(f"cannot write {out}: No such file or directory; check the folder and its rights")
    aside = out.with_name(out.name + PARTIAL)
    try:
        shutil.rmtree(aside, ignore_errors=True)
        _fill_zarr(aside, name, values, snapshot)
        aside.rename(out)
    except OSError as error:
        raise cannot_write(out, error) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fill_zarr(folder: Path, name: str, values: np.ndarray, snapshot: Snapshot) -> None:
    import zarr

    group = zarr.create_group(store=str(folder), zarr_format=3)
    corner = _center_um(snapshot) - 0.5 * snapshot.voxel_size_um
    datasets: list[dict[str, Any]] = []
    for level, copy in enumerate(_pyramid(values)):
        voxel_um = snapshot.voxel_size_um * 2**level
        group.create_array(
            str(level),
            data=np.ascontiguousarray(copy),
            chunks=tuple(min(_CHUNK, n) for n in copy.shape),
            dimension_names=("z", "y", "x"),
        )
        steps = [
            {"type": "scale", "scale": [voxel_um] * 3},
            {"type": "translation", "translation": (corner + 0.5 * voxel_um).tolist()},
        ]
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"name": name, "axes": axes, "datasets": datasets}],
    }
    group.attrs["trabsim"] = {
        "quantity": name,
        "day": snapshot.day,
        "checkpoint": snapshot.path.name,
        "version": trabsim.__version__,
    }


def _pyramid(values: np.ndarray) -> list[np.ndarray]:
    """The volume and its copies at half, a quarter, ... of the resolution; odd last layers are left out."""
    copies = [values]
    while max(copies[-1].shape) > _CHUNK and min(copies[-1].shape) > 1:
        fine = copies[-1]
        nz, ny, nx = (n // 2 for n in fine.shape)
        fine = fine[: 2 * nz, : 2 * ny, : 2 * nx]
        if np.issubdtype(fine.dtype, np.floating):
            halved = fine.reshape(nz, 2, ny, 2, nx, 2).mean(axis=(1, 3, 5), dtype=np.float32)
            copies.append(halved.astype(values.dtype))
        else:
            copies.append(fine[::2, ::2, ::2])
    return copies
