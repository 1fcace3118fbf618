"""Small specimens with known mechanics."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from trabsim.backends import get_backend

NUMPY = get_backend("numpy", threads=1)  # small work: a second thread would only wait
E = 10_000.0


def spongy(n=40, share=0.35, seed=0, scale=2.5):
    """Bone-like labyrinth with `n` voxels a side, from smooth noise of a wavelength that is given in voxels."""
    noise = np.random.default_rng(seed).standard_normal((n, n, n))
    smooth = ndimage.gaussian_filter(noise, scale, mode="wrap")
    return smooth > np.quantile(smooth, 1 - share)


def modulus(mask):
    """Bone of modulus E."""
    return np.where(mask, np.float32(E), np.float32(0))
