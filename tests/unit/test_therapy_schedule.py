"""Which dose falls on which day, and how schedules are written in one line."""

from __future__ import annotations

import csv

import pytest

from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.therapy.grammar import parse_schedule
from trabsim.therapy.plan import read_courses
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


@pytest.mark.parametrize("every", ["fortnightly", "q0d", "q6y", ""])
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
    assert parse_schedule("none") == parse_schedule("") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
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
