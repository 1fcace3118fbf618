"""Files that describe a study (a calibration, a screening, a trial): TOML read into tables, mistakes in one line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trabsim.errors import ConfigError
from trabsim.spelling import suggest


class StudyTable(BaseModel):
    """Base of the tables of a study: frozen, checked, and closed to misspelled names.

    Unlike `trabsim.params.Params` these are no numbers of the model but what somebody wants to know, so they have no
    source, and may have no default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def entry(default: Any, meaning: str, **limits: Any) -> Any:
    """Declare a key of a study; ``...`` as default makes it required."""
    return Field(default, description=meaning, **limits)


Study = TypeVar("Study", bound=BaseModel)


def read_study(path: str | Path, model: type[Study]) -> Study:
    """Read a study.

    Parameters
    ----------
    path : str or Path
    model : type
        Table whose fields are the keys of the file.

    Returns
    -------
    StudyTable

    Raises
    ------
    ConfigError
        If the file is missing, no TOML, or has a key or value that is wrong; all mistakes are named at once.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; give the file of a study") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is no text in UTF-8; save it as TOML") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}; mend that line") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(
            f"{path.name}: {'; '.join(_mistake(item, model) for item in error.errors())}"
        ) from None


def _mistake(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in item["loc"])
    message = f"{item['msg'][:1].lower()}{item['msg'][1:]}"
    if item["type"] == "extra_forbidden":
        known = list(_model_at(model, item["loc"][:-1]).model_fields)
        return f"unknown key '{where}'; {suggest(str(item['loc'][-1]), known)}"
    if item["type"] == "missing":
        return f"'{where}' is missing; add it"
    if item["type"] == "value_error":
        said = message.removeprefix("value error, ")
        return f"[{where}] {said}" if where else said
    return f"{where} = {item['input']!r}: {message}"


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        inner = [t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)]
        model = next((t for t in inner if issubclass(t, BaseModel)), model)
    return model
