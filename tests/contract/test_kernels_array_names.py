"""Array code of the model uses only names that NumPy and CuPy both have."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest

import trabsim

PACKAGE = Path(trabsim.__file__).parent


def _names(module: str) -> dict[str, set[str]]:
    """Give each attribute chain asked of a variable or attribute called ``module`` and the files that do."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name.startswith(("_cpu", "numpy_backend", "reference")):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            chain: list[str] = []
            while isinstance(node, ast.Attribute):
                chain.insert(0, node.attr)
                if (isinstance(node.value, ast.Name) and node.value.id == module) or (
                    isinstance(node.value, ast.Attribute) and node.value.attr == module
                ):
                    found.setdefault(".".join(chain), set()).add(path.name)
                    break
                node = node.value
    return found


def _resolves(namespace, chain: str) -> bool:
    """True if the module or the first thing it holds that is no module has what is asked."""
    thing = namespace
    for part in chain.split("."):
        if thing is not namespace and not hasattr(thing, "__path__"):
            return True
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True


def test_the_scan_finds_what_array_code_uses():
    names = _names("xp")
    assert {"asarray", "flatnonzero", "zeros"} <= names.keys()
    assert "distance_transform_edt" in _names("ndi")


def test_every_name_exists_in_numpy():
    missing = {chain: files for chain, files in _names("xp").items() if not _resolves(np, chain)}
    assert not missing


@pytest.mark.parametrize(("variable", "module"), [("xp", "cupy"), ("ndi", "cupyx.scipy.ndimage")])
def test_every_name_exists_in_cupy(variable, module):
    """CuPy imports without a driver, so this needs the package and no device."""
    pytest.importorskip("cupy", reason="CuPy is not installed", exc_type=ImportError)
    namespace = importlib.import_module(module)
    missing = {chain: files for chain, files in _names(variable).items() if not _resolves(namespace, chain)}
    assert not missing
