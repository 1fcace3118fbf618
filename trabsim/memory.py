"""How much memory a run takes, so that one that cannot fit is refused before it starts."""

from __future__ import annotations

import math
from typing import Any

from trabsim.errors import RunError

#: Bytes a run needs per voxel, with margin: state, solver and scratch (see ``trabsim bench``).
BYTES_PER_VOXEL = 130

#: Bytes that the program and its libraries take, however small the lattice.
BYTES_AT_LEAST = 300_000_000


def gigabytes(size: float) -> str:
    """Bytes as text, in GB."""
    return f"{size / 1e9:,.0f} GB" if size >= 1e12 else f"{size / 1e9:.3g} GB"


def memory_needed_bytes(shape: tuple[int, int, int]) -> int:
    """Memory that a run on a lattice takes, with margin."""
    return BYTES_AT_LEAST + math.prod(shape) * BYTES_PER_VOXEL


def require_memory(shape: tuple[int, int, int], backend: Any) -> None:
    """Refuse a lattice that does not fit, before anything is allocated.

    Parameters
    ----------
    shape : tuple of int
        Lattice (z, y, x).
    backend : Backend

    Raises
    ------
    RunError
        Says how much is needed and how much there is.
    """
    needed, free = memory_needed_bytes(shape), backend.memory_available_bytes()
    if needed > free:
        z, y, x = shape
        raise RunError(
            f"a lattice of {z} x {y} x {x} voxels needs about {gigabytes(needed)} of memory, and "
            f"{gigabytes(free)} are free on {backend.device_name}; choose a smaller specimen.shape or box, "
            "or a larger specimen.voxel_size_um"
        )
