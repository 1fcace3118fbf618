"""Public code explains itself: numpydoc sections that match the signature."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from numpydoc.validate import validate

import trabsim

#: Modules whose functions are called by users or by other tools: every parameter and result is described.
INTERFACE = (
    "trabsim.backends",
    "trabsim.config",
    "trabsim.morphometry",
    "trabsim.runfile",
    "trabsim.simulation",
)
#: Mistakes that are not accepted there (see the list of codes in numpydoc's documentation).
RULES = {
    "GL07": "sections in the usual order",
    "GL08": "no docstring",
    "PR01": "a parameter is not described",
    "PR02": "a parameter is described that does not exist",
    "PR03": "parameters in another order",
    "PR10": "space before the colon",
    "RT01": "the result is not described",
    "YD01": "what is yielded is not described",
}


def public_modules() -> list[str]:
    """Names of modules without a leading underscore; backends that need a GPU are left out."""
    names = [m.name for m in pkgutil.walk_packages(trabsim.__path__, "trabsim.")]
    hidden = [n for n in names if any(part.startswith("_") for part in n.split(".")) or "cupy" in n]
    return sorted(set(names) - set(hidden))


def public_members(module: str) -> Iterator[tuple[str, Any]]:
    """Public functions, classes and methods that a module defines, by their import path."""
    content = importlib.import_module(module)
    for name, member in vars(content).items():
        if name.startswith("_") or getattr(member, "__module__", None) != module:
            continue
        if inspect.isfunction(member) or inspect.isclass(member):
            yield f"{module}.{name}", member
        if inspect.isclass(member):
            for method, function in vars(member).items():
                plain = getattr(function, "__func__", function)
                if not method.startswith("_") and inspect.isfunction(plain):
                    yield f"{module}.{name}.{method}", plain


@pytest.mark.parametrize("module", public_modules())
def test_everything_public_has_a_docstring(module):
    """A method may leave it to the class it overrides a method of."""
    assert [path for path, member in public_members(module) if not inspect.getdoc(member)] == []


@pytest.mark.parametrize("module", [name for name in public_modules() if name.startswith(INTERFACE)])
def test_interface_describes_every_parameter_and_result(module):
    wrong = []
    for path, member in public_members(module):
        if not member.__doc__:
            continue  # it overrides a method that has one
        sections = "Parameters\n---" in (inspect.getdoc(member) or "")
        for code, text in validate(path)["errors"]:
            # one line is enough for a small function whose names and types say the rest
            if code in RULES and (sections or code == "GL08"):
                wrong.append(f"{path}: {code} {text}")
    assert wrong == []


@pytest.mark.parametrize("name", trabsim.__all__)
def test_public_names_can_be_imported(name):
    assert getattr(trabsim, name) is not None


@pytest.mark.parametrize("name", sorted(set(trabsim.__all__) - {"__version__", "Config"}))
def test_public_names_are_described_in_full(name):
    errors = validate(f"{getattr(trabsim, name).__module__}.{name}")["errors"]
    assert [text for code, text in errors if code in RULES] == []
