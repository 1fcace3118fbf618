"""What a calibration leaves: parameters as a configuration, and everything else as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import trabsim
from trabsim.durable import replace_file
from trabsim.provenance import now, plain, software
from trabsim.trials.calibration import Calibration
from trabsim.trials.life_files import make_folder
from trabsim.trials.objective import Evaluation
from trabsim.trials.scorecard import parameters_sha256
from trabsim.trials.scorecard_text import CITATION, NOTICE

PARAMETERS, LOG = "parameters.toml", "calibration.json"


def write_calibration(found: Calibration, folder: str | Path) -> tuple[Path, Path]:
    """Write both files.

    Parameters
    ----------
    found : Calibration
    folder : str or Path

    Returns
    -------
    parameters, log : Path

    Raises
    ------
    RunError
        If they cannot be written.
    """
    folder = Path(folder)
    make_folder(folder)
    replace_file(folder / PARAMETERS, as_toml(found))
    replace_file(folder / LOG, json.dumps(plain(as_dict(found)), indent=2, ensure_ascii=False) + "\n")
    return folder / PARAMETERS, folder / LOG


def errors_of(found: Calibration) -> dict[str, float]:
    """Standard errors by key, in the unit of each parameter; inf where it is not determined."""
    return found.space.spread(found.best.at, found.uncertainty.errors)


def as_toml(found: Calibration) -> str:
    """Parameters as a configuration that others may extend, uncertainty in comments."""
    p, errors = found.params, errors_of(found)
    lines = [
        f"# Fitted with trabsim {trabsim.__version__}: {len(found.rows)} rows of {found.table.name} (sha256 "
        f"{found.table.sha256[:12]}), seeds 1-{p.seeds},",
        f"# {p.shape}^3 voxels of {p.voxel_size_um:g} um; parameters sha256 {_hash(found)}.",
        f"# Sum of squares {found.first.squares:.3g} at the start, {found.best.squares:.3g} here; {found.message}.",
        f"# Cite {CITATION}. {NOTICE}",
        "# Errors are standard errors; an undetermined parameter stays where the search left it.",
        "",
    ]
    tables: dict[str, list[str]] = {}
    for item in found.space.ranges:
        table, _, name = item.key.rpartition(".")
        value, error = found.best.parameters[item.key], errors[item.key]
        said = f"standard error {error:.3g}" if math.isfinite(error) else "not determined by these rows"
        near = [bound for bound in (item.low, item.high) if math.isclose(value, bound, rel_tol=1e-3)]
        bound = f", at its bound {near[0]:g}" if near else ""
        tables.setdefault(table, []).append(
            f"{name} = {value!r}  # {said}{bound}; {item.low:g} to {item.high:g}"
        )
    for key, value in sorted(p.set.items()):
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {json.dumps(value)}  # as given, not fitted")
    for table, content in tables.items():
        lines += [f"[{table}]", *content, ""]
    return "\n".join(lines)


def _hash(found: Calibration) -> str:
    return parameters_sha256({**found.params.set, **found.best.parameters})


def as_dict(found: Calibration) -> dict[str, Any]:
    """Everything: parameters with errors and correlation, residuals, slopes, and every point that was tried."""
    errors = errors_of(found)
    return {
        "software": software(),
        "written": now(),
        "notice": NOTICE,
        "cite": CITATION,
        "calibration": found.params.model_dump(mode="json"),
        "table": {"name": found.table.name, "sha256": found.table.sha256},
        "parameters_sha256": _hash(found),
        "message": found.message,
        "squares": {"start": found.first.squares, "end": found.best.squares, "rows": len(found.rows)},
        "parameters": {
            item.key: {
                "value": found.best.parameters[item.key],
                "standard_error": errors[item.key],
                "determined": math.isfinite(errors[item.key]),
                "start": found.first.parameters[item.key],
                "low": item.low,
                "high": item.high,
                "scale": item.scale,
                "slope_step": found.steps[k],
                "largest_slope_t": found.largest_t[k],
            }
            for k, item in enumerate(found.space.ranges)
        },
        "error_inflation": found.uncertainty.inflation,
        "correlation": {"keys": found.space.keys, "matrix": found.uncertainty.correlation},
        "slopes": {row.id: found.slopes[n] for n, row in enumerate(found.rows)},
        "rows": residual_rows(found),
        "reported": _rows(found.reported_rows, found.reported) if found.reported is not None else [],
        "evaluations": [
            {"parameters": e.parameters, "squares": e.squares, "failures": list(e.failures)}
            for e in found.evaluations
        ],
    }


def residual_rows(found: Calibration) -> list[dict[str, Any]]:
    """Published and simulated value and residual of each fitted row, at the start and at the end."""
    rows = _rows(found.rows, found.best)
    for row, before in zip(rows, _rows(found.rows, found.first)):
        row["simulated_at_start"], row["residual_at_start"] = before["simulated"], before["residual"]
    return rows


def _rows(rows: Any, evaluation: Evaluation) -> list[dict[str, Any]]:
    seeds = evaluation.simulated.shape[1]
    return [
        {
            "id": row.id,
            "drug": row.drug,
            "excluded": row.excluded,
            "quantity": row.quantity,
            "site": row.site,
            "month": row.eval_month,
            "published": row.value,
            "simulated": float(values.mean()),
            "SE_MonteCarlo": float(values.std(ddof=1) / math.sqrt(seeds)) if seeds > 1 else None,
            "residual": float(residual),
        }
        for row, values, residual in zip(rows, evaluation.simulated, evaluation.residuals)
    ]
