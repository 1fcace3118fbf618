"""The loads a specimen is adapted to, read from its architecture.

Bone that keeps its tissue equally strained tells by its shape what it carries. Unit loads, each applied alone,
are scaled so that the strain energy density they sum to is as even as can be at a target (Christen et al.
2012, doi:10.1007/s10237-011-0325-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import MechanicsError
from trabsim.mechanics.strains import Point

if TYPE_CHECKING:
    from trabsim.mechanics.homogenization import UnitCases

#: Three compressions and three shears of 1 MPa, in the order xx, yy, zz, yz, xz, xy.
UNIT_STRESSES = np.diag([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0])


@dataclass(frozen=True)
class LoadEstimate:
    """Loads found for a specimen.

    Attributes
    ----------
    stresses_MPa : float64 array, shape (loads, 6)
        Apparent stress of each load; a row of zeros where the load is not needed.
    scales : float64 array, shape (loads,)
        What multiplies the energy density of each unit load: the square of what multiplies its stress.
    mean_MPa : float
        Mean strain energy density of the tissue under all loads.
    unevenness : float
        Root mean square of energy density minus target, over the target.
    """

    stresses_MPa: NDArray[np.float64]
    scales: NDArray[np.float64]
    mean_MPa: float
    unevenness: float


def estimate_loads(
    cases: UnitCases, target_MPa: float, unit_stresses_MPa: Any = UNIT_STRESSES, point: Point = "center"
) -> LoadEstimate:
    """Scale unit loads so that the tissue's strain energy density is as even as can be.

    Parameters
    ----------
    cases : UnitCases
    target_MPa : float
        Strain energy density the tissue is to have.
    unit_stresses_MPa : array, shape (loads, 6)
        Apparent stress of each unit load, xx, yy, zz, yz, xz, xy.
    point : {"center", "average"}
        See :func:`trabsim.mechanics.strains.strain_energy_density`.

    Returns
    -------
    LoadEstimate

    Raises
    ------
    MechanicsError
        The target is not above zero, or a load has no direction.

    Notes
    -----
    Least squares with nonnegative scales, over all elements alike. Loads act one after another, not at once:
    energy densities add up, displacements do not.
    """
    from scipy.optimize import nnls

    if not (np.isfinite(target_MPa) and target_MPa > 0):
        raise MechanicsError(
            f"the target energy density is {target_MPa} MPa: give a number above 0, about 0.02"
        )
    loads = np.atleast_2d(np.asarray(unit_stresses_MPa, np.float64))
    backend = cases.system.backend
    fields = [backend.to_numpy(cases.energy_density(load, point)) for load in loads]
    n = fields[0].size
    gram = np.array([[_mean_product(a, b) for b in fields] for a in fields])
    means = np.array([_mean_product(a, np.ones_like(a)) for a in fields])
    # |A s - t|^2 = s'Gs - 2 t m's + t^2 has the same minimum as |R s - R^-T t m|^2 with G = R'R
    size = np.sqrt(np.diag(gram))
    scaled = gram / np.outer(size, size)
    root = np.linalg.cholesky(scaled + 1e-12 * np.eye(len(loads))).T
    wanted = np.linalg.solve(root.T, target_MPa * means / size)
    found, _residual = nnls(root, wanted)
    scales = found / size
    total = sum(scale * field for scale, field in zip(scales, fields))
    spread = float(np.sqrt(_mean_product(total - target_MPa, total - target_MPa))) / target_MPa
    return LoadEstimate(
        np.sqrt(scales)[:, None] * loads, scales, float(_mean_product(total, np.ones(n))), spread
    )


def _mean_product(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Mean of the product, summed in a fixed order."""
    return float(np.sum(a * b)) / a.size
