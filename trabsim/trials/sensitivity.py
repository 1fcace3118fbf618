"""Sensitivity: which parameters move an endpoint, and whether what is seen is more than the noise of seeds.

``one_at_a_time`` runs every parameter at its lower and its upper bound, the others where they start.  ``morris`` walks
random paths that change one parameter after the other (Morris 1991, doi:10.2307/1269043; Campolongo et al. 2007,
doi:10.1016/j.envsoft.2006.10.004) and gives the mean of the elementary effects (mu), of their sizes (mu*) and their
spread (sigma), all per unit of the range.  All points have the same seeds, so effects are differences of pairs, and
their t over seeds says whether they are real.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.config import load_config
from trabsim.errors import ConfigError, RunError
from trabsim.trials.arm_lives import ArmLives, Settings
from trabsim.trials.clinical import ClinicalRow
from trabsim.trials.execution import Cluster, Outcomes, run_lives
from trabsim.trials.objective import critical_t
from trabsim.trials.parameter_space import ParameterSpace, Point
from trabsim.trials.scorecard import plan, values_of
from trabsim.trials.sensitivity_params import EndpointParams, SensitivityParams, endpoint_rows

Array = NDArray[np.float64]

#: Mean size of elementary effects over that of noise alone from which on effects of both signs count as real.
ABOVE_NOISE = 2.0


@dataclass(frozen=True)
class Effect:
    """What one parameter does to one endpoint.

    Attributes
    ----------
    key, endpoint : str
    effect, error : float
        One at a time: from the lower to the upper bound.  Morris: mean elementary effect, per unit of the range.
    t : float
        Effect over error; inf where seeds agree.
    real : bool
        Whether it stands out of the noise: |t| above what chance gives once in twenty, or effects of both signs whose
        mean size is twice what noise gives.
    mu_star, sigma, noise : float
        Morris: mean size and spread of elementary effects, and the mean size that noise alone would give; else nan.
    """

    key: str
    endpoint: str
    effect: float
    error: float
    t: float
    real: bool
    mu_star: float = math.nan
    sigma: float = math.nan
    noise: float = math.nan


@dataclass(frozen=True)
class Replicates:
    """How many seeds an endpoint needs.

    Attributes
    ----------
    endpoint : str
    mean, spread : float
        Over seeds, where parameters start.
    wanted_error : float or None
    needed, safe : int or None
        Seeds for the wanted Monte-Carlo error if the spread is as seen, and if it is as large as it may well be
        (its upper 95 % bound).
    """

    endpoint: str
    mean: float
    spread: float
    wanted_error: float | None
    needed: int | None
    safe: int | None


@dataclass(frozen=True)
class Sensitivity:
    """A finished screening.

    Attributes
    ----------
    params : SensitivityParams
    effects : tuple of Effect
    replicates : tuple of Replicates
    points : float64 array, shape (points, parameters)
        On the scale from 0 to 1; the first is the start.
    values : float64 array, shape (points, endpoints, seeds)
    """

    params: SensitivityParams
    effects: tuple[Effect, ...]
    replicates: tuple[Replicates, ...]
    points: Array
    values: Array


def screen(
    params: SensitivityParams,
    folder: str | Path,
    cluster: Cluster | None = None,
    *,
    runner: Callable[..., Outcomes] = run_lives,
    progress: Callable[[int, int, int], None] | None = None,
) -> Sensitivity:
    """Screen parameters.

    Parameters
    ----------
    params : SensitivityParams
    folder : str or Path
        Where lives are kept; what is there is not run again.
    cluster : Cluster, optional
    runner : callable
        Stands in for `run_lives`.
    progress : callable, optional
        As of `run_lives`.

    Returns
    -------
    Sensitivity

    Raises
    ------
    ConfigError
        If parameters or endpoints cannot be used.
    RunError
        If a life fails: effects of the others would not be comparable.
    """
    rows, space, points = design(params)
    plans = plans_at(params, rows, space, points)
    outcomes = runner([life for lives in plans for life in lives.lives], folder, cluster, progress=progress)
    if outcomes.failures:
        reason = sorted(outcomes.failures.values())[0]
        raise RunError(
            f"{len(outcomes.failures)} runs failed, so effects cannot be compared: {reason}; take narrower bounds, "
            "and start it again"
        )
    values = np.array([_values(rows, lives, outcomes) for lives in plans])
    effects = []
    for e, endpoint in enumerate(params.endpoint):
        for k, key in enumerate(space.keys):
            found = (_morris if params.method == "morris" else _one_at_a_time)(points, values[:, e], k)
            effects.append(Effect(key, endpoint.name, **found))
    replicates = [_replicates(endpoint, values[0, e]) for e, endpoint in enumerate(params.endpoint)]
    return Sensitivity(params, tuple(effects), tuple(replicates), points, values)


def design(params: SensitivityParams) -> tuple[list[ClinicalRow], ParameterSpace, Array]:
    """Rows of the endpoints, parameters, and the points that are run: the start, then those of the method."""
    rows, space = endpoint_rows(params), ParameterSpace(params.parameter)
    count = len(space)
    if params.method == "one_at_a_time":
        points = [space.start]
        for k in range(count):
            for bound in (0.0, 1.0):
                points.append(np.where(np.arange(count) == k, bound, space.start))
        return rows, space, np.array(points)
    try:
        from SALib.sample import morris
    except ImportError:
        raise ConfigError(
            "method = 'morris' needs the package SALib: pip install \"trabsim[trials]\", "
            "or take method = 'one_at_a_time'"
        ) from None
    problem = {"num_vars": count, "names": space.keys, "bounds": [[0.0, 1.0]] * count}
    paths = morris.sample(problem, params.trajectories, num_levels=params.levels, seed=params.sample_seed)
    return rows, space, np.vstack([space.start, paths])


def plans_at(
    params: SensitivityParams, rows: Sequence[ClinicalRow], space: ParameterSpace, points: Array
) -> list[ArmLives]:
    """Lives of every point."""
    size = (params.shape,) * 3
    return [
        plan(
            rows,
            Settings(params.seeds, size, params.voxel_size_um, {**params.set, **space.values(point)}),
            null_models=False,
        )
        for point in points
    ]


def _values(rows: Sequence[ClinicalRow], lives: ArmLives, outcomes: Outcomes) -> list[list[float]]:
    cortex = load_config({}, lives.settings.overrides).process.cortex
    found = []
    for row in rows:
        values = values_of(row, lives, outcomes.rows, cortex)
        if len(values) < lives.settings.seeds:
            raise RunError(
                f"{row.quantity} of {row.site} is not a number in every run (seed by seed {len(values)} of "
                f"{lives.settings.seeds}); take larger specimens or another endpoint"
            )
        found.append(values)
    return found


def _one_at_a_time(points: Array, values: Array, k: int) -> dict[str, Any]:
    """Effect of parameter k, from its lower to its upper bound."""
    low, high = values[1 + 2 * k], values[2 + 2 * k]
    return _tested(high - low)


def _tested(by_seed: Array) -> dict[str, Any]:
    mean, seeds = float(by_seed.mean()), len(by_seed)
    error = float(by_seed.std(ddof=1) / math.sqrt(seeds))
    t = (
        mean / error
        if error > 1e-12 * max(abs(mean), 1e-300)
        else math.copysign(math.inf, mean)
        if mean
        else 0.0
    )
    return {"effect": mean, "error": error, "t": t, "real": abs(t) > critical_t(seeds)}


def _morris(points: Array, values: Array, k: int) -> dict[str, Any]:
    """Elementary effects of parameter k; rows of `points` after the first are paths of (parameters + 1)."""
    length = points.shape[1] + 1
    steps = []
    for begin in range(1, len(points), length):
        for i in range(begin, begin + length - 1):
            moved = points[i + 1, k] - points[i, k]
            if abs(moved) > 1e-9:
                steps.append((values[i + 1] - values[i]) / moved)
    by_step = np.array(steps)  # (paths, seeds)
    seeds = by_step.shape[1]
    means = by_step.mean(axis=1)
    errors = by_step.std(axis=1, ddof=1) / math.sqrt(seeds)
    noise = float(errors.mean() * math.sqrt(2.0 / math.pi))
    found = _tested(by_step.mean(axis=0))
    mu_star = float(np.abs(means).mean())
    found["real"] = found["real"] or mu_star > ABOVE_NOISE * noise > 0
    return {**found, "mu_star": mu_star, "sigma": float(means.std(ddof=1)), "noise": noise}


def _replicates(endpoint: EndpointParams, values: Point) -> Replicates:
    spread = float(values.std(ddof=1))
    if endpoint.wanted_error is None:
        return Replicates(endpoint.name, float(values.mean()), spread, None, None, None)
    needed, safe = replicates_needed(spread, len(values), endpoint.wanted_error)
    return Replicates(endpoint.name, float(values.mean()), spread, endpoint.wanted_error, needed, safe)


def replicates_needed(spread: float, seeds: int, wanted_error: float) -> tuple[int, int]:
    """Seeds for a Monte-Carlo error.

    Parameters
    ----------
    spread : float
        Standard deviation over seeds.
    seeds : int
        From how many it comes.
    wanted_error : float

    Returns
    -------
    needed, safe : int
        For the spread as seen, and for its upper 95 % bound (chi-square); at least 2.
    """
    from scipy.special import chdtri

    bound = float(chdtri(seeds - 1, 0.95))  # chi-square that is exceeded with probability 0.95
    ratio = (spread / wanted_error) ** 2
    return max(2, math.ceil(ratio)), max(2, math.ceil(ratio * (seeds - 1) / bound))
