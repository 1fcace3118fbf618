"""What the benchmarks of therapies build on: branching at entry, rows by month, and runs that are kept."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from small_runs import BACKEND, assert_same_state, tables

from trabsim.config import load_config
from trabsim.simulation import Simulation

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "kept_runs.py"
DOSES = [
    {"kind": "denosumab", "dose": 60, "unit": "mg", "every": "q6m"},
    {"kind": "zoledronate", "dose": 5, "unit": "mg", "every": "once"},
]


@pytest.fixture(scope="module")
def kept_runs():
    spec = importlib.util.spec_from_file_location("kept_runs", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_branch_at_entry_is_the_run_that_had_the_therapies_from_the_start(kept_runs, tmp_path):
    """Drugs that begin at entry leave no trace before it, so arms may share their spin-up."""
    data = tables(tmp_path)
    whole = Simulation(load_config({**data, "therapy": DOSES}), backend=BACKEND).run(until_day=12)
    before = Simulation(load_config(data), backend=BACKEND).run(until_day=0)
    treated = kept_runs.branch(before, load_config({**data, "therapy": DOSES})).run(until_day=12)
    assert treated.state.levels["denosumab_given_mg"] == 60.0
    untreated = kept_runs.branch(before, load_config(data)).run(until_day=12)
    assert_same_state(treated.state, whole.state)
    plain = Simulation(load_config(data), backend=BACKEND).run(until_day=12)
    assert_same_state(untreated.state, plain.state)
    assert before.clock.day == 0


def test_rows_are_noted_at_the_start_of_each_month(kept_runs, tmp_path):
    sim = Simulation(load_config(tables(tmp_path)), backend=BACKEND)
    days = kept_runs.month_days(0, 1)
    assert days == {0: 0, 30: 1}
    rows = kept_runs.advance(sim, 30, days, structure=[1])
    assert {month: row["day"] for month, row in rows.items()} == {"0": 0.0, "1": 30.0}
    assert "Tb_Th_um" in rows["1"]
    assert "Tb_Th_um" not in rows["0"]
    assert 0.0 <= rows["1"]["modeling_OS_BS"] <= rows["1"]["OS_BS"]


def test_kept_runs_come_back_and_others_are_refused(kept_runs, tmp_path):
    path, settings = tmp_path / "runs.json", {"shape": [24, 24, 24]}
    kept = kept_runs.KeptRuns(path, settings)
    kept.add({"arm": {"rows": {"0": {"BV_TV": 0.1}, "12": {"BV_TV": 0.2}}, "seconds": 1.0}}, seed=2)
    again = kept_runs.KeptRuns(path, settings)
    assert again.has("arm", 2)
    assert not again.has("arm", 1)
    assert again.series("arm", [1, 2]) == {2: {0: {"BV_TV": 0.1}, 12: {"BV_TV": 0.2}}}
    assert json.loads(path.read_text())["settings"] == settings
    with pytest.raises(SystemExit, match="holds runs with another shape; give the same settings"):
        kept_runs.KeptRuns(path, {"shape": [32, 32, 32]})
