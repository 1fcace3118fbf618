"""Configurations: the parameters of every part, composed; TOML in and out.

A configuration is a TOML file with tables ``[run]``, ``[specimen]``, ``[endocrine]``, ``[[output]]`` and one table per
process.  ``extends = "preset"`` layers a file on another one.  Every key is checked at once, and a misspelled one is
answered with the right spelling.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from trabsim.endocrine.ovary import OvaryParams
from trabsim.errors import ConfigError
from trabsim.model import ProcessParams
from trabsim.params import Params, param
from trabsim.tissue.params import SpecimenParams
from trabsim.units import DAYS_PER_YEAR

DEFAULT_PRESET = "postmenopause"


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
    endocrine: OvaryParams = OvaryParams()
    output: tuple[OutputParams, ...] = (
        OutputParams(kind="series", every_days=30),
        OutputParams(kind="series", every_days=365, microarchitecture=True),
        OutputParams(kind="checkpoint", every_days=365),
    )
    process: ProcessParams = ProcessParams()

    def to_toml(self) -> str:
        """Write the resolved configuration as TOML; reading it back gives the same configuration."""
        data = self.model_dump(mode="json")
        process = data.pop("process")
        lines: list[str] = []
        for name, table in {**data, **process}.items():
            for item in table if isinstance(table, list) else [table]:
                lines.append(f"[[{name}]]" if isinstance(table, list) else f"[{name}]")
                lines += [f"{key} = {_toml_value(value)}" for key, value in item.items() if value is not None]
                lines.append("")
        return "\n".join(lines)


def load_config(source: str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a configuration.

    Parameters
    ----------
    source : str, Path or mapping
        A TOML file, the name of a preset, or a mapping with the same tables.
    overrides : mapping, optional
        Dotted keys and values that win over the file, e.g. ``{"run.seed": 2}``.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        For a missing file, broken TOML, an unknown key (with the nearest right one), or a value out of range.  All
        mistakes are named at once.
    """
    data = _layered(source, ())
    for key, value in (overrides or {}).items():
        _set_dotted(data, key, value)
    process = {name: data.pop(name) for name in list(data) if name in ProcessParams.model_fields}
    if isinstance(data.get("process"), Mapping):
        process = {**data.pop("process"), **process}
    _require_known(
        data, (*(name for name in Config.model_fields if name != "process"), *ProcessParams.model_fields)
    )
    try:
        config = Config.model_validate({**data, "process": process})
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None
    config.process.require_optional(config.run.disable)
    return config


def preset_names() -> list[str]:
    """Names of the presets that are installed."""
    folder = resources.files("trabsim.configs")
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml"))


def preset_text(name: str) -> str:
    """TOML text of a preset."""
    return (resources.files("trabsim.configs") / f"{name}.toml").read_text(encoding="utf-8")


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``key=value`` of ``--set``; the value is read as TOML, or as plain text where it is not TOML."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set needs key=value, got '{text}'; write for example --set run.seed=2")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _layered(source: str | Path | Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Any]:
    data, where = _read(source)
    base = data.pop("extends", None)
    if base is None:
        return data
    if str(base) in seen:
        raise ConfigError(f"extends runs in a circle: {' -> '.join([*seen, str(base)])}; break it")
    if where is not None and (where / str(base)).is_file():
        base = where / str(base)
    return _merge(_layered(base, (*seen, str(base))), data)


def _read(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Path | None]:
    if isinstance(source, Mapping):
        return json.loads(json.dumps(source, default=str)), None
    path = Path(source)
    try:
        if path.is_file():
            return tomllib.loads(path.read_text(encoding="utf-8")), path.parent
        if str(source) in preset_names():
            return tomllib.loads(preset_text(str(source))), None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source} is not valid TOML: {error}; mend that line") from None
    except OSError as error:
        raise ConfigError(f"cannot read {source}: {error.strerror}; check the file's rights") from None
    near = difflib.get_close_matches(str(source), preset_names(), 1)
    hint = f"did you mean '{near[0]}'?" if near else "run 'trabsim presets' for the list"
    raise ConfigError(f"no configuration file or preset named '{source}'; {hint}")


def _merge(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(dict(merged[key]), value)
        else:
            merged[key] = value
    return merged


def _set_dotted(data: dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    if not tables:
        raise ConfigError(f"'{key}' names no table; write it as table.key, for example run.seed")
    node = data
    for table in tables:
        child = node.setdefault(table, {})
        if not isinstance(child, dict):
            raise ConfigError(f"'{key}' cannot be set one by one: [{table}] is a list; give it in the file")
        node = child
    node[last] = value


def _require_known(data: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in data:
        if name not in known:
            raise ConfigError(f"unknown table [{name}]; {_suggest(name, known)}")


def _suggest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"


def _explain(error: ValidationError) -> str:
    mistakes = []
    for item in error.errors():
        path = [str(part) for part in item["loc"] if str(part) != "process"]
        where = ".".join(path)
        if item["type"] == "extra_forbidden":
            mistakes.append(
                f"unknown key '{where}' (value {item['input']!r}); {_suggest(path[-1], _keys_at(item['loc'][:-1]))}"
            )
        else:
            mistakes.append(f"{where} = {item['input']!r}: {item['msg'][0].lower()}{item['msg'][1:]}")
    return "; ".join(mistakes)


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    model: Any = Config
    for part in path:
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
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml_value(v)}" for k, v in value.items() if v is not None) + " }"
    return repr(value)
