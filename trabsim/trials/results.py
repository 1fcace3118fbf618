"""Results of a trial as Parquet: one value per row, sorted, with fixed settings, so equal results are equal bytes.

``results.parquet`` holds patient, arm, replicate, month, endpoint and value; ``patients.parquet`` who they were and
how they entered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trabsim.errors import ConfigError, RunError
from trabsim.trials.life_files import aside, make_folder

if TYPE_CHECKING:
    import pandas

RESULTS, PATIENTS = "results.parquet", "patients.parquet"

#: Settings of the writer; a change of them changes bytes and nothing else.
_WRITER: dict[str, Any] = {
    "compression": "zstd",
    "version": "2.6",
    "use_dictionary": True,
    "write_statistics": True,
    "store_schema": False,
    "row_group_size": 1 << 20,
}


class Result(NamedTuple):
    """One value."""

    patient: int
    arm: str
    replicate: int
    month: int
    endpoint: str
    value: float


def write_results(
    path: Path, results: Iterable[Result], arms: Sequence[str], facts: Mapping[str, str]
) -> None:
    """Write the table of results.

    Parameters
    ----------
    path : Path
    results : iterable of Result
    arms : sequence of str
        In the order of the trial, by which rows are sorted.
    facts : mapping of str to str
        Kept in the file: trial, version; nothing that differs between two runs of one trial.

    Raises
    ------
    ConfigError
        If PyArrow is missing.
    RunError
        If it cannot be written.
    """
    pa = pyarrow()
    order = {name: k for k, name in enumerate(arms)}
    rows = sorted(results, key=lambda r: (r.patient, order[r.arm], r.replicate, r.endpoint, r.month))
    table = pa.table(
        {
            "patient": pa.array([row.patient for row in rows], pa.int32()),
            "arm": pa.array([row.arm for row in rows], pa.string()),
            "replicate": pa.array([row.replicate for row in rows], pa.int32()),
            "month": pa.array([row.month for row in rows], pa.int32()),
            "endpoint": pa.array([row.endpoint for row in rows], pa.string()),
            "value": pa.array([_known(row.value) for row in rows], pa.float64()),
        }
    )
    _write(path, table.replace_schema_metadata(dict(sorted(facts.items()))))


def write_patients(path: Path, patients: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> None:
    """Write who the patients were: one row each, the same keys in all of them."""
    pa = pyarrow()
    columns = list(patients[0]) if patients else []
    table = pa.table(
        {
            name: pa.array(
                [_known(row[name]) if isinstance(row[name], float) else row[name] for row in patients]
            )
            for name in columns
        }
    )
    _write(path, table.replace_schema_metadata(dict(sorted(facts.items()))))


def read_results(folder: str | Path, name: str = RESULTS) -> pandas.DataFrame:
    """Read a table of a trial's folder.

    Parameters
    ----------
    folder : str or Path
    name : str
        ``results.parquet`` or ``patients.parquet``.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    RunError
        If it is not there, or damaged.
    """
    pa, path = pyarrow(), Path(folder) / name
    if not path.is_file():
        raise RunError(f"there is no {name} in {folder}; run the trial with 'trabsim trial run' first")
    import pyarrow.parquet as parquet

    try:
        return parquet.read_table(path).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RunError(
            f"{path} is damaged ({error}); run the trial again, nothing is simulated twice"
        ) from None


def pyarrow() -> Any:
    """PyArrow.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        import pyarrow as found
    except ImportError:
        raise ConfigError(
            'tables of results need PyArrow, which is not installed; install it with: pip install "trabsim[trials]"'
        ) from None
    return found


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _write(path: Path, table: Any) -> None:
    import pyarrow.parquet as parquet

    make_folder(path.parent)
    own = aside(path)
    try:
        parquet.write_table(table, own, **_WRITER)
        own.replace(path)
    except OSError as error:
        own.unlink(missing_ok=True)
        raise RunError(f"cannot write {path}: {error}; free some space and run the trial again") from None
