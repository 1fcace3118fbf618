"""Uncertainty of fitted parameters: from the slopes of the residuals, their spread, and the noise of seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Directions whose slope is smaller than this share of the largest are taken for undetermined.
LEAST_SLOPE = 1e-3

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Uncertainty:
    """Of parameters on the scale from 0 to 1.

    Attributes
    ----------
    errors : float64 array, shape (parameters,)
        Standard errors; inf where the residuals do not determine a parameter: its slope is next to nothing, others
        take its place, or its error is larger than its whole range.
    correlation : float64 array, shape (parameters, parameters)
        nan where a parameter is not determined.
    inflation : float
        Factor on the errors because residuals spread more than they should; at least 1.
    """

    errors: Array
    correlation: Array
    inflation: float


def uncertainty(slopes: Array, residuals: Array, noise: Array) -> Uncertainty:
    """Standard errors and correlation of parameters.

    With J the slopes and S the covariance of the residuals, the covariance is (J'J)^-1 J' S J (J'J)^-1.  S is the
    identity (residuals are in units of what the published value is uncertain by) plus the covariance of their
    Monte-Carlo errors, all times chi-square per degree of freedom where that is above 1.

    Parameters
    ----------
    slopes : float64 array, shape (rows, parameters)
        Derivatives of the residuals.
    residuals : float64 array, shape (rows,)
    noise : float64 array, shape (rows, rows)
        Covariance of the Monte-Carlo errors of the residuals.

    Returns
    -------
    Uncertainty
    """
    rows, count = slopes.shape
    _, sizes, directions = np.linalg.svd(slopes, full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(count - len(sizes))])
    loose = sizes <= LEAST_SLOPE * max(sizes.max(initial=0.0), 1e-300)
    # a parameter is undetermined where a direction without slope has a share in it
    undetermined = (directions[loose] ** 2).sum(axis=0) > 1e-4
    inverse = np.linalg.pinv(slopes, rcond=LEAST_SLOPE)
    free = rows - int((~loose).sum())
    inflation = max(1.0, float(residuals @ residuals) / free) if free > 0 else 1.0
    covariance = inverse @ (inflation * np.eye(rows) + noise) @ inverse.T
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    undetermined |= errors > 1.0
    scale = np.where(errors > 0, errors, np.nan)
    correlation = covariance / np.outer(scale, scale)
    errors[undetermined] = np.inf
    correlation[undetermined, :] = np.nan
    correlation[:, undetermined] = np.nan
    return Uncertainty(errors, correlation, float(np.sqrt(inflation)))


def noise_of_means(by_seed: Array) -> Array:
    """Covariance of means over seeds.

    Parameters
    ----------
    by_seed : float64 array, shape (rows, seeds)

    Returns
    -------
    float64 array, shape (rows, rows)
        Zero with one seed, whose noise is not known.
    """
    rows, seeds = by_seed.shape
    if seeds < 2:
        return np.zeros((rows, rows))
    return np.atleast_2d(np.cov(by_seed)) / seeds
