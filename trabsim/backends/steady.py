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
        the diagonal ``1 + length**2 n`` as weight. Never above the tolerance asked for.
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


def norm(squares: NDArray[np.float64]) -> float:
    """Give the norm of partial sums of squares; the order in which they are added is fixed."""
    return math.sqrt(math.fsum(squares.reshape(-1, squares.shape[-1]).sum(axis=0)))


def iterate(
    length_voxels: float,
    tolerance: float,
    sweep: Callable[[int, float], None],
    measure: Callable[[], tuple[float, float]],
) -> tuple[int, float]:
    """Run half sweeps until the error is bounded by the tolerance.

    Parameters
    ----------
    length_voxels, tolerance : float
    sweep : callable(color, omega)
        Update the voxels of one color (0 or 1) in place.
    measure : callable() -> (change, size)
        Norm of what color 1 has changed since the guess, and norm of the field.

    Returns
    -------
    iterations : int
    error : float
        See :class:`Steady`.

    Raises
    ------
    ValueError
        A value of source or guess is not finite.

    Notes ----- Only color 1 of the guess is ever read, so its error ``e`` is all that matters at the start.
    After n sweeps the two colors are iterates n and n - 1, and the error is at most ``sqrt(2) e /
    T_(n-1)``.
    """
    rho = 6.0 * length_voxels**2 / (1.0 + 6.0 * length_voxels**2)
    rate = math.acosh(1.0 / rho)
    done, omega = 0, 1.0
    until = 1 + math.ceil(math.acosh(8.0) / rate)
    while True:
        while done < until:
            if done > 0:
                omega = 1.0 / (1.0 - rho * rho * omega / (2.0 if done == 1 else 4.0))
            sweep(done & 1, omega)
            done += 1
        change, size = measure()
        if not math.isfinite(change) or not math.isfinite(size):
            raise ValueError("source or guess holds a value that is not finite")
        start = change / (1.0 - 1.0 / math.cosh((done - 1) * rate))
        error = math.sqrt(2.0) * start / math.cosh((done - 1) * rate)
        least = size - error  # the true field is at least this large
        if error <= tolerance * least:
            return done, error / least if least > 0.0 else 0.0
        if least <= 0.0:
            until = 2 * done
            continue
        until = 1 + math.ceil(math.acosh(math.sqrt(2.0) * start / (tolerance * least)) / rate)
        for number in range(done, until):
            omega = 1.0 / (1.0 - rho * rho * omega / 4.0)
            sweep(number & 1, omega)
        return until, math.sqrt(2.0) * start / math.cosh((until - 1) * rate) / least
