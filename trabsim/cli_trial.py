"""``trabsim trial``: run a trial, tell how far it is, write its report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(path_type=Path)


@click.group()
def trial() -> None:
    """Run in-silico trials: arms, patients, endpoints."""


@trial.command()
@click.argument("file", type=FOLDER)
@click.option(
    "-o", "--output", "folder", type=FOLDER, metavar="FOLDER", help="Where it goes. Default: FILE's name."
)
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes here. Default: one per core."
)
@click.option("--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler, e.g. tcp://host:8786.")
@click.option(
    "--cluster",
    "jobqueue",
    type=FOLDER,
    metavar="TOML",
    help="Ask a batch system for workers (dask-jobqueue).",
)
@click.option(
    "--checkpoint-days",
    type=click.IntRange(min=1),
    default=90,
    show_default=True,
    metavar="N",
    help="Days between checkpoints of a life: what a worker that dies loses at most.",
)
@click.option(
    "--backend",
    type=click.Choice(("numpy", "cupy", "auto")),
    default="numpy",
    show_default=True,
    help="Where workers compute; results do not depend on it.",
)
@click.option("--dry-run", is_flag=True, help="Show the patients and what would be run.")
def run(
    file: Path,
    folder: Path | None,
    workers: int | None,
    scheduler: str | None,
    jobqueue: Path | None,
    checkpoint_days: int,
    backend: str,
    dry_run: bool,
) -> None:
    """Run a trial, or what is left of it.

    FILE is TOML. Stopped or killed, the same command goes on where it was; what is finished is never run
    twice. Leaves tables and report.html in FOLDER.
    """
    from trabsim.cli_text import duration
    from trabsim.trials.execution import cluster_from
    from trabsim.trials.report import write_report
    from trabsim.trials.trial import run_trial
    from trabsim.trials.trial_file import read_trial

    if dry_run:
        _show_plan(read_trial(file))
        return
    cluster = cluster_from(workers, scheduler, jobqueue)
    folder = folder or Path(file.stem)
    began = time.monotonic()
    shown = _Shown(began)
    try:
        done = run_trial(
            file, folder, cluster, every_days=checkpoint_days, backend=backend, progress=shown.show
        )
    except KeyboardInterrupt:
        click.echo(
            f"stopped; the same command goes on, and 'trabsim trial status {folder}' tells how far it is"
        )
        raise click.exceptions.Exit(130) from None
    for person in done.people:
        if not person.included:
            click.echo(
                f"patient {person.patient.number} entered with a T-score of {person.entry['T_score']:.2f}, "
                "outside of the inclusion; kept"
            )
    for label, reason in done.failures.items():
        click.echo(f"failed: {label}: {reason}", err=True)
    report = write_report(folder)
    click.echo(f"done after {duration(time.monotonic() - began)}; see {report}")
    if done.failures:
        raise click.exceptions.Exit(1)


class _Shown:
    """One line whenever a life ends."""

    def __init__(self, began: float):
        self.began, self.first = began, {}  # type: ignore[var-annotated]

    def show(self, what: str, done: int, failed: int, total: int) -> None:
        """Say how many are done, and when the rest may be."""
        from trabsim.cli_text import duration

        first = self.first.setdefault(what, (done, time.monotonic()))
        now, passed = done - first[0], time.monotonic() - first[1]
        left = f", about {duration(passed / now * (total - done - failed))} left" if now else ""
        trouble = f", {failed} failed" if failed else ""
        click.echo(f"{what}: {done} of {total}{trouble}{left if done + failed < total else ''}")


@trial.command()
@click.argument("folder", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Tell how far a trial is: progress, failures with their reasons, time left."""
    from dataclasses import asdict

    from trabsim.cli_text import duration, echo_json
    from trabsim.trials.trial_folder import trial_status

    found = trial_status(folder)
    if as_json:
        echo_json(asdict(found))
        return
    state = "running" if found.is_running else "finished" if found.finished == found.total else "not running"
    click.echo(f"{found.name} (trabsim {found.version}): {state}")
    click.echo(
        f"lives: {found.finished} of {found.total} finished, {len(found.running)} on the way, "
        f"{len(found.failures)} failed; run-ins: {found.run_ins_finished} of {found.run_ins}"
    )
    for label, month in sorted(found.running.items()):
        click.echo(f"  {label}: month {month:.1f}")
    for label, reason in sorted(found.failures.items()):
        click.echo(f"  failed: {label}: {reason}")
    if found.finished + len(found.failures) < found.total:
        left = "not known yet" if found.seconds_left is None else f"about {duration(found.seconds_left)}"
        click.echo(f"time left: {left}")


@trial.command()
@click.argument("folder", type=FOLDER)
@click.option("-o", "--output", type=FOLDER, metavar="HTML", help="Default: report.html in FOLDER.")
@click.option(
    "--reference-table",
    type=FOLDER,
    metavar="CSV",
    help="Published values to draw over the curves. Default: the one that the trial names.",
)
def report(folder: Path, output: Path | None, reference_table: Path | None) -> None:
    """Write the report of a trial: one HTML file that needs nothing else."""
    from trabsim.trials.report import write_report

    click.echo(str(write_report(folder, output, reference_table)))


def _show_plan(found: Any) -> None:
    from trabsim.cli_text import table
    from trabsim.therapy.notes import gathered, notes_of

    patients = [found.patient(number) for number in range(1, found.trial.patients + 1)]
    names = list(patients[0].values)
    click.echo(
        table(
            ("patient", *names),
            [(str(p.number), *(f"{p.values[name]:.4g}" for name in names)) for p in patients],
        )
    )
    runs = found.trial.patients * found.trial.replicates
    click.echo(
        f"{runs} run-ins of {found.spin_up_days} days, {runs * len(found.arm)} lives of {found.last_month} "
        f"months in {len(found.arm)} arms ({', '.join(found.arm_names)})"
    )
    notes = [
        (f"'{arm.name}'", note)
        for arm in found.arm
        for note in notes_of(found.life(patients[0], 1, arm).config)
    ]
    for line in gathered(notes, "arm", "arms"):
        click.echo(f"warning: {line}")
