"""A rough trabecular thickness, to judge a voxel size by.  Morphometry measures properly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STAIRCASE = 1.5
"""Area of the voxel faces over that of the smooth surface, mean of |nx| + |ny| + |nz| over all directions."""


def plate_thickness_um(
    bone: NDArray[np.bool_], spacing_um: tuple[float, float, float], tissue: NDArray[np.bool_] | None = None
) -> float | None:
    """Thickness of plates with the specimen's volume and surface, 2 BV/BS.

    BS is the area of voxel faces between bone and marrow divided by 3/2, the excess of a staircase over a
    surface that looks in all directions equally.  Faces at the edge of the specimen are not surface.

    Parameters
    ----------
    bone : ndarray of bool, shape (z, y, x)
        The specimen.
    spacing_um : (z, y, x)
        Voxel size in um.
    tissue : ndarray of bool, shape (z, y, x), optional
        Where the specimen is.

    Returns
    -------
    float or None
        In um; None where there is no surface.

    References
    ----------
    Parfitt AM et al. (1983) J Clin Invest 72:1396-1409. doi:10.1172/JCI111096
    """
    z_um, y_um, x_um = spacing_um
    surface = 0.0
    for plane in range(bone.shape[0]):
        now = bone[plane]
        here = None if tissue is None else tissue[plane]
        if plane:
            before = None if tissue is None else tissue[plane - 1]
            surface += _faces(now, bone[plane - 1], here, before) * y_um * x_um
        surface += _faces(now[1:], now[:-1], _cut(here, 0, 1), _cut(here, 0, -1)) * z_um * x_um
        surface += _faces(now[:, 1:], now[:, :-1], _cut(here, 1, 1), _cut(here, 1, -1)) * z_um * y_um
    if surface == 0:
        return None
    volume = float(np.count_nonzero(bone)) * z_um * y_um * x_um
    return 2.0 * volume / (surface / STAIRCASE)


Plane = NDArray[np.bool_]


def _faces(a: Plane, b: Plane, tissue_a: Plane | None, tissue_b: Plane | None) -> int:
    """Number of neighbors of which one is bone and the other marrow."""
    different = a != b
    if tissue_a is not None and tissue_b is not None:
        different &= tissue_a & tissue_b
    return int(np.count_nonzero(different))


def _cut(plane: Plane | None, axis: int, end: int) -> Plane | None:
    """The plane without its first (1) or last (-1) line."""
    if plane is None:
        return None
    part = slice(1, None) if end > 0 else slice(None, -1)
    return plane[part] if axis == 0 else plane[:, part]
