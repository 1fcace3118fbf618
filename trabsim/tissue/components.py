"""Islands and cavities of a binary specimen.

Bone is connected through voxel faces (6-connected), as force is in voxel finite elements; the marrow is
then connected through faces, edges and corners (26-connected), so that a surface has bone on one side and
marrow on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


def largest_component(bone: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int, int]:
    """The largest 6-connected part of the bone.

    Parameters
    ----------
    bone : ndarray of bool, shape (z, y, x)
        At least one voxel must be True.  Of equally large parts the one met first in (z, y, x) order wins.

    Returns
    -------
    largest : ndarray of bool, shape (z, y, x)
    islands : int
        Number of other parts.
    island_voxels : int
        Their voxels.
    """
    import cc3d

    labels, count = cc3d.connected_components(bone, connectivity=6, return_N=True)
    if count <= 1:
        return bone, 0, 0
    sizes = np.asarray(cc3d.statistics(labels)["voxel_counts"], dtype=np.int64)[1:]
    winner = int(np.argmax(sizes)) + 1
    return labels == winner, int(count) - 1, int(sizes.sum() - sizes[winner - 1])


def enclosed_cavities(
    bone: NDArray[np.bool_], tissue: NDArray[np.bool_] | None = None, connectivity: Literal[6, 26] = 26
) -> tuple[NDArray[np.bool_], int]:
    """Marrow voxels from which no path leads out of the specimen.

    Parameters
    ----------
    bone : ndarray of bool, shape (z, y, x)
        The specimen.
    tissue : ndarray of bool, shape (z, y, x), optional
        Where the specimen is; marrow that touches its edge is open, as is marrow at a face of the box.
    connectivity : {26, 6}
        Whether a path may lead through edges and corners of voxels, or through faces only.

    Returns
    -------
    cavities : ndarray of bool, shape (z, y, x)
    count : int
        Number of separate cavities.
    """
    import cc3d

    labels, count = cc3d.connected_components(~bone, connectivity=connectivity, return_N=True)
    closed = np.ones(int(count) + 1, dtype=bool)
    closed[0] = False
    for axis in range(3):
        for end in (0, -1):
            closed[labels.take(end, axis=axis)] = False
    if tissue is not None:
        closed[labels[~tissue]] = False
    return closed[labels], int(np.count_nonzero(closed))


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Bone after cleaning, and what was found on the way; counts are of parts and of voxels.

    Attributes
    ----------
    bone : ndarray of bool, shape (z, y, x)
    islands, island_voxels : int
        Parts of bone apart from the largest, whether they were dropped or not.
    cavities, cavity_voxels : int
        Closed marrow spaces that were filled.
    """

    bone: NDArray[np.bool_]
    islands: int
    island_voxels: int
    cavities: int
    cavity_voxels: int


def clean(
    bone: NDArray[np.bool_], tissue: NDArray[np.bool_] | None, *, drop_islands: bool, fill_cavities: bool
) -> Cleaned:
    """Drop islands, then fill cavities, each if asked for: `largest_component`, `enclosed_cavities`."""
    largest, islands, island_voxels = largest_component(bone)
    bone = largest if drop_islands else bone
    if not fill_cavities:
        return Cleaned(bone, islands, island_voxels, 0, 0)
    closed, cavities = enclosed_cavities(bone, tissue)
    return Cleaned(bone | closed, islands, island_voxels, cavities, int(np.count_nonzero(closed)))
