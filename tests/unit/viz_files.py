"""Checkpoint files for the tests of pictures: the layout that pictures read, written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from trabsim.state import FULL, VARIABLES

IN_FILES = {variable.name: variable.name_in_files for variable in VARIABLES}


def write_checkpoint(
    path: Path, bone: np.ndarray, *, voxel_um: float = 20.0, day: int | None = 0, **more: Any
) -> Path:
    """Write bone (bool, or int32 quanta) and other arrays by name; a dotted name goes to the agent tables."""
    quanta = np.where(bone, FULL, 0).astype(np.int32) if bone.dtype == bool else bone.astype(np.int32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        image = file.create_group("VTKHDF")
        image.attrs["Type"] = np.bytes_("ImageData")
        image.attrs["Spacing"] = (voxel_um,) * 3
        cells = image.create_group("CellData")
        cells[IN_FILES["bone"]] = quanta
        own = file.create_group("trabsim")
        if day is not None:
            own.attrs["day"] = day
        for name, values in more.items():
            group = own if "." in name else cells
            stored = IN_FILES.get(name, name)
            group[stored] = values
            if name == "opg":
                group[stored].attrs["meaning"] = np.bytes_("osteoprotegerin in marrow")
                group[stored].attrs["unit"] = np.bytes_("a.u.")
    return path


def ball(n: int, radius: float) -> np.ndarray:
    """A ball of bone in the middle of a cube of `n` voxels."""
    axis = np.arange(n) - (n - 1) / 2
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    return z * z + y * y + x * x <= radius * radius


def foam(n: int, seed: int, threshold: float = 0.55) -> np.ndarray:
    """A random network that reaches the faces of its box."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(n, n, n)), 2.0)
    return np.abs(noise / noise.std()) < threshold
