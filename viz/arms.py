"""What several runs of one specimen have in common: the day to compare, their scenes, numbers and density."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trabsim.config import changed_keys
from trabsim.errors import RunError
from trabsim.runfile import Run, open_run
from trabsim.viz.coloring import color_scene, loss_scene
from trabsim.viz.read import MOST_VOXELS, Box, checkpoints, day_of, read_snapshot
from trabsim.viz.scene import Scene

log = logging.getLogger("trabsim")

#: What is printed under each specimen: column, symbol, unit, factor, decimals.
NUMBERS = (
    ("BV_TV", "BV/TV", "%", 100.0, 1),
    ("Tb_N_per_mm", "Tb.N", "mm⁻¹", 1.0, 2),
    ("Conn_D_per_mm3", "Conn.D", "mm⁻³", 1.0, 1),
)
#: Density that the curves show, the first that a run has.
DENSITY = (
    ("lumbar_spine_BMD_g_per_cm2", "spine BMD"),
    ("total_hip_BMD_g_per_cm2", "hip BMD"),
    ("vBMD_mg_per_cm3", "vBMD"),
)
MOST_RUNS = 8
_MAY_DIFFER = {"therapy", "drug", "output", "labels", "run"}
# measures of the architecture are taken once a year, not always on the day of a checkpoint
_NEAR_DAYS = 16


@dataclass(frozen=True)
class Arm:
    """One run of a comparison.

    Attributes
    ----------
    label : str
    scene : Scene
    before, now : dict of str to float
        Measures of `NUMBERS` at entry and on the day compared.
    days, change : ndarray of float64
        Days after entry, and density as change from the first of them, %.
    """

    label: str
    scene: Scene
    before: dict[str, float]
    now: dict[str, float]
    days: np.ndarray
    change: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Runs of one specimen, ready to be drawn side by side; `differ` names tables besides therapy that differ."""

    arms: tuple[Arm, ...]
    day: int
    density: str
    color: str
    differ: tuple[str, ...] = ()


def gather(
    runs: Sequence[str | Path],
    labels: Sequence[str] | None = None,
    day: int | None = None,
    color: str = "loss",
    box: Box | None = None,
) -> Comparison:
    """Read what a comparison shows.

    Parameters
    ----------
    runs : sequence of str or Path
        Folders of runs that started from one specimen.
    labels : sequence of str, optional
        Names of the runs; by default those of their folders.
    day : int, optional
        Day after entry; by default the latest that all runs have a checkpoint of.
    color : str
        ``loss`` for what was lost and gained since entry, else as in `trabsim.viz.render_checkpoint`.
    box : tuple of int, optional
        Voxels z0, z1, y0, y1, x0, x1.

    Returns
    -------
    Comparison

    Raises
    ------
    RunError
        For fewer than two runs or too many, different specimens, no common day, or an unknown color.
    """
    if not 2 <= len(runs) <= MOST_RUNS:
        raise RunError(f"a comparison of {len(runs)} runs cannot be drawn; give 2 to {MOST_RUNS}")
    opened = [open_run(path) for path in runs]
    names = _labels(opened, labels)
    _require_one_specimen(opened)
    points = [_by_day(run) for run in opened]
    at = _common_day(opened, points, day)
    column, density = _density(opened)
    arms = tuple(
        _arm(run, label, days, at, column, color, box) for run, label, days in zip(opened, names, points)
    )
    differ = _differences(opened)
    if differ:
        log.warning(
            "the runs also differ in [%s]; what is compared is not the therapy alone", "], [".join(differ)
        )
    return Comparison(_one_ramp(arms), at, density, color, differ)


def _labels(runs: list[Run], labels: Sequence[str] | None) -> list[str]:
    if labels is None:
        return [run.path.resolve().name.replace("_", " ") for run in runs]
    if len(labels) != len(runs):
        raise RunError(f"{len(labels)} labels for {len(runs)} runs; give one for each, in their order")
    return list(labels)


def _by_day(run: Run) -> dict[int, Path]:
    days = {day: path for path in checkpoints(run.path) if (day := day_of(path)) is not None and day >= 0}
    if not days:
        raise RunError(f"{run.path} holds no checkpoint since entry; let it go on with 'trabsim resume'")
    return days


def _require_one_specimen(runs: list[Run]) -> None:
    """All runs must start from the same voxels, or differences between them would not be those of therapies."""
    first = _specimen(runs[0])
    for other in runs[1:]:
        here = _specimen(other)
        for key, value in first.items():
            if key in here and here[key] != value:
                raise RunError(
                    f"{runs[0].path} and {other.path} hold different specimens ({key} {value} and {here[key]}); "
                    "compare runs that start from one specimen"
                )


def _differences(runs: list[Run]) -> tuple[str, ...]:
    """Tables of the configurations that differ, other than what is given and what is written."""
    first = runs[0].config
    keys = {key for run in runs[1:] for key in changed_keys(first, run.config)}
    return tuple(sorted({key.partition(".")[0] for key in keys} - _MAY_DIFFER))


def _specimen(run: Run) -> dict[str, object]:
    """Size and checksum of the specimen at the start, as far as the run has noted them."""
    found: dict[str, object] = {}
    noted = run.provenance.get("specimen")
    if isinstance(noted, dict):
        found = {key: noted[key] for key in ("shape", "voxel_size_um", "sha256") if key in noted}
    first = read_snapshot(checkpoints(run.path)[0], (0, 1, 0, 1, 0, 1))
    return {"shape": list(first.lattice), "voxel_size_um": first.voxel_size_um} | found


def _common_day(runs: list[Run], points: list[dict[int, Path]], day: int | None) -> int:
    common = set(points[0]).intersection(*points[1:])
    if day is None:
        if not common - {0}:
            known = "; ".join(f"{run.path.name}: {', '.join(map(str, d))}" for run, d in zip(runs, points))
            raise RunError(
                f"no day after entry has a checkpoint in every run ({known}); give runs of one length"
            )
        return max(common)
    for run, days in zip(runs, points):
        if day not in days:
            raise RunError(
                f"{run.path} holds no checkpoint of day {day}; choose from: {', '.join(map(str, sorted(common)))}"
            )
    return day


def _density(runs: list[Run]) -> tuple[str, str]:
    tables = [run.series for run in runs]
    for column, label in DENSITY:
        if all(column in table and table[column].notna().any() for table in tables):
            return column, label
    return "", "BMD"


def _arm(
    run: Run, label: str, points: dict[int, Path], day: int, column: str, color: str, box: Box | None
) -> Arm:
    entry = min(points)
    now = read_snapshot(points[day], box, MOST_VOXELS)
    scene = (
        loss_scene(read_snapshot(points[entry], box, MOST_VOXELS), now)
        if color == "loss"
        else color_scene(now, color)
    )
    series = run.series
    days, change = np.zeros(0), np.zeros(0)
    if column:
        known = series[(series["day"] >= 0) & (series["day"] <= day) & series[column].notna()]
        days = known["day"].to_numpy(np.float64)
        values = known[column].to_numpy(np.float64)
        change = 100.0 * (values / values[0] - 1.0) if len(values) else values
    return Arm(label, scene, _numbers(run, entry), _numbers(run, day), days, change)


def _numbers(run: Run, day: int) -> dict[str, float]:
    """Measures of a day: from the series where it has them, else measured from the checkpoint."""
    series, found = run.series, {}
    for column, *_ in NUMBERS:
        if column in series:
            known = series[series[column].notna()]
            off = (known["day"] - day).abs()
            if len(off) and off.min() <= _NEAR_DAYS:
                found[column] = float(known.loc[off.idxmin(), column])
    missing = {column for column, *_ in NUMBERS} - set(found)
    if missing - {"BV_TV"}:
        found |= {k: v for k, v in run.architecture(day).items() if k in missing}
    if "BV_TV" in missing:
        found["BV_TV"] = read_snapshot(run.checkpoints[day]).BV_TV
    return found


def _one_ramp(arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
    """Give all scenes one scale of colors."""
    shown = [arm.scene.values for arm in arms if arm.scene.values is not None]
    if not shown:
        return arms
    low, high = min(v.low for v in shown), max(v.high for v in shown)
    for arm in arms:
        if arm.scene.values is not None:
            arm.scene.values = replace(arm.scene.values, low=low, high=high)
    return arms
