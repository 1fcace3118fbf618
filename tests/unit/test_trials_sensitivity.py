"""Screening of parameters on lives of one formula: effects, their noise, and how many seeds are enough."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from fake_lives import DENSITIES, FakeLives

from trabsim.errors import ConfigError, RunError
from trabsim.trials.sensitivity import design, replicates_needed, screen
from trabsim.trials.sensitivity_files import write_sensitivity
from trabsim.trials.sensitivity_params import SensitivityParams, endpoint_rows


class Moved(FakeLives):
    """Density at month 12 is a function of the parameters on their scale, and of a seed's noise at this point."""

    def __init__(self, law, shake=0.0, **how):
        super().__init__(**how)
        self.law, self.shake = law, shake

    def row(self, life, month):
        row = super().row(life, month)
        moved = {key: value for key, value in life.overrides.items() if key.startswith(("run.", "cortex."))}
        text = repr((sorted(moved.items()), life.before["run"]["seed"]))
        noise = float(np.random.default_rng(list(text.encode())).normal())
        more = (self.law(life.overrides) + self.shake * noise) * month / 12.0 / 100.0
        return row | {name: row[name] + more for name in DENSITIES}


def params(keys=("cortex.turnover_per_year", "run.spin_up_days"), **changes):
    bounds = {"cortex.turnover_per_year": (0.01, 0.09), "run.spin_up_days": (530, 930)}
    return SensitivityParams(
        **{
            "seeds": 4,
            "shape": 24,
            "endpoint": [
                {"quantity": "vBMD_trab_pct_change", "site": "LS QCT", "month": 12, "wanted_error": 0.1}
            ],
            "parameter": [{"key": key, "low": bounds[key][0], "high": bounds[key][1]} for key in keys],
            **changes,
        }
    )


def by_key(found):
    return {effect.key: effect for effect in found.effects}


def slope(overrides):
    """3 % over the range of the years, nothing over that of the spin-up."""
    return 3.0 * (overrides["cortex.turnover_per_year"] - 0.01) / 0.08


def test_one_at_a_time_finds_the_effect_of_each_parameter(tmp_path):
    found = screen(params(), tmp_path, runner=Moved(slope, noise=0.0))
    effects = by_key(found)
    assert effects["cortex.turnover_per_year"].effect == pytest.approx(3.0)
    assert effects["cortex.turnover_per_year"].t == math.inf
    assert effects["cortex.turnover_per_year"].real
    assert effects["run.spin_up_days"].effect == pytest.approx(0.0, abs=1e-9)
    assert not effects["run.spin_up_days"].real
    assert len(found.points) == 5


def test_noise_hides_a_small_effect_and_not_a_large_one(tmp_path):
    found = by_key(screen(params(), tmp_path, runner=Moved(slope, shake=0.3, noise=0.0)))
    assert found["cortex.turnover_per_year"].real
    assert not found["run.spin_up_days"].real
    assert found["run.spin_up_days"].error > 0.05


def test_a_common_noise_of_seeds_drops_out_of_effects(tmp_path):
    """Seeds differ by percents, and the effect is known to the last digit all the same."""
    found = screen(params(), tmp_path, runner=Moved(slope, noise=0.002))
    assert by_key(found)["cortex.turnover_per_year"].error == pytest.approx(0.0, abs=1e-9)
    assert found.replicates[0].spread > 1.0


def test_morris_gives_slopes_per_range_and_tells_curvature(tmp_path):
    pytest.importorskip("SALib")

    def law(overrides):
        u = (overrides["cortex.turnover_per_year"] - 0.01) / 0.08
        v = (overrides["run.spin_up_days"] - 530) / 400
        return 2.0 * u + 4.0 * (v - 0.5) ** 2

    found = by_key(screen(params(method="morris", trajectories=6), tmp_path, runner=Moved(law, noise=0.0)))
    linear, curved = found["cortex.turnover_per_year"], found["run.spin_up_days"]
    assert linear.effect == pytest.approx(2.0, abs=0.01)
    assert linear.mu_star == pytest.approx(2.0, abs=0.01)
    assert linear.sigma == pytest.approx(0.0, abs=0.02)
    assert curved.sigma > 0.5
    assert curved.mu_star > abs(curved.effect)
    again = by_key(screen(params(method="morris", trajectories=6), tmp_path, runner=Moved(law, noise=0.0)))
    assert again == found


def test_morris_compares_with_what_noise_alone_would_give(tmp_path):
    pytest.importorskip("SALib")
    still = by_key(
        screen(params(method="morris"), tmp_path, runner=Moved(lambda o: 0.0, shake=0.5, noise=0.0))
    )
    assert not any(effect.real for effect in still.values())
    assert all(0.3 < effect.mu_star / effect.noise < 2.0 for effect in still.values())


def test_replicates_are_those_of_the_error_of_a_mean():
    needed, safe = replicates_needed(spread=1.0, seeds=8, wanted_error=0.25)
    assert needed == 16
    # chi-square with 7 degrees of freedom is above 2.167 in 95 of 100 cases
    assert safe == math.ceil(16 * 7 / 2.167)
    assert replicates_needed(0.01, 8, 1.0) == (2, 2)


def test_endpoints_recommend_replicates_only_where_an_error_is_wanted(tmp_path):
    found = screen(params(), tmp_path, runner=Moved(slope, noise=0.002))
    (need,) = found.replicates
    assert need.needed == math.ceil((need.spread / 0.1) ** 2)
    assert need.safe > need.needed
    silent = params(endpoint=[{"quantity": "CTX_pct", "site": "systemic", "month": 6}])
    assert screen(silent, tmp_path, runner=FakeLives()).replicates[0].needed is None


def test_a_difference_from_a_reference_can_be_the_endpoint(tmp_path):
    """What both arms feel drops out of their difference."""
    study = params(
        schedule="denosumab 60 mg q6m 0-24", reference_schedule="none", keys=("cortex.turnover_per_year",)
    )
    found = screen(study, tmp_path, runner=Moved(slope, noise=0.001))
    assert found.values[0, 0] == pytest.approx([4.8] * 4)
    assert by_key(found)["cortex.turnover_per_year"].effect == pytest.approx(0.0, abs=1e-9)


def test_an_endpoint_may_lie_between_two_months(tmp_path):
    """Half a month after the first dose a marker is halfway to its value after a month; density is, too."""
    endpoints = [
        {"quantity": "CTX_pct", "site": "systemic", "month": 0.5},
        {"quantity": "vBMD_trab_pct_change", "site": "LS QCT", "month": 6.5, "baseline_month": 0.5},
    ]
    study = params(schedule="denosumab 60 mg q6m 0-24", endpoint=endpoints)
    found = screen(study, tmp_path, runner=Moved(lambda overrides: 0.0, noise=0.0))
    assert found.replicates[0].mean == pytest.approx(-30.0)
    assert found.replicates[1].mean == pytest.approx(100.0 * (1.0195 / 1.0015 - 1.0))


def test_files_name_version_seeds_and_the_notice(tmp_path):
    found = screen(params(), tmp_path, runner=Moved(slope, shake=0.3))
    effects, log = write_sensitivity(found, tmp_path)
    text = effects.read_text()
    assert text.startswith("# trabsim 0.1.0; one_at_a_time; seeds 1-4; 24^3 voxels")
    assert "# Research use only" in text
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert {row["key"]: row["real"] for row in rows} == {
        "cortex.turnover_per_year": "True",
        "run.spin_up_days": "False",
    }
    data = json.loads(log.read_text())
    assert np.shape([point["values"] for point in data["points"]]) == (5, 1, 4)
    assert data["points"][1]["parameters"]["cortex.turnover_per_year"] == 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"endpoint": ()}, "no endpoint is named; add [[endpoint]] with quantity, site and month"),
        ({"parameter": ()}, "no parameter is named; add [[parameter]] with key, low and high"),
        (
            {"endpoint": [{"quantity": "grip", "month": 6}]},
            "endpoint 1 (grip LS month 6) cannot be read off a run: nothing in the series is 'grip'; choose another",
        ),
        ({"schedule": "denosumab 60 mg"}, "'denosumab 60 mg' is no entry of a schedule"),
        ({"prior_therapy": "calcium 1 g qd 0-6"}, "calcium from month 0 on is given after entry"),
        (
            {"endpoint": [{"quantity": "BMD_pct_per_year", "month": 6, "baseline_month": 6}]},
            "cannot be read off a run: a rate needs time to pass, and its baseline is the month that it is looked at",
        ),
    ],
)
def test_mistakes_are_told_in_one_line(changes, message):
    with pytest.raises(ConfigError) as caught:
        design(params(**changes))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_failed_run_ends_a_screening_since_points_could_not_be_compared(tmp_path):
    with pytest.raises(RunError, match=r"\d+ runs failed, so effects cannot be compared: the osteoclasts"):
        screen(params(), tmp_path, runner=FakeLives(fails=lambda life: life.before["run"]["seed"] == 1))


def test_morris_without_its_library_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "SALib.sample", None)
    with pytest.raises(ConfigError, match=r'needs the package SALib: pip install "trabsim\[trials\]"'):
        design(params(method="morris"))


def test_the_person_of_a_screening_is_that_of_the_file():
    row = endpoint_rows(params(person={"sex": "M", "age_years": 70, "condition": "hypogonadism"}))[0]
    assert row.arm.person[:2] == ("male", 70.0)
    assert row.arm.person.condition == "hypogonadism"
