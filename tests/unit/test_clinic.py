"""What a clinic makes of measures: mineral content by area, the threshold of a guideline, risk relative to entry."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from small_bone import LOADED, begin, configure, rods

import trabsim
from trabsim.backends import get_backend
from trabsim.clinic import clinic_measures, fracture_risk, treatment_recommended
from trabsim.densitometry import SITES
from trabsim.endocrine.history import EndocrineParams
from trabsim.measure_params import MeasureParams
from trabsim.simulation import Simulation

PARAMS, WOMAN, MAN = MeasureParams(), EndocrineParams(), EndocrineParams(sex="male")


def densities(T_score: float = 0.0) -> dict[str, float]:
    """A row of a densitometer."""
    return {f"{site}_BMD_g_per_cm2": 0.8 for site in SITES} | {f"{site}_T_score": T_score for site in SITES}


# -------------------------------------------------------------------- mineral
def test_mineral_content_is_density_times_area() -> None:
    """g = g/cm2 x cm2, with the area of one's sex; spine above hip above neck."""
    woman = clinic_measures(densities(), WOMAN, PARAMS)
    assert woman["lumbar_spine_BMC_g"] == pytest.approx(0.8 * 57.0)
    assert woman["total_hip_BMC_g"] == pytest.approx(0.8 * 34.0)
    assert woman["femoral_neck_BMC_g"] == pytest.approx(0.8 * 4.9)
    man = clinic_measures(densities(), MAN, PARAMS)
    assert all(man[f"{site}_BMC_g"] > woman[f"{site}_BMC_g"] for site in SITES)
    wide = PARAMS.model_copy(update={"women_total_hip_area_cm2": 40.0})
    assert clinic_measures(densities(), WOMAN, wide)["total_hip_BMC_g"] == pytest.approx(32.0)


# ------------------------------------------------------------------ treatment
@pytest.mark.parametrize(
    ("T_score", "person", "treated"),
    [
        (-0.9, {}, 0.0),
        (-2.4, {}, 0.0),
        (-2.5, {}, 1.0),
        (-0.5, {"prior_fracture": True}, 1.0),
        (-1.0, {"FRAX_hip_fraction": 0.03}, 1.0),
        (-1.7, {"FRAX_hip_fraction": 0.029}, 0.0),
        (-1.7, {"FRAX_major_fraction": 0.20}, 1.0),
        (-1.7, {"FRAX_hip_fraction": 0.01, "FRAX_major_fraction": 0.19}, 0.0),
        (-0.9, {"FRAX_hip_fraction": 0.5, "FRAX_major_fraction": 0.5}, 0.0),
    ],
)
def test_whom_the_guideline_treats(T_score: float, person: dict[str, float], treated: float) -> None:
    """After a fracture, at T <= -2.5, and with low bone mass where FRAX reaches 3 % (hip) or 20 % (major)."""
    assert treatment_recommended(T_score, EndocrineParams(**person), PARAMS) == treated


def test_without_a_t_score_only_a_fracture_decides() -> None:
    assert math.isnan(treatment_recommended(math.nan, WOMAN, PARAMS))
    assert treatment_recommended(math.nan, EndocrineParams(prior_fracture=True), PARAMS) == 1.0


def test_the_lowest_site_decides() -> None:
    row = densities(0.0) | {"femoral_neck_T_score": -2.6}
    assert clinic_measures(row, WOMAN, PARAMS)["treatment_recommended"] == 1.0


# ----------------------------------------------------------------------- risk
def risk(now: float, entry: float | None, person: EndocrineParams = WOMAN) -> float:
    first = None if entry is None else {"failure_load_N": entry}
    return fracture_risk({"failure_load_N": now}, first, person, PARAMS)["fracture_risk_relative_to_entry"]


def test_a_standard_deviation_of_strength_multiplies_the_odds_once() -> None:
    """30 % of the load at entry is one: 2.8 in women and 2.2 in men, and as much less where strength is gained."""
    assert risk(100.0, 100.0) == 1.0
    assert risk(70.0, 100.0) == pytest.approx(2.8)
    assert risk(70.0, 100.0, MAN) == pytest.approx(2.2)
    assert risk(40.0, 100.0) == pytest.approx(2.8**2)
    assert risk(130.0, 100.0) == pytest.approx(1 / 2.8)
    assert risk(7.0, 10.0) == pytest.approx(risk(70.0, 100.0))


def test_risk_is_unknown_without_a_load_at_entry_and_absent_without_load() -> None:
    assert all(math.isnan(risk(70.0, entry)) for entry in (None, 0.0, math.inf, math.nan))
    assert fracture_risk({}, {"failure_load_N": 100.0}, WOMAN, PARAMS) == {}


SETTINGS = LOADED | {
    "run.years": 40 / 365.25,
    "run.spin_up_days": 30,
    "mechanics.every_days": 10,
    "mechanics.target_MPa": 0.02,
    "output": [{"kind": "series", "every_days": 10}, {"kind": "checkpoint", "every_days": 20}],
}


def test_risk_in_a_run_is_relative_to_its_row_at_entry(tmp_path: Path) -> None:
    """1 at entry; later what the failure loads say, also after a resume, and in a measure between rows."""
    config, backend = configure(SETTINGS), get_backend("numpy", threads=1)
    folder = tmp_path / "run"
    sim = Simulation.from_state(
        config, begin(rods(16, period=8, radius=2.4), SETTINGS).state, -30, backend=backend, run_folder=folder
    )
    sim.run(until_day=25)
    sim = trabsim.resume(folder, until_day=40, backend=backend)
    series = trabsim.open_run(folder).series
    loads, risks = series["failure_load_N"], series["fracture_risk_relative_to_entry"]
    assert list(series["day"]) == [0, 10, 20, 30, 40]
    assert risks[0] == 1.0
    assert len(set(risks)) > 2
    assert list(risks) == pytest.approx([2.8 ** ((loads[0] - load) / (0.3 * loads[0])) for load in loads])
    assert sim.measure(False)["fracture_risk_relative_to_entry"] == risks.iloc[-1]
    branch = Simulation.from_state(config, sim.state, 40, backend=backend)
    assert math.isnan(branch.measure(False)["fracture_risk_relative_to_entry"])
    given = branch.measure(False, entry={"failure_load_N": loads[0]})
    assert given["fracture_risk_relative_to_entry"] == risks.iloc[-1]


def test_without_a_spin_up_the_first_solution_counts_as_entry() -> None:
    """Nothing is solved before the first day, so the next row takes its place."""
    settings = SETTINGS | {"run.spin_up_days": 0}
    sim = begin(rods(16, period=8, radius=2.4), settings)
    sim.run(until_day=20)
    assert "failure_load_N" not in sim.observer.rows[0]
    assert [row["fracture_risk_relative_to_entry"] for row in sim.observer.rows[1:2]] == [1.0]
    assert math.isfinite(sim.observer.rows[2]["fracture_risk_relative_to_entry"])
