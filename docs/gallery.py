"""Draw the pictures of the gallery from runs that the gallery names.

Usage: ``python docs/gallery.py RUNS [--simulate] [--only NAME]``

RUNS is a folder that holds the runs below, each in a folder of its name; ``--simulate`` makes those that are missing.
Pictures go to ``docs/pictures``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trabsim import viz

PICTURES = Path(__file__).parent / "pictures"
_SMALL = ("--set", "specimen.shape=[64,64,64]", "--set", "run.years=2", "--set", "run.spin_up_days=365")

#: Arguments of ``trabsim run`` for each run of the gallery.
RUNS: dict[str, tuple[str, ...]] = {
    "untreated": ("postmenopausal_osteoporosis", *_SMALL),
    "alendronate": ("alendronate", *_SMALL),
    "denosumab": ("denosumab", *_SMALL),
    "teriparatide": ("teriparatide", *_SMALL),
    "postmenopause": ("postmenopause",),
    "decade": (
        *("postmenopause", "--set", "run.years=11"),
        *("--set", 'output=[{kind="series"}, {kind="checkpoint", every_days=60}]'),
    ),
    "section": (
        "teriparatide",
        *("--set", "specimen.shape=[80,80,80]", "--set", "specimen.voxel_size_um=20"),
        *("--set", "run.spin_up_days=365", "--set", "labels.days=[[95,109]]", "--until", "98"),
    ),
}
ARMS = ("untreated", "alendronate", "denosumab", "teriparatide")
SIZE = (1200, 900)


def pictures(runs: Path) -> dict[str, tuple[tuple[str, ...], Callable[[Path], object]]]:
    """For each picture the runs it needs, and how it is drawn."""
    arms = [runs / name for name in ARMS]
    course = runs / "postmenopause"
    small = (16, 64, 16, 64, 16, 64)
    return {
        "gallery_compare.png": (ARMS, lambda out: viz.compare(arms, out)),
        "gallery_strip.png": (("postmenopause",), lambda out: viz.render_strip(course, out)),
        "gallery_distance.png": (
            ("postmenopause",),
            lambda out: viz.render_loss(
                course / "checkpoints" / "day_000000.vtkhdf", course, out, size=SIZE, distance=True
            ),
        ),
        "gallery_cells.png": (
            ("postmenopause",),
            lambda out: viz.render_cells(course, out, size=SIZE, box=small),
        ),
        "gallery_osteocytes.png": (
            ("postmenopause",),
            lambda out: viz.render_cells(
                course, out, size=SIZE, box=small, layers=("osteoclasts", "osteocytes")
            ),
        ),
        "gallery_mineral.png": (
            ("postmenopause",),
            lambda out: viz.render_checkpoint(course, out, size=SIZE, color="mineral"),
        ),
        "gallery_thickness.png": (
            ("postmenopause",),
            lambda out: viz.render_checkpoint(course, out, size=SIZE, color="thickness"),
        ),
        "gallery_rankl.png": (
            ("alendronate",),
            lambda out: viz.render_field(runs / "alendronate", out, field="rankl", size=SIZE),
        ),
        "gallery_cloud.png": (
            ("alendronate",),
            lambda out: viz.render_field(runs / "alendronate", out, field="opg", how="volume", size=SIZE),
        ),
        "gallery_section.png": (
            ("section",),
            lambda out: viz.render_section(runs / "section", out, size=SIZE, box=(40, 70, 0, 44, 36, 80)),
        ),
        "gallery_decade.png": (("decade",), lambda out: viz.render_strip(runs / "decade", out, dpi=150)),
        "gallery_film.gif": (("postmenopause",), lambda out: viz.movie(course, out, size=(560, 480))),
        "gallery_turn.gif": (
            ("alendronate",),
            lambda out: viz.turntable(runs / "alendronate", out, size=(420, 360), frames=36, seconds=5.0),
        ),
        "gallery_clinical.svg": (ARMS, lambda out: viz.plot_clinical(arms, out)),
        "gallery_morphometry.svg": (ARMS, lambda out: viz.plot_morphometry(arms, out)),
        "gallery_mineral_distribution.svg": (ARMS, lambda out: viz.plot_mineral(arms, out)),
        "gallery_sites.svg": (("postmenopause",), lambda out: viz.plot_sites(course, out)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, help="folder of the runs")
    parser.add_argument(
        "--simulate", action="store_true", help="make the runs that are missing (minutes each)"
    )
    parser.add_argument("--only", help="draw only pictures whose name holds this")
    asked = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    for name, arguments in RUNS.items():
        if asked.simulate and not (asked.runs / name).exists():
            subprocess.run(
                [sys.executable, "-m", "trabsim", "run", *arguments, "-o", str(asked.runs / name)], check=True
            )
    for name, (needed, draw) in pictures(asked.runs).items():
        if asked.only and asked.only not in name:
            continue
        absent = [run for run in needed if not (asked.runs / run).is_dir()]
        if absent:
            print(f"{name}: left out, there is no run {', '.join(absent)}")
            continue
        began = time.perf_counter()
        print(f"{name}: {draw(PICTURES / name)} ({time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
