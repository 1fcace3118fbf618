"""Read checkpoints for pictures, straight from their file."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.errors import RunError
from trabsim.state import FULL, VARIABLES
from trabsim.viz.merge import read_merged

Box = tuple[int, int, int, int, int, int]
#: Voxels along each cut face that measures leave out.
RIM = 3
#: Voxels from which pictures are drawn of means over cubes of voxels, to stay within a few gigabytes.
MOST_VOXELS = 320**3
# names of fields by which readers look for them
_SHORT_NAMES = {"rankl": "rankl_soluble", "estradiol": "estradiol_local"}
# names in files end in a unit, those of schema 3 do not; here they never do
_IN_FILES = {variable.name: variable.name_in_files for variable in VARIABLES}
_FROM_FILES = {stored: name for name, stored in _IN_FILES.items()}


@dataclass(frozen=True)
class Snapshot:
    """One checkpoint, or a box cut out of it.

    Attributes
    ----------
    path : Path
    day : int or None
        Days after entry; None where the file does not say.
    voxel_size_um : float
    bone : int32 array, shape (z, y, x)
        Matrix in quanta of 1/100000 voxel.
    tissue : bool array, shape (z, y, x)
        The region of interest.
    names : tuple of str
        Arrays per voxel that the file holds, as `trabsim.state` names them.
    box : tuple of slice
        Part of the lattice that was read.
    lattice : tuple of int
        Whole lattice (z, y, x), voxels of the file.
    step : int
        Edge of the cubes of voxels of the file that were merged into one; `voxel_size_um` is that of the cubes.
    content : tuple of int or None
        Matrix (quanta) and tissue (voxels of the file) that count in measures, where cubes were merged.
    """

    path: Path
    day: int | None
    voxel_size_um: float
    bone: np.ndarray
    tissue: np.ndarray
    names: tuple[str, ...]
    box: tuple[slice, slice, slice]
    lattice: tuple[int, ...]
    step: int = 1
    content: tuple[int, int] | None = None

    @property
    def solid(self) -> np.ndarray:
        """Voxels that count as bone: at least half full."""
        return 2 * self.bone >= FULL

    @property
    def core(self) -> tuple[slice, ...]:
        """What counts in measures: the lattice without the rim along its cut faces, or the whole of a box."""
        rim = RIM if self.bone.shape == self.lattice and min(self.lattice) > 4 * RIM else 0
        return tuple(slice(rim, n - rim) for n in self.bone.shape)

    @property
    def BV_TV(self) -> float:
        """Matrix per tissue volume of `core`, 0-1, as the series of a run gives it."""
        if self.content is not None:
            return self.content[0] / (max(self.content[1], 1) * FULL)
        voxels = max(int(np.count_nonzero(self.tissue[self.core])), 1)
        return int(self.bone[self.core].sum(dtype=np.int64)) / (voxels * FULL)

    def array(self, name: str) -> np.ndarray:
        """An array per voxel, shape (z, y, x).

        Raises
        ------
        RunError
            If the file holds no such array (the nearest name is suggested), or it is damaged.
        """
        if name not in self.names:
            raise RunError(f"{self.path.name} holds no field '{name}'; {suggest(name, self.names)}")
        with _open(self.path) as file:
            dataset = _stored(file["VTKHDF/CellData"], name)
            if self.step == 1:
                return _read(dataset, self.box, self.path)
            return read_merged(dataset, name, self.box, self.step, partial(_read, path=self.path))

    def label(self, name: str) -> str:
        """Meaning and unit of an array, as the file gives them; its name where the file is silent."""
        with _open(self.path) as file:
            told = {key: _text(value) for key, value in _stored(file["VTKHDF/CellData"], name).attrs.items()}
        meaning, unit = told.get("meaning", name.replace("_", " ")), told.get("unit", "1")
        return meaning if unit == "1" else f"{meaning} ({unit})"

    def settings(self, table: str) -> dict[str, Any]:
        """A table of the run's configuration, from the file itself or from the run folder; may be empty."""
        with _open(self.path) as file:
            if "trabsim/config_toml" in file:
                stored = np.ravel(file["trabsim/config_toml"][()])[0]
                return _table(_text(stored), table, self.path)
        return run_table(self.path, table)

    def levels(self) -> dict[str, float]:
        """Systemic levels and results of labels on that day; may be empty."""
        with _open(self.path) as file:
            if "trabsim/levels" not in file:
                return {}
            return {name: float(value) for name, value in file["trabsim/levels"].attrs.items()}

    def column(self, table: str, name: str) -> np.ndarray | None:
        """A column of an agent table, or None where the file has none."""
        with _open(self.path) as file:
            dataset = _stored(file["trabsim"], f"{table}.{name}") if "trabsim" in file else None
            return None if dataset is None else _read(dataset, (), self.path)


def variable_of(name: str) -> str:
    """Name of a variable that is asked for by that, by a short name, or by its name in files with its unit."""
    return _SHORT_NAMES.get(name) or _FROM_FILES.get(name, name)


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """Short names of those variables that have one."""
    return tuple(short for short, name in _SHORT_NAMES.items() if name in names)


def suggest(name: str, known: tuple[str, ...]) -> str:
    """The nearest known name, or all of them."""
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean '{near[0]}'?" if near else f"it holds {', '.join(known)}"


def read_snapshot(path: str | Path, box: Box | None = None, most_voxels: int | None = None) -> Snapshot:
    """Read a checkpoint.

    Parameters
    ----------
    path : str or Path
        A ``*.vtkhdf`` file, or a run folder, of which the last checkpoint is taken.
    box : tuple of int, optional
        Voxels z0, z1, y0, y1, x0, x1 to read; the whole lattice by default.
    most_voxels : int, optional
        Merge cubes of voxels until no more than these are left; by default nothing is merged.

    Returns
    -------
    Snapshot

    Raises
    ------
    RunError
        If there is no such file, it is no checkpoint, it is damaged, or the box does not lie within it.
    """
    path = Path(path)
    if path.is_dir():
        path = checkpoints(path)[-1]
    with _open(path) as file:
        cells = file.get("VTKHDF/CellData")
        names = _names(cells)
        if "bone" not in names or _stored(cells, "bone").ndim != 3:
            raise RunError(
                f"{path.name} is not a checkpoint (no lattice named 'bone'); give a file of RUN/checkpoints"
            )
        stored = _stored(cells, "bone")
        part = _slices(box, stored.shape)
        spacing = np.atleast_1d(
            np.asarray(file["VTKHDF"].attrs.get("Spacing", (1.0, 1.0, 1.0)), dtype=np.float64)
        )
        if not np.allclose(spacing, spacing[0]) or not spacing[0] > 0:
            raise RunError(f"{path.name} has voxels of {spacing.tolist()} um; only cubic voxels can be drawn")
        step = _step(part, most_voxels)
        if step > 1:
            return _merged(file, path, part, step, names, float(spacing[0]))
        bone = _read(stored, part, path)
        tissue = _read(cells["tissue"], part, path) > 0 if "tissue" in names else np.ones(bone.shape, bool)
        return Snapshot(path, _day(file, path), float(spacing[0]), bone, tissue, names, part, stored.shape)


def _step(part: tuple[slice, ...], most_voxels: int | None) -> int:
    step = 1
    while most_voxels is not None and np.prod([(p.stop - p.start) // step for p in part]) > most_voxels:
        step += 1
    return step


def _merged(
    file: Any,
    path: Path,
    part: tuple[slice, slice, slice],
    step: int,
    names: tuple[str, ...],
    voxel_um: float,
) -> Snapshot:
    """Read cubes of voxels as one; what does not fill a cube at the far faces is left out."""
    z, y, x = (slice(p.start, p.stop - (p.stop - p.start) % step) for p in part)
    part, cells = (z, y, x), file["VTKHDF/CellData"]
    stored = _stored(cells, "bone")
    lattice = stored.shape
    whole = tuple(p.stop - p.start for p in part) == lattice and min(lattice) > 4 * RIM
    inner = tuple(slice(RIM, n - RIM) for n in lattice) if whole else None
    sums, read = [0, 0], partial(_read, path=path)
    bone = read_merged(stored, "bone", part, step, read, count=(sums, 0, inner))
    tissue = np.ones(bone.shape, bool)
    if "tissue" in names:
        tissue = read_merged(cells["tissue"], "tissue", part, step, read, count=(sums, 1, inner)) > 0
    else:
        sums[1] = int(np.prod([p.stop - p.start for p in (inner or part)]))
    return Snapshot(
        path, _day(file, path), voxel_um * step, bone, tissue, names, part, lattice, step, (sums[0], sums[1])
    )


def checkpoints(run: str | Path) -> list[Path]:
    """Checkpoints of a run folder, in order of their day.

    Raises
    ------
    RunError
        If there is no such folder, or it holds none.
    """
    run = Path(run)
    if not run.exists():
        raise RunError(f"there is no run folder {run}; start one with 'trabsim run CONFIG -o {run}'")
    found = list((run / "checkpoints").glob("*.vtkhdf")) or list(run.glob("*.vtkhdf"))
    if not found:
        raise RunError(
            f"{run} holds no checkpoints; give a run folder, or ask for checkpoints with an [[output]] table"
        )
    days = {path: day_of(path) for path in found}
    return sorted(found, key=lambda path: (days[path] is None, days[path] or 0, path.name))


def since_entry(paths: list[Path]) -> list[Path]:
    """Checkpoints without those of the spin-up, whose remodeling space is still opening."""
    since = [path for path in paths if (day_of(path) or 0) >= 0]
    return since if len(since) > 1 else paths


def day_of(path: Path) -> int | None:
    """Day after entry of a checkpoint, or None where it does not say."""
    with _open(path) as file:
        return _day(file, path)


def array_names(path: Path) -> tuple[str, ...]:
    """Arrays per voxel that a checkpoint holds."""
    with _open(path) as file:
        return _names(file.get("VTKHDF/CellData"))


def _names(cells: Any) -> tuple[str, ...]:
    return () if cells is None else tuple(sorted(_FROM_FILES.get(name, name) for name in cells))


def _stored(group: Any, name: str) -> Any:
    """The dataset of a variable, or None."""
    return group.get(_IN_FILES.get(name, name)) or group.get(name.replace(".", "/"))


def run_table(path: Path, name: str) -> dict[str, Any]:
    """A table of the ``config.toml`` of a run folder or of one of its files; empty where there is none."""
    for folder in (path, *path.parents[:2]):
        config = folder / "config.toml"
        if config.is_file():
            return _table(config.read_text(encoding="utf-8", errors="replace"), name, config)
    return {}


def _table(text: str, name: str, where: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(text).get(name, {})
    except tomllib.TOMLDecodeError as error:
        raise RunError(f"the configuration in {where} is not valid TOML: {error}; mend that line") from None
    return table if isinstance(table, dict) else {}


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _read(dataset: Any, part: Any, path: Path) -> np.ndarray:
    try:
        return np.asarray(dataset[part])
    except (OSError, RuntimeError):
        raise RunError(
            f"'{dataset.name}' of {path.name} is damaged (wrong checksum); take another checkpoint of the run"
        ) from None


def _open(path: Path) -> Any:
    import h5py

    if not path.is_file():
        raise RunError(f"there is no checkpoint at {path}; give a *.vtkhdf file or a run folder")
    try:
        return h5py.File(path, "r")
    except OSError:
        raise RunError(
            f"{path.name} is not a checkpoint, or it is damaged; give a *.vtkhdf file of RUN/checkpoints"
        ) from None


def _day(file: Any, path: Path) -> int | None:
    for group in ("trabsim", "VTKHDF", "/"):
        if group in file and "day" in file[group].attrs:
            return int(file[group].attrs["day"])
    if "trabsim/day" in file:
        return int(np.asarray(file["trabsim/day"]))
    match = re.search(r"day_(-?\d+)", path.name)
    return int(match.group(1)) if match else None


def _slices(box: Box | None, shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    if box is None:
        return (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))
    if len(box) != 6:
        raise RunError(f"a box is z0, z1, y0, y1, x0, x1, not {tuple(box)}; give six voxel numbers")
    z0, z1, y0, y1, x0, x1 = (int(edge) for edge in box)
    for low, high, n in ((z0, z1, shape[0]), (y0, y1, shape[1]), (x0, x1, shape[2])):
        if not 0 <= low < high <= n:
            raise RunError(
                f"box {tuple(box)} does not lie within the lattice {tuple(shape)}; give 0 <= low < high <= n"
            )
    return (slice(z0, z1), slice(y0, y1), slice(x0, x1))
