"""Time every static measurement, as a ratio to other tools that are installed, in one run.

The volume is the 200^3 reference mask where reference data are found (environment variable TRABSIM_SHARED, or
../shared beside the repository), else random bone of the same size and bone fraction.

    python benchmarks/bench_morphometry.py [--repeats 3] [--threads 2] [--side 200]

Each row is the best of the repeats, after one call that compiles.  Ratios above 1 say the other tool takes
longer, in wall and in processor seconds; on a busy machine trust the latter.  localthickness, quantimpy and
scikit-image are compared where they can be imported; what a row of theirs computes is in its name.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from trabsim import morphometry

SMI_STEP = 1e-3


def load_volume(side: int) -> tuple[np.ndarray, float, str]:
    """Bone, voxel size in um, and where it comes from."""
    folder = Path(os.environ.get("TRABSIM_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    packed = folder / "reference" / "mufe" / "masks.npz"
    if packed.is_file():
        with np.load(packed) as masks:
            bone = np.unpackbits(masks["m200"])[: 200**3].reshape(200, 200, 200).astype(bool)
        copies = -(-side // 200)
        return np.tile(bone, (copies,) * 3)[:side, :side, :side].copy(), 19.5, "reference mask"
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(1).normal(size=(side,) * 3).astype(np.float32), side / 30)
    return noise > np.quantile(noise, 0.766), 19.5, "random bone"


def best_seconds(call: Callable[[], object], repeats: int, warm: bool = True) -> tuple[float, float]:
    """Wall and processor seconds of the fastest of the repeats."""
    if warm:
        call()
    best = (np.inf, np.inf)
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    return best


def our_calls(bone: np.ndarray, voxel_um: float, threads: int) -> dict[str, Callable[[], object]]:
    volume = {"threads": threads}
    mask = np.zeros_like(bone)
    y, x = np.ogrid[: bone.shape[1], : bone.shape[2]]
    radius = min(bone.shape[1:]) / 2
    mask[:, (y - bone.shape[1] / 2 + 0.5) ** 2 + (x - bone.shape[2] / 2 + 0.5) ** 2 < radius**2] = True
    fraction = bone.astype(np.float32)
    return {
        "BV_TV": lambda: morphometry.bone_volume_fraction(bone),
        "BS": lambda: morphometry.bone_surface(bone, voxel_um, **volume),
        "BS from fraction": lambda: morphometry.surface_area_from_fraction(fraction, voxel_um, **volume),
        "Euler, Conn_D": lambda: morphometry.connectivity(bone, voxel_um, **volume),
        "SMI": lambda: morphometry.structure_model_index(bone, voxel_um, **volume),
        "DA": lambda: morphometry.fabric(bone, voxel_um, **volume),
        "Tb_Th": lambda: morphometry.trabecular_thickness(bone, voxel_um, **volume),
        "Tb_Sp": lambda: morphometry.trabecular_separation(bone, voxel_um, **volume),
        "plate, rod": lambda: morphometry.plate_rod(bone, voxel_um, **volume),
        "largest component": lambda: morphometry.largest_component(bone),
        "everything": lambda: morphometry.measure(bone, voxel_um, **volume),
        "everything, cylinder": lambda: morphometry.measure(bone, voxel_um, mask, **volume),
    }


def scikit_image_index(bone: np.ndarray) -> float:
    """SMI by scikit-image's mesh after a Gaussian of one voxel, moved along its normals."""
    from scipy.ndimage import gaussian_filter
    from skimage.measure import marching_cubes, mesh_surface_area

    smooth = np.pad(gaussian_filter(bone.astype(np.float32), 1.0), 1)
    points, triangles, normals, _ = marching_cubes(smooth, 0.5)
    area = mesh_surface_area(points, triangles)
    growth = (mesh_surface_area(points + SMI_STEP * normals, triangles) - area) / SMI_STEP
    a, b, c = (points[triangles[:, k]] for k in range(3))
    volume = abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6
    return 6 * volume * growth / area**2


def other_calls(bone: np.ndarray) -> dict[str, tuple[str, Callable[[], object]]]:
    """Calls of other tools, by name, with the row of ours they compute."""
    calls: dict[str, tuple[str, Callable[[], object]]] = {}
    try:
        from skimage.measure import euler_number, marching_cubes, mesh_surface_area
    except ImportError:
        pass
    else:
        calls["scikit-image: Euler number"] = (
            "Euler, Conn_D",
            lambda: euler_number(np.pad(bone, 1), connectivity=3),
        )
        calls["scikit-image: raw mesh area"] = (
            "BS",
            lambda: mesh_surface_area(*marching_cubes(bone.astype(np.float32), 0.5)[:2]),
        )
        calls["scikit-image: SMI, Gaussian 1"] = ("SMI", lambda: scikit_image_index(bone))
    try:
        import quantimpy.minkowski
    except (ImportError, ValueError):  # its wheel refuses newer NumPy with a ValueError
        pass
    else:
        calls["quantimpy: BV, BS, curvature, Euler (other conventions)"] = (
            "SMI",
            lambda: quantimpy.minkowski.functionals(bone),
        )
    try:
        import localthickness
    except ImportError:
        pass
    else:
        calls["localthickness: Tb_Th"] = ("Tb_Th", lambda: localthickness.local_thickness(bone))
        calls["localthickness: Tb_Sp"] = ("Tb_Sp", lambda: localthickness.local_thickness(~bone))
    return calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=200)
    parser.add_argument("--skip-others", action="store_true")
    options = parser.parse_args()
    bone, voxel_um, source = load_volume(options.side)
    print(f"{source}, {bone.shape}, BV/TV {bone.mean():.3f}")
    print(f"{options.threads} threads, best of {options.repeats}\n")
    print(f"{'measurement':<56}{'wall s':>9}{'cpu s':>9}{'ratios':>16}")
    ours = {}
    for name, call in our_calls(bone, voxel_um, options.threads).items():
        wall, cpu = ours[name] = best_seconds(call, options.repeats)
        print(f"{name:<56}{wall:>9.3f}{cpu:>9.3f}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak_mb:.0f} MB with compiled code; the volume has {bone.nbytes / 1e6:.0f} MB\n")
    if options.skip_others:
        return
    for name, (row, call) in other_calls(bone).items():
        slow = row in ("Tb_Th", "Tb_Sp")
        wall, cpu = best_seconds(call, 1 if slow else options.repeats, warm=not slow)
        print(f"{name:<56}{wall:>9.3f}{cpu:>9.3f}{wall / ours[row][0]:>7.1f}x{cpu / ours[row][1]:>7.1f}x")


if __name__ == "__main__":
    main()
