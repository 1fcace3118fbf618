"""Write docs/presets.md: what every preset shows, and what it does to density, markers and structure.

Runs presets with several seeds of specimen and cells, at a size that takes minutes, and writes one table: change of
lumbar BMD, CTX, P1NP, Tb.N and Tb.Th in % of entry at months 6, 12, 24, 36 and 48, with Monte-Carlo errors.

    python benchmarks/presets.py --seeds 4 --workers 2 --keep preset_lives
    python benchmarks/presets.py --only denosumab --only denosumab_stopped --seeds 2 --output some.md
    python benchmarks/presets.py --seeds 4 --keep preset_lives --page-only    # write the page from what was run

Presets that differ in nothing but therapies from entry on share specimen, cells and spin-up.  A stopped run goes on
where it was; after a change of the model everything runs anew.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import claims
import numpy as np

import trabsim
from trabsim.config import load_config, parse_override, preset_names, preset_text
from trabsim.errors import TrabsimError
from trabsim.tissue.cortex import CortexParams
from trabsim.trials.execution import Cluster, run_lives
from trabsim.trials.life_files import LIVES, read_json, rows_from_json
from trabsim.trials.lives import Life
from trabsim.trials.outcomes import Series, density_change

MONTHS = (6, 12, 24, 36, 48)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "presets.md"
COLUMNS = ("BMD", "CTX", "P1NP", "Tb.N", "Tb.Th")

#: Boxes of 1.6 mm: in smaller ones thin bone may lose its last path from face to face, which ends a run.
SHAPE, VOXEL_SIZE_UM = 40, 40.0

#: Presets that a claim looks at later than the table does, and the month.
LONGER = {"postmenopause": 60, "estrogen_early": 60, "estrogen_stopped": 60}

#: Rows of every preset that was run, by seed.
Runs = dict[str, dict[int, Series]]


def last_month(name: str) -> int:
    """Month up to which a preset is run: that of the table, or what a claim looks at."""
    return LONGER.get(name, MONTHS[-1])


def life_of(name: str, seed: int, settings: dict[str, Any]) -> Life:
    """A preset as a life: what it gives from entry on is branched off after a spin-up that others share."""
    tables = [table.model_dump(mode="json", exclude_none=True) for table in load_config(name).therapy]
    early = [table.start < 0 for table in load_config(name).therapy]
    return Life(
        before={"extends": name, "therapy": [table for table, before in zip(tables, early) if before]},
        therapy=tuple(table for table, before in zip(tables, early) if not before),
        months=tuple(range(1, last_month(name) + 1)),
        structure_months=(0, *MONTHS, *((last_month(name),) if last_month(name) > MONTHS[-1] else ())),
        overrides={
            "specimen.shape": settings["shape"],
            "specimen.voxel_size_um": settings["voxel_size_um"],
            **settings["overrides"],
            "run.seed": seed,
            "specimen.seed": seed,
        },
        label=f"{name}, seed {seed}",
    )


def changes(series: Series, month: int) -> list[float]:
    """Changes since entry in %, in the order of `COLUMNS`."""
    first, row = series[0], series[month]
    return [
        density_change(series, 0, month, "lumbar_spine", CortexParams()),
        row["CTX_pct_of_baseline"] - 100.0,
        row["P1NP_pct_of_baseline"] - 100.0,
        100.0 * (row["Tb_N_per_mm"] / first["Tb_N_per_mm"] - 1.0),
        100.0 * (row["Tb_Th_um"] / first["Tb_Th_um"] - 1.0),
    ]


def cell(values: np.ndarray) -> str:
    """Mean and Monte-Carlo error, the error left out with one seed."""
    mean = f"{values.mean():+.1f}"
    return mean if len(values) < 2 else f"{mean} ± {values.std(ddof=1) / math.sqrt(len(values)):.1f}"


def table_of(runs: Runs, names: list[str]) -> list[str]:
    """Lines of the table, one per preset and month."""
    lines = [f"| preset | month | {' | '.join(COLUMNS)} | seeds |", "| --- " * (len(COLUMNS) + 3) + "|"]
    for name in names:
        for month in MONTHS:
            values = np.array([changes(series, month) for series in runs[name].values()])
            first = f"`{name}` | {month}" if month == MONTHS[0] else f" | {month}"
            lines.append(f"| {first} | {' | '.join(cell(column) for column in values.T)} | {len(values)} |")
    return lines


def by_seed(runs: Runs) -> dict[int, dict[str, Series]]:
    """The same rows by seed, then by preset."""
    seeds = {seed for of_preset in runs.values() for seed in of_preset}
    return {
        seed: {name: of_preset[seed] for name, of_preset in runs.items() if seed in of_preset}
        for seed in sorted(seeds)
    }


def description(name: str) -> str:
    """The comment at the head of a preset."""
    lines = preset_text(name).splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("#").strip() for line in lines[:end])


def page(runs: Runs, settings: dict[str, Any]) -> str:
    """The whole page."""
    names = preset_names()
    run = [name for name in names if runs.get(name)]
    edge, size = settings["shape"][0], settings["voxel_size_um"]
    lines = [
        "# Presets",
        "",
        "<!-- written by benchmarks/presets.py; do not edit -->",
        "",
        "`trabsim presets` lists them, `trabsim presets NAME` shows one, `trabsim run NAME -o RUN` runs it. Those that "
        "extend the same",
        "preset start from the same specimen and the same random numbers, so what differs is what they are given.",
        "",
        "| preset | what it shows |",
        "| --- | --- |",
        *(f"| `{name}` | {description(name)} |" for name in names),
        "",
        "## What they do",
        "",
    ]
    if run:
        lines += [
            "Change since entry in %, ± Monte-Carlo error over seeds of specimen and cells, in boxes of "
            f"{edge}³ voxels of {size:g} µm",
            f"(trabsim {settings['version']}): areal BMD of the lumbar spine, markers in serum, and microarchitecture. "
            "Nothing was fitted to",
            "combinations, sequences and stops. Runs of thin bone in which no load is carried any more end, and are "
            "left out.",
            "",
            *table_of(runs, run),
            "",
            "## What must emerge",
            "",
            "Signs and shapes that follow from where each system enters (`benchmarks/claims.py`). A claim holds where "
            "the mean over seeds",
            "lies beyond its bound by more than its Monte-Carlo error; predictions may fail, and were fitted to "
            "nothing.",
            "",
            *claims.table_of(by_seed(runs)),
            "",
        ]
    missing = [name for name in names if name not in run]
    if missing and run:
        lines += [f"Not run yet: {', '.join(f'`{name}`' for name in missing)}.", ""]
    elif missing:
        lines += ["The table of results has not been computed yet:", ""]
    lines += ["```text", "python benchmarks/presets.py --seeds 4 --workers 2 --keep preset_lives", "```"]
    if run:
        lines += ["", "writes this page."]
    else:
        lines += ["", "runs them all and writes it here."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="PRESET", help="run this preset; may be repeated")
    parser.add_argument(
        "--claims", action="store_true", help="run only the presets of which something is claimed"
    )
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shape", type=int, default=SHAPE, metavar="N", help="voxels along an edge")
    parser.add_argument("--voxel-size-um", type=float, default=VOXEL_SIZE_UM)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="parameters to change"
    )
    parser.add_argument("--keep", type=Path, help="folder that runs are written to, and read from")
    parser.add_argument(
        "--page-only", action="store_true", help="run nothing; write the page from what is kept"
    )
    parser.add_argument("--output", type=Path, default=PAGE, help="the page (default: docs/presets.md)")
    args = parser.parse_args()
    try:
        write_page(args)
    except TrabsimError as error:
        raise SystemExit(str(error)) from None


def write_page(args: argparse.Namespace) -> None:
    """Run what is missing and write the page."""
    settings = {
        "version": trabsim.__version__,
        "shape": [args.shape] * 3,
        "voxel_size_um": args.voxel_size_um,
        "overrides": dict(parse_override(text) for text in args.set),
    }
    lives = {
        (name, seed): life_of(name, seed, settings)
        for seed in range(1, args.seeds + 1)
        for name in args.only or (claims.presets_of() if args.claims else preset_names())
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        if args.page_only:
            rows = kept_rows(list(lives.values()), folder)
        else:
            outcomes = run_lives(lives.values(), folder, Cluster(workers=args.workers), progress=say)
            for key, reason in outcomes.failures.items():
                print(f"{next(life.label for life in lives.values() if life.key == key)} failed: {reason}")
            rows = outcomes.rows
    runs: Runs = {}
    for (name, seed), life in lives.items():
        if life.key in rows:
            runs.setdefault(name, {})[seed] = rows[life.key]
    args.output.write_text(page(runs, settings), encoding="utf-8")
    print(f"wrote {args.output}")


def kept_rows(lives: list[Life], folder: Path) -> dict[str, Series]:
    """Rows of the lives that were run before."""
    found = {life.key: read_json(folder / LIVES / f"{life.key}.json") for life in lives}
    return {key: rows_from_json(data["rows"]) for key, data in found.items() if data is not None}


def say(done: int, failed: int, total: int) -> None:
    """Print how far it is."""
    print(f"{done} of {total} done, {failed} failed", flush=True)


if __name__ == "__main__":
    main()
