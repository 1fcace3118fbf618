"""Baseline calibration: one parameter set against published remodeling before, during and after menopause.

Runs the default lumbar specimen of women from five years before to seven years after the final menstrual period,
with several seeds (specimen and cells), and prints for each published number: model, Monte-Carlo error, target, its
spread, and z = (model - target) / sqrt(SE_target^2 + SE_model^2 + d^2), d being the model's own allowance (1 % of
BMD, 15 % of a structural value).

    python benchmarks/menopause.py --seeds 6 --jobs 2
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

ENTRY_YEARS = -5.0
YEARS = 12.0
EVERY_DAYS = 61
STRUCTURE_DAYS = 1220


def one_seed(seed: int, overrides: dict) -> dict:
    """Simulate one woman; rows every two months, microarchitecture every 40."""
    import trabsim

    sim = trabsim.Simulation(
        "postmenopause",
        threads=1,
        overrides={
            "run.seed": seed,
            "specimen.seed": seed,
            "run.years": YEARS,
            "endocrine.age_years": 47.0,
            "endocrine.final_menstrual_period_age_years": 47.0 - ENTRY_YEARS,
            **overrides,
        },
    )
    rows: list[dict] = []

    def watch(sim: trabsim.Simulation) -> None:
        day = sim.clock.day
        if day >= 0 and day % EVERY_DAYS == 0:
            rows.append(sim.measure(day % STRUCTURE_DAYS == 0))

    sim.run(on_day=watch)
    return {"seed": seed, "rows": rows, "counters": sim.state.counters, "seconds": sim.seconds}


def series(runs: list[dict], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Years from the final menstrual period, and values of shape (runs, rows)."""
    years = np.array([row["day"] for row in runs[0]["rows"]]) / 365.25 + ENTRY_YEARS
    return years, np.array([[row.get(name, math.nan) for row in run["rows"]] for run in runs])


def evaluate(runs: list[dict], quantity: str, start: float, end: float) -> np.ndarray:
    """Value of a quantity for each run."""
    density = {
        "lumbar": "lumbar_spine_BMD_relative",
        "femoral": "femoral_neck_BMD_relative",
        "vBMD": "vBMD_mg_per_cm3",
    }
    for prefix, name in density.items():
        if quantity.startswith(prefix):
            years, values = series(runs, name)
            first, last = (np.array([np.interp(t, years, row) for row in values]) for t in (start, end))
            change = 100.0 * (last / first - 1.0)
            return change / (end - start) if quantity.endswith("per_year") else change
    years, values = series(runs, quantity)
    within = (years >= start) & (years <= end)
    return values[:, within].mean(axis=1)


def errors(row: dict) -> tuple[float, float]:
    """Standard error of a published value, and the allowance for the model."""
    value, n = float(row["value"]), float(row["n"])
    bmd = "BMD" in row["quantity"]
    if row["spread_kind"] == "SD":
        error = float(row["spread"]) / math.sqrt(n)
    elif row["spread_kind"] == "biopsy":
        error = 0.3 * abs(value)
    else:
        error = 2.0 if row["quantity"].startswith("vBMD") else 0.5
    return error, 1.0 if bmd else 0.15 * abs(value)


def report(runs: list[dict], table: Path) -> list[dict]:
    """Print the comparison; returns its rows."""
    print(f"{len(runs)} seeds: {', '.join(str(run['seed']) for run in runs)}")
    print(
        f"{'id':18s}{'quantity':30s}{'years':>12s}{'model':>10s}{'MC SE':>8s}{'target':>9s}{'SE':>7s}{'z':>7s}  use"
    )
    lines = []
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            start, end = float(row["from_years"]), float(row["to_years"])
            values = evaluate(runs, row["quantity"], start, end)
            mean = float(values.mean())
            own = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
            error, allowance = errors(row)
            z = (mean - float(row["value"])) / math.sqrt(
                error**2 + (own if own == own else 0.0) ** 2 + allowance**2
            )
            use = "fitted" if row["fitted"] == "yes" else "reported"
            lines.append(
                {
                    "id": row["id"],
                    "model": mean,
                    "MC_SE": own,
                    "target": float(row["value"]),
                    "SE": error,
                    "z": z,
                }
            )
            print(
                f"{row['id']:18s}{row['quantity']:30s}{start:6.1f}{end:6.1f}{mean:10.3f}{own:8.3f}"
                f"{float(row['value']):9.3f}{error:7.3f}{z:7.2f}  {use}"
            )
    for name in ("BV_TV", "Tb_Th_um", "Tb_Sp_um", "Tb_N_per_mm", "Conn_D_per_mm3"):
        years, values = series(runs, name)
        known = ~np.isnan(values).any(axis=0)
        changes = 100.0 * (values[:, known] / values[:, known][:, :1] - 1.0)
        text = (
            "  ".join(
                f"{y:+.1f} y {m:+.1f} ({s:.1f})"
                for y, m, s in zip(
                    years[known][1:], changes.mean(axis=0)[1:], changes.std(axis=0)[1:] / math.sqrt(len(runs))
                )
            )
            if name != "BV_TV"
            else "  ".join(
                f"{y:+.0f} y {100 * np.mean([np.interp(y, years, v) / v[0] - 1 for v in values]):+.1f}"
                for y in (-2, 0, 2, 5, 7)
            )
        )
        print(f"{name:16s} change in % since entry: {text}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--table", type=Path, default=Path(__file__).with_name("menopause_targets.csv"))
    parser.add_argument(
        "--keep", type=Path, help="write the runs to this JSON file, or read them from it if it exists"
    )
    args = parser.parse_args()
    from trabsim.config import parse_override

    if args.keep and args.keep.exists():
        runs = json.loads(args.keep.read_text())
    else:
        runs = []
        overrides = dict(parse_override(text) for text in args.set)
        with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
            tasks = [pool.submit(one_seed, seed, overrides) for seed in range(1, args.seeds + 1)]
            for task in as_completed(tasks):
                if task.exception() is not None:
                    print(f"a seed failed: {task.exception()}")
                    continue
                runs.append(task.result())
                if args.keep:  # after every seed, so that hours are not lost with the last one
                    args.keep.write_text(json.dumps(runs))
        runs.sort(key=lambda run: run["seed"])
    report(runs, args.table)


if __name__ == "__main__":
    main()
