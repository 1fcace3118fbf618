"""A lattice of half the resolution for mechanics, where its cost matters more than its detail."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def halve_lattice(modulus_MPa: Any) -> NDArray[np.float32]:
    """Average moduli over cells of 2 x 2 x 2 voxels; odd sizes are filled up with nothing.

    Parameters
    ----------
    modulus_MPa : array, shape (z, y, x)

    Returns
    -------
    float32 array, half the shape, rounded up
        For voxels of twice the edge. The mean is an upper bound of what a partly filled cell can carry, so the
        specimen gets stiffer, the more so the thinner its struts.
    """
    values = np.asarray(modulus_MPa, np.float32)
    padded = np.pad(values, [(0, n % 2) for n in values.shape])
    nz, ny, nx = (n // 2 for n in padded.shape)
    return padded.reshape(nz, 2, ny, 2, nx, 2).mean(axis=(1, 3, 5), dtype=np.float64).astype(np.float32)


def refine_field(field: Any, shape: tuple[int, int, int]) -> Any:
    """Give every voxel the value of the cell it lies in.

    Parameters
    ----------
    field : array, half of ``shape``, rounded up
    shape : tuple of int

    Returns
    -------
    array of that shape
    """
    fine = field.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    return fine[: shape[0], : shape[1], : shape[2]]
