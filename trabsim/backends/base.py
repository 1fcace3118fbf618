"""What a backend is: an array module and the few primitives that plain array code does wrongly or slowly.

Everything else of the model is written once as array code on ``backend.xp``. A primitive is here because
plain array code would do it in undefined order (scatter), slowly (surface, steady fields) or not at all
(counter-based random numbers). :mod:`trabsim.backends.reference` says in plain NumPy what each one means;
every backend must give the same bits, whatever its thread count.

Arrays are ``(z, y, x)`` in C order.  Positions in a lattice are raveled C-order indices (int64).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from trabsim.backends.binomial import binomial_inversion
from trabsim.backends.elastic import ElasticLoops
from trabsim.backends.steady import Steady

Array = Any  # numpy.ndarray or cupy.ndarray, whichever the backend holds


class Backend(ABC):
    """Array module, transfers and primitives of one kind of device.

    Attributes
    ----------
    name : str
        ``"numpy"`` or ``"cupy"``.
    xp : module
        ``numpy`` or ``cupy``.
    threads : int
        CPU threads in use; 1 on a GPU, where the host only directs.
    """

    name: str
    xp: Any
    threads: int

    @property
    @abstractmethod
    def ndi(self) -> Any:
        """``scipy.ndimage`` or its CuPy twin, imported on first use."""

    @property
    @abstractmethod
    def elastic(self) -> ElasticLoops:
        """Loops of voxel elasticity."""

    @property
    @abstractmethod
    def device_name(self) -> str:
        """Name of the processor or graphics card."""

    @abstractmethod
    def to_numpy(self, array: Array) -> Any:
        """Give the array as a NumPy array; the NumPy backend hands back the same object, not a copy."""

    @abstractmethod
    def from_numpy(self, array: Any) -> Array:
        """Give a NumPy array (or anything like one) as an array of this backend."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until all work asked for is done (for honest timing)."""

    @abstractmethod
    def memory_available_bytes(self) -> int:
        """Memory that new arrays may still take, in bytes."""

    @abstractmethod
    def uniform(self, seed: int, stream: int, day: int, ids: Array, draw: int = 0) -> Array:
        """Draw one uniform number per id from the counter-based generator Philox4x32-10.

        The same arguments always give the same number, so neither storage order, thread count nor restart
        matters.

        Parameters
        ----------
        seed : int
            Seed of the run, taken modulo 2**64.
        stream : int
            Which decision draws (one number per kind of decision), 0 to 2**32 - 1.
        day : int
            Day of the simulation, 0 to 2**32 - 1.
        ids : int64 array, any shape
            Stable id of the cell or voxel.
        draw : int
            Which of several draws of one id on one day, 0 to 2**32 - 1.

        Returns
        -------
        float64 array, shape of ``ids``
            In [0, 1), multiples of 2**-53.

        Notes
        -----
        Counter = (id low word, id high word, day, draw); key = (seed low word, seed high word XOR
        (stream * 0x9E3779B9 mod 2**32)).  With the output words w0..w3 the number is
        ((w0 >> 5) * 2**26 + (w1 >> 6)) / 2**53.
        Salmon et al. 2011, doi:10.1145/2063384.2063405.
        """

    @abstractmethod
    def uniform2(self, seed: int, stream: int, day: int, ids: Array, draw: int = 0) -> tuple[Array, Array]:
        """Draw two independent uniform numbers per id from one generator call.

        Arguments as in :meth:`uniform`. The first array equals what :meth:`uniform` gives for the same
        arguments, the second comes from the words w2 and w3.
        """

    def binomial_inversion(self, u: Array, n: Array, p: Array) -> Array:
        """Draw binomial counts from uniform numbers.

        Parameters
        ----------
        u : float64 array
            Uniform numbers in [0, 1).
        n : int64 array, shape of ``u``
            Trials, at most about 500, so that ``(1 - p) ** n`` does not underflow.
        p : float64 array, shape of ``u``
            Probability, 0 to 0.5.

        Returns
        -------
        int64 array
            The least k whose cumulative probability exceeds ``u``.
        """
        return binomial_inversion(self.xp, u, n, p)

    @abstractmethod
    def scatter_add(self, target: Array, index: Array, values: Array | int) -> None:
        """Add integers into ``target.ravel()[index]`` in place; repeated indices add up.

        Integers only: their sum does not depend on the order in which it is taken.

        Parameters
        ----------
        target : int32 or int64 array, C contiguous
        index : int64 array
            Raveled positions.
        values : integer array of the shape of ``index``, or one integer
            Converted to the type of ``target``; sums wrap as the type does.

        Raises
        ------
        IndexError
            A position lies outside ``target``; nothing has been added then on the CPU.
        TypeError
            ``target`` or ``values`` are not integers, or ``target`` is not contiguous.
        """

    @abstractmethod
    def scatter_min(self, target: Array, index: Array, values: Array | int) -> None:
        """Lower ``target.ravel()[index]`` to ``values`` where these are smaller, in place.

        With ids as values this is how a contested voxel goes to the lowest id.  Arguments and errors as in
        :meth:`scatter_add`.
        """

    @abstractmethod
    def surface(
        self, bone: Array, full: int, tissue: Array | None = None, smoothing_voxels: float = 0.0
    ) -> tuple[Array, Array]:
        """Find the bone surface and the area that each of its voxels holds.

        A voxel is bone-side when ``2 * bone >= full``, else marrow. The surface is every bone-side voxel of
        the tissue with at least one of its 26 neighbors in lattice and tissue that is marrow: cut faces and
        mask edges are no surface.

        Parameters
        ----------
        bone : int32 array, shape (z, y, x)
            Matrix per voxel in quanta, 0 to ``full``.
        full : int
            Quanta of a full voxel.
        tissue : uint8 or bool array, shape (z, y, x), optional
            Zero marks voxels outside the region.  Default: all tissue.
        smoothing_voxels : float
            Standard deviation (voxels) of the smoothing of bone before its gradient is taken; at least
            ``sqrt(0.5)`` is always done, across the gradient only.

        Returns
        -------
        index : int64 array, shape (n,)
            Raveled positions, sorted.
        area : float64 array, shape (n,)
            In faces of a voxel: the gradient of the bone fraction, added up over everything near the surface
            and shared out among its voxels (see :mod:`trabsim.backends.area`). Both faces of thin bone count.
        """

    @abstractmethod
    def solve_steady(
        self, source: Array, domain: Array, length_voxels: float, field: Array, tolerance: float = 1e-4
    ) -> Steady:
        """Solve ``field - length**2 * laplacian(field) = source`` in a domain, no flux through its walls.

        This is ``k c - div(D grad c) = s`` with ``length = sqrt(D / k)`` and ``source = s / k``; the
        lattice faces are walls too. One source voxel of 1 in open space gives ``exp(-r / length) / (4 pi
        length**2 r)``, r in voxels; whatever the walls, the field sums to what the source sums to.

        Parameters
        ----------
        source : float32 array, shape (z, y, x)
            Ignored outside the domain.
        domain : bool or uint8 array, shape (z, y, x)
            Zero marks voxels without a field.
        length_voxels : float
            Decay length in voxels, above 0.
        field : float32 array, shape (z, y, x), C contiguous
            Guess on entry, solution on return: 0 outside the domain and not clipped inside.
        tolerance : float
            Largest relative error, 1e-6 to 0.5; see :class:`trabsim.backends.steady.Steady`.

        Returns
        -------
        Steady
            Iterations, bound on the error, least and greatest value.

        Raises
        ------
        ValueError
            Shapes differ, length or tolerance out of range, or a value of source or guess is not finite.
        TypeError
            ``field`` is not a C contiguous float32 array.
        """

    @abstractmethod
    def distance_transform(self, mask: Array) -> Array:
        """Give each voxel's Euclidean distance to the nearest voxel where ``mask`` is zero.

        Parameters
        ----------
        mask : bool or uint8 array, shape (z, y, x)

        Returns
        -------
        float32 array, shape (z, y, x)
            In voxels, between voxel centers; 0 where ``mask`` is zero, infinite everywhere if it is zero
            nowhere. The world outside the lattice does not count as zero.
        """

    @abstractmethod
    def components(self, mask: Array, connectivity: int = 6) -> tuple[Array, int]:
        """Label connected components.

        Parameters
        ----------
        mask : bool or uint8 array, shape (z, y, x)
        connectivity : {6, 26}

        Returns
        -------
        labels : int32 array, shape (z, y, x)
            0 where ``mask`` is zero; components count from 1 in the C order of their first voxel.
        n : int
            Number of components.
        """


def byte_mask(xp: Any, mask: Array) -> Array:
    """Give a mask of any type as contiguous bytes, zero where the mask is; no copy of bool or uint8."""
    mask = xp.ascontiguousarray(mask)
    return mask.view(np.uint8) if mask.dtype in (np.bool_, np.uint8) else (mask != 0).view(np.uint8)
