"""The pinned versions satisfy what the package asks for, and name no address."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = [
    line.strip()
    for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]
# cuda12 is for older drivers and is not tested, hence not pinned
WANTED = PROJECT["dependencies"] + [
    text for extra, texts in PROJECT["optional-dependencies"].items() if extra != "cuda12" for text in texts
]


def pins() -> dict[str, str]:
    found = {}
    for line in LINES:
        name, version = line.split("==")
        found[canonicalize_name(name)] = version
    return found


def test_every_line_is_a_name_and_an_exact_version():
    """Addresses and options would tie the file to one place."""
    for line in LINES:
        requirement = Requirement(line)
        assert requirement.url is None
        (only,) = requirement.specifier
        assert only.operator == "=="
        assert "*" not in only.version


def test_no_name_is_pinned_twice():
    names = [canonicalize_name(line.split("==")[0]) for line in LINES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("text", sorted(set(WANTED)))
def test_pin_satisfies_the_requirement(text):
    requirement = Requirement(text)
    version = pins()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version), (
        f"constraints.txt pins {requirement.name} {version}, not {text}"
    )
