"""Find the cell size, strut diameter and stretch of a network that give the structure wanted.

The network is drawn once; an affine map (cell size, stretch) and the strut diameter then change its measures
smoothly, so a few Newton steps with fixed slopes suffice. What is measured is the finished voxel bone, by
whatever definitions the caller measures with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_STEPS = 14
PATIENCE = 5  # steps without a better bone
# Slopes of the logarithms, measured on networks of 3.2 mm with BV/TV 0.03-0.28 and plate fractions of 0-0.4.
VOLUME_SLOPE = 1.7  # BV/TV rises with strut diameter, and falls with cell size, by this power
THICKNESS_SLOPE = (
    0.17  # Tb.Th over strut diameter falls with cell size over strut diameter: junctions weigh less
)
STRETCH_SLOPE = 0.74  # axes of the MIL ellipsoid follow those of the stretch by this power
SMALL_DA = 0.1  # below it there is no main direction, and deviations count as parts of
UNIT_OF_SMALL_DA = 0.4
LARGEST_STEP = 0.4  # length of a step in logarithms
CELL_OVER_STRUT = (2.5, 40.0)  # outside these the network is no longer one of struts and plates
LARGEST_STRETCH = 6.0  # longest over shortest axis
DIGITS = 7  # of a measure that steer: the rest may depend on the order in which a linear-algebra library adds


@dataclass(frozen=True)
class Target:
    """What a specimen shall have: bone volume fraction, mean thickness, degree of anisotropy."""

    BV_TV: float
    Tb_Th_um: float
    DA: float

    @property
    def log_ratio(self) -> float:
        """Logarithm of the longest over the shortest axis of the MIL ellipsoid."""
        return float(-0.5 * np.log1p(-self.DA))

    @property
    def log_axes(self) -> Floats:
        """Logarithm of the fabric tensor wanted, less its trace: z longest, y and x equal."""
        return deviator(np.diag([self.log_ratio, 0.0, 0.0]))

    def scale(self, name: str) -> float:
        """What a deviation of a quantity is counted in: the target, but `UNIT_OF_SMALL_DA` for a DA near 0."""
        return UNIT_OF_SMALL_DA if name == "DA" and self.DA < SMALL_DA else float(getattr(self, name))

    def errors(self, measured: Measured) -> dict[str, float]:
        """Relative deviation of each quantity."""
        names = ("BV_TV", "Tb_Th_um", "DA")
        return {name: (getattr(measured, name) - getattr(self, name)) / self.scale(name) for name in names}

    def worst(self, measured: Measured) -> float:
        """Largest relative deviation."""
        return max(abs(error) for error in self.errors(measured).values())


@dataclass(frozen=True)
class Measured:
    """What a specimen has, and the fabric tensor (z, y, x) from which its anisotropy comes."""

    BV_TV: float
    Tb_Th_um: float
    DA: float
    tensor: Floats

    @property
    def log_ratio(self) -> float:
        """Logarithm of the longest over the shortest axis of the MIL ellipsoid."""
        return float(-0.5 * np.log1p(-steady(self.DA)))

    @property
    def log_axes(self) -> Floats:
        """Logarithm of the fabric tensor, less its trace."""
        return deviator(matrix_function(np.vectorize(steady)(self.tensor), np.log))

    @property
    def tilt_degrees(self) -> float:
        """Angle between the main direction and z."""
        cosine = abs(np.linalg.eigh(self.tensor)[1][0, 2])
        return float(np.degrees(np.arccos(min(1.0, cosine))))


@dataclass(frozen=True)
class Form:
    """Cell size, strut diameter and stretch of a network.

    `stretch` is the logarithm of a symmetric matrix of determinant 1.
    """

    cell_um: float
    strut_um: float
    stretch: Floats

    @property
    def matrix(self) -> Floats:
        """Map from cells to um."""
        return self.cell_um * matrix_function(self.stretch, np.exp)

    @property
    def elongation(self) -> float:
        """Longest over shortest axis of the stretch."""
        values = np.linalg.eigvalsh(self.stretch)
        return float(np.exp(values[2] - values[0]))


@dataclass(frozen=True)
class Found:
    """A form, what it measures, whether that is what was wanted, and whether z is its main direction."""

    form: Form
    measured: Measured
    converged: bool
    upright: bool


def deviator(matrix: Floats) -> Floats:
    """Matrix less its trace."""
    return np.asarray(matrix - np.trace(matrix) / 3.0 * np.eye(3))


def matrix_function(matrix: Floats, function: Callable[[Floats], Floats]) -> Floats:
    """Function of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * function(values)) @ vectors.T)


def steady(value: float) -> float:
    """Round to the digits that steer."""
    return float(f"{value:.{DIGITS}g}")


def eased_target(target: Target, errors: dict[str, float], most: float) -> Target:
    """Targets moved towards what was measured, by at most this part of each."""
    moved = {
        name: float(getattr(target, name) + target.scale(name) * np.clip(error, -most, most))
        for name, error in errors.items()
    }
    return Target(**moved)


def first_guess(target: Target, plate_fraction: float) -> Form:
    """Form from fits to trial networks (see the slopes above)."""
    volume = 0.088 + 0.175 * plate_fraction  # BV/TV where cells are 8 strut diameters wide
    ratio = 8.0 * (volume / target.BV_TV) ** (1.0 / VOLUME_SLOPE)
    ratio = float(np.clip(ratio, *CELL_OVER_STRUT))
    strut_um = target.Tb_Th_um / ((1.28 + 0.4 * plate_fraction) * (8.0 / ratio) ** THICKNESS_SLOPE)
    own = np.log(1.09 + 1.05 * plate_fraction)  # plates stand upright: anisotropy without any stretch
    log_stretch = float(np.clip((target.log_ratio - own) / STRETCH_SLOPE, -0.7, 1.4))
    return Form(ratio * strut_um, strut_um, deviator(np.diag([log_stretch, 0.0, 0.0])))


def coordinates(first: float, second: float, matrix: Floats) -> Floats:
    """Two numbers and the upper half of a symmetric matrix as one vector."""
    return np.concatenate([[first, second], matrix[np.triu_indices(3)]])


def form_vector(form: Form) -> Floats:
    """Logarithms of strut diameter, cell size and stretch."""
    return coordinates(np.log(form.strut_um), np.log(form.cell_um), form.stretch)


def form_of(vector: Floats) -> Form:
    """Form of a vector."""
    matrix = np.zeros((3, 3))
    matrix[np.triu_indices(3)] = vector[2:]
    matrix = matrix + matrix.T - np.diag(np.diag(matrix))
    return bounded(Form(float(np.exp(vector[1])), float(np.exp(vector[0])), deviator(matrix)))


def missing(measured: Measured, target: Target, log_axes: Floats) -> Floats:
    """Logarithms of wanted over measured, in the order of :func:`form_vector`'s effects."""
    return coordinates(
        np.log(target.Tb_Th_um / steady(measured.Tb_Th_um)),
        np.log(target.BV_TV / steady(measured.BV_TV)),
        log_axes - measured.log_axes,
    )


def first_slopes() -> Floats:
    """Change of a form's vector per unit missing: Tb.Th ~ d^(1 + a) L^-a and BV/TV ~ (d / L)^b, inverted."""
    inverse = np.diag(np.full(8, 1.0 / STRETCH_SLOPE))
    a, b = THICKNESS_SLOPE, VOLUME_SLOPE
    inverse[:2, :2] = [[1.0, -a / b], [1.0, -(1.0 + a) / b]]
    return inverse


class Steps:
    """Newton steps whose slopes learn from what each step did (Broyden 1965, doi:10.2307/2003941)."""

    def __init__(self) -> None:
        self.inverse = first_slopes()
        self.last: tuple[Floats, Floats] | None = None

    def next(self, form: Form, measured: Measured, target: Target, log_axes: Floats) -> Form:
        """Form to try after one that measured this."""
        here, lack = form_vector(form), missing(measured, target, log_axes)
        if self.last is not None:
            moved, gained = here - self.last[0], self.last[1] - lack
            foreseen = self.inverse @ gained
            scale = float(moved @ foreseen)
            if scale > 0.1 * float(moved @ moved):
                self.inverse += np.outer(moved - foreseen, moved @ self.inverse) / scale
        self.last = (here, lack)
        step = self.inverse @ lack
        return form_of(here + step / max(1.0, float(np.sqrt(step @ step)) / LARGEST_STEP))


def bounded(form: Form) -> Form:
    """Keep a form where it still makes a network of struts and plates."""
    ratio = float(np.clip(form.cell_um / form.strut_um, *CELL_OVER_STRUT))
    limit = np.log(LARGEST_STRETCH)
    excess = np.log(form.elongation) / limit
    stretch = form.stretch / excess if excess > 1.0 else form.stretch
    return replace(form, cell_um=ratio * form.strut_um, stretch=stretch)


def calibrate(
    target: Target,
    form: Form,
    sample: Callable[[Form], Measured | None],
    tolerance: float,
    log_axes: Floats | None = None,
    most_tilt_degrees: float = 20.0,
    most_steps: int = MOST_STEPS,
) -> Found | None:
    """Change a form until its bone measures what is wanted.

    Parameters
    ----------
    target : Target
        What is wanted.
    form : Form
        Where to start.
    sample : callable
        Measures the bone of a form; None where there is none to measure.
    tolerance : float
        Largest relative deviation accepted.
    log_axes : (3, 3) array of float64, optional
        Logarithm of the fabric tensor to steer to.  By default that of the target: upright, y and x alike.
    most_tilt_degrees : float
        Largest angle accepted between main direction and z, unless DA is too small for one.
    most_steps : int
        Bones to try at most.

    Returns
    -------
    Found or None
        The first form within the tolerance, else the best one met; None if nothing could be measured.
    """
    best: Found | None = None
    least = np.inf
    steps = Steps()
    idle = 0
    for _ in range(most_steps):
        measured = sample(form)
        if measured is None or not np.isfinite([measured.BV_TV, measured.Tb_Th_um, measured.DA]).all():
            break
        worst = target.worst(measured)
        upright = target.DA < SMALL_DA or measured.tilt_degrees <= most_tilt_degrees
        converged = worst <= tolerance and upright
        score = worst + (0.0 if upright else 1.0)
        idle += 1
        if score < least:
            best, least, idle = Found(form, measured, converged, upright), score, 0
        if converged or idle == PATIENCE:
            break
        form = steps.next(form, measured, target, target.log_axes if log_axes is None else log_axes)
    return best
