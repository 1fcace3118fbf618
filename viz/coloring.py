"""Color a surface by the arrays of its checkpoint: phase, lost and gained bone, mineral, any field."""

from __future__ import annotations

import numpy as np

from trabsim.errors import RunError
from trabsim.state import FULL
from trabsim.units import DAYS_PER_YEAR
from trabsim.viz.colors import GAINED, KEPT_LOADED, LOST, LOST_LOADED, PHASES
from trabsim.viz.read import Snapshot, short_names, suggest, variable_of
from trabsim.viz.scene import Patch, Scene, Values, shares, smooth_solid, spread

#: Ways to color besides the names of the fields.
SPECIAL = ("bone", "phase", "mineral", "age", "thickness")
_LABELS = {
    "mineral": "mineral of the matrix (mg HA/cm3)",
    "age": "age of the matrix (years)",
    "thickness": "trabecular thickness, diameter of the largest sphere (um)",
    "strain_energy": "strain energy density (MPa)",
    "estradiol_local": "local estradiol, at 20 ng/dL testosterone (pg/mL)",
}
_OF_BONE = ("mineral", "age", "thickness")
# lengths of 0.5 % of the surface or less are not shown as ends of the ramp
_DEEPEST_PERCENTILE = 99.5
# a ramp that begins below this share of its end begins at zero
_NEXT_TO_NOTHING = 0.05


def color_scene(snapshot: Snapshot, color: str, limits: tuple[float, float] | None = None) -> Scene:
    """Scene of one checkpoint.

    Parameters
    ----------
    snapshot : Snapshot
    color : str
        ``bone``, ``phase``, ``mineral``, ``age``, ``thickness``, or the name of a field as `trabsim.viz.render_field`
        takes it.
    limits : tuple of float, optional
        Ends of the color ramp; by default the 1st and 99th percentile.

    Returns
    -------
    Scene

    Raises
    ------
    RunError
        For an unknown color or a field that the file lacks.
    """
    fraction = snapshot.bone / np.float32(FULL)
    solid = smooth_solid(np.where(snapshot.tissue, fraction, 0))
    if color == "bone":
        return Scene(solid, snapshot.voxel_size_um)
    if color == "phase":
        return Scene(solid, snapshot.voxel_size_um, patches=phase_patches(snapshot), base_label=PHASES[0][0])
    color, asked = variable_of(color), color
    if color not in SPECIAL and color not in snapshot.names:
        known = (*SPECIAL, *short_names(snapshot.names), *snapshot.names)
        raise RunError(f"{snapshot.path.name} holds no field '{asked}'; {suggest(asked, known)}")
    values = matrix_values(snapshot, color) if color in _OF_BONE else snapshot.array(color)
    domain = snapshot.solid if color in _OF_BONE else where_defined(snapshot, values)
    low, high = limits_of(values[domain], limits)
    shown = Values(label_of(snapshot, color), spread(values, domain), low, high)
    return Scene(solid, snapshot.voxel_size_um, values=shown)


def label_of(snapshot: Snapshot, name: str) -> str:
    """What stands beside a ramp: a quantity and its unit."""
    return _LABELS.get(name) or snapshot.label(name)


def loss_scene(before: Snapshot, after: Snapshot, *, by_load: bool = False) -> Scene:
    """Scene of two checkpoints of one run: the bone of either, colored by what became of it.

    With `by_load` bone that bore much load at the first one is told apart: the half with the higher strain energy.

    Raises
    ------
    RunError
        If the lattices differ.
    """
    _require_one_lattice(before, after)
    either = before.solid | after.solid
    lost, gained = before.solid & ~after.solid, after.solid & ~before.solid
    classes = [("lost", LOST, lost), ("gained", GAINED, gained)]
    base = "kept"
    if by_load:
        loaded = load_bearing(before)
        kept = before.solid & after.solid
        classes = [
            ("lost, bore little load", LOST, lost & ~loaded),
            ("lost, bore much load", LOST_LOADED, lost & loaded),
            ("gained", GAINED, gained),
            ("kept, bore much load", KEPT_LOADED, kept & loaded),
        ]
        base = "kept, bore little load"
    parts = shares(either, [members for _, _, members in classes])
    fraction = np.maximum(before.bone, after.bone) / np.float32(FULL)
    return Scene(
        smooth_solid(np.where(before.tissue, fraction, 0)),
        before.voxel_size_um,
        patches=tuple(Patch(label, color, part) for (label, color, _), part in zip(classes, parts)),
        base_label=base,
    )


def distance_scene(before: Snapshot, after: Snapshot, limits: tuple[float, float] | None = None) -> Scene:
    """Scene of the bone of the first day, colored by how far its surface has receded until the other (um).

    The distance of a place is that to the nearest bone that is left, so what vanished altogether shows most.

    Raises
    ------
    RunError
        If the lattices differ, or no bone is left.
    """
    import edt

    _require_one_lattice(before, after)
    if not after.solid.any():
        raise RunError(
            f"no bone is left in {after.path.name}, so nothing has receded from it; draw it with --loss"
        )
    far = edt.edt(np.ascontiguousarray(~after.solid), parallel=2)
    values = np.maximum(far - np.float32(0.5), 0) * np.float32(after.voxel_size_um)
    domain = exposed(before.solid)
    top = float(np.percentile(values[domain], _DEEPEST_PERCENTILE)) if domain.any() else 0.0
    low, high = limits_of(values, limits or (0.0, float(f"{max(top, after.voxel_size_um):.2g}")))
    shown = Values("distance lost (um)", spread(values, domain), low, high, "loss")
    return Scene(
        smooth_solid(np.where(before.tissue, before.bone / np.float32(FULL), 0)),
        before.voxel_size_um,
        values=shown,
    )


def _require_one_lattice(before: Snapshot, after: Snapshot) -> None:
    if before.bone.shape != after.bone.shape:
        raise RunError(
            f"{before.path.name} has {_times(before)} voxels and {after.path.name} {_times(after)}; "
            "give two checkpoints of one run"
        )
    if abs(before.voxel_size_um - after.voxel_size_um) > 1e-6 * before.voxel_size_um:
        raise RunError(
            f"voxels of {before.voxel_size_um:g} um in {before.path.name} and {after.voxel_size_um:g} um in "
            f"{after.path.name}; give two checkpoints of one run"
        )


def load_bearing(snapshot: Snapshot) -> np.ndarray:
    """The half of the bone voxels with the higher strain energy density, as a mean over 3 x 3 x 3 voxels of bone.

    Raises
    ------
    RunError
        If the checkpoint has no strain energy: its run had no mechanics.
    """
    from scipy import ndimage

    solid = snapshot.solid
    energy = np.where(solid, snapshot.array("strain_energy"), np.float32(0))
    if not energy.any():
        raise RunError(f"{snapshot.path.name} holds no strain energy; --by-load needs a run with mechanics")
    near = ndimage.uniform_filter(energy, 3) / np.maximum(
        ndimage.uniform_filter(solid.astype(np.float32), 3), np.float32(1e-6)
    )
    return solid & (near >= np.median(near[solid]))


def phase_patches(snapshot: Snapshot) -> tuple[Patch, ...]:
    """Surface that is resorbing, in reversal, forming or arrested."""
    phase = snapshot.array("phase")
    surface = exposed(snapshot.solid)
    here = [number for number in range(1, len(PHASES)) if (surface & (phase == number)).any()]
    parts = shares(surface, [surface & (phase == number) for number in here])
    return tuple(Patch(*PHASES[number], part) for number, part in zip(here, parts))


def exposed(bone: np.ndarray) -> np.ndarray:
    """Bone voxels that share a face with marrow, bool; the faces of the box are not marrow."""
    padded = np.pad(bone, 1, mode="edge")
    core = (slice(1, -1),) * 3
    covered = np.ones(bone.shape, bool)
    for axis in range(3):
        for shift in (-1, 1):
            covered &= np.roll(padded, shift, axis)[core]
    return bone & ~covered


def matrix_values(snapshot: Snapshot, color: str) -> np.ndarray:
    """Mineral (mg HA/cm3) or age (years) of the matrix of each voxel; of no meaning where there is no bone.

    Raises
    ------
    RunError
        If the file does not say its day.
    """
    if color == "mineral" and "mineral" in snapshot.names:
        return snapshot.array("mineral")
    if color == "thickness":
        from trabsim.morphometry.thickness import local_thickness

        return np.nan_to_num(local_thickness(snapshot.solid & snapshot.tissue, snapshot.voxel_size_um))
    if snapshot.day is None:
        raise RunError(
            f"{snapshot.path.name} does not say its day, so its matrix has no age; color by a field"
        )
    age_days = snapshot.day - snapshot.array("formed_day").astype(np.float32)
    if color == "age":
        return age_days / np.float32(DAYS_PER_YEAR)
    from trabsim.tissue.mineral import MineralParams, mineral_fraction

    params = MineralParams(**snapshot.settings("mineral"))
    return (mineral_fraction(age_days, params) * params.full_mg_per_cm3).astype(np.float32)


def where_defined(snapshot: Snapshot, values: np.ndarray) -> np.ndarray:
    """Voxels that a field speaks of, told from where it is not zero: the surface, bone, marrow or everything.

    A few voxels on the wrong side do not count: they were bone, or marrow, when the value was set.
    """
    bone, known = snapshot.solid, values != 0
    surface = exposed(bone)
    in_marrow, in_bone = _share(known, ~bone & snapshot.tissue), _share(known, bone & ~surface)
    if in_marrow > 0.99:
        return snapshot.tissue if in_bone > 0.99 else known & snapshot.tissue
    # what bone feels is also known in marrow voxels that are partly bone
    if in_marrow < max(0.02, in_bone / 3.0) and known[bone].any():
        return bone if in_bone > 0.5 else surface
    return (~bone | surface) & snapshot.tissue


def _share(known: np.ndarray, where: np.ndarray) -> float:
    return float(known[where].mean()) if where.any() else 0.0


def limits_of(values: np.ndarray, limits: tuple[float, float] | None = None) -> tuple[float, float]:
    """Ends of a ramp: those asked for, or the 1st and 99th percentile, or zero where the lower one is next to it.

    Raises
    ------
    RunError
        If those asked for leave no range.
    """
    low, high = limits if limits is not None else _range(values)
    if not low < high:
        raise RunError(f"limits ({low:g}, {high:g}) leave no range of colors; give low < high")
    return float(low), float(high)


def _range(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(f"{end:.3g}") for end in np.percentile(finite, (1, 99)))
    if 0.0 < low < _NEXT_TO_NOTHING * high:
        low = 0.0
    return (low, high) if low < high else (low, low + max(abs(low), 1.0))


def _times(snapshot: Snapshot) -> str:
    return " x ".join(str(n) for n in snapshot.bone.shape)
