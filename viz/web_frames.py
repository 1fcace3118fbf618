"""What a page shows of each day: a mesh, how its points can be colored, what was lost, and the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trabsim.errors import RunError
from trabsim.state import FULL
from trabsim.viz.cells import LAYERS, cell_spheres
from trabsim.viz.coloring import SPECIAL, color_scene
from trabsim.viz.colors import BONE, GAINED, LOST
from trabsim.viz.export_mesh import Shaded, closed_surface, shaded
from trabsim.viz.mesh import shade
from trabsim.viz.raycast import sample
from trabsim.viz.read import Snapshot, short_names, suggest
from trabsim.viz.scene import Patch, Scene, Spheres, Values, shares, smooth_solid

#: Ways to color that a page offers where the checkpoint has them; any other field can be added by its name.
COLORS = ("bone", "change", "phase", "mineral", "age", "strain_energy")
#: Cells of one kind that a page holds at most; of more, only every second, third, ... is drawn.
MOST_CELLS = 20_000
_UNDEFINED = -1e29


@dataclass
class Coloring:
    """One way to color a mesh.

    Attributes
    ----------
    label : str
    values : float32 array, shape (n,), or None
        Of each point; nan where not defined.
    ramp : str
        Name of the colors of `values`.
    ends : (float, float)
        Ends of the ramp.
    shares : list of float32 array, shape (n,)
        Of each class; it has the place where this exceeds 0.5.
    classes : list of (str, (int, int, int))
        Label and color of each class; what belongs to none has the color of bone.
    rest : str
        What the color of bone stands for.
    """

    label: str
    values: np.ndarray | None = None
    ramp: str = "even"
    ends: tuple[float, float] = (0.0, 1.0)
    shares: list[np.ndarray] = field(default_factory=list)
    classes: list[tuple[str, tuple[int, int, int]]] = field(default_factory=list)
    rest: str = ""


@dataclass
class Layer:
    """Cells of one kind: centers and radii in voxels, and how many one that is drawn stands for."""

    name: str
    cells: Spheres
    stands_for: int


@dataclass
class Frame:
    """One day.

    Attributes
    ----------
    day : int or None
    facts : dict of str to str
        What is written beside the picture.
    mesh : Shaded
    shade : float array, shape (n,)
        Brightness of each point by how much bone stands before it.
    colorings : dict of str to Coloring
    lost : Shaded
        Surface of what is gone since the first day.
    layers : list of Layer
    """

    day: int | None
    facts: dict[str, str]
    mesh: Shaded
    shade: np.ndarray
    colorings: dict[str, Coloring]
    lost: Shaded
    layers: list[Layer]


def make_frame(
    snapshot: Snapshot, first: Snapshot, colors: Sequence[str] = COLORS, cells: Sequence[str] = LAYERS
) -> Frame:
    """Prepare a day for a page.

    Parameters
    ----------
    snapshot : Snapshot
    first : Snapshot
        The day that losses and gains are counted from.
    colors : sequence of str
        Ways to color; those of `COLORS` that the file has no data for are left out.
    cells : sequence of str
        Kinds of cells.

    Returns
    -------
    Frame

    Raises
    ------
    RunError
        If the lattices differ, there is no bone, or a color that is not of `COLORS` is unknown.
    """
    if snapshot.bone.shape != first.bone.shape or snapshot.voxel_size_um != first.voxel_size_um:
        raise RunError(
            f"{snapshot.path.name} has another lattice than {first.path.name}; give the folder of one run"
        )
    solid = smooth_solid(_fraction(snapshot))
    mesh = shaded(closed_surface(solid), solid)
    if len(mesh.triangles) == 0:
        raise RunError(
            f"{snapshot.path.name} holds no bone, so there is nothing to look at; choose another run"
        )
    scene = Scene(solid, snapshot.voxel_size_um)
    return Frame(
        snapshot.day,
        {"BV/TV": f"{100 * snapshot.BV_TV:.1f} %"},
        mesh,
        np.where(mesh.cap, 0.8, shade(scene, mesh.points, mesh.normals)),
        _colorings(snapshot, first, mesh.points, colors),
        _lost(snapshot, first),
        _layers(snapshot, solid, cells),
    )


def known_colors(snapshot: Snapshot, wanted: Sequence[str] = COLORS) -> list[str]:
    """Ways to color, from those wanted, that a checkpoint has data for.

    Raises
    ------
    RunError
        If one that is not of `COLORS` is unknown.
    """
    needs = {"phase": "phase", "age": "formed_day", "mineral": "formed_day", "strain_energy": "strain_energy"}
    known = []
    for name in dict.fromkeys(wanted):
        if name in COLORS:
            if name in needs and not {needs[name], name} & set(snapshot.names):
                continue
            if name in ("mineral", "age") and snapshot.day is None:
                continue
            if name == "strain_energy" and not snapshot.array(name).any():
                continue  # a run without mechanics
        elif name not in (*SPECIAL, *snapshot.names):
            choice = (*COLORS, *SPECIAL, *short_names(snapshot.names), *snapshot.names)
            raise RunError(f"{snapshot.path.name} holds no field '{name}'; {suggest(name, choice)}")
        known.append(name)
    return known


def _fraction(snapshot: Snapshot) -> np.ndarray:
    return np.where(snapshot.tissue, snapshot.bone / np.float32(FULL), 0)


def _colorings(
    snapshot: Snapshot, first: Snapshot, points: np.ndarray, colors: Sequence[str]
) -> dict[str, Coloring]:
    found = {}
    for name in known_colors(snapshot, colors):
        if name == "bone":
            found[name] = Coloring("bone", rest="bone")
        elif name == "change":
            found[name] = _gained(snapshot, first, points)
        else:
            found[name] = _of_scene(color_scene(snapshot, name), points, name)
    return found


def _of_scene(scene: Scene, points: np.ndarray, name: str) -> Coloring:
    if scene.values is not None:
        return _of_values(scene.values, points)
    return _of_patches(scene.patches, points, name, scene.base_label or "bone")


def _of_values(shown: Values, points: np.ndarray) -> Coloring:
    values = sample(shown.lattice, points, _UNDEFINED)
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
    return Coloring(shown.label, values, shown.ramp, (shown.low, shown.high))


def _of_patches(patches: Sequence[Patch], points: np.ndarray, label: str, rest: str) -> Coloring:
    return Coloring(
        label,
        shares=[sample(patch.share, points) for patch in patches],
        classes=[(patch.label, patch.color) for patch in patches],
        rest=rest,
    )


def _gained(snapshot: Snapshot, first: Snapshot, points: np.ndarray) -> Coloring:
    gained = snapshot.solid & ~first.solid
    (part,) = shares(snapshot.solid, [gained])
    coloring = _of_patches(
        (Patch("gained", GAINED, part),), points, "lost and gained since the first day", "kept"
    )
    coloring.classes.append(("lost", LOST))
    coloring.shares.append(np.zeros(len(points), np.float32))
    return coloring


def _lost(snapshot: Snapshot, first: Snapshot) -> Shaded:
    """Surface of the bone of either day where it is gone."""
    either = smooth_solid(np.maximum(_fraction(first), _fraction(snapshot)))
    mesh = shaded(closed_surface(either), either)
    (part,) = shares(first.solid | snapshot.solid, [first.solid & ~snapshot.solid])
    gone = sample(part, mesh.points) > 0.5
    triangles = mesh.triangles[gone[mesh.triangles].any(axis=1)]
    used, corners = np.unique(triangles, return_inverse=True)
    return Shaded(
        mesh.points[used],
        corners.reshape(-1, 3).astype(np.int32),
        mesh.normals[used],
        mesh.cap[used],
    )


def _layers(snapshot: Snapshot, solid: np.ndarray, cells: Sequence[str]) -> list[Layer]:
    found = []
    for name in cells:
        for kind in cell_spheres(snapshot, solid, (name,)):
            every = -(-len(kind.radii) // MOST_CELLS)
            away = None if kind.away is None else kind.away[::every]
            some = Spheres(
                kind.label, kind.color, kind.centers[::every], kind.radii[::every], away, kind.flatness
            )
            found.append(Layer(name, some, every))
    return found


def checkpoint_days(paths: Sequence[Path], most: int) -> list[Path]:
    """At most so many of the checkpoints of a run, spread evenly, the first and the last among them."""
    if len(paths) <= most:
        return list(paths)
    chosen = np.unique(np.rint(np.linspace(0, len(paths) - 1, max(most, 1))).astype(int))
    return [paths[number] for number in (chosen if most > 1 else chosen[-1:])]


#: Color of bone that belongs to no class.
PLAIN = BONE
