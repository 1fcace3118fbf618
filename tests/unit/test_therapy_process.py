"""The first process of a day: doses on their days, missed doses, decisions of a clinic, what the series shows."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from small_runs import BACKEND, tables
from therapy_days import live

from trabsim.clock import Clock
from trabsim.config import Config, changed_keys, load_config
from trabsim.mechanics.loads import load_factor
from trabsim.model import build_processes
from trabsim.process import Process
from trabsim.simulation import Simulation
from trabsim.state import State
from trabsim.therapy.inputs import DEFAULTS
from trabsim.therapy.schedule import TherapyParams
from trabsim.therapy.therapies import Therapies, therapy_measures

DENOSUMAB = {"kind": "denosumab", "dose": 60, "unit": "mg", "every": "q6m"}
WEEKLY = {"kind": "alendronate", "dose": 70, "unit": "mg", "every": "weekly"}


class Clinic:
    """A patient who is nothing but what a clinic sees of her on each day."""

    def __init__(self, **seen: Any):
        self.seen = seen
        self.visits: list[int] = []

    def __call__(self, state: State, clock: Clock) -> dict[str, float]:
        self.visits.append(clock.day)
        return {name: value(clock.day) if callable(value) else value for name, value in self.seen.items()}


def follow(
    days: range, *therapies: dict[str, Any], clinic: Clinic | None = None, seed: int = 1
) -> list[dict]:
    """Levels after each of some days."""
    config = load_config({"therapy": list(therapies)})
    process = Therapies(config.therapy, BACKEND, drugs=config.drug, visit=clinic)
    state, rows = State((4, 4, 4), 20.0, 4, seed), []
    for day in days:
        process.apply(state, Clock(day))
        rows.append({**state.levels, **state.counters})
    return rows


def dose_days(rows: list[dict], days: range, name: str) -> list[int]:
    """Days on which more had been given than the day before."""
    given = [0.0, *(row.get(name, 0.0) for row in rows)]
    return [day for day, before, after in zip(days, given, given[1:]) if after > before]


# ---------------------------------------------------------------------- doses
def test_doses_fall_on_their_days():
    days = range(-10, 400)
    rows = follow(days, {**DENOSUMAB, "start_months": 1, "stop_months": 13})
    assert dose_days(rows, days, "denosumab_given_mg") == [30, 213]
    assert rows[-1]["denosumab_given_mg"] == 120.0


def test_without_therapies_every_input_has_its_default():
    assert follow(range(1)) == [DEFAULTS]


def test_an_input_falls_back_to_its_default_after_a_drug():
    """What nobody sets today is not what somebody set yesterday."""
    rows = follow(range(200), {**WEEKLY, "stop_day": 7})
    assert rows[0]["bisphosphonate_delivery"] > 1
    assert rows[0]["bisphosphonate_potency"] == 1.0
    assert rows[-1]["bisphosphonate_delivery"] == 0.0
    assert rows[-1]["bisphosphonate_potency"] == DEFAULTS["bisphosphonate_potency"]


def test_missed_doses_are_not_given_and_the_next_keep_their_days():
    days = range(60)
    rows = follow(days, {**WEEKLY, "missed_doses": [2, 3]})
    assert dose_days(rows, days, "alendronate_given_mg") == [0, 21, 28, 35, 42, 49, 56]


def test_adherence_leaves_out_its_share_of_doses_at_random():
    """Half of 400 daily doses within three standard errors; the same for one seed, different for another."""
    daily = {"kind": "calcium", "dose": 500, "unit": "mg", "every": "daily", "adherence_fraction": 0.5}
    days = range(400)
    taken = [dose_days(follow(days, daily, seed=seed), days, "calcium_given_mg") for seed in (1, 1, 2)]
    assert taken[0] == taken[1] != taken[2]
    assert abs(len(taken[0]) - 200) < 3 * 10


def test_two_drugs_do_not_miss_the_same_days():
    days = range(100)
    tables = [
        {"kind": kind, "dose": 500, "unit": "ug", "every": "daily", "adherence_fraction": 0.5}
        for kind in ("calcium", "vitamin_d")
    ]
    rows = follow(days, *tables)
    assert dose_days(rows, days, "calcium_given_mg") != dose_days(rows, days, "vitamin_d_given_IU")


def test_a_dose_with_food_is_given_and_hardly_absorbed():
    fasting, fed = (
        follow(range(3), {**WEEKLY, **more})[-1] for more in ({}, {"bioavailability_fraction": 0.0006})
    )
    assert fasting["alendronate_given_mg"] == fed["alendronate_given_mg"] == 70.0
    assert fed["alendronate_in_bone_mg"] == pytest.approx(
        fasting["alendronate_in_bone_mg"] * 0.0006 / 0.0064, rel=1e-9
    )


def test_a_loading_dose_and_what_follows_share_one_body():
    """Two tables of one drug add up to what one table with all the doses gives."""
    loading = {"kind": "vitamin_d", "dose": 5000, "unit": "IU", "every": "daily", "stop_day": 10}
    keep = {**loading, "dose": 1000, "stop_day": 40}
    both = follow(range(40), loading, keep)[-1]
    alone = [follow(range(40), table)[-1] for table in (loading, keep)]
    name = "vitamin_d_supplement_IU_per_day"
    assert both[name] == pytest.approx(alone[0][name] + alone[1][name], rel=1e-12)
    assert both["vitamin_d_given_IU"] == 10 * 5000 + 40 * 1000


def test_parameters_of_a_drug_can_be_changed():
    slow = live({}, [WEEKLY], 2, drug={"alendronate": {"skeleton_fraction": 0.25}})[0]
    usual = live({}, [WEEKLY], 2)[0]
    assert slow["bisphosphonate_delivery"] == pytest.approx(usual["bisphosphonate_delivery"] / 2, rel=1e-12)


# ---------------------------------------------------------------------- clinics
def test_treatment_begins_on_the_first_visit_on_which_it_is_due():
    """T-score falls below the limit on day 500; the visit after that is on day 730, not earlier."""
    clinic = Clinic(T_score=lambda day: -2.0 - day / 1000)
    table = {**WEEKLY, "start_when": "T_score <= -2.5"}
    days = range(0, 760)
    rows = follow(days, table, clinic=clinic)
    assert clinic.visits == [0, 365, 730]
    assert dose_days(rows, days, "alendronate_given_mg") == [730, 737, 744, 751, 758]


def test_doses_count_from_the_day_treatment_began():
    clinic = Clinic(age_years=lambda day: 50 + day / 365.25)
    table = {**DENOSUMAB, "start_when": "age_years >= 50.2", "visit_every_days": 30, "missed_doses": [2]}
    days = range(0, 500)
    rows = follow(days, table, clinic=clinic)
    assert dose_days(rows, days, "denosumab_given_mg") == [90, 455]


def test_treatment_stops_and_starts_again():
    """Stopped when CTX is deep, taken up when it is back: each on a visit, with the doses counted anew."""
    clinic = Clinic(CTX_pct=lambda day: 20.0 if 100 <= day < 300 else 90.0)
    table = {**WEEKLY, "start_when": "CTX_pct > 60", "stop_when": "CTX_pct < 30", "visit_every_days": 50}
    days = range(0, 400)
    given = dose_days(follow(days, table, clinic=clinic), days, "alendronate_given_mg")
    assert given == [*range(0, 100, 7), *range(300, 400, 7)]


def test_without_start_when_a_clinic_only_stops():
    clinic = Clinic(T_score=lambda day: -2.0 if day < 200 else -1.0)
    table = {**WEEKLY, "stop_when": "T_score > -1.5", "visit_every_days": 100, "start_day": 10}
    days = range(-5, 600)
    given = dose_days(follow(days, table, clinic=clinic), days, "alendronate_given_mg")
    assert given == list(range(10, 210, 7))


def test_no_visit_before_the_start_or_after_the_stop():
    clinic = Clinic(T_score=-3.0)
    table = {**WEEKLY, "start_when": "osteoporosis", "start_day": 20, "stop_day": 60, "visit_every_days": 10}
    days = range(0, 100)
    given = dose_days(follow(days, table, clinic=clinic), days, "alendronate_given_mg")
    assert clinic.visits == [20, 30, 40, 50]
    assert given == [20, 27, 34, 41, 48, 55]


def test_what_a_clinic_sees_of_a_run(tmp_path):
    """Densitometry and markers as the series shows them on that day, and what the user said of the patient."""
    from trabsim.model import visit

    person = {"age_years": 66.0, "prior_fracture": True, "FRAX_major_fraction": 0.22}
    sim = Simulation(load_config({**tables(tmp_path), "endocrine": person}), backend=BACKEND)
    sim.run(days=20)
    seen = visit(sim.state, sim.clock, config=sim.config, backend=BACKEND)
    row = sim.measure()
    assert seen["T_score"] == row["T_score"]
    assert seen["CTX_pct"] == row["CTX_pct_of_baseline"]
    assert seen["P1NP_pct"] == row["P1NP_pct_of_baseline"]
    assert seen["age_years"] == pytest.approx(66.0 + sim.clock.day / 365.25)
    assert seen["prior_fracture"] == 1.0
    assert seen["FRAX_major_fraction"] == 0.22
    assert "FRAX_hip_fraction" not in seen


def test_a_process_that_sees_patients_declares_what_it_looks_at():
    def process(*therapies: dict[str, Any]) -> Process:
        return build_processes(load_config({"therapy": list(therapies)}), BACKEND)[0]

    assert process(WEEKLY).reads == ("levels",)
    watched = process({**WEEKLY, "start_when": "osteopenia"})
    assert set(watched.reads) > {"levels", "counters", "bone", "formed_day", "history"}
    assert watched.writes == ("levels", "counters")
    assert Therapies.reads == ("levels",)


# ------------------------------------------------------- series and configuration
def test_the_series_shows_drugs_of_the_configuration_alone(tmp_path):
    assert therapy_measures((), {}) == {}
    data = {**tables(tmp_path), "therapy": [DENOSUMAB, {"kind": "exercise", "dose": 1}]}
    sim = Simulation(load_config(data), backend=BACKEND)
    sim.run(days=12)
    rows = sim.observer.rows
    assert [name for name in rows[0] if "denosumab" in name] == [
        "denosumab_given_mg",
        "denosumab_ng_per_mL",
    ]
    assert not [name for name in rows[0] if "exercise" in name or "romosozumab" in name]
    assert rows[0]["denosumab_ng_per_mL"] == 0.0
    assert rows[-1]["denosumab_ng_per_mL"] > 1000
    assert rows[-1]["denosumab_given_mg"] == 60.0


def test_what_is_written_reads_back_as_itself():
    """Therapies with every key, and the parameters of their drugs, to the last bit."""
    config = load_config(
        {
            "therapy": [
                {**DENOSUMAB, "start_months": 1.5, "missed_doses": [2, 5], "start_when": "T_score <= -2.5"},
                {"kind": "rhgh", "dose": 0.1 + 0.2, "unit": "mg", "every_days": 1, "adherence_fraction": 0.8},
                {"kind": "parathyroidectomy"},
            ],
            "drug": {"zoledronate": {"potency_gain": 1 / 3}},
        }
    )
    again = load_config(tomllib.loads(config.to_toml()))
    assert again == config
    assert again.to_toml() == config.to_toml()
    assert load_config(config) == config
    assert sorted(config.drug) == ["denosumab", "parathyroidectomy", "rhgh", "zoledronate"]


def test_only_changed_parameters_of_a_drug_count_as_changed():
    config = load_config({"therapy": [DENOSUMAB], "drug": {"denosumab": {"half_nM": 2.0}}})
    assert changed_keys(Config(), config)["drug.denosumab.half_nM"] == (1.56, 2.0)
    assert [key for key in changed_keys(Config(), config) if key.startswith("drug.")] == [
        "drug.denosumab.half_nM"
    ]


def test_a_parameter_of_a_drug_can_be_set_from_the_command_line():
    config = load_config({"therapy": [DENOSUMAB]}, {"drug.denosumab.half_nM": 2.5})
    assert config.drug["denosumab"].half_nM == 2.5  # type: ignore[attr-defined]


def test_reading_a_configuration_with_drugs_compiles_nothing():
    import subprocess
    import sys

    code = (
        "import sys; from trabsim.config import load_config\n"
        "load_config({'therapy': [{'kind': 'denosumab', 'dose': 60, 'unit': 'mg', 'every': 'q6m'}]})\n"
        "print([name for name in ('numba', 'scipy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --------------------------------------------------------------- load programs
def programmed(*therapies: dict[str, Any], **settings: Any) -> Any:
    config = load_config({"therapy": list(therapies), **settings})
    (mechanics,) = (p for p in build_processes(config, BACKEND) if p.name == "mechanics")
    return mechanics.params.program


def test_exercise_bed_rest_and_spaceflight_become_programs_of_load():
    """Dose 1 is the full program; what is written under mechanics stays."""
    program = programmed(
        {"kind": "bed_rest", "dose": 1, "start_day": 10, "stop_day": 70},
        {
            "kind": "exercise",
            "dose": 0.5,
            "unit": "scale",
            "every": "qw",
            "start_months": 6,
            "stop_months": 12,
        },
        {"kind": "spaceflight", "start_day": 400},
        mechanics={"program": [{"kind": "constant", "scale": 2.0, "start_day": 300, "stop_day": 310}]},
    )
    assert load_factor(program, 9) == 1.0
    assert load_factor(program, 10) == pytest.approx(0.3)
    assert load_factor(program, 70) == 1.0
    assert load_factor(program, 183) == pytest.approx(((5 + 2 * 1.25**4) / 7) ** 0.25)
    assert load_factor(program, 305) == 2.0
    assert load_factor(program, 500) == pytest.approx(0.15)


def test_a_program_of_dose_nought_is_none():
    assert programmed({"kind": "bed_rest", "dose": 0}, {"kind": "exercise", "dose": 0}) == ()


def test_what_exercise_means_can_be_changed():
    program = programmed(
        {"kind": "exercise", "dose": 1}, drug={"exercise": {"load_gain": 1.0, "days_per_week": 7}}
    )
    assert load_factor(program, 0) == 2.0


def test_the_defaults_of_a_therapy_table_are_a_table():
    assert TherapyParams() == TherapyParams.model_validate(TherapyParams().model_dump())
