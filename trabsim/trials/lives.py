"""The unit of work: one person, one past, one treatment, one seed.

A life is split at entry.  What comes before (specimen, hormones, earlier drugs, the two years in which the remodeling
space opens) is the run-in; lives with the same past share it, and with it every random number drawn so far, so that
they differ by what they are given alone.  Both parts have a key, a hash of everything that decides their result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import trabsim
from trabsim.checkpoint import OLDEST_SCHEMA
from trabsim.config import Config, load_config
from trabsim.errors import ConfigError
from trabsim.therapy.schedule import DAYS_PER_MONTH, TherapyParams, on_day

#: First month, counted from entry, in which a run-in notes a row; it notes every month from there to entry.
FIRST_MONTH = -5

#: Number of the way in which results are made from a state, raised whenever the same state would give another row.
ROWS_SCHEMA = 1

#: Tables of a configuration that decide nothing that trials look at: what a run would write, and numbers for reports.
_FREE = ("output", "measures")


@dataclass(frozen=True, eq=False)
class Life:
    """One person on one treatment.

    Attributes
    ----------
    before : mapping
        Tables of a configuration up to entry: ``run`` (seed, spin_up_days), ``specimen``, ``endocrine``, ``therapy``
        (what was taken before entry) and any others; ``extends`` layers them on a preset or file.
    therapy : tuple of mapping
        Tables of ``[[therapy]]`` from entry on.
    months : tuple of int
        Months after entry at whose start a row of measures is noted; the last is the end of the life.  Those of the
        run-in (-5 to 0) are always there.
    structure_months : tuple of int
        Those of them in which the microarchitecture is measured, too (at entry it always is).
    overrides : mapping
        Dotted keys that win over `before`.  Parameters of drugs that are not given are left out of the keys.
    label : str
        How messages name this life; it is not part of the key.

    Raises
    ------
    ConfigError
        When one of the derived attributes is asked for: a table that cannot be run, a month before the run-in's, a
        therapy that begins before entry.
    """

    before: Mapping[str, Any]
    therapy: tuple[Mapping[str, Any], ...] = ()
    months: tuple[int, ...] = ()
    structure_months: tuple[int, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Life) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def last_month(self) -> int:
        """Month in which the life ends; 0 where nothing beyond the run-in is wanted."""
        return max((0, *self.months, *self.structure_months))

    @cached_property
    def run_in_config(self) -> Config:
        """Configuration up to entry, without what is given from then on."""
        return _run_in_config(_text([dict(self.before), dict(self.overrides)]))

    @cached_property
    def config(self) -> Config:
        """Configuration of the whole life."""
        self._require_months()
        tables = [*self.before.get("therapy", ()), *self.therapy]
        whole = load_config(
            {**self.before, "therapy": tables},
            {**self.overrides, "run.years": max(self.last_month, 1) / 12.0, "output": []},
        )
        for number, course in enumerate(whole.therapy[len(tables) - len(self.therapy) :], 1):
            if course.start < 0:
                raise ConfigError(
                    f"therapy {number} ({course.kind}) from entry on begins on day {course.start:g}, before entry; "
                    "list it among the earlier drugs"
                )
        return _with_drugs_given(whole)

    @cached_property
    def run_in_key(self) -> str:
        """Hash of everything that decides the state at entry."""
        return run_in_key(self.run_in_config)

    @cached_property
    def key(self) -> str:
        """Hash of everything that decides the rows of this life."""
        data = self.config.model_dump(mode="json")
        return _hash(
            {
                "run_in": self.run_in_key,
                "therapy": data["therapy"],
                "drug": data["drug"],
                "months": sorted({month for month in self.months if month > 0}),
                "structure_months": sorted({month for month in self.structure_months if month > 0}),
            }
        )

    def _require_months(self) -> None:
        early = [month for month in (*self.months, *self.structure_months) if month < FIRST_MONTH]
        if early:
            raise ConfigError(
                f"month {min(early)} lies before the rows that a run-in notes; ask for months from {FIRST_MONTH} on"
            )
        if set(self.structure_months) & set(range(FIRST_MONTH, 0)):
            raise ConfigError("the microarchitecture is measured from entry on; ask for months from 0 on")


def run_in_key(config: Config) -> str:
    """Hash of everything that decides the state at entry, of a configuration without therapies from entry on."""
    data = config.model_dump(mode="json")
    for name in _FREE:
        data.pop(name)
    data["run"].pop("years")
    return _hash(
        {
            "config": data,
            "scan": None if config.specimen.source == "synthetic" else _checksum(config.specimen.source),
            "version": trabsim.__version__,
            # a layout that can still be read re-runs nothing
            "checkpoint_schema": OLDEST_SCHEMA,
            "rows_schema": ROWS_SCHEMA,
        }
    )


@lru_cache(maxsize=4096)
def _run_in_config(text: str) -> Config:
    before, overrides = json.loads(text)
    return _with_drugs_given(load_config(before, {**overrides, "run.years": 1.0 / 12.0, "output": []}))


def _with_drugs_given(config: Config) -> Config:
    """Leave out the parameters of drugs that are not given: they decide nothing."""
    given = {course.kind for course in config.therapy}
    return config.model_copy(
        update={"drug": {kind: table for kind, table in config.drug.items() if kind in given}}
    )


@lru_cache(maxsize=256)
def _checksum(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"cannot read the scan {path}: {error.strerror}; correct specimen.source") from None


def _hash(data: Any) -> str:
    return hashlib.sha256(_text(data).encode()).hexdigest()[:40]


def _text(data: Any) -> str:
    """Canonical JSON."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, TherapyParams):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} is no table of a configuration")


def month_days(months: Iterable[int]) -> dict[int, int]:
    """Month by the day on which it begins."""
    return {on_day(month * DAYS_PER_MONTH): month for month in months}
