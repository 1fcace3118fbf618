"""Published arms as configurations: a row of a clinical table becomes the person, the schedule and the run.

A row says who was treated (sex, age, years since menopause, T-score, a condition), with what (a schedule in one line,
see `trabsim.therapy.grammar`), and when it was looked at.  What a table leaves open is assumed here and nowhere else.
What the runs then say of a row is read off by `trabsim.trials.outcomes`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from trabsim.config import Config, load_config
from trabsim.densitometry import reference_g_per_cm2
from trabsim.errors import ConfigError
from trabsim.therapy.grammar import parse_schedule
from trabsim.tissue.cortex import CortexParams
from trabsim.tissue.synthetic_presets import PRESETS
from trabsim.units import DAYS_PER_YEAR

#: Drugs that stand in the background of nearly every trial: beside another one they make no combination.
BACKGROUND = frozenset({"calcium", "vitamin_d", "medroxyprogesterone", "micronized_progesterone"})

#: Menopause of women of whom no years since it are given.
USUAL_MENOPAUSE_YEARS = 51.0

#: Years before entry from which a condition lasts, so that bone has adapted to it.
CONDITION_YEARS = 10.0

#: Mineral of bone tissue (mg/cm3) at entry, as the model's specimens of older women have it.
TISSUE_MINERAL_MG_PER_CM3 = 1100.0

#: Bone volume fractions that a synthetic specimen of spine is made with.
LEAST_BV_TV, MOST_BV_TV = 0.06, 0.22

#: Ages of the lumbar presets.
PRESET_AGES = (30, 50, 70)

CONDITION = re.compile(r"condition=(\w+)")
RATE_WINDOW = re.compile(r"rate_window=(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


class Person(NamedTuple):
    """Who was treated; None where the table is silent."""

    sex: str
    age_years: float
    years_since_menopause: float | None = None
    T_score: float | None = None
    condition: str | None = None


class Arm(NamedTuple):
    """One arm of a trial: rows with equal arms share a run.  Schedules are tables of ``[[therapy]]``, as items."""

    person: Person
    prior: tuple[tuple[tuple[str, Any], ...], ...]
    schedule: tuple[tuple[tuple[str, Any], ...], ...]

    @property
    def tables(self) -> list[dict[str, Any]]:
        """All tables of ``[[therapy]]``, those before entry first."""
        return [dict(items) for items in (*self.prior, *self.schedule)]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is given from entry on, the background left out."""
        kinds = dict.fromkeys(str(dict(items)["kind"]) for items in self.schedule)
        return tuple(kind for kind in kinds if kind not in BACKGROUND)


@dataclass(frozen=True)
class ClinicalRow:
    """One published number, the arm it comes from, and the one it is compared with.

    Attributes
    ----------
    id, quantity, site : str
    value : float
    spread, spread_kind : str
        As published; empty or ``none`` where there is none.
    n : int or None
    reference : str
        ``vs_baseline``, ``vs_placebo``, ``absolute`` or ``rate``.
    arm : Arm
    reference_arm : Arm or None
        Whose number is subtracted.
    baseline_month, eval_month : float
    window_months : (float, float) or None
        Months over which a published rate averages.
    supported : str
        ``yes``, or why not.
    """

    id: str
    quantity: str
    site: str
    value: float
    spread: str
    spread_kind: str
    n: int | None
    reference: str
    arm: Arm
    reference_arm: Arm | None
    baseline_month: float
    eval_month: float
    window_months: tuple[float, float] | None
    supported: str

    @property
    def drug(self) -> str:
        """What is tested: kinds joined by ``+``, or the background alone."""
        return " + ".join(self.arm.kinds) or background_of(self.arm)

    @property
    def excluded(self) -> str | None:
        """Why the row says nothing about a single drug; such rows are never fitted."""
        if len(self.arm.kinds) > 1:
            times = [_span(items) for items in self.arm.schedule if dict(items)["kind"] in self.arm.kinds]
            first_end = min(end for _, end in times)
            return "sequence" if any(start >= first_end for start, _ in times) else "combination"
        before = {str(dict(items)["kind"]) for items in self.arm.prior} - BACKGROUND - set(self.arm.kinds)
        if before:
            return f"sequence after {' + '.join(sorted(before))}"
        ends = [_span(items)[1] for items in self.arm.schedule if dict(items)["kind"] in self.arm.kinds]
        gap_months = 3.0  # a trial's last visit may come after the last dose
        once = [dict(items)["every"] == "once" for items in self.arm.schedule]
        if ends and not any(once) and max(ends) + gap_months < self.eval_month:
            return "after stopping"
        return None


def background_of(arm: Arm) -> str:
    """Name of an arm without a drug of its own."""
    kinds = sorted({str(dict(items)["kind"]) for items in arm.schedule})
    return " + ".join(kinds) or "none"


def _span(items: tuple[tuple[str, Any], ...]) -> tuple[float, float]:
    table = dict(items)
    return table["start_months"], table["stop_months"]


def read_row(row: Mapping[str, str]) -> ClinicalRow:
    """Read a row of a clinical table.

    Parameters
    ----------
    row : mapping of str to str
        Columns by name, as `csv.DictReader` gives them.

    Returns
    -------
    ClinicalRow

    Raises
    ------
    ConfigError
        If a column is missing or cannot be read.
    """
    name = row.get("id") or "(no id)"
    try:
        note = row["schedule_note"]
        condition, window = CONDITION.search(note), RATE_WINDOW.search(note)
        person = Person(
            sex={"F": "female", "M": "male"}[row["sex"]],
            age_years=float(row["age"]),
            years_since_menopause=_number(row["years_since_menopause"]),
            T_score=_number(row["T_score"]),
            condition=condition[1] if condition else None,
        )
        compared = row["reference"] not in ("vs_baseline", "absolute", "rate")
        return ClinicalRow(
            id=name,
            quantity=row["quantity"],
            site=row["site"],
            value=float(row["value"]),
            spread=row["spread"].strip(),
            spread_kind=row["spread_kind"].strip(),
            n=int(row["n"]) if row["n"].strip() else None,
            reference=row["reference"],
            arm=_arm(person, row["prior_therapy"], row["schedule"]),
            reference_arm=_arm(person, row["prior_therapy"], row["reference_schedule"]) if compared else None,
            baseline_month=float(row["baseline_month"]),
            eval_month=float(row["eval_month"]),
            window_months=(float(window[1]), float(window[2])) if window else None,
            supported=row["supported"],
        )
    except KeyError as error:
        raise ConfigError(
            f"row {name} of the clinical table: {error} is missing or unknown; compare it with the table's header"
        ) from None
    except ValueError as error:
        raise ConfigError(
            f"row {name} of the clinical table cannot be read: {error}; correct that column"
        ) from None


def _number(text: str) -> float | None:
    return float(text) if text.strip() else None


def _arm(person: Person, prior: str, schedule: str) -> Arm:
    read = [
        tuple(tuple(sorted(table.items())) for table in parse_schedule(text)) for text in (prior, schedule)
    ]
    return Arm(person, tuple(sorted(read[0], key=str)), tuple(sorted(read[1], key=str)))


def specimen_of(person: Person) -> dict[str, Any]:
    """Keys of ``[specimen]`` that give a person's bone.

    Thickness, anisotropy and plates are those of the lumbar preset of the same sex and the nearest age.  BV/TV follows
    from the T-score of the lumbar spine by the model's own densitometer (`bone_volume_at`), so that the run enters near
    the T-score of the trial; without a T-score it is read from the presets, linear in age.

    Parameters
    ----------
    person : Person

    Returns
    -------
    dict
        preset and BV_TV.
    """
    word = "woman" if person.sex == "female" else "man"
    nearest = min(PRESET_AGES, key=lambda age: abs(age - person.age_years))
    if person.T_score is not None:
        wanted = bone_volume_at(person.T_score, male=person.sex == "male")
    else:
        wanted = _by_age(word, person.age_years)
    return {"preset": f"lumbar_{word}_{nearest}", "BV_TV": round(wanted, 4)}


def _by_age(word: str, age_years: float) -> float:
    """BV/TV of the presets, linear between their ages and beyond the last as between the last two."""
    low = 30 if age_years < 50 else 50
    first, last = (PRESETS[f"lumbar_{word}_{age}"].BV_TV for age in (low, low + 20))
    at = first + (last - first) * (max(age_years, 30.0) - low) / 20.0
    return min(max(at, LEAST_BV_TV), MOST_BV_TV)


def bone_volume_at(T_score: float, male: bool = False, params: CortexParams | None = None) -> float:
    """BV/TV at which the densitometer of `trabsim.densitometry` shows a T-score of the lumbar spine.

    The cortical compartment counts as at the start of a run.  Loss during the spin-up makes the T-score at entry
    somewhat lower.

    Parameters
    ----------
    T_score : float
    male : bool
    params : CortexParams, optional

    Returns
    -------
    float
        Within 0.06-0.22, outside of which no specimen is made.
    """
    p = params or CortexParams()
    young, spread = reference_g_per_cm2("lumbar_spine", male, p)
    turnover = p.turnover_per_year / DAYS_PER_YEAR
    cortical = 1.0 - turnover * p.secondary_fraction / (1.0 / p.secondary_days + turnover)
    share = p.lumbar_spine_trabecular_share
    trabecular = (1.0 + T_score * spread / young - (1.0 - share) * cortical) / share
    volume = trabecular * p.young_vBMD_mg_per_cm3 / TISSUE_MINERAL_MG_PER_CM3
    return min(max(volume, LEAST_BV_TV), MOST_BV_TV)


def endocrine_of(person: Person) -> dict[str, Any]:
    """Keys of ``[endocrine]`` that give a person's hormones.

    Hypogonadism of older men is taken as secondary, ten years old, at the default testosterone; growth hormone
    deficiency and primary hyperparathyroidism (phpt) as ten years old.

    Raises
    ------
    ConfigError
        If the condition is unknown.
    """
    keys: dict[str, Any] = {"sex": person.sex, "age_years": person.age_years}
    onset = max(18.0, person.age_years - CONDITION_YEARS)
    if person.sex == "female":
        since = person.years_since_menopause
        keys["final_menstrual_period_age_years"] = (
            USUAL_MENOPAUSE_YEARS if since is None else person.age_years - since
        )
    if person.condition == "hypogonadism":
        keys |= {"hypogonadism": "secondary", "hypogonadism_age_years": onset}
    elif person.condition == "ghd":
        keys["growth_hormone_deficiency_age_years"] = onset
    elif person.condition == "phpt":
        keys["hyperparathyroidism_age_years"] = onset
    elif person.condition is not None:
        raise ConfigError(
            f"condition={person.condition} of a clinical table is unknown; write hypogonadism, ghd or phpt"
        )
    return keys


def arm_config(
    arm: Arm,
    *,
    years: float,
    seed: int = 1,
    shape: tuple[int, int, int] = (56, 56, 56),
    voxel_size_um: float = 36.0,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Configuration of an arm.

    Parameters
    ----------
    arm : Arm
    years : float
        After entry; see `years_needed`.
    seed : int
        Of specimen and cells alike: arms of one seed share both, so that their noise is common.
    shape : (int, int, int)
        Voxels.
    voxel_size_um : float
    overrides : mapping, optional
        Dotted keys that win.

    Returns
    -------
    Config
        Rows of the default output; nothing else differs from a run of one's own.

    Raises
    ------
    ConfigError
        If a drug, dose or condition is unknown.
    """
    tables = {
        "run": {"seed": seed, "years": years},
        "specimen": {
            **specimen_of(arm.person),
            "shape": list(shape),
            "voxel_size_um": voxel_size_um,
            "seed": seed,
        },
        "endocrine": endocrine_of(arm.person),
        "therapy": arm.tables,
    }
    return load_config(tables, overrides)


def years_needed(row: ClinicalRow) -> float:
    """Years after entry that a run must last to be compared with a row, at least a month."""
    last = max(row.eval_month, *(row.window_months or (0.0,)), 1.0)
    return math.ceil(last) / 12.0
