"""Strain and strain energy density of elements from nodal displacements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from trabsim.backends.elastic import constants
from trabsim.backends.reference_elastic import stiffness, to_modes
from trabsim.errors import MechanicsError
from trabsim.mechanics.mesh import Mesh

Point = Literal["center", "average"]

_CHUNK = 65_536  # elements at a time


def _modes(mesh: Mesh, u: Any, backend: Any) -> Iterator[tuple[slice, Any]]:
    """Give the modes of all elements, some at a time: float64, shape (3, 8, elements)."""
    xp = backend.xp
    for first in range(0, len(mesh.rows), _CHUNK):
        part = slice(first, min(first + _CHUNK, len(mesh.rows)))
        rows = backend.from_numpy(mesh.rows[part])
        a = xp.empty((3, 8, rows.shape[0]), np.float64)
        for r in range(4):
            for x in range(2):
                a[:, 2 * r + x] = u[rows[:, r] + np.int32(x)].T
        to_modes(a)
        yield part, a


def center_strains(mesh: Mesh, u: Any, backend: Any) -> Any:
    """Strain at the center of every element.

    Parameters
    ----------
    mesh : Mesh
    u : array, shape (nodes, 3)
        Displacements x, y, z in voxels.
    backend : Backend

    Returns
    -------
    float64 array, shape (elements, 6)
        xx, yy, zz, yz, xz, xy; shear strains are engineering strains.
    """
    strain = backend.xp.empty((len(mesh.rows), 6), np.float64)
    for part, a in _modes(mesh, u, backend):
        for i, value in enumerate(_center(a)):
            strain[part, i] = value
    return strain


def _center(a: Any) -> tuple[Any, ...]:
    u, v, w = a[0], a[1], a[2]
    return (
        u[1] / 4, v[2] / 4, w[4] / 4,
        (v[4] + w[2]) / 4, (u[4] + w[1]) / 4, (u[2] + v[1]) / 4,
    )  # fmt: skip


def strain_energy_density(mesh: Mesh, u: Any, poisson: float, backend: Any, point: Point = "center") -> Any:
    """Strain energy density of every element.

    Parameters
    ----------
    mesh : Mesh
    u : array, shape (nodes, 3)
        Displacements x, y, z in voxels.
    poisson : float
    backend : Backend
    point : {"center", "average"}
        At the center of the element, which is one point and what most solvers report, or the energy of the
        element over its volume, which is never less: by 4 % in the mean of a trabecular specimen, by 15 % on
        thin struts, where bending within one element counts.

    Returns
    -------
    float64 array, shape (elements,)
        In MPa (N mm per mm3).

    Raises
    ------
    MechanicsError
        ``point`` is neither.
    """
    if point not in ("center", "average"):
        raise MechanicsError(f"strain energy at {point!r}: choose 'center' or 'average'")
    numbers = constants(poisson, np.float64)
    lam, mu = float(numbers[0]) * 16, float(numbers[2]) * 16
    energy = backend.xp.empty(len(mesh.rows), np.float64)
    for part, a in _modes(mesh, u, backend):
        modulus = backend.from_numpy(mesh.modulus[part].astype(np.float64) * mesh.modulus_MPa)
        if point == "center":
            x, y, z, yz, xz, xy = _center(a)
            volume = (x + y) + z
            normal, shear = (x * x + y * y) + z * z, (yz * yz + xz * xz) + xy * xy
            energy[part] = modulus * (0.5 * (lam * (volume * volume)) + mu * normal + 0.5 * (mu * shear))
        else:
            f = stiffness(a, modulus, numbers) * a
            total = f[0, 1]
            for c in range(3):
                for mode in range(1, 8):
                    if (c, mode) != (0, 1):
                        total = total + f[c, mode]
            energy[part] = 0.5 * total
    return energy


def effective_strain(energy_density_MPa: Any, mesh: Mesh, backend: Any) -> Any:
    """Strain that would give each element its energy in plain tension: ``sqrt(2 U / E)``.

    Parameters
    ----------
    energy_density_MPa : array, shape (elements,)
    mesh : Mesh
    backend : Backend

    Returns
    -------
    float64 array, shape (elements,)
    """
    modulus = backend.from_numpy(mesh.modulus.astype(np.float64) * mesh.modulus_MPa)
    return backend.xp.sqrt(2.0 * energy_density_MPa / modulus)


def on_lattice(mesh: Mesh, values: Any, backend: Any) -> Any:
    """Put values of elements into the lattice, zero where there is none.

    Parameters
    ----------
    mesh : Mesh
    values : array, shape (elements,)
    backend : Backend

    Returns
    -------
    float32 array, shape (z, y, x)
    """
    field = backend.xp.zeros(int(np.prod(mesh.shape)), np.float32)
    field[backend.from_numpy(mesh.voxels)] = values.astype(np.float32)
    return field.reshape(mesh.shape)
