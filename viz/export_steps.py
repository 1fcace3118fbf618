"""All checkpoints of a run in one VTKHDF file with time steps, which ParaView plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.durable import FileAside
from trabsim.errors import RunError
from trabsim.viz.export_fields import export_name, in_unit
from trabsim.viz.read import Snapshot, array_names, checkpoints, day_of, read_snapshot, suggest, variable_of

_SLAB_BYTES = 1 << 20


def export_series(run: str | Path, out: str | Path, *, fields: Sequence[str] | None = None) -> str:
    """Write the checkpoints of a run as one time series.

    Parameters
    ----------
    run : str or Path
        Run folder.
    out : str or Path
        ``.vtkhdf``.
    fields : sequence of str, optional
        Arrays per voxel to write; by default all that every checkpoint holds.

    Returns
    -------
    str
        What was written.

    Raises
    ------
    RunError
        If the run has no checkpoints, they differ in lattice, an array is unknown, or the file cannot be written.

    Notes
    -----
    VTKHDF 2.0 image data: arrays have an axis for time before z, y, x; the time values are days after entry.  Units
    stand in the names of the arrays; what a checkpoint counts in quanta is written as a fraction (``bone_fraction``).
    """
    import h5py

    out = Path(out)
    if out.suffix.lower() != ".vtkhdf":
        raise RunError(
            f"a time series cannot be named '{out.name}'; end the name in .vtkhdf, by which ParaView knows it"
        )
    paths = checkpoints(run) if Path(run).is_dir() else [Path(run)]
    first = read_snapshot(paths[0])
    names = _names(first, paths, fields)
    days = [_day(path) for path in paths]
    with FileAside(out) as aside, h5py.File(aside, "w", libver=("v110", "v110")) as file:
        image = file.create_group("VTKHDF")
        nz, ny, nx = first.lattice
        image.attrs["Version"] = np.array([2, 0], np.int64)
        image.attrs["Type"] = np.bytes_("ImageData")
        image.attrs["WholeExtent"] = np.array([0, nx, 0, ny, 0, nz], np.int64)
        image.attrs["Origin"] = np.zeros(3)
        image.attrs["Spacing"] = np.full(3, first.voxel_size_um)
        image.attrs["Direction"] = np.eye(3).ravel()
        cells = image.create_group("CellData")
        steps = image.create_group("Steps")
        steps.attrs["NSteps"] = np.int64(len(paths))
        steps["Values"] = np.asarray(days, dtype=np.float64)
        steps["Values"].attrs["unit"] = np.bytes_("day")
        offsets = steps.create_group("CellDataOffsets")
        for name in names:
            offsets[export_name(name)] = np.arange(len(paths), dtype=np.int64)
        for step, path in enumerate(paths):
            snapshot = first if step == 0 else _like(first, read_snapshot(path))
            for name in names:
                values = snapshot.bone if name == "bone" else snapshot.array(name)
                values = in_unit(name, values)
                _dataset(cells, export_name(name), values, len(paths))[step] = values
    return f"{len(paths)} steps, day {days[0]} to {days[-1]}: {', '.join(map(export_name, names))}"


def _names(first: Snapshot, paths: Sequence[Path], fields: Sequence[str] | None) -> list[str]:
    """Arrays to write, in the order asked for; each is in every checkpoint."""
    held = set(first.names).intersection(*(array_names(path) for path in paths[1:]))
    if fields is None:
        return [name for name in first.names if name in held]
    chosen = [variable_of(name) for name in fields]
    for name, real in zip(fields, chosen):
        if real not in held:
            raise RunError(
                f"not every checkpoint holds a field '{name}'; {suggest(name, tuple(sorted(held)))}"
            )
    return list(dict.fromkeys(chosen))


def _day(path: Path) -> int:
    day = day_of(path)
    if day is None:
        raise RunError(
            f"{path.name} does not say its day, so it has no place in time; leave it out of the folder"
        )
    return day


def _like(first: Snapshot, snapshot: Snapshot) -> Snapshot:
    if snapshot.lattice != first.lattice or snapshot.voxel_size_um != first.voxel_size_um:
        raise RunError(
            f"{snapshot.path.name} has another lattice than {first.path.name}; give the folder of one run"
        )
    return snapshot


def _dataset(cells: Any, name: str, values: np.ndarray, steps: int) -> Any:
    if name in cells:
        return cells[name]
    rows = max(1, min(values.shape[0], _SLAB_BYTES // max(1, values[0].nbytes)))
    return cells.create_dataset(
        name,
        shape=(steps, *values.shape),
        dtype=values.dtype,
        chunks=(1, rows, *values.shape[1:]),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fletcher32=True,
    )
