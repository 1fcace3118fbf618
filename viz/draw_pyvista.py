"""Draw a scene with PyVista, off screen.  Import this only after `trabsim.viz.probe` said that it works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from trabsim.viz.camera import Camera
from trabsim.viz.mesh import cut_faces, surface
from trabsim.viz.probe import window_class
from trabsim.viz.scene import Scene, Spheres

# (right, up, towards the viewer, intensity): key light from upper left, fill from the right, faint head light
_LIGHTS = ((-0.55, 0.75, 0.75, 0.98), (0.90, 0.15, 0.60, 0.36), (0.0, 0.0, 1.0, 0.20))
_CUT_FACE = 0.80
# VTK adds light in screen colors, which darkens half-lit surfaces: colors are bent before, the picture back
_GAMMA = 1.6
# the more cells, the coarser their balls: (up to so many, steps around)
_BALL_STEPS = ((2_000, 24), (20_000, 14), (float("inf"), 8))


def draw(scene: Scene, camera: Camera, window: str = "") -> np.ndarray:
    """Draw a scene.

    Parameters
    ----------
    scene : Scene
    camera : Camera
    window : str
        VTK window class that the probe found to work.

    Returns
    -------
    uint8 array, shape (height, width, 3)
        On white.
    """
    return next(draw_from(scene, [camera], window))


def draw_from(scene: Scene, cameras: Sequence[Camera], window: str = "") -> Iterator[np.ndarray]:
    """Draw a scene from several places, one picture after another; all cameras have one size."""
    with window_class(window):
        plotter = _plotter(off_screen=True, window_size=list(cameras[0].size), lighting="none")
        try:
            plotter.set_background("white")
            look = {"smooth_shading": True, "split_sharp_edges": False, "ambient": 0.22, "diffuse": 0.9}
            for mesh, color in surface(scene):
                _add(plotter, mesh, color, specular=0.10, specular_power=25.0, **look)
            for mesh, color in cut_faces(scene):
                mesh.point_data["shade"] = np.full(mesh.n_points, _CUT_FACE)
                _add(plotter, mesh, color, **look)
            for kind in scene.spheres:
                _add_cells(plotter, kind, look)
            extent = float(np.linalg.norm(scene.shape))
            _aim(plotter, scene, cameras[0])
            plotter.enable_ssao(radius=min(16.0, 0.15 * extent), bias=1.2, kernel_size=64, blur=True)
            plotter.enable_anti_aliasing("ssaa")
            for number, camera in enumerate(cameras):
                if number:
                    _aim(plotter, scene, camera)
                plotter.render()  # without it the screenshot is of the camera's former place
                bent = np.asarray(plotter.screenshot(return_img=True))[..., :3] / 255.0
                yield np.rint(255.0 * bent ** (1.0 / _GAMMA)).astype(np.uint8)
        finally:
            plotter.close()


def _add(plotter: Any, mesh: Any, color: tuple[float, ...] | None, **look: Any) -> None:
    """Add a mesh in one color, or in the colors of its points where `color` is None."""
    if mesh.n_cells == 0:
        return
    shade = np.asarray(mesh.point_data["shade"])[:, None]
    base = np.asarray(mesh.point_data["rgb"] if color is None else np.broadcast_to(color, (mesh.n_points, 3)))
    mesh.point_data["rgb"] = np.rint(255.0 * shade * _bend(base)).astype(np.uint8)
    plotter.add_mesh(mesh, scalars="rgb", rgb=True, show_scalar_bar=False, **look)


def _plotter(**options: Any) -> Any:
    import pyvista

    return pyvista.Plotter(**options)


def _bend(color: np.ndarray) -> np.ndarray:
    """Screen colors of 0-255 as VTK gets them, 0-1."""
    return np.clip(color / 255.0, 0.0, 1.0) ** _GAMMA


def _add_cells(plotter: Any, kind: Any, look: dict[str, Any]) -> None:
    if len(kind.radii):
        plotter.add_mesh(cell_glyphs(kind), color=tuple(_bend(np.array(kind.color))), **look)


def cell_glyphs(kind: Spheres, steps: Sequence[tuple[float, int]] = _BALL_STEPS) -> Any:
    """Mesh of the cells of one kind, in voxels (x, y, z); `steps`: up to so many cells, steps around each."""
    import pyvista

    cloud = pyvista.PolyData(np.ascontiguousarray(kind.centers[:, ::-1], dtype=np.float32))
    cloud.point_data["diameter"] = 2.0 * kind.radii.astype(np.float32)
    around = next(n for most, n in steps if len(kind.radii) <= most)
    ball = pyvista.Sphere(radius=0.5, theta_resolution=around, phi_resolution=around)
    if kind.away is not None:
        cloud.point_data["away"] = np.ascontiguousarray(kind.away[:, ::-1], dtype=np.float32)
        ball = ball.scale((kind.flatness, 1.0, 1.0))  # a glyph turns its x axis
    return cloud.glyph(scale="diameter", orient="away" if kind.away is not None else False, geom=ball)


def _aim(plotter: Any, scene: Scene, camera: Camera) -> None:
    import pyvista

    center, ahead, up, right = (v[::-1] for v in (camera.center, camera.ahead, camera.up, camera.right))
    back = 2.0 * float(np.linalg.norm(scene.shape)) + 10.0
    view = plotter.camera
    view.parallel_projection = True
    view.focal_point, view.position, view.up = center, center - back * ahead, up
    view.parallel_scale = camera.voxels_per_pixel * camera.size[1] / 2.0
    view.clipping_range = (0.6 * back, 1.4 * back)
    plotter.remove_all_lights()
    for to_right, to_top, to_viewer, intensity in _LIGHTS:
        place = center + back * (to_right * right + to_top * up - to_viewer * ahead)
        plotter.add_light(
            pyvista.Light(position=place, focal_point=center, intensity=intensity, light_type="scene light")
        )
