"""Equilibrium under prescribed displacements: conjugate gradients, preconditioned by one multigrid cycle.

Displacements, residuals and sums are float64, the preconditioner is float32: it needs to be near, not exact.
Sums are taken in fixed parts and added exactly rounded, so the same input gives the same bits on any number of
threads. Motions that cost no energy (a part on rollers, a hinge of two voxels that share an edge) are no
obstacle: the loads do not excite them, and conjugate gradients leave them alone.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from trabsim.errors import MechanicsError
from trabsim.mechanics.element import check_poisson
from trabsim.mechanics.hierarchy import Level, build_levels
from trabsim.mechanics.mesh import Faces, Mesh, make_mesh
from trabsim.mechanics.multigrid import Cycle

log = logging.getLogger("trabsim")

MOST_ITERATIONS = 500


@dataclass(frozen=True)
class Solve:
    """How a solve went.

    Attributes
    ----------
    iterations : int
    residual : float
        Norm of the unbalanced forces over their norm when every free node is at rest.
    start_residual : float
        The same at the start; above 1 the start was worse than rest.
    seconds : float
        Wall clock time.
    """

    iterations: int
    residual: float
    start_residual: float
    seconds: float


class ElasticSystem:
    """A specimen held at faces of its lattice, ready to be solved for any displacement of these faces.

    Parameters
    ----------
    modulus_MPa : array, shape (z, y, x)
        Young's modulus of every voxel, zero without bone.
    voxel_size_um : float
    poisson : float
    faces : mapping
        Prescribed directions, see :data:`trabsim.mechanics.mesh.Faces`.
    backend : Backend
    spans : int, optional
        Axis (0 = z) between whose faces bone must reach.

    Attributes
    ----------
    mesh : Mesh
    levels : list of Level
    voxel_size_um, poisson : float

    Raises
    ------
    MechanicsError
        Material or specimen cannot be used; one line says why.
    """

    def __init__(
        self,
        modulus_MPa: Any,
        voxel_size_um: float,
        poisson: float,
        faces: Faces,
        backend: Any,
        spans: int | None = None,
    ) -> None:
        self.poisson = check_poisson(poisson)
        if not (math.isfinite(voxel_size_um) and voxel_size_um > 0):
            raise MechanicsError(f"the voxel size is {voxel_size_um} um: give a number above 0")
        self.voxel_size_um = float(voxel_size_um)
        self.backend = backend
        self.mesh: Mesh = make_mesh(modulus_MPa, faces, backend, spans)
        self.levels: list[Level] = build_levels(self.mesh, faces, poisson, backend)
        free = np.zeros_like(self.mesh.fixed)
        self._unmasked = backend.elastic.voxels(
            self.mesh.rows, self.mesh.modulus, self.mesh.layers, free, poisson
        )

    @property
    def newton(self) -> float:
        """Force in N of a solver unit: modulus times voxel squared."""
        return self.mesh.modulus_MPa * (self.voxel_size_um * 1e-3) ** 2

    def forces(self, u: Any) -> Any:
        """Nodal forces of a displacement field, shape (nodes, 3), in solver units (see :attr:`newton`)."""
        out = self.backend.xp.empty_like(u)
        self._unmasked(u, out)
        return out

    def inner(self, a: Any, b: Any) -> float:
        """Inner product of two node fields, the sum exactly rounded."""
        return math.fsum(self.backend.elastic.dot(a, b))

    def solve(self, u: Any, tolerance: float = 1e-6, most_iterations: int = MOST_ITERATIONS) -> Solve:
        """Bring the free nodes into equilibrium, in place.

        Parameters
        ----------
        u : float64 array of the backend, shape (nodes, 3)
            Displacements x, y, z in voxels. Prescribed directions hold what they are to be, the others a guess.
        tolerance : float
            Bound on :attr:`Solve.residual`, 1e-10 to 0.5.
        most_iterations : int

        Returns
        -------
        Solve

        Raises
        ------
        MechanicsError
            The tolerance is out of range, or was not reached; ``u`` then holds the last iterate.
        """
        if not 1e-10 <= tolerance <= 0.5:
            raise MechanicsError(f"the tolerance is {tolerance}: give a number from 1e-10 to 0.5")
        started = time.perf_counter()
        xp, loops, finest = self.backend.xp, self.backend.elastic, self.levels[0]
        assert finest.apply is not None
        p, q = xp.zeros(u.shape, np.float64), xp.empty(u.shape, np.float64)
        r = self._at_rest(u)
        finest.apply(r, q)
        whole = _norm(loops.dot(q, q))
        finest.apply(u, q)
        r[...] = 0
        r -= q
        left = _norm(loops.dot(r, r))
        whole = whole or left  # where nothing is prescribed but rest
        start = left / whole if whole else 0.0
        # between two applications of the operator the cycle may use the memory of q
        scratch = q.view(np.float32).reshape(2, *u.shape)
        cycle = Cycle(self.levels, self.backend, (scratch[0], scratch[1]))
        done, before = 0, 1.0
        while left > tolerance * whole:
            if done == most_iterations or not math.isfinite(left):
                raise MechanicsError(
                    f"no equilibrium after {done} iterations: the residual is {left / whole:.2e} and should be "
                    f"{tolerance:.1e}; allow more iterations, or a larger tolerance"
                )
            loops.narrow(1 / left, r, cycle.residual)
            z = cycle.run()
            now = math.fsum(loops.dot(r, z)) * left
            loops.turn(left, z, now / before if done else 0.0, p)
            before = now
            finest.apply(p, q)
            energy = math.fsum(loops.dot(p, q))
            if energy <= 0:  # only motions without energy are left: as good as numbers allow
                raise MechanicsError(
                    f"the residual stays at {left / whole:.2e} and should be {tolerance:.1e}; allow a larger "
                    "tolerance"
                )
            left = math.sqrt(math.fsum(loops.advance(now / energy, p, q, u, r)))
            done += 1
        self.backend.synchronize()
        seconds = time.perf_counter() - started
        residual = left / whole if whole else 0.0
        log.debug("equilibrium: %d iterations, residual %.2e, %.2f s", done, residual, seconds)
        return Solve(done, residual, start, seconds)

    def _at_rest(self, u: Any) -> Any:
        """The field with prescribed displacements and every free direction zero."""
        xp, fixed = self.backend.xp, self.levels[0].fixed
        held = xp.stack([(fixed >> np.uint8(c)) & np.uint8(1) for c in range(3)], axis=1)
        return u * held


def _norm(partial: Any) -> float:
    return math.sqrt(math.fsum(partial))
