"""``trabsim sensitivity``: which parameters move an endpoint, and whether the effect is real."""

from __future__ import annotations

from pathlib import Path

import click

from trabsim.cli_workers import worker_options


@click.command()
@click.argument("file", metavar="FILE.toml", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), required=True, metavar="FOLDER",
    help="Where tables and runs go; what was run there is not run again.",
)  # fmt: skip
@worker_options
@click.option("--dry-run", is_flag=True, help="Say how many lives it takes, and stop.")
def sensitivity(file: Path, folder: Path, workers: int | None, scheduler: str | None, dry_run: bool) -> None:
    """Screen parameters for what they do to endpoints.

    FILE.toml names a person, what is given, endpoints and parameters with their bounds; the method is one_at_a_time or
    morris. Prints each effect with its Monte-Carlo error, t and whether it is real, and how many seeds an endpoint
    needs for a wanted error.
    """
    from trabsim.cli_text import number, table
    from trabsim.cli_validate import Progress
    from trabsim.trials.execution import cluster_of, run_lives
    from trabsim.trials.scorecard_text import CITATION, NOTICE
    from trabsim.trials.sensitivity import design, plans_at, screen
    from trabsim.trials.sensitivity_files import write_sensitivity
    from trabsim.trials.sensitivity_params import SensitivityParams
    from trabsim.trials.study_file import read_study

    params = read_study(file, SensitivityParams)
    rows, space, points = design(params)
    lives = {life.key for plan in plans_at(params, rows, space, points) for life in plan.lives}
    click.echo(f"{len(space)} parameters, {len(rows)} endpoints, {len(points)} points, {len(lives)} lives")
    if dry_run:
        return
    found = screen(params, folder, cluster_of(workers, scheduler), runner=run_lives, progress=Progress())
    header: tuple[str, ...] = ("endpoint", "parameter", "effect", "MC error", "t", "real")
    extra = ("mu_star", "sigma", "noise") if params.method == "morris" else ()
    ordered = sorted(found.effects, key=lambda effect: -abs(effect.effect))
    ordered = [e for endpoint in params.endpoint for e in ordered if e.endpoint == endpoint.name]
    cells = [
        (
            *(e.endpoint, e.key, number(e.effect), number(e.error), number(e.t), "yes" if e.real else "no"),
            *(number(getattr(e, name)) for name in extra),
        )
        for e in ordered
    ]
    click.echo("\n" + table((*header, *extra), cells))
    click.echo(
        "real: |t| above what chance gives once in twenty, or effects of both signs twice the size of noise\n"
    )
    needs = [
        (
            *(r.endpoint, number(r.mean), number(r.spread), number(r.wanted_error)),
            *("-" if n is None else str(n) for n in (r.needed, r.safe)),
        )
        for r in found.replicates
    ]
    click.echo(
        table(("endpoint", "mean", "SD over seeds", "wanted error", "seeds needed", "to be safe"), needs)
    )
    effects, log = write_sensitivity(found, folder)
    click.echo(f"\nwrote {effects} and {log}\ncite {CITATION}\n{NOTICE}")
