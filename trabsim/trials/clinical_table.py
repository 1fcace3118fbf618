"""A whole clinical table: which rows can be run, and why the others cannot.

No row vanishes: what is not supported, cannot be read, names an unknown drug or is not in the series is kept with the
reason, so that a report can list it.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trabsim.errors import ConfigError, RunError, TrabsimError
from trabsim.spelling import suggest
from trabsim.therapy.grammar import drugs_in
from trabsim.therapy.names import kind_of
from trabsim.therapy.registry import LIKE_A_DRUG
from trabsim.trials.clinical import ClinicalRow, read_row
from trabsim.trials.outcomes import published_error, skip_reason
from trabsim.trials.persons import arm_config

#: Columns without which a row cannot be run.
COLUMNS = (
    *("id", "quantity", "site", "value", "spread", "spread_kind", "n", "reference", "schedule"),
    *("reference_schedule", "baseline_month", "eval_month", "sex", "age", "years_since_menopause", "T_score"),
    *("prior_therapy", "supported"),
)


@dataclass(frozen=True)
class Skipped:
    """A row that is not run.

    Attributes
    ----------
    id, quantity, site, schedule, reason : str
    """

    id: str
    quantity: str
    site: str
    schedule: str
    reason: str


@dataclass(frozen=True)
class ClinicalTable:
    """Rows of a table.

    Attributes
    ----------
    name : str
        Of the file.
    sha256 : str
        Of its bytes.
    rows : tuple of ClinicalRow
        Those that can be run.
    skipped : tuple of Skipped
        All others.
    partial : bool
        Whether only some rows of the file were asked for.
    """

    name: str
    sha256: str
    rows: tuple[ClinicalRow, ...]
    skipped: tuple[Skipped, ...]
    partial: bool = False


def default_table() -> Path:
    """The table beside the project.

    Returns
    -------
    Path
        ``reference/clinical_calibration.csv`` in the folder that the variable TRABSIM_SHARED names, or in ``shared``
        beside the checkout.

    Raises
    ------
    RunError
        If there is none.
    """
    beside = Path(__file__).resolve().parents[3] / "shared"
    path = Path(os.environ.get("TRABSIM_SHARED", beside)) / "reference" / "clinical_calibration.csv"
    if not path.is_file():
        raise RunError(f"no clinical table at {path}; give one with --table FILE")
    return path


def read_table(path: str | Path, *, drug: str | None = None, ids: Sequence[str] = ()) -> ClinicalTable:
    """Read a clinical table.

    Parameters
    ----------
    path : str or Path
        CSV with the columns of `COLUMNS`, and by choice ``confidence`` and ``schedule_note``.
    drug : str, optional
        Keep rows in whose schedule or past this drug stands, by any of its names.
    ids : sequence of str
        Keep these rows alone.

    Returns
    -------
    ClinicalTable

    Raises
    ------
    RunError
        If the file cannot be read.
    ConfigError
        If a column is missing, or no row is left.
    """
    path = Path(path)
    lines, digest = _lines(path)
    missing = [name for name in COLUMNS if name not in (lines[0] if lines else ())]
    if not lines:
        raise ConfigError(f"{path.name} holds no rows below its header; give a clinical table")
    if missing:
        raise ConfigError(
            f"{path.name} lacks the column{'s'[: len(missing) != 1]} {', '.join(missing)}; add them, "
            "or give another table"
        )
    chosen = _chosen(lines, path.name, drug, ids)
    rows: list[ClinicalRow] = []
    skipped: list[Skipped] = []
    for line in chosen:
        row, reason = _row_or_reason(line)
        if row is not None and reason is None:
            rows.append(row)
        else:
            skipped.append(
                Skipped(line["id"], line["quantity"], line["site"], line["schedule"] or "none", str(reason))
            )
    return ClinicalTable(path.name, digest, tuple(rows), tuple(skipped), drug is not None or bool(ids))


def _lines(path: Path) -> tuple[list[dict[str, str]], str]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise RunError(
            f"cannot read the clinical table {path}: {error.strerror}; give one with --table"
        ) from None
    except UnicodeDecodeError:
        raise RunError(f"{path} is no text in UTF-8; save the table as CSV in UTF-8") from None
    lines = [
        {key.strip(): (value or "").strip() for key, value in line.items() if isinstance(key, str)}
        for line in csv.DictReader(text.splitlines())
    ]
    return lines, hashlib.sha256(content).hexdigest()


def _chosen(
    lines: list[dict[str, str]], name: str, drug: str | None, ids: Sequence[str]
) -> list[dict[str, str]]:
    known = [line["id"] for line in lines]
    for wanted in ids:
        if wanted not in known:
            raise ConfigError(f"{name} has no row '{wanted}'; {suggest(wanted, known)}")
    chosen = [line for line in lines if not ids or line["id"] in ids]
    if drug is not None:
        chosen = [line for line in chosen if kind_of(drug) in _drugs(line)]
        if not chosen:
            everything = sorted({word for line in lines for word in _drugs(line)})
            raise ConfigError(
                f"no chosen row of {name} gives '{drug}'; {suggest(drug, everything, LIKE_A_DRUG)}"
            )
    return chosen


def _drugs(line: Mapping[str, str]) -> set[str]:
    return drugs_in(f"{line['schedule']};{line['prior_therapy']}")


def _row_or_reason(line: Mapping[str, str]) -> tuple[ClinicalRow | None, str | None]:
    """A row that can be run, or why it cannot."""
    said = line["supported"]
    if not said.lower().startswith("yes"):
        why = said.removeprefix("no").lstrip(": ") or "not said"
        return None, f"the table marks it as not supported ({why})"
    try:
        row = read_row(line)
        reason = skip_reason(row)
        published_error(row)
        if reason is None:
            for arm in row.arms:
                arm_config(arm, years=1.0)
    except TrabsimError as error:
        return None, " ".join(str(error).split())
    return row, reason
