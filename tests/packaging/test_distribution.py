"""What a user gets from the wheel, the source archive and an editable install."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import trabsim

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = {"trabsim": "trabsim", "viz": "trabsim/viz", "configs": "trabsim/configs"}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command without our own checkout on the path; returns its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def clean_copy(tmp_path_factory) -> Path:
    """Copy of what a package is made from, so that a build leaves nothing in the checkout."""
    copy = tmp_path_factory.mktemp("source") / "trabsim"
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in SOURCES:
        shutil.copytree(REPOSITORY / folder, copy / folder, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "constraints.txt"):
        shutil.copy(REPOSITORY / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(clean_copy, tmp_path_factory) -> Path:
    """The wheel, built from the source archive, so that the archive is proven complete too."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, clean_copy, cwd=folder)
    (built,) = folder.glob("*.whl")
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the wheel installed into it, nothing else."""
    target = tmp_path_factory.mktemp("installed")
    options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", *options, "--target", target, wheel, cwd=target)
    return target


def files_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_installs_exactly_one_top_level_name(wheel):
    top = {name.split("/")[0] for name in files_of(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == {"trabsim"}


@pytest.mark.parametrize("folder", SOURCES)
def test_wheel_holds_every_module_preset_and_kernel(wheel, folder):
    """A new subpackage that is missing in pyproject.toml is found here, not by the first user."""
    expected = {
        f"{SOURCES[folder]}/{path.relative_to(REPOSITORY / folder).as_posix()}"
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in {".py", ".toml", ".cu", ".cuh", ".h", ".html", ".css", ".js"}
    }
    assert expected
    assert expected - files_of(wheel) == set()


def test_wheel_holds_no_tests_and_no_caches(wheel):
    unwanted = re.compile(r"(^|/)(tests|benchmarks|docs|__pycache__)/|(^|/)test_")
    assert [name for name in files_of(wheel) if unwanted.search(name)] == []


def test_metadata_says_version_license_and_python(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Version"] == trabsim.__version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_installed_modules_come_from_the_installed_folder(installed, tmp_path):
    names = "trabsim", "trabsim.viz", "trabsim.configs", "trabsim.backends", "trabsim.agents"
    code = f"import importlib\nfor n in {names!r}: print(importlib.import_module(n).__file__)"
    places = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(installed)).splitlines()
    assert len(places) == len(names)
    assert all(Path(place).is_relative_to(installed) for place in places)


def test_installed_command_answers_and_knows_the_presets(installed, tmp_path):
    command = installed / "bin" / "trabsim"
    assert trabsim.__version__ in run(command, "--version", cwd=tmp_path, PYTHONPATH=str(installed))
    listed = run(command, "presets", cwd=tmp_path, PYTHONPATH=str(installed))
    presets = {path.stem for path in (REPOSITORY / "configs").glob("*.toml")}
    assert presets
    assert all(re.search(rf"\b{re.escape(preset)}\b", listed) for preset in presets)


def test_editable_install_finds_the_mapped_folders(clean_copy, tmp_path):
    """`viz/` and `configs/` stand beside `trabsim/` but are imported as parts of it."""
    build = f"from setuptools import build_meta; build_meta.build_editable({str(tmp_path)!r})"
    run(sys.executable, "-c", build, cwd=clean_copy)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path / "site")
    # -S leaves out site-packages, and with it the install these tests run from
    code = f"import site; site.addsitedir({str(tmp_path / 'site')!r})\n"
    code += "import trabsim, trabsim.viz, trabsim.configs\n"
    code += "print(trabsim.__file__, trabsim.viz.__file__, trabsim.configs.__file__, sep='\\n')"
    places = run(sys.executable, "-S", "-c", code, cwd=tmp_path).splitlines()
    folders = [Path(place).parent.relative_to(clean_copy).as_posix() for place in places]
    assert folders == ["trabsim", "viz", "configs"]
