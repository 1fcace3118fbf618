"""The report of a trial: one HTML file that needs no other file and no network."""

from __future__ import annotations

import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import trabsim
from trabsim.durable import replace_file
from trabsim.errors import ConfigError, RunError, TrabsimError
from trabsim.trials.life_files import read_json
from trabsim.trials.report_figures import curves_figure, label_of, waterfall_figure
from trabsim.trials.report_statistics import (
    Published,
    by_patient,
    curve,
    differences,
    interval,
    published_points,
)
from trabsim.trials.results import PATIENTS, read_results
from trabsim.trials.trial import PROVENANCE, config_of, require_results
from trabsim.trials.trial_file import Trial, read_trial
from trabsim.trials.trial_folder import TRIAL, require_plan, trial_status

REPORT = "report.html"

#: What to cite, with the version filled in.
CITATION = (
    "The trabsim developers. trabsim: agent-based simulation of human trabecular bone remodeling, version {version}. "
    "Name the version, the trial file and its seed when you report results."
)


def write_report(
    folder: str | Path, output: str | Path | None = None, reference_table: str | Path | None = None
) -> Path:
    """Write the report of a trial whose results are there, complete or not.

    Parameters
    ----------
    folder : str or Path
    output : str or Path, optional
        By default ``report.html`` in the folder.
    reference_table : str or Path, optional
        Table of published values, in place of the one that the trial file names.

    Returns
    -------
    Path
        Of the report.

    Raises
    ------
    ConfigError
        If Jinja2 or Matplotlib is missing, or there is no such table.
    RunError
        If it is not the folder of a trial, there are no results yet, or it cannot be written.
    """
    folder = Path(folder)
    plan = require_plan(folder)
    require_results(folder)
    trial = _trial_of(folder, plan)
    if reference_table is not None:
        trial = trial.compared_with(Path(reference_table))
    page = render(trial, folder)
    path = Path(output) if output is not None else folder / REPORT
    replace_file(path, page)
    return path


def _trial_of(folder: Path, plan: dict[str, Any]) -> Trial:
    """The trial by its own file, to which paths in it are relative, where that is still the same; else by the copy."""
    source = Path(str(plan.get("source", "")))
    try:
        trial = read_trial(source)
    except TrabsimError:
        return read_trial(folder / TRIAL)
    return trial if trial.sha256 == plan["sha256"] else read_trial(folder / TRIAL)


def render(trial: Trial, folder: Path) -> str:
    """The page as text."""
    frame, patients = read_results(folder), read_results(folder, PATIENTS).to_dict("records")
    provenance = read_json(folder / PROVENANCE)
    if provenance is None:
        raise RunError(f"{folder / PROVENANCE} is missing; run the trial again, nothing is simulated twice")
    confidence, arms = trial.report.confidence, trial.arm_names
    curves = {e.name: {arm: curve(frame, arm, e, confidence) for arm in arms} for e in trial.endpoint}
    published = published_points(trial)
    slow = [e.name for e in trial.endpoint if e.slow]
    plain = [e.name for e in trial.endpoint if not e.slow]
    first = trial.endpoint[0]
    month = max(first.months)
    entered = [row for row in patients if row["entry_T_score"] is not None]
    found = {
        "trial": trial,
        "provenance": provenance,
        "status": trial_status(folder),
        "hours": f"{provenance['seconds_of_lives'] / 3600:.2g}",
        "percent": f"{100 * confidence:g}",
        "figures": [curves_figure({name: curves[name]}, published, arms) for name in plain],
        "structure": curves_figure({name: curves[name] for name in slow}, published, arms) if slow else "",
        "waterfall": waterfall_figure(
            {arm: by_patient(frame, arm, first.name, month) for arm in arms}, first.name, arms
        ),
        "waterfall_name": label_of(first.name),
        "waterfall_month": month,
        "differences": differences(frame, trial),
        "means": [
            {"arm": arm, "endpoint": name, "month": at, "mean": mean}
            for name, by_arm in curves.items()
            for arm, by_month in by_arm.items()
            for at, mean in by_month.items()
            if at > 0
        ],
        "published": published,
        "compared": [_compared(frame, trial, point) for point in published],
        "reference_name": Path(trial.report.reference_table or "").name,
        "patients": patients,
        "patient_columns": [
            name for name in (patients[0] if patients else {}) if name not in ("draw", "specimen_seed")
        ],
        "not_included": sum(not row["included"] for row in patients),
        "drift": interval([row["entry_T_score"] - row["drawn_T_score"] for row in entered], confidence).mean,
        "trial_toml": (folder / TRIAL).read_text(encoding="utf-8"),
        "configs": {f"arm {arm.name}": config_of(trial, arm) for arm in trial.arm},
        "software": json.dumps(provenance["software"], indent=2, sort_keys=True),
        "citation": CITATION.format(version=trabsim.__version__),
    }
    return _template(published).render(found)


def _compared(frame: Any, trial: Trial, point: Published) -> dict[str, Any]:
    """A published value beside the simulated one of its month, where the trial looked then."""
    month = round(point.month)
    values = by_patient(frame, point.arm, point.endpoint, month)
    if point.difference:
        other = by_patient(frame, trial.comparator, point.endpoint, month)
        values = {patient: values[patient] - other[patient] for patient in values if patient in other}
    mean = interval(list(values.values()), trial.report.confidence)
    own = mean.sd / math.sqrt(mean.n) if mean.n > 1 else 0.0
    spread = math.hypot(point.SE, own)
    z = (mean.mean - point.value) / spread if spread > 0 else math.nan
    return {**point._asdict(), "simulated": mean.mean, "z": z}


def _template(published: list[Published]) -> Any:
    try:
        import jinja2
    except ImportError:
        raise ConfigError(
            'a report needs Jinja2, which is not installed; install it with: pip install "trabsim[trials]"'
        ) from None
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"num": _number, "label": label_of, "published": _beside(published)}
    text = resources.files("trabsim.trials").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if isinstance(value, int) or not hasattr(value, "__float__"):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _beside(published: list[Published]) -> Any:
    """Published differences of a row of the table of differences."""

    def said(row: Any) -> str:
        points = [
            p
            for p in published
            if p.difference and (p.arm, p.endpoint, round(p.month)) == (row.arm, row.endpoint, row.month)
        ]
        return "; ".join(f"{p.value:g} (SE {p.SE:.2g})" for p in points) or "-"

    return said
