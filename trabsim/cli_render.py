"""``trabsim render``: pictures, plots and films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trabsim.run_folder import find_checkpoints

FILMS = (".mp4", ".gif")
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("first", metavar="RUN|CHECKPOINT", type=FILE)
@click.argument("second", metavar="[CHECKPOINT]", required=False, type=FILE)
@click.option(
    "-o",
    "--output",
    required=True,
    type=FILE,
    metavar="FILE",
    help="Picture (.png), film of a run (.mp4, .gif), or page (.html); a strip also .pdf or .svg.",
)
@click.option("--loss", is_flag=True, help="Draw what was lost and gained since entry.")
@click.option(
    "--by-load", is_flag=True, help="With a loss map: tell apart what bore much load and what bore little."
)
@click.option("--distance", is_flag=True, help="With a loss map: color by how far the surface has receded.")
@click.option("--cells", is_flag=True, help="Draw the cells at work.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="CELLS",
    help="With --cells: osteoclasts, osteoblasts, osteocytes; may be given many times.",
)
@click.option("--field", metavar="NAME", help="Draw a field: rankl, opg, sclerostin, estradiol, or another.")
@click.option(
    "--volume", is_flag=True, help="With --field: as a cloud around the bone instead of on a plane."
)
@click.option("--section", is_flag=True, help="Draw a stained section with its double label.")
@click.option("--axis", type=click.Choice(("z", "y", "x")), help="With --field or --section: across it.")
@click.option(
    "--at", type=float, metavar="SHARE", help="With --field or --section: where, 0-1 along the axis."
)
@click.option("--strip", is_flag=True, help="Draw a run on several days in a row.")
@click.option("--turn", is_flag=True, help="With a film: turn one checkpoint around instead.")
@click.option("--series", is_flag=True, help="Plot series.csv of a run.")
@click.option(
    "--html",
    is_flag=True,
    help="Write one page to turn, cut and play a run in, with everything inside (.html).",
)
@click.option(
    "--color",
    metavar="NAME",
    help="Color by bone, phase, mineral, age, thickness, or a field as in --field, such as strain_energy.",
)
@click.option("--view", metavar="NAME", help="Camera: corner, front, side or top.")
def render(first: Path, second: Path | None, output: Path, html: bool, **asked: Any) -> None:
    """Draw a checkpoint, a run, or what changed.

    A run or checkpoint alone: its bone. Two checkpoints, or a run with --loss: what was lost (red) and gained
    (blue).
    """
    if html or output.suffix.lower() == ".html":
        mixed = any(value for name, value in asked.items() if name != "color")
        draw_page(first, second, output, mixed, asked["color"])
        return
    draw(first, second, output, **asked)


def draw(
    first: Path,
    second: Path | None,
    output: Path,
    *,
    loss: bool = False,
    by_load: bool = False,
    distance: bool = False,
    cells: bool = False,
    layers: tuple[str, ...] = (),
    field: str | None = None,
    volume: bool = False,
    section: bool = False,
    axis: str | None = None,
    at: float | None = None,
    strip: bool = False,
    turn: bool = False,
    series: bool = False,
    color: str | None = None,
    view: str | None = None,
) -> None:
    """Draw what the options ask for."""
    from trabsim import viz

    film = output.suffix.lower() in FILMS
    changed = loss or second is not None
    things = (changed, cells, series, color is not None, field is not None, section)
    if sum(things) > 1:
        raise click.UsageError(
            "--loss, --cells, --series, --field, --section and --color draw different things; take one of them."
        )
    for option, given in (("--by-load", by_load), ("--distance", distance)):
        _require(
            given,
            changed and not film and not strip,
            option,
            "a picture of what was lost; add --loss, or a second checkpoint",
        )
    _require(bool(layers), cells and not film, "--layer", "a picture of cells; add --cells")
    _require(volume, field is not None, "--volume", "a field; add --field NAME")
    for option, given in (("--axis", axis is not None), ("--at", at is not None)):
        _require(given, field is not None or section, option, "a plane; add --field NAME or --section")
        _require(given, not volume, option, "a plane, and a cloud has none; leave it or --volume out")
    _require(turn, film, "--turn", "a film; end the name of the file in .mp4 or .gif")
    _require(
        strip,
        not (film or cells or series or field or section or second),
        "--strip",
        "a run and a coloring; leave the other options out",
    )
    for option, given in (("--field", field is not None), ("--section", section)):
        _require(given, not film, option, "a picture; end the name of the file in .png")
    _require(
        film, second is None, output.suffix, "a film, which shows one run; leave the second checkpoint out"
    )
    _require(view is not None, not (series or section), "--view", "pictures in space; leave it out")
    _require(view is not None, not turn, "--view", "pictures that do not turn; leave it out")
    more: dict[str, Any] = {} if view is None else {"view": view}
    if series:
        how = viz.plot_series(first, output)
    elif strip:
        how = viz.render_strip(first, output, color=color or "loss", **more)
    elif film:
        kind = "cells" if cells else "loss" if loss else color
        make = viz.turntable if turn else viz.movie
        how = make(first, output, color=kind or ("bone" if turn else "loss"), **more)
    elif field is not None:
        plane = {name: value for name, value in (("axis", axis), ("at", at)) if value is not None}
        how = viz.render_field(
            first, output, field=field, how="volume" if volume else "slice", **plane, **more
        )
    elif section:
        how = viz.render_section(first, output, axis=axis or "z", at=at)
    elif cells:
        how = viz.render_cells(first, output, **({"layers": layers} if layers else {}), **more)
    elif changed:
        before, after = (first, second) if second is not None else _entry_and_last(first)
        if distance:
            more["distance"] = True
        how = viz.render_loss(before, after, output, by_load=by_load, **more)
    else:
        how = viz.render_checkpoint(first, output, color=color or "bone", **more)
    click.echo(f"{output}: {how}")


def _require(given: bool, fits: bool, option: str, where: str) -> None:
    if given and not fits:
        raise click.UsageError(f"{option} belongs to {where}.")


def draw_page(first: Path, second: Path | None, output: Path, mixed: bool, color: str | None) -> None:
    """Write the page of a run or checkpoint."""
    from trabsim import viz

    if mixed or second is not None:
        raise click.UsageError(
            "a page shows change, cells and days of one run by itself; give one run, and no option but --color."
        )
    click.echo(f"{output}: {viz.write_page(first, output, color=color)}")


def _entry_and_last(folder: Path) -> tuple[Path, Path]:
    points = (
        {day: path for day, path in find_checkpoints(folder).items() if day >= 0} if folder.is_dir() else {}
    )
    if len(points) < 2:
        raise click.UsageError(
            f"--loss compares two checkpoints, and {folder} gives {len(points)}; give a run folder that "
            "holds two, or two checkpoints."
        )
    days = list(points)
    return points[days[0]], points[days[-1]]
