"""Runs that take a second: a scan of rods, little spin-up, everything busy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from small_bone import BUSY, LOADED, rods

from trabsim.backends import get_backend
from trabsim.config import Config, load_config
from trabsim.simulation import Simulation
from trabsim.state import VARIABLES, State, empty_state, trailing_shape

#: How often a small run writes what.
OUTPUT = [
    {"kind": "series", "every_days": 4},
    {"kind": "series", "every_days": 12, "microarchitecture": True},
    {"kind": "checkpoint", "every_days": 10},
]

#: The load is felt seven times in a small run, so that each solution but the first starts from one before.
OFTEN = {"mechanics.every_days": 5, "microdamage.every_days": 5}

BACKEND = get_backend("numpy", threads=1)


def scan(folder: Path) -> Path:
    """A binary scan of rods, 20 x 20 x 20 voxels of 40 um."""
    path = folder / "rods.npy"
    np.save(path, (rods(20, period=10, radius=2.8).bone_fraction >= 0.5).astype(np.uint8))
    return path


def tables(folder: Path, **settings: Any) -> dict[str, Any]:
    """Tables of a configuration that has something happen in 30 days after 6 of spin-up."""
    data: dict[str, Any] = {
        "run": {"years": 30 / 365.25},
        "specimen": {"source": str(scan(folder)), "method": "mask", "scan_voxel_size_um": 40.0},
        "output": OUTPUT,
    }
    for key, value in {**BUSY, **LOADED, **OFTEN, "run.spin_up_days": 6, **settings}.items():
        table, name = key.split(".")
        data.setdefault(table, {})[name] = value
    return data


def configure(folder: Path, **settings: Any) -> Config:
    """The same, resolved."""
    return load_config(tables(folder, **settings))


def write_config(folder: Path, **settings: Any) -> Path:
    """The same, as a file."""
    path = folder / "small.toml"
    path.write_text(configure(folder, **settings).to_toml(), encoding="utf-8")
    return path


def simulate(folder: Path, run_folder: Path | None = None, **settings: Any) -> Simulation:
    """Set such a run up, on one thread."""
    return Simulation(configure(folder, **settings), backend=BACKEND, run_folder=run_folder)


def random_state(shape: tuple[int, int, int] = (5, 6, 7), seed: int = 1, agents: int = 9) -> State:
    """A state with random values in every variable; it describes no bone that could be."""
    random = np.random.default_rng(seed)
    state = empty_state(BACKEND, shape, 31.5, 3, seed)

    def values(size: tuple[int, ...], dtype: str) -> np.ndarray:
        if np.dtype(dtype).kind == "f":
            return random.normal(size=size).astype(dtype)
        return random.integers(0, 200, size).astype(dtype)

    for variable in VARIABLES:
        table, dot, column = variable.name.partition(".")
        if dot:
            size = (agents, *trailing_shape(variable))
            state.tables[table].columns[column] = values(size, variable.dtype)
        else:
            size = state.arrays[table].shape
            state.arrays[table] = values(
                (*size[:-1], 4) if variable.dims == "block_stage" else size, variable.dtype
            )
    state.counters = {"formed_quanta": 2**53 + 1, "credit_paid": -3, "a": 0}
    state.levels = {"phi": 0.1 + 0.2, "tiny": 5e-324, "unknown": float("nan"), "much": float("inf")}
    return state


def assert_same_state(one: State, other: State) -> None:
    """Equal to the last bit in everything that is checkpointed, types included."""
    assert (one.shape, one.voxel_size_um, one.block_voxels, one.seed) == (
        other.shape,
        other.voxel_size_um,
        other.block_voxels,
        other.seed,
    )
    assert one.counters == other.counters
    assert bits(one.levels) == bits(other.levels)
    for variable in VARIABLES:
        if variable.checkpointed:
            table, dot, column = variable.name.partition(".")
            pair = [s.tables[table].columns[column] if dot else s.arrays[table] for s in (one, other)]
            assert pair[0].dtype == pair[1].dtype, variable.name
            assert pair[0].shape == pair[1].shape, variable.name
            assert pair[0].tobytes() == pair[1].tobytes(), variable.name


def bits(levels: Mapping[str, float]) -> dict[str, str]:
    """Floats as text without loss, so that nan equals nan."""
    assert all(type(value) is float for value in levels.values())
    return {name: value.hex() for name, value in levels.items()}


def with_bare_names(path: Path) -> Path:
    """Make a checkpoint what it was under schema 3: the same arrays, under names without units."""
    import h5py

    with h5py.File(path, "r+") as file:
        file["trabsim"].attrs["schema"] = 3
        for variable in VARIABLES:
            group = file["VTKHDF/CellData" if variable.dims == "voxel" else "trabsim"]
            if variable.checkpointed and variable.name_in_files != variable.bare_name_in_files:
                group.move(variable.name_in_files, variable.bare_name_in_files)
    return path
