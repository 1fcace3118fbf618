"""Calibration on lives of one formula: what it finds is known, and so is what it must refuse."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from fake_lives import DENSITIES, FakeLives

from trabsim.config import load_config
from trabsim.errors import ConfigError, RunError
from trabsim.trials.calibration import CalibrationParams, calibrate, target_rows
from trabsim.trials.calibration_files import as_dict, errors_of, residual_rows, write_calibration
from trabsim.trials.clinical_table import read_table
from trabsim.trials.fit_statistics import noise_of_means, uncertainty
from trabsim.trials.parameter_space import ParameterRange, ParameterSpace, read_overrides
from trabsim.trials.study_file import read_study

TABLE = Path(__file__).with_name("clinical_rows.csv")


class Felt(FakeLives):
    """Drugs whose gain follows a parameter; `keys` names (drug, dotted key, gain a month at 1)."""

    def __init__(self, keys, **how):
        super().__init__(**how)
        self.keys = keys

    def row(self, life, month):
        row = super().row(life, month)
        given = {table["kind"]: table for table in life.therapy}
        for drug, key, slope in self.keys:
            if drug in given and key in life.overrides:
                more = slope * life.overrides[key] * max(min(month, given[drug]["stop_months"]), 0)
                row |= {name: row[name] + more for name in DENSITIES}
                row |= {name: row[name] + 0.1 * more for name in ("BV_TV", "potential_BV_TV")}
        return row


@pytest.fixture(scope="module")
def keys():
    """A parameter of each of two drugs that may lie between 0.1 and 10, whatever they are called."""
    from trabsim.therapy.registry import therapy_class

    def numbers(kind):
        params = therapy_class(kind).params_class()
        for name, value in params.model_dump().items():
            if isinstance(value, float) and value > 0:
                key = f"drug.{kind}.{name}"
                try:
                    load_config({}, {key: 0.1})
                    load_config({}, {key: 0.9})
                except ConfigError:
                    continue
                yield key

    return next(numbers("alendronate")), next(numbers("teriparatide"))


def params(keys, **changes):
    ranges = [{"key": key, "low": 0.1, "high": 0.9, "start": 0.2} for key in keys]
    return CalibrationParams(**{"parameter": ranges, "seeds": 3, "shape": 24, **changes})


def fit(tmp_path, keys, slopes=(0.004, 0.01), noise=0.0, ids=("ALN", "DATA"), **changes):
    drugs = ("alendronate", "teriparatide")
    runner = Felt([(d, k, s) for d, k, s in zip(drugs, keys, slopes)], noise=noise)
    found = calibrate(params(keys, **changes), read_table(TABLE, ids=ids), tmp_path, runner=runner)
    return found, runner


# --- the fit ------------------------------------------------------------------------------------------------------


def test_least_squares_finds_what_the_formula_holds(tmp_path, keys):
    """Alendronate gives 7.2 % at nothing and 14.4 % per unit: the published 8.8 % are 1.6 / 14.4 of one."""
    found, _ = fit(tmp_path, keys[:1], ids=("ALN",))
    assert found.best.parameters[keys[0]] == pytest.approx(1.6 / 14.4, abs=0.003)
    assert found.best.squares < 0.001 < found.first.squares
    # the residual is in units of the root of 0.4^2 + 1^2
    assert found.slopes[0, 0] == pytest.approx(0.8 * 14.4 / math.hypot(0.4, 1.0), rel=1e-6)
    error = math.hypot(0.4, 1.0) / 14.4
    assert errors_of(found)[keys[0]] == pytest.approx(error, rel=1e-6)


def test_two_drugs_do_not_disturb_each_other(tmp_path, keys):
    found, _ = fit(tmp_path, keys, slopes=(0.004, -0.016))
    base, teriparatide = 100 * (0.005 - 0.001) * 24, -100 * 0.016 * 24
    assert found.best.parameters[keys[1]] == pytest.approx((2.8 - base) / teriparatide, abs=0.003)
    assert found.uncertainty.correlation == pytest.approx(np.eye(2), abs=1e-6)


def test_a_bound_holds_and_is_told(tmp_path, keys):
    found, _ = fit(tmp_path, keys[:1], slopes=(0.0004,), ids=("ALN",))
    assert found.best.parameters[keys[0]] == pytest.approx(0.9, abs=0.01)
    write_calibration(found, tmp_path)
    assert "at its bound 0.9" in (tmp_path / "parameters.toml").read_text()


def test_a_parameter_that_nothing_depends_on_is_told_apart(tmp_path, keys):
    found, _ = fit(tmp_path, keys, ids=("ALN",))
    errors = errors_of(found)
    assert errors[keys[1]] == math.inf
    assert math.isfinite(errors[keys[0]])
    write_calibration(found, tmp_path)
    assert "not determined by these rows" in (tmp_path / "parameters.toml").read_text()


def test_a_parameter_with_next_to_no_effect_stays_and_is_not_determined(tmp_path, keys):
    """What is certain to the last digit, and moves nothing, must not send a parameter to its bound."""
    found, _ = fit(tmp_path, keys[:1], slopes=(1e-7,), ids=("ALN",))
    assert found.best.parameters == found.first.parameters
    assert found.steps[0] == pytest.approx(0.4)
    assert errors_of(found)[keys[0]] == math.inf


def test_a_slope_below_the_noise_gets_a_larger_step(tmp_path, keys):
    """Noise that differs between two points hides a slope; steps are doubled up to four tenths of the range."""

    class Noisy(Felt):
        def row(self, life, month):
            row = super().row(life, month)
            value = life.overrides.get(self.keys[0][1], 0.0)
            shake = 0.0005 * math.sin(1e6 * value + 7.0 * life.before["run"]["seed"]) * month
            shake *= any(table["kind"] == "alendronate" for table in life.therapy)
            return row | {
                "total_hip_BMD_relative": 1.0,
                "lumbar_spine_BMD_relative": row["lumbar_spine_BMD_relative"] + shake,
            }

    runner = Noisy([("alendronate", keys[0], 1e-5)])
    found = calibrate(params(keys[:1], step=0.05), read_table(TABLE, ids=["ALN"]), tmp_path, runner=runner)
    assert found.steps[0] == pytest.approx(0.4)
    quiet, _ = fit(tmp_path, keys[:1], ids=("ALN",), step=0.05)
    assert quiet.steps[0] == pytest.approx(0.05)


def test_only_arms_that_feel_a_parameter_run_again(tmp_path, keys):
    """Untreated lives and those of the other drug have the same key at every point."""
    found, runner = fit(tmp_path, keys)
    untreated = {
        life.key
        for life in runner.asked
        if not [t for t in life.therapy if t["kind"] in ("alendronate", "teriparatide")]
    }
    assert len(untreated) == 3
    points = len(found.evaluations)
    alone = {life.key for life in runner.asked if any(t["kind"] == "alendronate" for t in life.therapy)}
    assert len(alone) < 3 * points
    assert len(runner.run) < len(runner.asked) / 2


@pytest.mark.parametrize("method", ["tpe", "cma-es"])
def test_a_search_of_the_whole_range_is_repeatable_and_may_be_polished(tmp_path, keys, method):
    pytest.importorskip("optuna")
    if method == "cma-es":
        pytest.importorskip("cmaes")
    both = keys if method == "cma-es" else keys[:1]
    how = {
        "method": method,
        "search_points": 12 if method == "tpe" else 40,
        "search_seed": 3,
        "slopes": (0.004, -0.016)[: len(both)],
    }
    rough, _ = fit(tmp_path, both, polish=False, **how)
    again, _ = fit(tmp_path, both, polish=False, **how)
    assert rough.best.parameters == again.best.parameters
    assert rough.best.squares < rough.first.squares
    fine, _ = fit(tmp_path, both, **how)
    assert fine.best.squares <= rough.best.squares
    assert "points; least squares" in fine.message


def test_rows_that_may_not_be_fitted_are_refused_or_reported(tmp_path, keys):
    table = read_table(TABLE, ids=["ALN", "BOTH", "SEQ", "STOP"])
    with pytest.raises(
        ConfigError, match=r"nothing is fitted to .*BOTH \(combination\), SEQ \(sequence\), STOP \(after"
    ):
        target_rows(table, params(keys))
    found, _ = fit(tmp_path, keys[:1], ids=["ALN", "BOTH"], report_excluded=True)
    assert [row.id for row in found.rows] == ["ALN"]
    assert [row["id"] for row in as_dict(found)["reported"]] == ["BOTH"]


# --- files --------------------------------------------------------------------------------------------------------


def test_files_are_a_configuration_and_a_log(tmp_path, keys):
    found, _ = fit(tmp_path, keys, noise=0.0002)
    parameters, log = write_calibration(found, tmp_path)
    assert read_overrides(parameters) == found.best.parameters
    text = parameters.read_text()
    assert "standard error" in text
    assert "Research use only" in text
    data = json.loads(log.read_text())
    assert data["parameters"][keys[0]]["standard_error"] == pytest.approx(errors_of(found)[keys[0]])
    assert data["parameters_sha256"] in text
    assert len(data["evaluations"]) == len(found.evaluations)
    rows = {row["id"]: row for row in residual_rows(found)}
    assert rows["DATA"]["published"] == 2.8
    assert rows["DATA"]["SE_MonteCarlo"] > 0
    assert rows["DATA"]["simulated_at_start"] != rows["DATA"]["simulated"]


def test_a_fit_that_is_started_again_asks_for_the_same_lives(tmp_path, keys):
    first, one = fit(tmp_path, keys, noise=0.0002)
    second, two = fit(tmp_path, keys, noise=0.0002)
    assert one.run == two.run
    assert first.best.parameters == second.best.parameters


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([], "no parameter is named; add [[parameter]] with key, low and high"),
        ([("drug.denosumap.x", 1, 2)], "unknown table [drug.denosumap]; did you mean 'denosumab'?"),
        ([("activation.nothing", 1, 2)], "unknown key 'activation.nothing'"),
        ([("mineral.every", 2, 1)], "parameter mineral.every: low = 2 is not below high = 1; exchange them"),
        ([("run.years", -1, 2, "log")], "low = -1 has no logarithm"),
        ([("run.years", -1, 2)], "run.years = -1.0: input should be greater than 0"),
        (
            [("run.years", 1, 2)],
            "parameter run.years: its default 5 lies outside 1 to 2; give start or other bounds",
        ),
        ([("run.years", 1, 9)] * 2, "parameter run.years is named twice; leave one out"),
        ([("endocrine.sex", 1, 9)], "endocrine.sex"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused_in_one_line(ranges, message):
    with pytest.raises(ConfigError) as caught:
        ParameterSpace(
            [ParameterRange(**dict(zip(("key", "low", "high", "scale"), item))) for item in ranges]
        )
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scales_and_whole_numbers():
    space = ParameterSpace(
        [
            ParameterRange(key="run.years", low=1.0, high=100.0, scale="log"),
            ParameterRange(key="run.spin_up_days", low=700, high=800),
        ]
    )
    assert space.values(np.array([0.5, 0.504])) == {"run.years": 10.0, "run.spin_up_days": 750}
    assert space.values(space.start) == {"run.years": 5.0, "run.spin_up_days": 730}
    spread = space.spread(np.array([0.5, 0.5]), np.array([0.1, 0.1]))
    assert spread == pytest.approx({"run.years": 10 * math.log(100) * 0.1, "run.spin_up_days": 10.0})


def test_files_of_studies_are_checked_as_a_whole(tmp_path):
    path = tmp_path / "fit.toml"
    with pytest.raises(ConfigError, match=r"cannot read .*fit.toml: No such file"):
        read_study(path, CalibrationParams)
    path.write_text("seeds = \n")
    with pytest.raises(ConfigError, match=r"fit.toml is not valid TOML: .*; mend that line"):
        read_study(path, CalibrationParams)
    path.write_text('sedes = 2\nseeds = 0\n[[parameter]]\nkey = "run.years"\nlow = 1\nhihg = 2\n')
    with pytest.raises(ConfigError) as caught:
        read_study(path, CalibrationParams)
    said = (
        "'sedes'; did you mean 'seeds'?",
        "seeds = 0",
        "0.high' is missing",
        "0.hihg'; did you mean 'high'?",
    )
    for part in said:
        assert part in str(caught.value)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is no text in UTF-8"):
        read_study(path, CalibrationParams)


def test_other_parameters_may_be_written_as_keys_or_tables(tmp_path):
    """A table of its own must not replace the whole table of the configuration."""
    path = tmp_path / "fit.toml"
    for text in ('[set]\n"run.years" = 2\n', "[set]\nrun.years = 2\n", "[set.run]\nyears = 2\n"):
        path.write_text(text)
        assert read_study(path, CalibrationParams).set == {"run.years": 2}


def test_files_of_parameters_are_checked(tmp_path):
    path = tmp_path / "p.toml"
    with pytest.raises(ConfigError, match=r"cannot read .*p.toml: No such file"):
        read_overrides(path)
    path.write_text("[run\n")
    with pytest.raises(ConfigError, match=r"p.toml is not valid TOML"):
        read_overrides(path)
    path.write_text("[run]\nyaers = 2\n")
    with pytest.raises(ConfigError, match=r"unknown key 'run.yaers'.*did you mean 'years'"):
        read_overrides(path)


def test_a_calibration_that_cannot_start_says_why(tmp_path, keys):
    runner = FakeLives(fails=lambda life: True)
    with pytest.raises(RunError, match="the calibration cannot start: the osteoclasts are on strike"):
        calibrate(params(keys), read_table(TABLE, ids=["ALN"]), tmp_path, runner=runner)
    with pytest.raises(ConfigError, match=r"stands under \[set\] and is fitted, too; leave one out"):
        calibrate(params(keys, set={keys[0]: 0.3}), read_table(TABLE, ids=["ALN"]), tmp_path, runner=runner)
    with pytest.raises(ConfigError, match="leave_out names XYZ, which is no row to fit"):
        target_rows(read_table(TABLE), params(keys, leave_out=("XYZ",)))
    with pytest.raises(ConfigError, match=r"no row of .* is left to fit"):
        target_rows(read_table(TABLE, ids=["BOTH"]), params(keys, report_excluded=True))


def test_a_search_without_its_library_names_the_extra(tmp_path, keys, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'needs the package optuna: pip install "trabsim\[trials\]"'):
        fit(tmp_path, keys, method="tpe")


# --- statistics ---------------------------------------------------------------------------------------------------


def test_uncertainty_is_that_of_linear_least_squares():
    random = np.random.default_rng(1)
    slopes = random.normal(size=(40, 3))
    found = uncertainty(slopes, np.full(40, 0.1), np.zeros((40, 40)))
    assert found.inflation == 1.0
    covariance = np.linalg.inv(slopes.T @ slopes)
    assert found.errors == pytest.approx(np.sqrt(np.diag(covariance)))
    assert found.correlation[0, 1] == pytest.approx(
        covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
    )
    wide = uncertainty(slopes, np.full(40, 3.0), np.zeros((40, 40)))
    assert wide.inflation == pytest.approx(3.0 * math.sqrt(40 / 37))
    assert wide.errors == pytest.approx(found.errors * wide.inflation)


def test_noise_of_seeds_adds_to_the_uncertainty():
    slopes = np.ones((2, 1))
    by_seed = np.array([[1.0, 2.0, 3.0, 4.0]] * 2)
    noise = noise_of_means(by_seed)
    assert noise == pytest.approx(np.full((2, 2), (5 / 3) / 4))
    # the noise is common to both rows, so a second row does not halve it
    found = uncertainty(slopes, np.zeros(2), noise)
    assert found.errors[0] == pytest.approx(math.sqrt(0.5 + 5 / 12))
    assert noise_of_means(np.ones((3, 1))) == pytest.approx(np.zeros((3, 3)))


def test_an_error_beyond_the_whole_range_is_none():
    found = uncertainty(np.array([[0.5], [0.5]]), np.zeros(2), np.zeros((2, 2)))
    assert found.errors[0] == math.inf
    assert uncertainty(np.array([[0.9], [0.9]]), np.zeros(2), np.zeros((2, 2))).errors[0] == pytest.approx(
        1.0 / (0.9 * math.sqrt(2.0))
    )


def test_parameters_that_trade_places_are_not_determined():
    """Two columns that are equal determine a sum alone."""
    slopes = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = uncertainty(slopes, np.zeros(3), np.zeros((3, 3)))
    assert list(np.isinf(found.errors)) == [True, True, False]
    assert np.isnan(found.correlation[0, 2])
