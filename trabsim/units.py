"""The few constants that convert between units, and how a unit stands in a name."""

from __future__ import annotations

import re

DAYS_PER_YEAR = 365.25
UM_PER_MM = 1_000.0
UM2_PER_MM2 = 1e6
UM3_PER_MM3 = 1e9

#: Units that no name carries: pure numbers, counts, and what has a unit of its own in every row.
_UNSAID = ("", "1", "cells", "mixed")
_COUNTED = re.compile(r"1/(\d{2,}) (.+)")


def named_with_unit(name: str, unit: str) -> str:
    """Put a unit at the end of a name.

    Parameters
    ----------
    name : str
    unit : str
        As tables state it: ``MPa``, ``a.u.``, ``pg/mL``, ``1/100000 voxel``.

    Returns
    -------
    str
        ``strain_energy_MPa``, ``opg_au``, ``estradiol_local_pg_per_mL``, ``bone_100000th_voxel``; the name itself for
        a pure number or a count, and where it ends in the unit by itself.

    Examples
    --------
    >>> named_with_unit("strain_energy", "MPa"), named_with_unit("birth_day", "day")
    ('strain_energy_MPa', 'birth_day')
    """
    if unit in _UNSAID:
        return name
    parts, whole = counted(unit)
    word = whole.replace(".", "").replace("1/", "per_").replace("/", "_per_").replace(" ", "_")
    word = word if parts == 1 else f"{parts}th_{word}"
    return name if name.endswith((f"_{word}", f"_{word}s")) else f"{name}_{word}"


def counted(unit: str) -> tuple[int, str]:
    """How many of what is counted make one unit, and that unit: ``1/16 um2 day`` gives 16 and ``um2 day``."""
    match = _COUNTED.fullmatch(unit)
    return (int(match.group(1)), match.group(2)) if match else (1, unit)
