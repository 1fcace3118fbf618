"""Which polygons separate bone from marrow in a cube of eight grid points, derived.

Corner (dz, dy, dx) of the cube is number ``4 dz + 2 dy + dx``, and bit of the same number in a
configuration's code.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CORNERS: NDArray[np.int64] = np.array([(dz, dy, dx) for dz in range(2) for dy in range(2) for dx in range(2)])
# The twelve edges as pairs of corners.
EDGES: NDArray[np.int64] = np.array(
    [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 1]
)
_EDGE_NUMBER = {frozenset(map(int, pair)): number for number, pair in enumerate(EDGES)}
LOOP_TABLE_WIDTH = 17


def _faces() -> list[list[int]]:
    """Corners of the six faces, counterclockwise as seen from outside in (z, y, x) coordinates."""
    faces = []
    for axis in range(3):
        for side in range(2):
            outward = np.zeros(3)
            outward[axis] = 2 * side - 1
            members = [corner for corner in range(8) if CORNERS[corner][axis] == side]
            spokes = {corner: CORNERS[corner] - CORNERS[members].mean(axis=0) for corner in members}
            ring = [members[0]]
            while len(ring) < 4:
                here = spokes[ring[-1]]
                ring.append(next(c for c in members if np.dot(np.cross(here, spokes[c]), outward) > 0.1))
            faces.append(ring)
    return faces


_FACES = _faces()


def loops_of(code: int) -> list[list[int]]:
    """Closed polygons of one configuration, each a list of edge numbers, with normals from bone to marrow.

    Where a face has bone at two opposite corners only, the bone is joined across it, as in 26-connected
    bone.  That depends on the face alone, so neighboring cubes agree and the surface has no holes.
    """
    following: dict[int, int] = {}
    for ring in _FACES:
        bone = [bool(code >> corner & 1) for corner in ring]
        crossed = [_EDGE_NUMBER[frozenset((ring[k], ring[(k + 1) % 4]))] for k in range(4)]
        for k in range(4):
            # Around the face: where the ring enters marrow, the surface cuts that run of marrow off where the
            # ring leaves it.
            if bone[k] and not bone[(k + 1) % 4]:
                leave = next(j % 4 for j in range(k + 1, k + 4) if not bone[j % 4] and bone[(j + 1) % 4])
                following[crossed[leave]] = crossed[k]
    loops = []
    while following:
        first, edge = following.popitem()
        loop = [first]
        while edge != first:
            loop.append(edge)
            edge = following.pop(edge)
        loops.append(loop)
    return loops


@lru_cache(maxsize=1)
def loop_table() -> NDArray[np.int8]:
    """Polygons of all 256 configurations: rows of ``length, edge, edge, ..., length, edge, ..., 0``."""
    table = np.zeros((256, LOOP_TABLE_WIDTH), np.int8)
    for code in range(256):
        row: list[int] = []
        for loop in loops_of(code):
            row += [len(loop), *loop]
        table[code, : len(row)] = row
    table.flags.writeable = False
    return table
