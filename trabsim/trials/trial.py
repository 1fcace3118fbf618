"""Run a trial: draw its patients, bring them to entry, give each of them every arm, and collect what was looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trabsim
from trabsim.errors import ConfigError, RunError
from trabsim.provenance import software
from trabsim.trials.execution import Cluster, Outcomes, run_lives
from trabsim.trials.life_files import write_json
from trabsim.trials.lives import Life
from trabsim.trials.living import EVERY_DAYS
from trabsim.trials.population import Patient
from trabsim.trials.results import PATIENTS, RESULTS, Result, pyarrow, write_patients, write_results
from trabsim.trials.trial_file import ArmParams, Trial, read_trial
from trabsim.trials.trial_folder import held, take_folder, write_plan

PROVENANCE = "provenance.json"

#: People that are tried for one place in the trial before it counts as unable to find anybody.
MOST_REPLACEMENTS = 20

#: Columns of a patient's rows at entry that are kept.
AT_ENTRY = (
    "T_score",
    "BV_TV",
    "vBMD_mg_per_cm3",
    "estradiol_pg_per_mL",
    "Ac_f_per_year",
    "Tb_Th_um",
    "Tb_N_per_mm",
)

#: Called with what is being done, and how many lives are done, have failed and are wanted.
Report = Callable[[str, int, int, int], None]


@dataclass(frozen=True)
class Person:
    """A patient and how he or she entered.

    Attributes
    ----------
    patient : Patient
    entry : dict of str to float
        Measures at entry, mean over replicates; empty where every run-in failed.
    included : bool
        Whether the T-score at entry lies within the inclusion.
    """

    patient: Patient
    entry: dict[str, float]
    included: bool


@dataclass(frozen=True)
class TrialRun:
    """What a trial left.

    Attributes
    ----------
    trial : Trial
    people : list of Person
    failures : dict of str to str
        Reasons, by the label of the life.
    folder : Path
    """

    trial: Trial
    people: list[Person]
    failures: dict[str, str]
    folder: Path


def run_trial(
    file: str | Path,
    folder: str | Path,
    cluster: Cluster | None = None,
    *,
    every_days: int = EVERY_DAYS,
    backend: str = "numpy",
    progress: Report | None = None,
) -> TrialRun:
    """Run a trial, or what is left of it.

    Parameters
    ----------
    file : str or Path
        TOML; see `trabsim.trials.trial_file.Trial`.
    folder : str or Path
        New, or begun by the same trial.  It gets ``results.parquet``, ``patients.parquet`` and ``provenance.json``.
    cluster : Cluster, optional
        Without it this process does the work.
    every_days : int
        Days between the checkpoints of a life.
    backend : {"numpy", "cupy", "auto"}
    progress : callable, optional

    Returns
    -------
    TrialRun

    Raises
    ------
    ConfigError
        If the file cannot be run; nothing is written then.
    RunError
        If the folder is of another trial, cannot be written, or the scheduler is lost.
    """
    file, folder = Path(file), Path(folder).absolute()
    trial = read_trial(file)
    pyarrow()  # before anything is run in vain
    patients = [trial.patient(number) for number in range(1, trial.trial.patients + 1)]
    take_folder(folder, file, trial.trial.name, trial.sha256)
    cluster = cluster or Cluster()

    def run(what: str, lives: Sequence[Life]) -> Outcomes:
        def told(done: int, failed: int, total: int) -> None:
            if progress is not None:
                progress(what, done, failed, total)

        return run_lives(lives, folder, cluster, every_days=every_days, backend=backend, progress=told)

    def screen(lives: Sequence[Life]) -> Outcomes:
        write_plan(folder, [_planned((0, "", 0), life) for life in lives], _workers(cluster))
        return run("run-ins", lives)

    with held(folder):
        if trial.population.inclusion.T_score is not None and trial.population.screen_failures == "replace":
            patients = _screen(trial, patients, screen)
        lives = {
            (patient.number, arm.name, replicate): trial.life(patient, replicate, arm)
            for patient in patients
            for replicate in replicates(trial)
            for arm in trial.arm
        }
        write_plan(folder, [_planned(*item) for item in lives.items()], _workers(cluster))
        outcomes = run("lives", list(lives.values()))
        people = [_person(trial, patient, lives, outcomes) for patient in patients]
        _write(trial, folder, lives, outcomes, people)
    labels = {life.key: life.label for life in lives.values()}
    return TrialRun(trial, people, {labels[key]: reason for key, reason in outcomes.failures.items()}, folder)


def replicates(trial: Trial) -> range:
    """Numbers of replicates."""
    return range(1, trial.trial.replicates + 1)


def _screen(
    trial: Trial, patients: list[Patient], run: Callable[[Sequence[Life]], Outcomes]
) -> list[Patient]:
    """Bring people to entry and draw others for those whom the inclusion then does not let in."""
    included: dict[int, Patient] = {}
    candidates = list(patients)
    while candidates:
        lives = {p.number: [trial.life(p, r, None) for r in replicates(trial)] for p in candidates}
        outcomes = run([life for of_one in lives.values() for life in of_one])
        again = []
        for patient in candidates:
            scores = [
                outcomes.rows[life.key][0]["T_score"]
                for life in lives[patient.number]
                if life.key in outcomes.rows
            ]
            # whose run-in failed stays, so that the failure is seen
            if not scores or trial.population.inclusion.admits(sum(scores) / len(scores)):
                included[patient.number] = patient
                continue
            if patient.draw - patients[patient.number - 1].draw >= MOST_REPLACEMENTS:
                low, high = trial.population.inclusion.T_score or (0.0, 0.0)
                raise ConfigError(
                    f"of more than {MOST_REPLACEMENTS} people drawn for patient {patient.number} none had a T-score "
                    f"from {low:g} to {high:g} at entry (the last {sum(scores) / len(scores):.2f}); set "
                    "population.run_in_T_score_change, or widen the inclusion"
                )
            again.append(trial.patient(patient.number, patient.draw + 1))
        candidates = again
    return [included[patient.number] for patient in patients]


def _planned(what: tuple[int, str, int], life: Life) -> dict[str, Any]:
    patient, arm, replicate = what
    return {
        "key": life.key,
        "run_in_key": life.run_in_key,
        "label": life.label,
        "patient": patient,
        "arm": arm,
        "replicate": replicate,
        "months": life.last_month,
        "spin_up_days": life.config.run.spin_up_days,
    }


def _workers(cluster: Cluster) -> int:
    if cluster.jobqueue is not None:
        return int(cluster.jobqueue.get("jobs", 1)) * int(cluster.jobqueue.get("processes", 1))
    return cluster.workers


def _person(
    trial: Trial, patient: Patient, lives: dict[tuple[int, str, int], Life], outcomes: Outcomes
) -> Person:
    rows = []
    for replicate in replicates(trial):
        for arm in trial.arm:
            found = outcomes.rows.get(lives[patient.number, arm.name, replicate].key)
            if found is not None:
                rows.append(found[0])  # all arms share it
                break
    entry = {name: sum(row.get(name, float("nan")) for row in rows) / len(rows) for name in AT_ENTRY if rows}
    included = not rows or trial.population.inclusion.admits(entry["T_score"])
    return Person(patient, entry, included)


def results_of(trial: Trial, lives: dict[tuple[int, str, int], Life], outcomes: Outcomes) -> list[Result]:
    """Values of every endpoint of the lives that are done, entry included."""
    cortex = trial.base.process.cortex
    return [
        Result(
            patient,
            arm,
            replicate,
            month,
            endpoint.name,
            endpoint.value(outcomes.rows[life.key], month, cortex),
        )
        for (patient, arm, replicate), life in lives.items()
        if life.key in outcomes.rows
        for endpoint in trial.endpoint
        for month in sorted({0, *endpoint.months})
    ]


def _write(
    trial: Trial,
    folder: Path,
    lives: dict[tuple[int, str, int], Life],
    outcomes: Outcomes,
    people: Sequence[Person],
) -> None:
    facts = {"trial": trial.trial.name, "sha256": trial.sha256, "trabsim": trabsim.__version__}
    write_results(folder / RESULTS, results_of(trial, lives, outcomes), trial.arm_names, facts)
    rows: list[dict[str, Any]] = []
    names = sorted(set().union(*(person.patient.values for person in people)))
    for person in people:
        rows.append(
            {
                "patient": person.patient.number,
                "draw": person.patient.draw,
                "specimen_seed": person.patient.specimen_seed,
                "included": person.included,
                **{f"drawn_{name}": float(person.patient.values.get(name, float("nan"))) for name in names},
                **{f"entry_{name}": person.entry.get(name, float("nan")) for name in AT_ENTRY},
            }
        )
    write_patients(folder / PATIENTS, rows, facts)
    versions = sorted({str(fact["version"]) for fact in outcomes.facts.values()})
    commits = sorted(
        {str((fact["git"] or {}).get("git_commit", "")) for fact in outcomes.facts.values()} - {""}
    )
    write_json(
        folder / PROVENANCE,
        {
            **facts,
            "software": software(),
            "lives": len(lives),
            "finished": len(outcomes.rows),
            "failed": len(outcomes.failures),
            "versions_of_lives": versions,
            "commits_of_lives": commits,
            "seconds_of_lives": round(sum(fact["seconds"] for fact in outcomes.facts.values()), 1),
            "trial_seed": trial.trial.seed,
            "config_toml": trial.base.to_toml(),
        },
    )


def config_of(trial: Trial, arm: ArmParams) -> str:
    """Resolved configuration of the first patient in an arm, as TOML."""
    return trial.life(trial.patient(1), 1, arm).config.to_toml()


def require_results(folder: Path) -> None:
    """Refuse a folder whose trial has not left results yet.

    Raises
    ------
    RunError
    """
    if not (folder / RESULTS).is_file():
        raise RunError(f"there are no results in {folder} yet; run the trial with 'trabsim trial run' first")
