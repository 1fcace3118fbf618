"""``trabsim stiffness``: compress a scan or a checkpoint between two plates."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("image", metavar="IMAGE|CHECKPOINT", type=click.Path(path_type=Path))
@click.option(
    "--voxel-size-um", type=float, metavar="X", help="Voxel size, where the image does not state it."
)
@click.option("--gaussian", type=float, default=0.0, metavar="S", help="Smooth first; sigma in voxels.")
@click.option("--threshold", type=float, metavar="T", help="Bone is what lies above this gray value.")
@click.option("--otsu", is_flag=True, help="Find the threshold by Otsu's method.")
@click.option(
    "--boundary",
    type=click.Choice(("bonded", "frictionless", "confined")),
    default="bonded",
    show_default=True,
    help="Bone sticks to the plates, slides on them, or slides with its sides confined.",
)
@click.option(
    "--axis", type=click.Choice(("z", "y", "x")), default="z", show_default=True, help="Direction of load."
)
@click.option(
    "--modulus-MPa", "modulus_MPa", type=float, default=10_000.0, show_default=True, metavar="E",
    help="Young's modulus of bone tissue.",
)  # fmt: skip
@click.option("--poisson", type=float, default=0.3, show_default=True, metavar="NU", help="Poisson's ratio.")
@click.option(
    "--strain", type=float, default=0.01, show_default=True, metavar="E", help="Shortening over length."
)
@click.option(
    "--tolerance", type=float, default=1e-6, show_default=True, metavar="R",
    help="Unbalanced forces allowed, relative to those before any node has moved.",
)  # fmt: skip
@click.option(
    "--max-iterations", type=click.IntRange(min=0), default=500, show_default=True, metavar="N",
    help="Give up after so many.",
)  # fmt: skip
@click.option("--tensor", is_flag=True, help="Also find the homogenized stiffness tensor (six more solves).")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, with null for what is undefined.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="CPU threads; results do not depend on it. Default: every core.",
)
@click.option(
    "--backend",
    type=click.Choice(("auto", "numpy", "cupy")),
    default="auto",
    help="Where to compute; auto takes a GPU that answers, else the CPU. Results do not depend on it.",
)
def stiffness(
    image: Path,
    voxel_size_um: float | None,
    gaussian: float,
    threshold: float | None,
    otsu: bool,
    boundary: str,
    axis: str,
    modulus_MPa: float,
    poisson: float,
    strain: float,
    tolerance: float,
    max_iterations: int,
    tensor: bool,
    as_json: bool,
    threads: int | None,
    backend: str,
) -> None:
    """Find the stiffness and strength of a scan or checkpoint.

    Every bone voxel is one linear elastic element; the specimen is compressed between two plates. All bone
    that hangs together with a plate takes part, connected by faces, edges or corners; the rest is left out
    with a warning. Of a checkpoint the voxels that are at least half bone are taken, without the rim of 3
    voxels that series.csv leaves out too.
    """
    from trabsim.backends import get_backend
    from trabsim.cli_measure import bone_of_scan
    from trabsim.cli_text import echo_json, number, table
    from trabsim.mechanics.compression import compress, uniform_modulus
    from trabsim.mechanics.homogenization import unit_cases

    device = get_backend(backend, threads=threads)
    if image.suffix == ".vtkhdf":
        if voxel_size_um is not None or gaussian or threshold is not None or otsu:
            raise click.UsageError("a checkpoint knows its voxel size and its bone; leave these options out.")
        bone, edge = _bone_of_checkpoint(image)
        how: dict[str, Any] = {"voxel_size_um": edge, "segmentation": "at least half full"}
    else:
        bone, edge, method = bone_of_scan(image, voxel_size_um, gaussian, threshold, otsu)
        how = {"voxel_size_um": edge, "segmentation": method}
    how |= {
        "boundary": boundary,
        "axis": axis,
        "modulus_MPa": modulus_MPa,
        "poisson": poisson,
        "strain": strain,
    }
    started = time.perf_counter()
    modulus = uniform_modulus(bone, modulus_MPa)
    result = compress(
        modulus, edge, backend=device, poisson=poisson, boundary=boundary, axis=axis, strain=strain,
        tolerance=tolerance, most_iterations=max_iterations,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    mesh = result.system.mesh
    found: dict[str, Any] = {
        "apparent_modulus_MPa": result.apparent_modulus_MPa,
        "axial_force_N": result.force_N,
        "failure_load_N": result.failure_load_N(),
        "elements": len(mesh.voxels),
        "elements_left_out": mesh.left_out,
        "dofs": 3 * len(mesh.nodes),
        "iterations": result.solve.iterations,
        "residual": result.solve.residual,
        "seconds": seconds,
        "mean_SED_center_MPa": float(result.energy_density("center").mean()),
        "mean_SED_element_average_MPa": float(result.energy_density("average").mean()),
    }
    del result, mesh
    if tensor:
        cases = unit_cases(
            modulus,
            edge,
            backend=device,
            poisson=poisson,
            tolerance=tolerance,
            most_iterations=max_iterations,
        )
        found["stiffness_tensor_MPa"] = cases.stiffness_MPa.tolist()
    found["peak_memory_MB"] = peak_memory_MB()
    if as_json:
        echo_json({"source": str(image), **how, **found})
        return
    rows = found.pop("stiffness_tensor_MPa", None)
    click.echo(", ".join(f"{name} {value}" for name, value in how.items()))
    click.echo(table(("", ""), [(name, number(value, 5)) for name, value in found.items()]))
    if rows is not None:
        click.echo("homogenized stiffness in MPa (xx, yy, zz, yz, xz, xy; engineering shear strains)")
        click.echo(table(("",) * 6, [tuple(number(value, 5) for value in row) for row in rows]))


def peak_memory_MB() -> float:
    """Most memory this process has held, in 10**6 bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # unlike the resource usage below it does not count what the parent process held
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024e-6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1e-6 if sys.platform == "darwin" else 1024e-6)


def _bone_of_checkpoint(path: Path) -> tuple[Any, float]:
    import numpy as np

    from trabsim.backends import get_backend
    from trabsim.checkpoint import read_checkpoint
    from trabsim.measures import core_of
    from trabsim.state import FULL

    state, _day, _header = read_checkpoint(path, get_backend("numpy"))
    core = core_of(state)
    return np.ascontiguousarray(2 * state.bone[core] >= FULL), state.voxel_size_um
