"""Small pieces of bone that remodel in seconds, for tests of the cells.

What a test relies on it sets itself: `BUSY` makes every step of the remodeling cycle happen within two
months, so that no test hangs on a calibrated value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.backends import get_backend
from trabsim.config import Config, load_config
from trabsim.embedding import embed
from trabsim.simulation import Simulation
from trabsim.tissue.specimen import Specimen

#: Mechanics is off unless a test asks for it: most pieces do not reach from face to face, and carry nothing.
UNLOADED: dict[str, Any] = {"run.disable": ["mechanics"]}
LOADED: dict[str, Any] = {"run.disable": []}

#: Loaded, with tissue of one modulus (MPa) whatever its age, tight solutions, and references that stay.
E_MPA = 10_000.0
PLAIN: dict[str, Any] = LOADED | {
    "mechanics.mineral_exponent": 0,
    "mechanics.tissue_modulus_MPa": E_MPA,
    "mechanics.tolerance": 1e-6,
    "mechanics.target_MPa": 0.02,
    "mechanics.relaxation_years": 1e9,
    "mechanics.most_stimulus": 2.0,
}

#: Settings under which sites open, turn around, fill, are given up and are modeled within two months.
BUSY: dict[str, Any] = {
    "run.spin_up_days": 0,
    "activation.rate_per_mm2_per_year": 40.0,
    "activation.occupancy_exponent": 3.0,
    "activation.debt_release_days": 20.0,
    "osteoclasts.joining_days": 10,
    "osteoclasts.per_site": 60.0,
    "reversal.gathering_days": 10.0,
    "reversal.contact_memory_days": 2,
    "reversal.abandon_days": 20,
    "lining.cover_days": 10.0,
    "lining.modeling_wnt": 1.01,
    "lining.modeling_per_day": 0.05,
    "osteoblasts.life_half_days": 20.0,
    "osteoblasts.oldest_days": 40,
}


def centers(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Voxel centers, in voxels from the corner of the lattice; shape (3, z, y, x)."""
    return np.indices(shape) + 0.5


def specimen(
    fraction: NDArray[Any], voxel_size_um: float = 40.0, tissue: NDArray[np.bool_] | None = None
) -> Specimen:
    """Make a specimen of bone fractions, clipped to 0-1."""
    return Specimen(np.clip(fraction, 0.0, 1.0).astype(np.float32), tissue, voxel_size_um, "test")


def rods(n: int = 24, voxel_size_um: float = 40.0, period: int = 12, radius: float = 3.2) -> Specimen:
    """A lattice of rods along all axes, with smooth (partly filled) surface voxels."""
    z, y, x = centers((n, n, n)) % period - period / 2
    distance = np.minimum(np.minimum(np.hypot(z, y), np.hypot(z, x)), np.hypot(y, x))
    return specimen(radius - distance + 0.5, voxel_size_um)


def solid(n: int = 8, fraction: float = 1.0) -> Specimen:
    """A cube without marrow, every voxel as full as the others."""
    return specimen(np.full((n, n, n), fraction))


def slab(
    shape: tuple[int, int, int] = (24, 24, 24), voxel_size_um: float = 40.0, thick: float = 12.0
) -> Specimen:
    """Bone below `thick` voxels along z, marrow above: one flat surface."""
    return specimen(thick - centers(shape)[0] + 0.5, voxel_size_um)


def ball(n: int, radius: float, voxel_size_um: float = 40.0, hollow: bool = False) -> Specimen:
    """A ball of bone in marrow, or of marrow in bone; radius in voxels, center in the middle."""
    distance = np.sqrt(((centers((n, n, n)) - n / 2) ** 2).sum(axis=0))
    fraction = np.clip(radius - distance + 0.5, 0.0, 1.0)
    return specimen(1.0 - fraction if hollow else fraction, voxel_size_um)


def configure(settings: dict[str, Any] | None = None, **tables: dict[str, Any]) -> Config:
    """Make a configuration from the defaults, dotted settings, and whole tables; unloaded unless they say so."""
    return load_config({"run": {"spin_up_days": 0}, **tables}, UNLOADED | (settings or {}))


def begin(piece: Specimen, settings: dict[str, Any] | None = None, threads: int = 1) -> Simulation:
    """Start a simulation of a piece of bone, without files."""
    config = configure(settings)
    backend = get_backend("numpy", threads=threads)
    return Simulation.from_state(
        config, embed(piece, config, backend), -config.run.spin_up_days, backend=backend
    )


def named(sim: Simulation, name: str) -> Any:
    """The process of that name."""
    return next(process for process in sim.processes if process.name == name)


def wake(piece: Specimen, settings: dict[str, Any] | None = None) -> Simulation:
    """Start a simulation and let its first day find surface and signals, but do nothing yet."""
    sim = begin(piece, settings)
    for name in ("ovary", "surface", "fields", "signals"):
        named(sim, name).apply(sim.state, sim.clock)
    return sim


def hold_levels(sim: Simulation, **levels: float) -> Simulation:
    """Set systemic levels that nobody writes any more: drugs and hormones are read once and then left alone."""
    while sim.processes[0].name not in ("mechanics", "surface"):
        sim.processes.pop(0).apply(sim.state, sim.clock)
    sim.state.levels |= levels
    return sim


def add_osteoclasts(sim: Simulation, position_um: Any, nuclei: int = 8, site: int = 1) -> None:
    """Put osteoclasts at positions (z, y, x) in um, with a long life."""
    position = np.atleast_2d(np.asarray(position_um, np.float64))
    n, state = position.shape[0], sim.state
    first = state.new_ids("osteoclast", n)
    state.osteoclasts.append(
        np,
        id=np.arange(first, first + n),
        position_um=position,
        heading=np.zeros((n, 3)),
        nuclei=np.full(n, nuclei),
        life_used_days=np.zeros(n),
        life_days=np.full(n, 1e6),
        site=np.full(n, site),
        drug_load=np.zeros(n),
        activity=np.ones(n),
    )
    state.count("osteoclasts_born", n)


def add_osteoblasts(sim: Simulation, voxels: Any, birth_day: int = 0, site: int = 1) -> None:
    """Put one osteoblast on each of the raveled voxels."""
    voxels = np.atleast_1d(np.asarray(voxels, np.int64))
    n, state = voxels.shape[0], sim.state
    first = state.new_ids("osteoblast", n)
    state.osteoblasts.append(
        np,
        id=np.arange(first, first + n),
        voxel=voxels,
        birth_day=np.full(n, birth_day),
        site=np.full(n, site),
        owed=np.zeros(n),
        modeling=np.zeros(n),
    )
    state.count("osteoblasts_born", n)


def feel(sim: Simulation, day: int) -> None:
    """Solve a loaded piece on a day, and let its osteocytes feel it."""
    sim.clock.day = day
    named(sim, "mechanics").apply(sim.state, sim.clock)
