"""Rows of a clinical table become people, schedules and runs; what runs say becomes z."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from trabsim.backends import get_backend
from trabsim.clock import Clock
from trabsim.densitometry import areal_measures
from trabsim.errors import ConfigError
from trabsim.tissue.cortex import CortexParams, CorticalCompartment
from trabsim.trials.clinical import Arm, Person, read_row, years_needed
from trabsim.trials.outcomes import (
    allowance,
    density_change,
    outcome,
    published_error,
    score,
    skip_reason,
    structure_months,
)
from trabsim.trials.persons import (
    LEAST_BV_TV,
    MOST_BV_TV,
    arm_config,
    bone_volume_at,
    endocrine_of,
    specimen_of,
)

#: Rows as they stand in tables of trials, and some that no single-drug fit may use.
PATH = Path(__file__).with_name("clinical_rows.csv")
TABLE = {row["id"]: row for row in csv.DictReader(PATH.read_text(encoding="utf-8").splitlines())}
ROWS = {name: read_row(row) for name, row in TABLE.items()}


def flat_series(months, **columns):
    """Rows that are 1 in everything but what is given as a function of the month."""
    base = dict.fromkeys(
        (
            "BV_TV",
            "potential_BV_TV",
            "vBMD_mg_per_cm3",
            "lumbar_spine_BMD_relative",
            "femoral_neck_BMD_relative",
            "total_hip_BMD_relative",
        ),
        1.0,
    )
    return {m: {**base, **{name: law(m) for name, law in columns.items()}} for m in months}


# --- rows become arms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
def test_every_row_gives_a_configuration_that_says_who_and_with_what(name):
    row = ROWS[name]
    config = arm_config(row.arm, years=years_needed(row), seed=3, shape=(20, 20, 20), voxel_size_um=36.0)
    assert config.endocrine.sex == {"F": "female", "M": "male"}[TABLE[name]["sex"]]
    assert config.endocrine.age_years == float(TABLE[name]["age"])
    assert (config.run.seed, config.specimen.seed) == (3, 3)
    assert config.run.end_day >= 30.4375 * row.eval_month - 1
    text = ";".join((TABLE[name]["prior_therapy"], TABLE[name]["schedule"]))
    said = {entry.split()[0] for entry in text.split(";") if entry.strip() not in ("", "none")}
    assert {table.kind for table in config.therapy} == said


def test_years_since_menopause_become_the_age_at_it():
    keys = endocrine_of(ROWS["ALN"].arm.person)
    assert keys["final_menstrual_period_age_years"] == 64 - 16.5
    assert endocrine_of(ROWS["RATE"].arm.person)["final_menstrual_period_age_years"] == 52
    assert "final_menstrual_period_age_years" not in endocrine_of(ROWS["ADT"].arm.person)


def test_conditions_become_histories_that_began_before_entry():
    assert endocrine_of(ROWS["GHD"].arm.person)["growth_hormone_deficiency_age_years"] == 34
    keys = endocrine_of(ROWS["TGEL"].arm.person)
    assert (keys["hypogonadism"], keys["hypogonadism_age_years"]) == ("secondary", 62)
    phpt = Person("female", 60.0, 9.0, None, "phpt")
    assert endocrine_of(phpt)["hyperparathyroidism_age_years"] == 50


@pytest.mark.parametrize("note", ["condition=ghd", "condition = ghd; 80 kg", "80 kg, Condition =GHD"])
def test_a_condition_is_read_whatever_the_spaces(note):
    assert read_row({**TABLE["GHD"], "schedule_note": note}).arm.person.condition == "ghd"


def test_cells_are_read_as_people_type_them():
    """Spaces, sex in words, a count with a decimal point, names of drugs as on the box."""
    typed = {
        **{name: f" {text} " for name, text in TABLE["ALN"].items()},
        "sex": "Female",
        "n": "100.0",
        "reference": "vs_placebo",
        "schedule": "Fosamax 10mg QD 0–36;calcium 250 mg bid 0-36",
        "reference_schedule": "placebo; calcium 500 mg qd 0-36",
    }
    row = read_row(typed)
    assert row.n == 100
    assert (row.arm, row.reference_arm) == (ROWS["ALN"].arm, ROWS["ALN"].reference_arm)
    assert (row.spread, row.baseline_month) == ("0.4", 0.0)
    assert read_row({**TABLE["DATA"], "reference": "VS_Baseline"}).reference == "vs_baseline"


def test_surgery_stands_in_a_table_like_a_drug():
    changes = {"schedule": "parathyroidectomy once 0-1", "schedule_note": "condition=phpt"}
    row = read_row({**TABLE["DATA"], **changes})
    assert (row.drug, row.excluded, row.group) == ("parathyroidectomy", None, "single drugs")
    config = arm_config(row.arm, years=1.0, shape=(20, 20, 20))
    assert config.therapy[0].kind == "parathyroidectomy"
    both = read_row({**TABLE["DATA"], "schedule": "ptx once 0-1; denosumab 60 mg q6m 12-24"})
    assert both.group == "combinations"


def test_a_condition_nobody_knows_is_refused_in_one_line():
    with pytest.raises(
        ConfigError, match=r"condition=gout of a clinical table is unknown; write hypogonadism"
    ):
        endocrine_of(Person("male", 60.0, None, None, "gout"))


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        (
            "age",
            "old",
            "row ZOL of the clinical table: age is 'old', which is no number; correct it",
        ),
        ("sex", "X", "row ZOL of the clinical table: sex is 'X'; write F, M or mixed"),
        ("age", "nan", "age is 'nan', which is no number; correct it"),
        ("eval_month", " ", "eval_month is empty; write a number"),
        ("n", "12.5", "n is '12.5', which counts nobody; write a whole number, or nothing"),
        (
            "reference",
            "",
            "reference is empty; write vs_baseline, absolute, rate or, for a difference, vs_placebo",
        ),
        ("schedule_note", "rate_window=0 to 9", "whose rate_window is no span; write rate_window=0-24"),
        (
            "schedule",
            "calcium 1 g qd 0-24; zoledronate 5 mg",
            "column schedule, schedule entry 2 (character 22): 'zoledronate 5 mg' is no entry of a schedule",
        ),
        (
            "reference_schedule",
            "tibolone 2.5 mg qd 0-24",
            "column reference_schedule, schedule entry 1 (character 1): there is no therapy 'tibolone'; known here",
        ),
        (
            "prior_therapy",
            "zoledronate 5 mg once 0-1",
            "column prior_therapy: zoledronate from month 0 on is given after entry, and this is what was taken before",
        ),
        (
            "prior_therapy",
            "calcium 1 g qd -6-24",
            "column prior_therapy: calcium is given until month 24, and this is what was taken before entry; end it",
        ),
    ],
)
def test_a_broken_row_is_named(column, text, message):
    with pytest.raises(ConfigError) as caught:
        read_row({**TABLE["ZOL"], column: text})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named():
    row = dict(TABLE["ZOL"])
    del row["T_score"]
    with pytest.raises(ConfigError, match="ZOL of the clinical table: the column 'T_score' is missing"):
        read_row(row)


def test_arms_are_shared_whatever_the_order_of_their_entries():
    row = {**TABLE["ALN"], "id": "ALN2", "schedule": "calcium 500 mg qd 0-36; alendronate 10 mg qd 0-36"}
    assert read_row(row).arm == ROWS["ALN"].arm
    assert hash(read_row(row).arm) == hash(ROWS["ALN"].arm)
    assert read_row({**row, "age": "65"}).arm != ROWS["ALN"].arm


def test_only_a_difference_has_a_reference_arm_and_it_is_the_same_person():
    assert ROWS["DATA"].reference_arm is None
    untreated = ROWS["ZOL"].reference_arm
    assert untreated is not None
    assert (untreated.tables, untreated.person) == ([], ROWS["ZOL"].arm.person)
    assert ROWS["ALN"].reference_arm.kinds == ()


def test_prior_therapy_stands_before_entry():
    days = [table["start_months"] for table in ROWS["ADT"].arm.tables]
    assert days == [-3.0, 0.0]
    assert ROWS["ADT"].excluded is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("BOTH", "combination"),
        ("SEQ", "sequence"),
        ("PRIOR", "sequence after alendronate"),
        ("STOP", "after stopping"),
        ("HRT", None),
        ("ZOL", None),
        ("ALN", None),
    ],
)
def test_combinations_sequences_and_stops_are_told_from_single_drugs(name, why):
    assert ROWS[name].excluded == why


def test_a_row_counts_for_the_drug_that_is_tested():
    assert ROWS["ALN"].drug == "alendronate"
    assert ROWS["RATE"].drug == "none"
    assert ROWS["HRT"].drug == "conjugated_estrogens"
    assert Arm(ROWS["ALN"].arm.person, (), ROWS["ALN"].reference_arm.schedule).kinds == ()


# --- the bone of a person -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cortical_mineral() -> float:
    """Mineral of the cortical compartment after its first day, in health."""
    levels = {"estrogen_response": 1.0, "phi": 1.0}
    process = CorticalCompartment(CortexParams(), get_backend("numpy", threads=1))
    process.apply(SimpleNamespace(levels=levels), Clock(day=0))
    return levels["cortical_mineral"]


@pytest.mark.parametrize("male", [False, True])
@pytest.mark.parametrize("T_score", [-3.1, -2.0, -0.7, 0.5])
def test_bone_volume_gives_back_the_t_score(T_score, male, cortical_mineral):
    """It is the inverse of the densitometer, for a cortical compartment as at the start of a run."""
    bone = SimpleNamespace(levels={"sex_male": float(male), "cortical_mineral": cortical_mineral})
    shown = areal_measures(bone, 1100.0 * 0.95 * bone_volume_at(T_score, male), CortexParams())["T_score"]
    assert shown == pytest.approx(T_score, abs=0.01)


def test_bone_volume_stays_within_what_can_be_made():
    assert bone_volume_at(-9.0) == LEAST_BV_TV
    assert bone_volume_at(+9.0) == MOST_BV_TV


def test_bone_comes_from_the_t_score_and_else_from_age():
    assert specimen_of(Person("female", 56.0, 5.5, None))["BV_TV"] == pytest.approx(0.1098)
    assert specimen_of(Person("female", 50.0, 1.0, None)) == {"preset": "lumbar_woman_50", "BV_TV": 0.12}
    assert specimen_of(Person("male", 74.0))["preset"] == "lumbar_man_70"
    thin, thick = (specimen_of(Person("female", 64.0, 15.0, T))["BV_TV"] for T in (-3.0, -1.0))
    assert thin < 0.08 < 0.11 < thick


# --- runs become outcomes -----------------------------------------------------------------------------------------


def test_a_change_is_that_of_the_density_over_the_months_asked_for():
    series = flat_series(range(-5, 50), lumbar_spine_BMD_relative=lambda m: 1.0 + 0.01 * m)
    assert outcome(ROWS["ALN"], series) == pytest.approx(36.0)
    assert outcome(ROWS["QCT"], series) == pytest.approx(0.0)
    # a rate, from its window: 1 % of entry's density a month
    assert outcome(ROWS["RATE"], series) == pytest.approx(12.0 * (1.48 / 1.24 - 1.0) / 24.0 * 100.0)


def test_markers_are_told_as_a_change():
    series = flat_series(range(8), P1NP_pct_of_baseline=lambda m: 40.0 if m == 6 else 100.0)
    assert outcome(ROWS["P1NP"], series) == -60.0


def test_between_two_rows_lies_the_line_between_them():
    """Half a month after entry a marker is halfway to the row of the first month."""
    series = flat_series(
        range(-5, 14),
        P1NP_pct_of_baseline=lambda m: 300.0 if m == 0 else 100.0 + 20.0 * m,
        lumbar_spine_BMD_relative=lambda m: 1.0 + 0.01 * m,
        estradiol_pg_per_mL=lambda m: 10.0 + m,
        lumbar_spine_T_score=lambda m: -2.0 + 0.1 * m,
        MS_BS=lambda m: 0.01 * m,
    )
    at = {"eval_month": "7.5", "baseline_month": "6.25", "schedule_note": ""}
    read = {
        ("P1NP", "P1NP_pct"): 100.0 * (250.0 / 225.0 - 1.0),
        ("ALN", "BMD_pct_change"): 100.0 * (1.075 / 1.0625 - 1.0),
        ("RATE", "BMD_pct_per_year"): 100.0 * (1.075 / 1.0625 - 1.0) * 12.0 / 1.25,
        ("ALN", "E2_pg_ml"): 17.5,
        ("ALN", "T_score"): -1.25,
        ("MS", "MS_BS"): 7.5,
    }
    for (name, quantity), expected in read.items():
        row = read_row({**TABLE[name], **at, "quantity": quantity})
        assert outcome(row, series) == pytest.approx(expected)
    # its own baseline is entry, whatever noise that row has; so is where a line from entry begins
    half = read_row({**TABLE["P1NP"], "eval_month": "0.5"})
    assert outcome(half, series) == pytest.approx(10.0)
    bone = read_row({**TABLE["ALN"], "site": "LS QCT", "quantity": "TbSp_pct_change", "eval_month": "3.5"})
    assert structure_months(bone) == (0, 3, 4)


def test_biopsies_average_neighboring_months_but_not_across_entry():
    series = flat_series(range(-3, 9), MS_BS=lambda m: 0.05 if m <= 0 else 0.001 * m)
    assert outcome(ROWS["MS"], series) == pytest.approx(0.6)
    at_entry = read_row({**TABLE["MS"], "eval_month": "0"})
    assert outcome(at_entry, series) == pytest.approx(5.0)


def test_the_steady_density_has_the_same_mean_and_less_noise():
    """Where open sites come and go at random about a mean, averaging their share takes most of it away."""
    random = np.random.default_rng(1)
    plain, steady = [], []
    for _ in range(400):
        open_share = {m: 0.05 + 0.01 * random.normal() for m in range(-5, 25)}
        law = {m: 0.1 * (1.0 - 0.05 * (m > 12)) for m in open_share}  # what is there when all is paid
        series = flat_series(
            open_share,
            potential_BV_TV=lambda m, law=law: law[m],
            BV_TV=lambda m, law=law, share=open_share: law[m] * (1.0 - share[m]),
            vBMD_mg_per_cm3=lambda m, law=law, share=open_share: 1000.0 * law[m] * (1.0 - share[m]),
        )
        plain.append(density_change(series, 0, 24, None, CortexParams(), plain=True))
        steady.append(density_change(series, 0, 24, None, CortexParams()))
    assert np.mean(steady) == pytest.approx(-5.0, abs=0.15)
    assert np.mean(plain) == pytest.approx(-5.0, abs=0.25)
    assert np.std(steady) < 0.7 * np.std(plain)


def test_steady_density_of_a_site_moves_by_its_trabecular_share():
    series = flat_series(
        range(-5, 25), potential_BV_TV=lambda m: 1.0, BV_TV=lambda m: 0.9 if m == 24 else 1.0
    )
    params = CortexParams()
    # at month 24 a third of what is missing for a moment counts: (0.9 + 1 + 1) / 3 / 0.9
    factor = (2.9 / 3.0) / 0.9
    expected = params.lumbar_spine_trabecular_share / params.young_vBMD_mg_per_cm3 * (factor - 1.0)
    found = density_change(series, 0, 24, "lumbar_spine", params)
    assert found == pytest.approx(100.0 * expected)


def test_what_the_series_does_not_hold_is_skipped_with_a_reason():
    assert skip_reason(ROWS["RAD"]) == "no densitometer looks at 'ultradistal radius'"
    assert skip_reason(read_row({**TABLE["QCT"], "site": "distal radius pQCT"})) is not None
    assert skip_reason(read_row({**TABLE["MS"], "quantity": "grip"})) == "nothing in the series is 'grip'"
    assert [name for name in ROWS if skip_reason(ROWS[name])] == ["RAD"]


# --- z ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error", "spare"),
    [
        ("ZOL", 3.4 / 3.92, 1.0),
        ("ALN", 0.4, 1.0),
        ("DATA", 3.9 / math.sqrt(31), 1.0),
        ("QCT", 2.0, 1.0),
        ("P1NP", 10.0, 10.0),
        ("MS", 0.3 * 0.16, 0.15 * 0.16),
        ("RATE", 0.5, 1.0),
        ("RAD", 1.0, 1.0),
    ],
)
def test_published_error_and_allowance(name, error, spare):
    assert published_error(ROWS[name]) == pytest.approx(error)
    assert allowance(ROWS[name]) == pytest.approx(spare)


def test_z_adds_up_all_three_errors():
    found = score(ROWS["ALN"], [10.0, 11.0, 12.0, 13.0])
    own = math.sqrt(5.0 / 3.0) / 2.0
    assert pytest.approx(own) == found.MC_SE
    assert found.z == pytest.approx((11.5 - 8.8) / math.sqrt(0.4**2 + own**2 + 1.0))


def test_one_seed_has_no_monte_carlo_error():
    found = score(ROWS["ALN"], [8.8])
    assert math.isnan(found.MC_SE)
    assert found.z == pytest.approx(0.0)
