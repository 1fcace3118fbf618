"""Checkpoints: the whole state of a run in one HDF5 file, which ParaView and PyVista open as an image too.

``/VTKHDF`` holds the lattice as VTKHDF image data: one dataset in ``CellData`` per voxel variable of the
table in `trabsim.state`, (z, y, x) in C order, which VTK reads with x fastest.  ``/trabsim`` holds the rest:
pools, tables of cells, counters, systemic levels, the configuration, day and schema.  Names of datasets end in
their unit.  Everything is under a checksum: data by Fletcher-32, names and attributes by HDF5 itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import trabsim
from trabsim.durable import FileAside
from trabsim.errors import RunError
from trabsim.state import VARIABLES, State, Table, Variable, empty_state, trailing_shape

if TYPE_CHECKING:
    from trabsim.config import Config

#: Number of the layout, raised whenever a file of today could not be read by the code of yesterday or vice
#: versa.
SCHEMA = 4

#: Oldest layout that this code still reads: the same arrays, under names without units.
OLDEST_SCHEMA = 3

#: Format that HDF5 1.10 and later read, the first with checksums on all its own structures.
_FORMAT = ("v110", "v110")

_CHUNK_BYTES = 1 << 20
_CHUNK_ROWS = 1 << 16


@dataclass(frozen=True)
class Header:
    """What a checkpoint says about itself.

    Attributes
    ----------
    day : int
        The day that is about to be simulated.
    schema : int
    version : str
        Version of trabsim that wrote it.
    seed : int
    shape : tuple of int
        Lattice (z, y, x).
    voxel_size_um : float
    block_voxels : int
    config_toml : str
        The resolved configuration.
    """

    day: int
    schema: int
    version: str
    seed: int
    shape: tuple[int, int, int]
    voxel_size_um: float
    block_voxels: int
    config_toml: str


def write_checkpoint(path: str | Path, state: State, day: int, config: Config, backend: Any) -> None:
    """Write the whole state.

    Parameters
    ----------
    path : str or Path
        The name must end in ``.vtkhdf``, by which ParaView knows the format.
    state : State
    day : int
        The day that is about to be simulated.
    config : Config
    backend : Backend
        Where the arrays live.

    Raises
    ------
    RunError
        If it cannot be written (full disk, no rights); a file that was there before is untouched.
    """
    import h5py

    path = Path(path)
    if path.suffix != ".vtkhdf":
        raise RunError(f"a checkpoint cannot be named '{path.name}'; end the name in .vtkhdf")
    with FileAside(path) as aside, h5py.File(aside, "w", libver=_FORMAT) as file:
        image = file.create_group("VTKHDF")
        _write_attributes(image, _image_attributes(state))
        cells = image.create_group("CellData")
        own = file.create_group("trabsim")
        _write_attributes(
            own,
            {
                "day": np.int64(day),
                "schema": np.int64(SCHEMA),
                "version": trabsim.__version__,
                "seed": np.uint64(state.seed),
                "shape": np.array(state.shape, np.int64),
                "voxel_size_um": np.float64(state.voxel_size_um),
                "block_voxels": np.int64(state.block_voxels),
            },
        )
        _write_text(own, "config_toml", config.to_toml())
        # attributes are kept in the order of their names, so that equal states give equal files
        _write_attributes(
            own.create_group("counters"), {k: np.int64(v) for k, v in sorted(state.counters.items())}
        )
        _write_attributes(
            own.create_group("levels"), {k: np.float64(v) for k, v in sorted(state.levels.items())}
        )
        for variable in VARIABLES:
            if aside.failure is not None:
                break
            if variable.checkpointed:
                group = cells if variable.dims == "voxel" else own
                _write_array(group, backend.to_numpy(_value(state, variable)), variable)


def read_checkpoint(path: str | Path, backend: Any) -> tuple[State, int, Header]:
    """Read a state back, bit for bit.

    Parameters
    ----------
    path : str or Path
    backend : Backend
        Where the arrays shall live.

    Returns
    -------
    state : State
        Its variables that are not checkpointed are zero; the first day's processes fill them.
    day : int
        The day that is about to be simulated.
    header : Header

    Raises
    ------
    RunError
        If the file is missing, no checkpoint, damaged, of an unknown schema, or lacks a variable.
    """
    path = Path(path)
    with _open(path) as file:
        header = _read_header(file, path)
        state = empty_state(backend, header.shape, header.voxel_size_um, header.block_voxels, header.seed)
        own, cells = file["trabsim"], file["VTKHDF/CellData"]
        state.counters = {name: int(value) for name, value in own["counters"].attrs.items()}
        state.levels = {name: float(value) for name, value in own["levels"].attrs.items()}
        tables: dict[str, dict[str, Any]] = {}
        for variable in VARIABLES:
            if not variable.checkpointed:
                continue
            group = cells if variable.dims == "voxel" else own
            values = _read_array(group, variable, header.schema, path)
            _require_shape(values, variable, state, path)
            on_device = backend.from_numpy(values)
            if "." in variable.name:
                table, column = variable.name.split(".")
                tables.setdefault(table, {})[column] = on_device
            else:
                state.arrays[variable.name] = on_device
        for name, columns in tables.items():
            if len({int(column.shape[0]) for column in columns.values()}) != 1:
                raise RunError(f"the columns of table '{name}' in {path} differ in length; {_ELSE}")
            state.tables[name] = Table(**columns)
    return state, header.day, header


def read_header(path: str | Path) -> Header:
    """Read what a checkpoint says about itself, without its arrays; errors as in `read_checkpoint`."""
    path = Path(path)
    with _open(path) as file:
        return _read_header(file, path)


_ELSE = "take another checkpoint of the run"


def _value(state: State, variable: Variable) -> Any:
    table, dot, column = variable.name.partition(".")
    return state.tables[table].columns[column] if dot else state.arrays[variable.name]


def _image_attributes(state: State) -> dict[str, Any]:
    z, y, x = state.shape
    return {
        "Version": np.array([1, 0], np.int64),
        "Type": "ImageData",
        "WholeExtent": np.array([0, x, 0, y, 0, z], np.int64),
        "Origin": np.zeros(3),
        "Spacing": np.full(3, state.voxel_size_um),
        "Direction": np.eye(3).ravel(),
    }


def _write_attributes(group: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        # of fixed length, since HDF5 keeps texts of variable length without a checksum
        group.attrs[name] = np.bytes_(value.encode("utf-8")) if isinstance(value, str) else value


def _write_text(group: Any, name: str, text: str) -> None:
    group.create_dataset(
        name, data=np.array([text.encode("utf-8")]), chunks=(1,), compression="gzip", fletcher32=True
    )


def _write_array(group: Any, values: np.ndarray, variable: Variable) -> None:
    if values.dtype == np.bool_:
        values = values.view(np.uint8)  # VTK knows no booleans
    row_bytes = max(1, int(np.prod(values.shape[1:])) * values.itemsize)
    rows = max(1, min(values.shape[0], _CHUNK_BYTES // row_bytes, _CHUNK_ROWS))
    dataset = group.create_dataset(
        variable.name_in_files,
        data=values,
        chunks=(rows, *(max(1, n) for n in values.shape[1:])),
        # a table may be empty, and a chunk cannot be
        maxshape=(None, *(n or None for n in values.shape[1:])) if values.size == 0 else None,
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fletcher32=True,
    )
    _write_attributes(dataset, {"unit": variable.unit, "meaning": variable.meaning})


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a checkpoint; whatever HDF5 finds wrong with it then is a RunError."""
    import h5py

    if not path.is_file():
        raise RunError(f"there is no checkpoint at {path}; give a *.vtkhdf file of RUN/checkpoints")
    if not os.access(path, os.R_OK):
        raise RunError(f"cannot read {path}: permission denied; check its rights")
    if not h5py.is_hdf5(path):
        raise RunError(
            f"{path} is not a checkpoint: it is no HDF5 file, or its first bytes are damaged; {_ELSE}"
        )
    with _damage(f"{path} is cut short or damaged"), h5py.File(path, "r") as file:
        yield file


@contextlib.contextmanager
def _damage(what: str) -> Iterator[None]:
    """Turn the many ways in which HDF5 says that bytes are wrong into one line."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{what}; {_ELSE}") from error


def _read_header(file: Any, path: Path) -> Header:
    with _damage(f"the header of {path} is damaged"):
        if "trabsim" not in file or "VTKHDF" not in file or "schema" not in file["trabsim"].attrs:
            raise RunError(
                f"{path} is an HDF5 file, but not a checkpoint of trabsim; give one of RUN/checkpoints"
            )
        own = file["trabsim"].attrs
        schema, version = int(own["schema"]), own["version"].decode("utf-8")
        if schema > SCHEMA:
            raise RunError(
                f"{path} was written by trabsim {version} with schema {schema}, and this version reads up to "
                f"{SCHEMA}; install a newer trabsim"
            )
        if schema < OLDEST_SCHEMA:
            raise RunError(
                f"{path} was written by trabsim {version} with schema {schema}, and this version reads from "
                f"{OLDEST_SCHEMA}; finish that run with trabsim {version}"
            )
        z, y, x = (int(n) for n in own["shape"])
        return Header(
            day=int(own["day"]),
            schema=schema,
            version=version,
            seed=int(own["seed"]),
            shape=(z, y, x),
            voxel_size_um=float(own["voxel_size_um"]),
            block_voxels=int(own["block_voxels"]),
            config_toml=bytes(file["trabsim/config_toml"][0]).decode("utf-8"),
        )


def _read_array(group: Any, variable: Variable, schema: int, path: Path) -> np.ndarray:
    name = variable.bare_name_in_files if schema == 3 else variable.name_in_files
    with _damage(f"dataset '{variable.name}' of {path} is damaged (its checksum is wrong)"):
        if name not in group:
            raise RunError(f"{path} lacks the variable '{variable.name}'; {_ELSE}")
        values = np.asarray(group[name][...])
    stored = np.dtype(np.uint8) if variable.dtype == "bool" else np.dtype(variable.dtype)
    if values.dtype != stored:
        raise RunError(
            f"variable '{variable.name}' of {path} is of type {values.dtype}, not {stored}; {_ELSE}"
        )
    return values.view(np.bool_) if variable.dtype == "bool" else values


def _require_shape(values: np.ndarray, variable: Variable, state: State, path: Path) -> None:
    """Compare with the shape that the lattice asks for; the length of tables and stages is free."""
    if "." in variable.name:
        fits = values.shape[1:] == trailing_shape(variable)
    else:
        wanted = state.arrays[variable.name].shape
        free = variable.dims == "block_stage"
        fits = (
            values.ndim == len(wanted)
            and values.shape[: -1 if free else None] == wanted[: -1 if free else None]
        )
    if not fits:
        raise RunError(
            f"variable '{variable.name}' of {path} has shape {values.shape}, which does not fit a lattice of "
            f"{state.shape}; {_ELSE}"
        )
