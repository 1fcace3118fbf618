"""The trilinear hexahedron with full integration: the matrices from which everything else is made.

Corners count 4 z + 2 y + x, degrees of freedom 3 corner + component. Edge length 1, modulus 1: the stiffness
in N/mm of a voxel is its modulus in MPa times its edge in mm times this matrix.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from trabsim.backends.elastic import WEIGHTS
from trabsim.errors import MechanicsError


def check_poisson(poisson: float) -> float:
    """Give Poisson's ratio if a stable isotropic material can have it.

    Raises
    ------
    MechanicsError
        It lies outside -1 to 0.5, ends excluded.
    """
    if not -1.0 < poisson < 0.5:
        raise MechanicsError(
            f"Poisson's ratio is {poisson}: give a number above -1 and below 0.5, bone has 0.3"
        )
    return float(poisson)


def elasticity_matrix(poisson: float) -> NDArray[np.float64]:
    """Stress from strain for modulus 1, shape (6, 6).

    Order xx, yy, zz, yz, xz, xy (Voigt); shear strains are engineering strains, twice the tensor's.
    """
    lam = poisson / ((1 + poisson) * (1 - 2 * poisson))
    mu = 0.5 / (1 + poisson)
    matrix = np.diag([2 * mu] * 3 + [mu] * 3)
    matrix[:3, :3] += lam
    return matrix


@cache
def stiffness_matrix(poisson: float) -> NDArray[np.float64]:
    """Stiffness of the unit cube of modulus 1 by 2 x 2 x 2 Gauss points, shape (24, 24)."""
    elasticity = elasticity_matrix(poisson)
    total = np.zeros((24, 24))
    for point in np.ndindex(2, 2, 2):
        z, y, x = (2 * np.array(point) - 1) / math.sqrt(3)
        strain = strain_matrix(x, y, z)
        total += strain.T @ elasticity @ strain / 8
    return (total + total.T) / 2


def strain_matrix(x: float, y: float, z: float) -> NDArray[np.float64]:
    """Strain at a point (-1 to 1 along each axis) from corner displacements of the unit cube, shape (6, 24)."""
    strain = np.zeros((6, 24))
    for corner in range(8):
        sx, sy, sz = (2 * (corner >> axis & 1) - 1 for axis in range(3))
        dx = sx * (1 + sy * y) * (1 + sz * z) / 4
        dy = sy * (1 + sx * x) * (1 + sz * z) / 4
        dz = sz * (1 + sx * x) * (1 + sy * y) / 4
        strain[:, 3 * corner : 3 * corner + 3] = [
            [dx, 0, 0], [0, dy, 0], [0, 0, dz], [0, dz, dy], [dz, 0, dx], [dy, dx, 0]
        ]  # fmt: skip
    return strain


@cache
def octant_interpolation() -> NDArray[np.float64]:
    """Weights of a cell's corners at the corners of each of its octants, shape (8, 8, 8)."""
    weights = np.empty((8, 8, 8))
    for octant, corner in np.ndindex(8, 8):
        place = [(octant >> bit & 1) + (corner >> bit & 1) for bit in (2, 1, 0)]
        weights[octant, corner] = WEIGHTS[9 * place[0] + 3 * place[1] + place[2]]
    return weights


@cache
def octant_matrices(poisson: float) -> NDArray[np.float64]:
    """Stiffness of each octant of a cell in terms of the cell's corners, for voxels of edge 1: (8, 24, 24)."""
    k = stiffness_matrix(poisson)
    spread = [np.kron(weights, np.eye(3)) for weights in octant_interpolation()]
    return np.stack([t.T @ k @ t for t in spread])


@cache
def largest_block_eigenvalue(poisson: float) -> float:
    """Bound on the eigenvalues of any sum of these elements preconditioned by its diagonal 3 x 3 blocks.

    That of one element bounds that of any mesh. Rounded up, so that it does not depend on the last bit.
    """
    k = stiffness_matrix(poisson)
    blocks = k * np.kron(np.eye(8), np.ones((3, 3)))
    values = np.linalg.eigvals(np.linalg.solve(blocks, k)).real
    return math.ceil(1000 * float(values.max()) + 0.5) / 1000
