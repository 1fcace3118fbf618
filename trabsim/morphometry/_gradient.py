"""Integral of the length of a field's gradient."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, parallel=True)
def _integrate(field, mask, masked, sums):
    nz, ny, nx = field.shape
    for z in numba.prange(nz - 1):
        total = 0.0
        for y in range(ny - 1):
            for x in range(nx - 1):
                if masked:
                    near = mask[z, y, x] and mask[z, y, x + 1] and mask[z, y + 1, x] and mask[z, y + 1, x + 1]
                    z1 = z + 1
                    far = (
                        mask[z1, y, x]
                        and mask[z1, y, x + 1]
                        and mask[z1, y + 1, x]
                        and mask[z1, y + 1, x + 1]
                    )
                    if not (near and far):
                        continue
                a, b = np.float64(field[z, y, x]), np.float64(field[z, y, x + 1])
                c, d = np.float64(field[z, y + 1, x]), np.float64(field[z, y + 1, x + 1])
                e, f = np.float64(field[z + 1, y, x]), np.float64(field[z + 1, y, x + 1])
                g, h = np.float64(field[z + 1, y + 1, x]), np.float64(field[z + 1, y + 1, x + 1])
                gz = (e + f + g + h) - (a + b + c + d)
                gy = (c + d + g + h) - (a + b + e + f)
                gx = (b + d + f + h) - (a + c + e + g)
                square = gz * gz + gy * gy + gx * gx
                if square > 0.0:
                    total += np.sqrt(square)
        sums[z] = 0.25 * total


def gradient_integral(field: NDArray[np.floating], mask: NDArray[np.bool_] | None) -> float:
    """Sum of the gradient's length, in voxel units, over vertices with all eight voxels in the region."""
    sums = np.zeros(max(field.shape[0] - 1, 0))
    region = np.ones((1, 1, 1), bool) if mask is None else np.ascontiguousarray(mask)
    _integrate(field, region, mask is not None, sums)
    return float(sums.sum())
