"""``trabsim summary``: what a run did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trabsim.cli_text import change_table, duration, echo_json, then_and_now, time_table
from trabsim.runfile import open_run
from trabsim.units import DAYS_PER_YEAR


def summarize(folder: Path, as_json: bool) -> None:
    """Show the summary of a run folder."""
    run = open_run(folder)
    config, provenance, rows = run.config, run.provenance, run.series
    sessions = provenance.get("sessions", [])
    found = (
        then_and_now(rows, [name for name in rows.columns if name != "day"])
        if as_json
        else then_and_now(rows)
    )
    if as_json:
        echo_json(
            {
                "run": str(folder),
                "seed": config.run.seed,
                "end_day": config.run.end_day,
                "checkpoint_days": list(run.checkpoints),
                "rows": len(rows),
                "measures": found,
                "sessions": sessions,
            }
        )
        return
    specimen = provenance.get("specimen", {})
    shape = " x ".join(str(n) for n in specimen.get("shape", []))
    click.echo(
        f"{folder}: specimen {specimen.get('source', 'unknown')}, {shape or '?'} voxels, "
        f"seed {config.run.seed}, age {config.endocrine.age_years:g} at entry"
    )
    points = list(run.checkpoints)
    at = (
        f"at day {points[-1]} ({points[-1] / DAYS_PER_YEAR:.2f} years)"
        if points
        else "without a checkpoint yet"
    )
    click.echo(
        f"{at}, configured end day {config.run.end_day}; {len(points)} checkpoints, {len(rows)} rows\n"
    )
    click.echo(change_table(found))
    if sessions:
        click.echo("\nsessions")
    for session in sessions:
        click.echo(f"  {_session(session)}")
    seconds: dict[str, float] = {}
    for session in sessions:
        for name, spent in session.get("seconds", {}).items():
            seconds[name] = seconds.get(name, 0.0) + spent
    if seconds:
        click.echo(f"\n{time_table(seconds, sum(seconds.values()))}")


def _session(session: dict[str, Any]) -> str:
    where = f"{session.get('backend')} on {session.get('device')}, threads {session.get('threads')}"
    if session.get("ended") is None:
        end = "not ended: killed, or still at work"
    else:
        spent = sum(session.get("seconds", {}).values())
        end = f"to day {session.get('to_day')} in {duration(spent)}, {session.get('why')}"
    version = session.get("software", {}).get("trabsim")
    return f"{session.get('started')} trabsim {version}, {where}: from day {session.get('from_day')} {end}"
