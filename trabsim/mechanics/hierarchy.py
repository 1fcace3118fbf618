"""The levels of the multigrid: voxels, cells of 2 x 2 x 2, cells of those, down to a handful.

Every coarse operator is the Galerkin one: the energy of a coarse field is that of its interpolation. Two struts
that share a coarse cell but do not touch stay apart (see :mod:`trabsim.mechanics._topology`), so thin bone is
not stiffened by its coarse picture. The finest level and the first coarse one are applied without a matrix,
coarser ones are rows of 3 x 3 blocks, and the last is factored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.backends.elastic import WEIGHTS, Apply, ElasticLoops
from trabsim.mechanics import _assembly, _topology
from trabsim.mechanics.element import (
    largest_block_eigenvalue,
    octant_interpolation,
    octant_matrices,
    stiffness_matrix,
)
from trabsim.mechanics.mesh import Faces, Mesh, fixed_on_faces

MOST_FACTORED = 600  # degrees of freedom of a level that is factored
SHIFT = 1e-6  # of its diagonal, added before factoring, so that hinges and rigid motions stay finite
POWER_STEPS, MARGIN = 15, 1.15


@dataclass
class Level:
    """One level: arrays of the device, but for ``factored``.

    Attributes
    ----------
    nodes : int
    apply : callable(u, out), or None where factored
    inverse : float32 array, shape (nodes, 6)
    largest : float
        Bound on the eigenvalues of the operator preconditioned by ``inverse``.
    fixed : uint8 array, shape (nodes,)
    to_coarse : tuple, or None on the last level
        ``(start, child, halvings)`` of the restriction.
    from_coarse : tuple, or None on the last level
        ``(parent, place, corners)`` of the interpolation.
    factored : float64 array, or None
    """

    nodes: int
    apply: Apply | None
    inverse: Any
    largest: float
    fixed: Any
    to_coarse: tuple[Any, Any, Any] | None = None
    from_coarse: tuple[Any, Any, Any] | None = None
    factored: NDArray[np.float64] | None = None


@dataclass
class _Elements:
    """Elements of one level on the host."""

    shape: tuple[int, ...]
    cells: NDArray[np.int32]
    corners: NDArray[np.int32]
    nodes: int


@dataclass
class _Step:
    """What joining elements gives: coarse elements, transfers, and children of each coarse element."""

    coarse: _Elements
    parent: NDArray[np.int32]
    order: NDArray[np.int64]
    start: NDArray[np.int64]
    to_coarse: tuple[Any, Any, Any]
    from_coarse: tuple[Any, Any, Any]


def build_levels(mesh: Mesh, faces: Faces, poisson: float, backend: Any) -> list[Level]:
    """Make all levels of a mesh.

    Parameters
    ----------
    mesh : Mesh
    faces : mapping
        Prescribed directions, see :data:`trabsim.mechanics.mesh.Faces`.
    poisson : float
    backend : Backend

    Returns
    -------
    list of Level
        The finest first.
    """
    loops = backend.elastic
    z, y, x = np.unravel_index(mesh.voxels, mesh.shape)
    cells = np.stack([z, y, x], axis=1).astype(np.int32)
    del z, y, x
    corners = np.repeat(mesh.rows, 2, axis=1)
    corners[:, 1::2] += 1
    fine = _Elements(mesh.shape, cells, corners, len(mesh.nodes))
    step = _join(fine)
    levels = [_voxel_level(mesh, poisson, loops, backend)]
    _connect(levels, step, backend)
    moduli = np.zeros((len(step.coarse.cells), 8), np.float32)
    moduli[step.parent, 4 * (cells[:, 0] & 1) + 2 * (cells[:, 1] & 1) + (cells[:, 2] & 1)] = mesh.modulus
    first = step.coarse
    del fine, cells, corners, step
    positions = np.zeros((3, first.nodes), np.int32)
    for k in range(8):
        for axis in range(3):
            positions[axis, first.corners[:, k]] = 2 * (first.cells[:, axis] + (k >> (2 - axis) & 1))
    fixed = fixed_on_faces(positions, mesh.shape, faces)
    levels.append(_octant_level(first, moduli, fixed, poisson, loops, backend))
    elements, matrices = first, None
    while True:
        step = _join(elements)
        _connect(levels, step, backend)
        coarse = np.empty((len(step.coarse.cells), 24, 24), np.float32)
        children = (step.order, step.start, elements.cells)
        if matrices is None:
            _assembly.coarsen_octants(
                *children, elements.corners, fixed, moduli, octant_matrices(poisson), octant_interpolation(),
                coarse,
            )  # fmt: skip
        else:
            _assembly.coarsen_elements(*children, matrices, octant_interpolation(), coarse)
        elements, matrices = step.coarse, coarse
        if 3 * elements.nodes <= MOST_FACTORED:
            full = np.zeros((3 * elements.nodes,) * 2)
            _assembly.assemble_dense(elements.corners, matrices, full)
            _assembly.factor(full, SHIFT)
            nothing = backend.from_numpy(np.zeros(0, np.uint8))
            levels.append(Level(elements.nodes, None, None, 0.0, nothing, factored=full))
            return levels
        levels.append(_block_level(elements, matrices, loops, backend))
        if max(elements.shape) == 1:
            return levels


def _join(fine: _Elements) -> _Step:
    """Join elements two by two by two, keeping apart what does not touch."""
    shape = tuple((n + 1) // 2 for n in fine.shape)
    half = fine.cells >> 1
    key = (half[:, 0].astype(np.int64) * shape[1] + half[:, 1]) * shape[2] + half[:, 2]
    order = np.argsort(key, kind="stable")
    rising = key[order]
    groups = np.flatnonzero(np.concatenate([[True], rising[1:] != rising[:-1], [True]]))
    del key, rising
    parent = np.empty(len(order), np.int32)
    n = _topology.split_cells(order, groups, fine.corners, parent)
    cells = np.empty((n, 3), np.int32)
    cells[parent] = half
    del half
    order = np.argsort(parent, kind="stable")
    start = np.searchsorted(parent[order], np.arange(n + 1))
    node_parent, place = np.empty(fine.nodes, np.int32), np.empty(fine.nodes, np.uint8)
    corners = np.empty((n, 8), np.int32)
    nodes = _topology.coarse_corners(fine.cells, fine.corners, parent, cells, node_parent, place, corners)
    counts = np.zeros(nodes + 1, np.int64)
    transfer = (node_parent, place, corners, WEIGHTS)
    _topology.transpose(*transfer, counts, np.empty(0, np.int32), np.empty(0, np.uint8))
    first = np.cumsum(counts)
    child, halvings = np.empty(first[-1], np.int32), np.empty(first[-1], np.uint8)
    _topology.transpose(*transfer, first, child, halvings)
    return _Step(
        _Elements(shape, cells, corners, nodes), parent, order, start,
        (first, child, halvings), (node_parent, place, corners),
    )  # fmt: skip


def _connect(levels: list[Level], step: _Step, backend: Any) -> None:
    """Give the last level its transfers to the next."""
    levels[-1].to_coarse = tuple(backend.from_numpy(a) for a in step.to_coarse)  # type: ignore[assignment]
    levels[-1].from_coarse = tuple(backend.from_numpy(a) for a in step.from_coarse)  # type: ignore[assignment]


def _voxel_level(mesh: Mesh, poisson: float, loops: ElasticLoops, backend: Any) -> Level:
    k = stiffness_matrix(poisson)
    diagonal = np.zeros((len(mesh.nodes), 6), np.float32)
    block = np.array([k[0, 0], k[0, 1]], np.float32)
    _assembly.voxel_diagonal(mesh.rows, mesh.modulus, mesh.layers, diagonal, block)
    _assembly.invert_diagonal(diagonal, mesh.fixed)
    apply = loops.voxels(mesh.rows, mesh.modulus, mesh.layers, mesh.fixed, poisson)
    return Level(
        len(mesh.nodes), apply, backend.from_numpy(diagonal), largest_block_eigenvalue(poisson),
        backend.from_numpy(mesh.fixed),
    )  # fmt: skip


def _octant_level(
    elements: _Elements, moduli: Any, fixed: Any, poisson: float, loops: ElasticLoops, backend: Any
) -> Level:
    diagonal = np.zeros((elements.nodes, 6), np.float32)
    _assembly.octant_diagonal(elements.corners, moduli, octant_matrices(poisson), diagonal)
    _assembly.invert_diagonal(diagonal, fixed)
    layers = np.searchsorted(elements.cells[:, 0], np.arange(elements.shape[0] + 1)).astype(np.int64)
    apply = loops.octants(elements.corners, moduli, layers, fixed, poisson)
    inverse = backend.from_numpy(diagonal)
    largest = _largest_eigenvalue(apply, inverse, elements.nodes, loops, backend)
    return Level(elements.nodes, apply, inverse, largest, backend.from_numpy(fixed))


def _block_level(elements: _Elements, matrices: Any, loops: ElasticLoops, backend: Any) -> Level:
    n = elements.nodes
    counts = np.zeros(n + 1, np.int64)
    _topology.incidence(elements.corners, counts, np.empty(0, np.int64))
    first = np.cumsum(counts)
    entries = np.empty(first[-1], np.int64)
    _topology.incidence(elements.corners, first, entries)
    start = np.zeros(n + 1, np.int64)
    _topology.neighbors(elements.corners, first, entries, start, np.empty(0, np.int32))
    neighbor = np.empty(start[-1], np.int32)
    _topology.neighbors(elements.corners, first, entries, start, neighbor)
    blocks = np.empty((start[-1], 9), np.float32)
    _assembly.assemble(elements.corners, first, entries, matrices, start, neighbor, blocks)
    own = np.repeat(np.arange(n, dtype=np.int32), np.diff(start)) == neighbor
    diagonal = np.ascontiguousarray(blocks[own][:, [0, 1, 2, 4, 5, 8]])
    fixed = np.zeros(n, np.uint8)
    _assembly.invert_diagonal(diagonal, fixed)
    apply = loops.blocks(start, neighbor, blocks)
    inverse = backend.from_numpy(diagonal)
    largest = _largest_eigenvalue(apply, inverse, n, loops, backend)
    return Level(n, apply, inverse, largest, backend.from_numpy(fixed))


def _largest_eigenvalue(apply: Apply, inverse: Any, nodes: int, loops: ElasticLoops, backend: Any) -> float:
    """Estimate from above by power iteration from a fixed start."""
    xp = backend.xp
    scrambled = np.arange(3 * nodes, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(65536)
    v = backend.from_numpy(
        (scrambled.astype(np.float32) / np.float32(65536) - np.float32(0.5)).reshape(-1, 3)
    )
    q, d = xp.empty_like(v), xp.empty_like(v)
    wide = xp.zeros(v.shape, np.float64)
    largest = 1.0
    for _ in range(POWER_STEPS):
        apply(v, q)
        loops.smooth_first(inverse, q, 1.0, d, d, False)
        loops.turn(1.0, d, 0.0, wide)
        size = math.sqrt(math.fsum(loops.dot(wide, wide)))
        if size == 0:
            return 1.0
        largest = size
        loops.narrow(1.0 / size, wide, v)
    return MARGIN * largest
