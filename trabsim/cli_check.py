"""``trabsim check`` and ``trabsim presets``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from trabsim.checkpoint import read_checkpoint
from trabsim.config import Config, changed_keys, load_config, parse_override, preset_names, preset_text
from trabsim.errors import RunError, SpecimenError
from trabsim.observers import checkpoint_due, row_due
from trabsim.runfile import Run, open_run, require_same_run


def check_config(what: str, settings: Sequence[str]) -> None:
    """Check a configuration and say what it asks for."""
    from trabsim.backends import get_backend
    from trabsim.memory import gigabytes, memory_needed_bytes, require_memory

    config = load_config(what, dict(parse_override(text) for text in settings))
    changed = changed_keys(Config(), config)
    click.echo("differs from the defaults:" if changed else "all parameters are at their defaults")
    for key, (old, new) in sorted(changed.items()):
        click.echo(f"  {key} = {_shown(new)}  (default {_shown(old)})")
    _say_therapies(config)
    shape = _specimen(config)
    backend = get_backend("auto")
    needed, free = memory_needed_bytes(shape), backend.memory_available_bytes()
    z, y, x = shape
    click.echo(
        f"\nlattice {z} x {y} x {x} voxels, about {gigabytes(needed)} of memory; {gigabytes(free)} are free"
    )
    days = range(config.run.end_day + 1)
    n_rows = sum(row_due(config, day) is not None for day in days)
    n_points = sum(checkpoint_due(config, day) for day in days)
    click.echo(
        f"spin-up {config.run.spin_up_days} days, then {config.run.end_day} days: {n_rows} rows, "
        f"{n_points} checkpoints"
    )
    require_memory(shape, backend)
    click.echo(f"{what} can be run")


def check_run(folder: Path, settings: Sequence[str]) -> None:
    """Check every file of a run folder."""
    if settings:
        raise click.UsageError(
            "--set changes a configuration, and this is the folder of a run; leave it out."
        )
    run = open_run(folder)
    config, problems = run.config, []
    if not run.checkpoints:
        problems.append(f"no checkpoint yet; 'trabsim resume {folder}' starts from the configuration")
    for day, path in run.checkpoints.items():
        found = _checkpoint_problems(path, day, config)
        problems += found
        click.echo(f"{path.name}: {'; '.join(found) if found else 'intact, ledgers balanced'}")
    found = _series_problems(run, config)
    problems += found
    click.echo(f"series.csv: {'; '.join(found) if found else f'{len(run.series)} rows, none missing'}")
    partial = sorted(path.name for path in folder.rglob("*.partial"))
    if partial:
        click.echo(f"left by a crash, removed when the run goes on: {', '.join(partial)}")
    if problems:
        raise RunError(f"{folder} has {len(problems)} problem{'s'[: len(problems) > 1]}: {problems[0]}")
    click.echo(f"{folder} is in order")


def show_presets(name: str | None) -> None:
    """List presets with the first sentence of their comment, or show one."""
    if name is not None:
        click.echo(preset_text(name).rstrip())
        return
    for preset in preset_names():
        comment = [
            line.removeprefix("# ") for line in preset_text(preset).splitlines() if line.startswith("# ")
        ]
        click.echo(f"{preset}: {' '.join(comment).split('. ')[0].rstrip('.')}.")
    click.echo("\n'trabsim presets NAME' shows one; 'trabsim run NAME -o RUN' runs it")


def _say_therapies(config: Config) -> None:
    """One line per therapy, and what is unusual about them."""
    from trabsim.therapy.notes import describe, notes_of
    from trabsim.therapy.plan import read_courses

    courses = read_courses(config.therapy)
    if not courses:
        return
    click.echo("")
    for line in describe(courses, config.run.end_day):
        click.echo(line)
    for note in notes_of(config):
        click.echo(f"warning: {note}")


def _shown(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{len(value)} tables"
    text = "none" if value is None else str(value)
    return text if len(text) <= 70 else f"{text[:66]} ..."


def _specimen(config: Config) -> tuple[int, int, int]:
    """Check the specimen; a scan is read and segmented, a synthetic one is not made yet."""
    spec = config.specimen
    if spec.source == "synthetic":
        from trabsim.tissue.synthetic import PRESETS

        if spec.preset is not None and spec.preset not in PRESETS:
            known = ", ".join(sorted(PRESETS))
            raise SpecimenError(f"specimen.preset = '{spec.preset}' is unknown; choose from {known}")
        return spec.shape
    from trabsim.model import build_specimen

    specimen = build_specimen(config)
    click.echo(
        f"\nspecimen {specimen.source}: BV/TV {specimen.BV_TV:.4f}, voxel {specimen.voxel_size_um:g} um"
    )
    return specimen.shape


def _checkpoint_problems(path: Path, day: int, config: Config) -> list[str]:
    from trabsim.backends import get_backend
    from trabsim.tissue.ledger import credit_imbalance, matrix_imbalance

    try:
        state, held_day, header = read_checkpoint(path, get_backend("numpy"))
        require_same_run(config, header, path)
    except RunError as error:
        return [str(error)]
    problems = []
    if held_day != day:
        problems.append(f"{path.name} holds day {held_day}; it was renamed, name it back")
    for name, off in (("matrix", matrix_imbalance(state)), ("credit", credit_imbalance(state))):
        if off:
            problems.append(f"{path.name}: the {name} ledger is off by {off} quanta")
    return problems


def _series_problems(run: Run, config: Config) -> list[str]:
    """Rows that are missing up to the latest checkpoint, or that stand there twice."""
    try:
        rows = run.series
    except RunError as error:
        return [str(error)]
    days = [int(day) for day in rows["day"]] if "day" in rows else []
    problems = []
    if days != sorted(set(days)):
        problems.append("days are out of order or stand there twice")
    latest = max(run.checkpoints, default=-1)
    missing = [d for d in range(latest + 1) if row_due(config, d) is not None and d not in set(days)]
    if missing:
        problems.append(f"rows are missing, the first of day {missing[0]}")
    return problems
