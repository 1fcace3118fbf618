"""Bodies whose measurements are known, and seeded random bone, for the tests of morphometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def coordinates(shape: tuple[int, int, int]) -> tuple[NDArray[np.float64], ...]:
    """Voxel centers relative to the middle of the volume, in voxels."""
    return tuple(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in shape], indexing="ij", sparse=True))


def ball(radius: float, size: int, offset: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> NDArray[np.bool_]:
    z, y, x = coordinates((size, size, size))
    return (z - offset[0]) ** 2 + (y - offset[1]) ** 2 + (x - offset[2]) ** 2 < radius**2


def random_bone(shape: tuple[int, int, int], fraction: float = 0.25, seed: int = 1, blur: float = 2.0):
    """Connected-looking random bone: smoothed noise above a threshold."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), blur)
    return noise > np.quantile(noise, 1 - fraction)


def stretched_noise(size: int, axis: tuple[float, float, float], stretch: float, seed: int):
    """Level set of a Gaussian random field whose correlation is `stretch` times longer along `axis`.

    By Rice's formula the surface is crossed by lines along u in proportion to sqrt(u.G.u), with G the
    covariance of the gradient, so its mean intercept lengths lie on an ellipsoid with axes in the ratio
    `stretch`.
    """
    white = np.random.default_rng(seed).normal(size=(size, size, size))
    waves = np.stack(np.meshgrid(*[2 * np.pi * np.fft.fftfreq(size)] * 3, indexing="ij"), axis=-1)
    along = waves @ (np.array(axis) / np.linalg.norm(axis))
    square = (waves**2).sum(axis=-1) + (stretch**2 - 1) * along**2
    return np.fft.ifftn(np.fft.fftn(white) * np.exp(-square * 9.0)).real > 0
