"""What an optimizer sees: residuals of rows at a point of the parameters, and their slopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trabsim.config import load_config
from trabsim.trials.arm_lives import ArmLives, Settings
from trabsim.trials.clinical import ClinicalRow
from trabsim.trials.execution import Outcomes
from trabsim.trials.outcomes import allowance, published_error
from trabsim.trials.parameter_space import ParameterSpace, Point
from trabsim.trials.scorecard import plan, values_of

Array = NDArray[np.float64]

#: Probability of Student's t below which a slope still counts as noise.
SEEN_PROBABILITY = 0.975

#: Change of the residuals below which a step shows nothing that would matter, however certain it is.
LEAST_CHANGE = 0.02

#: Largest step, as a share of the range.
LARGEST_STEP = 0.4

#: Residual of a row whose lives failed in a search: far from anything that is wanted.
FAILED_RESIDUAL = 20.0


@dataclass
class Evaluation:
    """What the runs at one point say.

    Attributes
    ----------
    at : float64 array
        On the scale from 0 to 1.
    parameters : dict of str to float
        Those that are fitted.
    simulated : float64 array, shape (rows, seeds)
        nan where a life failed.
    residuals : float64 array, shape (rows,)
    failures : tuple of str
    """

    at: Point
    parameters: dict[str, float]
    simulated: Array
    residuals: Array
    failures: tuple[str, ...] = ()

    @property
    def squares(self) -> float:
        """Sum of the squares of the residuals."""
        return float(self.residuals @ self.residuals)


class Objective:
    """Residuals at points; those of several points are run at once.

    Parameters
    ----------
    rows : sequence of ClinicalRow
    space : ParameterSpace
    settings : Settings
        Seeds, size and parameters that stay.
    run : callable
        Takes lives, gives `Outcomes`.
    """

    def __init__(
        self,
        rows: Sequence[ClinicalRow],
        space: ParameterSpace,
        settings: Settings,
        run: Callable[[list[Any]], Outcomes],
    ):
        self.rows, self.space, self.settings, self.run = tuple(rows), space, settings, run
        self.weights = np.array([1.0 / np.hypot(published_error(row), allowance(row)) for row in rows])
        self.published = np.array([row.value for row in rows])
        self.evaluations: list[Evaluation] = []

    def at(self, points: Sequence[Point]) -> list[Evaluation]:
        """Evaluate points."""
        plans = [self._plan(self.space.values(point)) for point in points]
        outcomes = self.run([life for lives in plans for life in lives.lives])
        found = [self._evaluation(point, lives, outcomes) for point, lives in zip(points, plans)]
        self.evaluations += found
        return found

    def _plan(self, parameters: Mapping[str, float]) -> ArmLives:
        s = self.settings
        changed = Settings(s.seeds, s.shape, s.voxel_size_um, {**s.overrides, **parameters})
        return plan(self.rows, changed, null_models=False)

    def _evaluation(self, point: Point, lives: ArmLives, outcomes: Outcomes) -> Evaluation:
        cortex = load_config({}, lives.settings.overrides).process.cortex
        simulated = np.full((len(self.rows), lives.settings.seeds), np.nan)
        for number, row in enumerate(self.rows):
            values = values_of(row, lives, outcomes.rows, cortex)
            if len(values) == lives.settings.seeds:  # else seeds would not be common to all points
                simulated[number] = values
        residuals = (simulated.mean(axis=1) - self.published) * self.weights
        ours = {life.key for life in lives.lives}
        reasons = tuple(sorted({reason for key, reason in outcomes.failures.items() if key in ours}))
        failed = np.isnan(residuals)
        if failed.any() and not reasons:
            reasons = tuple(f"row {row.id} has no value" for row, bad in zip(self.rows, failed) if bad)
        residuals = np.where(failed, FAILED_RESIDUAL, residuals)
        return Evaluation(np.array(point), self.space.values(point), simulated, residuals, reasons)

    def slopes(self, base: Evaluation, step: float) -> tuple[Array, Array, Array]:
        """Derivatives of the residuals, the steps that showed them, and how far they stand out of the noise.

        Parameters
        ----------
        base : Evaluation
        step : float
            First step; doubled for a parameter none of whose slopes stands out or matters.

        Returns
        -------
        slopes : float64 array, shape (rows, parameters)
        steps, largest_t : float64 array, shape (parameters,)
        """
        count = len(self.space)
        slopes = np.zeros((len(self.rows), count))
        steps, seen = np.full(count, step), np.full(count, np.nan)
        left, enough = list(range(count)), critical_t(self.settings.seeds)
        while left:
            signed = {k: steps[k] if base.at[k] + steps[k] <= 1.0 else -steps[k] for k in left}
            points = [base.at + np.eye(count)[k] * signed[k] for k in left]
            found = self.at([np.clip(point, 0.0, 1.0) for point in points])
            for k, evaluation in zip(left, found):
                moved = float(evaluation.at[k] - base.at[k])
                slopes[:, k] = (evaluation.residuals - base.residuals) / moved
                seen[k] = self._largest_t(evaluation, base)
            moved_most = np.abs(slopes * steps).max(axis=0)
            left = [
                k
                for k in left
                if (seen[k] < enough or moved_most[k] < LEAST_CHANGE) and 2.0 * steps[k] <= LARGEST_STEP
            ]
            for k in left:
                steps[k] *= 2.0
        return slopes, steps, seen

    def _largest_t(self, one: Evaluation, other: Evaluation) -> float:
        """Largest difference of two points over its error, by pairs of seeds; inf without noise, nan with one seed."""
        change = one.simulated - other.simulated
        seeds = change.shape[1]
        if seeds < 2 or np.isnan(change).all():
            return float("nan")
        mean, error = np.abs(change.mean(axis=1)), change.std(axis=1, ddof=1) / np.sqrt(seeds)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(mean > 1e-12, mean / error, 0.0)
        return float(np.nanmax(ratio))


def critical_t(seeds: int) -> float:
    """Student's t that a mean of so many seeds exceeds by chance once in twenty, either way; nan with one seed."""
    from scipy.special import stdtrit

    return float(stdtrit(seeds - 1, SEEN_PROBABILITY)) if seeds > 1 else float("nan")
