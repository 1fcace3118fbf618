"""Where a result comes from: versions, device, seed, specimen, and every start of a run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import trabsim
from trabsim.checkpoint import SCHEMA
from trabsim.tissue.specimen import Specimen

#: Packages whose version may matter to a result; those that are not installed are left out.
PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "h5py",
    "pandas",
    "pydantic",
    "scikit-image",
    "edt",
    "connected-components-3d",
    "tifffile",
    "pillow",
    "SimpleITK",
    "pyvista",
    "vtk",
    "cupy-cuda12x",
    "cupy-cuda13x",
)


def now() -> str:
    """The time in UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def software() -> dict[str, Any]:
    """Versions of trabsim, Python and every package that may matter."""
    return {
        "trabsim": trabsim.__version__,
        **git_state(),
        "checkpoint_schema": SCHEMA,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "packages": package_versions(),
    }


def package_versions() -> dict[str, str]:
    """Versions of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def git_state() -> dict[str, Any]:
    """Commit of the checkout that the code runs from, and how many files of it were changed since.

    Empty where the package is installed, not checked out.
    """
    checkout = Path(trabsim.__file__).resolve().parents[1]
    if not (checkout / ".git").exists():
        return {}
    try:
        commit, changes = (
            subprocess.run(
                ["git", "-C", str(checkout), *arguments],
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
            ).stdout.strip()
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git_commit": commit, "git_changed_files": len(changes.splitlines())}


def machine(backend: Any) -> dict[str, Any]:
    """Backend, device and threads."""
    return {"backend": backend.name, "device": backend.device_name, "threads": backend.threads}


def describe_specimen(specimen: Specimen) -> dict[str, Any]:
    """Source, size, checksum and report of a specimen."""
    return {
        "source": specimen.source,
        "shape": list(specimen.shape),
        "voxel_size_um": specimen.voxel_size_um,
        "BV_TV": specimen.BV_TV,
        "sha256": specimen_checksum(specimen),
        "report": plain(specimen.report),
    }


def specimen_checksum(specimen: Specimen) -> str:
    """SHA-256 over shape, voxel size, bone fractions and tissue."""
    digest = hashlib.sha256(np.array([*specimen.shape, specimen.voxel_size_um], "<f8").tobytes())
    digest.update(np.ascontiguousarray(specimen.bone_fraction, "<f4").data)
    if specimen.tissue is not None:
        digest.update(np.packbits(specimen.tissue).data)
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """Make a value fit for JSON: no NumPy types, no paths, and None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
