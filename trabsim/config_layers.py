"""From files, presets and ``--set`` to one nested mapping: reading, layering, and paths.

What the keys mean is not known here.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from trabsim.errors import ConfigError
from trabsim.spelling import suggest


def preset_names() -> list[str]:
    """Names of the presets that are installed.

    Returns
    -------
    list of str
    """
    folder = resources.files("trabsim.configs")
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml"))


def preset_text(name: str) -> str:
    """TOML text of a preset.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If there is none of this name.
    """
    if name not in preset_names():
        raise ConfigError(f"there is no preset '{name}'; {suggest(name, preset_names())}")
    return (resources.files("trabsim.configs") / f"{name}.toml").read_text(encoding="utf-8")


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``key=value`` of ``--set``; the value is read as TOML, or as plain text where it is not TOML.

    Parameters
    ----------
    text : str

    Returns
    -------
    key : str
    value : object

    Raises
    ------
    ConfigError
        If there is no key or no equals sign.
    """
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set needs key=value, got '{text}'; write for example --set run.seed=2")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def layered(source: str | Path | Mapping[str, Any], seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read a file, preset or mapping, and what it extends, into one mapping.

    Parameters
    ----------
    source : str, Path or mapping
    seen : tuple of str
        Layers above this one.

    Returns
    -------
    dict

    Raises
    ------
    ConfigError
        If a layer is missing, is not TOML, or extends itself.
    """
    data, file = _read(source)
    name = str(source) if file is None else str(file)
    if not isinstance(source, Mapping):
        if name in seen:
            raise ConfigError(f"extends runs in a circle: {' -> '.join([*seen, name])}; break it")
        seen = (*seen, name)
    base = data.pop("extends", None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise ConfigError(f"extends = {base!r} is not text; give the name of a preset or a file")
    if file is not None and (file.parent / base).is_file():
        base = file.parent / base
    return merge(layered(base, seen), data)


def _read(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Path | None]:
    """Tables of a layer, and the file they stand in, if it is one."""
    if isinstance(source, Mapping):
        return json.loads(json.dumps(source, default=str)), None
    path = Path(source)
    try:
        if path.is_file():
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            absolute_paths(data, path.parent)
            return data, path.resolve()
        if str(source) in preset_names():
            return tomllib.loads(preset_text(str(source))), None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source} is not valid TOML: {error}; mend that line") from None
    except OSError as error:
        raise ConfigError(f"cannot read {source}: {error.strerror}; check the file's rights") from None
    near = difflib.get_close_matches(str(source), preset_names(), 1)
    hint = f"did you mean '{near[0]}'?" if near else "run 'trabsim presets' for the list"
    raise ConfigError(f"no configuration file or preset named '{source}'; {hint}")


def absolute_paths(data: Mapping[str, Any], folder: Path) -> None:
    """Make paths of scans absolute, so that a run can be taken up from anywhere."""
    specimen = data.get("specimen")
    if not isinstance(specimen, dict):
        return
    for key, words in (("source", ("synthetic",)), ("region", ("cylinder", "none"))):
        value = specimen.get(key)
        if isinstance(value, str) and value not in words:
            beside = folder / Path(value).expanduser()
            specimen[key] = str((beside if beside.exists() else Path(value).expanduser()).absolute())


def merge(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping on another, table by table and key by key; lists are replaced."""
    merged = dict(base)
    for key, value in top.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(dict(merged[key]), value)
        else:
            merged[key] = value
    return merged


def set_dotted(data: dict[str, Any], key: str, value: Any) -> None:
    """Set ``table.key``, or with a mapping or list a whole table."""
    *tables, last = key.split(".")
    if not tables and not isinstance(value, (Mapping, list, tuple)):
        raise ConfigError(f"'{key}' names no table; write it as table.key, for example run.seed")
    node = data
    for table in tables:
        child = node.setdefault(table, {})
        if not isinstance(child, dict):
            raise ConfigError(f"'{key}' cannot be set one by one: [{table}] is a list; give it in the file")
        node = child
    node[last] = value
