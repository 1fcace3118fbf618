"""Sample a network on a lattice, mend what the box cuts off, and measure the bone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.tissue.specimen import Specimen
from trabsim.tissue.synthetic_calibration import (
    Form,
    Found,
    Measured,
    Target,
    first_guess,
    matrix_function,
    steady,
)
from trabsim.tissue.synthetic_grid import Floats, transform
from trabsim.tissue.synthetic_network import Network, build_network
from trabsim.tissue.synthetic_shape import NetworkParams

Gauge = Callable[[NDArray[np.bool_], float], tuple[float, float, Floats]]
"""Measures solid voxels of a size in um: Tb.Th in um, DA and fabric tensor (z, y, x)."""

SOLID = 0.5  # least bone fraction of a voxel that counts as bone in measures of structure
ROOM = 1.25  # a network is drawn for this much more than the box, so that it need not be drawn again


class Sampler:
    """Bone of one network on a lattice, and what it measures."""

    def __init__(self, seed: int, attempt: int, target: Target, params: NetworkParams, gauge: Gauge):
        self.seed, self.attempt, self.target, self.params, self.gauge = seed, attempt, target, params, gauge
        nominal = first_guess(target, params.plate_fraction)
        self.nominal = np.diag(matrix_function(nominal.stretch, np.exp)).copy()
        self.network: Network | None = None
        self.shape: tuple[int, int, int] = (0, 0, 0)
        self.voxel_um = 0.0
        self.evaluations = 0
        self.last: tuple[Form, NDArray[np.float32], dict[str, int]] | None = None
        self.known: tuple[Form, Measured | None] | None = None

    def use(self, shape: tuple[int, int, int], voxel_um: float) -> None:
        """Change the lattice."""
        if (shape, voxel_um) != (self.shape, self.voxel_um):
            self.shape, self.voxel_um, self.last, self.known = shape, voxel_um, None, None

    def bone(self, form: Form) -> tuple[NDArray[np.float32], dict[str, int]]:
        """Bone fractions, and how many voxels mending took away or filled."""
        from trabsim.tissue.synthetic_raster import bone_fraction

        if self.last is not None and self.last[0] is form:
            return self.last[1], self.last[2]
        half_um = np.array(self.shape) * self.voxel_um / 2.0
        matrix = form.matrix
        # the box, turned back into cells, and the reach of what stands beside it
        half = np.abs(np.linalg.inv(matrix)) @ (half_um + 2.0 * form.strut_um)
        if self.network is None or (half > self.network.half).any():
            self.network = build_network(self.seed, self.attempt, ROOM * half, self.nominal, self.params)
        network = self.network
        fraction = bone_fraction(
            self.shape,
            self.voxel_um,
            transform(network.points, matrix) + half_um,
            network.pieces,
            network.element,
            network.radius * form.strut_um,
            network.windows,
            network.window_radius * form.cell_um,
            self.params.blend_fraction * form.strut_um,
        )
        mended = mend(fraction)
        self.last = (form, fraction, mended)
        return fraction, mended

    def measure(self, form: Form) -> Measured | None:
        """Measure the bone of a form; None where there is none."""
        if self.known is None or self.known[0] is not form:
            self.evaluations += 1
            fraction, _ = self.bone(form)
            solid = fraction >= SOLID
            measured = None
            if solid.any():
                volume = float(fraction.sum(dtype=np.float64) / fraction.size)
                measured = Measured(volume, *self.gauge(solid, self.voxel_um))
            self.known = (form, measured)
        return self.known[1]

    def specimen(self, found: Found, adjusted: bool) -> Specimen:
        """Wrap the bone up with its report."""
        form, measured = found.form, found.measured
        fraction, mended = self.bone(form)
        report: dict[str, Any] = {
            "generator": "network of struts and perforated plates (Voronoi)",
            "seed": self.seed,
            "attempt": self.attempt,
            "wanted": asdict(self.target),
            "reached": {name: steady(getattr(measured, name)) for name in asdict(self.target)},
            "main_direction_off_z_degrees": round(measured.tilt_degrees, 2),
            "plate_fraction": self.params.plate_fraction,
            "cell_um": form.cell_um,
            "strut_um": form.strut_um,
            "stretch": matrix_function(form.stretch, np.exp).tolist(),
            "bones_tried": self.evaluations,
            "adjusted_for_voxel": adjusted,
            **mended,
        }
        return Specimen(fraction, None, self.voxel_um, f"synthetic, seed {self.seed}", report)


def mend(fraction: NDArray[np.float32]) -> dict[str, int]:
    """Keep one 6-connected bone without cavities, in place; gives the numbers of voxels changed.

    Islands are elements that the faces of the box cut off. Partial voxels stay only where they lean on the
    bone.
    """
    from scipy import ndimage

    solid = fraction >= SOLID
    labels, n = ndimage.label(solid)
    counts = np.bincount(labels.ravel(), minlength=2)
    islands = 0
    if n > 0:
        largest = 1 + int(np.argmax(counts[1:]))
        bone = labels == largest
        loose = solid & ~bone
        islands = int(np.count_nonzero(loose))
        open_to_bone = (fraction > 0) & ~ndimage.binary_dilation(loose, iterations=2)
        keep = ndimage.binary_dilation(bone, iterations=4, mask=open_to_bone | bone)
        fraction[~keep] = 0.0
    marrow, n = ndimage.label(fraction < SOLID)
    outer = np.zeros(n + 1, dtype=bool)
    for axis in range(3):
        for end in (0, -1):
            outer[np.unique(np.take(marrow, end, axis=axis))] = True
    outer[0] = True
    enclosed = ~outer[marrow]
    fraction[enclosed] = 1.0
    return {"island_voxels_removed": islands, "cavity_voxels_filled": int(np.count_nonzero(enclosed))}
