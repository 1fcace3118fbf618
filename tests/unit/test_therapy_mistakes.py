"""Every mistake in a therapy is answered in one line that says what to do; what is merely odd is noted."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from trabsim.cli import main
from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.therapy.notes import describe, notes_on
from trabsim.therapy.plan import read_courses

GOOD = {"kind": "denosumab", "dose": 60, "unit": "mg", "every": "q6m"}
GEL = {"kind": "testosterone_gel", "dose": 50, "unit": "mg", "every": "daily"}
PATCH = {"kind": "estradiol_patch", "dose": 50, "unit": "ug/day"}

MISTAKES = {
    "unknown drug": (
        {**GOOD, "kind": "denosumb"},
        "there is no therapy 'denosumb'; did you mean 'denosumab'?",
    ),
    "nothing like a drug": (
        {**GOOD, "kind": "qqqq"},
        "there is no therapy 'qqqq'; known here: abaloparatide, ",
    ),
    "no kind": ({"dose": 3}, "therapy 1 names no kind; write for example kind = 'denosumab'"),
    "no dose": (
        {"kind": "denosumab", "unit": "mg", "every": "q6m"},
        "therapy 1 (denosumab) has no dose; write for example dose = 60, unit = 'mg'",
    ),
    "no unit": (
        {**GOOD, "unit": None},
        "therapy 1 (denosumab): dose 60 has no unit; write one of mg, ug, g",
    ),
    "negative dose": (
        {**GOOD, "dose": -60},
        "therapy.0.dose = -60: input should be greater than or equal to 0",
    ),
    "dose and unit in one": (
        {**GOOD, "dose": "60 mg", "unit": None},
        "[therapy.0.dose] dose = '60 mg' holds a unit; write dose = 60 and unit = 'mg'",
    ),
    "unit of another kind": (
        {**GOOD, "unit": "IU"},
        "therapy 1 (denosumab): unit 'IU' is of another kind; write one of mg, ug, g",
    ),
    "syringe units": (
        {**GEL, "unit": "units"},
        "therapy 1 (testosterone_gel): 'units' does not say how much drug it is; give the dose in mg (volume",
    ),
    "concentration without a volume": (
        {**GEL, "kind": "testosterone_cypionate", "dose": 200, "unit": "mg/mL"},
        "therapy 1 (testosterone_cypionate): 'mg/mL' does not say how much drug it is; give the dose in mg",
    ),
    "volume": (
        {**GEL, "kind": "testosterone_enanthate", "dose": 0.5, "unit": "mL"},
        "therapy 1 (testosterone_enanthate): 'mL' does not say how much drug it is; give the dose in mg",
    ),
    "volume beside mg": (
        {**GEL, "volume_mL": 1.0},
        "therapy 1 (testosterone_gel): volume_mL goes with unit mg/mL, not 'mg'; leave it out",
    ),
    "patch in ug": (
        {**PATCH, "unit": "ug"},
        "therapy 1 (estradiol_patch) is dosed by what it delivers per day; write unit = 'ug/day', got 'ug'",
    ),
    "patch every week": (
        {**PATCH, "every": "weekly"},
        "therapy 1 (estradiol_patch): a dose in ug/day is given every day; write every = 'daily' or leave it out",
    ),
    "no interval": (
        {"kind": "denosumab", "dose": 60, "unit": "mg"},
        "therapy 1 (denosumab) has no interval; write for example every = 'weekly' or every_days = 7",
    ),
    "unknown interval": (
        {**GOOD, "every": "wekly"},
        "therapy 1 (denosumab): every = 'wekly' is no interval; did you mean 'weekly'?",
    ),
    "two intervals": (
        {**GOOD, "every_days": 180},
        "therapy 1 (denosumab) has every = 'q6m' and every_days = 180; keep one",
    ),
    "two starts": (
        {**GOOD, "start_day": 3, "start_months": 1},
        "therapy 1 (denosumab) has start_day and start_months; keep one of them",
    ),
    "two stops": (
        {**GOOD, "stop_day": 300, "stop_months": 10},
        "therapy 1 (denosumab) has stop_day and stop_months; keep one of them",
    ),
    "stops before it starts": (
        {**GOOD, "start_day": 100, "stop_day": 100},
        "therapy 1 (denosumab) stops on day 100, before it starts (100)",
    ),
    "dose number nought": (
        {**GOOD, "missed_doses": [0]},
        "therapy 1 (denosumab): missed_doses counts from 1, got 0",
    ),
    "unknown route": (
        {**GOOD, "route": "oral"},
        "therapy 1 (denosumab): route 'oral' is unknown; choose from: subcutaneous",
    ),
    "unit where there is none": (
        {"kind": "parathyroidectomy", "dose": 1, "unit": "mg"},
        "therapy 1 (parathyroidectomy) takes no unit, got 'mg'; leave it out",
    ),
    "surgery undone": (
        {"kind": "parathyroidectomy", "stop_day": 30},
        "therapy 1 (parathyroidectomy) cannot be undone; leave out when it stops",
    ),
    "condition": (
        {**GOOD, "start_when": "T_scor < -2.5"},
        "therapy 1 (denosumab): start_when: 'T_scor' is nothing a clinic sees; did you mean 'T_score'?",
    ),
    "condition on what nobody gave": (
        {**GOOD, "stop_when": "FRAX_hip_fraction < 0.03"},
        "therapy 1 (denosumab): stop_when asks for FRAX_hip_fraction, and nobody gave it; write it in [endocrine]",
    ),
    "condition on a load program": (
        {"kind": "exercise", "dose": 1, "start_when": "osteopenia"},
        "therapy 1 (exercise): start_when works for drugs; a load program begins and ends on given days",
    ),
    "misspelled key": (
        {**GOOD, "start_dya": 3},
        "unknown key 'therapy.0.start_dya' (value 3); did you mean 'start_day'?",
    ),
    "adherence out of range": (
        {**GOOD, "adherence_fraction": 1.5},
        "therapy.0.adherence_fraction = 1.5: input",
    ),
}


def message(tables):
    with pytest.raises(ConfigError) as caught:
        load_config(tables)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(name):
    table, expected = MISTAKES[name]
    assert message({"therapy": [table]}).startswith(expected)


def test_all_mistaken_therapies_are_named_at_once():
    text = message({"therapy": [{**GOOD, "unit": None}, GOOD, {**GEL, "unit": "units"}]})
    assert "therapy 1 (denosumab): dose 60 has no unit" in text
    assert "therapy 3 (testosterone_gel): 'units' does not say" in text


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"drug": {"denosumb": {}}}, "unknown table [drug.denosumb]; did you mean 'denosumab'?"),
        (
            {"drug": {"denosumab": {"half_nMM": 2}}},
            "unknown key 'drug.denosumab.half_nMM' (value 2); did you mean 'half_nM'?",
        ),
        (
            {"drug": {"denosumab": {"half_nM": -2}}},
            "drug.denosumab.half_nM = -2: input should be greater than 0",
        ),
        ({"drug": {"half_nM": 2}}, "drug holds one table per drug; write for example [drug.denosumab]"),
        (
            {"run": {"disable": ["mechanics"]}, "therapy": [{"kind": "bed_rest"}]},
            "therapy 1 (bed_rest) acts through mechanics, which run.disable switches off; leave one of them out",
        ),
        (
            {"therapy": {"kind": "denosumab"}},
            "[therapy] is a list of tables; write [[therapy]], in double brackets",
        ),
    ],
)
def test_a_mistaken_table_is_named(tables, expected):
    assert message(tables).startswith(expected)


def test_a_concentration_with_a_volume_is_a_dose():
    table = {**GEL, "kind": "testosterone_cypionate", "dose": 200, "unit": "mg/mL", "volume_mL": 0.5}
    (course,) = read_courses(load_config({"therapy": [table]}).therapy)
    assert course.amount == 100.0


@pytest.mark.parametrize(
    ("table", "amount"),
    [
        ({"kind": "teriparatide", "dose": 20, "unit": "mcg", "every": "qd"}, 0.020),
        ({"kind": "vitamin_d", "dose": 20, "unit": "ug", "every": "qd"}, 800.0),
        ({"kind": "vitamin_d", "dose": 800, "unit": "IU/day"}, 800.0),
        ({"kind": "rhgh", "dose": 1.5, "unit": "IU", "every": "daily"}, 0.5),
        ({"kind": "calcium", "dose": 1, "unit": "g", "every": "daily"}, 1000.0),
        ({**PATCH, "dose": 0.05, "unit": "mg/day"}, 0.05),
        ({"kind": "parathyroidectomy"}, 1.0),
        ({"kind": "exercise", "dose": 0.2, "unit": "scale", "every": "qw"}, 0.2),
    ],
)
def test_units_are_converted(table, amount):
    (course,) = read_courses(load_config({"therapy": [table]}).therapy)
    assert course.amount == pytest.approx(amount)


# ------------------------------------------------------------------------ notes
def notes(*tables, first=-730, end=1000):
    return notes_on(read_courses(load_config({"therapy": list(tables)}).therapy), first, end)


def test_a_usual_dose_is_not_worth_a_note():
    assert notes(GOOD, GEL, PATCH) == []


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {**GOOD, "dose": 6000},
            "therapy 1 (denosumab): 6000 mg q6m is 100 times the usual dose; check amount",
        ),
        ({**GOOD, "every": "daily"}, "therapy 1 (denosumab): 60 mg daily is 183 times the usual dose"),
        ({**PATCH, "unit": "mg/day"}, "therapy 1 (estradiol_patch): 50 mg/day is 500 times the usual dose"),
        (
            {"kind": "vitamin_d", "dose": 50_000, "unit": "IU", "every": "daily"},
            "therapy 1 (vitamin_d): 50000 IU daily is 7 times the usual amount per day; check amount and unit",
        ),
        (
            {**GEL, "kind": "testosterone_cypionate", "dose": 200, "unit": "mg/mL", "volume_mL": 20},
            "therapy 1 (testosterone_cypionate): 200 mg/mL x 20 mL = 4000 mg daily is ",
        ),
        (
            {**GOOD, "start_day": 1001},
            "therapy 1 (denosumab): lies outside the run (day -730 to 1000); nothing is",
        ),
        ({**GOOD, "start_day": -900, "stop_day": -800}, "therapy 1 (denosumab): lies outside the run"),
        ({**GOOD, "start_day": -900}, "therapy 1 (denosumab): starts on day -900, before the run (day -730)"),
    ],
)
def test_what_is_odd_is_noted(table, expected):
    (note,) = notes(table)
    assert note.startswith(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"missed_doses": [2, 4]}, "60 mg q6m from day 0, 4 doses of 6; "),
        ({"missed_doses": [2, 9]}, "60 mg q6m from day 0, 5 doses of 6; "),
        ({"adherence_fraction": 0.5}, "60 mg q6m from day 0, about 3 doses of 6; "),
        ({"adherence_fraction": 0.5, "missed_doses": [1, 2]}, "60 mg q6m from day 0, about 2 doses of 6; "),
        ({}, "60 mg q6m from day 0, 6 doses; "),
    ],
)
def test_doses_that_are_not_taken_are_not_counted(changes, expected):
    courses = read_courses(load_config({"therapy": [{**GOOD, **changes}]}).therapy)
    (line,) = describe(courses, 1000)
    assert expected in line


def test_a_volume_is_told_as_a_mass():
    table = {"kind": "testosterone_cypionate", "dose": 200, "unit": "mg/mL", "volume_mL": 0.5, "every": "qw"}
    (line,) = describe(read_courses(load_config({"therapy": [table]}).therapy), 20)
    assert line.startswith(
        "therapy 1: testosterone_cypionate 200 mg/mL x 0.5 mL = 100 mg qw from day 0, 3 doses"
    )


def test_overlapping_schedules_of_one_drug_are_noted():
    loading = {"kind": "vitamin_d", "dose": 50_000, "unit": "IU", "every": "weekly", "stop_day": 56}
    keep = {"kind": "vitamin_d", "dose": 800, "unit": "IU", "every": "daily"}
    assert notes(loading, keep) == [
        "therapy 1 (vitamin_d) and therapy 2 overlap; both are given (right for a loading dose)"
    ]
    assert notes(loading, {**keep, "start_day": 56}) == []
    assert notes(loading, GOOD) == []


def test_check_says_what_is_given_and_on_what_evidence(tmp_path):
    path = tmp_path / "plan.toml"
    config = load_config(
        {
            "run": {"years": 2.0},
            "therapy": [
                GOOD,
                {"kind": "ipamorelin", "dose": 5000, "unit": "ug", "every": "daily", "stop_day": 90},
                {"kind": "bed_rest", "dose": 1, "stop_day": 60},
                {**GEL, "start_when": "T_score < -1"},
                {"kind": "parathyroidectomy"},
            ],
        }
    )
    path.write_text(config.to_toml(), encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 0, result.output
    for line in (
        "therapy 1: denosumab 60 mg q6m from day 0, 4 doses; calibrated (",
        "therapy 2: ipamorelin 5000 ug daily from day 0 to 90, 90 doses; hypothesis (",
        "therapy 3: bed_rest 1 from day 0 to 60, load program; uncalibrated (",
        "therapy 4: testosterone_gel 50 mg daily from day 0, visits every 365 days, start_when T_score < -1; cal",
        "therapy 5: parathyroidectomy from day 0, once; uncalibrated (",
        "warning: therapy 2 (ipamorelin): 5000 ug daily is 17 times the usual dose; check amount and unit",
    ):
        assert line in result.output
    assert len(describe(read_courses(config.therapy), config.run.end_day)) == 5


def test_a_run_writes_what_is_odd_to_its_log(caplog):
    from therapy_days import live

    live({}, [{**GOOD, "dose": 6000}], 1)
    assert "therapy 1 (denosumab): 6000 mg q6m is 100 times the usual dose" in caplog.text
