"""``trabsim compare``: runs of one specimen side by side."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Figure: .png, .pdf or .svg.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="TEXT",
    help="Name of a run, once for each in their order. Default: the names of the folders.",
)
@click.option(
    "--day", type=int, metavar="DAY", help="Day after entry. Default: the latest checkpoint of all runs."
)
@click.option(
    "--color",
    default="loss",
    metavar="NAME",
    help="Color by loss (since entry), bone, phase, mineral, age, or a field of the checkpoints.",
)
@click.option("--view", default="corner", metavar="NAME", help="Camera: corner, front, side or top.")
@click.option("--dpi", type=click.IntRange(50, 1200), default=300, metavar="N", help="Dots per inch.")
def compare(
    runs: tuple[Path, ...],
    output: Path,
    labels: tuple[str, ...],
    day: int | None,
    color: str,
    view: str,
    dpi: int,
) -> None:
    """Draw therapies side by side.

    Two to eight runs that started from the same specimen, under one camera and one scale. Under each stand BV/TV,
    Tb.N and Conn.D with their change since entry, and the course of its density.
    """
    from trabsim import viz

    how = viz.compare(runs, output, labels=labels or None, day=day, color=color, view=view, dpi=dpi)
    click.echo(f"{output}: {how}")
