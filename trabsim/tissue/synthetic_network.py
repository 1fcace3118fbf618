"""A random network of struts and perforated plates, drawn in space and not on a lattice.

Trabecular bone is cellular: marrow spaces of about equal size, parted by plates with windows and by struts.
The network is a Voronoi tessellation of one random point per unit cell of a randomly turned grid. Its edges
become struts; some of its faces, upright ones first, become plates, most of them with one or two windows. A
smooth random displacement bends both. Vertical struts are thicker than horizontal ones.

Every random number hangs on its grid cell alone (Philox; key = seed and attempt, counter = cell), so neither
the size of the region nor the lattice that later samples it changes the network.

References: Voronoi cells as a model of vertebral trabecular bone: Silva and Gibson 1997,
Bone 21:191.  Rods and plates as its elements: Stauber and Mueller 2006,
doi:10.1007/s00198-005-0025-6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trabsim.tissue.synthetic_grid import (
    DRAW_PLATE,
    DRAW_STRUT,
    DRAW_THICKNESS,
    Floats,
    Grid,
    wrap,
)
from trabsim.tissue.synthetic_shape import NetworkParams
from trabsim.tissue.synthetic_windows import place_windows

Ints = NDArray[np.int64]

REGION_MARGIN = 0.4  # cells beyond the region within which elements are kept: more than they can be bent
POINT_MARGIN = 3.2  # cells beyond the region whose points still shape those elements
PIECES = 3  # along each strut, and from the rim of a plate to its center


@dataclass(frozen=True)
class Network:
    """Struts and plates about the origin, in cells (z, y, x); mapped to um by an affine map.

    Attributes
    ----------
    points : (n, 3) array of float64
        Bent points that all elements share.
    pieces : (m, 3) array of int64
        Corners of the triangles of plates; ends of the segments of struts, the second twice.
    element : (m,) array of int64
        Strut or plate that the piece belongs to, ascending; plates count on after the struts.
    radius : (elements,) array of float64
        Half thickness of each element relative to the mean strut diameter.
    windows : (elements, 2, 2) array of int64
        End points of the axes of up to two windows of each element.
    window_radius : (elements, 2) array of float64
        Their radii in cells, 0 where there is none.
    half : (3,) array of float64
        Half extents of the region that the network fills.
    """

    points: Floats
    pieces: Ints
    element: Ints
    radius: Floats
    windows: Ints
    window_radius: Floats
    half: Floats


def build_network(
    seed: int, attempt: int, half: Floats, stretch: Floats, params: NetworkParams | None = None
) -> Network:
    """Draw the network that fills a region.

    Parameters
    ----------
    seed : int
        Same seed, same network, however large the region.
    attempt : int
        Counts the networks drawn for one seed.
    half : (3,) array of float64
        Half extents of the region about the origin, in cells (z, y, x).
    stretch : (3,) array of float64
        Nominal stretch of the cells along z, y, x; which faces and struts are upright is judged after it.
    params : NetworkParams, optional
        Shape of the elements.

    Returns
    -------
    Network
    """
    from scipy.spatial import Voronoi

    p = params or NetworkParams()
    grid = Grid(seed, attempt, half + POINT_MARGIN)
    inside = (np.abs(grid.points) < half + POINT_MARGIN).all(1)
    cells, draws = grid.points[inside], grid.draws[inside]
    voronoi = Voronoi(cells)
    corners = voronoi.vertices
    shape = _Shape(grid, corners, stretch, p)
    struts: dict[tuple[int, int], tuple[int, ...]] = {}
    rings = voronoi.ridge_vertices
    kept = near_region(corners, rings, half + REGION_MARGIN)
    for n in np.flatnonzero(kept).tolist():
        (a, b), ring = sorted(voronoi.ridge_points[n].tolist()), rings[n]
        for start, end in zip(ring, [*ring[1:], ring[0]], strict=True):
            edge = (min(start, end), max(start, end))
            struts[edge] = tuple(sorted({*struts.get(edge, ()), a, b}))
        normal = (cells[a] - cells[b]) / stretch
        upright = 1.0 - normal[0] ** 2 / (normal * normal).sum()
        numbers = wrap(draws[a] + draws[b])
        # upright is 2/3 on average over all orientations
        if numbers[DRAW_PLATE] < 1.5 * p.plate_fraction * upright:
            shape.plates.append((ordered(ring, corners, cells[b] - cells[a]), numbers))
    shape.add_struts(struts, draws)
    shape.add_plates()
    return shape.network(half)


def ordered(ring: list[int], corners: Floats, normal: Floats) -> list[int]:
    """Corners of a polygon turned to start at the highest and to run one way about `normal`.

    The tessellation lists them in an order that depends on the region.
    """
    first = int(np.argmax(corners[ring, 0]))
    turned = ring[first:] + ring[:first]
    outline = corners[turned]
    area = np.cross(outline[1:-1] - outline[0], outline[2:] - outline[0]).sum(0)
    return turned if (area * normal).sum() > 0.0 else turned[:1] + turned[:0:-1]


def near_region(corners: Floats, rings: list[list[int]], half: Floats) -> NDArray[np.bool_]:
    """Which polygons are bounded and reach into the box of these half extents.

    A polygon that holds an edge reaches at least as far, so every edge in the box comes with all of its
    polygons.
    """
    starts = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])[:-1]])
    index = np.array([corner for ring in rings for corner in ring], dtype=np.int64)
    low = np.minimum.reduceat(corners[index], starts, axis=0)
    high = np.maximum.reduceat(corners[index], starts, axis=0)
    bounded = np.minimum.reduceat(index, starts) >= 0
    return np.asarray(bounded & ((low < half) & (high > -half)).all(1))


class _Shape:
    """Collects points, pieces and windows of a network."""

    def __init__(self, grid: Grid, corners: Floats, stretch: Floats, params: NetworkParams):
        self.grid, self.corners, self.stretch, self.params = grid, corners, stretch, params
        self.plates: list[tuple[list[int], Floats]] = []
        self.points: list[Floats] = []
        self.count = 0
        self.pieces: list[Ints] = []
        self.radius: list[Floats] = []
        self.element: list[Ints] = []
        self.windows: list[tuple[int, int, int, int, float]] = []
        self.elements = 0

    def add_points(self, points: Floats) -> int:
        """Take points over; gives the number of the first."""
        self.points.append(points)
        self.count += len(points)
        return self.count - len(points)

    def thickness(self, number: Floats) -> Floats:
        """Random thickness factor about 1 from uniform numbers."""
        return 1.0 + self.params.thickness_spread_fraction * (2.0 * number - 1.0)

    def add_struts(self, struts: dict[tuple[int, int], tuple[int, ...]], draws: Floats) -> None:
        """Cut every strut into pieces."""
        ends = np.array(list(struts), dtype=np.int64).reshape(-1, 2)
        key = wrap(np.array([draws[list(cells), DRAW_STRUT].sum() for cells in struts.values()]))
        start, end = self.corners[ends[:, 0]], self.corners[ends[:, 1]]
        along = (end - start) * self.stretch
        rise = along[:, 0] ** 2 / np.maximum((along * along).sum(1), 1e-24)
        p = self.params
        flat, upright = p.horizontal_thickness_fraction, p.vertical_thickness_fraction
        lean = flat + (upright - flat) * rise
        steps = np.linspace(0.0, 1.0, PIECES + 1)
        line = start[:, None] + (end - start)[:, None] * steps[:, None]
        first = self.add_points(line.reshape(-1, 3))
        index = first + np.arange(len(ends))[:, None] * (PIECES + 1) + np.arange(PIECES)
        index = index.reshape(-1)
        self.pieces.append(np.stack([index, index + 1, index + 1], 1))
        self.radius.append(0.5 * lean * self.thickness(key))
        self.element.append(np.repeat(np.arange(len(ends)), PIECES))
        self.elements = len(ends)

    def add_plates(self) -> None:
        """Cut every plate into rings of triangles about its center, and place its windows."""
        steps = np.linspace(0.0, 1.0, PIECES + 1)[:-1]
        for ring, numbers in self.plates:
            corner = self.corners[ring]
            following = np.roll(corner, -1, axis=0)
            rim = (corner[:, None] + (following - corner)[:, None] * steps[:, None]).reshape(-1, 3)
            center = corner.mean(0)
            m = len(rim)
            rings = [rim + (center - rim) * (k / PIECES) for k in range(PIECES)]
            first = self.add_points(np.concatenate([*rings, center[None]]))
            here = np.arange(m)
            after = np.roll(here, -1)
            for k in range(PIECES):
                outer, inner = first + k * m, first + (k + 1) * m
                if k == PIECES - 1:
                    triangles = np.stack([outer + here, outer + after, np.full(m, inner)], 1)
                else:
                    triangles = np.concatenate(
                        [
                            np.stack([outer + here, outer + after, inner + here], 1),
                            np.stack([outer + after, inner + after, inner + here], 1),
                        ]
                    )
                self.pieces.append(triangles)
                self.element.append(np.full(len(triangles), self.elements))
            thickness = self.params.plate_thickness_fraction * self.thickness(numbers[DRAW_THICKNESS])
            self.radius.append(np.array([0.5 * thickness]))
            windows = place_windows(corner * self.stretch, numbers, self.params)
            for n, (start, end, radius) in enumerate(windows):
                at = self.add_points(np.stack([start, end]) / self.stretch)
                self.windows.append((self.elements, n, at, at + 1, radius))
            self.elements += 1

    def network(self, half: Floats) -> Network:
        """Put everything together and bend it."""
        points = np.concatenate(self.points)
        windows = np.zeros((self.elements, 2, 2), dtype=np.int64)
        window_radius = np.zeros((self.elements, 2))
        for element, n, start, end, radius in self.windows:
            windows[element, n] = start, end
            window_radius[element, n] = radius
        return Network(
            points=points + self.params.bend_fraction * self.grid.bend(points),
            pieces=np.concatenate(self.pieces),
            element=np.concatenate(self.element),
            radius=np.concatenate(self.radius),
            windows=windows,
            window_radius=window_radius,
            half=half,
        )
