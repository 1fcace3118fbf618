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
    "imageio_ffmpeg": ("mp4 films", 'pip install "trabsim[viz]"'),
    "SimpleITK": ("scans in NIfTI, MetaImage, NRRD and DICOM", 'pip install "trabsim[scans]"'),
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
    missing = {name: extra for name, extra in EXTRAS.items() if find_spec(name) is None}
    click.echo("\nmissing" if missing else "\nnothing is missing")
    for name, (purpose, how) in missing.items():
        click.echo(f"  {name}, for {purpose}: {how}")


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


def _pictures() -> str:
    from trabsim.viz import ask_pyvista
    from trabsim.viz.probe import INSTALL_HINT

    answer = ask_pyvista()
    if answer.usable:
        return f"PyVista draws with {answer.reason}"
    return f"drawn by trabsim itself, since PyVista cannot: {answer.reason}; for PyVista: {INSTALL_HINT}"
