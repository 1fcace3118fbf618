"""Arrays of a checkpoint under names that carry their unit, in quantities a reader expects."""

from __future__ import annotations

import numpy as np

from trabsim.errors import RunError
from trabsim.state import FULL, VARIABLES
from trabsim.units import counted, named_with_unit
from trabsim.viz.read import Snapshot, suggest, variable_of

_UNITS = {variable.name: variable.unit for variable in VARIABLES}
#: What can be asked for besides the arrays of the file.
DERIVED = ("density", "mineral", "age")


def export_name(name: str) -> str:
    """Name of an array with the unit of `in_unit`: ``opg`` -> ``opg_au``, ``credit`` -> ``credit_voxel``."""
    return "bone_fraction" if name == "bone" else named_with_unit(name, counted(_UNITS.get(name, "1"))[1])


def in_unit(name: str, values: np.ndarray) -> np.ndarray:
    """Values of an array in the unit of its name: what is counted in quanta becomes float32."""
    quanta = FULL if name == "bone" else counted(_UNITS.get(name, "1"))[0]
    return values if quanta == 1 else (values / np.float32(quanta)).astype(np.float32)


def quantity(snapshot: Snapshot, name: str) -> tuple[str, np.ndarray]:
    """An array to export.

    Parameters
    ----------
    snapshot : Snapshot
    name : str
        An array of the file; or ``mineral`` (of the matrix), ``age`` (of the matrix), ``density`` (mineral per
        volume of voxel, as a scan would show it).

    Returns
    -------
    name : str
        With its unit.
    values : array, shape (z, y, x)
        Zero outside the region of interest for the derived ones.

    Raises
    ------
    RunError
        If there is no such array.
    """
    from trabsim.viz.coloring import matrix_values

    name, asked = variable_of(name), name
    if name in snapshot.names:
        return export_name(name), in_unit(name, snapshot.bone if name == "bone" else snapshot.array(name))
    if name not in DERIVED:
        raise RunError(
            f"{snapshot.path.name} holds no field '{asked}'; {suggest(asked, (*DERIVED, *snapshot.names))}"
        )
    values = matrix_values(snapshot, "age" if name == "age" else "mineral")
    if name == "density":
        bone = np.where(snapshot.tissue, snapshot.bone / np.float32(FULL), 0)
        return "density_mg_HA_per_cm3", (values * bone).astype(np.float32)
    unit = "years" if name == "age" else "mg_HA_per_cm3"
    return f"{name}_{unit}", np.where(snapshot.solid & snapshot.tissue, values, 0).astype(np.float32)
