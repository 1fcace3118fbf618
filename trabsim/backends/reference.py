"""What each primitive means, in plain NumPy: short, slow, and the measure of every faster version."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.backends.area import surface_area
from trabsim.backends.steady import Measure, Steady, check_steady_arguments, gather, iterate

_LOW = 0xFFFFFFFF
_WEYL_0, _WEYL_1 = 0x9E3779B9, 0xBB67AE85
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WORD = np.uint64(32)
_MASK = np.uint64(_LOW)

Words = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]


def philox_key(seed: int, stream: int) -> tuple[int, int]:
    """Give the two 32-bit key words of a seed (modulo 2**64) and a stream number.

    The stream is multiplied by an odd number before it is mixed in, so that no two streams of a seed share
    a key.
    """
    return seed & _LOW, ((seed >> 32) & _LOW) ^ ((stream * _WEYL_0) & _LOW)


def philox4x32(counter: Words, key: tuple[int, int]) -> Words:
    """Run ten rounds of Philox4x32 on four counter words (uint64 arrays that hold 32 bits each).

    Salmon et al. 2011, doi:10.1145/2063384.2063405.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product_0, product_1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> _WORD) ^ c1 ^ np.uint64(k0),
            product_1 & _MASK,
            (product_0 >> _WORD) ^ c3 ^ np.uint64(k1),
            product_0 & _MASK,
        )
        k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


def uniform2(
    seed: int, stream: int, day: int, ids: Any, draw: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """See :meth:`trabsim.backends.base.Backend.uniform2`."""
    ids = np.asarray(ids, np.int64).astype(np.uint64)
    day_word = np.full(ids.shape, day & _LOW, np.uint64)
    draw_word = np.full(ids.shape, draw & _LOW, np.uint64)
    words = philox4x32((ids & _MASK, ids >> _WORD, day_word, draw_word), philox_key(seed, stream))
    return _fraction(words[0], words[1]), _fraction(words[2], words[3])


def uniform(seed: int, stream: int, day: int, ids: Any, draw: int = 0) -> NDArray[np.float64]:
    """See :meth:`trabsim.backends.base.Backend.uniform`."""
    return uniform2(seed, stream, day, ids, draw)[0]


def _fraction(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Make a float64 in [0, 1) of 27 and 26 bits of two words; exact, so every library agrees."""
    bits = ((high >> np.uint64(5)) << np.uint64(26)) | (low >> np.uint64(6))
    return bits.astype(np.float64) * 2.0**-53


def scatter_add(target: NDArray[Any], index: Any, values: Any) -> None:
    """See :meth:`trabsim.backends.base.Backend.scatter_add`."""
    np.add.at(target.reshape(-1), np.asarray(index), np.asarray(values, target.dtype))


def scatter_min(target: NDArray[Any], index: Any, values: Any) -> None:
    """See :meth:`trabsim.backends.base.Backend.scatter_min`."""
    np.minimum.at(target.reshape(-1), np.asarray(index), np.asarray(values, target.dtype))


def surface(
    bone: NDArray[np.int32], full: int, tissue: Any = None, smoothing_voxels: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """See :meth:`trabsim.backends.base.Backend.surface`; how area is shared out is told in ``area``."""
    inside = np.ones(bone.shape, bool) if tissue is None else np.asarray(tissue) != 0
    solid = (2 * bone.astype(np.int64) >= full) & inside
    marrow = np.pad((2 * bone.astype(np.int64) < full) & inside, 1)  # beyond the lattice there is no marrow
    near_marrow = np.zeros(bone.shape, bool)
    for offset in np.ndindex(3, 3, 3):
        near_marrow |= marrow[tuple(slice(o, o + n) for o, n in zip(offset, bone.shape))]
    found = (solid & near_marrow).astype(np.uint8)
    region = None if tissue is None else inside.astype(np.uint8)
    area = surface_area(np, bone, full, region, found, smoothing_voxels, convolve, share)
    return np.flatnonzero(found), area


def convolve(values: NDArray[np.float32], taps: NDArray[np.float32], clamp: bool) -> None:
    """Convolve in place along x, then y, then z, adding up in the order of the taps."""
    reach = len(taps) // 2
    for axis in (2, 1, 0):
        widths = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(values, widths, mode="edge" if clamp else "symmetric")
        total = np.zeros_like(values)
        for k, tap in enumerate(taps):
            window = [slice(None)] * 3
            window[axis] = slice(k, k + values.shape[axis])
            total = total + tap * padded[tuple(window)]
        values[...] = total


def share(smooth: NDArray[np.int32], inside: Any, number: NDArray[np.float32], scale: float) -> None:
    """Write the variation of `smooth`, times `scale` and over `number`, into `number` where it is positive.

    Outside the tissue there is none.
    """
    if inside is not None:
        number[inside == 0] = 0
    variation = smoothed_variation(smooth, inside).astype(np.float64)
    length = np.sqrt((variation**2).sum(axis=0))  # whole numbers below 2**53: their sum has no order
    wanted = number > 0
    number[wanted] = length[wanted] * scale / number[wanted].astype(np.float64)


def smoothed_variation(values: NDArray[np.int32], inside: Any = None) -> NDArray[np.int64]:
    """Variation along z, y, x: ``|s(+1) - s(0)| + |s(0) - s(-1)|`` of values smoothed across by [1, 2, 1]².

    A neighbor outside the lattice takes the value of the nearest voxel in it, one outside the tissue that of
    the center. On a slope this is the Sobel gradient; on thin bone both faces count instead of canceling.
    """
    matrix = values.astype(np.int64)
    clamped = np.pad(matrix, 1, mode="edge")
    known = np.pad(np.ones(values.shape, bool) if inside is None else np.asarray(inside) != 0, 1, mode="edge")
    planes = np.zeros((3, 3, *values.shape), np.int64)  # axis, place along it: smoothed across
    for offset in np.ndindex(3, 3, 3):
        window = tuple(slice(o, o + n) for o, n in zip(offset, values.shape))
        value = np.where(known[window], clamped[window], matrix)
        smooth = 2 - np.abs(np.array(offset) - 1)  # 1, 2, 1
        for axis in range(3):
            planes[axis, offset[axis]] += int(smooth[axis - 1] * smooth[axis - 2]) * value
    return np.asarray(np.abs(np.diff(planes, axis=1)).sum(axis=1))


def distance_transform(mask: Any) -> NDArray[np.float32]:
    """See :meth:`trabsim.backends.base.Backend.distance_transform`."""
    from scipy import ndimage

    mask = np.asarray(mask) != 0
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    return ndimage.distance_transform_edt(mask).astype(np.float32)


def components(mask: Any, connectivity: int = 6) -> tuple[NDArray[np.int32], int]:
    """See :meth:`trabsim.backends.base.Backend.components`."""
    from scipy import ndimage

    labels, n = ndimage.label(
        np.asarray(mask) != 0, ndimage.generate_binary_structure(3, {6: 1, 26: 3}[connectivity])
    )
    found, first = np.unique(labels, return_index=True)
    order = found[found > 0][np.argsort(first[found > 0])]
    canonical = np.zeros(n + 1, np.int32)
    canonical[order] = np.arange(1, n + 1)
    return canonical[labels], int(n)


def solve_steady(
    source: Any, domain: Any, length_voxels: float, field: NDArray[np.float32], tolerance: float = 1e-4
) -> Steady:
    """See :meth:`trabsim.backends.base.Backend.solve_steady`; the method is told in ``steady``."""
    fits = isinstance(field, np.ndarray) and field.dtype == np.float32 and field.flags.c_contiguous
    source, inside = np.asarray(source, np.float32), np.asarray(domain) != 0
    check_steady_arguments([field.shape, source.shape, inside.shape], length_voxels, tolerance, fits)
    forcing = np.where(inside, source, np.float32(0))
    if not forcing.any():
        field[...] = 0
        return Steady(0, 0.0, 0.0, 0.0)
    guess = np.where(inside, field, np.float32(0))
    c = guess.copy()
    length2 = np.float32(length_voxels * length_voxels)
    below, above, front, back, left, right = _six_neighbors(inside.astype(np.float32))
    diagonal = np.float32(1) + length2 * (below + above + front + back + left + right)
    odd = np.indices(inside.shape).sum(axis=0) % 2 == 1
    color_of = [inside & ~odd, inside & odd]

    def sweep(color: int, omega: float) -> None:
        below, above, front, back, left, right = _six_neighbors(c)
        around = ((below + above) + (front + back)) + (left + right)
        target = (forcing + length2 * around) / diagonal
        np.copyto(c, c + np.float32(omega) * (target - c), where=color_of[color])

    def measure() -> Measure:
        weight = np.where(inside, diagonal.astype(np.float64), 0.0)
        value = c.astype(np.float64)
        parts = [value * ~odd, value * odd, (value - guess.astype(np.float64)) * odd]
        sums = np.stack([_along_y(np.add, (part * part) * weight) for part in parts])
        return gather(sums, np.stack([_along_y(np.maximum, np.abs(part)) for part in parts]))

    iterations, error = iterate(length_voxels, tolerance, sweep, measure)
    field[...] = c
    return Steady(iterations, error, float(c.min()), float(c.max()))


def _six_neighbors(c: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Give the values before and after every voxel along z, y, x; zero beyond the lattice."""
    around = np.pad(c, 1)
    middle = slice(1, -1)
    shifts = [
        (slice(None, -2), middle, middle), (slice(2, None), middle, middle),
        (middle, slice(None, -2), middle), (middle, slice(2, None), middle),
        (middle, middle, slice(None, -2)), (middle, middle, slice(2, None)),
    ]  # fmt: skip
    return [around[shift] for shift in shifts]


def _along_y(combine: np.ufunc, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Combine one color along y, row by row; of two neighbors along x one is of the other color, hence 0."""
    pairs = np.pad(values, ((0, 0), (0, 0), (0, values.shape[2] % 2)))
    pairs = pairs[..., 0::2] + pairs[..., 1::2]
    total = np.zeros((pairs.shape[0], pairs.shape[2]))
    for y in range(pairs.shape[1]):
        total = combine(total, pairs[:, y])
    return total
