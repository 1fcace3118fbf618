"""Gray values of a scan, a few planes at a time: smoothing, range, Otsu's threshold.

An 8-bit scan never exists as a whole in floating point.  The Gaussian is nevertheless bit for bit that of the
whole image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.region import Box
from trabsim.tissue.scan_image import SLAB_BYTES, Image

TRUNCATE_SIGMAS = 4.0
"""Where the Gaussian kernel ends, in sigmas; SciPy's default."""

OTSU_BINS = 256
"""Bins of Otsu's histogram for values that are not counted one by one; scikit-image's default."""

MOST_COUNTED = 2**16
"""Integers are counted one by one if they span fewer values than this."""


def slabs(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Ranges of planes that need about `SLAB_BYTES` each in double precision."""
    planes = max(1, SLAB_BYTES // (8 * shape[1] * shape[2]))
    for start in range(0, shape[0], planes):
        yield start, min(start + planes, shape[0])


def smoothed_planes(values: NDArray[Any], sigma: float, box: Box, start: int, stop: int) -> NDArray[Any]:
    """Planes ``start`` to ``stop`` of ``box`` in the Gaussian-smoothed image; plain values for sigma 0.

    Equal to the last bit to ``scipy.ndimage.gaussian_filter(values, sigma, output=float, mode="reflect")``:
    enough voxels on every side are taken along, and each output voxel sums the same numbers in the same
    order.
    """
    slab = Box(box.z0 + start, box.z0 + stop, *box.bounds[2:])
    if sigma == 0:
        return values[slab.slices]
    from scipy.ndimage import gaussian_filter1d

    wide = slab.widened(kernel_radius(sigma), values.shape)
    planes = values[wide.slices]
    for axis in range(3):
        planes = gaussian_filter1d(
            planes, sigma, axis=axis, output=np.float64, mode="reflect", truncate=TRUNCATE_SIGMAS
        )
        first = slab.bounds[2 * axis] - wide.bounds[2 * axis]
        inner = [slice(None)] * 3
        inner[axis] = slice(first, first + slab.shape[axis])
        planes = planes[tuple(inner)]
    return planes


def kernel_radius(sigma: float) -> int:
    """How many voxels the Gaussian reaches; 0 for sigma 0."""
    return int(TRUNCATE_SIGMAS * sigma + 0.5) if 0.0 < sigma < np.inf else 0


def gray_range(image: Image, box: Box, tissue: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Smallest and largest gray value within ``box``, or within its ``tissue`` where given."""
    low, high = np.inf, -np.inf
    for start, stop in slabs(box.shape):
        part = smoothed_planes(image.values, 0.0, box, start, stop)
        part = part if tissue is None else part[tissue[start:stop]]
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
    return low, high


def check_finite(image: Image, box: Box) -> None:
    """Raise SpecimenError if any value within ``box`` is NaN or infinite."""
    if image.values.dtype.kind != "f":
        return
    wrong, first = 0, None
    for start, stop in slabs(box.shape):
        bad = ~np.isfinite(smoothed_planes(image.values, 0.0, box, start, stop))
        count = int(np.count_nonzero(bad))
        if count and first is None:
            z, y, x = (int(i[0]) for i in np.nonzero(bad))
            first = (box.z0 + start + z, box.y0 + y, box.x0 + x)
        wrong += count
    if wrong:
        raise SpecimenError(
            f"{image.source} holds {wrong} values that are NaN or infinite, the first at voxel {first} "
            "(z, y, x): replace them, or choose a region without them"
        )


def otsu_threshold(
    image: Image, box: Box, gaussian: float = 0.0, tissue: NDArray[np.bool_] | None = None
) -> float:
    """Otsu's threshold of the smoothed image within ``box``, or within its ``tissue`` where given.

    Integers that are not smoothed are counted value by value, as scikit-image does; everything else, and
    integers that span 65,536 values or more, in 256 bins between the smallest and the largest value.

    Raises
    ------
    SpecimenError
        If all values are equal.
    """
    from skimage.filters import threshold_otsu

    low, high = gray_range(image, box, tissue)
    if low == high:
        raise SpecimenError(
            f"every voxel of {image.source} has the value {low:g}: nothing to segment, check the scan"
        )

    def parts() -> Iterator[NDArray[Any]]:
        for start, stop in slabs(box.shape):
            planes = smoothed_planes(image.values, gaussian, box, start, stop)
            yield planes.ravel() if tissue is None else planes[tissue[start:stop]]

    if gaussian == 0 and image.values.dtype.kind in "biu" and high - low < MOST_COUNTED:
        counts = np.zeros(int(high - low) + 1, dtype=np.int64)
        for part in parts():
            counts += np.bincount(part.astype(np.int64) - int(low), minlength=counts.size)
        return float(threshold_otsu(hist=(counts, np.arange(int(low), int(high) + 1))))
    if gaussian > 0:
        low, high = np.inf, -np.inf
        for part in parts():
            low, high = min(low, part.min(initial=np.inf)), max(high, part.max(initial=-np.inf))
    counts, edges = np.zeros(OTSU_BINS, dtype=np.int64), np.linspace(low, high, OTSU_BINS + 1)
    for part in parts():
        counts += np.histogram(part, bins=OTSU_BINS, range=(low, high))[0]
    return float(threshold_otsu(hist=(counts, (edges[1:] + edges[:-1]) / 2)))
