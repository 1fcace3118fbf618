"""A run under therapies that is stopped and resumed goes on bit for bit: amounts, decisions, drawn doses."""

from __future__ import annotations

import pytest
from small_runs import BACKEND, assert_same_state, tables

from trabsim.config import load_config
from trabsim.simulation import Simulation

THERAPIES = [
    {"kind": "denosumab", "dose": 60, "unit": "mg", "every": "q6m"},
    {
        "kind": "alendronate",
        "dose": 70,
        "unit": "mg",
        "every": "weekly",
        "start_when": "T_score < 100 and age_years < 50.02",
        "stop_when": "age_years > 50.04",
        "visit_every_days": 4,
    },
    {"kind": "teriparatide", "dose": 20, "unit": "ug", "every": "daily", "adherence_fraction": 0.6},
    {"kind": "estradiol_patch", "dose": 50, "unit": "ug/day", "start_day": 3},
    {"kind": "prednisolone_equivalent", "dose": 5, "unit": "mg", "every": "daily", "start_day": 8},
]


@pytest.mark.parametrize("stop", [3, 10, 13])
def test_resumed_is_as_uninterrupted(stop, tmp_path):
    config = load_config({**tables(tmp_path), "therapy": THERAPIES})
    whole = Simulation(config, backend=BACKEND, run_folder=tmp_path / "whole")
    whole.run(until_day=22)
    parts = Simulation(config, backend=BACKEND, run_folder=tmp_path / "parts")
    parts.run(until_day=stop)
    resumed = Simulation.from_run(tmp_path / "parts", backend=BACKEND)
    resumed.run(until_day=22)
    assert_same_state(whole.state, resumed.state)
    assert (tmp_path / "whole" / "series.csv").read_bytes() == (
        tmp_path / "parts" / "series.csv"
    ).read_bytes()
    assert whole.state.counters["therapy_2_on"] == 0
    assert whole.state.levels["alendronate_given_mg"] == 3 * 70.0
    assert whole.state.levels["teriparatide_given_mg"] > 0
