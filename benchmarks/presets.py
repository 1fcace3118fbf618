"""Write docs/presets.md: what every preset shows, and what it does to density, markers and structure.

Runs presets with several seeds of specimen and cells, at a size that takes minutes, and writes one table: change of
lumbar BMD, CTX, P1NP, Tb.N and Tb.Th in % of entry at months 6, 12, 24, 36 and 48, with Monte-Carlo errors.

    python benchmarks/presets.py --seeds 4 --jobs 2 --keep presets.json
    python benchmarks/presets.py --only denosumab --only denosumab_stopped --seeds 2 --output some.md
    python benchmarks/presets.py --seeds 0 --keep presets.json    # only write the page from what was run

Presets that differ in nothing but therapies from entry on share specimen, cells and spin-up.  With --keep a stopped
run goes on where it was; give it a new file after changes of the model.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from kept_runs import KeptRuns, advance, branch, month_days, run_all, seconds_per_day, start

import trabsim
from trabsim.trials.outcomes import STEADY_MONTHS, density_change
from trabsim.config import load_config, parse_override, preset_names, preset_text
from trabsim.errors import TrabsimError
from trabsim.therapy.schedule import on_day
from trabsim.tissue.cortex import CortexParams

MONTHS = (6, 12, 24, 36, 48)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "presets.md"
COLUMNS = ("BMD", "CTX", "P1NP", "Tb.N", "Tb.Th")

#: Presets that one task runs after a common spin-up: a stopped benchmark loses no more than these.
AT_ONCE = 6


def overrides_of(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Keys that make a preset small and give it a seed."""
    return {
        "specimen.shape": settings["shape"],
        "specimen.voxel_size_um": settings["voxel_size_um"],
        **settings["overrides"],
        "run.seed": seed,
        "specimen.seed": seed,
    }


def person_of(name: str) -> str:
    """What a preset has before entry, as text: equal in presets that may share a spin-up."""
    config = load_config(name)
    before = any(table.start < 0 for table in config.therapy)
    run = config.run.model_copy(update={"years": 1.0})
    bare = config.model_copy(update={"run": run, "therapy": (), "drug": {}})
    return bare.to_toml() + (name if before else "")


def run_presets(names: list[str], seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Simulate presets that share a spin-up."""
    overrides = overrides_of(settings, seed)
    began = time.perf_counter()
    bare = {} if any(table.start < 0 for table in load_config(names[0]).therapy) else {"therapy": []}
    days = month_days(-STEADY_MONTHS, MONTHS[-1])
    sim = start(names[0], {**overrides, **bare})
    rows = advance(sim, 0, days, structure=[0])
    shared = time.perf_counter() - began
    found = {}
    for name in names:
        began = time.perf_counter()
        config = load_config(name, {**overrides, "output": []})
        last = max(day for day, month in days.items() if month == MONTHS[-1])
        after = advance(branch(sim, config), last, days, structure=MONTHS)
        seconds = time.perf_counter() - began + shared / len(names)
        found[name] = {"rows": rows | after, "seconds": seconds}
    return found


def changes(series: dict[int, dict[str, float]], month: int) -> list[float]:
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


def table_of(kept: KeptRuns, names: list[str]) -> list[str]:
    """Lines of the table, one per preset and month."""
    lines = [f"| preset | month | {' | '.join(COLUMNS)} | seeds |", "| --- " * (len(COLUMNS) + 3) + "|"]
    for name in names:
        runs = kept.series(name, sorted(int(seed) for seed in kept.runs[name]))
        for month in MONTHS:
            values = np.array([changes(series, month) for series in runs.values()])
            first = f"`{name}` | {month}" if month == MONTHS[0] else f" | {month}"
            lines.append(f"| {first} | {' | '.join(cell(column) for column in values.T)} | {len(values)} |")
    return lines


def description(name: str) -> str:
    """The comment at the head of a preset."""
    lines = preset_text(name).splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("#").strip() for line in lines[:end])


def page(kept: KeptRuns, settings: dict[str, Any]) -> str:
    """The whole page."""
    names = preset_names()
    run = [name for name in names if kept.runs.get(name)]
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
            "combinations, sequences and stops.",
            "",
            *table_of(kept, run),
            "",
        ]
    missing = [name for name in names if name not in run]
    if missing and run:
        lines += [f"Not run yet: {', '.join(f'`{name}`' for name in missing)}.", ""]
    elif missing:
        lines += ["The table of results has not been computed yet:", ""]
    lines += ["```text", "python benchmarks/presets.py --seeds 4 --jobs 2 --keep presets.json", "```"]
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
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--shape", type=int, default=56, metavar="N", help="voxels along an edge")
    parser.add_argument("--voxel-size-um", type=float, default=36.0)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="parameters to change"
    )
    parser.add_argument("--keep", type=Path, help="JSON file that runs are written to, and read from")
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
    kept = KeptRuns(args.keep, settings)
    groups: dict[str, list[str]] = {}
    for name in args.only or preset_names():
        groups.setdefault(person_of(name), []).append(name)
    tasks = []
    for seed in range(1, args.seeds + 1):
        for names in groups.values():
            left = [name for name in names if not kept.has(name, seed)]
            tasks += [(left[i : i + AT_ONCE], seed) for i in range(0, len(left), AT_ONCE)]
    if tasks:
        announce(tasks, settings, args.jobs)
        run_all([(seed, run_presets, (names, seed, settings)) for names, seed in tasks], args.jobs, kept)
    args.output.write_text(page(kept, settings), encoding="utf-8")
    print(f"wrote {args.output}")


def announce(tasks: list[tuple[list[str], int]], settings: dict[str, Any], jobs: int) -> None:
    """Say how long it will take, from a month of the first spin-up."""
    names, seed = tasks[0]
    began = time.perf_counter()
    sim = start(names[0], {**overrides_of(settings, seed), "therapy": []})
    making = time.perf_counter() - began
    day = seconds_per_day(sim)
    spin_up = sim.config.run.spin_up_days
    last = on_day(MONTHS[-1] * 365.25 / 12.0)
    runs = sum(len(names) for names, _ in tasks)
    total = making * len(tasks) + day * (spin_up * len(tasks) + last * runs)
    print(
        f"{runs} runs, {len(tasks)} spin-ups; {making:.0f} s per specimen, {1000.0 * day:.0f} ms a day, "
        f"{total / runs:.0f} s per run: about {total / jobs / 3600.0:.1f} h with {jobs} job{'s'[: jobs != 1]}",
        flush=True,
    )


if __name__ == "__main__":
    main()
