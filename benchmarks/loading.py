"""What load does to bone over years: kept, turned, taken away, added.

A premenopausal lumbar specimen (64^3 voxels of 40 um, estradiol constant) lives 20 years under the loads it is
adapted to, and from the same entry 8 years under loads turned by 90 degrees, halved, or raised three days a week; each
with several seeds.  Prints the course of each arm, and where the change is: among the bone that carried
least and the bone that carried most at entry.

    python benchmarks/loading.py --seeds 3 --jobs 2 --keep runs/loading
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

YEARS, OTHER_YEARS = 20.0, 8.0
BASE: dict[str, Any] = {
    "specimen.preset": "lumbar_woman_30",
    "specimen.shape": [64, 64, 64],
    "specimen.voxel_size_um": 40.0,
    "endocrine.age_years": 30.0,
    "endocrine.estradiol_table": [[0.0, 90.0]],
    "run.spin_up_days": 730,
}
#: Usual loads: mostly along the spine, as large as make the specimen's tissue feel what osteocytes hold for usual
#: (`[mechanics] target_energy_kPa`): below it, constant load is disuse.  Turned: the same along x.
ALONG_Z = [
    [0, 0, -1.3, 0, 0, 0],
    [-0.65, 0, 0, 0, 0, 0],
    [0, -0.65, 0, 0, 0, 0],
    [0, 0, 0, 0.5, 0, 0],
    [0, 0, 0, 0, 0.5, 0],
]
ALONG_X = [
    [-1.3, 0, 0, 0, 0, 0],
    [0, 0, -0.65, 0, 0, 0],
    [0, -0.65, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0.5],
    [0, 0, 0, 0, 0.5, 0],
]
ARMS: dict[str, list[dict[str, Any]]] = {
    "constant": [],
    "turned": [{"start_day": 1, "stresses_MPa": ALONG_X}],
    "halved": [{"start_day": 1, "scale": 0.5}],
    "exercise": [{"kind": "exercise", "start_day": 1, "scale": 1.5, "days_per_week": 3.0}],
}


def settings(arm: str, seed: int, years: float, extra: dict[str, Any]) -> dict[str, Any]:
    """What a specimen of a seed lives through."""
    return {
        **BASE,
        "run.seed": seed,
        "specimen.seed": seed,
        "run.years": years,
        "mechanics.stresses_MPa": ALONG_Z,
        "mechanics.program": ARMS[arm],
        **extra,
    }


def live(arm: str, seed: int, years: float, folder: Path, extra: dict[str, Any]) -> None:
    """Run one specimen, or what is left of it; every arm goes on from where constant load stands at entry."""
    import trabsim
    from trabsim.checkpoint import read_checkpoint

    config = trabsim.load_config("postmenopause", settings(arm, seed, years, extra))
    path = folder / f"{arm}_{seed}"
    if path.exists():
        sim = trabsim.Simulation.from_run(path, threads=1)
    elif arm == "constant":
        sim = trabsim.Simulation(config, threads=1, run_folder=path)
    else:
        backend = trabsim.get_backend("numpy", threads=1)
        state, day, _ = read_checkpoint(trabsim.open_run(folder / f"constant_{seed}").checkpoints[0], backend)
        sim = trabsim.Simulation.from_state(config, state, day, backend=backend, run_folder=path)
    sim.run()


def read(arm: str, seed: int, years: float, folder: Path) -> dict[str, Any]:
    """What a run folder says: a row a year, the fabric in it, and where bone changed."""
    import trabsim
    from trabsim.checkpoint import read_checkpoint
    from trabsim.morphometry.anisotropy import fabric
    from trabsim.state import FULL

    run = trabsim.open_run(folder / f"{arm}_{seed}")
    backend = trabsim.get_backend("numpy", threads=1)
    rows: list[dict[str, float]] = []
    kept: dict[str, np.ndarray] = {}
    last = round(years * 365.25)
    # an arm begins with the bone of the constant one
    entry = trabsim.open_run(folder / f"constant_{seed}").checkpoints[0]
    points = {0: entry} | {day: path for day, path in run.checkpoints.items() if 0 < day <= last}
    series = {int(row["day"]): dict(row) for _, row in run.series.iterrows()}
    for day, path in sorted(points.items()):
        state, _, _ = read_checkpoint(path, backend)
        bone = 2 * state.bone[3:-3, 3:-3, 3:-3] >= FULL
        tensor = fabric(bone, state.voxel_size_um).tensor
        known = [d for d in series if 0 <= d <= day] or [min(series)]
        row = {k: v for k, v in series[max(known)].items() if isinstance(v, float)} | {"day": day}
        rows.append(row | {f"fabric_{axis}": float(tensor[i, i]) for i, axis in enumerate("zyx")})
        if day == 0:
            kept |= {"bone_before": state.bone / FULL, "energy_before": state.strain_energy.copy()}
        kept["bone_after"] = state.bone / FULL
    return {"arm": arm, "seed": seed, "rows": rows, "change": change_by_load(kept)}


def change_by_load(kept: dict[str, np.ndarray]) -> list[float]:
    """Change of bone in % in the four quarters of the surface region, from least to most loaded at entry.

    Every voxel within two voxels of bone at entry belongs to the bone nearest to it.
    """
    from scipy import ndimage

    before = kept["bone_before"]
    solid = before >= 0.5
    distance, nearest = ndimage.distance_transform_edt(~solid, return_indices=True)
    energy = np.where(solid, ndimage.uniform_filter(kept["energy_before"], 3), 0.0)[tuple(nearest)]
    near = distance <= 2
    edges = np.quantile(energy[solid], [0.25, 0.5, 0.75])
    quarter = np.digitize(energy, edges)
    return [
        float(
            100.0
            * (kept["bone_after"][near & (quarter == q)].sum() / before[near & (quarter == q)].sum() - 1.0)
        )
        for q in range(4)
    ]


def report(lives: list[dict[str, Any]]) -> None:
    """Print the course of each arm."""
    for arm in ARMS:
        runs = [run for run in lives if run["arm"] == arm]
        if not runs:
            continue
        print(f"\n{arm}, {len(runs)} seed(s)")
        print("year  BV/TV  change %/y   DA   fabric z/x   stiffness z  x MPa   strength N   stimulus")
        for k in range(0, len(runs[0]["rows"]), 2):
            rows = [run["rows"][k] for run in runs]
            first = [run["rows"][0] for run in runs]
            mean = {name: float(np.mean([row.get(name, np.nan) for row in rows])) for name in rows[0]}
            years = rows[0]["day"] / 365.25
            per_year = [
                100 * (row["potential_BV_TV"] / start["potential_BV_TV"] - 1) / max(years, 1e-9)
                for row, start in zip(rows, first)
            ]
            spread = np.std(per_year, ddof=1) / len(runs) ** 0.5 if len(runs) > 1 else float("nan")
            print(
                f"{years:4.0f}  {mean['BV_TV']:.4f}  {np.mean(per_year):6.2f} ({spread:.2f})"
                f"  {mean.get('DA', np.nan):.3f}  {mean['fabric_z'] / mean['fabric_x']:8.3f}"
                f"  {mean['stiffness_z_MPa']:10.0f} {mean['stiffness_x_MPa']:6.0f}  {mean['failure_load_N']:9.1f}"
                f"  {mean['mechanical_stimulus']:9.3f}"
            )
        quarters = np.mean([run["change"] for run in runs], axis=0)
        text = "  ".join(f"{value:+.1f}" for value in quarters)
        print(f"change of bone in % by load at entry, quarters from least to most: {text}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--years", type=float, default=YEARS, help="of the constant load")
    parser.add_argument("--other-years", type=float, default=OTHER_YEARS, help="of the other arms")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--keep", type=Path, required=True, help="folder for the runs; those it holds go on or are read"
    )
    args = parser.parse_args()
    from trabsim.config import parse_override

    extra = dict(parse_override(text) for text in args.set)
    years = {arm: args.years if arm == "constant" else args.other_years for arm in ARMS}
    seeds = range(1, args.seeds + 1)
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        waiting = {
            pool.submit(live, "constant", seed, years["constant"], args.keep, extra): seed for seed in seeds
        }
        others = []
        for done in as_completed(waiting):
            done.result()
            for arm in list(ARMS)[1:]:
                others.append(pool.submit(live, arm, waiting[done], years[arm], args.keep, extra))
        for done in as_completed(others):
            done.result()
    lives = [read(arm, seed, years[arm], args.keep) for arm in ARMS for seed in seeds]
    (args.keep / "lives.json").write_text(json.dumps(lives))
    report(lives)


if __name__ == "__main__":
    main()
