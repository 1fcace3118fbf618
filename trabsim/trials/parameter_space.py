"""Named parameters within bounds: where an optimizer or a screening moves, on a scale from 0 to 1."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.therapy.registry import therapy_class
from trabsim.trials.study_file import StudyTable, entry

Point = NDArray[np.float64]


class ParameterRange(StudyTable):
    """``[[parameter]]``: one parameter of the model and where it may lie."""

    key: str = entry(..., "dotted key, as --set takes it")
    low: float = entry(..., "lower bound")
    high: float = entry(..., "upper bound")
    scale: Literal["linear", "log"] = entry("linear", "scale on which steps are equal")
    start: float | None = entry(None, "where to begin")


class ParameterSpace:
    """Parameters within bounds.

    Parameters
    ----------
    ranges : sequence of ParameterRange

    Attributes
    ----------
    keys : list of str
    start : float64 array
        Where to begin, on the scale from 0 to 1.

    Raises
    ------
    ConfigError
        If a key is unknown, no number, or named twice; if bounds are reversed, not positive on a logarithmic scale,
        or refused by the model; if the start lies outside.
    """

    def __init__(self, ranges: Sequence[ParameterRange]):
        if not ranges:
            raise ConfigError("no parameter is named; add [[parameter]] with key, low and high")
        self.ranges = tuple(ranges)
        self.keys = [item.key for item in ranges]
        twice = sorted({key for key in self.keys if self.keys.count(key) > 1})
        if twice:
            raise ConfigError(f"parameter {twice[0]} is named twice; leave one out")
        self._whole = [_checked(item) for item in ranges]
        self.start = np.array([self._start(item) for item in ranges])

    def __len__(self) -> int:
        return len(self.ranges)

    def values(self, at: Point) -> dict[str, float]:
        """Parameters by key at a point.

        Parameters
        ----------
        at : float64 array, shape (parameters,)
            From 0 (lower bounds) to 1 (upper bounds).
        """
        found = {}
        for item, whole, u in zip(self.ranges, self._whole, at):
            if item.scale == "log":
                value = math.exp(math.log(item.low) + float(u) * math.log(item.high / item.low))
            else:
                value = item.low + float(u) * (item.high - item.low)
            # twelve digits, so that a life is found again whatever the last bit of the optimizer is
            value = float(f"{min(max(value, item.low), item.high):.12g}")
            found[item.key] = round(value) if whole else value
        return found

    def spread(self, at: Point, errors: Point) -> dict[str, float]:
        """Standard errors in the unit of each parameter, from those on the scale from 0 to 1."""
        values = self.values(at)
        return {
            item.key: float(error)
            * (
                abs(values[item.key]) * math.log(item.high / item.low)
                if item.scale == "log"
                else item.high - item.low
            )
            for item, error in zip(self.ranges, errors)
        }

    def _start(self, item: ParameterRange) -> float:
        value = default_of(item.key) if item.start is None else item.start
        if not item.low <= value <= item.high:
            what = "start" if item.start is not None else "its default"
            raise ConfigError(
                f"parameter {item.key}: {what} {value:g} lies outside {item.low:g} to {item.high:g}; "
                "give start or other bounds"
            )
        if item.scale == "log":
            return math.log(value / item.low) / math.log(item.high / item.low)
        return (value - item.low) / (item.high - item.low)


def default_of(key: str) -> Any:
    """Default of a parameter by its dotted key.

    Raises
    ------
    ConfigError
        If there is none, or it has no default.
    """
    table, _, rest = key.partition(".")
    config = load_config({})
    if table == "drug":
        kind, _, rest = rest.partition(".")
        node: Any = therapy_class(kind).params_class() if rest else None
    elif hasattr(config.process, table):
        node = getattr(config.process, table)
    else:
        node = getattr(config, table, None)
    for part in rest.split("."):
        node = getattr(node, part, None)
    if node is None:
        raise ConfigError(f"parameter {key} has no default; give start")
    return node


def _checked(item: ParameterRange) -> bool:
    """Whether a parameter is a whole number; its bounds are tried."""
    if not item.low < item.high:
        raise ConfigError(
            f"parameter {item.key}: low = {item.low:g} is not below high = {item.high:g}; exchange them"
        )
    if item.scale == "log" and item.low <= 0:
        raise ConfigError(
            f"parameter {item.key}: low = {item.low:g} has no logarithm; raise it or use a linear scale"
        )
    whole = isinstance(_default_or_start(item), int)
    for bound in (item.low, item.high):
        load_config({}, {item.key: round(bound) if whole else bound})
    return whole


def _default_or_start(item: ParameterRange) -> Any:
    load_config({}, {item.key: item.low})  # says what is wrong with a key
    try:
        value = default_of(item.key)
    except ConfigError:
        value = item.start
    if isinstance(value, bool) or (value is not None and not isinstance(value, (int, float))):
        raise ConfigError(f"parameter {item.key} = {value!r} is no number; choose another")
    return value


def read_overrides(path: str | Path) -> dict[str, Any]:
    """Read a configuration of parameters as dotted keys.

    Parameters
    ----------
    path : str or Path
        TOML, such as ``parameters.toml`` of a calibration.

    Returns
    -------
    dict of str to value

    Raises
    ------
    ConfigError
        If the file cannot be read, or holds what no configuration has.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(f"cannot read {path}: {why}; give a TOML file of parameters") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}; mend that line") from None
    found = flat_keys(data)
    load_config({}, found)
    return found


def flat_keys(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted keys of tables, however they are nested."""
    found: dict[str, Any] = {}
    for name, value in tables.items():
        key = f"{prefix}{name}"
        found |= flat_keys(value, f"{key}.") if isinstance(value, Mapping) else {key: value}
    return found


#: Parameters of a study file: ``"run.years" = 2`` and ``run.years = 2`` mean the same there.
Overrides = Annotated[dict[str, Any], AfterValidator(flat_keys)]
