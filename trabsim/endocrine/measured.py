"""Levels that a user measured: pairs of day and value that replace what the body would make by itself."""

from __future__ import annotations

from itertools import pairwise

#: Pairs of day after entry and value.
Table = tuple[tuple[float, float], ...]


def require_in_order(name: str, table: Table | None, unit: str) -> None:
    """Refuse a table that cannot be read.

    Parameters
    ----------
    name : str
        Key of the configuration, for the message.
    table : tuple of (float, float) or None
        Pairs [day after entry, value]; None is allowed.
    unit : str
        Unit of the values, for the message.

    Raises
    ------
    ValueError
        Without pairs, where days do not rise, or for a negative value.
    """
    if table is None:
        return
    days = [day for day, _ in table]
    if len(days) < 1 or any(b <= a for a, b in pairwise(days)):
        raise ValueError(f"{name} needs pairs [day, {unit}] with rising days; sort them")
    if any(value < 0 for _, value in table):
        raise ValueError(f"{name} holds a negative concentration; correct it")


def measured(day: float, table: Table) -> float:
    """Value on a day: linear between pairs, the first value before them and the last one after them.

    Examples
    --------
    >>> measured(50, ((0, 100.0), (100, 20.0)))
    60.0
    """
    if day <= table[0][0]:
        return table[0][1]
    for (d0, v0), (d1, v1) in pairwise(table):
        if day <= d1:
            return v0 + (v1 - v0) * (day - d0) / (d1 - d0)
    return table[-1][1]
