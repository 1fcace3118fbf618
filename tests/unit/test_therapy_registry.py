"""Another package brings a drug by an entry point alone; one that cannot be used is refused in one line."""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from therapy_days import live

from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.therapy import registry
from trabsim.therapy.registry import BUILT_IN, problem_with, therapy_class, therapy_kinds

OTHER_DRUGS = '''
"""A drug of another package."""

from trabsim.params import param
from trabsim.therapy.therapy import OneCompartmentDrug, OneCompartmentParams


class CalcitriolParams(OneCompartmentParams):
    half_life_hours: float = param(6.0, "half-life", source="assumed: 5-8 h", gt=0)


class Calcitriol(OneCompartmentDrug):
    """Calcitriol by mouth."""

    kind = "calcitriol"
    label_dose = 0.0005
    sets = ("vitamin_d_supplement_IU_per_day",)
    enters = ("rankl_factor",)
    references = ("assumed: an example",)
    params_class = CalcitriolParams

    def effect(self, memory, concentration):
        return {"vitamin_d_supplement_IU_per_day": 4.0e6 * self.flow(concentration)}


class Wrong(Calcitriol):
    kind = "wrong"
    sets = ("BMD",)


class Misnamed(Calcitriol):
    pass


class Bold(Calcitriol):
    kind = "bold"
    evidence = "proven"


class Oddly(Calcitriol):
    kind = "oddly"
    ledger_unit = "kg"


nothing = 3
'''


@pytest.fixture
def other_package(tmp_path, monkeypatch):
    """A package with drugs, as if it were installed."""
    (tmp_path / "other_drugs.py").write_text(textwrap.dedent(OTHER_DRUGS), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "other_drugs", raising=False)
    points = [
        EntryPoint(name, f"other_drugs:{value}", registry.GROUP)
        for name, value in {
            "calcitriol": "Calcitriol",
            "wrong": "Wrong",
            "misnamed": "Misnamed",
            "bold": "Bold",
            "oddly": "Oddly",
            "absent": "Absent",
            "nothing": "nothing",
            "denosumab": "Calcitriol",
        }.items()
    ]

    def entry_points(*, group: str, name: str | None = None):
        assert group == "trabsim.therapies"
        return [point for point in points if name in (None, point.name)]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    therapy_class.cache_clear()
    yield
    therapy_class.cache_clear()


TABLE = {"kind": "calcitriol", "dose": 0.5, "unit": "ug", "every": "daily"}


@pytest.mark.usefixtures("other_package")
def test_a_drug_of_another_package_is_given_like_any_other():
    assert "calcitriol" in therapy_kinds()
    config = load_config({"therapy": [TABLE], "drug": {"calcitriol": {"half_life_hours": 7.0}}})
    assert config.drug["calcitriol"].half_life_hours == 7.0  # type: ignore[attr-defined]
    last = live({"age_years": 70.0}, [TABLE], 10)[-1]
    assert last["vitamin_d_supplement_IU_per_day"] == pytest.approx(2000.0, rel=1e-3)
    assert last["calcitriol_given_mg"] == pytest.approx(0.005)


@pytest.mark.usefixtures("other_package")
def test_a_misspelled_name_is_looked_for_among_all():
    with pytest.raises(ConfigError, match="there is no therapy 'calcitrol'; did you mean 'calcitriol'"):
        load_config({"therapy": [{**TABLE, "kind": "calcitrol"}]})


@pytest.mark.usefixtures("other_package")
def test_no_package_replaces_a_drug_of_this_one():
    assert therapy_class("denosumab").__module__ == "trabsim.therapy.drugs.denosumab"


@pytest.mark.usefixtures("other_package")
@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("wrong", "sets 'BMD', which the model does not read"),
        ("misnamed", "calls itself 'calcitriol'"),
        ("bold", "has evidence 'proven', not one of calibrated, uncalibrated, hypothesis"),
        ("oddly", "keeps its ledger in 'kg', which is not among its units with factor 1"),
        ("nothing", "is no subclass of trabsim.therapy.therapy.Therapy"),
        ("absent", "cannot be loaded: module 'other_drugs' has no attribute 'Absent'"),
    ],
)
def test_a_drug_that_cannot_be_used_is_refused(kind, problem):
    with pytest.raises(ConfigError) as caught:
        load_config({"therapy": [{**TABLE, "kind": kind}]})
    text = str(caught.value)
    assert text.startswith(f"therapy '{kind}' of other_drugs:")
    assert problem in text
    assert text.endswith("; mend or remove that package")
    assert "\n" not in text


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_kind_is_where_the_registry_says(kind):
    assert therapy_class(kind).kind == kind


def test_the_example_of_the_documentation_works_as_an_installed_package(tmp_path, monkeypatch):
    """Its file and the entry point that the page shows, found as Python finds those of any package."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "therapies.md").read_text(encoding="utf-8")
    (example,) = (
        b for b in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S) if "class Calcitriol(" in b
    )
    (declared,) = (b for b in re.findall(r"^```text\n(.*?)^```", page, re.M | re.S) if "entry-points" in b)
    (table,) = tomllib.loads(declared)["project"]["entry-points"].items()
    assert table[0] == registry.GROUP
    (tmp_path / "bone_drugs.py").write_text(example, encoding="utf-8")
    folder = tmp_path / "bone_drugs-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: bone_drugs\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in table[1].items()]
    (folder / "entry_points.txt").write_text("\n".join([f"[{table[0]}]", *lines, ""]))
    monkeypatch.syspath_prepend(str(tmp_path))
    therapy_class.cache_clear()
    try:
        last = live({"age_years": 70.0}, [TABLE], 30)[-1]
        assert last["vitamin_d_supplement_IU_per_day"] == pytest.approx(2000.0, rel=1e-3)
        assert problem_with(therapy_class("calcitriol"), "calcitriol") is None
    finally:
        therapy_class.cache_clear()
        sys.modules.pop("bone_drugs", None)
