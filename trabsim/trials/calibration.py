"""Calibration: parameters within bounds whose runs come nearest to the published values of single drugs.

The residual of a row is (simulated - published) / sqrt(SE_published^2 + d^2), d being what the model is not held to.
By default SciPy's `least_squares` (Gauss-Newton steps in a trust region within the bounds; Branch, Coleman and Li
1999, doi:10.1137/S1064827595289108) walks on common random numbers: every evaluation has the same seeds, so that what
two of them differ by is mostly the parameters.  Slopes come from steps of a stated size, a tenth of the range unless
told otherwise; where a slope does not stand out of the noise of seeds, the step is doubled.  For a search of the whole
range Optuna proposes points (`tpe` or `cma-es`), and the best may be polished by least squares.

Lives that were run before are read from the folder, so a calibration that was stopped goes on by being started again,
and a parameter that some arms do not feel makes none of them run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trabsim.errors import ConfigError, RunError
from trabsim.trials.arm_lives import Settings
from trabsim.trials.clinical import ClinicalRow
from trabsim.trials.clinical_table import ClinicalTable
from trabsim.trials.execution import Cluster, Outcomes, run_lives
from trabsim.trials.fit_statistics import Uncertainty, noise_of_means, uncertainty
from trabsim.trials.objective import LARGEST_STEP, Evaluation, Objective
from trabsim.trials.parameter_space import Overrides, ParameterRange, ParameterSpace, Point
from trabsim.trials.study_file import StudyTable, entry

Array = NDArray[np.float64]

#: Relative change of the sum of squares, and share of the range, below which nothing is gained by going on.
ENOUGH_SQUARES, ENOUGH_STEP = 1e-2, 5e-3

#: Relative difference of the sum of squares that decides nothing.
AS_GOOD = 1e-3


class CalibrationParams(StudyTable):
    """A calibration: what is fitted to what, and how."""

    table: str | None = entry(None, "clinical table")
    only: str | None = entry(None, "rows that give this drug")
    rows: tuple[str, ...] = entry((), "these rows alone, by id")
    leave_out: tuple[str, ...] = entry((), "rows that are not fitted, by id")
    report_excluded: bool = entry(False, "report combinations, sequences and stops instead of refusing them")
    seeds: int = entry(4, "seeds of specimen and cells", ge=1)
    shape: int = entry(40, "voxels along an edge", ge=16)
    voxel_size_um: float = entry(40.0, "voxel size", gt=0)
    set: Overrides = entry({}, "other parameters that differ from the defaults")
    method: Literal["least_squares", "tpe", "cma-es"] = entry("least_squares", "how parameters are searched")
    step: float = entry(
        0.1,
        "first step of slopes, as a share of the range",
        gt=0,
        le=LARGEST_STEP,
    )
    most_evaluations: int = entry(12, "points that least squares tries, slopes not counted", ge=1)
    search_points: int = entry(60, "points that Optuna proposes", ge=2)
    search_seed: int = entry(1, "seed of the proposals", ge=0)
    polish: bool = entry(True, "least squares from the best point of a search")
    parameter: tuple[ParameterRange, ...] = entry((), "what is fitted")


@dataclass(frozen=True)
class Calibration:
    """A finished calibration.

    Attributes
    ----------
    params : CalibrationParams
    table : ClinicalTable
    space : ParameterSpace
    rows : tuple of ClinicalRow
        Fitted.
    first, best : Evaluation
        At the start and at the end.
    slopes : float64 array, shape (rows, parameters)
        Of the residuals, at the end.
    steps : float64 array, shape (parameters,)
        With which the slopes were found.
    largest_t : float64 array, shape (parameters,)
        Largest slope of each parameter over its Monte-Carlo error; nan with one seed.
    uncertainty : Uncertainty
    reported : Evaluation or None
        Of excluded rows, at the end.
    reported_rows : tuple of ClinicalRow
    message : str
        Why it ended.
    evaluations : tuple of Evaluation
        All points, in order.
    """

    params: CalibrationParams
    table: ClinicalTable
    space: ParameterSpace
    rows: tuple[ClinicalRow, ...]
    first: Evaluation
    best: Evaluation
    slopes: Array
    steps: Array
    largest_t: Array
    uncertainty: Uncertainty
    reported: Evaluation | None
    reported_rows: tuple[ClinicalRow, ...]
    message: str
    evaluations: tuple[Evaluation, ...] = field(repr=False, default=())


def target_rows(
    table: ClinicalTable, params: CalibrationParams
) -> tuple[tuple[ClinicalRow, ...], tuple[ClinicalRow, ...]]:
    """Rows that are fitted, and excluded ones that are reported.

    Raises
    ------
    ConfigError
        If a row may not be fitted, or none is left.
    """
    known = [row.id for row in table.rows]
    for name in params.leave_out:
        if name not in known:
            raise ConfigError(f"leave_out names {name}, which is no row to fit; take it out of the list")
    rows = [row for row in table.rows if row.id not in params.leave_out]
    excluded = tuple(row for row in rows if row.excluded is not None)
    if excluded and not params.report_excluded:
        named = ", ".join(f"{row.id} ({row.excluded})" for row in excluded[:5])
        more = f" and {len(excluded) - 5} more" if len(excluded) > 5 else ""
        raise ConfigError(
            f"nothing is fitted to combinations, sequences and stops: {named}{more}; leave these rows out, or set "
            "report_excluded = true to see them beside the fit"
        )
    fitted = tuple(row for row in rows if row.excluded is None)
    if not fitted:
        raise ConfigError(f"no row of {table.name} is left to fit; choose other rows")
    return fitted, excluded


def calibrate(
    params: CalibrationParams,
    table: ClinicalTable,
    folder: str | Path,
    cluster: Cluster | None = None,
    *,
    runner: Callable[..., Outcomes] = run_lives,
    progress: Callable[[int, int, int], None] | None = None,
    watch: Callable[[Evaluation], None] | None = None,
) -> Calibration:
    """Fit parameters to a table.

    Parameters
    ----------
    params : CalibrationParams
    table : ClinicalTable
        Rows of it that may not be fitted are refused or reported; see `target_rows`.
    folder : str or Path
        Where lives are kept.
    cluster : Cluster, optional
    runner : callable
        Stands in for `run_lives`.
    progress : callable, optional
        As of `run_lives`.
    watch : callable, optional
        Called with every point that is not part of a slope.

    Returns
    -------
    Calibration

    Raises
    ------
    ConfigError
        If parameters or rows cannot be used.
    RunError
        If lives fail where the calibration starts.
    """
    space = ParameterSpace(params.parameter)
    clash = sorted(set(space.keys) & set(params.set))
    if clash:
        raise ConfigError(f"{clash[0]} stands under [set] and is fitted, too; leave one out")
    rows, excluded = target_rows(table, params)
    settings = Settings(params.seeds, (params.shape,) * 3, params.voxel_size_um, dict(params.set))

    def run(lives: list[Any]) -> Outcomes:
        return runner(lives, folder, cluster, progress=progress)

    objective = Objective(rows, space, settings, run)
    told = watch or (lambda evaluation: None)
    first = objective.at([space.start])[0]
    told(first)
    if first.failures:
        raise RunError(f"the calibration cannot start: {first.failures[0]}; mend that, and start it again")
    best, message = first, ""
    if params.method != "least_squares":
        from trabsim.trials.global_search import search

        best, message = search(objective, params, first, told)
    if params.method == "least_squares" or params.polish:
        best, more = _least_squares(objective, params, best, told)
        message = f"{message}; {more}" if message else more
    slopes, steps, seen = objective.slopes(best, params.step)
    noise = noise_of_means(np.nan_to_num(best.simulated)) * np.outer(objective.weights, objective.weights)
    reported = None
    if excluded:
        reported = Objective(excluded, space, settings, run).at([best.at])[0]
    return Calibration(
        params,
        table,
        space,
        rows,
        first,
        best,
        slopes,
        steps,
        seen,
        uncertainty(slopes, best.residuals, noise),
        reported,
        excluded,
        message,
        tuple(objective.evaluations),
    )


def _least_squares(
    objective: Objective, params: CalibrationParams, begin: Evaluation, told: Callable[[Evaluation], None]
) -> tuple[Evaluation, str]:
    from scipy.optimize import least_squares

    if not objective.slopes(begin, params.step)[0].any():
        return begin, "least squares: no row feels any of these parameters"
    met = {begin.at.tobytes(): begin}

    def evaluation(at: Point) -> Evaluation:
        at = np.clip(at, 0.0, 1.0)
        if at.tobytes() not in met:
            met[at.tobytes()] = objective.at([at])[0]
            told(met[at.tobytes()])
        return met[at.tobytes()]

    found = least_squares(
        lambda at: evaluation(at).residuals,
        # SciPy wants a start within the bounds
        np.clip(begin.at, 1e-6, 1.0 - 1e-6),
        jac=lambda at: objective.slopes(evaluation(at), params.step)[0],
        bounds=(0.0, 1.0),
        method="trf",
        ftol=ENOUGH_SQUARES,
        xtol=ENOUGH_STEP,
        gtol=None,
        max_nfev=params.most_evaluations,
    )
    least = min(item.squares for item in met.values())
    # of points that are as good the first: a parameter that does nothing stays where it was
    best = next(item for item in met.values() if item.squares <= least * (1.0 + AS_GOOD))
    words = {
        0: "the most evaluations were made",
        2: "squares settled",
        3: "parameters settled",
        4: "both settled",
    }
    return best, f"least squares: {words.get(found.status, found.message)}"
