"""Lives that branch off a common run-in are, number by number, the runs that had their therapies from the start."""

from __future__ import annotations

import math

import pytest
from small_runs import BACKEND, tables

from trabsim.config import load_config
from trabsim.simulation import Simulation
from trabsim.trials.execution import run_lives
from trabsim.trials.lives import Life

DOSES = (
    {"kind": "denosumab", "dose": 60, "unit": "mg", "every": "q6m"},
    {"kind": "zoledronate", "dose": 5, "unit": "mg", "every": "once"},
)


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A treated and an untreated life of one person, a month long, and the tables they come from."""
    folder = tmp_path_factory.mktemp("lives")
    data = tables(folder)
    treated, untreated = (
        Life(before=data, therapy=given, months=(1,), structure_months=(1,)) for given in (DOSES, ())
    )
    outcomes = run_lives([treated, untreated], folder)
    assert outcomes.failures == {}
    return data, outcomes.rows[treated.key], outcomes.rows[untreated.key], folder


@pytest.mark.parametrize("number", [0, 1])
def test_a_branch_at_entry_is_the_run_that_had_the_therapies_from_the_start(lived, number):
    """Drugs that begin at entry leave no trace before it, so arms may share their run-in."""
    data, *rows = lived[:3]
    whole = Simulation(
        load_config({**data, "therapy": list((DOSES, ())[number])}),
        backend=BACKEND,
        overrides={"run.years": 1 / 12},
    ).run(until_day=30)
    for name, value in whole.measure(True).items():
        found = rows[number][1][name]
        assert found == value or (math.isnan(found) and math.isnan(value)), name


def test_both_lives_begin_from_one_run_in(lived):
    _, treated, untreated, folder = lived
    assert len(list((folder / "run_ins").glob("*.vtkhdf"))) == 1
    assert str(treated[0]) == str(untreated[0])
    assert treated[1]["CTX_pct_of_baseline"] < untreated[1]["CTX_pct_of_baseline"]


def test_rows_are_noted_at_the_start_of_each_month_with_structure_where_it_is_asked_for(lived):
    _, treated, _, _ = lived
    assert {month: row["day"] for month, row in treated.items()} == {0: 0.0, 1: 30.0}
    assert "Tb_Th_um" in treated[1]
    assert 0.0 <= treated[1]["modeling_OS_BS"] <= treated[1]["OS_BS"]
