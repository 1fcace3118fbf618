"""The file of a screening: who, on what, which endpoints, which parameters, and how they are moved."""

from __future__ import annotations

from typing import Any, Literal

from trabsim.errors import ConfigError
from trabsim.params import Params, param
from trabsim.trials.clinical import ClinicalRow, read_row
from trabsim.trials.outcomes import skip_reason
from trabsim.trials.parameter_space import ParameterRange


class PersonParams(Params):
    """``[person]``: who is simulated."""

    sex: Literal["F", "M", "mixed"] = param("F", "sex", source="assumed: most trials are of women")
    age_years: float = param(65.0, "age at entry", source="assumed: as in trials", gt=0, le=110)
    years_since_menopause: float | None = param(None, "at entry; negative before", source="assumed: at 51")
    T_score: float | None = param(None, "lumbar spine at entry", source="assumed: that of the age")
    condition: str | None = param(None, "hypogonadism, ghd or phpt", source="assumed: none")


class EndpointParams(Params):
    """``[[endpoint]]``: a number that is looked at."""

    quantity: str = param(..., "as in clinical tables: BMD_pct_change, CTX_pct, MS_BS ...", source="required")
    site: str = param(
        "LS", "as in clinical tables: LS, TH, FN, LS QCT, systemic, biopsy ...", source="assumed: spine"
    )
    month: float = param(..., "when it is looked at, from entry", source="required")
    baseline_month: float = param(0.0, "what changes are counted from", source="assumed: entry")
    wanted_error: float | None = param(
        None, "Monte-Carlo error that is wanted, in the unit of the quantity", source="assumed: none", gt=0
    )

    @property
    def name(self) -> str:
        """How tables call it."""
        return f"{self.quantity} {self.site} month {self.month:g}"


class SensitivityParams(Params):
    """A screening of parameters."""

    method: Literal["one_at_a_time", "morris"] = param(
        "one_at_a_time", "how parameters are moved", source="assumed: the cheapest"
    )
    seeds: int = param(4, "seeds of specimen and cells", source="assumed: as the scorecard", ge=2)
    shape: int = param(40, "voxels along an edge", source="assumed: small, since many are run", ge=16)
    voxel_size_um: float = param(40.0, "voxel size", source="assumed: coarse, since many are run", gt=0)
    set: dict[str, Any] = param({}, "other parameters that differ from the defaults", source="assumed: none")
    person: PersonParams = param(PersonParams(), "who is simulated", source="assumed: a woman of 65")
    schedule: str = param("none", "what is given, as in clinical tables", source="assumed: nothing")
    prior_therapy: str = param("none", "what was given before entry", source="assumed: nothing")
    reference_schedule: str | None = param(None, "what is subtracted", source="assumed: nothing")
    trajectories: int = param(6, "paths of Morris screening", source="assumed: 4 to 10 are usual", ge=2)
    levels: int = param(4, "levels of Morris screening", source="assumed: 4 are usual", ge=4)
    sample_seed: int = param(1, "seed of the paths", source="assumed: any integer will do", ge=0)
    endpoint: tuple[EndpointParams, ...] = param((), "what is looked at", source="required")
    parameter: tuple[ParameterRange, ...] = param((), "what is moved", source="required")


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
