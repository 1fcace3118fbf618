"""Everything a run remembers, in one table of names, units and meanings.

A checkpoint is this table written down; what is not in it is recomputed from it each day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trabsim.units import named_with_unit

#: Quanta in one full voxel.  Bone is counted in whole quanta so that sums do not depend on their order.
FULL = 100_000

#: Days that the history remembers, and what it holds for each: running totals, and the surface area of that day.
HISTORY_DAYS = 366
HISTORY = (
    "resorbed_quanta",
    "formed_quanta",
    "formation_started_um2",
    "sites_opened",
    "osteoblasts_born",
    "area_um2",
    "modeling_formed_quanta",
    "osteoblast_days",
    "mature_osteoblast_days",
)


class Phase:
    """What happens at a surface voxel."""

    QUIESCENT, RESORBING, REVERSAL, FORMING, ARRESTED = range(5)


class Variable(NamedTuple):
    """One line of the table."""

    name: str
    dims: str
    dtype: str
    unit: str
    meaning: str
    checkpointed: bool = True

    @property
    def name_in_files(self) -> str:
        """Its name in a checkpoint: unit at the end, and a slash between a table and its column."""
        return named_with_unit(self.name, self.unit).replace(".", "/")

    @property
    def bare_name_in_files(self) -> str:
        """Its name in checkpoints of schema 3, which had no units in names."""
        return self.name.replace(".", "/")


VARIABLES: tuple[Variable, ...] = (
    # per voxel
    Variable("bone", "voxel", "int32", "1/100000 voxel", "matrix in the voxel"),
    Variable("tissue", "voxel", "uint8", "1", "1 inside the region of interest, 0 outside"),
    Variable("formed_day", "voxel", "int32", "day", "volume-weighted day the matrix was laid down"),
    Variable(
        "matrix_factor",
        "voxel",
        "float32",
        "1",
        "growth factors stored in the matrix, 1 in healthy adult bone",
    ),
    # per surface voxel (zero elsewhere)
    Variable("phase", "voxel", "uint8", "1", "0 quiescent, 1 resorbing, 2 reversal, 3 forming, 4 arrested"),
    Variable("site", "voxel", "int32", "1", "remodeling site last active here, 0 for none"),
    Variable(
        "credit", "voxel", "int32", "1/100000 voxel", "resorbed matrix not yet paid back as osteoblasts"
    ),
    Variable(
        "erosion_depth_nm",
        "voxel",
        "int32",
        "nm",
        "depth of the voxel top below the surface before the site opened",
    ),
    Variable("contact_day", "voxel", "int32", "day", "last day an osteoclast or osteoblast was in contact"),
    Variable(
        "gathered", "voxel", "float32", "1", "progress of osteoprogenitors towards starting formation, 0-1"
    ),
    Variable(
        "activation_debt", "voxel", "float32", "1/mm2", "openings withheld while RANK occupancy was low"
    ),
    Variable("lining_reserve", "voxel", "float32", "1", "lining cells able to form bone directly, 0-1"),
    # drug in bone
    Variable(
        "surface_bp",
        "voxel",
        "int32",
        "1/16 um2 day",
        "bisphosphonate on the surface, as what an area takes up in a day at the reference dose",
    ),
    Variable("buried_bp", "voxel", "int32", "1/16 um2 day", "bisphosphonate buried in the matrix"),
    # fields
    Variable("rankl_contact", "voxel", "float32", "a.u.", "cell-bound RANKL within the reach of osteocytes"),
    Variable("rankl_soluble", "voxel", "float32", "a.u.", "soluble and matrix-held RANKL in marrow"),
    Variable("opg", "voxel", "float32", "a.u.", "osteoprotegerin in marrow"),
    Variable("sclerostin", "voxel", "float32", "a.u.", "sclerostin in bone and at its surface"),
    Variable("coupling", "voxel", "float32", "a.u.", "growth factors freed by resorption, in marrow"),
    Variable(
        "estradiol_local",
        "voxel",
        "float32",
        "pg/mL",
        "estradiol that marrow makes from 20 ng/dL testosterone",
    ),
    # what the bone feels
    Variable(
        "strain_energy", "voxel", "float32", "MPa", "strain energy density of the tissue under its loads"
    ),
    Variable(
        "strain_signal", "voxel", "float32", "1", "mean stimulus of the osteocytes nearby, 0 where as usual"
    ),
    Variable("microdamage", "voxel", "float32", "1", "fatigue damage; 1 draws remodeling"),
    # derived every day
    Variable("exposed", "voxel", "uint8", "1", "1 where a bone voxel touches marrow", checkpointed=False),
    Variable(
        "phi", "voxel", "float32", "1", "RANK occupancy at the surface, 1 in healthy bone", checkpointed=False
    ),
    Variable(
        "wnt", "voxel", "float32", "1", "Wnt signaling at the surface, 1 in healthy bone", checkpointed=False
    ),
    # per marrow block
    Variable("osteoclast_precursors", "block", "int64", "cells", "uncommitted precursors"),
    Variable(
        "osteoclast_committed", "block_stage", "int64", "cells", "committed precursors by day of maturation"
    ),
    Variable(
        "osteoclast_mature", "block", "int64", "cells", "mature precursors, able to become an osteoclast"
    ),
    Variable("osteomorphs", "block", "int64", "cells", "daughter cells of osteoclast fission"),
    Variable("osteoprogenitors", "block", "int64", "cells", "osteoprogenitors"),
    # what happened lately
    Variable(
        "history",
        "history",
        "int64",
        "mixed",
        "running totals on each of the last days (see tissue.bookkeeping)",
    ),
    # agents
    Variable("osteoclasts.id", "osteoclast", "int64", "1", "stable id"),
    Variable("osteoclasts.position_um", "osteoclast_zyx", "float64", "um", "center (z, y, x)"),
    Variable("osteoclasts.heading", "osteoclast_zyx", "float64", "1", "direction of the last move"),
    Variable("osteoclasts.nuclei", "osteoclast", "int32", "1", "nuclei, 3 to 20"),
    Variable("osteoclasts.life_used_days", "osteoclast", "float64", "day", "life used up"),
    Variable("osteoclasts.life_days", "osteoclast", "float64", "day", "life given at birth"),
    Variable("osteoclasts.site", "osteoclast", "int64", "1", "remodeling site"),
    Variable("osteoclasts.drug_load", "osteoclast", "int64", "1/16 um2 day", "bisphosphonate it engulfed"),
    Variable(
        "osteoclasts.activity", "osteoclast", "float64", "1", "share of its resorption that this leaves"
    ),
    Variable("osteoblasts.id", "osteoblast", "int64", "1", "stable id"),
    Variable("osteoblasts.voxel", "osteoblast", "int64", "1", "raveled voxel it fills"),
    Variable("osteoblasts.birth_day", "osteoblast", "int32", "day", "day it began to form"),
    Variable("osteoblasts.site", "osteoblast", "int64", "1", "remodeling site"),
    Variable("osteoblasts.owed", "osteoblast", "int64", "1/100000 voxel", "matrix made but not yet placed"),
    Variable(
        "osteoblasts.modeling",
        "osteoblast",
        "uint8",
        "1",
        "1 where it arose from a lining cell, not by credit",
    ),
    Variable("osteocytes.id", "osteocyte", "int64", "1", "stable id"),
    Variable("osteocytes.voxel", "osteocyte", "int64", "1", "raveled voxel"),
    Variable("osteocytes.birth_day", "osteocyte", "int32", "day", "day of embedding"),
    Variable(
        "osteocytes.reference", "osteocyte", "float32", "MPa", "strain energy it is used to, 0 for none yet"
    ),
    Variable(
        "osteocytes.stimulus", "osteocyte", "float32", "1", "logarithm of felt over usual strain energy"
    ),
    Variable("osteocytes.alive", "osteocyte", "uint8", "1", "1 alive, 0 an empty lacuna"),
    Variable("sites.id", "site", "int64", "1", "stable id"),
    Variable("sites.voxel", "site", "int64", "1", "raveled voxel where it opened"),
    Variable("sites.opened_day", "site", "int32", "day", "day of activation"),
    Variable("sites.recruits", "site", "int64", "1", "osteoclasts that joined so far"),
    Variable("labels.id", "label", "int64", "1", "raveled voxel in or beside the front of the first label"),
    Variable("labels.bone", "label", "int32", "1/100000 voxel", "matrix in it on that day"),
    Variable("labels.forming", "label", "uint8", "1", "1 where it formed on that day"),
    # where the next elastic solution starts
    Variable("displacements.id", "node", "int64", "1", "raveled node of the elastic lattice"),
    Variable(
        "displacements.values", "node_cases", "float32", "voxel", "displacements under six unit strains"
    ),
)


def trailing_shape(variable: Variable) -> tuple[int, ...]:
    """Shape of one row of an agent's column."""
    if variable.dims.endswith("_zyx"):
        return (3,)
    return (18,) if variable.dims.endswith("_cases") else ()


class Table:
    """Agents of one kind: a structure of arrays with stable 64-bit ids.

    Parameters
    ----------
    **columns : arrays
        Equal first dimension; one of them is ``id``.
    """

    def __init__(self, **columns: Any):
        self.columns = columns

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "columns" and name in self.__dict__.get("columns", {}):
            self.columns[name] = value
        else:
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return int(self.columns["id"].shape[0])

    def keep(self, mask: Any) -> None:
        """Drop the rows where `mask` is false."""
        self.columns = {name: column[mask] for name, column in self.columns.items()}

    def append(self, xp: Any, **rows: Any) -> None:
        """Add rows; every column must be given."""
        if set(rows) != set(self.columns):
            raise ValueError(f"columns differ: {sorted(set(rows) ^ set(self.columns))}")
        self.columns = {
            name: xp.concatenate([column, xp.asarray(rows[name]).astype(column.dtype)])
            for name, column in self.columns.items()
        }


@dataclass
class State:
    """State of one run; the arrays live on the backend's device.

    Attributes
    ----------
    shape : tuple of int
        Lattice (z, y, x).
    voxel_size_um : float
        Edge of a voxel.
    block_voxels : int
        Edge of a marrow block, voxels.
    counters : dict of str to int
        Ledgers and id counters; whole numbers.
    levels : dict of str to float
        Systemic levels and the reference values of the fields.
    surface : Surface or None
        Geometry of the bone surface today (derived).
    """

    shape: tuple[int, int, int]
    voxel_size_um: float
    block_voxels: int
    seed: int
    arrays: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    levels: dict[str, float] = field(default_factory=dict)
    surface: Any = None

    def __getattr__(self, name: str) -> Any:
        arrays = self.__dict__.get("arrays", {})
        if name in arrays:
            return arrays[name]
        tables = self.__dict__.get("tables", {})
        if name in tables:
            return tables[name]
        raise AttributeError(name)

    def count(self, name: str, amount: int) -> None:
        """Add to a ledger."""
        self.counters[name] = self.counters.get(name, 0) + int(amount)

    def new_ids(self, kind: str, n: int) -> int:
        """Reserve `n` ids of a kind; returns the first."""
        key = f"next_{kind}_id"
        first = self.counters.get(key, 1)
        self.counters[key] = first + int(n)
        return first

    @property
    def quantum_um3(self) -> float:
        """Volume of one quantum of bone."""
        return self.voxel_size_um**3 / FULL

    @property
    def blocks_shape(self) -> tuple[int, int, int]:
        """Marrow blocks along each axis."""
        z, y, x = (-(-n // self.block_voxels) for n in self.shape)
        return (z, y, x)


def empty_state(
    backend: Any, shape: tuple[int, int, int], voxel_size_um: float, block_voxels: int, seed: int
) -> State:
    """Allocate a state with every variable of the table present and zero."""
    xp = backend.xp
    state = State(shape=shape, voxel_size_um=voxel_size_um, block_voxels=block_voxels, seed=seed)
    blocks = state.blocks_shape
    sizes: dict[str, tuple[int, ...]] = {
        "voxel": shape,
        "block": (blocks[0] * blocks[1] * blocks[2],),
        "history": (HISTORY_DAYS, len(HISTORY)),
        "block_stage": (blocks[0] * blocks[1] * blocks[2], 0),
    }
    columns: dict[str, dict[str, Any]] = {}
    for variable in VARIABLES:
        if "." in variable.name:
            table, column = variable.name.split(".")
            size = (0, *trailing_shape(variable))
            columns.setdefault(table, {})[column] = xp.zeros(size, variable.dtype)
        else:
            state.arrays[variable.name] = xp.zeros(sizes[variable.dims], variable.dtype)
    state.tables = {name: Table(**cols) for name, cols in columns.items()}
    return state
