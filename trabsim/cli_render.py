"""``trabsim render``: pictures, plots and films."""

from __future__ import annotations

from pathlib import Path

import click

from trabsim.run_folder import find_checkpoints

FILMS = (".mp4", ".gif")


def draw(
    first: Path,
    second: Path | None,
    output: Path,
    loss: bool,
    by_load: bool,
    cells: bool,
    series: bool,
    color: str | None,
) -> None:
    """Draw what the options ask for."""
    from trabsim import viz

    film = output.suffix.lower() in FILMS
    if sum((loss or second is not None, cells, series, color is not None)) > 1 and not (film and loss):
        raise click.UsageError(
            "--loss, --cells, --series and --color draw different things; take one of them."
        )
    if by_load and (film or not (loss or second is not None)):
        raise click.UsageError(
            "--by-load belongs to a picture of what was lost; add --loss, or a second checkpoint."
        )
    if series:
        how = viz.plot_series(first, output)
    elif film:
        how = viz.movie(first, output, color=color or "loss")
    elif cells:
        how = viz.render_cells(first, output)
    elif loss or second is not None:
        before, after = (first, second) if second is not None else _entry_and_last(first)
        how = viz.render_loss(before, after, output, by_load=by_load)
    else:
        how = viz.render_checkpoint(first, output, color=color or "bone")
    click.echo(f"{output}: {how}")


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
