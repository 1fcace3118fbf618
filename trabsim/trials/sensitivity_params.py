"""The file of a screening: who, on what, which endpoints, which parameters, and how they are moved."""

from __future__ import annotations

from typing import Literal

from trabsim.errors import ConfigError
from trabsim.trials.clinical import ClinicalRow, read_row
from trabsim.trials.outcomes import skip_reason
from trabsim.trials.parameter_space import Overrides, ParameterRange
from trabsim.trials.study_file import StudyTable, entry


class PersonParams(StudyTable):
    """``[person]``: who is simulated."""

    sex: Literal["F", "M", "mixed"] = entry("F", "sex")
    age_years: float = entry(65.0, "age at entry", gt=0, le=110)
    years_since_menopause: float | None = entry(None, "at entry; negative before")
    T_score: float | None = entry(None, "lumbar spine at entry")
    condition: str | None = entry(None, "hypogonadism, ghd or phpt")


class EndpointParams(StudyTable):
    """``[[endpoint]]``: a number that is looked at."""

    quantity: str = entry(..., "as in clinical tables: BMD_pct_change, CTX_pct, MS_BS ...")
    site: str = entry("LS", "as in clinical tables: LS, TH, FN, LS QCT, systemic, biopsy ...")
    month: float = entry(..., "when it is looked at, from entry")
    baseline_month: float = entry(0.0, "what changes are counted from")
    wanted_error: float | None = entry(
        None, "Monte-Carlo error that is wanted, in the unit of the quantity", gt=0
    )

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"{self.quantity} {self.site} month {self.month:g}"


class SensitivityParams(StudyTable):
    """A screening of parameters."""

    method: Literal["one_at_a_time", "morris"] = entry("one_at_a_time", "how parameters are moved")
    seeds: int = entry(4, "seeds of specimen and cells", ge=2)
    shape: int = entry(40, "voxels along an edge", ge=16)
    voxel_size_um: float = entry(40.0, "voxel size", gt=0)
    set: Overrides = entry({}, "other parameters that differ from the defaults")
    person: PersonParams = entry(PersonParams(), "who is simulated")
    schedule: str = entry("none", "what is given, as in clinical tables")
    prior_therapy: str = entry("none", "what was given before entry")
    reference_schedule: str | None = entry(None, "what is subtracted")
    trajectories: int = entry(6, "paths of Morris screening", ge=2)
    levels: int = entry(4, "levels of Morris screening", ge=4)
    sample_seed: int = entry(1, "seed of the paths", ge=0)
    endpoint: tuple[EndpointParams, ...] = entry((), "what is looked at")
    parameter: tuple[ParameterRange, ...] = entry((), "what is moved")


def endpoint_rows(params: SensitivityParams) -> list[ClinicalRow]:
    """Endpoints as rows of a clinical table.

    Raises
    ------
    ConfigError
        If there is none, or one that the series does not hold.
    """
    if not params.endpoint:
        raise ConfigError("no endpoint is named; add [[endpoint]] with quantity, site and month")
    rows = []
    for number, endpoint in enumerate(params.endpoint, 1):
        person = params.person
        row = read_row(
            {
                "id": f"endpoint {number}",
                "quantity": endpoint.quantity,
                "site": endpoint.site,
                "value": "0",
                "spread": "",
                "spread_kind": "none",
                "n": "",
                "reference": "vs_baseline" if params.reference_schedule is None else "vs_reference",
                "schedule": params.schedule,
                "reference_schedule": params.reference_schedule or "",
                "baseline_month": str(endpoint.baseline_month),
                "eval_month": str(endpoint.month),
                "sex": person.sex,
                "age": str(person.age_years),
                "years_since_menopause": _text(person.years_since_menopause),
                "T_score": _text(person.T_score),
                "prior_therapy": params.prior_therapy,
                "supported": "yes",
                "schedule_note": f"condition={person.condition}" if person.condition else "",
            }
        )
        reason = skip_reason(row)
        if reason is not None:
            raise ConfigError(
                f"endpoint {number} ({endpoint.name}) cannot be read off a run: {reason}; choose another"
            )
        rows.append(row)
    return rows


def _text(value: float | None) -> str:
    return "" if value is None else str(value)
