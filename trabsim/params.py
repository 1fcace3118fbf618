"""Parameters: every number of the model has a unit in its name, a meaning and a source."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Params(BaseModel):
    """Base of all parameter classes: frozen, checked, and closed to misspelled names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def param(default: Any, meaning: str, *, source: str, **limits: Any) -> Any:
    """Declare one parameter.

    Parameters
    ----------
    default
        Value used where a configuration is silent.
    meaning : str
        One line that a biologist understands.
    source : str
        Where the number comes from; ``"assumed: why"`` is honest, an empty text is not.
    **limits
        Bounds as pydantic spells them (``gt``, ``ge``, ``lt``, ``le``).

    Returns
    -------
    pydantic.fields.FieldInfo
        The field, with its source kept for the generated parameter table.
    """
    if not source.strip():
        raise ValueError(f"parameter without a source: {meaning}")
    return Field(default, description=meaning, json_schema_extra={"source": source}, **limits)
