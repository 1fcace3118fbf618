"""Configurations: the parameters of every part, composed; TOML in and out.

A configuration is a TOML file with tables ``[run]``, ``[specimen]``, ``[endocrine]``, ``[measures]``,
``[[therapy]]``, ``[[output]]``, one table per process, and ``[drug.X]`` for the parameters of a drug.
``extends = "preset"`` layers a file on another one: tables are merged key by key, lists are replaced.  Every key is
checked at once, and a misspelled one is answered with the right spelling.  TOML has no word for nothing, so
``key = "none"`` empties a key that may be empty.  Paths are relative to the file that names them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SerializeAsAny, ValidationError

from trabsim.config_layers import (
    absolute_paths,
    layered,
    merge,
    parse_override,
    preset_names,
    preset_text,
    set_dotted,
)
from trabsim.endocrine.history import EndocrineParams
from trabsim.errors import ConfigError
from trabsim.measure_params import MeasureParams
from trabsim.model import ProcessParams
from trabsim.params import Params, param
from trabsim.spelling import suggest
from trabsim.therapy.plan import drug_params, read_courses, refuse_load_programs, require_known
from trabsim.therapy.registry import therapy_class, therapy_kinds
from trabsim.therapy.schedule import TherapyParams
from trabsim.tissue.params import SpecimenParams
from trabsim.units import DAYS_PER_YEAR

__all__ = [
    "DEFAULT_PRESET",
    "Config",
    "OutputParams",
    "RunParams",
    "changed_keys",
    "load_config",
    "parse_override",
    "preset_names",
    "preset_text",
]

DEFAULT_PRESET = "postmenopause"

#: Tables that may stand there several times.
LISTS = ("output", "therapy")


class RunParams(Params):
    """``[run]``: how long, from which seed, what to switch off."""

    seed: int = param(1, "seed of every random number", source="assumed: any integer will do", ge=0, lt=2**63)
    years: float = param(5.0, "years after entry", source="assumed: covers menopause", gt=0, le=120)
    spin_up_days: int = param(
        730,
        "days before entry in which the remodeling space opens",
        source="assumed: opening takes two years, and measuring earlier would count it as loss",
        ge=0,
        le=20_000,
    )
    disable: tuple[str, ...] = param((), "optional processes to leave out, by name", source="assumed: none")

    @property
    def end_day(self) -> int:
        """Last day of the run, counted from entry."""
        return round(self.years * DAYS_PER_YEAR)


class OutputParams(Params):
    """``[[output]]``: what is written and how often."""

    kind: Literal["series", "checkpoint"] = param(
        "series",
        "`series` for a row of measures, `checkpoint` for the whole state",
        source="assumed: required",
    )
    every_days: int = param(30, "interval", source="assumed: monthly", ge=1)
    microarchitecture: bool = param(
        False, "whether a series row also measures Tb.Th, Tb.Sp, Conn.D ... (slower)", source="assumed: off"
    )


class Config(Params):
    """Everything a run needs, resolved."""

    run: RunParams = RunParams()
    specimen: SpecimenParams = SpecimenParams()
    endocrine: EndocrineParams = EndocrineParams()
    measures: MeasureParams = MeasureParams()
    output: tuple[OutputParams, ...] = (
        OutputParams(kind="series", every_days=30),
        OutputParams(kind="series", every_days=365, microarchitecture=True),
        OutputParams(kind="checkpoint", every_days=365),
    )
    process: ProcessParams = ProcessParams()
    therapy: tuple[TherapyParams, ...] = ()
    #: Parameters of the drugs that are given, by kind.
    drug: dict[str, SerializeAsAny[Params]] = {}  # noqa: RUF012

    def to_toml(self) -> str:
        """Write the resolved configuration as TOML; reading it back gives the same configuration.

        Returns
        -------
        str
        """
        data = self.model_dump(mode="json")
        process, drugs = data.pop("process"), data.pop("drug")
        tables = {**data, **process, **{f"drug.{kind}": table for kind, table in drugs.items()}}
        # an empty list of tables is a key, and keys without a table come first
        lines = [f"{name} = []" for name, table in tables.items() if table == []]
        for name, table in tables.items():
            model = self._model_of_table(name)
            for item in table if isinstance(table, list) else [table]:
                lines.append(f"[[{name}]]" if isinstance(table, list) else f"[{name}]")
                lines += [
                    f"{key} = {_toml_value(value)}"
                    for key, value in item.items()
                    if _is_told(model, key, value)
                ]
                lines.append("")
        return "\n".join(lines)

    def _model_of_table(self, name: str) -> type[BaseModel]:
        if name.startswith("drug."):
            return type(self.drug[name.removeprefix("drug.")])
        if name in ProcessParams.model_fields:
            return type(getattr(self.process, name))
        return _model_of(Config.model_fields[name].annotation) or Config


def load_config(
    source: Config | str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | None = None
) -> Config:
    """Read a configuration.

    Parameters
    ----------
    source : Config, str, Path or mapping
        A TOML file, the name of a preset, or a mapping with the same tables.
    overrides : mapping, optional
        Dotted keys and values that win over the file, e.g. ``{"run.seed": 2}``; a whole table goes without a dot.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        For a missing file, broken TOML, an unknown key (with the nearest right one), or a value out of range.
         All mistakes are named at once.
    """
    if isinstance(source, Config):
        source = source.model_dump(mode="json")
    data = layered(source)
    process = data.pop("process", {})
    if not isinstance(process, Mapping):
        raise ConfigError(
            f"process = {process!r} is no table; name the process's own table, for example [activation]"
        )
    data = merge(dict(process), data)
    for key, value in (overrides or {}).items():
        set_dotted(data, key, value)
    absolute_paths(data, Path.cwd())
    _require_known(data)
    drugs = data.pop("drug", {})
    process = {name: data.pop(name) for name in list(data) if name in ProcessParams.model_fields}
    try:
        config = Config.model_validate(_without_none(Config, {**data, "process": process}))
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None
    config.process.require_optional(config.run.disable)
    courses = read_courses(config.therapy)
    require_known(courses, config.endocrine.model_dump())
    if "mechanics" in config.run.disable:
        refuse_load_programs(courses)
    kinds = [course.params.kind for course in courses]
    return config.model_copy(update={"drug": _drugs(drugs, kinds)})


def _drugs(tables: Mapping[str, Any], kinds: list[str]) -> dict[str, Params]:
    """Parameters of every drug that is given or has a table of its own."""
    if not isinstance(tables, Mapping) or not all(isinstance(table, Mapping) for table in tables.values()):
        raise ConfigError(
            "drug holds one table per drug; write for example [drug.denosumab] and its keys below"
        )
    known: Mapping[str, Any] = {kind: {} for kind in kinds} | dict(tables)
    for kind in tables:
        if kind not in therapy_kinds():
            raise ConfigError(f"unknown table [drug.{kind}]; {suggest(kind, therapy_kinds())}")
    read: dict[str, Params] = {}
    mistakes = []
    for kind in sorted(known):
        try:
            read |= drug_params({kind: known[kind]})
        except ValidationError as error:
            mistakes.append(_explain(error, f"drug.{kind}", therapy_class(kind).params_class))
    if mistakes:
        raise ConfigError("; ".join(mistakes))
    return read


def changed_keys(before: Config, after: Config) -> dict[str, tuple[Any, Any]]:
    """Compare two configurations.

    Parameters
    ----------
    before, after : Config

    Returns
    -------
    dict of str to (value, value)
        Dotted keys that differ, as a configuration file spells them, with both values.
    """
    drugs = {kind: type(params)().model_dump() for kind, params in {**before.drug, **after.drug}.items()}
    old, new = (_flat(merge({"drug": drugs}, config.model_dump(mode="json"))) for config in (before, after))
    return {key: (old.get(key), new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)}


def _require_known(data: Mapping[str, Any]) -> None:
    known = [*(name for name in Config.model_fields if name != "process"), *ProcessParams.model_fields]
    for name, value in data.items():
        if name not in known:
            homes = [table for table in known if name in _keys_at((table,))]
            if homes and not isinstance(value, Mapping):
                raise ConfigError(f"'{name}' stands outside any table; write it as {homes[0]}.{name}")
            raise ConfigError(f"unknown table [{name}]; {suggest(name, known)}")
        if name in LISTS and not isinstance(value, (list, tuple)):
            raise ConfigError(f"[{name}] is a list of tables; write [[{name}]], in double brackets")
        if name not in LISTS and not isinstance(value, Mapping):
            raise ConfigError(f"{name} = {value!r} is no table; write [{name}] and its keys below")


def _explain(error: ValidationError, table: str = "", model: type[BaseModel] | None = None) -> str:
    """All mistakes, in one line; within a table where it is given with its model."""
    mistakes = []
    for item in error.errors():
        path = [str(part) for part in (*table.split("."), *item["loc"]) if str(part) not in ("", "process")]
        where = ".".join(path)
        message = f"{item['msg'][:1].lower()}{item['msg'][1:]}"
        if item["type"] == "extra_forbidden":
            mistakes.append(
                f"unknown key '{where}' (value {_short(item['input'])}); "
                f"{suggest(path[-1], list(model.model_fields) if model else _keys_at(item['loc'][:-1]))}"
            )
        elif item["type"] == "value_error":  # said by the parameters themselves, in a whole sentence
            mistakes.append(f"[{where}] {message.removeprefix('value error, ')}")
        else:
            mistakes.append(f"{where} = {_short(item['input'])}: {message}")
    return "; ".join(mistakes)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]} ..."


def _without_none(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Read the text "none" as nothing, where a key may be empty."""
    read = {}
    for key, value in data.items():
        field = model.model_fields.get(key)
        inner = None if field is None else _model_of(field.annotation)
        if isinstance(value, Mapping) and inner is not None:
            value = _without_none(inner, value)
        elif value == "none" and field is not None and type(None) in get_args(field.annotation):
            value = None
        read[key] = value
    return read


def _is_told(model: type[BaseModel], key: str, value: Any) -> bool:
    """Whether a key is written: an empty one only where its default is not empty."""
    return value is not None or (key in model.model_fields and model.model_fields[key].default is not None)


def _flat(data: Any, key: str = "") -> dict[str, Any]:
    if not isinstance(data, Mapping):
        return {key: data}
    found: dict[str, Any] = {}
    for name, value in data.items():
        found |= _flat(value, key if name == "process" else f"{key}.{name}".lstrip("."))
    return found


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    model: Any = Config
    for part in path:
        if model is Config and part in ProcessParams.model_fields:
            model = ProcessParams
        if isinstance(part, int) or not hasattr(model, "model_fields") or part not in model.model_fields:
            continue
        model = _model_of(model.model_fields[part].annotation)
    return list(getattr(model, "model_fields", {}))


def _model_of(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, list, Union, UnionType):
        for inner in get_args(annotation):
            found = _model_of(inner)
            if found is not None:
                return found
    return None


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return '"none"'
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml_value(v)}" for k, v in value.items() if v is not None) + " }"
    return repr(value)
