"""``trabsim validate``: run what a clinical table names, and print how far off the model is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from trabsim.cli_workers import worker_options


@click.command()
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Clinical table. Default: that beside the project.",
)
@click.option("--only", metavar="DRUG", help="Rows that give this drug alone or with others.")
@click.option("--rows", metavar="ID,...", help="These rows alone.")
@click.option("--seeds", type=click.IntRange(min=1), default=4, show_default=True, metavar="N")
@worker_options
@click.option(
    "--shape",
    type=click.IntRange(min=16),
    default=56,
    show_default=True,
    metavar="N",
    help="Voxels along an edge.",
)
@click.option("--voxel-size-um", type=float, default=36.0, show_default=True, metavar="X")
@click.option(
    "--parameters", type=click.Path(path_type=Path), metavar="FILE",
    help="Configuration of parameters, such as a calibration leaves; --set wins over it.",
)  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As for 'trabsim run'.")
@click.option(
    "--keep", type=click.Path(path_type=Path), default=Path("scorecard_lives"), show_default=True, metavar="FOLDER",
    help="Where runs are kept; what is there is not run again.",
)  # fmt: skip
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the scorecard (.csv or .md).",
)
@click.option(
    "--plain", is_flag=True, help="Density as it stands, not averaged over what happens to be open."
)
@click.option("--dry-run", is_flag=True, help="Say what would be run, and stop.")
def validate(
    table: Path | None,
    only: str | None,
    rows: str | None,
    seeds: int,
    workers: int | None,
    scheduler: str | None,
    shape: int,
    voxel_size_um: float,
    parameters: Path | None,
    settings: tuple[str, ...],
    keep: Path,
    output: Path | None,
    plain: bool,
    dry_run: bool,
) -> None:
    """Score the model against published trials.

    Runs the trials that a clinical table names and prints, row by row, the published and the simulated value, z and
    whether |z| < 2; then totals by group, beside two null models: effects of single drugs add up, and effects vanish at
    the stop. Rows that cannot be run are listed with the reason and never count.
    """
    from trabsim.config import parse_override
    from trabsim.errors import RunError
    from trabsim.trials.arm_lives import Settings
    from trabsim.trials.clinical_table import default_table, read_table
    from trabsim.trials.execution import cluster_of, run_lives
    from trabsim.trials.parameter_space import read_overrides
    from trabsim.trials.scorecard import plan, score_table
    from trabsim.trials.scorecard_text import as_csv, as_markdown

    if output is not None and output.suffix not in (".csv", ".md"):
        raise click.UsageError(f"-o {output} has no known ending; write .csv or .md.")
    ids = [word.strip() for word in rows.split(",") if word.strip()] if rows else []
    found = read_table(table if table is not None else default_table(), drug=only, ids=ids)
    overrides = read_overrides(parameters) if parameters is not None else {}
    overrides |= dict(parse_override(text) for text in settings)
    chosen = Settings(seeds, (shape,) * 3, voxel_size_um, overrides)
    cluster = cluster_of(workers, scheduler)
    lives = plan(found.rows, chosen)
    click.echo(announcement(found, lives, keep))
    if dry_run:
        for row in found.skipped:
            click.echo(f"skipped {row.id} ({row.quantity}, {row.site}): {row.reason}")
        for line in warnings(found, lives):
            click.echo(f"warning: {line}")
        return
    progress = Progress()
    outcomes = run_lives(lives.lives, keep, cluster, progress=progress)
    card = score_table(found, lives, outcomes, plain=plain)
    show(card)
    if output is not None:
        try:
            output.write_text(
                as_csv(card) if output.suffix == ".csv" else as_markdown(card), encoding="utf-8"
            )
        except OSError as error:
            raise RunError(f"cannot write {output}: {error.strerror}; choose another file with -o") from None
        click.echo(f"wrote {output}")


def announcement(found: Any, lives: Any, keep: Path) -> str:
    """What is ahead, in one line."""
    wanted = list({life.key: life for life in lives.lives}.values())
    left = [life for life in wanted if not (keep / "lives" / f"{life.key}.json").is_file()]
    run_ins = {life.run_in_key: life for life in left}
    days = sum(life.run_in_config.run.spin_up_days for life in run_ins.values())
    years = days / 365.25 + sum(life.last_month for life in left) / 12.0
    return (
        f"{len(found.rows)} rows to run, {len(found.skipped)} skipped; {len(wanted)} lives, "
        f"{len(wanted) - len(left)} of them kept in {keep}; ahead {len(left)} lives after {len(run_ins)} run-ins, "
        f"{years:.0f} simulated years"
    )


def warnings(found: Any, lives: Any) -> list[str]:
    """What is unusual about doses and schedules, each with the rows that it concerns."""
    from trabsim.therapy.notes import gathered, notes_of

    notes = {arm: notes_of(life.config) for (arm, seed), life in lives.by_arm.items() if seed == 1}
    return gathered(
        ((row.id, note) for row in found.rows for arm in row.arms for note in notes[arm]), "row", "rows"
    )


class Progress:
    """Say how far lives are, at most every ten seconds, with an estimate of the time left."""

    def __init__(self, every_seconds: float = 10.0):
        self.every_seconds = every_seconds
        self.began = self.said = time.monotonic()
        self.first: int | None = None

    def __call__(self, done: int, failed: int, total: int) -> None:
        """Note that so many lives are done, have failed and are wanted."""
        from trabsim.cli_text import duration

        now, ended = time.monotonic(), done + failed
        if self.first is None:
            self.first = ended
            return
        if now - self.said < self.every_seconds and ended < total:
            return
        self.said = now
        passed = now - self.began
        left = passed / max(ended - self.first, 1) * (total - ended)
        failures = f", {failed} failed" if failed else ""
        click.echo(
            f"{ended} of {total} lives{failures} after {duration(passed)}, about {duration(left)} left"
        )


def show(card: Any) -> None:
    """Print a scorecard."""
    from trabsim.cli_text import table
    from trabsim.trials.scorecard import totals
    from trabsim.trials.scorecard_text import (
        EXPLANATION,
        ROW_HEADER,
        TOTAL_HEADER,
        entry_line,
        line_rows,
        provenance_lines,
        total_rows,
        uncalibrated_line,
    )

    if card.lines:
        click.echo(
            "\n"
            + table(
                ROW_HEADER, [(row[0], *(cell[:26] for cell in row[1:-1]), row[-1]) for row in line_rows(card)]
            )
        )
    if card.skipped:
        click.echo("\nskipped, and counted nowhere:")
        for row in card.skipped:
            click.echo(f"  {row.id} ({row.quantity}, {row.site}): {row.reason}")
    if card.lines:
        click.echo("\n" + table(TOTAL_HEADER, total_rows(totals(card.lines))))
        click.echo(EXPLANATION)
        for said in (entry_line(card), uncalibrated_line(card)):
            if said:
                click.echo(said)
    else:
        click.echo("\nno row could be run")
    click.echo("\n" + "\n".join(provenance_lines(card)))
