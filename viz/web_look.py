"""A run in a PyVista window that is drawn off screen: the day, its colors, a cut and the cells can be changed."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trabsim.errors import RunError
from trabsim.viz.cells import LAYERS, cell_spheres
from trabsim.viz.coloring import SPECIAL, color_scene, loss_scene
from trabsim.viz.colors import RAMPS, ramp
from trabsim.viz.draw_pyvista import cell_glyphs
from trabsim.viz.mesh import cut_faces, surface
from trabsim.viz.notes import day_text
from trabsim.viz.probe import INSTALL_HINT, ask_pyvista, window_class
from trabsim.viz.read import (
    MOST_VOXELS,
    Snapshot,
    checkpoints,
    read_snapshot,
    short_names,
    suggest,
    variable_of,
)
from trabsim.viz.scene import Scene
from trabsim.viz.web_bar import ScaleBar
from trabsim.viz.web_frames import COLORS, known_colors

_LIGHT = {"smooth_shading": True, "split_sharp_edges": False, "ambient": 0.34, "diffuse": 0.84}
# shade darkens colors of the screen less than it dims light
_SHADE_POWER = 0.65
# every move of the camera draws them all again: (up to so many cells, steps around)
_BALL_STEPS = ((2_000, 14), (float("inf"), 8))
# they move with the camera: (right, up, towards the viewer), intensity
_LIGHTS = (((-0.55, 0.75, 0.75), 0.80), ((0.90, 0.15, 0.60), 0.36), ((0.0, 0.0, 1.0), 0.30))
_CUT_FACE = 0.80
# from where a view begins (x, y, z), and how far it is nearer than a ball around the specimen would ask for
_FROM = (0.60, -0.72, 0.40)
_ZOOM = 1.14
_INSIDE = (0.80, 0.73, 0.62)
# days whose meshes are kept, so that going back and forth does not wait
_KEPT = 6


class Look:
    """What a window shows of a run.

    Parameters
    ----------
    path : str or Path
        A run folder, or one ``*.vtkhdf`` file.
    size : tuple of int
        Width and height in pixels.
    most_voxels : int
        Larger specimens are shown by means over cubes of voxels.

    Attributes
    ----------
    paths : list of Path
        Checkpoints, by day.
    colors : list of str
        Ways to color.
    plotter : pyvista.Plotter
    scene : Scene
        What is shown now.
    bar : ScaleBar

    Raises
    ------
    RunError
        If there is no checkpoint, no PyVista, or nothing that draws.
    """

    def __init__(
        self, path: str | Path, *, size: tuple[int, int] = (1200, 800), most_voxels: int = MOST_VOXELS
    ) -> None:
        path = Path(path)
        self.paths = checkpoints(path) if path.is_dir() else [path]
        self._most_voxels = most_voxels
        self._first = read_snapshot(self.paths[0], most_voxels=most_voxels)
        answer = ask_pyvista()
        if not answer.usable:
            raise RunError(f"a view needs PyVista, which cannot draw here: {answer.reason}; {INSTALL_HINT}")
        self.colors = self._all_colors()
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict({0: self._first})
        self._meshes: OrderedDict[tuple[int, str], tuple[Scene, list[Any]]] = OrderedDict()
        self._clip: tuple[int, float] | None = None
        # VTK reads the class of its windows when one is made, and again when it is drawn first
        self._window = contextlib.ExitStack()
        self._window.enter_context(window_class(answer.window))
        import pyvista

        plotter: Any = pyvista.Plotter  # whose decorators hide the types of its methods
        self.plotter = plotter(off_screen=True, window_size=list(size))
        self.plotter.set_background("white")
        self.plotter.enable_anti_aliasing("msaa")
        self.plotter.remove_all_lights()
        for place, intensity in _LIGHTS:
            self.plotter.add_light(
                pyvista.Light(position=place, intensity=intensity, light_type="camera light")
            )
        self.bar = ScaleBar(self.plotter.renderer, self._first.voxel_size_um)
        self.scene = Scene(np.zeros((1, 1, 1), np.float32), self._first.voxel_size_um)
        self._actors: list[Any] = []
        self._aimed = False

    def close(self) -> None:
        """Close the window."""
        self.plotter.close()
        self._window.close()

    def color_named(self, name: str | None) -> str:
        """The color that a name means, or what is shown where none is asked for.

        Raises
        ------
        RunError
            If the checkpoints have no data for it.
        """
        if name is None:
            return "change" if "change" in self.colors else "bone"
        if variable_of(name) not in self.colors:
            known = (*self.colors, *short_names(self.colors))
            raise RunError(f"{self.paths[0].name} has no data to color by '{name}'; {suggest(name, known)}")
        return variable_of(name)

    def when(self, number: int) -> str:
        """The day of a checkpoint in words."""
        return day_text(self._snapshot(number).day)

    def facts(self, number: int) -> str:
        """What is told of a checkpoint."""
        snapshot = self._snapshot(number)
        coarse = f", means over {snapshot.step} voxels" if snapshot.step > 1 else ""
        return f"BV/TV {100 * snapshot.BV_TV:.1f} %, voxel {snapshot.voxel_size_um:g} um{coarse}"

    def show(self, number: int, color: str, cells: Sequence[str] = ()) -> dict[str, int]:
        """Show a checkpoint.

        Parameters
        ----------
        number : int
            Place of the checkpoint in `paths`.
        color : str
            One of `colors`.
        cells : sequence of str
            Kinds of cells to draw.

        Returns
        -------
        dict of str to int
            Number of cells drawn, by kind.

        Raises
        ------
        RunError
            For an unknown color or kind of cell.
        """
        self.scene, pieces = self._pieces(number, color)
        self.plotter.clear_actors()
        self._actors = [
            self.plotter.add_mesh(mesh, show_scalar_bar=False, **paint, **_LIGHT) for mesh, paint in pieces
        ]
        kinds = cell_spheres(self._snapshot(number), self.scene.solid, cells)
        for kind in kinds:
            own = tuple(n / 255 for n in kind.color)
            self._actors.append(self.plotter.add_mesh(cell_glyphs(kind, _BALL_STEPS), color=own, **_LIGHT))
        if not self._aimed:
            self.aim()
        self._apply_clip()
        self.bar.show()
        self.plotter.render()
        return {kind.label: len(kind.radii) for kind in kinds}

    def cut(self, axis: int | None, share: float = 0.5) -> None:
        """Cut away what lies before a share of an axis (0 x, 1 y, 2 z), seen from where a view begins.

        A share of 1 leaves everything, and so does the axis None.
        """
        self._clip = None if axis is None else (axis, share)
        self._apply_clip()
        self.plotter.render()

    def aim(self) -> None:
        """Put the camera back to where it began."""
        center = (np.array(self._first.bone.shape[::-1]) - 1) / 2
        direction = np.array(_FROM)
        self.plotter.camera.focal_point = center
        self.plotter.camera.position = center + 4 * np.linalg.norm(center + 1) * direction
        self.plotter.camera.up = (0.0, 0.0, 1.0)
        self.plotter.enable_parallel_projection()
        self.plotter.reset_camera()
        self.plotter.camera.zoom(_ZOOM)
        self._aimed = True

    def legend(self) -> dict[str, Any]:
        """Meaning of the colors: ``classes`` of label and color, or a ramp with ``label``, ``ends`` and ``colors``."""
        shown = self.scene.values
        if shown is None:
            base = [(self.scene.base_label, (234, 221, 194))] if self.scene.base_label else []
            classes = [*base, *((patch.label, patch.color) for patch in self.scene.patches)]
            return {"label": "", "ends": [], "colors": "", "classes": [[t, _css(c)] for t, c in classes]}
        ends = [f"{float(f'{end:.3g}'):g}" for end in (shown.low, shown.high)]
        colors = ramp(np.linspace(0, 1, len(RAMPS[shown.ramp])), shown.ramp)
        bar = f"linear-gradient(90deg, {', '.join(_css(color) for color in colors)})"
        return {"label": shown.label, "ends": ends, "colors": bar, "classes": []}

    def _all_colors(self) -> list[str]:
        wanted = [name for name in (*COLORS, *SPECIAL, *self._first.names) if name not in ("tissue", "site")]
        if len(self.paths) < 2:
            wanted.remove("change")
        return known_colors(self._first, wanted)

    def _snapshot(self, number: int) -> Snapshot:
        if number not in self._snapshots:
            self._snapshots[number] = read_snapshot(self.paths[number], most_voxels=self._most_voxels)
        self._snapshots.move_to_end(number)
        while len(self._snapshots) > _KEPT:
            self._snapshots.popitem(last=False)
        return self._snapshots[number]

    def _pieces(self, number: int, color: str) -> tuple[Scene, list[Any]]:
        key = (number, color)
        if key not in self._meshes:
            snapshot = self._snapshot(number)
            scene = loss_scene(self._first, snapshot) if color == "change" else color_scene(snapshot, color)
            faces = cut_faces(scene)
            for mesh, _ in faces:
                mesh.point_data["shade"] = np.full(mesh.n_points, _CUT_FACE)
            pieces = [(mesh, _paint(mesh, one)) for mesh, one in (*surface(scene), *faces) if mesh.n_cells]
            self._meshes[key] = (scene, pieces)
        self._meshes.move_to_end(key)
        while len(self._meshes) > _KEPT:
            self._meshes.popitem(last=False)
        return self._meshes[key]

    def _apply_clip(self) -> None:
        import pyvista

        for actor in self._actors:
            mapper = actor.GetMapper()
            mapper.RemoveAllClippingPlanes()
            # the inside, seen through a cut, is drawn flat: it looks like the face of the cut
            inside = None
            if self._clip is not None:
                axis, share = self._clip
                towards = np.sign(_FROM[axis])
                place, normal = np.zeros(3), np.zeros(3)
                kept = share if towards > 0 else 1.0 - share
                place[axis] = kept * self._first.bone.shape[::-1][axis] - 0.5
                normal[axis] = -towards
                mapper.AddClippingPlane(_plane(place, normal))
                inside = pyvista.Property(color=_INSIDE, ambient=1.0, diffuse=0.0, specular=0.0)
            actor.SetBackfaceProperty(inside)


def _plane(place: np.ndarray, normal: np.ndarray) -> Any:
    from vtkmodules.vtkCommonDataModel import vtkPlane

    plane = vtkPlane()
    plane.SetOrigin(*place)
    plane.SetNormal(*normal)
    return plane


def _paint(mesh: Any, color: tuple[float, ...] | None) -> dict[str, Any]:
    base = np.asarray(mesh.point_data["rgb"] if color is None else np.broadcast_to(color, (mesh.n_points, 3)))
    shade = np.asarray(mesh.point_data["shade"])[:, None] ** _SHADE_POWER
    mesh.point_data["painted"] = np.rint(np.clip(shade * base, 0, 255)).astype(np.uint8)
    return {"scalars": "painted", "rgb": True}


def _css(color: Any) -> str:
    return f"rgb({', '.join(str(round(float(n))) for n in color)})"


#: Kinds of cells that a view can show.
CELLS = LAYERS
