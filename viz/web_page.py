"""One page that shows a run in three dimensions, with everything it needs inside the file.

It opens offline from disk in any current browser: a slider for the day, ways to color, a cut, layers of cells, a
scale bar.  The page draws with WebGL 2 itself; its script stands in ``web_page.js``.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import trabsim
from trabsim.durable import FileAside
from trabsim.errors import RunError
from trabsim.viz.cells import LAYERS
from trabsim.viz.colors import BONE, LOST, RAMPS
from trabsim.viz.export_mesh import Shaded
from trabsim.viz.notes import day_text
from trabsim.viz.read import checkpoints, read_snapshot, variable_of
from trabsim.viz.web_frames import COLORS, Coloring, Frame, checkpoint_days, make_frame

#: Checkpoints that a page holds at most.
MOST_DAYS = 13
#: Voxels from which a page is made of means over cubes of voxels.
MOST_VOXELS = 160**3
_TITLES = {
    "bone": "nothing",
    "change": "lost and gained",
    "phase": "phase of the surface",
    "mineral": "mineral",
    "age": "age of the matrix",
    "strain_energy": "strain energy density",
    "thickness": "trabecular thickness",
}
_MOST_CLASSES = 4
# radii of cells are stored as bytes of this many voxels
_RADIUS_STEP_VOXELS = 1 / 24


def write_page(
    path: str | Path,
    out: str | Path,
    *,
    color: str | None = None,
    cells: Sequence[str] = LAYERS,
    days: int = MOST_DAYS,
    most_voxels: int = MOST_VOXELS,
    title: str | None = None,
) -> str:
    """Write one self-contained page of a run or a checkpoint.

    Parameters
    ----------
    path : str or Path
        A run folder, or one ``*.vtkhdf`` file.
    out : str or Path
        ``.html``.
    color : str, optional
        How the page colors at first; any field of the checkpoints.  By default what was gained and lost in a run, and
        nothing for a checkpoint.
    cells : sequence of str
        Kinds of cells that the page can show.
    days : int
        Checkpoints of the run to show at most, spread evenly.
    most_voxels : int
        Larger specimens are shown by means over cubes of voxels; the page says so.
    title : str, optional

    Returns
    -------
    str
        What was written.

    Raises
    ------
    RunError
        If there are no checkpoints, a name is unknown, there is no bone, or the page cannot be written.
    """
    path, out = Path(path), Path(out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise RunError(f"a page cannot be named '{out.name}'; end the name in .html")
    if days < 1:
        raise RunError(f"a page of {days} days shows nothing; give at least 1")
    color = None if color is None else variable_of(color)
    paths = checkpoint_days(checkpoints(path), days) if path.is_dir() else [path]
    wanted = [name for name in COLORS if name != "change" or len(paths) > 1]
    wanted += [color] if color is not None and color not in wanted else []
    first = read_snapshot(paths[0], most_voxels=most_voxels)
    frames = [
        make_frame(
            read_snapshot(place, most_voxels=most_voxels) if place != paths[0] else first,
            first,
            wanted,
            cells,
        )
        for place in paths
    ]
    if title is None:
        title = (path.resolve().name if path.is_dir() else path.stem).replace("_", " ")
    about, blobs = _pack(frames, first.bone.shape, first.voxel_size_um)
    start = color or ("change" if len(paths) > 1 else "bone")
    if start not in about["colors"]:
        raise RunError(f"{path.name} has no data to color by {start}; choose {', '.join(about['colors'])}")
    nz, ny, nx = first.lattice
    fine = f"{nx} x {ny} x {nz} voxels of {first.voxel_size_um / first.step:g} um"
    coarse = (
        f", shown by means over {first.step} x {first.step} x {first.step} voxels" if first.step > 1 else ""
    )
    about |= {"title": title, "subtitle": fine + coarse, "start": start}
    text = _page(title, about, blobs)
    with FileAside(out) as file:
        file.write(text.encode("utf-8"))
    return f"page of {len(frames)} day{'s' * (len(frames) > 1)}, {len(text) / 1e6:.1f} MB{coarse}"


def _page(title: str, about: dict[str, Any], blobs: list[bytes]) -> str:
    here = Path(__file__).parent
    parts = {
        "TITLE": html.escape(title),
        "NOTE": f"Smoothed for the eye. trabsim {trabsim.__version__}.",
        "STYLE": (here / "web_page.css").read_text(encoding="utf-8"),
        "SCRIPT": (here / "web_page.js").read_text(encoding="utf-8"),
        # a name of a run must not end the script
        "ABOUT": json.dumps(about).replace("<", "\\u003c"),
        "FRAMES": "\n".join(
            f'<script type="text/plain" id="frame{n}">{base64.b64encode(blob).decode()}</script>'
            for n, blob in enumerate(blobs)
        ),
    }
    text = (here / "web_page.html").read_text(encoding="utf-8")
    pieces = text.split("@")
    return "".join(parts.get(piece, piece) for piece in pieces)


def _pack(frames: list[Frame], shape: tuple[int, ...], voxel_um: float) -> tuple[dict[str, Any], list[bytes]]:
    """What the page must know, and the arrays of each day."""
    span = max(shape)
    colors: dict[str, dict[str, Any]] = {}
    for name in frames[0].colorings:
        shown = [frame.colorings[name] for frame in frames if name in frame.colorings]
        colors[name] = _told(name, shown)
    told, blobs = [], []
    for frame in frames:
        parts = _mesh_bytes(frame.mesh, frame.shade, span)
        mine = {name: coloring for name, coloring in frame.colorings.items() if name in colors}
        widths = []
        for name, coloring in mine.items():
            planes = _color_planes(coloring, colors[name], len(frame.mesh.points))
            if planes:
                widths.append((name, len(planes)))
                parts += planes
        parts += _mesh_bytes(frame.lost, np.full(len(frame.lost.points), 0.9), span)
        layers = []
        for layer in frame.layers:
            kind = layer.cells
            away = np.zeros((len(kind.radii), 3)) if kind.away is None else kind.away
            parts += _place_planes(kind.centers, span)
            radius = np.clip(np.rint(kind.radii / _RADIUS_STEP_VOXELS), 1, 255).astype(np.uint8)
            parts += [*_signed(away), radius]
            layers.append({
                "name": layer.name, "label": kind.label, "color": kind.color, "count": len(kind.radii),
                "standsFor": layer.stands_for, "flatness": kind.flatness,
            })  # fmt: skip
        told.append({
            "day": frame.day, "when": day_text(frame.day), "facts": frame.facts, "colors": widths, "layers": layers,
            "points": len(frame.mesh.points), "triangles": len(frame.mesh.triangles),
            "lostPoints": len(frame.lost.points), "lostTriangles": len(frame.lost.triangles),
        })  # fmt: skip
        blobs.append(gzip.compress(b"".join(part.tobytes() for part in parts), 6, mtime=0))
    kinds = {layer.name: layer.cells.color for frame in reversed(frames) for layer in reversed(frame.layers)}
    layers = [{"name": "bone", "title": "bone", "color": BONE}]
    if len(frames) > 1:
        layers.append({"name": "lost", "title": "lost since the first day", "color": LOST})
    layers += [{"name": n, "title": n, "color": kinds[n], "cells": True} for n in LAYERS if n in kinds]
    layers.append({"name": "glass", "title": "bone as of glass"})
    size = np.array(shape[::-1]) * voxel_um / 1000.0
    about = {
        "frames": told,
        "colors": colors,
        "layers": layers,
        "hidden": ["glass", "osteocytes"],
        "bone": BONE,
        "lost": LOST,
        "ramps": {name: np.rint(RAMPS[name]).astype(int).ravel().tolist() for name in RAMPS},
        "size_mm": size.tolist(),
        "span_mm": span * voxel_um / 1000.0,
        # a byte reaches the shader as a share of 255
        "radius_unit_mm": 255 * _RADIUS_STEP_VOXELS * voxel_um / 1000.0,
        "azimuth": -50,
    }
    return about, blobs


def _told(name: str, shown: list[Coloring]) -> dict[str, Any]:
    """Legend of a way to color; one ramp for every day."""
    one = shown[0]
    told: dict[str, Any] = {
        "title": color_title(name),
        "label": one.label,
        "rest": one.rest,
    }
    classes: dict[str, Any] = {}
    for coloring in shown:
        classes |= dict(coloring.classes)
    told["classes"] = list(classes.items())[:_MOST_CLASSES]
    if one.values is not None:
        told["ramp"] = one.ramp
        told["low"] = float(min(coloring.ends[0] for coloring in shown))
        told["high"] = float(max(coloring.ends[1] for coloring in shown))
        told["ends"] = [f"{float(f'{end:.3g}'):g}" for end in (told["low"], told["high"])]
    return told


def color_title(name: str) -> str:
    """Words for a way to color, in a list of them."""
    return _TITLES.get(name, name.replace("_", " "))


def _color_planes(coloring: Coloring, told: dict[str, Any], points: int) -> list[np.ndarray]:
    """Bytes of a way to color: value and whether it is defined, or the share of each class."""
    if coloring.values is not None:
        known = np.isfinite(coloring.values)
        share = (np.where(known, coloring.values, 0) - told["low"]) / (told["high"] - told["low"])
        return [_byte(np.where(known, share, 0)), np.where(known, 255, 0).astype(np.uint8)]
    if not told["classes"]:
        return []
    shares = {label: share for (label, _), share in zip(coloring.classes, coloring.shares)}
    # every day has the same classes in the same order
    return [_byte(shares.get(label, np.zeros(points))) for label, _ in told["classes"]]


def _mesh_bytes(mesh: Shaded, shade: np.ndarray, span: int) -> list[np.ndarray]:
    return [
        *_place_planes(mesh.points, span),
        *_signed(mesh.normals),
        _byte(shade),
        *_corner_planes(mesh.triangles),
    ]


def _byte(share: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def _signed(vectors: np.ndarray) -> list[np.ndarray]:
    """Planes x, y, z of directions (z, y, x) as signed bytes."""
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    whole = np.rint(127 * vectors / length).astype(np.int8)
    return [np.ascontiguousarray(whole[:, axis]) for axis in (2, 1, 0)]


def _place_planes(points: np.ndarray, span: int) -> list[np.ndarray]:
    """Planes of high and low bytes of the differences between neighbors, for x, y and z."""
    whole = np.rint(np.clip((points + 0.5) / span, 0, 1) * 65535).astype(np.uint16)
    planes = []
    for axis in (2, 1, 0):
        step = np.diff(whole[:, axis], prepend=np.uint16(0))
        planes += [(step >> 8).astype(np.uint8), (step & 255).astype(np.uint8)]
    return planes


def _corner_planes(triangles: np.ndarray) -> list[np.ndarray]:
    """Four planes of bytes of the differences between corners, with the sign in the last bit."""
    step = np.diff(triangles.ravel().astype(np.int64), prepend=0)
    folded = np.where(step < 0, -2 * step - 1, 2 * step).astype(np.uint32)
    return [(folded >> shift & 255).astype(np.uint8) for shift in (24, 16, 8, 0)]
