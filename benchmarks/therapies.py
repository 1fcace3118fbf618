"""Scorecard of single drugs: one parameter set against published outcomes of trials.

Runs every arm that a supported row of the clinical table needs (natural history is left to menopause.py), each person
from its own synthetic specimen, and prints for each row: published value and its standard error, model, Monte-Carlo
error, and z = (model - published) / sqrt(SE^2 + MC_SE^2 + d^2), d being the model's own allowance (1 percentage point
of density, 10 of markers, 15 % of a structural value); then a summary per drug, and the therapies that no row speaks
of.  Combinations, sequences and stops are marked `reported` and count in no summary: nothing may be fitted to them.

    python benchmarks/therapies.py --seeds 4 --jobs 2 --keep therapies.json
    python benchmarks/therapies.py --only denosumab --seeds 2 --dry-run

Arms of one person and seed share specimen, cells and spin-up up to entry, so that their difference is what they are
given; rows with equal arms share a run.  With --keep a stopped benchmark goes on where it was; give it a new file
after changes of the model.  Density is averaged over what happens to be open (see trabsim.trials.outcomes); --plain
takes it as it stands.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import time
from pathlib import Path
from typing import Any

from kept_runs import FIRST_MONTH, KeptRuns, advance, branch, month_days, run_all, seconds_per_day, start

import trabsim
from trabsim.config import parse_override
from trabsim.errors import TrabsimError
from trabsim.therapy.registry import therapy_class, therapy_kinds
from trabsim.therapy.schedule import DAYS_PER_MONTH, on_day
from trabsim.trials.clinical import Arm, ClinicalRow, read_row, years_needed
from trabsim.trials.outcomes import Score, outcome, score, skip_reason
from trabsim.trials.persons import arm_config

SHARED = Path(os.environ.get("TRABSIM_SHARED", Path(__file__).resolve().parents[2] / "shared"))
TABLE = SHARED / "reference" / "clinical_calibration.csv"

#: Rows that are no trial of a drug.
NATURAL_HISTORY = "NH_"

#: Arms of one person, with the month up to which each is needed.
Group = dict[Arm, int]


def key_of(arm: Arm) -> str:
    """Name of an arm in the file of runs."""
    return json.dumps(arm)


def run_group(group: Group, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Simulate the arms of one person with one seed."""
    first = next(iter(group))
    keys = {"shape": tuple(settings["shape"]), "voxel_size_um": settings["voxel_size_um"]}
    overrides = settings["overrides"]
    began = time.perf_counter()
    years = max(group.values()) / 12.0
    before = arm_config(
        Arm(first.person, first.prior, ()), years=years, seed=seed, **keys, overrides=overrides
    )
    sim = start(before, {**overrides, "specimen.seed": seed})
    days = month_days(FIRST_MONTH, max(group.values()))
    rows = advance(sim, 0, days)
    shared = time.perf_counter() - began
    found = {}
    for arm, months in group.items():
        began = time.perf_counter()
        config = arm_config(
            arm, years=months / 12.0, seed=seed, **keys, overrides={**overrides, "output": []}
        )
        after = advance(branch(sim, config), on_day(months * DAYS_PER_MONTH), days)
        seconds = time.perf_counter() - began + shared / len(group)
        found[key_of(arm)] = {"rows": rows | after, "seconds": seconds}
    return found


def read_table(path: Path) -> list[ClinicalRow]:
    """Rows that are no natural history."""
    if not path.is_file():
        raise SystemExit(f"no clinical table at {path}; give one with --table")
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not row["id"].startswith(NATURAL_HISTORY)]
    return [read_row(row) for row in rows if row["supported"] == "yes" or _readable(row)]


def _readable(row: dict[str, str]) -> bool:
    """Whether an unsupported row can at least be named with its drug."""
    try:
        read_row(row)
    except TrabsimError:
        return False
    return True


def arms_of(rows: list[ClinicalRow]) -> dict[Arm, int]:
    """Arms that rows need, and up to which month."""
    arms: dict[Arm, int] = {}
    for row in rows:
        for arm in (row.arm, row.reference_arm):
            if arm is not None:
                arms[arm] = max(arms.get(arm, 0), round(12.0 * years_needed(row)))
    return arms


def groups_of(arms: dict[Arm, int]) -> list[Group]:
    """Arms of one person with one past, the longest first."""
    groups: dict[tuple[Any, Any], Group] = {}
    for arm, months in arms.items():
        groups.setdefault((arm.person, arm.prior), {})[arm] = months
    return sorted(groups.values(), key=lambda group: -sum(group.values()))


def announce(tasks: list[tuple[Group, int]], settings: dict[str, Any], jobs: int) -> None:
    """Say what is ahead: measure a day of the first person's spin-up and scale it up."""
    if not tasks:
        return
    group, seed = tasks[0]
    first = next(iter(group))
    keys = {"shape": tuple(settings["shape"]), "voxel_size_um": settings["voxel_size_um"]}
    config = arm_config(
        Arm(first.person, first.prior, ()), years=1, seed=seed, **keys, overrides=settings["overrides"]
    )
    began = time.perf_counter()
    sim = start(config, {**settings["overrides"], "specimen.seed": seed})
    making = time.perf_counter() - began
    day = seconds_per_day(sim)
    spin_up = config.run.spin_up_days
    days = sum(spin_up + DAYS_PER_MONTH * sum(group.values()) for group, _ in tasks)
    total = making * len(tasks) + day * days
    runs = sum(len(group) for group, _ in tasks)
    print(
        f"{runs} runs, {len(tasks)} spin-ups, {days / 365.25:.0f} simulated years; {making:.0f} s per specimen, "
        f"{1000.0 * day:.0f} ms a day, {total / runs:.0f} s per run: about {total / jobs / 3600.0:.1f} h "
        f"with {jobs} job{'s'[: jobs != 1]}",
        flush=True,
    )


def values_of(row: ClinicalRow, kept: KeptRuns, seeds: list[int], cortex: Any, plain: bool) -> list[float]:
    """What each seed says of a row, the reference arm subtracted."""
    treated = kept.series(key_of(row.arm), seeds)
    values = []
    compared = kept.series(key_of(row.reference_arm), seeds) if row.reference_arm else None
    for seed, series in treated.items():
        if compared is not None and seed not in compared:
            continue
        value = outcome(row, series, cortex, plain)
        values.append(value - (outcome(row, compared[seed], cortex, plain) if compared is not None else 0.0))
    return [value for value in values if not math.isnan(value)]


def report(rows: list[ClinicalRow], kept: KeptRuns, seeds: list[int], cortex: Any, plain: bool) -> None:
    """Print residuals, and what they say of each drug."""
    print(
        f"\n{'id':18s} {'drug':24s} {'quantity':24s} {'site':10s} {'ref':11s}{'month':>6s}{'published':>10s}"
        f"{'SE':>7s}{'model':>9s}{'MC SE':>7s}{'z':>7s}  use"
    )
    scores: dict[str, list[Score]] = {}
    noise = []
    for row in sorted(rows, key=lambda row: (row.drug, row.id)):
        values = values_of(row, kept, seeds, cortex, plain)
        if not values:
            print(f"{row.id:18s} {row.drug:24.24s} {row.quantity:24s} not run")
            continue
        found = score(row, values)
        use = "fitted" if row.excluded is None else f"reported ({row.excluded})"
        print(
            f"{row.id:18s} {row.drug:24.24s} {row.quantity:24s} {row.site:10.10s} {row.reference:11s}"
            f"{row.eval_month:6g}{row.value:10.2f}{found.SE:7.2f}{found.simulated:9.2f}{found.MC_SE:7.2f}"
            f"{found.z:7.2f}  {use}"
        )
        if row.excluded is None:
            scores.setdefault(row.drug, []).append(found)
            if "BMD" in row.quantity and len(values) > 1:
                both = [score(row, values_of(row, kept, seeds, cortex, p)).MC_SE for p in (False, True)]
                noise.append(both)
    print(f"\n{'drug':32s}{'rows':>5s}{'mean z':>8s}{'RMS z':>8s}{'|z|<2':>7s}{'worst':>8s}")
    everything = [found for of_drug in scores.values() for found in of_drug]
    for drug, of_drug in [*sorted(scores.items()), ("all", everything)]:
        if of_drug:
            z = [found.z for found in of_drug]
            print(
                f"{drug:32s}{len(z):5d}{statistics.fmean(z):8.2f}{math.sqrt(statistics.fmean(v * v for v in z)):8.2f}"
                f"{sum(abs(v) < 2 for v in z):7d}{max(z, key=abs):8.2f}"
            )
    if noise:
        steady, plainly = (statistics.fmean(pair[i] for pair in noise) for i in (0, 1))
        print(f"\nMonte-Carlo error of density, mean over rows: {steady:.2f} averaged, {plainly:.2f} plain")
    say_entry(rows, kept, seeds)


def say_entry(rows: list[ClinicalRow], kept: KeptRuns, seeds: list[int]) -> None:
    """Say how near the T-scores at entry are to those of the trials."""
    persons: dict[Any, float] = {}
    for row in rows:
        wanted, runs = row.arm.person.T_score, kept.series(key_of(row.arm), seeds)
        if wanted is not None and runs:
            persons[row.arm.person] = (
                statistics.fmean(series[0]["T_score"] for series in runs.values()) - wanted
            )
    if persons:
        off = list(persons.values())
        print(
            f"T-score at entry: {statistics.fmean(off):+.2f} from that of the trials in the mean of {len(off)} "
            f"persons, {min(off):+.2f} to {max(off):+.2f}"
        )


def say_uncalibrated(rows: list[ClinicalRow]) -> None:
    """Name therapies that no fitted row speaks of."""
    spoken = {
        kind for row in rows if row.excluded is None for kind in (row.arm.kinds or row.drug.split(" + "))
    }
    left = [kind for kind in therapy_kinds() if kind not in spoken]
    print("\nuncalibrated (no row of the drug alone):")
    for kind in left:
        print(f"  {kind}: {therapy_class(kind).evidence}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--table", type=Path, default=TABLE, help="clinical table (default: beside the project)"
    )
    parser.add_argument("--only", metavar="DRUG", help="rows of this drug alone, with their reference arms")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--shape", type=int, default=56, metavar="N", help="voxels along an edge")
    parser.add_argument("--voxel-size-um", type=float, default=36.0)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="parameters to change"
    )
    parser.add_argument("--keep", type=Path, help="JSON file that runs are written to, and read from")
    parser.add_argument("--plain", action="store_true", help="density as it stands")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, and how long it takes")
    args = parser.parse_args()
    try:
        score_therapies(args)
    except TrabsimError as error:
        raise SystemExit(str(error)) from None


def score_therapies(args: argparse.Namespace) -> None:
    """Run what is missing and report."""
    table = read_table(args.table)
    if args.only:
        table = [row for row in table if args.only in row.drug.split(" + ")]
        if not table:
            raise SystemExit(f"no row is of '{args.only}'; leave --only out to see all drugs")
    skipped = [
        (row, row.supported.removeprefix("no:") if row.supported != "yes" else skip_reason(row))
        for row in table
    ]
    rows = [row for row, reason in skipped if reason is None]
    for row, reason in skipped:
        if reason is not None:
            print(f"skipped {row.id} ({row.quantity}, {row.site}): {reason}")
    overrides = dict(parse_override(text) for text in args.set)
    settings = {
        "version": trabsim.__version__,
        "shape": [args.shape] * 3,
        "voxel_size_um": args.voxel_size_um,
        "overrides": overrides,
    }
    kept, seeds = KeptRuns(args.keep, settings), list(range(1, args.seeds + 1))
    tasks = [
        ({arm: months for arm, months in group.items() if not enough(kept, arm, months, seed)}, seed)
        for seed in seeds
        for group in groups_of(arms_of(rows))
    ]
    tasks = [(group, seed) for group, seed in tasks if group]
    announce(tasks, settings, args.jobs)
    if not args.dry_run and tasks:
        run_all([(seed, run_group, (group, seed, settings)) for group, seed in tasks], args.jobs, kept)
    cortex = trabsim.load_config({}, overrides).process.cortex
    report(rows, kept, seeds, cortex, args.plain)
    say_uncalibrated(
        rows if not args.only else [row for row in read_table(args.table) if row.supported == "yes"]
    )


def enough(kept: KeptRuns, arm: Arm, months: int, seed: int) -> bool:
    """Whether a kept run of an arm lasts long enough."""
    return kept.has(key_of(arm), seed) and str(months) in kept.runs[key_of(arm)][str(seed)]["rows"]


if __name__ == "__main__":
    main()
