"""``[mechanics]``: what the bone carries, from day to day, and how it is solved.

A specimen is loaded by apparent stresses that act one after another and are held as forces.  Without numbers of
its own they are read from the architecture at the start.  A program scales them from a day on: training, bed rest,
recovery.

References
----------
Whalen et al. 1988, J Biomech 21:825, doi:10.1016/0021-9290(88)90015-2 (daily stress stimulus, exponent 4)
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from trabsim.mechanics.boundary import VOIGT
from trabsim.params import Params, param

#: Exponent of the load in the daily stimulus.
DAILY_EXPONENT = 4.0

DAYS_PER_WEEK = 7.0


#: Apparent stresses xx, yy, zz, yz, xz, xy of loads that act one after another.
Stresses = tuple[tuple[float, float, float, float, float, float], ...]


def require_six(stresses: Any) -> Any:
    """Refuse a load that is not six numbers, before its numbers are looked at one by one."""
    if isinstance(stresses, (list, tuple)):
        for load in stresses:
            if not isinstance(load, (list, tuple)) or len(load) != len(VOIGT):
                raise ValueError(
                    f"{load!r} is no load; give each load six numbers in MPa ({', '.join(VOIGT)}; compression is "
                    "negative), as in [[0, 0, -1, 0, 0, 0]]"
                )
    return stresses


def require_direction(stresses: Stresses | None) -> Stresses | None:
    """Refuse loads that are all zero."""
    if stresses is not None and not (stresses and all(any(stress) for stress in stresses)):
        raise ValueError(
            f"a load without direction: {list(map(list, stresses))}; give each load six numbers, not all zero "
            "(xx, yy, zz, yz, xz, xy; compression is negative)"
        )
    return stresses


class LoadProgram(Params):
    """One entry of ``mechanics.program``: from a day on, the loads are scaled."""

    kind: Literal["constant", "exercise", "bed_rest", "recovery"] = param(
        "constant",
        "`exercise` adds loading on some days of the week; `bed_rest` and `constant` scale every day; `recovery` "
        "ends them",
        source="assumed: required",
    )
    start_day: int = param(0, "first day, counted from entry", source="assumed: entry")
    stop_day: int | None = param(None, "day on which it ends", source="assumed: lasts")
    scale: float | None = param(
        None,
        "what the loads are multiplied by on those days",
        source="assumed: exercise and bed rest must say it, else 1",
        ge=0,
        le=100,
    )
    stresses_MPa: Stresses | None = param(
        None, "loads that replace the usual ones, as in `[mechanics]`", source="assumed: the usual ones"
    )
    days_per_week: float = param(
        7.0, "days of the week on which it acts (exercise)", source="assumed: every day", gt=0, le=7
    )

    _is_six = field_validator("stresses_MPa", mode="before")(require_six)
    _has_direction = field_validator("stresses_MPa")(require_direction)

    @model_validator(mode="after")
    def _complete(self) -> LoadProgram:
        if self.kind in ("exercise", "bed_rest") and self.scale is None and self.stresses_MPa is None:
            raise ValueError(f"kind '{self.kind}' needs a scale, for example scale = 1.3")
        if self.kind == "recovery" and self.scale not in (None, 1.0):
            raise ValueError(f"kind 'recovery' returns to the usual loads and takes no scale ({self.scale})")
        if self.kind == "recovery" and self.stresses_MPa is not None:
            raise ValueError(
                "kind 'recovery' returns to the usual loads and takes no stresses_MPa; leave them out"
            )
        if self.kind != "exercise" and self.days_per_week != DAYS_PER_WEEK:
            raise ValueError(
                f"days_per_week = {self.days_per_week:g} acts with kind 'exercise' alone, not '{self.kind}'; "
                "leave it out"
            )
        if self.stop_day is not None and self.stop_day <= self.start_day:
            raise ValueError(f"stop_day {self.stop_day} must come after start_day {self.start_day}")
        return self

    def factor(self) -> float:
        """What the loads are multiplied by, as the daily stimulus sees it."""
        if self.scale is None:
            return 1.0
        if self.kind != "exercise":
            return self.scale
        rest = DAYS_PER_WEEK - self.days_per_week
        mean = (rest + self.days_per_week * self.scale**DAILY_EXPONENT) / DAYS_PER_WEEK
        return float(mean ** (1.0 / DAILY_EXPONENT))


class MechanicsParams(Params):
    """``[mechanics]``."""

    every_days: int = param(30, "interval between solutions", source="assumed: a month changes little", ge=1)
    coarsening: int = param(
        2,
        "edge of an element in voxels, 1 or 2",
        source="measured: the signal is a mean over 100 um, and elements of two voxels cost a tenth",
        ge=1,
        le=2,
    )
    tolerance: float = param(
        1e-4,
        "unbalanced forces, relative, at which a solution is accepted",
        source="measured: energy density within 4 % at the 99th percentile in dense bone, 35 % on thin struts",
        ge=1e-8,
        le=1e-2,
    )
    most_iterations: int = param(
        500, "iterations after which a solution is given up", source="assumed: ten times the usual", ge=1
    )
    tissue_modulus_MPa: float = param(
        10_000.0,
        "Young's modulus of tissue with `reference_mineral_mg_per_cm3`",
        source="assumed: 5-18 GPa in micro-FE of human bone; cancels from every signal",
        gt=0,
    )
    poisson_ratio: float = param(0.3, "Poisson's ratio", source="assumed: usual in micro-FE", gt=-1, lt=0.5)
    reference_mineral_mg_per_cm3: float = param(
        1150.0, "mineral at which that modulus holds", source="assumed: mature trabecular tissue", gt=0
    )
    mineral_exponent: int = param(
        2, "power of mineral in the modulus", source="assumed: between 1 and 3 in nanoindentation", ge=0, le=4
    )
    least_fraction: float = param(
        0.05, "elements with less bone than this are left out", source="assumed: bears nothing", gt=0, lt=1
    )
    stresses_MPa: Stresses | None = param(
        None,
        "apparent stresses xx, yy, zz, yz, xz, xy of the usual loads; without them they are read from the "
        "architecture",
        source="assumed: healthy bone is adapted to what it carries (Christen 2012, doi:10.1007/s10237-011-0325-1)",
    )
    target_MPa: float = param(
        0.02,
        "strain energy density that bone tends to",
        source="Christen 2012 doi:10.1007/s10237-011-0325-1: 0.02 MPa",
        gt=0,
    )
    program: tuple[LoadProgram, ...] = param((), "changes of the loads", source="assumed: none")
    target_weight: float = param(
        0.5,
        "weight of the target where an osteocyte's own reference drifts to",
        source="assumed: half memory, half target",
        ge=0,
        le=1,
    )
    relaxation_years: float = param(
        10.0,
        "time in which an osteocyte's reference relaxes",
        source="assumed: with 2 years stiffness was lost as if nothing were felt",
        gt=0,
    )
    reach_um: float = param(
        60.0,
        "length of the signal of an osteocyte",
        source="assumed: felt to about 100 um",
        gt=0,
        le=500,
    )
    most_stimulus: float = param(
        2.0,
        "largest stimulus, as a logarithm of strain energy over reference",
        source="assumed: answers saturate beyond a sevenfold change",
        gt=0,
        le=2.3,
    )

    _is_six = field_validator("stresses_MPa", mode="before")(require_six)
    _has_direction = field_validator("stresses_MPa")(require_direction)


def program_on(program: tuple[LoadProgram, ...], day: int) -> LoadProgram | None:
    """The entry that applies on a day, None where the loads are as usual.

    Of those that have begun and not ended it is the one that began last, or stands last.

    Parameters
    ----------
    program : tuple of LoadProgram
    day : int
        Counted from entry.
    """
    begun = [p for p in program if p.start_day <= day and (p.stop_day is None or day < p.stop_day)]
    return sorted(begun, key=lambda p: p.start_day)[-1] if begun else None


def load_factor(program: tuple[LoadProgram, ...], day: int) -> float:
    """What the loads are multiplied by on a day, 1 where no entry applies.

    Parameters
    ----------
    program : tuple of LoadProgram
    day : int
        Counted from entry.
    """
    entry = program_on(program, day)
    return 1.0 if entry is None else entry.factor()
