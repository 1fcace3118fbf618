"""Exercise, bed rest and spaceflight: programs of load.

They set no concentration.  A table of ``[[therapy]]`` with one of these kinds becomes one entry of
``mechanics.program`` before the run begins: bone feels it through its finite elements, as any other load.  The dose is
a share of the full program: 0 leaves the loads as they are.  Between visits of the finite elements nothing changes, so
a program acts with the mechanics' own interval.

References
----------
Watson et al. 2018, J Bone Miner Res 33:211, doi:10.1002/jbmr.3284 (high-intensity resistance and impact training)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from trabsim.params import Params, param
from trabsim.therapy.plan import Course, read_courses
from trabsim.therapy.schedule import TherapyParams, on_day
from trabsim.therapy.therapy import Therapy

KINDS = ("exercise", "bed_rest", "spaceflight")


class LoadTherapy(Therapy):
    """What the three have alike."""

    units: ClassVar[dict[str, float]] = {"scale": 1.0}
    ledger_unit = "scale"
    label_dose = 1.0
    repeated = False
    enters = ("loads",)

    def program(self, dose: float) -> dict[str, Any]:
        """Keys of an entry of ``mechanics.program``."""
        raise TypeError(f"therapy '{self.kind}' does not say what it does to the loads")


class ExerciseParams(Params):
    """``[drug.exercise]``."""

    load_gain: float = param(
        0.5,
        "share by which the loads rise on a day of training at full dose",
        source="assumed: lifts of 80-85 % of the maximum and jumps (Watson 2018), against daily life",
        ge=0,
        le=10,
    )
    days_per_week: float = param(2.0, "days of training in a week", source="Watson 2018: twice", gt=0, le=7)


class Exercise(LoadTherapy):
    """Training on some days of the week; dose 1 is high-intensity resistance and impact training."""

    kind = "exercise"
    evidence = "calibrated"
    references = ("doi:10.1002/jbmr.3284",)
    params_class = ExerciseParams

    def program(self, dose: float) -> dict[str, Any]:
        p = self.params
        return {"kind": "exercise", "scale": 1.0 + p.load_gain * dose, "days_per_week": p.days_per_week}


class BedRestParams(Params):
    """``[drug.bed_rest]``."""

    load_loss: float = param(
        0.7,
        "share of the loads that is missing at full dose",
        source="assumed: muscles still pull, weight is gone; 1-2 % of density a month are lost (Spatz 2012)",
        ge=0,
        le=1,
    )


class BedRest(LoadTherapy):
    """Days in bed; dose 1 is strict bed rest."""

    kind = "bed_rest"
    evidence = "uncalibrated"
    references = ("assumed: see the load program of bed rest",)
    params_class = BedRestParams

    def program(self, dose: float) -> dict[str, Any]:
        return {"kind": "bed_rest", "scale": max(0.0, 1.0 - self.params.load_loss * dose)}


class SpaceflightParams(Params):
    """``[drug.spaceflight]``."""

    load_loss: float = param(
        0.85,
        "share of the loads that is missing at full dose",
        source="assumed: more than in bed, as even turning over weighs nothing (Lang 2004 on crews)",
        ge=0,
        le=1,
    )


class Spaceflight(LoadTherapy):
    """Days in weightlessness; dose 1 is without exercise on board."""

    kind = "spaceflight"
    evidence = "uncalibrated"
    references = ("doi:10.1359/JBMR.040307",)
    params_class = SpaceflightParams

    def program(self, dose: float) -> dict[str, Any]:
        return {"kind": "constant", "scale": max(0.0, 1.0 - self.params.load_loss * dose)}


def load_programs(tables: Sequence[TherapyParams], drugs: Mapping[str, Params]) -> list[dict[str, Any]]:
    """Entries of ``mechanics.program`` that therapies bring; a dose of 0 brings none.

    Parameters
    ----------
    tables : sequence of TherapyParams
    drugs : mapping of str to Params
        Parameters by kind.

    Returns
    -------
    list of dict
    """
    mine = [table for table in tables if table.kind in KINDS]
    return [_entry(course, drugs) for course in read_courses(mine) if course.amount > 0]


def _entry(course: Course, drugs: Mapping[str, Params]) -> dict[str, Any]:
    therapy = course.drug(drugs.get(course.params.kind))
    assert isinstance(therapy, LoadTherapy)
    times = {"start_day": on_day(course.params.start), "stop_day": course.params.stop}
    return {**therapy.program(course.amount), **times}
