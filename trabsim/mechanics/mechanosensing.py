"""Bone feels its load: voxel finite elements, and what each osteocyte makes of them.

Once a month the specimen is solved under its loads, held as forces.  An osteocyte compares the strain energy density
of the tissue around it with its own reference; the logarithm of the ratio is its stimulus.  The reference is the
local value where the cell was found at the start, is inherited from osteocytes nearby by those buried later, and
relaxes over years toward a mean of the common target and what the cell feels.  The stimulus reaches the surface as
a mean over osteocytes within about 100 um; what cells do about it stands with each of them.

References
----------
Schulte et al. 2013, PLoS ONE 8:e62172, doi:10.1371/journal.pone.0062172 (strain energy and local remodeling)
Klein-Nulend et al. 2013, Bone 54:182, doi:10.1016/j.bone.2012.10.013 (osteocytes as sensors)
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from trabsim.blocks import ordered_mean
from trabsim.clock import Clock
from trabsim.lookup import LookupTable
from trabsim.mechanics.boundary import VOIGT
from trabsim.mechanics.coarsening import halve_lattice, refine_field
from trabsim.mechanics.load_estimation import UNIT_STRESSES, estimate_loads
from trabsim.mechanics.loads import MechanicsParams, load_factor, program_on
from trabsim.mechanics.strains import effective_strain, on_lattice
from trabsim.mechanics.strength import failure_load
from trabsim.mechanics.warm_start import Displacements
from trabsim.process import Every, Process
from trabsim.state import FULL, State, Table
from trabsim.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from trabsim.mechanics.homogenization import UnitCases

log = logging.getLogger("trabsim")

#: Relative error of the steady solutions that spread signals.
TOLERANCE = 5e-5

#: Energy density below this share of the target counts as this share: its logarithm stays finite.
LEAST_ENERGY = 1e-3


#: Ratio of mean energy density to target, or its inverse, beyond which the usual loads are worth a warning.
FAR_FROM_TARGET = 2.0


@lru_cache(maxsize=4)
def logarithm_table(most: float) -> LookupTable:
    """Natural logarithm between ``exp(-most)`` and ``exp(most)``."""
    return LookupTable(np.log, float(np.exp(-most)), float(np.exp(most)), 1 << 16)


def stimulus(energy_MPa: Any, reference_MPa: Any, most: float, backend: Any) -> Any:
    """Logarithm of the ratio of felt to reference energy density, limited to +-`most`."""
    return logarithm_table(most)(backend, energy_MPa / reference_MPa)


def relaxed(reference_MPa: Any, felt: Any, target_MPa: float, share: float, params: MechanicsParams) -> Any:
    """Reference after some time.

    Parameters
    ----------
    reference_MPa : float64 array
    felt : float64 array
        Stimulus: logarithm of felt over reference.
    target_MPa : float
    share : float
        Time over the relaxation time.

    Returns
    -------
    float64 array
        Moved by `share` of the way, on a logarithmic scale, toward ``target**w * felt**(1 - w)``.
    """
    # ln(target / reference) by a rational form that is exact to third order near 1 and never exceeds 2: far from the
    # target a reference drifts no faster than from seven times or a seventh of it
    ratio = target_MPa / reference_MPa
    to_target = 2.0 * (ratio - 1.0) / (ratio + 1.0)
    step = share * (params.target_weight * to_target + (1.0 - params.target_weight) * felt)
    return reference_MPa * (1.0 + step + 0.5 * step * step)


class Mechanics(Process):
    """Solve the specimen under its loads; let osteocytes feel it."""

    name = "mechanics"
    reads = ("bone", "tissue", "formed_day", "osteocytes", "displacements", "levels", "counters")
    writes = ("strain_energy", "strain_signal", "osteocytes", "displacements", "levels", "counters")
    references = ("doi:10.1371/journal.pone.0062172", "doi:10.1016/j.bone.2012.10.013")

    def __init__(self, params: MechanicsParams, backend: Any, *, mineral: Callable[[Any, int], Any]):
        super().__init__(params, backend)
        self.every = Every(params.every_days)
        self.mineral = mineral

    def apply(self, state: State, clock: Clock) -> None:
        # it brings Numba along, which whoever only reads a configuration does not need
        from trabsim.mechanics.homogenization import unit_cases

        p = self.params
        modulus, fraction = self._material(state, clock)
        cases = unit_cases(
            modulus,
            state.voxel_size_um * p.coarsening,
            backend=self.backend,
            poisson=p.poisson_ratio,
            tolerance=p.tolerance,
            most_iterations=p.most_iterations,
            start=self._last_displacements(state, modulus.shape),
        )
        # all that can be refused comes first: a run that stops here leaves the state in which the day began
        share = self.backend.from_numpy(fraction.ravel()[cases.system.mesh.voxels].astype(np.float64))
        usual = self._loads(state, cases)
        today = self._programmed(usual, clock.day)
        acting = [load for load in today if load.any()]
        lost = sum(1 for load in acting if not cases.carries(load))
        first = "mechanics_day" not in state.counters
        # a path that is cut in a small piece is one of many in the bone around it, which goes on bearing that load;
        # where no load is borne any more, nothing is left to go on with: the run ends, below
        unknown = not first and state.levels.get("loads_never_carried", 0.0) < lost < len(acting)
        energy = None if unknown else self._energy(cases, today) / share
        if first:
            state.levels["loads_never_carried"] = float(lost)
            # what the first cells are used to is the usual loads, even where a program has begun by then
            usual_energy = self._energy(cases, usual) / share
            self._compare_with_target(usual_energy)
            self._map(state, cases, usual_energy)
            state.osteocytes.reference = self._felt(state).astype(self.backend.xp.float32)
        self._keep_displacements(state, cases)
        self._note_lost_loads(state, clock, lost)
        self._strength(state, cases)
        if energy is None:
            state.counters["mechanics_day"] = clock.day
            self._tell(state)
            return
        self._map(state, cases, energy)
        state.levels["tissue_energy_MPa"] = ordered_mean(self.backend.xp, energy * 1e3) / 1e3
        self._feel(state, clock)

    # --------------------------------------------------------------- elasticity
    def _material(self, state: State, clock: Clock) -> tuple[Any, Any]:
        """Modulus (MPa) and bone fraction of every element."""
        p, to_numpy = self.params, self.backend.to_numpy
        modulus, fraction = np.empty(state.shape, np.float32), np.empty(state.shape, np.float32)
        for z in range(state.shape[0]):  # plane by plane keeps memory low
            mineral = self.mineral(state.formed_day[z], clock.day) / p.reference_mineral_mg_per_cm3
            fraction[z] = to_numpy(state.bone[z] * state.tissue[z]) / np.float32(FULL)
            power = np.ones(state.shape[1:], np.float32)
            for _ in range(p.mineral_exponent):
                power *= to_numpy(mineral).astype(np.float32)
            modulus[z] = fraction[z] * power
        if p.coarsening == 2:
            modulus, fraction = halve_lattice(modulus), halve_lattice(fraction)
        modulus *= np.float32(p.tissue_modulus_MPa)
        modulus[fraction < p.least_fraction] = 0
        return modulus, fraction

    def _last_displacements(self, state: State, shape: tuple[int, ...]) -> Displacements | None:
        kept = state.displacements
        if len(kept) == 0:
            return None
        values = np.ascontiguousarray(self.backend.to_numpy(kept.values).reshape(-1, 6, 3).transpose(1, 0, 2))
        nz, ny, nx = shape
        return Displacements((nz + 1, ny + 1, nx + 1), self.backend.to_numpy(kept.id), values)

    def _keep_displacements(self, state: State, cases: UnitCases) -> None:
        kept = cases.state()
        flat = np.ascontiguousarray(kept.values.transpose(1, 0, 2)).reshape(-1, 18)
        state.tables["displacements"] = Table(
            id=self.backend.from_numpy(kept.nodes.astype(np.int64)),
            values=self.backend.from_numpy(flat.astype(np.float32)),
        )

    def _energy(self, cases: UnitCases, loads: np.ndarray) -> Any:
        """Energy density (MPa) of every element, summed over the loads that act one after another.

        A load that no connected bone carried from the beginning on is left out; without any other the run ends.
        """
        total: Any = 0.0
        acting = [load for load in loads if load.any()]
        for load in [load for load in acting if cases.carries(load)] or acting[:1]:
            total = total + cases.energy_density(load)
        return total

    def _note_lost_loads(self, state: State, clock: Clock, lost: int) -> None:
        before = state.levels.get("loads_not_carried", 0.0)
        if lost > before and "mechanics_day" in state.counters:
            log.warning(
                "day %d: no connected bone carries %d of the loads any more; osteocytes keep the stimulus they had",
                clock.day,
                lost,
            )
        elif lost > before:
            log.warning(
                "day %d: no connected bone carries %d of the loads; they are left out", clock.day, lost
            )
        state.levels["loads_not_carried"] = float(lost)

    def _map(self, state: State, cases: UnitCases, energy: Any) -> None:
        """Put the energy density of elements on the lattice."""
        field = on_lattice(cases.system.mesh, energy, self.backend)
        if self.params.coarsening == 2:
            field = refine_field(field, state.shape)
        state.arrays["strain_energy"][...] = field

    def _compare_with_target(self, energy: Any) -> None:
        """Say so where the usual loads strain the tissue far more or less than the target."""
        mean, target = ordered_mean(self.backend.xp, energy * 1e3) / 1e3, self.params.target_MPa
        if not target / FAR_FROM_TARGET <= mean <= target * FAR_FROM_TARGET:
            log.warning(
                "the usual loads strain the tissue to %.2g MPa on average, far from mechanics.target_MPa = %g, toward "
                "which references drift; multiply mechanics.stresses_MPa by %.2g, or change the target",
                mean,
                target,
                (target / mean) ** 0.5,
            )

    def _programmed(self, usual: np.ndarray, day: int) -> np.ndarray:
        """Loads (MPa) of a day."""
        entry = program_on(self.params.program, day)
        if entry is not None and entry.stresses_MPa is not None:
            usual = np.asarray(entry.stresses_MPa, np.float64)
        return usual * load_factor(self.params.program, day)

    def _loads(self, state: State, cases: UnitCases) -> np.ndarray:
        """Apparent stresses (MPa) of the usual loads; estimated ones are kept from the first day on."""
        p = self.params
        if p.stresses_MPa is not None:
            return np.asarray(p.stresses_MPa, np.float64)
        names = [[f"load_{i + 1}_{name}_MPa" for name in VOIGT] for i in range(len(UNIT_STRESSES))]
        if names[0][0] not in state.levels:
            spanned = dict(zip("zyx", cases.system.mesh.spanned))
            carried = [all(spanned[axis] for axis in name) for name in VOIGT]
            found = np.zeros((len(UNIT_STRESSES), 6))
            unit = UNIT_STRESSES[carried]
            if len(unit) == 0:
                unit = UNIT_STRESSES[2:3]  # asked for, so that the refusal says what is wrong
            estimate = estimate_loads(cases, p.target_MPa, unit)
            found[: len(unit)] = estimate.stresses_MPa
            for row, values in zip(names, found):
                state.levels.update({name: float(value) for name, value in zip(row, values)})
            state.levels["load_unevenness"] = estimate.unevenness
        return np.array([[state.levels[name] for name in row] for row in names])

    def _strength(self, state: State, cases: UnitCases) -> None:
        """Apparent stiffness along each axis, and the compressive load along z that the bone fails at."""
        mesh, h_mm = cases.system.mesh, cases.system.voxel_size_um / 1000.0
        for axis, name in enumerate("xyz"):
            spans = mesh.spanned["zyx".index(name)]
            strain = cases.strain_for(UNIT_STRESSES[axis])[axis] if spans else np.inf
            state.levels[f"stiffness_{name}_MPa"] = -1.0 / float(strain) + 0.0
        if mesh.spanned[0]:
            energy = cases.energy_density(UNIT_STRESSES[2])
            strain = self.backend.to_numpy(effective_strain(energy, mesh, self.backend))
            area_mm2 = mesh.shape[1] * mesh.shape[2] * h_mm * h_mm
            state.levels["failure_load_N"] = failure_load(strain, area_mm2)
        else:
            state.levels["failure_load_N"] = 0.0

    # --------------------------------------------------------------- osteocytes
    def _feel(self, state: State, clock: Clock) -> None:
        p, xp, cells = self.params, self.backend.xp, state.osteocytes
        felt, reference = self._felt(state), cells.reference.astype(xp.float64)
        new = reference <= 0
        if bool(new.any()):
            reference = xp.where(new, self._inherited(state, reference, felt), reference)
        x = stimulus(felt, reference, p.most_stimulus, self.backend)
        if "mechanics_day" in state.counters:
            days = clock.day - state.counters["mechanics_day"]
            share = days / (p.relaxation_years * DAYS_PER_YEAR)
            reference = xp.where(new, reference, relaxed(reference, x, p.target_MPa, share, p))
        cells.reference = reference.astype(xp.float32)
        cells.stimulus = (x * cells.alive).astype(xp.float32)
        state.counters["mechanics_day"] = clock.day
        self._tell(state)

    def _tell(self, state: State) -> None:
        """Spread what osteocytes feel to the surface."""
        xp, most, cells = self.backend.xp, self.params.most_stimulus, state.osteocytes
        signal = self._mean_nearby(state, cells.stimulus, cells.alive == 1)
        state.arrays["strain_signal"][...] = xp.clip(signal, -most, most)
        state.levels["mechanical_stimulus"] = ordered_mean(xp, cells.stimulus)

    def _felt(self, state: State) -> Any:
        """Energy density (MPa) around each osteocyte, float64, never so low that its logarithm explodes."""
        least = LEAST_ENERGY * self.params.target_MPa
        around = state.strain_energy.ravel()[state.osteocytes.voxel]
        return self.backend.xp.maximum(around.astype(self.backend.xp.float64), least)

    def _inherited(self, state: State, reference: Any, felt: Any) -> Any:
        """Reference (MPa) that living osteocytes nearby have; where there are none, what is felt."""
        known = (reference > 0) & (state.osteocytes.alive == 1)
        around = self._mean_nearby(state, reference / self.params.target_MPa, known)
        mean = around.ravel()[state.osteocytes.voxel].astype(self.backend.xp.float64) * self.params.target_MPa
        return self.backend.xp.where(mean > 0, mean, felt)

    def _mean_nearby(self, state: State, values: Any, takes_part: Any) -> Any:
        """Mean of a value over osteocytes, weighted by nearness in bone, 0 where there are none; float32."""
        xp = self.backend.xp
        domain = (2 * state.bone >= FULL) & (state.tissue == 1)
        length = self.params.reach_um / state.voxel_size_um
        spread = []
        voxel = state.osteocytes.voxel[takes_part]
        millionths = xp.floor(values[takes_part].astype(xp.float64) * 1e6 + 0.5).astype(xp.int64)
        for amount, scale in ((millionths, 1e-6), (xp.ones(voxel.shape[0], xp.int64), 1.0)):
            total = xp.zeros(state.shape, xp.int64)
            self.backend.scatter_add(total, voxel, amount)
            source = (total * scale).astype(xp.float32)
            field = source.copy()
            self.backend.solve_steady(source, domain.view(xp.uint8), length, field, TOLERANCE)
            spread.append(field)
        weighted, weight = spread
        enough = weight > 1e-6
        return xp.where(enough, weighted / xp.where(enough, weight, xp.float32(1)), xp.float32(0))
