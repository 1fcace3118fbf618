"""The scorecard: which lives a table needs, what it says of each row, totals and null models."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest
from fake_lives import FakeLives

from trabsim.errors import ConfigError, RunError
from trabsim.therapy.registry import BUILT_IN, therapy_class
from trabsim.trials.arm_lives import ArmLives, Settings
from trabsim.trials.clinical import read_row
from trabsim.trials.clinical_table import COLUMNS, default_table, read_table
from trabsim.trials.null_models import ADD, VANISH, alone, background_arm
from trabsim.trials.scorecard import parameters_sha256, plan, totals, uncalibrated, validate
from trabsim.trials.scorecard_text import NOTICE, as_csv, as_markdown

TABLE = Path(__file__).with_name("clinical_rows.csv")
SMALL = Settings(seeds=2, shape=(24, 24, 24), voxel_size_um=40.0)


def lines_of(path: Path = TABLE) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}


@pytest.fixture
def write(tmp_path):
    """Write a table of changed rows: (row of the sample, changes)."""

    def make(*rows: tuple[str, dict[str, str]]) -> Path:
        path = tmp_path / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(lines_of()["ZOL"]))
            writer.writeheader()
            writer.writerows({**lines_of()[name], **changes} for name, changes in rows)
        return path

    return make


def score_of(path: Path, settings: Settings = SMALL, **how):
    """Lines by row id, and the whole card."""
    card = validate(read_table(path), settings, path.parent, runner=FakeLives(**how))
    return {line.row.id: line for line in card.lines}, card


# --- tables -------------------------------------------------------------------------------------------------------


def test_what_cannot_be_run_is_kept_with_the_reason(write):
    path = write(
        ("ZOL", {}),
        ("RAD", {}),
        ("ALN", {"id": "X1", "schedule": "aspirin 100 mg qd 0-36"}),
        ("ALN", {"id": "X2", "schedule": "alendronate 10 mg"}),
        ("ALN", {"id": "X3", "sex": "both"}),
        ("ALN", {"id": "X4", "quantity": "grip_strength"}),
        ("ALN", {"id": "X5", "spread": "wide"}),
        ("ALN", {"id": "X6", "reference_schedule": ""}),
        ("ALN", {"id": "X7", "baseline_month": "-24"}),
        ("ALN", {"id": "X8", "baseline_month": "36", "eval_month": "24"}),
        ("ALN", {"id": "X9", "value": ""}),
        ("RATE", {"id": "X11", "schedule_note": "", "baseline_month": "42"}),
        ("GHD", {"id": "X12", "schedule_note": "condition = gout"}),
        ("ZOL", {"id": "X13", "spread": "4.0 to 7.4"}),
        ("ZOL", {"id": "X14", "spread_kind": "range"}),
        ("ALN", {"id": "X15", "quantity": "TbSp_pct_change", "site": "LS QCT", "baseline_month": "-1"}),
        ("ALN", {"id": "X10", "site": "HRpQCT distal radius", "quantity": "TbN_pct_change"}),
    )
    table = read_table(path)
    assert [row.id for row in table.rows] == ["ZOL"]
    reasons = {row.id: row.reason for row in table.skipped}
    assert reasons["RAD"] == "the table marks it as not supported (site)"
    assert "aspirin" in reasons["X1"]
    assert "'alendronate 10 mg' is no entry of a schedule" in reasons["X2"]
    assert "sex is 'both'; write F, M or mixed" in reasons["X3"]
    assert reasons["X4"] == "nothing in the series is 'grip_strength'"
    assert reasons["X5"] == "spread is 'wide', which is no SE; write a number, or spread_kind none"
    assert "reference_schedule is empty" in reasons["X6"]
    assert reasons["X7"] == "its baseline lies more than 5 months before entry"
    assert reasons["X8"] == "month 24 lies before its baseline, month 36"
    assert reasons["X9"] == "row X9 of the clinical table: value is empty; write a number"
    assert (
        reasons["X11"] == "a rate needs time to pass, and its baseline is the month that it is looked at, 42"
    )
    assert reasons["X12"].startswith(
        "condition=gout of a clinical table is unknown; write hypogonadism, ghd or"
    )
    assert reasons["X13"].startswith(
        "spread is '4.0 to 7.4', which is no 95CI; write its ends with a semicolon"
    )
    assert reasons["X14"] == "spread_kind is 'range'; write SE, SD, 95CI or none"
    assert reasons["X15"] == "microarchitecture is measured from entry on, and it asks for month -1"
    assert reasons["X10"] == "no specimen stands for the structure of 'HRpQCT distal radius'"
    assert not [reason for reason in reasons.values() if "\n" in reason]


def test_rows_are_chosen_by_drug_and_by_name():
    table = read_table(TABLE, drug="denosumab")
    assert {row.id for row in table.rows} == {"BOTH", "SEQ", "PRIOR", "STOP"}
    assert read_table(TABLE, drug="Prolia").rows == table.rows
    assert [row.id for row in read_table(TABLE, ids=["DATA", "ZOL"]).rows] == ["ZOL", "DATA"]
    assert table.partial
    assert not read_table(TABLE).partial


def test_bad_tables_are_refused_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(RunError, match=r"cannot read the clinical table .*none.csv: No such file"):
        read_table(tmp_path / "none.csv")
    path = tmp_path / "t.csv"
    path.write_text(TABLE.read_text(encoding="utf-8").replace("eval_month", "month"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"t.csv lacks the column eval_month; add them"):
        read_table(path)
    path.write_text(",".join(COLUMNS), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"t.csv holds no rows below its header"):
        read_table(path)
    path.write_bytes(b"id,value\n\xff\xfe,1\n")
    with pytest.raises(RunError, match="is no text in UTF-8"):
        read_table(path)
    with pytest.raises(ConfigError, match=r"has no row 'ZOLL'; did you mean 'ZOL'\?"):
        read_table(TABLE, ids=["ZOLL"])
    with pytest.raises(
        ConfigError, match=r"no chosen row of .* gives 'denosumap'; did you mean 'denosumab'\?"
    ):
        read_table(TABLE, drug="denosumap")
    monkeypatch.setenv("TRABSIM_SHARED", str(tmp_path))
    with pytest.raises(
        RunError, match=r"no clinical table at .*clinical_calibration.csv; give one with --table"
    ):
        default_table()


def test_every_row_that_the_shared_table_supports_can_be_run(shared):
    """Natural history and mixed sexes included; each arm has a life with a key."""
    path = shared / "reference" / "clinical_calibration.csv"
    table, said = read_table(path), list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(table.rows) == sum(row["supported"] == "yes" for row in said) > 100
    assert len(table.rows) + len(table.skipped) == len(said)
    assert {row.group for row in table.rows} == {"single drugs", "natural history"}
    assert [row.id for row in table.rows if row.excluded] == []
    lives = plan(table.rows, replace(SMALL, seeds=1))
    assert len({life.key for life in lives.lives}) == len(lives.lives)


# --- groups -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "group"),
    [
        ("ALN", {}, "single drugs"),
        ("RATE", {}, "natural history"),
        ("ALN", {"schedule": "calcium 500 mg qd 0-36"}, "natural history"),
        ("BOTH", {}, "combinations"),
        ("SEQ", {}, "sequences and switches"),
        ("SEQ", {"eval_month": "24"}, "single drugs"),  # the second drug has not begun
        ("SEQ", {"eval_month": "60"}, "stops"),
        ("PRIOR", {}, "sequences and switches"),
        ("PRIOR", {"schedule": "none"}, "stops"),
        ("STOP", {}, "stops"),
        ("STOP", {"eval_month": "27"}, "single drugs"),  # a last visit may come late
        ("ZOL", {"eval_month": "60"}, "single drugs"),  # nobody leaves off a single dose
        ("ADT", {}, "single drugs"),
    ],
)
def test_rows_are_grouped_by_what_has_begun_when_they_are_looked_at(name, changes, group):
    assert read_row({**lines_of()[name], **changes}).group == group


# --- lives --------------------------------------------------------------------------------------------------------


def test_rows_share_lives_and_arms_of_one_person_a_run_in():
    rows = [read_row(row) for row in lines_of().values() if row["id"] in ("ALN", "DATA", "QCT")]
    again = read_row({**lines_of()["ALN"], "id": "earlier", "eval_month": "12"})
    lives = plan([*rows, again], SMALL)
    assert len(lives.lives) == 8  # treated and not, and two treated, with two seeds
    treated, untreated = (lives.by_arm[arm, 1] for arm in (again.arm, again.reference_arm))
    assert treated.run_in_key == untreated.run_in_key
    assert treated.last_month == 36
    assert lives.by_arm[again.arm, 2].run_in_key != treated.run_in_key


def test_null_models_ask_for_single_drug_lives_only_where_they_say_something():
    rows = {name: read_row(row) for name, row in lines_of().items()}
    assert len(plan([rows["ALN"]], SMALL).by_arm) == 4
    both = plan([rows["BOTH"]], replace(SMALL, seeds=1))
    assert sorted(arm.kinds for arm, _ in both.by_arm) == [
        (),
        ("denosumab",),
        ("teriparatide",),
        ("teriparatide", "denosumab"),
    ]
    assert len(plan([rows["BOTH"]], SMALL, null_models=False).by_arm) == 2
    assert alone(rows["PRIOR"].arm, "alendronate").schedule == ()
    assert background_arm(rows["STOP"].arm).tables == [
        dict(items) for items in rows["STOP"].arm.schedule if dict(items)["kind"] == "calcium"
    ]


def test_structure_is_measured_only_for_rows_that_ask_for_it(write):
    path = write(
        ("ALN", {"quantity": "TbTh_um", "site": "biopsy iliac uCT", "reference": "absolute", "value": "10"}),
        ("DATA", {}),
        ("ALN", {"id": "B", "quantity": "TbSp_pct_change", "site": "LS QCT", "eval_month": "24"}),
    )
    lives = plan(read_table(path).rows, SMALL)
    months = {(*arm.kinds, arm.person.bone): life.structure_months for (arm, _), life in lives.by_arm.items()}
    assert months[("alendronate", "iliac")] == (36,)
    assert months[("teriparatide", "lumbar")] == ()
    assert months[("alendronate", "lumbar")] == (0, 24)
    assert {life.before["specimen"]["preset"] for life in lives.lives} == {"iliac_crest", "lumbar_woman_70"}


def test_people_of_both_sexes_are_a_woman_and_a_man(write):
    path = write(("RATE", {"sex": "mixed", "years_since_menopause": ""}))
    row = read_table(path).rows[0]
    assert [arm.person.sex for arm in row.arms] == ["female", "male"]
    lines, _ = score_of(path)
    assert len(lines["RATE"].values) == 2


def test_an_early_prior_therapy_lengthens_the_spin_up():
    row = read_row({**lines_of()["PRIOR"], "prior_therapy": "alendronate 70 mg qw -60--12"})
    life = plan([row], SMALL).by_arm[row.arm, 1]
    assert life.run_in_config.run.spin_up_days == 1826 + 365
    usual = read_row(lines_of()["ADT"])
    assert plan([usual], SMALL).by_arm[usual.arm, 1].run_in_config.run.spin_up_days == 730


def test_what_a_schedule_begins_before_entry_belongs_to_the_past():
    row = read_row({**lines_of()["DATA"], "schedule": "teriparatide 20 ug qd -6-24"})
    assert (len(row.arm.prior), row.arm.schedule) == (1, ())
    assert plan([row], SMALL).by_arm[row.arm, 1].key


# --- values and z -------------------------------------------------------------------------------------------------


def test_differences_pair_arms_of_one_seed(write):
    """The slope of each seed is common to both arms and drops out."""
    lines, _ = score_of(write(("ALN", {})), noise=0.001)
    line = lines["ALN"]
    untreated = [1.0 - 0.001 * 36 + 0.001 * ((seed * 7) % 5 - 2) * 36 for seed in (1, 2)]
    assert line.values == pytest.approx([100.0 * 0.002 * 36] * 2)
    assert untreated[0] != untreated[1]
    assert pytest.approx(0.0, abs=1e-9) == line.score.MC_SE
    assert line.score.z == pytest.approx((7.2 - 8.8) / math.sqrt(0.4**2 + 1.0))
    assert line.passed


def test_a_row_that_failed_is_skipped_with_the_reason_and_counts_nowhere(write):
    path = write(("ALN", {}), ("DATA", {}))
    lines, card = score_of(path, fails=lambda life: any(t["kind"] == "teriparatide" for t in life.therapy))
    assert set(lines) == {"ALN"}
    assert [row.reason for row in card.skipped] == [
        "no run of it was finished: the osteoclasts are on strike"
    ]
    assert totals(card.lines)[-1].rows == 1


def test_a_seed_that_failed_is_told(write):
    lines, card = score_of(write(("DATA", {})), fails=lambda life: life.before["run"]["seed"] == 2)
    assert (lines["DATA"].missing, len(lines["DATA"].values)) == (1, 1)
    assert "1 seed failed" in as_markdown(card)


def test_markers_may_be_compared_with_another_month_than_entry(write):
    path = write(
        ("P1NP", {"schedule": "denosumab 60 mg q6m 0-12", "baseline_month": "12", "eval_month": "24"})
    )
    lines, _ = score_of(path)
    assert lines["P1NP"].values == pytest.approx([150.0] * 2)  # from 40 % back to 100 %


# --- null models --------------------------------------------------------------------------------------------------


def test_where_effects_add_up_the_null_model_says_so(write):
    """Both drugs act as if alone: model and null model agree, up to the loss that gains are multiplied with."""
    lines, _ = score_of(write(("BOTH", {})), noise=0.0)
    line = lines["BOTH"]
    assert line.values[0] == pytest.approx(100.0 * (-0.001 + 0.004 + 0.005) * 24)
    assert line.nulls[ADD].simulated == pytest.approx(line.values[0], abs=0.01)
    assert line.nulls[VANISH].simulated == pytest.approx(line.nulls[ADD].simulated)


def test_where_drugs_help_each_other_the_null_model_misses_it(write):
    lines, _ = score_of(write(("BOTH", {})), noise=0.0, together=0.002)
    line = lines["BOTH"]
    assert line.values[0] - line.nulls[ADD].simulated == pytest.approx(100 * 0.002 * 24, abs=0.01)


def test_after_a_stop_one_null_model_keeps_the_gain_and_the_other_loses_it(write):
    lines, _ = score_of(write(("STOP", {})), noise=0.0)
    line, base = lines["STOP"], 1.0 - 0.036
    # what is held is the share of the density of the untreated at the stop
    held = base * (1.0 + 0.004 * 24 / (1.0 - 0.024))
    assert line.nulls[ADD].simulated == pytest.approx(100.0 * (held - 1.0))
    assert line.nulls[VANISH].simulated == pytest.approx(100.0 * (base - 1.0))
    left = 0.004 * 24 * 0.9**12
    assert line.values[0] == pytest.approx(100.0 * (base + left - 1.0))


def test_a_sequence_keeps_the_first_gain_or_loses_it(write):
    lines, _ = score_of(write(("SEQ", {})), noise=0.0)
    line, base = lines["SEQ"], 1.0 - 0.048
    second = 0.004 * 24 / base
    first = 0.005 * 24 / (1.0 - 0.024)
    assert line.nulls[ADD].simulated == pytest.approx(100.0 * (base * (1.0 + first + second) - 1.0))
    assert line.nulls[VANISH].simulated == pytest.approx(100.0 * (base * (1.0 + second) - 1.0))


def test_markers_follow_what_is_taken_under_both_null_models(write):
    path = write(
        ("P1NP", {"schedule": "denosumab 60 mg q6m 0-12;teriparatide 20 ug qd 12-24", "eval_month": "24"})
    )
    lines, _ = score_of(path)
    assert lines["P1NP"].nulls[ADD].simulated == pytest.approx(120.0)
    assert lines["P1NP"].nulls[VANISH].simulated == pytest.approx(120.0)


def test_prior_therapy_vanishes_from_a_baseline_that_it_had_raised(write):
    """A person who stops at entry loses under one null model what went before, and nothing under the other."""
    path = write(("PRIOR", {"schedule": "none", "eval_month": "24"}))
    lines, _ = score_of(path, noise=0.0)
    assert lines["PRIOR"].nulls[ADD].simulated == pytest.approx(-2.4)
    # the formula counts density from entry, so the gain before it is not seen in the baseline
    assert lines["PRIOR"].nulls[VANISH].simulated == pytest.approx(-2.4)


def test_single_drugs_have_no_null_model(write):
    lines, card = score_of(write(("ALN", {}), ("ADT", {}), ("RATE", {})))
    assert [line.nulls for line in lines.values()] == [{}, {}, {}]
    assert "| - | - | - | - |" in as_markdown(card)


# --- totals and files ---------------------------------------------------------------------------------------------


def test_totals_are_by_group_and_by_confidence(write):
    path = write(
        ("ALN", {"value": "7.2"}),
        ("DATA", {"confidence": "medium", "value": "50"}),
        ("BOTH", {"confidence": "medium"}),
        ("STOP", {}),
        ("RATE", {}),
        ("RAD", {}),
    )
    lines, card = score_of(path)
    found = {total.name: total for total in totals(card.lines)}
    assert list(found) == [
        *("single drugs", "natural history", "combinations", "stops", "all"),
        *("confidence: high", "confidence: medium"),
    ]
    single = found["single drugs"]
    z = [lines[name].score.z for name in ("ALN", "DATA")]
    assert (single.rows, single.passed) == (2, 1)
    assert single.rms_z == pytest.approx(math.sqrt((z[0] ** 2 + z[1] ** 2) / 2))
    assert single.nulls[ADD][0] == 0
    assert found["stops"].nulls[VANISH][0] == 1
    assert found["all"].rows == 5
    assert found["all"].nulls[ADD][0] == 2
    assert found["confidence: medium"].rows == 2


def test_files_name_version_parameters_seeds_and_the_notice(write):
    path = write(("ALN", {}), ("BOTH", {}), ("RAD", {}))
    _, card = score_of(
        path, replace(SMALL, overrides={"activation.base_per_mm2_day": 0.003}) if False else SMALL
    )
    text = as_csv(card)
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert any("trabsim 0.1.0" in line for line in head)
    assert any(card.parameters_sha256 in line for line in head)
    assert any("seeds 1-2; specimens of 24 x 24 x 24 voxels of 40 um" in line for line in head)
    assert head[-1] == f"# {NOTICE}"
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert [row["id"] for row in rows] == ["ALN", "BOTH", "RAD"]
    assert rows[0]["pass"] in ("yes", "no")
    assert rows[0]["z (effects add up)"] == ""
    assert float(rows[1]["z (effects add up)"]) == pytest.approx(card.lines[1].nulls[ADD].z, rel=1e-4)
    assert (rows[2]["pass"], rows[2]["reason_skipped"]) == ("", "the table marks it as not supported (site)")
    page = as_markdown(card)
    assert page.endswith(f"{NOTICE}\n")
    assert "## Skipped" in page
    assert card.parameters_sha256 in page
    assert "abaloparatide" in page  # no row speaks of it


def test_the_hash_of_parameters_follows_them_and_drugs_that_no_row_gives():
    plain = parameters_sha256({})
    assert plain == parameters_sha256({"run.seed": 7})
    assert parameters_sha256({"drug.denosumab.bioavailability_fraction": 0.5}) != plain


def test_uncalibrated_therapies_are_those_without_a_row_of_their_own():
    rows = [read_row(lines_of()[name]) for name in ("DATA", "BOTH", "SEQ", "P1NP")]
    left = uncalibrated(rows)
    assert "teriparatide" not in left
    assert "denosumab" in left  # spoken of in a combination and a sequence alone
    assert left["zoledronate"].startswith("calibrated")
    both = {"schedule": "calcium 500 mg qd 0-36; vitamin_d 800 IU qd 0-36"}
    assert "vitamin_d" in uncalibrated([read_row({**lines_of()["ALN"], **both})])


def test_drugs_call_themselves_calibrated_where_the_shared_table_has_a_row_of_them_alone(shared):
    table = read_table(shared / "reference" / "clinical_calibration.csv")
    alone = set(BUILT_IN) - set(uncalibrated(table.rows))
    assert {kind for kind in BUILT_IN if therapy_class(kind).evidence == "calibrated"} == alone


def test_t_scores_at_entry_are_compared_with_those_of_the_trials(write):
    """Lives of the formula enter with -2 whatever the table says."""
    _, card = score_of(write(("ZOL", {}), ("ALN", {}), ("RATE", {})))
    assert sorted(card.entry.values()) == pytest.approx([-0.7, 1.1])
    assert (
        "T-score at entry: +0.20 from that of the trials in the mean of 2 persons, -0.70 to +1.10."
        in as_markdown(card)
    )
    assert "T-score at entry" not in as_markdown(score_of(write(("RATE", {})))[1])


def test_lives_are_collected_once_however_often_they_are_asked_for():
    row = read_row(lines_of()["DATA"])
    lives = ArmLives(SMALL)
    lives.need(row.arm, row)
    first = lives.lives
    lives.need(row.arm, row)
    assert [life.key for life in lives.lives] == [life.key for life in first]


def test_a_combination_is_scored_from_simulated_lives(write, tmp_path):
    """A month of real cells on a tiny specimen: four lives of one run-in, null models, and nothing to run twice."""
    path = write(
        ("BOTH", {"eval_month": "1"}), ("BOTH", {"id": "CTX", "quantity": "CTX_pct", "eval_month": "1"})
    )
    settings = Settings(1, (20, 20, 20), 45.0, {"run.spin_up_days": 12, "specimen.BV_TV": 0.15})
    said: list[tuple[int, int, int]] = []
    card = validate(read_table(path), settings, tmp_path, progress=lambda *count: said.append(count))
    assert said[-1] == (4, 0, 4)
    assert len(list((tmp_path / "run_ins").glob("*.vtkhdf"))) == 1
    density, marker = card.lines
    assert all(math.isfinite(value) for line in card.lines for value in line.values)
    assert abs(density.values[0]) < 20.0
    assert {*density.nulls} == {*marker.nulls} == {ADD, VANISH}
    again = validate(read_table(path), settings, tmp_path, progress=lambda *count: said.append(count))
    assert said[-1] == (4, 0, 4)
    assert len(said) == 6  # five calls, then one that finds all of them done
    assert [line.values for line in again.lines] == [line.values for line in card.lines]
