"""Which voxels carry load, and the numbers of their nodes.

Only bone has elements and only their corners have displacements: bone fills a tenth to a quarter of its box.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import MechanicsError

log = logging.getLogger("trabsim")

#: Prescribed directions per face: (axis 0 = z, 1 = y, 2 = x; side 0 or 1) -> bits 1 = x, 2 = y, 4 = z.
Faces = Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class Mesh:
    """Elements and nodes of a specimen.

    Attributes
    ----------
    shape : tuple of int
        Lattice in voxels, (z, y, x).
    voxels : int64 array, shape (elements,)
        Raveled position of each element in the lattice, rising.
    modulus : float32 array, shape (elements,)
        Relative to ``modulus_MPa``, at most 1.
    modulus_MPa : float
        Largest modulus.
    rows : int32 array, shape (elements, 4)
        Node at the lower x end of the four edges along x, in the order 2 z + y; the other end is one more.
    layers : int64 array, shape (z + 1,)
        First element of each layer.
    nodes : int64 array, shape (nodes,)
        Raveled position of each node in the lattice of (z + 1, y + 1, x + 1), rising.
    fixed : uint8 array, shape (nodes,)
        Prescribed directions: bits 1, 2, 4 for x, y, z.
    left_out, floating_parts : int
        Bone voxels left out because nothing holds them, and the parts they form.
    spanned : tuple of three bool
        Whether connected bone reaches from face to face along z, y, x.
    """

    shape: tuple[int, int, int]
    voxels: NDArray[np.int64]
    modulus: NDArray[np.float32]
    modulus_MPa: float
    rows: NDArray[np.int32]
    layers: NDArray[np.int64]
    nodes: NDArray[np.int64]
    fixed: NDArray[np.uint8]
    left_out: int
    floating_parts: int
    spanned: tuple[bool, bool, bool]

    def warn_of_floating_parts(self) -> None:
        """Log a warning if parts were left out; who solves month after month says so elsewhere."""
        if self.left_out:
            log.warning(
                "%d of %d elements, in %d parts that touch no held face, float and are left out of the mechanics",
                self.left_out, self.left_out + len(self.voxels), self.floating_parts,
            )  # fmt: skip

    @property
    def node_shape(self) -> tuple[int, int, int]:
        """Lattice of nodes, (z + 1, y + 1, x + 1)."""
        nz, ny, nx = self.shape
        return nz + 1, ny + 1, nx + 1

    def positions(self) -> NDArray[np.float64]:
        """Place of every node in voxels, shape (nodes, 3), order x, y, z; 0 is the corner of the lattice."""
        z, y, x = np.unravel_index(self.nodes, self.node_shape)
        return np.stack([x, y, z], axis=1).astype(np.float64)

    def on_face(self, axis: int, side: int) -> NDArray[np.bool_]:
        """Nodes on a face of the lattice; axis 0, 1, 2 is z, y, x."""
        at = np.unravel_index(self.nodes, self.node_shape)[axis]
        return np.asarray(at == (self.shape[axis] if side else 0))


def fixed_on_faces(positions: Any, shape: Any, faces: Faces) -> NDArray[np.uint8]:
    """Prescribed directions of nodes at positions (z, y, x) in a lattice; beyond a face counts as on it."""
    fixed = np.zeros(len(positions[0]), np.uint8)
    for (axis, side), bits in faces.items():
        on = positions[axis] >= shape[axis] if side else positions[axis] <= 0
        fixed[on] |= np.uint8(bits)
    return fixed


def make_mesh(modulus_MPa: Any, faces: Faces, backend: Any, spans: int | None = None) -> Mesh:
    """Number the elements and nodes of a specimen, without parts that float.

    Parameters
    ----------
    modulus_MPa : array, shape (z, y, x)
        Young's modulus of each voxel; zero where there is no bone. Kept as float32.
    faces : mapping
        Prescribed directions, see :data:`Faces`.
    backend : Backend
    spans : int, optional
        Axis (0 = z) between whose faces bone must reach.

    Returns
    -------
    Mesh

    Raises
    ------
    MechanicsError
        The modulus is not finite or negative, there is no bone, or none reaches the faces.
    """
    values = np.asarray(modulus_MPa)
    if values.ndim != 3 or values.size == 0:
        raise MechanicsError(f"moduli have shape {values.shape}: give an array with axes z, y, x")
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0:
        wrong = low if low < 0 else high
        raise MechanicsError(f"a modulus of {wrong} MPa: give numbers above 0, and 0 where there is no bone")
    solid = values > 0
    if high == 0:
        raise MechanicsError("the image holds no bone: check the threshold or the mask")
    keep, left_out, parts, spanned = _held(solid, faces, backend, spans)
    voxels = np.flatnonzero(keep)
    del solid
    relative = (values.reshape(-1)[voxels] / high).astype(np.float32)
    rows, layers, nodes = _number(keep, voxels)
    at = np.unravel_index(nodes, tuple(n + 1 for n in keep.shape))
    fixed = fixed_on_faces(at, keep.shape, faces)
    shape = (keep.shape[0], keep.shape[1], keep.shape[2])
    return Mesh(shape, voxels, relative, high, rows, layers, nodes, fixed, left_out, parts, spanned)


def _held(
    solid: NDArray[np.bool_], faces: Faces, backend: Any, spans: int | None
) -> tuple[NDArray[np.bool_], int, int, tuple[bool, bool, bool]]:
    """Find the parts that share a node with a held face; elements hang together by faces, edges or nodes."""
    labels, n = backend.components(backend.from_numpy(solid), 26)
    labels = backend.to_numpy(labels)
    ends = {(axis, side): set(np.unique(_face(labels, axis, side))) - {0} for axis, side in np.ndindex(3, 2)}
    reached = [bool(ends[axis, 0] & ends[axis, 1]) for axis in range(3)]
    spanned = (reached[0], reached[1], reached[2])
    if spans is not None and not spanned[spans]:
        raise MechanicsError(
            f"no connected bone reaches from face to face along {'zyx'[spans]}: nothing carries the load; "
            "load another axis, or check the threshold"
        )
    held = set().union(*(ends[face] for face in faces))
    if len(held) == n:
        return solid, 0, 0, spanned
    kept = np.zeros(n + 1, bool)
    kept[list(held)] = True
    keep = kept[labels]
    left_out = int(np.count_nonzero(solid) - np.count_nonzero(keep))
    if not held:
        raise MechanicsError("no bone touches a face that is held: nothing carries the load")
    return keep, left_out, n - len(held), spanned


def _face(values: NDArray[Any], axis: int, side: int) -> NDArray[Any]:
    return np.take(values, -1 if side else 0, axis=axis)


def _number(
    keep: NDArray[np.bool_], voxels: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Number nodes in C order of the lattice; give rows, layers and nodes of :class:`Mesh`."""
    nz, ny, nx = keep.shape
    corner = np.zeros((nz + 1, ny + 1, nx + 1), bool)
    for dz, dy, dx in np.ndindex(2, 2, 2):
        corner[dz : dz + nz, dy : dy + ny, dx : dx + nx] |= keep
    number = np.cumsum(corner.reshape(-1), dtype=np.int32)
    number -= 1
    z, y, x = np.unravel_index(voxels, keep.shape)
    rows = np.empty((voxels.size, 4), np.int32)
    for r in range(4):
        rows[:, r] = number[((z + (r >> 1)) * (ny + 1) + y + (r & 1)) * (nx + 1) + x]
    layers = np.searchsorted(z, np.arange(nz + 1)).astype(np.int64)
    return rows, layers, np.flatnonzero(corner.reshape(-1))
