"""From ``[[therapy]]`` tables to courses that can be given: everything that can be wrong is found here.

A mistake is an error of one line that names the table; what is unusual but possible is told by `notes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trabsim.errors import ConfigError
from trabsim.params import Params
from trabsim.spelling import suggest
from trabsim.therapy.conditions import FROM_USER, Condition, names_in, parse_condition
from trabsim.therapy.registry import therapy_class
from trabsim.therapy.schedule import TherapyParams, interval_of, on_day, plain_unit
from trabsim.therapy.therapy import Therapy

#: Units of a volume or of a syringe's scale, by which testosterone is sometimes told.
VOLUMES = {"units", "unit", "mL", "mg/mL", "cc", "clicks"}


class Course(NamedTuple):
    """One table, read: doses in the unit of the drug's ledger."""

    number: int
    params: TherapyParams
    drug: type[Therapy]
    amount: float
    interval: float | None
    start_when: Condition | None
    stop_when: Condition | None

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"therapy {self.number} ({self.params.kind})"


def read_courses(tables: Sequence[TherapyParams]) -> list[Course]:
    """Read all tables.

    Parameters
    ----------
    tables : sequence of TherapyParams

    Returns
    -------
    list of Course

    Raises
    ------
    ConfigError
        With all mistakes, in one line.
    """
    courses, mistakes = [], []
    for number, table in enumerate(tables, 1):
        try:
            courses.append(_course(number, table))
        except ConfigError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ConfigError("; ".join(mistakes))
    return courses


def _course(number: int, table: TherapyParams) -> Course:
    if not table.kind:
        raise ConfigError(f"therapy {number} names no kind; write for example kind = 'denosumab'")
    drug = therapy_class(table.kind)
    where = f"therapy {number} ({table.kind})"
    amount, unit = _amount(where, drug, table)
    interval = _interval(where, drug, table, unit)
    _check_times(where, drug, table, interval)
    conditions = {}
    for key in ("start_when", "stop_when"):
        text = getattr(table, key)
        try:
            conditions[key] = None if text is None else parse_condition(text)
        except ValueError as error:
            raise ConfigError(f"{where}: {key}: {error}") from None
        if text is not None and drug.units.keys() == {"scale"}:
            raise ConfigError(f"{where}: {key} works for drugs; a load program begins and ends on given days")
    return Course(number, table, drug, amount, interval, conditions["start_when"], conditions["stop_when"])


def _amount(where: str, drug: type[Therapy], table: TherapyParams) -> tuple[float, str | None]:
    """Dose in the unit of the ledger, and its unit as written here."""
    dose, unit = table.dose, None if table.unit is None else plain_unit(table.unit)
    if table.route is not None and table.route not in drug.routes:
        known = ", ".join(drug.routes) or "none"
        raise ConfigError(f"{where}: route '{table.route}' is unknown; choose from: {known}")
    if not drug.units or drug.units.keys() == {"scale"}:
        if unit not in (None, *drug.units):
            raise ConfigError(f"{where} takes no unit, got '{table.unit}'; leave it out")
        return (1.0 if dose is None else dose), unit
    if dose is None:
        example = f"dose = {drug.label_dose:g}, unit = '{next(iter(drug.units))}'"
        raise ConfigError(f"{where} has no dose; write for example {example}")
    if unit is None:
        raise ConfigError(f"{where}: dose {dose:g} has no unit; write one of {', '.join(drug.units)}")
    if unit == "mg/mL" and table.volume_mL is not None and "mg" in drug.units:
        return dose * table.volume_mL, "mg"
    if unit in VOLUMES and "mg" in drug.units:
        raise ConfigError(
            f"{where}: '{table.unit}' does not say how much drug it is; give the dose in mg "
            "(volume in mL times the concentration on the vial in mg/mL)"
        )
    if table.volume_mL is not None:
        raise ConfigError(f"{where}: volume_mL goes with unit mg/mL, not '{table.unit}'; leave it out")
    if unit in drug.units:
        return dose * drug.units[unit], unit
    daily = unit.removesuffix("/day")
    if daily != unit and daily in drug.units:
        return dose * drug.units[daily], unit
    if drug.delivered_per_day and f"{unit}/day" in drug.units:
        raise ConfigError(
            f"{where} is dosed by what it delivers per day; write unit = '{unit}/day', got '{table.unit}'"
        )
    raise ConfigError(
        f"{where}: unit '{table.unit}' is of another kind; write one of {', '.join(drug.units)}"
    )


def _interval(where: str, drug: type[Therapy], table: TherapyParams, unit: str | None) -> float | None:
    if table.every is not None and table.every_days is not None:
        raise ConfigError(
            f"{where} has every = '{table.every}' and every_days = {table.every_days:g}; keep one"
        )
    interval: float | None = table.every_days
    if table.every is not None:
        try:
            interval = interval_of(table.every)
        except KeyError:
            words = (
                "once",
                "daily",
                "weekly",
                "monthly",
                "quarterly",
                "semiannual",
                "yearly",
                "qd",
                "qw",
                "q6m",
            )
            raise ConfigError(
                f"{where}: every = '{table.every}' is no interval; {suggest(table.every, words)}"
            ) from None
    told = table.every is not None or table.every_days is not None
    if drug.delivered_per_day or (unit is not None and unit.endswith("/day")):
        if told and interval != 1.0:
            raise ConfigError(
                f"{where}: a dose in {unit} is given every day; write every = 'daily' or leave it out"
            )
        return 1.0
    if not drug.repeated:
        return None if drug.units == {} else 1.0
    if not told:
        raise ConfigError(f"{where} has no interval; write for example every = 'weekly' or every_days = 7")
    return interval


def _check_times(where: str, drug: type[Therapy], table: TherapyParams, interval: float | None) -> None:
    for edge in ("start", "stop"):
        if getattr(table, f"{edge}_day") is not None and getattr(table, f"{edge}_months") is not None:
            raise ConfigError(f"{where} has {edge}_day and {edge}_months; keep one of them")
    if table.stop is not None and table.stop <= on_day(table.start):
        raise ConfigError(f"{where} stops on day {table.stop}, before it starts ({on_day(table.start)})")
    if any(n < 1 for n in table.missed_doses):
        raise ConfigError(f"{where}: missed_doses counts from 1, got {min(table.missed_doses)}")
    if not drug.units and (table.stop is not None or table.stop_when is not None):
        raise ConfigError(f"{where} cannot be undone; leave out when it stops")


def require_known(courses: Sequence[Course], patient: Mapping[str, float | None]) -> None:
    """Refuse conditions on what the user has not said of the patient.

    Parameters
    ----------
    courses : sequence of Course
    patient : mapping of str to float or None
        FRAX values as given.

    Raises
    ------
    ConfigError
    """
    for course in courses:
        for key in ("start_when", "stop_when"):
            condition = getattr(course, key)
            for name in FROM_USER:
                if condition is not None and name in names_in(condition) and patient.get(name) is None:
                    raise ConfigError(
                        f"{course.label}: {key} asks for {name}, and nobody gave it; write it in [endocrine]"
                    )


def refuse_load_programs(courses: Sequence[Course]) -> None:
    """Refuse exercise, bed rest and spaceflight where load is not felt.

    Raises
    ------
    ConfigError
    """
    for course in courses:
        if course.drug.units.keys() == {"scale"}:
            raise ConfigError(
                f"{course.label} acts through mechanics, which run.disable switches off; leave one of them out"
            )


def drug_params(tables: Mapping[str, Mapping[str, object]]) -> dict[str, Params]:
    """Read ``[drug.X]`` tables with the parameters of their drugs.

    Raises
    ------
    ConfigError
        For an unknown drug.
    pydantic.ValidationError
        For an unknown or impossible parameter.
    """
    return {
        kind: therapy_class(kind).params_class.model_validate(dict(table)) for kind, table in tables.items()
    }
