"""A scorecard as Markdown and as CSV; both name version, parameters and seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

import trabsim
from trabsim.provenance import git_state
from trabsim.trials.null_models import NULL_MODELS
from trabsim.trials.scorecard import Scorecard, Total, totals, uncalibrated

CITATION = f"trabsim {trabsim.__version__}: agent-based simulation of human trabecular bone remodeling (CITATION.cff)"
NOTICE = "Research use only, not for clinical decisions."

COLUMNS = (
    *(
        "id",
        "group",
        "drug",
        "quantity",
        "site",
        "reference",
        "eval_month",
        "confidence",
        "published",
        "SE_published",
    ),
    *("simulated", "SE_MonteCarlo", "allowance", "z", "pass", "seeds_run", "used_for"),
    *(f"{part} ({model})" for model in NULL_MODELS for part in ("simulated", "z")),
    "reason_skipped",
)


def provenance_lines(card: Scorecard) -> list[str]:
    """What made the scorecard."""
    settings, git = card.settings, git_state()
    commit = f", commit {git['git_commit'][:12]}" if git else ""
    changed = f" with {git['git_changed_files']} changed files" if git.get("git_changed_files") else ""
    size = " x ".join(str(n) for n in settings.shape)
    changes = ", ".join(f"{key}={value}" for key, value in sorted(settings.overrides.items())) or "none"
    return [
        f"trabsim {trabsim.__version__}{commit}{changed}",
        f"parameters sha256 {card.parameters_sha256}; changed from the defaults: {changes}",
        f"seeds 1-{settings.seeds}; specimens of {size} voxels of {settings.voxel_size_um:g} um",
        f"table {card.table.name}, sha256 {card.table.sha256}",
        f"cite {CITATION}",
        NOTICE,
    ]


def as_csv(card: Scorecard) -> str:
    """The scorecard as CSV, with lines that begin with # on top."""
    out = io.StringIO()
    out.writelines(f"# {line}\n" for line in provenance_lines(card))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in card.lines:
        row, found = line.row, line.score
        nulls = [line.nulls.get(model) for model in NULL_MODELS]
        writer.writerow(
            [
                *(row.id, row.group, row.drug, row.quantity, row.site, row.reference, f"{row.eval_month:g}"),
                *(row.confidence, f"{row.value:g}", _number(found.SE), _number(found.simulated)),
                *(_number(found.MC_SE), _number(found.allowance), _number(found.z), _yes(line.passed)),
                *(len(line.values), row.excluded or "calibration"),
                *(
                    _number(value)
                    for null in nulls
                    for value in ((null.simulated, null.z) if null else (None,) * 2)
                ),
                "",
            ]
        )
    width = len(COLUMNS)
    for skipped in card.skipped:
        cells = [""] * width
        cells[0], cells[3], cells[4], cells[-1] = skipped.id, skipped.quantity, skipped.site, skipped.reason
        writer.writerow(cells)
    return out.getvalue()


def as_markdown(card: Scorecard) -> str:
    """The scorecard as Markdown: totals first, then every row, then what was skipped."""
    lines = ["# Scorecard", "", *(f"- {line}" for line in provenance_lines(card)), "", "## Totals", ""]
    lines += _grid(TOTAL_HEADER, total_rows(totals(card.lines)))
    lines += ["", EXPLANATION, "", "## Rows", "", *_grid(ROW_HEADER, line_rows(card))]
    if card.skipped:
        lines += ["", "## Skipped", "", "Not run, and counted nowhere.", ""]
        lines += _grid(SKIP_HEADER, [(s.id, s.quantity, s.site, s.reason) for s in card.skipped])
    for said in (entry_line(card), uncalibrated_line(card)):
        lines += ["", said] if said else []
    return "\n".join([*lines, "", NOTICE]) + "\n"


def entry_line(card: Scorecard) -> str:
    """How near the T-scores at entry are to those of the trials; empty where the table names none."""
    off = list(card.entry.values())
    if not off:
        return ""
    return (
        f"T-score at entry: {sum(off) / len(off):+.2f} from that of the trials in the mean of {len(off)} persons, "
        f"{min(off):+.2f} to {max(off):+.2f}."
    )


def uncalibrated_line(card: Scorecard) -> str:
    """Therapies that a whole table is silent about; empty for some rows of one."""
    left = [] if card.table.partial else sorted(uncalibrated(line.row for line in card.lines))
    return f"No row speaks of these alone: {', '.join(left)}." if left else ""


EXPLANATION = (
    "A row passes where |z| < 2. The null models speak only of combinations, sequences and stops; beside them stands "
    "what the model itself does on those rows."
)
TOTAL_HEADER = (
    *("group", "rows", "pass", "share", "mean z", "RMS z", "rows of nulls", "model: pass, RMS z"),
    *(f"{model}: pass, RMS z" for model in NULL_MODELS),
)
ROW_HEADER = (
    *(
        "id",
        "group",
        "drug",
        "quantity",
        "site",
        "reference",
        "month",
        "confidence",
        "published",
        "SE",
        "simulated",
    ),
    *("MC SE", "z", "pass", "z if effects add up", "z if they vanish", "use"),
)
SKIP_HEADER = ("id", "quantity", "site", "reason")


def total_rows(found: Iterable[Total]) -> list[tuple[str, ...]]:
    """Cells of the table of totals."""
    rows = []
    for total in found:
        count = total.nulls[NULL_MODELS[0]][0]
        model = f"{total.comparable[0]}, {total.comparable[1]:.2f}" if count else "-"
        nulls = [
            f"{total.nulls[m][1]}, {total.nulls[m][2]:.2f}" if total.nulls[m][0] else "-" for m in NULL_MODELS
        ]
        rows.append(
            (
                *(
                    total.name,
                    str(total.rows),
                    str(total.passed),
                    f"{100.0 * total.passed / total.rows:.0f} %",
                ),
                *(f"{total.mean_z:.2f}", f"{total.rms_z:.2f}", str(count or "-"), model, *nulls),
            )
        )
    return rows


def line_rows(card: Scorecard) -> list[tuple[str, ...]]:
    """Cells of the table of rows, by group."""
    rows = []
    for line in card.lines:
        row, found = line.row, line.score
        nulls = [_short(line.nulls[model].z) if model in line.nulls else "-" for model in NULL_MODELS]
        use = "calibration" if row.excluded is None else f"reported ({row.excluded})"
        if line.missing:
            use += f"; {line.missing} seed{'s'[: line.missing != 1]} failed"
        rows.append(
            (
                *(row.id, row.group, row.drug, row.quantity, row.site, row.reference, f"{row.eval_month:g}"),
                *(row.confidence, _short(row.value), _short(found.SE), _short(found.simulated)),
                *(_short(found.MC_SE), _short(found.z), _yes(line.passed), *nulls, use),
            )
        )
    return rows


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return [lines[0], "|" + " --- |" * len(header), *lines[1:]]


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"


def _short(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def _yes(passed: bool) -> str:
    return "yes" if passed else "no"
