"""Displacements kept from one solve to the next, while bone is lost and gained in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import MechanicsError
from trabsim.mechanics.mesh import Mesh

_ROUNDS = 2  # new nodes farther than so many voxels from old ones keep the homogeneous guess


@dataclass(frozen=True)
class Displacements:
    """Displacements of a solve; plain arrays of the host, fit for a checkpoint.

    Attributes
    ----------
    node_shape : tuple of int
        Lattice of nodes, (z + 1, y + 1, x + 1).
    nodes : int64 array, shape (nodes,)
        Raveled positions, rising.
    values : float32 array, shape (cases, nodes, 3)
        x, y, z in voxels.
    """

    node_shape: tuple[int, int, int]
    nodes: NDArray[np.int64]
    values: NDArray[np.float32]


def carry_over(
    old: Displacements, case: int, mesh: Mesh, homogeneous: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Guess the displacements of a mesh from those of an earlier one.

    Nodes that were there keep theirs; a new node takes the homogeneous field plus the mean of what its
    neighbors deviate from it.

    Parameters
    ----------
    old : Displacements
    case : int
        Which of its cases.
    mesh : Mesh
    homogeneous : float64 array, shape (nodes, 3)
        Homogeneous field on ``mesh``, as prescribed on its faces.

    Returns
    -------
    float64 array, shape (nodes, 3)
        Equal to ``homogeneous`` in prescribed directions.

    Raises
    ------
    MechanicsError
        The lattices differ.
    """
    if tuple(old.node_shape) != mesh.node_shape:
        raise MechanicsError(
            f"displacements of a lattice of {old.node_shape} nodes cannot start one of {mesh.node_shape}"
        )
    at = np.searchsorted(old.nodes, mesh.nodes)
    at[at == old.nodes.size] = 0
    known = old.nodes[at] == mesh.nodes
    deviation = np.where(known[:, None], old.values[case][at].astype(np.float64) - homogeneous, 0.0)
    for _ in range(_ROUNDS):
        known = _spread(mesh, deviation, known)
    for c in range(3):
        deviation[(mesh.fixed >> c & 1) != 0, c] = 0
    return homogeneous + deviation


def _spread(mesh: Mesh, deviation: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give unknown nodes the mean of their known neighbors; say which are known then."""
    unknown = np.flatnonzero(~known)
    total, count = np.zeros((unknown.size, 3)), np.zeros(unknown.size)
    position = mesh.nodes[unknown]
    _nz, ny, nx = mesh.node_shape
    for dz, dy, dx in np.ndindex(3, 3, 3):
        # a step over the edge of the lattice lands on a far node: no harm, it is a guess
        there = position + ((dz - 1) * ny + dy - 1) * nx + dx - 1
        at: Any = np.minimum(np.searchsorted(mesh.nodes, there), mesh.nodes.size - 1)
        good = (mesh.nodes[at] == there) & known[at]
        total[good] += deviation[at[good]]
        count[good] += 1
    found = count > 0
    deviation[unknown[found]] = total[found] / count[found, None]
    known = known.copy()
    known[unknown[found]] = True
    return known
