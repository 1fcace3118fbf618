"""Draw a checkpoint of 512 x 512 x 512 voxels, and measure time and memory.

Usage: ``python benchmarks/big_picture.py [--edge 512] [--out benchmarks/results/big_picture.json]``

The checkpoint is made up: a random network of 15 % bone with mineral of random age, in the layout of a real one.
Every picture is drawn in a process of its own, whose peak memory is that of the picture alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from scipy import ndimage

from trabsim.state import FULL, VARIABLES

PICTURES = {
    "bone": ("render_checkpoint", {}),
    "mineral": ("render_checkpoint", {"color": "mineral"}),
    "field on a plane": ("render_field", {"field": "rankl"}),
    "bone, built-in ray caster": ("render_checkpoint", {"renderer": "plain"}),
    "bone, all voxels": ("render_checkpoint", {"box": None}),
}


def write_checkpoint(path: Path, edge: int, seed: int = 1) -> None:
    """A network of bone that repeats after half the edge, with a day of formation and a field."""
    half = edge // 2
    noise = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=(half,) * 3).astype(np.float32), 6.0, mode="wrap"
    )
    level = np.quantile(np.abs(noise), 0.15)
    bone = np.where(np.abs(noise) < level, FULL, 0).astype(np.int32)
    day = (-3000 + 2000 * noise / noise.std()).astype(np.int32)
    field = np.where(bone == 0, np.exp(-np.abs(noise) / level), 0).astype(np.float32)
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        image = file.create_group("VTKHDF")
        image.attrs["Version"] = np.array([1, 0], np.int64)
        image.attrs["Type"] = np.bytes_(b"ImageData")
        image.attrs["WholeExtent"] = np.array([0, edge] * 3, np.int64)
        image.attrs["Origin"], image.attrs["Direction"] = np.zeros(3), np.eye(3).ravel()
        image.attrs["Spacing"] = np.full(3, 20.0)
        cells = image.create_group("CellData")
        one = np.ones((half,) * 3, np.uint8)
        arrays = {"bone": bone, "tissue": one, "formed_day": day, "rankl_soluble": field}
        stored_as = {variable.name: variable.name_in_files for variable in VARIABLES}
        for name, values in arrays.items():
            stored = cells.create_dataset(
                stored_as[name],
                shape=(edge,) * 3,
                dtype=values.dtype,
                chunks=(1, edge, edge),
                compression="gzip",
                compression_opts=1,
                shuffle=True,
                fletcher32=True,
            )
            for z in range(edge):
                stored[z] = np.tile(values[z % half], (2, 2))
        file.create_group("trabsim").attrs["day"] = np.int64(365)


def draw(path: Path, out: Path, function: str, options: dict, answers: multiprocessing.Queue) -> None:
    """Draw in this process, and answer with seconds, gigabytes at the peak, and what was said."""
    from PIL import Image

    from trabsim import viz

    options = dict(options)
    if "box" in options:
        from trabsim.viz import pictures

        pictures.MOST_VOXELS = None
        del options["box"]
    began, worked = time.perf_counter(), time.process_time()
    how = getattr(viz, function)(path, out, size=(1600, 1200), **options)
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    with Image.open(out) as picture:
        said = dict(picture.text)
    answers.put(
        {
            "seconds": round(seconds, 1),
            "processor_seconds": round(processor, 1),
            "peak_GB": round(peak, 2),
            "how": how,
            "metadata": said,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edge", type=int, default=512)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/big_picture.json"))
    parser.add_argument("--pictures", type=Path, help="keep the pictures in this folder")
    parser.add_argument("--all-voxels", action="store_true", help="also draw without merging voxels")
    asked = parser.parse_args()
    results: dict[str, object] = {"machine": platform.machine(), "cores": os.cpu_count(), "edge": asked.edge}
    results["load_average_at_start"] = round(os.getloadavg()[0], 1)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        place = asked.pictures or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        path = Path(folder) / "day_000365.vtkhdf"
        write_checkpoint(path, asked.edge)
        results["checkpoint_MB"] = round(path.stat().st_size / 1e6, 1)
        for name, (function, options) in PICTURES.items():
            if "box" in options and not asked.all_voxels:
                continue
            answers = context.Queue()
            out = place / f"{name.replace(' ', '_').replace(',', '')}.png"
            process = context.Process(target=draw, args=(path, out, function, options, answers))
            process.start()
            process.join()
            results[name] = answers.get() if process.exitcode == 0 else f"exit code {process.exitcode}"
            print(name, results[name], file=sys.stderr, flush=True)
            asked.out.parent.mkdir(parents=True, exist_ok=True)
            asked.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
