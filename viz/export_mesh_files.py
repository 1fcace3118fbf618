"""Meshes as binary STL, PLY and GLB: three small formats, written whole with NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import trabsim
from trabsim.durable import FileAside
from trabsim.viz.colors import linear

_STL_TITLE_BYTES = 80
# numbers that the glTF 2.0 standard gives to types and uses
_FLOAT, _UINT16, _UINT32 = 5126, 5123, 5125
_POINTS, _TRIANGLES = 34962, 34963
_GLB, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942


def write_stl(path: Path, points: np.ndarray, triangles: np.ndarray, title: str) -> None:
    """Write a binary STL; `points` (n, 3) are (x, y, z), `title` goes to the header."""
    corners = points[triangles].astype("<f4")
    facets = np.zeros(
        len(triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")]
    )
    facets["corners"] = corners
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    facets["normal"] = np.divide(across, length, out=np.zeros_like(across), where=length > 0)
    with FileAside(path) as file:
        # no STL reader looks into the title, unless it begins with "solid"
        file.write(title.encode("ascii", "replace")[:_STL_TITLE_BYTES].ljust(_STL_TITLE_BYTES))
        file.write(np.uint32(len(triangles)).astype("<u4").tobytes())
        file.write(facets.tobytes())


def write_ply(
    path: Path, points: np.ndarray, triangles: np.ndarray, colors: np.ndarray | None, title: str
) -> None:
    """Write a binary PLY; `colors` (n, 3) are screen colors of 0-255."""
    fields: list[Any] = [("place", "<f4", 3)]
    header = [
        f"comment {title}",
        f"element vertex {len(points)}",
        *(f"property float {axis}" for axis in "xyz"),
    ]
    if colors is not None:
        fields.append(("color", "u1", 3))
        header += [f"property uchar {channel}" for channel in ("red", "green", "blue")]
    header += [f"element face {len(triangles)}", "property list uchar int vertex_indices", "end_header", ""]
    rows = np.zeros(len(points), fields)
    rows["place"] = points
    if colors is not None:
        rows["color"] = np.rint(colors)
    faces = np.zeros(len(triangles), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, triangles
    with FileAside(path) as file:
        file.write("\n".join(["ply", "format binary_little_endian 1.0", *header]).encode("ascii", "replace"))
        file.write(rows.tobytes())
        file.write(faces.tobytes())


def write_glb(
    path: Path,
    points_mm: np.ndarray,
    triangles: np.ndarray,
    normals: np.ndarray,
    colors: np.ndarray | None,
) -> None:
    """Write a binary glTF 2.0.  Its unit is the meter and its y points up: the node turns and scales the mesh."""
    arrays: list[tuple[str, np.ndarray, int, str]] = [
        ("POSITION", points_mm.astype("<f4"), _FLOAT, "VEC3"),
        ("NORMAL", _unit(normals).astype("<f4"), _FLOAT, "VEC3"),
    ]
    if colors is not None:
        light = np.ones((len(points_mm), 4))
        light[:, :3] = linear(colors)
        arrays.append(("COLOR_0", np.rint(65535 * light).astype("<u2"), _UINT16, "VEC4"))
    arrays.append(("indices", triangles.astype("<u4").reshape(-1), _UINT32, "SCALAR"))
    views, accessors, binary = [], [], b""
    for name, values, kind, shape in arrays:
        target = _TRIANGLES if name == "indices" else _POINTS
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": values.nbytes, "target": target})
        accessor: dict[str, Any] = {
            "bufferView": len(views) - 1, "componentType": kind, "count": len(values), "type": shape
        }  # fmt: skip
        if name == "POSITION":
            accessor |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        if kind == _UINT16:
            accessor["normalized"] = True
        accessors.append(accessor)
        binary += values.tobytes()
    attributes = {name: number for number, (name, *_) in enumerate(arrays) if name != "indices"}
    paint = {"metallicFactor": 0.0, "roughnessFactor": 0.8}
    if colors is None:
        paint["baseColorFactor"] = [0.83, 0.73, 0.54, 1.0]  # type: ignore[assignment]
    half = float(np.sqrt(0.5))
    tree = {
        "asset": {"version": "2.0", "generator": f"trabsim {trabsim.__version__}"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "bone (mm)", "mesh": 0, "scale": [0.001] * 3, "rotation": [-half, 0, 0, half]}],
        "meshes": [
            {"primitives": [{"attributes": attributes, "indices": len(arrays) - 1, "material": 0, "mode": 4}]}
        ],
        "materials": [{"name": "bone", "pbrMetallicRoughness": paint}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": accessors,
    }
    text = json.dumps(tree, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    with FileAside(path) as file:
        file.write(np.array([_GLB, 2, 12 + 8 + len(text) + 8 + len(binary)], "<u4").tobytes())
        for kind, chunk in ((_JSON, text), (_BINARY, binary)):
            file.write(np.array([len(chunk), kind], "<u4").tobytes() + chunk)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length one; the standard allows no others."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    up = np.broadcast_to(np.array([0.0, 0.0, 1.0]), vectors.shape)
    return np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), up)
