"""``trabsim calibrate``: fit named parameters to published single-drug trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trabsim.cli_workers import worker_options


@click.command()
@click.argument("file", metavar="FILE.toml", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), required=True, metavar="FOLDER",
    help="Where parameters, log and runs go; what was run there is not run again.",
)  # fmt: skip
@worker_options
@click.option("--dry-run", is_flag=True, help="Say what is fitted to what, and stop.")
def calibrate(file: Path, folder: Path, workers: int | None, scheduler: str | None, dry_run: bool) -> None:
    """Fit parameters to published values of single drugs.

    FILE.toml names the parameters with their bounds, the rows and the seeds. Nothing is fitted to combinations,
    sequences and stops. Leaves parameters.toml, a configuration to extend, and calibration.json with standard errors,
    correlation, residuals and every point that was tried. Started again it goes on where it was.
    """
    from trabsim.cli_text import number, table
    from trabsim.cli_validate import Progress
    from trabsim.trials.arm_lives import Settings
    from trabsim.trials.calibration import CalibrationParams, target_rows
    from trabsim.trials.calibration import calibrate as fit
    from trabsim.trials.calibration_files import errors_of, residual_rows, write_calibration
    from trabsim.trials.clinical_table import default_table, read_table
    from trabsim.trials.execution import cluster_of, run_lives
    from trabsim.trials.parameter_space import ParameterSpace
    from trabsim.trials.scorecard import plan
    from trabsim.trials.scorecard_text import CITATION, NOTICE
    from trabsim.trials.study_file import read_study

    params = read_study(file, CalibrationParams)
    path = file.parent / params.table if params.table is not None else default_table()
    clinical = read_table(path, drug=params.only, ids=params.rows)
    space = ParameterSpace(params.parameter)
    rows, reported = target_rows(clinical, params)
    size = Settings(params.seeds, (params.shape,) * 3, params.voxel_size_um, dict(params.set))
    lives = plan(rows, size, null_models=False).lives
    click.echo(
        f"{len(space)} parameters, {len(rows)} rows to fit, {len(reported)} to report, "
        f"{len(clinical.skipped)} skipped; "
        f"{len(lives)} lives per point, fewer where a parameter does not matter"
    )
    for row in clinical.skipped:
        click.echo(f"skipped {row.id} ({row.quantity}, {row.site}): {row.reason}")
    if dry_run:
        for key, value in space.values(space.start).items():
            click.echo(f"{key} starts at {value:g}")
        return

    def watch(evaluation: Any) -> None:
        at = ", ".join(f"{key} {value:.4g}" for key, value in evaluation.parameters.items())
        trouble = f"; {len(evaluation.failures)} kinds of failure" if evaluation.failures else ""
        click.echo(f"squares {evaluation.squares:.4g} at {at}{trouble}")

    def run(*arguments: Any, progress: Any = None) -> Any:
        return run_lives(*arguments, progress=Progress())  # an estimate for each batch of its own

    found = fit(params, clinical, folder, cluster_of(workers, scheduler), runner=run, watch=watch)
    written = write_calibration(found, folder)
    errors = errors_of(found)
    click.echo(
        "\n"
        + table(
            ("parameter", "start", "fitted", "standard error", "largest slope t"),
            [
                (
                    key,
                    *(
                        number(x)
                        for x in (found.first.parameters[key], found.best.parameters[key], errors[key], t)
                    ),
                )
                for key, t in zip(found.space.keys, found.largest_t)
            ],
        )
    )
    cells = ("id", "published", "simulated_at_start", "simulated", "residual_at_start", "residual")
    residuals = [(r["id"], *(f"{r[name]:.2f}" for name in cells[1:])) for r in residual_rows(found)]
    click.echo("\n" + table(cells, residuals))
    click.echo(f"\nsum of squares {found.first.squares:.4g} -> {found.best.squares:.4g}; {found.message}")
    click.echo("a dash as standard error: these rows do not determine that parameter")
    click.echo(f"wrote {written[0]} and {written[1]}\ncite {CITATION}\n{NOTICE}")
