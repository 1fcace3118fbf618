"""The documentation tells the truth: its examples run, its commands exist, its links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import trabsim

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").glob("**/*.md")),
]
PAGES = [page for page in PAGES if "_build" not in page.parts]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

#: What makes the README's example, which takes minutes, fit into a test.  Each text must be there.
QUICK = {
    '"postmenopause", backend="auto"': '"postmenopause", overrides=QUICK, backend="numpy"',
    "years=5": "days=12",
}
OVERRIDES = {
    "specimen.shape": [32, 32, 32],
    "specimen.voxel_size_um": 40.0,
    "run.spin_up_days": 12,
}


def page_name(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def blocks(page: Path, *languages: str) -> list[str]:
    """Contents of the fenced blocks in one of the languages."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [body for language, body in found if language in languages]


@pytest.fixture
def from_code() -> Any:
    """The module that writes tables from the code."""
    folder = str(REPOSITORY / "docs" / "extensions")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("from_code")
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=page_name)
def test_python_examples_run(page, tmp_path, monkeypatch):
    """The blocks of one page run in order, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "example", "QUICK": OVERRIDES}
    for block in blocks(page, "python"):
        if page.name == "README.md":
            for slow, quick in QUICK.items():
                assert slow in block
                block = block.replace(slow, quick)
        exec(compile(block, page_name(page), "exec"), names)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "toml")], ids=page_name)
def test_configuration_examples_are_valid(page):
    for block in blocks(page, "toml"):
        trabsim.load_config(tomllib.loads(block))


def test_docstring_examples_hold():
    failed = {}
    for module in pkgutil.walk_packages(trabsim.__path__, "trabsim."):
        if not any(part in module.name for part in ("cupy", "__main__", ".viz")):
            failed[module.name] = doctest.testmod(importlib.import_module(module.name)).failed
    assert {name for name, number in failed.items() if number} == set()


def test_continuous_integration_runs_exactly_the_readmes_test_command():
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    lines = [line for line in script if line and not line.startswith(("#", "set ", "cd "))]
    commands = [block.strip() for block in blocks(REPOSITORY / "README.md", "bash")]
    assert len(commands) == 2
    assert lines == [commands[1]]
    assert (REPOSITORY / shlex.split(commands[1])[-1]).is_file()


def test_the_readmes_first_command_is_one_line_that_runs_the_default_preset():
    from trabsim.config import DEFAULT_PRESET, preset_names

    first = blocks(REPOSITORY / "README.md", "bash")[0].strip()
    assert "\n" not in first
    assert f"trabsim run {DEFAULT_PRESET} " in first
    assert DEFAULT_PRESET in preset_names()
    assert "-c constraints.txt" in first
    assert ".[viz]" in first


def command_lines() -> list[tuple[str, str]]:
    """Every call of trabsim that a page shows, with the page."""
    found = []
    for page in PAGES:
        for block in blocks(page, "bash", "console"):
            text = block.replace("\\\n", " ")
            calls = re.findall(r"(?:^|&& |\$ |/)trabsim( [^\n&|]+)", text, re.MULTILINE)
            found += [(page_name(page), call.split(" #")[0].strip()) for call in calls]
    return found


def test_commands_in_the_pages_exist(from_code):
    """Each word up to the first argument names a command, and each option is one that command has."""
    import click

    known = dict(from_code.commands())
    assert command_lines()
    for page, line in command_lines():
        words = shlex.split(line)
        name = "trabsim"
        while words and isinstance(known[name], click.Group) and not words[0].startswith("-"):
            name = f"{name} {words.pop(0)}"
            assert name in known, f"{page}: there is no command '{name}'"
        options = {o for p in known[name].params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        for word in words:
            if re.match(r"--?[a-zA-Z]", word):
                assert word.split("=")[0] in options, f"{page}: '{name}' has no option {word}"


def test_settings_shown_on_the_command_line_exist(from_code):
    tables = from_code.parameter_tables()
    for page, line in command_lines():
        for key in re.findall(r"--set[ =]['\"]?(\w+\.\w+)=", line):
            table, name = key.split(".")
            assert name in tables[table].model_fields, f"{page}: there is no parameter {key}"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_parameters_named_on_a_page_exist(page, from_code):
    """{default}`table.parameter` shows today's default, so the parameter must be there."""
    tables = from_code.parameter_tables()
    for label in re.findall(r"\{default\}`([^`]+)`", page.read_text(encoding="utf-8")):
        table, name = label.split(".")
        assert name in tables[table].model_fields, label


def test_generated_tables_are_complete(from_code):
    from trabsim.state import VARIABLES

    parameters = from_code.parameter_markdown()
    for table, cls in from_code.parameter_tables().items():
        assert f"[{table}]" in parameters
        assert all(f"`{name}`" in parameters for name in cls.model_fields)
    variables = from_code.variable_markdown()
    assert all(f"`{variable.name}`" in variables for variable in VARIABLES)
    processes = from_code.process_markdown()
    assert all(f"`{name}`" in processes for name in ("activation", "resorption", "reversal", "formation"))


def test_a_doi_in_a_table_is_a_link(from_code):
    cell = from_code.cell("Eriksen 1986 doi:10.1210/edrv-7-4-379: about | a month")
    assert cell == (
        "Eriksen 1986 [doi:10.1210/edrv-7-4-379](https://doi.org/10.1210/edrv-7-4-379): about \\| a month"
    )


def test_version_is_the_same_everywhere():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert project["version"] == trabsim.__version__
    assert f"\nversion: {trabsim.__version__}\n" in citation
    assert f"## {trabsim.__version__}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_pictures_are_small_enough_for_a_repository():
    pictures = [p for p in (REPOSITORY / "docs").rglob("*") if p.suffix in {".png", ".jpg", ".gif", ".mp4"}]
    pictures = [p for p in pictures if "_build" not in p.parts]
    assert [p.name for p in pictures if os.path.getsize(p) > 2_000_000] == []
