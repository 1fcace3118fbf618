"""The scorecard of single drugs: which runs it needs, what it fits to, what it prints."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path

import pytest

from trabsim.trials.clinical import read_row
from trabsim.tissue.cortex import CortexParams

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
TABLE = Path(__file__).with_name("clinical_rows.csv")


@pytest.fixture(scope="module")
def therapies():
    """The benchmark as a module; it imports its neighbor by name."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("therapies_scorecard", FOLDER / "therapies.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
    return module


def table_rows() -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())}


def fake(slope: float, months: int) -> dict[str, object]:
    """A run in which densities change by so much of entry's a month, and markers by as many percent."""
    names = [f"{site}_BMD_relative" for site in ("lumbar_spine", "total_hip", "femoral_neck")]
    rows = {
        str(month): {
            **dict.fromkeys([*names, "vBMD_mg_per_cm3"], 1.0 + slope * month),
            "BV_TV": 0.1,
            "potential_BV_TV": 0.1,
            "T_score": -2.0,
            "MS_BS": 0.02,
            "P1NP_pct_of_baseline": 100.0 * (1.0 + slope * month),
        }
        for month in range(-5, months + 1)
    }
    return {"rows": rows, "seconds": 1.0}


def test_rows_share_runs_and_arms_of_one_person_a_spin_up(therapies):
    rows = [read_row(row) for row in table_rows().values()]
    again = read_row({**table_rows()["ALN"], "id": "earlier", "eval_month": "12"})
    arms = therapies.arms_of([*rows, again])
    assert arms[again.arm] == 36
    assert len(arms) == len(therapies.arms_of(rows))
    groups = therapies.groups_of(arms)
    together = [group for group in groups if again.arm in group]
    assert [set(group) for group in together] == [{again.arm, again.reference_arm}]
    # one person with and one without prior therapy
    persons = {(arm.person, arm.prior) for arm in arms}
    assert len(groups) == len(persons)


def test_a_kept_run_is_enough_only_if_it_lasts_long_enough(therapies):
    row = read_row(table_rows()["DATA"])
    kept = therapies.KeptRuns(None, {})
    assert not therapies.enough(kept, row.arm, 24, 1)
    kept.add({therapies.key_of(row.arm): fake(0.0, 12)}, 1)
    assert not therapies.enough(kept, row.arm, 24, 1)
    kept.add({therapies.key_of(row.arm): fake(0.0, 24)}, 1)
    assert therapies.enough(kept, row.arm, 24, 1)
    assert not therapies.enough(kept, row.arm, 24, 2)


def test_differences_pair_arms_of_one_seed(therapies):
    row = read_row(table_rows()["ZOL"])
    kept = therapies.KeptRuns(None, {})
    for seed, (treated, untreated) in {1: (0.003, 0.001), 2: (0.002, -0.001), 3: (0.002, None)}.items():
        kept.add({therapies.key_of(row.arm): fake(treated, 24)}, seed)
        if untreated is not None:
            kept.add({therapies.key_of(row.reference_arm): fake(untreated, 24)}, seed)
    values = therapies.values_of(row, kept, [1, 2, 3], CortexParams(), plain=False)
    assert values == pytest.approx([4.8, 7.2])


def test_the_report_marks_what_is_not_fitted_and_names_the_uncalibrated(therapies, capsys):
    names = ("DATA", "BOTH", "SEQ", "P1NP", "GHD")
    rows = [read_row(table_rows()[name]) for name in names]
    kept = therapies.KeptRuns(None, {})
    for row in rows[:-1]:
        for seed in (1, 2):
            kept.add({therapies.key_of(row.arm): fake(0.001 * seed, 48)}, seed)
    therapies.report(rows, kept, [1, 2], CortexParams(), plain=False)
    therapies.say_uncalibrated(rows)
    lines = capsys.readouterr().out.splitlines()
    (data,) = (line for line in lines if line.startswith("DATA "))
    # 2.4 and 4.8 %, published 2.8 with SE 0.70: 0.8 over the root of 0.49 + 1.44 + 1
    assert data.split()[-6:] == ["2.80", "0.70", "3.60", "1.20", "0.47", "fitted"]
    assert [line.split("  ")[-1] for line in lines if line.startswith(("BOTH", "SEQ"))] == [
        "reported (combination)",
        "reported (sequence)",
    ]
    assert next(line for line in lines if line.startswith("GHD")).endswith("not run")
    assert [line.split()[:2] for line in lines if line.startswith(("teriparatide ", "all "))] == [
        ["teriparatide", "1"],
        ["all", "2"],
    ]
    assert "  abaloparatide: uncalibrated" in lines
    assert "  zoledronate: calibrated" in lines
    assert not [line for line in lines if line.startswith("  teriparatide:")]
    assert any(line.startswith("T-score at entry: ") for line in lines)


def test_natural_history_is_left_to_another_benchmark(therapies, tmp_path):
    text = TABLE.read_text(encoding="utf-8")
    path = tmp_path / "table.csv"
    path.write_text(text.replace("RATE,", "NH_RATE,"), encoding="utf-8")
    assert "NH_RATE" not in {row.id for row in therapies.read_table(path)}
    assert "RATE" in {row.id for row in therapies.read_table(TABLE)}
    with pytest.raises(SystemExit, match="no clinical table at"):
        therapies.read_table(tmp_path / "none.csv")


def test_every_row_that_the_shared_table_supports_can_be_run(therapies, shared):
    """Each has a configuration and an outcome in the series, and is of one drug."""
    rows = [row for row in therapies.read_table(shared / "reference" / "clinical_calibration.csv")]
    supported = [row for row in rows if row.supported == "yes"]
    assert len(supported) > 90
    assert [row.id for row in supported if therapies.skip_reason(row) or row.excluded] == []
    for arm, months in therapies.arms_of(supported).items():
        therapies.arm_config(arm, years=months / 12.0)
