"""Published arms as configurations: what a person's bone and hormones are, and what is given before and after entry.

What a table leaves open is assumed here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trabsim.config import Config, RunParams, load_config
from trabsim.densitometry import reference_g_per_cm2
from trabsim.errors import ConfigError
from trabsim.therapy.schedule import DAYS_PER_MONTH, on_day
from trabsim.tissue.cortex import CortexParams
from trabsim.tissue.synthetic_presets import PRESETS
from trabsim.trials.clinical import Arm, Person
from trabsim.units import DAYS_PER_YEAR

#: Menopause of women of whom no years since it are given.
USUAL_MENOPAUSE_YEARS = 51.0

#: Years before entry from which a condition lasts, so that bone has adapted to it.
CONDITION_YEARS = 10.0

#: Mineral of bone tissue (mg/cm3) at entry, as the model's specimens of older women have it.
TISSUE_MINERAL_MG_PER_CM3 = 1100.0

#: Share of the density of a synthetic specimen that is left at entry: its remodeling space opens in the spin-up.
LEFT_AT_ENTRY = 0.95

#: Bone volume fractions that a synthetic specimen of spine is made with.
LEAST_BV_TV, MOST_BV_TV = 0.06, 0.22

#: Ages of the lumbar presets.
PRESET_AGES = (30, 50, 70)

#: Age of the subjects of the iliac preset, and its bone volume fraction.
ILIAC_AGE_YEARS = 48.0
LEAST_ILIAC_BV_TV, MOST_ILIAC_BV_TV = 0.07, 0.26

#: Spin-up before the first dose of a prior therapy, so that it meets an open remodeling space.
DAYS_BEFORE_PRIOR = 365


def specimen_of(person: Person) -> dict[str, Any]:
    """Keys of ``[specimen]`` that give a person's bone.

    Thickness, anisotropy and plates are those of the lumbar preset of the same sex and the nearest age.  BV/TV follows
    from the T-score of the lumbar spine by the model's own densitometer (`bone_volume_at`), so that the run enters near
    the T-score of the trial; without a T-score it is read from the presets, linear in age.  Bone of the iliac crest is
    that of its preset, its BV/TV scaled as the person's lumbar BV/TV compares with that of the preset's age.

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
    if person.bone == "iliac":
        wanted *= PRESETS["iliac_crest"].BV_TV / _by_age(word, ILIAC_AGE_YEARS)
        wanted = min(max(wanted, LEAST_ILIAC_BV_TV), MOST_ILIAC_BV_TV)
        return {"preset": "iliac_crest", "BV_TV": round(wanted, 4)}
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
    volume = trabecular * p.young_vBMD_mg_per_cm3 / (TISSUE_MINERAL_MG_PER_CM3 * LEFT_AT_ENTRY)
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


def spin_up_for(prior: Sequence[Mapping[str, Any]], usual_days: int) -> int:
    """Length of a spin-up in which the first dose of all that was taken meets an open remodeling space.

    Parameters
    ----------
    prior : sequence of mapping
        What was taken before entry, as tables of ``[[therapy]]``.
    usual_days : int
        Without it.

    Returns
    -------
    int
        Days.
    """
    began = min((table["start_months"] for table in prior), default=0.0)
    return max(usual_days, DAYS_BEFORE_PRIOR - on_day(began * DAYS_PER_MONTH)) if prior else usual_days


def arm_tables(
    arm: Arm,
    *,
    seed: int = 1,
    shape: tuple[int, int, int] = (56, 56, 56),
    voxel_size_um: float = 36.0,
) -> dict[str, Any]:
    """Tables of a configuration that describe an arm's person up to entry.

    Parameters
    ----------
    arm : Arm
    seed : int
        Of specimen and cells alike: arms of one seed share both, so that their noise is common.
    shape : (int, int, int)
        Voxels.
    voxel_size_um : float

    Returns
    -------
    dict
        run, specimen, endocrine and therapy, the last with what was given before entry.  The spin-up is longer where
        a prior therapy began early.
    """
    run: dict[str, Any] = {"seed": seed}
    usual = RunParams().spin_up_days
    spin_up_days = spin_up_for([dict(items) for items in arm.prior], usual)
    if spin_up_days > usual:
        run["spin_up_days"] = spin_up_days
    specimen = specimen_of(arm.person)
    size = {"shape": list(shape), "voxel_size_um": voxel_size_um, "seed": seed}
    return {
        "run": run,
        "specimen": specimen | size,
        "endocrine": endocrine_of(arm.person),
        "therapy": [dict(items) for items in arm.prior],
    }


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
        As of `arm_tables`.
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
    tables = arm_tables(arm, seed=seed, shape=shape, voxel_size_um=voxel_size_um)
    tables["run"]["years"] = years
    tables["therapy"] = arm.tables
    return load_config(tables, overrides)
