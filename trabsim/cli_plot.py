"""``trabsim plot``: curves and distributions for a paper."""

from __future__ import annotations

from pathlib import Path

import click

KINDS = ("clinical", "morphometry", "mineral", "sites")


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Figure: .pdf and .svg are vectors, .png is pixels.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="TEXT",
    help="Name of an arm, once for each in their order. Default: the names of the folders.",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="COLUMN",
    help="Plot these columns of series.csv instead of the usual ones; may be given many times.",
)
def plot(
    kind: str, runs: tuple[Path, ...], output: Path, labels: tuple[str, ...], measures: tuple[str, ...]
) -> None:
    """Plot what runs measured.

    clinical: BMD, T-score, CTX and P1NP. morphometry: BV/TV, Tb.Th, Tb.Sp, Tb.N, Conn.D and more. An arm is the
    folder of a run, or a folder of runs, which become a median with a band. mineral: how much bone has how much
    mineral. sites: the remodeling sites of one run.
    """
    from trabsim import viz

    if measures and kind not in ("clinical", "morphometry"):
        raise click.UsageError(
            "--measure names columns of the series; it belongs to 'plot clinical' and 'plot morphometry'."
        )
    if kind == "sites":
        if len(runs) > 1 or labels:
            raise click.UsageError(
                "the sites of one run are plotted at a time, without labels; give one run."
            )
        how = viz.plot_sites(runs[0], output)
    elif measures:
        how = viz.plot_arms(runs, output, measures=measures, labels=labels or None)
    else:
        draw = {
            "clinical": viz.plot_clinical,
            "morphometry": viz.plot_morphometry,
            "mineral": viz.plot_mineral,
        }[kind]
        how = draw(runs, output, labels=labels or None)
    click.echo(f"{output}: {how}")
