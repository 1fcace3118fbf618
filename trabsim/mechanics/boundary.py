"""What is done to the faces of a specimen: plates that compress it, and the six unit strains."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import MechanicsError
from trabsim.mechanics.mesh import Mesh

Boundary = Literal["bonded", "frictionless", "confined"]

BOUNDARIES = ("bonded", "frictionless", "confined")
AXES = "zyx"
#: Order of strains and stresses everywhere; shear strains are engineering strains, twice the tensor's.
VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")
_ALL = 7


def axis_number(axis: str) -> int:
    """Give 0, 1, 2 for z, y, x.

    Raises
    ------
    MechanicsError
        No such axis.
    """
    if axis not in AXES or len(axis) != 1:
        raise MechanicsError(f"axis {axis!r}: choose z, y or x")
    return AXES.index(axis)


def plate_faces(boundary: str, axis: int) -> dict[tuple[int, int], int]:
    """Prescribed directions under compression between two plates.

    Parameters
    ----------
    boundary : {"bonded", "frictionless", "confined"}
        Bonded: bone sticks to both plates. Frictionless: it slides on them. Confined: it slides, and the side
        faces cannot move along their normals either.
    axis : int
        0, 1, 2 for z, y, x.

    Returns
    -------
    dict
        See :data:`trabsim.mechanics.mesh.Faces`.

    Raises
    ------
    MechanicsError
        No such boundary.
    """
    if boundary not in BOUNDARIES:
        raise MechanicsError(f"boundary {boundary!r}: choose one of {', '.join(BOUNDARIES)}")
    faces = {(axis, side): _ALL if boundary == "bonded" else _normal(axis) for side in (0, 1)}
    if boundary == "confined":
        faces |= {(other, side): _normal(other) for other in range(3) if other != axis for side in (0, 1)}
    return faces


def _normal(axis: int) -> int:
    return 4 >> axis  # z is bit 4, y bit 2, x bit 1


def compressed(mesh: Mesh, axis: int, strain: float) -> NDArray[np.float64]:
    """Displacements in voxels of a homogeneous compression: right on both plates, a guess between them."""
    u = np.zeros((len(mesh.nodes), 3))
    at = np.unravel_index(mesh.nodes, mesh.node_shape)[axis]
    u[:, 2 - axis] = -strain * at
    return u


ALL_FACES = {(axis, side): _ALL for axis in range(3) for side in (0, 1)}


def strain_tensor(strain: Any) -> NDArray[np.float64]:
    """Give the symmetric tensor (x, y, z) of six strains in the order of :data:`VOIGT`."""
    xx, yy, zz, yz, xz, xy = (float(value) for value in strain)
    return np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])


def strained(mesh: Mesh, strain: Any) -> NDArray[np.float64]:
    """Displacements in voxels of a homogeneous strain of six components (:data:`VOIGT`)."""
    return mesh.positions() @ strain_tensor(strain)
