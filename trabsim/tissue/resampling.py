"""From the scan's voxels to the lattice's.

Coarsening averages volume: a lattice voxel's bone fraction is the share of its volume that bone voxels of
the scan fill, voxels cut by its faces counted by the part that lies inside.  Bone volume is conserved.
Refining interpolates the gray values linearly at the centers of the lattice voxels, before the threshold,
so that a surface does not inherit the scan's staircase.  The lattice starts at the first corner of the
region; at the far end of each axis less than one lattice voxel may be left over and is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import SpecimenError
from trabsim.tissue.gray_values import slabs, smoothed_planes
from trabsim.tissue.region import Box
from trabsim.tissue.segmentation import Rule

Lengths = tuple[float, float, float]

SAME_SIZE = 1e-6
"""Relative difference below which two lengths are the same length."""


@dataclass(frozen=True)
class LatticeFit:
    """How a lattice of cubic voxels lies in a region of a scan.

    Attributes
    ----------
    scan_shape : (z, y, x)
        Scan voxels of the region.
    scan_um : (z, y, x)
        Their size in um.
    lattice_um : float
        Edge of the lattice voxel in um.
    """

    scan_shape: tuple[int, int, int]
    scan_um: Lengths
    lattice_um: float

    @property
    def ratios(self) -> Lengths:
        """Edge of the lattice voxel in scan voxels; above 1 is averaged, below 1 interpolated."""
        z, y, x = (self.lattice_um / length for length in self.scan_um)
        return _snapped(z), _snapped(y), _snapped(x)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Whole lattice voxels that fit in, (z, y, x)."""
        z, y, x = (int(np.floor(n / r * (1.0 + SAME_SIZE))) for n, r in zip(self.scan_shape, self.ratios))
        return z, y, x

    @property
    def fine_ratios(self) -> Lengths:
        """Edge of a voxel of the grid on which bone is cleaned, in scan voxels: refined, not yet averaged."""
        z, y, x = (min(ratio, 1.0) for ratio in self.ratios)
        return z, y, x

    @property
    def fine_shape(self) -> tuple[int, int, int]:
        """Size of that grid, (z, y, x)."""
        z, y, x = (m if r < 1.0 else n for n, m, r in zip(self.scan_shape, self.shape, self.ratios))
        return z, y, x

    @property
    def fine_um(self) -> Lengths:
        """Voxel size of that grid in um, (z, y, x)."""
        z, y, x = (length * ratio for length, ratio in zip(self.scan_um, self.fine_ratios))
        return z, y, x

    @property
    def coarse_ratios(self) -> Lengths:
        """Edge of the lattice voxel in voxels of that grid, 1 or more."""
        z, y, x = (max(ratio, 1.0) for ratio in self.ratios)
        return z, y, x

    @property
    def cut_off_um(self) -> list[float]:
        """Length left over at the far end of each axis, (z, y, x)."""
        lengths = zip(self.scan_shape, self.scan_um, self.shape)
        return [max(0.0, n * um - m * self.lattice_um) for n, um, m in lengths]

    @property
    def words(self) -> str:
        """The same for people."""
        if set(self.ratios) == {1.0}:
            return "as scanned"
        factors = " x ".join(f"{ratio:.4g}" for ratio in self.ratios)
        if min(self.ratios) >= 1.0:
            return f"volume averaged over {factors} scan voxels (z, y, x)"
        how = "interpolated" if max(self.ratios) <= 1.0 else "interpolated and averaged"
        return f"{how}, {factors} scan voxels each (z, y, x)"


def _snapped(ratio: float) -> float:
    """A ratio that is a whole number but for rounding becomes that number."""
    whole = round(ratio)
    return float(whole) if whole and abs(ratio - whole) < SAME_SIZE * whole else ratio


def fit_lattice(scan_shape: tuple[int, int, int], scan_um: Lengths, lattice_um: float) -> LatticeFit:
    """Lay a lattice into a region of a scan.

    Raises
    ------
    SpecimenError
        If the lattice voxel is not a positive length, or fewer than two fit on some axis.
    """
    if not (np.isfinite(lattice_um) and lattice_um > 0):
        raise SpecimenError(f"lattice_voxel_size_um is {lattice_um}: give a positive length in um")
    fit = LatticeFit(scan_shape, scan_um, float(lattice_um))
    z, y, x = fit.shape
    if min(z, y, x) < 2:
        raise SpecimenError(
            f"a lattice voxel of {lattice_um:g} um is too large for this specimen: only {z} x {y} x {x} "
            "fit (z, y, x), choose a smaller lattice_voxel_size_um"
        )
    return fit


def averaging_matrix(count: int, ratio: float, lattice_count: int) -> Any:
    """Sparse matrix (lattice_count, count): overlaps, in scan voxels; a lattice voxel is ``ratio`` long."""
    from scipy.sparse import csr_array

    rows, columns, overlaps = [], [], []
    for row in range(lattice_count):
        low, high = row * ratio, min((row + 1) * ratio, float(count))
        for column in range(int(low), min(count, int(np.ceil(high)))):
            overlap = min(high, column + 1.0) - max(low, float(column))
            if overlap > SAME_SIZE:
                rows.append(row)
                columns.append(column)
                overlaps.append(overlap)
    return csr_array((overlaps, (rows, columns)), shape=(lattice_count, count), dtype=np.float64)


def averaged(
    values: NDArray[Any], ratios: tuple[float, float, float], shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Mean over each lattice voxel's volume.

    Parameters
    ----------
    values : ndarray, shape (z, y, x)
        Bone (True is 1), or gray values.
    ratios : (z, y, x)
        Edge of the lattice voxel in scan voxels, 1 or more.
    shape : (z, y, x)
        Size of the lattice.

    Returns
    -------
    ndarray of float32, shape ``shape``
        Accumulated in double precision.
    """
    along_z, along_y, along_x = (averaging_matrix(n, r, m) for n, r, m in zip(values.shape, ratios, shape))
    volume = ratios[0] * ratios[1] * ratios[2]
    result = np.empty(shape, dtype=np.float32)
    for plane in range(shape[0]):
        first, last = along_z.indptr[plane], along_z.indptr[plane + 1]
        total = np.zeros(values.shape[1:], dtype=np.float64)
        for column, weight in zip(along_z.indices[first:last], along_z.data[first:last]):
            total += weight * values[column]
        result[plane] = (along_x @ (along_y @ total).T).T / volume
    return result


def interpolation_matrix(count: int, ratio: float, lattice_count: int) -> Any:
    """Sparse matrix (lattice_count, count): linear interpolation at lattice centers, ends held constant."""
    from scipy.sparse import csr_array

    at = np.clip((np.arange(lattice_count) + 0.5) * ratio - 0.5, 0.0, count - 1.0)
    below = np.minimum(at.astype(np.int64), max(count - 2, 0))
    part = at - below
    rows = np.repeat(np.arange(lattice_count), 2)
    columns = np.stack([below, np.minimum(below + 1, count - 1)], axis=1).ravel()
    weights = np.stack([1.0 - part, part], axis=1).ravel()
    return csr_array((weights, (rows, columns)), shape=(lattice_count, count))


def refined_bone(values: NDArray[Any], rule: Rule, box: Box, fit: LatticeFit) -> NDArray[np.bool_]:
    """Interpolate the smoothed gray values of ``box`` on the fine grid of ``fit``, then apply the threshold.

    A mask is interpolated as 0 and 1, and bone is where the value exceeds one half.
    """
    matrices = [interpolation_matrix(*lengths) for lengths in zip(box.shape, fit.fine_ratios, fit.fine_shape)]
    along_z, along_y, along_x = matrices
    threshold = 0.5 if rule.method == "mask" else rule.gray_threshold
    bone = np.empty(fit.fine_shape, dtype=bool)
    for start, stop in slabs((fit.fine_shape[0], *box.shape[1:])):
        rows = along_z[start:stop]
        first, last = int(rows.indices.min()), int(rows.indices.max()) + 1
        planes = smoothed_planes(values, rule.gaussian, box, first, last)
        if rule.method == "mask":
            planes = planes != 0
        for row in range(start, stop):
            entries = slice(along_z.indptr[row], along_z.indptr[row + 1])
            between = np.zeros(box.shape[1:], dtype=np.float64)
            for column, weight in zip(along_z.indices[entries], along_z.data[entries]):
                between += weight * planes[column - first]
            bone[row] = threshold < (along_x @ (along_y @ between).T).T
    return bone


def nearest_tissue(tissue: NDArray[np.bool_], fit: LatticeFit) -> NDArray[np.bool_]:
    """Tissue on the fine grid of ``fit``: that of the scan voxel which holds the fine voxel's center."""
    z, y, x = (
        np.minimum(((np.arange(m) + 0.5) * ratio).astype(np.int64), n - 1)
        for n, ratio, m in zip(tissue.shape, fit.fine_ratios, fit.fine_shape)
    )
    return tissue[np.ix_(z, y, x)]
