"""Which dose falls on which day, and how schedules are written in one line."""

from __future__ import annotations

import csv

import pytest

from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.therapy.grammar import parse_schedule
from trabsim.therapy.names import OTHER_NAMES, plain
from trabsim.therapy.plan import read_courses
from trabsim.therapy.registry import therapy_kinds
from trabsim.therapy.schedule import TherapyParams, dose_days, dose_number, interval_of, on_day, plain_unit


@pytest.mark.parametrize(
    ("every", "days"),
    [
        ("daily", 1),
        ("qd", 1),
        ("weekly", 7),
        ("qw", 7),
        ("q2w", 14),
        ("monthly", 30.4375),
        ("q1m", 30.4375),
        ("quarterly", 91.3125),
        ("q3m", 91.3125),
        ("semiannual", 182.625),
        ("q6m", 182.625),
        ("yearly", 365.25),
        ("Q12M", 365.25),
        ("once", None),
    ],
)
def test_every_word_for_an_interval(every, days):
    assert interval_of(every) == days


@pytest.mark.parametrize("every", ["fortnightly", "q0d", "q6x", ""])
def test_an_unknown_interval_is_refused(every):
    with pytest.raises(KeyError):
        interval_of(every)


def test_semiannual_doses_fall_on_the_nearest_days_and_do_not_drift():
    params = TherapyParams(kind="denosumab", every="q6m")
    days = dose_days(params, 3653)
    assert days[:4] == [0, 183, 365, 548]
    assert days[20 - 1] == on_day(19 * 182.625)
    assert len(days) == 20


@pytest.mark.parametrize("start", [0, 1, 5, 6, 7.5, 11, 18, 30])
@pytest.mark.parametrize(("every", "months"), [("q1m", 1), ("q3m", 3), ("q6m", 6), ("q12m", 12)])
def test_a_span_of_months_holds_as_many_doses_as_it_should(start, every, months):
    """The stop month is exclusive whatever the start: a year of monthly doses has twelve, not thirteen."""
    params = TherapyParams(kind="x", every=every, start_months=start, stop_months=start + 24)
    assert len(dose_days(params, 10_000)) == 24 // months


def test_dose_numbers_agree_with_dose_days():
    for interval in (1.0, 2.5, 7.0, 30.4375, 182.625):
        for start in (0.0, -12.0, 30.4375, 91.3125):
            params = TherapyParams(
                kind="x", every_days=interval, start_months=start / 30.4375, stop_day=on_day(start) + 400
            )
            days = dose_days(params, 500)
            number = {day: n for n, day in enumerate(days, 1)}
            for day in range(-20, 500):
                assert dose_number(day, params.start, interval, params.stop) == number.get(day, 0)


def test_a_single_dose_falls_on_its_day_alone():
    assert [day for day in range(-5, 50) if dose_number(day, 12.0, None, None)] == [12]
    assert dose_days(TherapyParams(kind="x", every="once", start_day=12), 50) == [12]


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("mcg", "ug"),
        ("µg", "ug"),
        ("μg/day", "ug/day"),
        ("ug/d", "ug/day"),
        ("iu", "IU"),
        (" mg ", "mg"),
        ("mg", "mg"),
    ],
)
def test_spellings_of_a_unit(written, unit):
    assert plain_unit(written) == unit


# ---------------------------------------------------------------------- grammar
def test_a_schedule_in_one_line():
    assert parse_schedule("denosumab 60 mg q6m 0-24; calcium 1000 mg qd 0-24.5;") == [
        {
            "kind": "denosumab",
            "dose": 60.0,
            "unit": "mg",
            "every": "q6m",
            "start_months": 0.0,
            "stop_months": 24.0,
        },
        {
            "kind": "calcium",
            "dose": 1000.0,
            "unit": "mg",
            "every": "qd",
            "start_months": 0.0,
            "stop_months": 24.5,
        },
    ]
    assert parse_schedule("none") == parse_schedule("") == parse_schedule("Placebo; none") == []


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Prolia 60mg Q6M 0–24", "denosumab 60 mg q6m 0-24"),
        ("Zoledronic acid 5 mg once 0 - 1", "zoledronate 5 mg once 0-1"),
        ("zoledronic_acid 5 mg once −1-0", "zoledronate 5 mg once -1-0"),
        ("PTH(1-34) 20ug qd 0-24", "teriparatide 20 ug qd 0-24"),
        ("pth_1_34 20 ug qd 0-24", "teriparatide 20 ug qd 0-24"),
        ("PTH(1-84) 100 ug qd 0-24", "pth_1_84 100 ug qd 0-24"),
        ("leuprorelin 22.5 mg q3m 0-12", "gnrh_agonist 22.5 mg q3m 0-12"),
        ("Estradiol patch 50ug/day qd 0-24", "estradiol_patch 50 ug/day qd 0-24"),
        ("CJC-1295 2 mg qw 0-6", "cjc_1295 2 mg qw 0-6"),
        ("calcium 500 mg bid 0-12", "calcium 1000 mg qd 0-12"),
        ("none; calcium 500 mg qd 0-12", "calcium 500 mg qd 0-12"),
        ("placebo;calcium 500 mg qd 0-12", "calcium 500 mg qd 0-12"),
        ("parathyroidectomy 1 once 0-1", "PTX 1 once 0-2"),
    ],
)
def test_a_schedule_as_people_write_it(written, plain):
    assert parse_schedule(written) == parse_schedule(plain)


def test_every_other_name_is_of_a_drug_and_of_one_alone():
    names = [name for of in OTHER_NAMES.values() for name in of]
    assert set(OTHER_NAMES) <= set(therapy_kinds())
    assert len(names) == len(set(names))
    assert not set(names) & set(therapy_kinds())
    assert [plain(name) for name in names] == names


def test_a_year_is_twelve_months():
    assert interval_of("q1y") == interval_of("q12m") == interval_of("yearly")


def test_surgery_has_neither_unit_nor_end():
    (table,) = parse_schedule("parathyroidectomy once 0-1")
    assert table == {"kind": "parathyroidectomy", "every": "once", "start_months": 0.0}
    assert len(read_courses(load_config({"therapy": [table]}).therapy)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "tibolone 2.5 mg qd 0-12",
            "there is no therapy 'tibolone'; known here: abaloparatide, alendronate,",
        ),
        (
            "estradiol 1 mg qd 0-12",
            "there is no therapy 'estradiol'; write estradiol_oral or estradiol_patch",
        ),
        ("teriparatide 20 ug bid 0-24", "'bid' in 'teriparatide 20 ug bid 0-24': a day has one dose here"),
        (
            "parathyroidectomy qd 0-24",
            "'qd' in 'parathyroidectomy qd 0-24': parathyroidectomy happens once; write",
        ),
        ("denosumab 60 q6m 0-24", "'denosumab 60 q6m 0-24' is no entry of a schedule; write drug dose unit"),
        ("denosumab 60mg mg q6m 0-24", "'denosumab 60mg mg q6m 0-24' is no entry of a schedule"),
        ("denosumab 60 mg q6m", "'denosumab 60 mg q6m' is no entry of a schedule; write drug dose unit"),
        ("denosumab 60 mg q6m 24-0", "'24-0' in 'denosumab 60 mg q6m 24-0' is no span of months"),
        ("denosumab 60 mg often 0-24", "'often' in 'denosumab 60 mg often 0-24' is no frequency"),
        ("denosumab lots mg q6m 0-24", "'lots' in 'denosumab lots mg q6m 0-24' is no dose"),
    ],
)
def test_a_mistake_in_a_schedule_is_named(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_schedule(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_every_schedule_of_the_calibration_table_can_be_given(shared):
    """Every kind, unit and frequency of the published trials, with as many doses as the span holds."""
    with (shared / "reference" / "clinical_calibration.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    schedules = {row[key] for row in rows for key in ("schedule", "reference_schedule")}
    assert len(schedules) > 40
    for schedule in schedules:
        config = load_config({"therapy": parse_schedule(schedule)})
        assert len(read_courses(config.therapy)) == len(config.therapy)
        assert load_config(config) == config
