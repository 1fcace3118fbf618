"""How much surface each surface voxel holds: the schedule that every backend shares.

The area of a boundary is the integral of the gradient of the bone fraction over space (coarea formula), so it
does not depend on how the lattice lies or how full the voxels at the boundary are. The fraction is smoothed
first, by a length in um, not in voxels: bone on fine and on coarse voxels then has the same area. What lies
in the smeared boundary is shared out evenly among the surface voxels near it: the total stays what it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Sum of the positive weights of the 3 x 3 x 3 variation, times the two voxels it spans.
VARIATION_NORM = 32

#: Variance (voxels squared) that the 3 x 3 x 3 variation smooths across by itself.
VARIATION_VARIANCE = 0.5


def smoothing_taps(variance_voxels: float) -> NDArray[np.float32]:
    """Weights of a smoothing of this variance: repeated three-point averages, all positive, of sum 1."""
    passes = max(1, math.ceil(2.0 * variance_voxels))
    side = variance_voxels / (2.0 * passes)
    taps = np.ones(1)
    for _ in range(passes):
        taps = np.convolve(taps, [side, 1.0 - 2.0 * side, side])
    return taps.astype(np.float32)


def surface_area(
    xp: Any,
    bone: Any,
    full: int,
    inside: Any,
    found: Any,
    smoothing_voxels: float,
    convolve: Callable[[Any, NDArray[np.float32], bool], None],
    share: Callable[[Any, Any, Any, float], None],
) -> Any:
    """Area of each surface voxel, in faces of a voxel.

    Parameters
    ----------
    xp : module
        numpy or cupy.
    bone : int32 array, shape (z, y, x)
        Quanta per voxel.
    full : int
        Quanta of a full voxel.
    inside : uint8 array or None
        1 in the tissue.
    found : uint8 array
        1 at surface voxels.
    smoothing_voxels : float
        Standard deviation of all smoothing, voxels; the variation itself does ``sqrt(0.5)``, never less.
    convolve : callable(values, taps, clamp)
        Convolve a float32 array in place along x, y and z; beyond the lattice stands the nearest value, or (so
        that sharing stays even at cut faces, and nothing is lost) its mirror image.
    share : callable(smooth, inside, number, scale)
        Replace `number` (float32), where it is positive, by the length of the variation of `smooth` times
        `scale` over it, and by 0 outside the tissue.

    Returns
    -------
    float64 array, one value per surface voxel, in the order of ``flatnonzero(found)``
    """
    more = smoothing_voxels * smoothing_voxels - VARIATION_VARIANCE
    reach = 2  # a voxel just short of bone-side has gradient beyond it
    smooth = bone
    if more > 1e-6:
        taps = smoothing_taps(more)
        reach = 1 + math.ceil(2.0 * math.sqrt(more))
        smooth = _smoothed(xp, bone, inside, taps, convolve)
    box = np.ones(2 * reach + 1, np.float32)
    number = found.astype(xp.float32)
    convolve(number, box, False)
    share(smooth, inside, number, 1.0 / (VARIATION_NORM * full))
    convolve(number, box, False)
    return number[found != 0].astype(xp.float64)


def _smoothed(xp: Any, bone: Any, inside: Any, taps: NDArray[np.float32], convolve: Any) -> Any:
    """Smooth in whole quanta (sums of them have no order); what lies outside the tissue has no weight."""
    value = bone.astype(xp.float32)
    if inside is not None:
        weight = inside.astype(xp.float32)
        value *= weight
        convolve(weight, taps, True)
    convolve(value, taps, True)
    if inside is not None:
        value /= xp.maximum(weight, xp.float32(1e-6))
        value = xp.where(inside != 0, value, xp.float32(0))
    return xp.floor(value + xp.float32(0.5)).astype(xp.int32)
