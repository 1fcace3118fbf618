"""Denosumab and romosozumab: target-mediated kinetics against published curves and a fine integration."""

from __future__ import annotations

import numpy as np
import pytest
from therapy_days import give

from trabsim.therapy import target_mediated
from trabsim.therapy.registry import therapy_class
from trabsim.therapy.target_mediated import advance_day, free_nM


def level(kind, name, amount, days, every=None, stop=None):
    return [day[name] for day in give(kind, amount, days, every=every, stop=stop)[1]]


def denosumab(amount=60.0, days=200, every=None, stop=None):
    return level("denosumab", "denosumab_ng_per_mL", amount, days, every, stop)


def romosozumab(amount=210.0, days=120, every=None, stop=None):
    return level("romosozumab", "romosozumab_ug_per_mL", amount, days, every, stop)


def test_denosumab_follows_the_published_course():
    """Day 10 to 182 of 60 mg by the model of Choi 2025, within 10 % where it is above 1 ug/mL."""
    course = denosumab()
    for day, ng in ((10, 5550), (30, 4430), (60, 2420), (90, 1250)):
        assert course[day] == pytest.approx(ng, rel=0.10)
    assert 300 < course[120] < 800
    assert 80 < course[150] < 300
    assert 2 < course[181] < 20


def test_denosumab_has_the_peak_and_area_of_the_label():
    """Label: 6.75 +- 1.89 ug/mL after about 10 days, AUC over 16 weeks 316 +- 101 ug day/mL."""
    course = denosumab()
    assert 4860 < max(course) < 8640
    assert 7 <= course.index(max(course)) <= 14
    assert sum(course[:112]) / 1000 == pytest.approx(316, abs=50)


def test_denosumab_disappears_faster_the_less_is_left():
    """Its target clears the last of it: the half-life falls from weeks to days."""
    course = np.array(denosumab(days=220))
    rate = -np.diff(np.log(course))
    assert np.log(2) / rate[40] > 20
    assert np.log(2) / rate[180] < 9


def test_ten_times_the_dose_gives_more_than_ten_times_the_area():
    """The target saturates."""
    assert sum(denosumab(600.0, 365)) > 11 * sum(denosumab(60.0, 365))


def test_the_interval_of_six_months_leaves_nothing_to_accumulate():
    course = denosumab(days=4 * 183, every=183)
    peaks = [max(course[i * 183 : (i + 1) * 183]) for i in range(4)]
    assert peaks == pytest.approx([peaks[0]] * 4, rel=0.07)


def test_romosozumab_has_the_published_peak_and_trough():
    """Stein & Peletier 2018 give about 25 ug/mL at the peak, 2.8-3.7 at the trough of a month, below 0.1 after two."""
    course = romosozumab()
    assert 20 < max(course) < 28
    assert 2 <= course.index(max(course)) <= 7
    assert 2.6 < course[29] < 3.9
    assert course[60] < 0.1
    # label: AUC over a month of about 389 ug day/mL
    assert sum(course) == pytest.approx(389, rel=0.1)


def test_romosozumab_every_month_is_steady_by_the_third():
    course = romosozumab(days=360, every=30)
    peaks = [max(course[i * 30 : (i + 1) * 30]) for i in range(12)]
    assert peaks[2:] == pytest.approx([peaks[-1]] * 10, rel=0.01)
    assert peaks[-1] / peaks[0] < 1.5
    assert min(course[330:]) > 2.6


@pytest.mark.parametrize("kind", ["denosumab", "romosozumab"])
def test_finer_steps_change_nothing(kind, monkeypatch):
    """Steps of two hours are fine enough: ten times as many change the course by less than 1e-3."""
    amount = therapy_class(kind).label_dose
    (name,) = therapy_class(kind).sets
    coarse = np.array(level(kind, name, amount, 180))
    monkeypatch.setattr(target_mediated, "STEPS", 120)
    fine = np.array(level(kind, name, amount, 180))
    assert np.abs(coarse - fine).max() < 1e-3 * fine.max()
    kept = fine > 1e-3 * fine.max()
    assert np.abs(coarse[kept] / fine[kept] - 1).max() < 5e-3


def test_free_drug_solves_the_binding():
    """Free + bound = total, for scarce and for plentiful drug alike."""
    for total in (1e-12, 1e-3, 1.0, 40.0, 1e4):
        free = free_nM(total, 15.0, 1.5)
        assert 0 < free < total
        assert free + 15.0 * free / (1.5 + free) == pytest.approx(total, rel=1e-12)


def test_without_drug_the_target_stays():
    drug = therapy_class("denosumab")()
    y = advance_day(0.0, 0.0, 0.0, drug.params.target_nM, drug.rates)
    assert y[:3] == (0.0, 0.0, 0.0)
    assert y[3] == pytest.approx(drug.params.target_nM, rel=1e-14)
    assert y[4:] == (0.0, 0.0)
