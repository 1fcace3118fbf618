"""Compression between two plates: apparent stiffness, strain energy density, failure load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trabsim.errors import MechanicsError
from trabsim.mechanics.boundary import axis_number, compressed, plate_faces
from trabsim.mechanics.solver import MOST_ITERATIONS, ElasticSystem, Solve
from trabsim.mechanics.strains import Point, effective_strain, on_lattice, strain_energy_density
from trabsim.mechanics.strength import failure_load
from trabsim.mechanics.warm_start import Displacements, carry_over


def uniform_modulus(bone: Any, modulus_MPa: float) -> Any:
    """Give every voxel of a mask one modulus.

    Parameters
    ----------
    bone : bool array, shape (z, y, x)
    modulus_MPa : float

    Returns
    -------
    float32 array, shape (z, y, x)

    Raises
    ------
    MechanicsError
        The modulus is not above zero.
    """
    if not (np.isfinite(modulus_MPa) and modulus_MPa > 0):
        raise MechanicsError(f"the modulus is {modulus_MPa} MPa: give a number above 0, for bone about 10000")
    return np.where(np.asarray(bone) != 0, np.float32(modulus_MPa), np.float32(0))


@dataclass(frozen=True)
class Compression:
    """A specimen under compression.

    Attributes
    ----------
    system : ElasticSystem
    displacement : float64 array, shape (nodes, 3)
        x, y, z in voxels.
    solve : Solve
    axis : int
        0, 1, 2 for z, y, x.
    strain : float
        Shortening over length.
    force_N : float
        Force of a plate, positive in compression.
    """

    system: ElasticSystem
    displacement: Any
    solve: Solve
    axis: int
    strain: float
    force_N: float

    @property
    def area_mm2(self) -> float:
        """Cross section of the whole lattice, bone and marrow."""
        sides = [n for axis, n in enumerate(self.system.mesh.shape) if axis != self.axis]
        return sides[0] * sides[1] * (self.system.voxel_size_um * 1e-3) ** 2

    @property
    def apparent_modulus_MPa(self) -> float:
        """Force over cross section and strain."""
        return self.force_N / (self.area_mm2 * self.strain)

    def energy_density(self, point: Point = "center") -> Any:
        """Strain energy density in MPa, shape (elements,); see :func:`strain_energy_density`."""
        system = self.system
        return strain_energy_density(system.mesh, self.displacement, system.poisson, system.backend, point)

    def energy_density_map(self, point: Point = "center") -> Any:
        """Strain energy density in MPa, shape (z, y, x), zero outside bone."""
        return on_lattice(self.system.mesh, self.energy_density(point), self.system.backend)

    def effective_strain_map(self, point: Point = "center") -> Any:
        """Effective strain ``sqrt(2 U / E)``, shape (z, y, x), zero outside bone."""
        system = self.system
        strain = effective_strain(self.energy_density(point), system.mesh, system.backend)
        return on_lattice(system.mesh, strain, system.backend)

    def failure_load_N(self) -> float:
        """Force at which 2 % of the tissue exceeds an effective strain of 0.7 %, at element centers."""
        system = self.system
        strain = effective_strain(self.energy_density("center"), system.mesh, system.backend)
        return failure_load(system.backend.to_numpy(strain), self.force_N)

    def state(self) -> Displacements:
        """Displacements to start a later solve from."""
        system = self.system
        values = system.backend.to_numpy(self.displacement).astype(np.float32)[None]
        return Displacements(system.mesh.node_shape, system.mesh.nodes, values)


def compress(
    modulus_MPa: Any,
    voxel_size_um: float,
    *,
    backend: Any,
    poisson: float = 0.3,
    boundary: str = "bonded",
    axis: str = "z",
    strain: float = 0.01,
    tolerance: float = 1e-6,
    most_iterations: int = MOST_ITERATIONS,
    start: Displacements | None = None,
) -> Compression:
    """Compress a specimen between two plates.

    Parameters
    ----------
    modulus_MPa : array, shape (z, y, x)
        Young's modulus of every voxel, zero without bone; see :func:`uniform_modulus`.
    voxel_size_um : float
    backend : Backend
    poisson : float
    boundary : {"bonded", "frictionless", "confined"}
        See :func:`trabsim.mechanics.boundary.plate_faces`.
    axis : {"z", "y", "x"}
    strain : float
        Shortening over length, above 0; small strain theory, so results scale with it.
    tolerance : float
        Norm of the unbalanced forces over their norm when every free node is at rest.
    most_iterations : int
    start : Displacements, optional
        Of an earlier solve of the same lattice under the same strain.

    Returns
    -------
    Compression

    Raises
    ------
    MechanicsError
        Material, load or specimen cannot be used, or no convergence; one line says why.
    """
    along = axis_number(axis)
    if not (np.isfinite(strain) and strain > 0):
        raise MechanicsError(f"the strain is {strain}: give a number above 0, for example 0.01")
    faces = plate_faces(boundary, along)
    system = ElasticSystem(modulus_MPa, voxel_size_um, poisson, faces, backend, spans=along)
    system.mesh.warn_of_floating_parts()
    guess = compressed(system.mesh, along, strain)
    if start is not None:
        guess = carry_over(start, 0, system.mesh, guess)
    u = backend.from_numpy(guess)
    del guess
    solve = system.solve(u, tolerance, most_iterations)
    # twice the energy is force times shortening; unlike a sum of reactions it errs by the square of the residual
    energy = system.inner(u, system.forces(u))
    force = energy / (strain * system.mesh.shape[along]) * system.newton
    return Compression(system, u, solve, along, float(strain), float(force))
