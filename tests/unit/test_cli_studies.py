"""``validate``, ``calibrate`` and ``sensitivity`` on lives of one formula: what they print, write and refuse."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_lives import FakeLives

from trabsim.cli import main

TABLE = Path(__file__).with_name("clinical_rows.csv")
SMALL = ["--seeds", "2", "--shape", "24"]

FIT = """
table = "rows.csv"
rows = ["DATA"]
seeds = 2
shape = 24
[[parameter]]
key = "drug.teriparatide.bioavailability_fraction"
low = 0.5
high = 0.99
"""
SCREEN = """
seeds = 2
shape = 24
schedule = "denosumab 60 mg q6m 0-24"
[[endpoint]]
quantity = "BMD_pct_change"
month = 12
wanted_error = 0.2
[[parameter]]
key = "cortex.turnover_per_year"
low = 0.03
high = 0.05
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with a table and studies, where lives are of one formula."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRABSIM_SHARED", str(tmp_path / "nowhere"))
    (tmp_path / "rows.csv").write_text(TABLE.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "fit.toml").write_text(FIT)
    (tmp_path / "screen.toml").write_text(SCREEN)
    monkeypatch.setattr("trabsim.trials.execution.run_lives", FakeLives())
    return tmp_path


def call(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def test_validate_prints_rows_totals_and_what_made_them(here):
    out = call("validate", "--table", "rows.csv", *SMALL, "-o", "card.md")
    lines = out.splitlines()
    assert lines[0].startswith("15 rows to run, 1 skipped; ")
    assert any(line.startswith("ALN ") and "alendronate" in line for line in lines)
    assert any("RAD (BMD_pct_change, ultradistal radius): the table marks it" in line for line in lines)
    for group in (
        "single drugs",
        "natural history",
        "combinations",
        "sequences and switches",
        "stops",
        "all",
    ):
        assert any(line.startswith(f"{group}  ") for line in lines), group
    assert any("confidence: high" in line for line in lines)
    assert any(line.startswith("parameters sha256 ") for line in lines)
    assert "Research use only, not for clinical decisions." in lines
    page = (here / "card.md").read_text()
    assert "## Skipped" in page
    assert "seeds 1-2; specimens of 24 x 24 x 24 voxels of 36 um" in page


def test_validate_writes_csv_and_takes_parameters_from_a_file(here):
    (here / "p.toml").write_text("[cortex]\nturnover_per_year = 0.05\n")
    call(
        "validate",
        "--table",
        "rows.csv",
        "--rows",
        "ALN,ZOL",
        *SMALL,
        "--parameters",
        "p.toml",
        "-o",
        "c.csv",
    )
    text = (here / "c.csv").read_text()
    assert "changed from the defaults: cortex.turnover_per_year=0.05" in text
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert [row["id"] for row in rows] == ["ZOL", "ALN"]
    out = call(
        "validate", "--table", "rows.csv", "--rows", "ALN", *SMALL, "--set", "cortex.turnover_per_year=0.06"
    )
    assert "cortex.turnover_per_year=0.06" in out


def test_validate_says_what_is_ahead_and_runs_nothing_when_asked_to(here):
    out = call("validate", "--table", "rows.csv", "--only", "denosumab", *SMALL, "--dry-run")
    # four arms and what the null models are made of, two seeds each
    assert out.startswith("4 rows to run, 0 skipped; ")
    assert "simulated years" in out
    assert not (here / "scorecard_lives").exists()
    assert "z" not in out.split("\n", 1)[1]


def test_a_dry_run_of_validate_warns_of_doses(here):
    text = (here / "rows.csv").read_text(encoding="utf-8")
    assert text.count("zoledronate 5 mg once 0-1,none") == 1
    (here / "rows.csv").write_text(text.replace("zoledronate 5 mg once", "zoledronate 500 mg once"))
    out = call("validate", "--table", "rows.csv", "--rows", "ZOL,ALN", *SMALL, "--dry-run")
    assert "warning: row ZOL: therapy 1 (zoledronate): 500 mg once is 100 times the usual dose; check" in out
    assert out.count("warning") == 1


def test_calibrate_leaves_parameters_that_validate_reads(here, monkeypatch):
    out = call("calibrate", "fit.toml", "-o", "fit")
    assert "1 parameters, 1 rows to fit" in out
    assert "sum of squares" in out
    assert "Research use only" in out
    found = tomllib.loads((here / "fit" / "parameters.toml").read_text())
    assert 0.5 <= found["drug"]["teriparatide"]["bioavailability_fraction"] <= 0.99
    log = json.loads((here / "fit" / "calibration.json").read_text())
    assert log["rows"][0]["id"] == "DATA"
    # the formula does not feel it
    assert not log["parameters"]["drug.teriparatide.bioavailability_fraction"]["determined"]
    again = call(
        "validate", "--table", "rows.csv", "--rows", "DATA", *SMALL, "--parameters", "fit/parameters.toml"
    )
    assert "bioavailability_fraction" in again


def test_calibrate_says_what_is_ahead(here):
    out = call("calibrate", "fit.toml", "-o", "fit", "--dry-run")
    assert "drug.teriparatide.bioavailability_fraction starts at " in out
    assert not (here / "fit").exists()


def test_sensitivity_prints_effects_and_replicates(here):
    out = call("sensitivity", "screen.toml", "-o", "screened")
    assert "1 parameters, 1 endpoints, 3 points, 6 lives" in out
    assert "BMD_pct_change LS month 12  cortex.turnover_per_year" in out
    assert "seeds needed" in out
    assert (here / "screened" / "effects.csv").is_file()
    assert (here / "screened" / "sensitivity.json").is_file()
    assert "6 lives" in call("sensitivity", "screen.toml", "-o", "other", "--dry-run")
    assert not (here / "other").exists()


MISTAKES = {
    "validate": "no clinical table at ",
    "validate --table none.csv": "cannot read the clinical table none.csv: No such file",
    "validate --table rows.csv --rows ALM": "rows.csv has no row 'ALM'; did you mean 'ALN'?",
    "validate --table rows.csv --only denosumap": "no chosen row of rows.csv gives 'denosumap'; did you mean 'den",
    "validate --table rows.csv -o card.html": "-o card.html has no known ending; write .csv or .md. See",
    "validate --table rows.csv --set run.sed=2": "unknown key 'run.sed' (value 2); did you mean 'seed'?",
    "validate --table rows.csv --parameters none.toml": "cannot read none.toml: No such file",
    "validate --table rows.csv --workers 2 --scheduler tcp://x:1": "--workers and --scheduler exclude each other",
    "validate --table rows.csv --rows ALN --seeds 1 -o none/card.md": "cannot write none/card.md: No such file or",
    "validate --table rows.csv --seeds 0": "Invalid value for '--seeds': 0 is not in the range x>=1.",
    "calibrate fit.toml": "Missing option '-o' / '--output'.",
    "calibrate none.toml -o fit": "cannot read none.toml: No such file or directory; give the file of a study",
    "calibrate rows.csv -o fit": "rows.csv is not valid TOML: ",
    "calibrate screen.toml -o fit": "screen.toml: unknown key 'schedule'; ",
    "sensitivity none.toml -o out": "cannot read none.toml: No such file or directory; give the file of a study",
    "sensitivity fit.toml -o out": "fit.toml: unknown key 'table'; ",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_every_mistake_is_one_line_and_exit_code_2(here, words):
    done = CliRunner().invoke(main, words.split())
    assert done.exit_code == 2, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("trabsim: error: ")]
    assert len(lines) == 1
    assert lines[0].removeprefix("trabsim: error: ").startswith(MISTAKES[words]), lines[0]


def test_calibrate_refuses_combinations(here):
    (here / "fit.toml").write_text(FIT.replace('["DATA"]', '["DATA", "BOTH"]'))
    out = call("calibrate", "fit.toml", "-o", "fit", code=2)
    assert "nothing is fitted to combinations, sequences and stops: BOTH (combination)" in out
    (here / "fit.toml").write_text("report_excluded = true\n" + FIT.replace('["DATA"]', '["DATA", "BOTH"]'))
    assert "1 rows to fit, 1 to report" in call("calibrate", "fit.toml", "-o", "fit")
