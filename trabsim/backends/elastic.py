"""Voxel elasticity: what its loops compute, and the numbers all of them share.

Every voxel with bone is one trilinear hexahedron with eight corners and full (2 x 2 x 2) integration. On a
lattice all of them have one 24 x 24 stiffness, scaled by their modulus. It is not stored but applied in the
modes of the element: sums and differences of corner values along x, y and z give, for each component, the
coefficients of 1, x, y, xy, z, xz, yz, xyz; in these the stiffness is nearly diagonal::

    normal      f(u_x)   = lam (u_x + v_y + w_z) + 2 mu u_x                    and so for v_y, w_z
    shear       f(u_y)   = f(v_x) = mu (u_y + v_x)                             and so for xz, yz
    bending     f(u_xy)  = lam (u_xy + w_yz) / 3 + mu u_xy                     and five more
    twisting    f(u_yz)  = mu (2 u_yz + v_xz + w_xy) / 3                       and two more
    corner      f(u_xyz) = (lam + 4 mu) u_xyz / 9                              and two more

all times modulus / 16. Displacements are in voxels, moduli relative to any unit, forces in that unit times
voxel squared.

Three kinds of operator serve three kinds of level. Voxels: the finest. Octants: cells of 2 x 2 x 2 voxels with
the eight moduli kept, applied by going from the modes of the cell to those of each octant, so nothing is
assembled. Blocks: rows of 3 x 3 blocks, for the coarser levels, which are small.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
Apply = Callable[[Array, Array], None]

SUM_LENGTH = 1024  # numbers per partial sum


def constants(poisson: float, dtype: Any) -> NDArray[Any]:
    """Give lam, 2 mu, mu, lam / 3, mu / 3 and (lam + 4 mu) / 9 for modulus 1, all over 16; then 0 and 1/2.

    Parameters
    ----------
    poisson : float
        Poisson's ratio.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray, shape (8,)
    """
    lam = poisson / ((1 + poisson) * (1 - 2 * poisson))
    mu = 0.5 / (1 + poisson)
    numbers = np.array([lam, 2 * mu, mu, lam / 3, mu / 3, (lam + 4 * mu) / 9])
    return np.concatenate([numbers / 16, [0.0, 0.5]]).astype(dtype)


def _interpolation_weights() -> NDArray[np.float32]:
    """Weights of the eight corners of a cell at its 27 places (9 z + 3 y + x; 0, 1, 2 along each axis)."""
    weights = np.ones((27, 8), np.float32)
    for place, corner, axis in np.ndindex(27, 8, 3):
        share = np.float32((place // 3 ** (2 - axis) % 3) / 2)
        weights[place, corner] *= share if corner >> (2 - axis) & 1 else 1 - share
    return weights


WEIGHTS = _interpolation_weights()
HALVED = np.array([1, 0.5, 0.25, 0.125], np.float32)  # weights in a transfer to a coarser level


class ElasticLoops(ABC):
    """Loops of the elastic solver on one kind of device.

    Node values have shape (nodes, 3), components x, y, z. ``fixed`` holds a byte per node: bit 0, 1, 2 set
    means that x, y, z is prescribed. Corners of elements count 4 z + 2 y + x. ``layers[z]`` is the first
    element with that z; in the operators that take it, nodes too are numbered plane by plane along z.
    Setup arrays come as NumPy arrays, node values as arrays of the device.
    """

    @abstractmethod
    def voxels(self, rows: Any, modulus: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """Make the operator of the finest level; it takes float32 or float64 values.

        Parameters
        ----------
        rows : int32 array, shape (elements, 4)
            Node at the lower x end of the four edges along x, in the order 2 z + y; the other end is one more.
        modulus : float32 array, shape (elements,)
        layers : int64 array, shape (layers + 1,)
        fixed : uint8 array, shape (nodes,)
        poisson : float

        Returns
        -------
        callable(u, out)
            Writes the forces of ``u`` into ``out``, zero in fixed directions. A node adds up its elements of
            even z first, then those of odd z, each in their order.
        """

    @abstractmethod
    def octants(self, corners: Any, moduli: Any, layers: Any, fixed: Any, poisson: float) -> Apply:
        """Make the operator of the first coarse level, for float32 values.

        Parameters
        ----------
        corners : int32 array, shape (elements, 8)
        moduli : float32 array, shape (elements, 8)
            Of the octants, 0 where there is no bone.
        layers : int64 array, shape (layers + 1,)
        fixed : uint8 array, shape (nodes,)
        poisson : float

        Returns
        -------
        callable(u, out)
        """

    @abstractmethod
    def blocks(self, start: Any, neighbor: Any, blocks: Any) -> Apply:
        """Make the operator of a coarser level, for float32 values.

        Parameters
        ----------
        start : int64 array, shape (nodes + 1,)
        neighbor : int32 array, shape (entries,)
        blocks : float32 array, shape (entries, 9)

        Returns
        -------
        callable(u, out)
        """

    @abstractmethod
    def smooth_first(self, inverse: Array, r: Array, b: float, d: Array, x: Array, add: bool) -> None:
        """Begin smoothing: ``d = b inverse r``, then ``x = d`` or, with ``add``, ``x += d``; all float32.

        ``inverse`` holds xx, xy, xz, yy, yz, zz of the inverted diagonal blocks.
        """

    @abstractmethod
    def smooth_next(self, inverse: Array, r: Array, q: Array, a: float, b: float, d: Array, x: Array) -> None:
        """Go on smoothing: ``r -= q``, ``d = a d + b inverse r``, ``x += d``; all float32."""

    @abstractmethod
    def subtract(self, r: Array, q: Array) -> None:
        """``r -= q``, both float32."""

    @abstractmethod
    def prolong(
        self, parent: Array, place: Array, corners: Array, fixed: Array, coarse: Array, d: Array, x: Array
    ) -> None:
        """Interpolate coarse values into ``d``, zero in fixed directions, and add them to ``x``.

        ``parent`` is each node's coarse element, ``place`` where it lies in it.
        """

    @abstractmethod
    def restrict(self, start: Array, child: Array, halvings: Array, r: Array, coarse: Array) -> None:
        """Do what transposes :meth:`prolong`: sum the children of each coarse node, weight 2**-halvings."""

    @abstractmethod
    def dot(self, a: Array, b: Array) -> NDArray[np.float64]:
        """Give the inner product, ``a`` float64, ``b`` float32 or float64, in parts of SUM_LENGTH numbers.

        Each part is summed from left to right; the parts come as a NumPy array.
        """

    @abstractmethod
    def advance(self, alpha: float, p: Array, q: Array, x: Array, r: Array) -> NDArray[np.float64]:
        """``x += alpha p``, ``r -= alpha q``, all float64; gives the inner product of ``r`` with itself, as
        :meth:`dot` does."""

    @abstractmethod
    def turn(self, scale: float, z: Array, beta: float, p: Array) -> None:
        """``p = scale z + beta p``, ``z`` float32, the others float64."""

    @abstractmethod
    def narrow(self, scale: float, r: Array, out: Array) -> None:
        """``out = scale r`` as float32."""
