"""``trabsim info`` and ``trabsim bench``."""

from __future__ import annotations

import platform
from importlib import import_module
from importlib.util import find_spec

import click

import trabsim
from trabsim.backends import get_backend
from trabsim.cli_text import echo_json, number, table
from trabsim.errors import BackendError, RunError
from trabsim.memory import gigabytes
from trabsim.provenance import git_state, package_versions

#: Optional packages: what they are for, and how to get them.
EXTRAS = {
    "pyvista": ("pictures of checkpoints", 'pip install "trabsim[viz]"'),
    "matplotlib": ("plots of the series", 'pip install "trabsim[viz]"'),
    "imageio": ("gif films", 'pip install "trabsim[viz]"'),
    "imageio_ffmpeg": ("mp4 films", 'pip install "trabsim[viz]"'),
    "trame": ("the page of 'trabsim view'", 'pip install "trabsim[view]"'),
    "trame_vtk": ("the picture in the page of 'trabsim view'", 'pip install "trabsim[view]"'),
    "nibabel": ("NIfTI scans and volumes", 'pip install "trabsim[export]"'),
    "zarr": ("OME-Zarr volumes", 'pip install "trabsim[export]"'),
    "SimpleITK": ("scans in MetaImage, NRRD and DICOM", 'pip install "trabsim[scans]"'),
    "cupy": ("computing on an NVIDIA GPU", 'pip install "trabsim[cuda13]"'),
}


def show_info() -> None:
    """Show versions, devices, and what is missing."""
    commit = git_state().get("git_commit")
    click.echo(f"trabsim {trabsim.__version__}{f', commit {commit[:12]}' if commit else ''}")
    click.echo(f"Python {platform.python_version()} on {platform.platform(terse=True)}")
    click.echo(table(("\npackages", ""), package_versions().items()))
    click.echo("\nbackends")
    for name in ("numpy", "cupy"):
        click.echo(f"  {name}: {_backend(name)}")
    click.echo("\npictures")
    click.echo(f"  {_pictures()}")
    missing = [
        f"{name}, for {what}: {how}" for name, (what, how) in EXTRAS.items() if find_spec(name) is None
    ]
    missing += [line for line in (_ffmpeg(),) if line is not None]
    click.echo("\nmissing" if missing else "\nnothing is missing")
    for line in missing:
        click.echo(f"  {line}")


def show_bench(as_json: bool, backend: str, threads: int | None) -> None:
    """Run the benchmark and show its figures."""
    try:
        bench = import_module("trabsim.bench")
    except ModuleNotFoundError:
        raise RunError("this installation holds no benchmark; install trabsim again") from None
    figures = bench.run_bench(backend=backend, threads=threads)
    if as_json:
        echo_json(figures)
        return
    rows = [(name, number(v) if isinstance(v, (int, float)) else str(v)) for name, v in figures.items()]
    click.echo(table(("", ""), rows))


def _backend(name: str) -> str:
    try:
        backend = get_backend(name)
    except BackendError as error:
        return f"not available: {error}"
    free = gigabytes(backend.memory_available_bytes())
    return f"{backend.device_name}, threads {backend.threads}, {free} free"


def _ffmpeg() -> str | None:
    """What keeps mp4 films from being made although the package is there; None where nothing does."""
    if find_spec("imageio_ffmpeg") is None:
        return None
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        get_ffmpeg_exe()
    except RuntimeError:
        return "ffmpeg, for mp4 films: apt install ffmpeg, or install imageio-ffmpeg from a wheel"
    return None


def _pictures() -> str:
    from trabsim.viz import ask_pyvista
    from trabsim.viz.probe import INSTALL_HINT

    answer = ask_pyvista()
    if answer.usable:
        return f"PyVista draws with {answer.reason}"
    return f"drawn by trabsim itself, since PyVista cannot: {answer.reason}; for PyVista: {INSTALL_HINT}"
