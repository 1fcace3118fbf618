"""The schedule of the steady-field solver: host arithmetic that every backend shares.

The field ``c`` solves ``c - length**2 * laplacian(c) = f`` on the voxels of a domain, no flux through its
walls. Written for one voxel with ``n`` neighbors in the domain, ``(1 + length**2 n) c = f + length**2 *
sum(neighbors)``. Voxels have two colors like a chessboard, and each color sees only the other. The cyclic
Chebyshev iteration (Golub and Varga 1961, doi:10.1007/BF01386013) updates one color per sweep, in place::

    c += omega_k * ((f + length**2 * sum(neighbors)) / (1 + length**2 n) - c)

The iteration matrix has a spectral radius of at most ``rho = 6 length**2 / (1 + 6 length**2)`` whatever the
shape of the domain, so the error after k sweeps is bounded beforehand by the Chebyshev polynomial T_k(1 /
rho): no inner products, no tuning, no coarse grids that would join pores across a thin trabecula, and the
same bits on any number of threads. Sweeps grow with the length: about 17 per voxel of length at a tolerance
of 1e-4.

How many sweeps a warm start saves is found by one measurement on the way: the distance already gone from
the guess bounds the error of the guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OUTSIDE = 7  # code of a voxel without a field; 0..6 are the neighbors of a voxel in the domain
LEAST_TOLERANCE = 1e-6  # below this the rounding of float32 fields would show


class Steady(NamedTuple):
    """What a solve did.

    Attributes
    ----------
    iterations : int
        Half sweeps; two of them update every voxel once.
    error : float
        Bound on the error of the field relative to the field, both as root mean square over the domain with
        the diagonal ``1 + length**2 n`` as weight. Never above the tolerance asked for; single voxels were
        always seen within the tolerance times the greatest value.
    minimum, maximum : float
        Range of the field, which is 0 outside the domain, before any clipping.
    """

    iterations: int
    error: float
    minimum: float
    maximum: float


def check_steady_arguments(
    shapes: list[tuple[int, ...]], length_voxels: float, tolerance: float, field_fits: bool
) -> None:
    """Refuse arguments that no solve could serve.

    Raises
    ------
    ValueError
        Shapes differ, the length is not positive, or the tolerance lies outside 1e-6..0.5.
    TypeError
        ``field`` is not a C contiguous float32 array.
    """
    if not field_fits:
        raise TypeError("field must be a C contiguous float32 array: it is solved in place")
    if len(shapes[0]) != 3 or any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"source, domain and field need one three-dimensional shape, not {shapes}")
    if not (0.0 < length_voxels < 1e4):
        raise ValueError(f"length must be positive and below 1e4 voxels, not {length_voxels}")
    if not (LEAST_TOLERANCE <= tolerance <= 0.5):
        raise ValueError(f"tolerance must lie in {LEAST_TOLERANCE}..0.5, not {tolerance}")


class Measure(NamedTuple):
    """How far color 1 has moved since the guess and how large the field is: weighted norms and peaks."""

    change: float
    size: float
    peak_change: float
    peak_size: float


def gather(sums: NDArray[np.float64], peaks: NDArray[np.float64]) -> Measure:
    """Make a measure of partial sums of squares and of peaks.

    Parameters
    ----------
    sums, peaks : float64 array, shape (3, z, half x)
        Taken along y: of the field in color 0, of the field in color 1, of what color 1 has changed.

    Returns
    -------
    Measure
        The order in which the sums are added is fixed.
    """
    change, size = (
        math.sqrt(math.fsum(part.sum(axis=0))) for part in (sums[2], sums[:2].reshape(-1, sums.shape[2]))
    )
    return Measure(change, size, float(peaks[2].max()), float(peaks[:2].max()))


def iterate(
    length_voxels: float,
    tolerance: float,
    sweep: Callable[[int, float], None],
    measure: Callable[[], Measure],
) -> tuple[int, float]:
    """Run half sweeps until the error is bounded by the tolerance.

    Parameters
    ----------
    length_voxels, tolerance : float
    sweep : callable(color, omega)
        Update the voxels of one color (0 or 1) in place.
    measure : callable() -> Measure

    Returns
    -------
    iterations : int
    error : float
        See :class:`Steady`.

    Raises
    ------
    ValueError
        A value of source or guess is not finite.

    Notes
    -----
    Only color 1 of the guess is ever read, so its error ``e`` is all that matters at the start. After n
    sweeps the two colors are iterates n and n - 1, and the error is at most ``sqrt(2) e / T_(n-1)`` in the
    weighted norm. No such theorem holds voxel by voxel, but a single voxel that changed a lot, where the
    rest of the guess was good, sheds its error at the same rate; so the largest change asks for sweeps by
    the same rule.
    """
    rho = 6.0 * length_voxels**2 / (1.0 + 6.0 * length_voxels**2)
    rate = math.acosh(1.0 / rho)
    done, omega, bound = 0, 1.0, None
    until = 1 + math.ceil(math.acosh(8.0) / rate)
    while done < until:
        if done > 0:
            omega = 1.0 / (1.0 - rho * rho * omega / (2.0 if done == 1 else 4.0))
        sweep(done & 1, omega)
        done += 1
        if done == until and bound is None:
            now = measure()
            if not all(math.isfinite(value) for value in now):
                raise ValueError("source or guess holds a value that is not finite")
            growth = math.cosh(min((done - 1) * rate, 700.0))
            # bounds: on the error of the guess from above, on the true field from below
            start = math.sqrt(2.0) * now.change / (1.0 - 1.0 / growth)
            start_peak = now.peak_change / (1.0 - 1.0 / growth)
            field, field_peak = now.size - start / growth, now.peak_size - start_peak / growth
            if field > 0.0 and field_peak > 0.0:
                bound = start / field
                needed = max(bound, start_peak / field_peak, tolerance) / tolerance
                until = max(done, 1 + math.ceil(math.acosh(needed) / rate))
            else:
                until = 2 * done
    assert bound is not None
    return done, bound / math.cosh(min((done - 1) * rate, 700.0))
