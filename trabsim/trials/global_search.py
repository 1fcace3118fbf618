"""Search of a whole range of parameters by Optuna (Akiba et al. 2019, doi:10.1145/3292500.3330701)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from trabsim.errors import ConfigError

if TYPE_CHECKING:
    from trabsim.trials.calibration import CalibrationParams, Evaluation, Objective


def search(
    objective: Objective, params: CalibrationParams, first: Evaluation, told: Callable[[Evaluation], None]
) -> tuple[Evaluation, str]:
    """Try points that a sampler proposes, from the start on.

    Parameters
    ----------
    objective : Objective
    params : CalibrationParams
        Its method is ``tpe`` or ``cma-es``.
    first : Evaluation
        The start, which the sampler is told of.
    told : callable
        Called with every point.

    Returns
    -------
    best : Evaluation
    message : str

    Raises
    ------
    ConfigError
        If Optuna, or for CMA-ES the package cmaes, is not installed.
    """
    needed = ("optuna", "cmaes") if params.method == "cma-es" else ("optuna",)
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"method = '{params.method}' needs the package {missing[0]}: pip install \"trabsim[trials]\", "
            "or take method = 'least_squares'"
        )
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = params.search_seed
    sampler = (
        optuna.samplers.TPESampler(seed=seed)
        if params.method == "tpe"
        else optuna.samplers.CmaEsSampler(seed=seed)
    )
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({f"p{k}": float(u) for k, u in enumerate(first.at)})
    tried = []
    for number in range(params.search_points):
        trial = study.ask()
        at = np.array([trial.suggest_float(f"p{k}", 0.0, 1.0) for k in range(len(first.at))])
        evaluation = first if number == 0 else objective.at([at])[0]
        study.tell(trial, evaluation.squares)
        if number:
            told(evaluation)
        tried.append(evaluation)
    best = min(tried, key=lambda item: item.squares)
    return best, f"{params.method}: best of {len(tried)} points"
