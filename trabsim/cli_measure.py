"""``trabsim measure``: morphometry of a scan or of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from trabsim.checkpoint import read_checkpoint
from trabsim.cli_text import echo_json, number, table
from trabsim.errors import SpecimenError


def measure_image(
    image: Path,
    voxel_size_um: float | None,
    gaussian: float,
    threshold: float | None,
    otsu: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure and show."""
    if image.suffix == ".vtkhdf":
        if voxel_size_um is not None or gaussian or threshold is not None or otsu:
            raise click.UsageError("a checkpoint knows its voxel size and its bone; leave these options out.")
        how, found = _checkpoint(image, threads)
    else:
        how, found = _scan(image, voxel_size_um, gaussian, threshold, otsu, threads)
    if as_json:
        echo_json({"source": str(image), **how, **found})
        return
    click.echo(", ".join(f"{name} {value}" for name, value in how.items()))
    click.echo(table(("", ""), [(name, number(value, 5)) for name, value in found.items()]))


def bone_of_scan(
    image: Path, voxel_size_um: float | None, gaussian: float, threshold: float | None, otsu: bool
) -> tuple[Any, float, str]:
    """Read and segment an image; give its bone, voxel edge in um, and the method."""
    from trabsim.tissue.scan_image import agreed_spacing, cube_edge, is_cubic, show_um
    from trabsim.tissue.scans import read_image, segment

    if otsu and threshold is not None:
        raise click.UsageError("--otsu finds the threshold, and --threshold gives one; take one of them.")
    scan = read_image(image)
    spacing = agreed_spacing(scan, voxel_size_um)
    if spacing is None:
        raise SpecimenError(f"{scan.source} holds no voxel size: give --voxel-size-um, for example 20")
    if not is_cubic(spacing):
        raise SpecimenError(
            f"{scan.source} has voxels of {show_um(spacing)}, no cubes: resample it before measuring"
        )
    method: Any = "otsu" if otsu else "threshold"
    if not otsu and threshold is None:
        if not _two_values(scan.values):
            raise SpecimenError(f"{scan.source} holds gray values: give --threshold T or --otsu")
        method = "mask"
    bone = segment(scan, method=method, threshold=threshold, gaussian=gaussian)
    return bone, cube_edge(spacing), method


def _scan(
    image: Path,
    voxel_size_um: float | None,
    gaussian: float,
    threshold: float | None,
    otsu: bool,
    threads: int | None,
) -> tuple[dict[str, Any], dict[str, float]]:
    from trabsim import morphometry

    bone, edge, method = bone_of_scan(image, voxel_size_um, gaussian, threshold, otsu)
    found = morphometry.measure(bone, edge, only_largest_component=True, threads=threads)
    how = {"voxel_size_um": edge, "segmentation": method, "part": "largest 6-connected"}
    return how, _known(found)


def _checkpoint(path: Path, threads: int | None) -> tuple[dict[str, Any], dict[str, float]]:
    import tomllib

    from trabsim import morphometry
    from trabsim.architecture import BLUR_UM, solid_bone
    from trabsim.backends import get_backend
    from trabsim.config import load_config
    from trabsim.densitometry import density_measures
    from trabsim.measures import core_of

    backend = get_backend("numpy", threads=threads)
    state, day, header = read_checkpoint(path, backend)
    core = core_of(state)
    bone, mask = solid_bone(state, backend, core)
    found = morphometry.measure(bone, state.voxel_size_um, mask=mask, threads=threads)
    config = load_config(tomllib.loads(header.config_toml))
    density = density_measures(state, backend, core, day - 1, config)
    found |= {name: density[name] for name in ("TMD_mg_per_cm3", "vBMD_mg_per_cm3")}
    how = {
        "day": day,
        "voxel_size_um": state.voxel_size_um,
        "bone": f"blurred by {BLUR_UM:g} um, threshold at equal volume, closed dents filled",
        "rim_voxels_left_out": core[0].start,
    }
    return how, _known(found)


def _two_values(values: np.ndarray) -> bool:
    """Whether an image is a mask: at most two different values."""
    first = values.flat[0]
    others = values[values != first]
    return others.size == 0 or bool((others == others[0]).all())


def _known(found: dict[str, float]) -> dict[str, float]:
    """Without densities where nothing is known about mineral."""
    return {k: v for k, v in found.items() if not (k.endswith("MD_mg_per_cm3") and np.isnan(v))}
