"""``trabsim export``: checkpoints in the formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trabsim.run_folder import find_checkpoints
from trabsim.runfile import require_checkpoint

SURFACES, VOLUMES, SERIES = ("stl", "ply", "glb"), ("nifti", "ome-zarr"), ("vtkhdf-series",)
ENDINGS = {
    ".stl": "stl",
    ".ply": "ply",
    ".glb": "glb",
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".zarr": "ome-zarr",
    ".vtkhdf": "vtkhdf-series",
}
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("what", metavar="RUN|CHECKPOINT", type=FILE)
@click.option("-o", "--output", required=True, type=FILE, metavar="FILE", help="File to write.")
@click.option(
    "--to",
    type=click.Choice((*SURFACES, *VOLUMES, *SERIES)),
    help="Format. Default: what the name of FILE ends in.",
)
@click.option("--day", type=int, metavar="DAY", help="Checkpoint of a run to take. Default: the latest.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME",
    help="Array of a volume (default: bone), or of a time series (default: all; may be given many times).",
)
@click.option("--color", metavar="NAME", help="Color a PLY or GLB as 'trabsim render --color' does.")
@click.option(
    "--unit",
    type=click.Choice(("mm", "um")),
    default="mm",
    help="Unit of the coordinates in STL and PLY; GLB is in meters.",
)
@click.option("--box", metavar="Z0,Z1,Y0,Y1,X0,X1", help="Voxels to take. Default: the whole specimen.")
def export(
    what: Path,
    output: Path,
    to: str | None,
    day: int | None,
    fields: tuple[str, ...],
    color: str | None,
    unit: str,
    box: str | None,
) -> None:
    """Write a surface, volume or time series of a run.

    Surfaces for printing and solvers: .stl, .ply, .glb. Volumes for image programs: .nii, .nii.gz, .ome.zarr.
    All checkpoints of a run for ParaView, which plays them: .vtkhdf.
    """
    from trabsim import viz

    to = to or _format(output)
    _refuse_what_does_not_fit(to, what, day, fields, color, unit, box)
    options: dict[str, Any] = {} if box is None else {"box": _box(box)}
    if to in SERIES:
        told = viz.export_series(what, output, fields=fields or None)
    else:
        path = what if day is None else require_checkpoint(find_checkpoints(what), day, what)
        if to in VOLUMES:
            told = viz.export_volume(path, output, to=to, field=fields[0] if fields else "bone", **options)
        else:
            told = viz.export_surface(path, output, to=to, unit=unit, color=color, **options)
    click.echo(f"{output}: {told}")


def _format(output: Path) -> str:
    for ending, to in ENDINGS.items():
        if output.name.lower().endswith(ending):
            return to
    raise click.UsageError(
        f"the name '{output.name}' does not tell the format; end it in {', '.join(ENDINGS)}, or give --to."
    )


def _refuse_what_does_not_fit(
    to: str,
    what: Path,
    day: int | None,
    fields: tuple[str, ...],
    color: str | None,
    unit: str,
    box: str | None,
) -> None:
    """Refuse options that the format would ignore."""
    if to in SERIES and (day is not None or box is not None):
        raise click.UsageError("a time series holds every day and voxel; leave --day and --box out.")
    if fields and to in SURFACES:
        raise click.UsageError("a surface holds no fields; color it with --color, or write a volume.")
    if len(fields) > 1 and to in VOLUMES:
        raise click.UsageError("a volume holds one field; give --field once.")
    if (color is not None or unit != "mm") and to not in SURFACES:
        raise click.UsageError("--color and --unit belong to surfaces; write .stl, .ply or .glb.")
    if day is not None and not what.is_dir():
        raise click.UsageError("--day chooses a checkpoint of a run; give a run folder.")


def _box(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.UsageError(
            f"--box is six voxel numbers, not '{text}'; write for example --box 0,64,0,64,0,32."
        ) from None
