"""The TOML file of a trial: who, what they are given, what is looked at, and how often it is repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import model_validator

from trabsim.config import Config, load_config
from trabsim.errors import ConfigError
from trabsim.therapy.grammar import read_prior, read_schedule
from trabsim.trials.endpoints import Endpoint
from trabsim.trials.lives import Life
from trabsim.trials.patient_tables import hormones_of, set_by, tables_of
from trabsim.trials.persons import spin_up_for
from trabsim.trials.population import Patient, PopulationParams, draw_patient, run_seed
from trabsim.trials.study_file import StudyTable, entry, read_study

#: Tables that the trial writes itself.
OWN_TABLES = ("run", "specimen", "therapy", "output")

#: Longest trial, months.
MOST_MONTHS = 600


class TrialParams(StudyTable):
    """``[trial]``: name, size, and the specimens it is done on."""

    name: str = entry("", "name in the report")
    patients: int = entry(10, "patients, each of whom is given every arm", ge=1, le=10_000)
    replicates: int = entry(1, "runs of each patient with other cells and the same specimen", ge=1, le=100)
    seed: int = entry(1, "seed of people, specimens and cells", ge=0, lt=2**32)
    shape: tuple[int, int, int] = entry((64, 64, 64), "voxels of a specimen")
    voxel_size_um: float = entry(40.0, "voxel edge", gt=2, le=80)
    spin_up_days: int = entry(
        730, "run-in before entry; longer where population.prior began earlier", ge=0, le=20_000
    )


class ArmParams(StudyTable):
    """``[[arm]]``: what is given from entry on."""

    name: str = entry("", "name")
    schedule: str = entry(
        "none",
        "entries `drug dose unit frequency start-stop`, separated by semicolons",
    )
    therapy: tuple[dict[str, Any], ...] = entry(
        (), "the same as tables of a configuration, for what a schedule cannot say"
    )
    arm_id: str | None = entry(None, "arm of the reference table whose published points are drawn")

    @property
    def tables(self) -> tuple[Mapping[str, Any], ...]:
        """All ``[[therapy]]`` tables.

        Raises
        ------
        ConfigError
            If the schedule cannot be read; the place is named.
        """
        return (*read_schedule(self.schedule, f"arm '{self.name}'"), *self.therapy)


class ReportParams(StudyTable):
    """``[report]``: what the arms are compared with."""

    comparator: str | None = entry(None, "arm that the others are compared with; unless said the first")
    reference_table: str | None = entry(None, "table of published values, beside the trial file")
    confidence: float = entry(0.95, "of bands and intervals", gt=0.5, lt=1)


class Trial(StudyTable):
    """A trial, as its file says it."""

    trial: TrialParams = entry(..., "name, size and specimens")
    population: PopulationParams = entry(PopulationParams(), "who is drawn, and who is let in")
    arm: tuple[ArmParams, ...] = entry((), "what is given")
    endpoint: tuple[Endpoint, ...] = entry((), "what is looked at")
    report: ReportParams = entry(ReportParams(), "what the arms are compared with")
    config: dict[str, Any] = entry(
        {}, "tables of a configuration that hold for everybody, `extends` included"
    )

    @model_validator(mode="after")
    def _complete(self) -> Trial:
        if not self.trial.name:
            raise ValueError("the trial has no name; write name = '...' in [trial]")
        if not self.arm:
            raise ValueError("the trial has no arms; add an [[arm]] with a name and a schedule")
        if not self.endpoint:
            raise ValueError(
                "the arms have no endpoints, so nothing would be looked at; add [[endpoint]] with quantity and months"
            )
        for what, names in (
            ("arm", [arm.name for arm in self.arm]),
            ("endpoint", [endpoint.name for endpoint in self.endpoint]),
        ):
            if "" in names:
                raise ValueError(f"an {what} has no name; add it")
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"{what} '{min(twice)}' stands there twice; rename or drop one")
        if self.last_month > MOST_MONTHS:
            raise ValueError(f"an endpoint lies in month {self.last_month}; at most {MOST_MONTHS} are run")
        if self.report.comparator is not None and self.report.comparator not in self.arm_names:
            raise ValueError(
                f"comparator '{self.report.comparator}' is no arm; choose from {', '.join(self.arm_names)}"
            )
        own = [name for name in OWN_TABLES if name in self.config]
        if own:
            raise ValueError(
                f"[config.{own[0]}] is written by the trial itself; use [trial], [population] and [[arm]] instead"
            )
        hormones, decided = self.config.get("endocrine", {}), set_by(self.population)
        for name in hormones if isinstance(hormones, Mapping) else ():
            if name in decided:
                raise ValueError(
                    f"config.endocrine.{name} is set by the population, patient by patient; leave it out, and use "
                    f"population.{decided[name]}"
                )
        return self

    @cached_property
    def base(self) -> Config:
        """Configuration that holds for everybody; beside hormones of everybody stand those of the first patient."""
        hormones = self.config.get("endocrine")
        if not isinstance(hormones, Mapping):
            return load_config(self.config)
        own = hormones_of(self.population, self.patient(1))
        return load_config({**self.config, "endocrine": {**hormones, **own}})

    @cached_property
    def prior(self) -> list[dict[str, Any]]:
        """Tables of what everybody took before entry."""
        return read_prior(self.population.prior, "population.prior")

    @property
    def spin_up_days(self) -> int:
        """Length of the run-in: longer than asked for where what was taken before began earlier."""
        return spin_up_for(self.prior, self.trial.spin_up_days)

    @property
    def arm_names(self) -> list[str]:
        """Names of the arms, in the order of the file."""
        return [arm.name for arm in self.arm]

    @property
    def comparator(self) -> str:
        """Arm that the others are compared with."""
        return self.report.comparator or self.arm_names[0]

    @property
    def last_month(self) -> int:
        """Month in which every life ends."""
        return max(month for endpoint in self.endpoint for month in endpoint.months)

    @property
    def months(self) -> tuple[int, ...]:
        """Months whose rows are needed."""
        return tuple(sorted(set().union(*(endpoint.rows_needed for endpoint in self.endpoint))))

    @property
    def structure_months(self) -> tuple[int, ...]:
        """Months in which the microarchitecture is needed."""
        return tuple(sorted({month for e in self.endpoint if e.slow for month in e.months}))

    @property
    def sha256(self) -> str:
        """Hash of everything that decides results; what only the report says is left out."""
        data = self.model_dump(mode="json", exclude={"report"})
        data["config"] = self.base.model_dump(mode="json")
        for arm in data["arm"]:
            arm.pop("arm_id")
        if data["population"]["condition"] is None:  # trials begun before there were conditions go on
            data["population"].pop("condition")
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def compared_with(self, table: Path) -> Trial:
        """The same trial with another table of published values.

        Raises
        ------
        ConfigError
            If there is no such file.
        """
        if not table.is_file():
            raise ConfigError(f"there is no reference table at {table}; correct report.reference_table")
        report = self.report.model_copy(update={"reference_table": str(table.absolute())})
        return self.model_copy(update={"report": report})

    def patient(self, number: int, first_draw: int = 0) -> Patient:
        """Draw a patient; see `trabsim.trials.population.draw_patient`."""
        return draw_patient(self.population, self.trial.seed, number, first_draw)

    def life(self, patient: Patient, replicate: int, arm: ArmParams | None) -> Life:
        """Life of a patient in an arm; without an arm that up to entry.

        Parameters
        ----------
        patient : Patient
        replicate : int
            From 1.
        arm : ArmParams or None

        Returns
        -------
        Life
        """
        p = self.trial
        usual = self.base.process.activation.rate_per_mm2_per_year
        own = tables_of(self.population, patient, usual, self.spin_up_days)
        before = {**self.config, **{k: v for k, v in own.items() if k not in self.config}}
        for name in set(own) & set(self.config):
            before[name] = {**self.config[name], **own[name]}
        before["specimen"] = {**own["specimen"], "shape": list(p.shape), "voxel_size_um": p.voxel_size_um}
        before["run"] = {"seed": run_seed(p.seed, patient, replicate), "spin_up_days": self.spin_up_days}
        before["therapy"] = self.prior
        label = f"patient {patient.number}, replicate {replicate}"
        if arm is None:
            return Life(before, label=f"{label}, run-in")
        return Life(
            before, arm.tables, self.months, self.structure_months, label=f"{label}, arm '{arm.name}'"
        )


def read_trial(path: str | Path) -> Trial:
    """Read the file of a trial and try every arm on its first patient.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Trial

    Raises
    ------
    ConfigError
        If something in it is wrong: a key, a schedule (the place is named), an arm without endpoints, a population
        that cannot meet its inclusion, a drug or parameter that the model does not know.
    """
    path = Path(path)
    trial = read_study(path, Trial)
    base = trial.config.get("extends")
    if isinstance(base, str) and (path.parent / base).is_file():
        trial.config["extends"] = str((path.parent / base).absolute())
    if trial.report.reference_table is not None:
        trial = trial.compared_with(path.parent / trial.report.reference_table)
    given = dict.fromkeys(course.kind for course in trial.base.therapy)
    if given:
        raise ConfigError(
            f"[config] extends '{base}', which gives {' and '.join(given)}, and a trial gives only what its arms name; "
            "write it in the schedule of each [[arm]] that takes it, and extend a configuration without therapies"
        )
    first = trial.patient(1)
    for arm in trial.arm:
        try:
            trial.life(first, 1, arm).key  # noqa: B018
        except ConfigError as error:
            text = str(error)
            raise ConfigError(text if f"arm '{arm.name}'" in text else f"arm '{arm.name}': {text}") from None
    return trial
