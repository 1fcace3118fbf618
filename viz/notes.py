"""The words around a picture: title, caption and legend."""

from __future__ import annotations

import numpy as np

from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.annotate import Color, Notes, Ramp
from trabsim.viz.colors import BONE
from trabsim.viz.read import Snapshot
from trabsim.viz.scene import Scene

_PLURALS = {"empty lacuna": "empty lacunae"}


def checkpoint_notes(snapshot: Snapshot, scene: Scene, title: str | None = None) -> Notes:
    """Words around one checkpoint."""
    voxel = f"voxel {snapshot.voxel_size_um / snapshot.step / 1000:g} mm"
    if snapshot.step > 1:
        voxel += f", drawn as means over {snapshot.step} x {snapshot.step} x {snapshot.step}"
    caption = f"BV/TV {percent(snapshot.BV_TV)}, {voxel}"
    return _notes(title, _sentence(day_text(snapshot.day)), caption, scene)


def loss_notes(first: Snapshot, last: Snapshot, scene: Scene, title: str | None = None) -> Notes:
    """Words around a loss map; lost and gained count matrix, as BV/TV does, not whole voxels."""
    span = f"Bone lost and gained, {day_text(first.day)} to {day_text(last.day)}"
    if first.day is None or last.day is None:
        span = "Bone lost and gained"
    elif first.day == last.day:
        span = _sentence(day_text(first.day))
    change = last.bone[last.core].astype(np.int64) - first.bone[first.core]
    bone = max(int(first.bone[first.core].sum(dtype=np.int64)), 1)
    lost, gained = -int(change[change < 0].sum()), int(change[change > 0].sum())
    balance = (
        f"BV/TV {percent(first.BV_TV)} to {percent(last.BV_TV)}: "
        f"{percent(lost / bone)} of the bone lost, {percent(gained / bone)} gained"
    )
    return _notes(title, span, balance, scene)


def cell_notes(snapshot: Snapshot, scene: Scene, title: str | None = None) -> Notes:
    """Words around a picture of cells."""
    numbers = [
        f"{len(kind.radii)} {kind.label if len(kind.radii) == 1 else _PLURALS.get(kind.label, kind.label + 's')}"
        for kind in scene.spheres
    ]
    return _notes(title, _sentence(day_text(snapshot.day)), ", ".join(numbers) or "no cells", scene)


def day_text(day: int | None) -> str:
    """A day after entry, with years from one year on."""
    if day is None:
        return "day unknown"
    years = day / DAYS_PER_YEAR
    return f"day {day}" if abs(years) < 1 else f"day {day} ({years:.1f} years)"


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{100 * share:.1f} %"


def _notes(title: str | None, default: str, caption: str, scene: Scene) -> Notes:
    swatches: list[tuple[str, Color]] = []
    if scene.base_label is not None:
        swatches.append((scene.base_label, BONE))
    swatches += [(patch.label, patch.color) for patch in scene.patches]
    swatches += [(kind.label, kind.color) for kind in scene.spheres]
    shown = scene.values
    ramp = None if shown is None else Ramp(shown.label, shown.low, shown.high, shown.ramp)
    return Notes(default if title is None else title, caption, tuple(swatches), ramp)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
