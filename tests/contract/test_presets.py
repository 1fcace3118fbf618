"""Every preset: it can be read and run, says what it shows, and compares with what it extends."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from small_bone import rods

from trabsim.backends import get_backend
from trabsim.config import load_config
from trabsim.simulation import Simulation
from trabsim.therapy.notes import notes_on
from trabsim.therapy.plan import read_courses
from trabsim.therapy.registry import therapy_class
from trabsim.therapy.schedule import dose_days

FOLDER = Path(__file__).resolve().parents[2] / "configs"
PRESETS = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
TABLES = {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in PRESETS.items()}

#: Presets that others extend and that bring a specimen of their own.
OWN_SPECIMEN = {"postmenopause", "postmenopausal_osteoporosis", "male_aging"}

#: Four years: what the table of presets shows.
LAST_DAY = 1461


def header(name: str) -> list[str]:
    """Comment lines at the top of a preset, without their signs."""
    lines = PRESETS[name].read_text(encoding="utf-8").splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return [line.removeprefix("#").strip() for line in lines[:end]]


def read(name: str, **overrides: object):
    """A preset, from the file beside these tests."""
    tables = dict(TABLES[name])
    layers = [tables]
    while "extends" in layers[0]:
        layers.insert(0, dict(TABLES[layers[0]["extends"]]))
    merged: dict = {}
    for layer in layers:
        for key, value in layer.items():
            if key != "extends":
                merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return load_config(merged, overrides)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A binary scan of rods, 20 x 20 x 20 voxels of 40 um."""
    path = tmp_path_factory.mktemp("scan") / "rods.npy"
    np.save(path, (rods(20, period=10, radius=2.8).bone_fraction >= 0.5).astype(np.uint8))
    return path


def test_there_are_at_least_thirty_and_one_for_nearly_every_kind_of_therapy():
    from trabsim.therapy.registry import BUILT_IN

    assert len(PRESETS) >= 30
    given = {course["kind"] for tables in TABLES.values() for course in tables.get("therapy", ())}
    # the preset bed_rest names its load program itself
    assert set(BUILT_IN) - given == {"bed_rest"}


@pytest.mark.parametrize("name", PRESETS)
def test_it_says_in_two_to_four_lines_what_it_shows(name):
    lines = header(name)
    text = " ".join(lines)
    assert 2 <= len(lines) <= 4
    assert all(len(line) <= 118 for line in lines)
    assert "Shows" in text or "shows" in text or "Hypothesis" in text or "control" in text
    # what `trabsim presets` lists
    assert 20 <= len(text.split(". ")[0]) <= 120


@pytest.mark.parametrize("name", PRESETS)
def test_it_says_hypothesis_where_a_drug_is_one(name):
    kinds = [course["kind"] for course in TABLES[name].get("therapy", ())]
    if any(therapy_class(kind).evidence == "hypothesis" for kind in kinds):
        assert "hypothesis" in " ".join(header(name)).lower()


@pytest.mark.parametrize("name", PRESETS)
def test_it_lasts_four_years_and_gives_every_therapy_as_usual_within_them(name):
    """Nothing overlaps, lies outside the run, or exceeds the label so far that it would be noted."""
    config = read(name)
    assert config.run.end_day >= LAST_DAY
    courses = read_courses(config.therapy)
    assert notes_on(courses, -config.run.spin_up_days, config.run.end_day) == []
    for course in courses:
        label = course.drug.label_dose
        assert course.amount <= label, f"{course.label} gives {course.amount:g}, the label has {label:g}"
        if course.drug.units and course.drug.units.keys() != {"scale"}:
            plain = course.params.model_copy(
                update={
                    "every": None if course.interval else "once",
                    "every_days": course.interval,
                }
            )
            assert dose_days(plain, config.run.end_day), course.label


@pytest.mark.parametrize("name", PRESETS)
def test_it_starts_from_the_specimen_of_what_it_extends(name):
    """Presets compare with their control: same bone, same random numbers."""
    config = read(name)
    if name in OWN_SPECIMEN:
        assert config.specimen.preset is not None
        return
    base = read(TABLES[name]["extends"])
    assert config.specimen == base.specimen
    assert (config.run.seed, config.run.spin_up_days) == (base.run.seed, base.run.spin_up_days)


def test_the_page_of_presets_names_every_one_and_says_the_same():
    """`benchmarks/presets.py --page-only` writes it anew."""
    text = (FOLDER.parent / "docs" / "presets.md").read_text(encoding="utf-8")
    for name in PRESETS:
        assert f"| `{name}` | {' '.join(header(name))} |" in text


def test_all_specimens_are_of_one_size():
    sizes = {(read(name).specimen.shape, read(name).specimen.voxel_size_um) for name in PRESETS}
    assert len(sizes) == 1


def test_those_that_stop_or_change_a_drug_begin_as_the_ones_they_are_compared_with():
    """A sequence is its first drug for as long as that is given, so any difference comes later."""
    for name, tables in TABLES.items():
        first = name.split("_then_")[0].split("_stopped")[0]
        if first == name or first not in TABLES or not TABLES[first].get("therapy"):
            continue
        (alone, *_), (begins, *_) = TABLES[first]["therapy"], tables["therapy"]
        same = {"kind", "dose", "unit", "every", "start_months"}
        assert {k: alone.get(k) for k in same} == {k: begins.get(k) for k in same}, name


@pytest.mark.parametrize("name", PRESETS)
def test_it_runs(name, scan):
    """Three days on a tiny scan, with everything that the preset switches on."""
    config = read(
        name,
        **{
            "specimen": {"source": str(scan), "method": "mask", "scan_voxel_size_um": 40.0},
            "run.spin_up_days": 1,
        },
    )
    sim = Simulation(config, backend=get_backend("numpy", threads=1)).run(until_day=2)
    row = sim.measure(microarchitecture=False)
    assert row["day"] == 2
    assert 0.0 < row["BV_TV"] < 1.0
    for course in config.therapy:
        drug = therapy_class(course.kind)
        starts_now = course.start_months is None and course.start_day is None
        if starts_now and drug.sets and course.kind not in ("parathyroidectomy",):
            assert row[f"{course.kind}_given_{drug.ledger_unit}"] > 0
