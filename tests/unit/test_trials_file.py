"""The file of a trial: what it says, and how every mistake in it is answered."""

from __future__ import annotations

import pytest
from small_runs import BACKEND, simulate
from trial_files import row_of, write_trial

from trabsim.errors import ConfigError
from trabsim.trials.endpoints import CLINICAL, COLUMNS, Endpoint
from trabsim.trials.trial_file import read_schedule, read_trial


@pytest.fixture
def trial(tmp_path):
    return read_trial(write_trial(tmp_path))


def test_every_arm_of_a_patient_starts_from_the_same_run_in(trial):
    patient = trial.patient(1)
    arms = [trial.life(patient, 1, arm) for arm in trial.arm]
    assert len({life.run_in_key for life in arms}) == 1
    assert len({life.key for life in arms}) == 2
    assert trial.life(patient, 2, trial.arm[0]).run_in_key != arms[0].run_in_key
    assert trial.life(patient, 1, None).run_in_key == arms[0].run_in_key
    replicate = trial.life(patient, 2, trial.arm[0])
    assert replicate.config.specimen == arms[0].config.specimen


def test_lives_note_the_months_that_endpoints_need(trial):
    life = trial.life(trial.patient(1), 1, trial.arm[1])
    assert set(life.months) == {1, 2}
    assert life.structure_months == (2,)
    assert life.last_month == 2
    assert life.config.specimen.shape == (24, 24, 24)
    assert [course.kind for course in life.config.therapy] == ["calcium", "denosumab"]


def test_what_the_report_says_decides_no_result(tmp_path, trial):
    same = write_trial(tmp_path, ('arm_id = "D"', 'arm_id = "E"'), name="same.toml")
    assert read_trial(same).sha256 == trial.sha256
    other = write_trial(tmp_path, ("seed = 3", "seed = 4"), name="other.toml")
    assert read_trial(other).sha256 != trial.sha256


def test_a_configuration_of_its_own_holds_for_everybody(tmp_path):
    extra = '[config.activation]\noccupancy_exponent = 2.0\n\n[[arm]]\nname = "placebo"'
    found = read_trial(write_trial(tmp_path, ('[[arm]]\nname = "placebo"', extra)))
    config = found.life(found.patient(1), 1, found.arm[0]).config
    assert config.process.activation.occupancy_exponent == 2.0
    with_base = ('[[arm]]\nname = "placebo"', '[config]\nextends = "base.toml"\n\n[[arm]]\nname = "placebo"')
    (tmp_path / "base.toml").write_text("[activation]\noccupancy_exponent = 2.1\n", encoding="utf-8")
    found = read_trial(write_trial(tmp_path, with_base))
    assert found.life(found.patient(1), 1, found.arm[0]).config.process.activation.occupancy_exponent == 2.1


def test_an_early_prior_therapy_lengthens_the_run_in(tmp_path, trial):
    """As in a scorecard: its first dose is given, to bone that remodels."""
    assert trial.spin_up_days == trial.trial.spin_up_days == 20
    found = read_trial(
        write_trial(tmp_path, ("[population]", '[population]\nprior = "Fosamax 70 mg qw -60-0"'))
    )
    assert found.spin_up_days == 1826 + 365
    life = found.life(found.patient(1), 1, found.arm[0])
    assert life.run_in_config.run.spin_up_days == 1826 + 365
    assert [course.kind for course in life.run_in_config.therapy] == ["alendronate"]
    long = (
        ("spin_up_days = 20", "spin_up_days = 9000"),
        ("[population]", '[population]\nprior = "ptx once -60-0"'),
    )
    assert read_trial(write_trial(tmp_path, *long)).spin_up_days == 9000


def test_hormones_that_the_population_does_not_set_hold_for_everybody(tmp_path):
    """Treatment that begins by FRAX, and men who lack testosterone."""
    frax = "[config.endocrine]\nFRAX_hip_fraction = 0.04\ncalcium_intake_mg_per_day = 500\n[population]"
    given = '[[arm.therapy]]\nkind = "alendronate"\ndose = 70\nunit = "mg"\nevery = "qw"'
    given += '\nstart_when = "FRAX_hip_fraction >= 0.03"\n[[endpoint]]\nquantity = "BMD_pct_change"'
    found = read_trial(
        write_trial(tmp_path, ("[population]", frax), ('[[endpoint]]\nquantity = "BMD_pct_change"', given))
    )
    config = found.life(found.patient(2), 1, found.arm[1]).config
    assert config.endocrine.FRAX_hip_fraction == 0.04
    assert config.endocrine.calcium_intake_mg_per_day == 500.0
    assert (
        config.endocrine.age_years == found.patient(2).values["age_years"] != found.base.endocrine.age_years
    )
    assert [course.kind for course in config.therapy] == ["calcium", "denosumab", "alendronate"]
    low = "[config.endocrine]\nhypogonadism_testosterone_ng_per_dL = 180\n[population]\n"
    low += 'sex = "male"\ncondition = "hypogonadism"'
    since = 'years_since_menopause = { kind = "normal", mean = 18, sd = 6, least = 5, most = 40 }\n'
    pair = 'correlation = [["age_years", "years_since_menopause", 0.8]]\n'
    found = read_trial(write_trial(tmp_path, ("[population]", low), (since, ""), (pair, "")))
    patient = found.patient(1)
    config = found.life(patient, 1, found.arm[0]).config
    assert config.endocrine.hypogonadism == "secondary"
    assert config.endocrine.hypogonadism_age_years == patient.values["age_years"] - 10.0
    assert config.endocrine.hypogonadism_testosterone_ng_per_dL == 180.0


def test_a_trial_keeps_its_hash_where_it_says_nothing_new(trial):
    """So that what was begun before goes on."""
    assert "condition" in trial.model_dump()["population"]
    sick = trial.population.model_copy(update={"condition": "ghd"})
    assert trial.model_copy(update={"population": sick}).sha256 != trial.sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "Small"', "", "the trial has no name"),
        ("patients = 3", "patient = 3", r"unknown key 'trial.patient'; did you mean 'patients'\?"),
        ("patients = 3", "patients = 0", "trial.patients = 0"),
        ('name = "denosumab"', 'name = "placebo"', "arm 'placebo' stands there twice"),
        ("60 mg q6m", "60 mg q6x", r"arm 'denosumab', schedule entry 2 \(character 25\): 'q6x' in .* is no frequency"),
        ("denosumab 60 mg q6m 0-24", "denosumab 60 mg", r"schedule entry 2 \(character 25\): .* is no entry"),
        ("denosumab 60 mg", "denusumab 60 mg", "arm 'denosumab'.*did you mean 'denosumab'"),
        ("denosumab 60 mg q6m 0-24", "denosumab 60 mg q6m -3-24", "begins on day -91.*, before entry"),
        ('quantity = "CTX_pct"', 'quantity = "CTX"', r"nothing in the model is 'CTX'; did you mean 'CTX_pct'\?"),
        ('quantity = "CTX_pct"', "", "an endpoint names no quantity"),
        ('site = "LS"', 'site = "radius"', "no densitometer looks at 'radius'; choose from LS, TH, FN"),
        ('"CTX_pct"\nmonths = [1]', '"CTX_pct"\nmonths = []', "endpoint CTX_pct has no months"),
        ('"CTX_pct"\nmonths = [1]', '"CTX_pct"\nmonths = [0]', "in month 0; months count from 1"),
        ('"CTX_pct"\nmonths = [1]', '"CTX_pct"\nmonths = [999]', "in month 999; at most 600"),
        ('"CTX_pct"\nmonths', '"CTX_pct"\nsite = "LS"\nmonths', "CTX_pct takes no site, got 'LS'"),
        ('"CTX_pct"\nmonths', '"CTX_pct"\nchange = "value"\nmonths', "CTX_pct is a change from entry already"),
        ('quantity = "Tb_Th_um"', 'quantity = "CTX_pct"', "endpoint 'CTX_pct' stands there twice"),
        ("mean = -2.0, sd = 0.5", "mean = 1.5, sd = 0.1", "the population cannot meet its inclusion"),
        ('[[arm]]\nname = "placebo"', '[report]\ncomparator = "x"\n\n[[arm]]\nname = "placebo"', "'x' is no arm"),
        (
            '[[arm]]\nname = "placebo"',
            '[report]\nreference_table = "none.csv"\n\n[[arm]]\nname = "placebo"',
            "there is no reference table at .*none.csv",
        ),
        (
            '[[arm]]\nname = "placebo"',
            '[config.specimen]\nseed = 1\n\n[[arm]]\nname = "placebo"',
            r"\[config.specimen\] is written by the trial itself",
        ),
        (
            '[[arm]]\nname = "placebo"',
            '[config.endocrine]\nage_years = 60\n\n[[arm]]\nname = "placebo"',
            "config.endocrine.age_years is set by the population, patient by patient; .* use population.age_years",
        ),
        (
            "[population]",
            '[config.endocrine]\npth_table = [[0, 90]]\n[population]\ncondition = "phpt"',
            "config.endocrine.pth_table is set by the population, .* use population.condition",
        ),
        (
            "[population]",
            '[population]\ncondition = "hypogonadism"',
            "condition = 'hypogonadism' concerns men, and sex = 'female'; change sex",
        ),
        (
            "[population]",
            "[config.endocrine]\nFRAX_hip = 0.03\n[population]",
            "unknown key 'endocrine.FRAX_hip'",
        ),
        (
            "[population]",
            '[population]\nprior = "calcium 500 mg qd 0-6"',
            "population.prior: calcium from month 0 on is given after entry, .* write it in the schedule",
        ),
        (
            "[population]",
            '[population]\nprior = "none; calcium 500 mg qx -6-0"',
            r"population.prior, schedule entry 2 \(character 7\): 'qx' in .* is no frequency",
        ),
        (
            "[population]",
            '[config]\nextends = "denosumab"\n[population]',
            r"\[config\] extends 'denosumab', which gives denosumab.*, and a trial gives only what its arms name",
        ),
        (
            '[[arm]]\nname = "placebo"',
            '[config.activation]\nrate = 1\n\n[[arm]]\nname = "placebo"',
            "unknown key 'activation.rate'",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_in_one_line(tmp_path, old, new, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read_trial(write_trial(tmp_path, (old, new)))
    assert "\n" not in str(caught.value)


def test_arms_without_endpoints_and_endpoints_without_arms_are_refused(tmp_path):
    path = write_trial(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[[endpoint]]")], encoding="utf-8")
    with pytest.raises(ConfigError, match=r"the arms have no endpoints, .* add \[\[endpoint\]\]"):
        read_trial(path)
    path.write_text(text[: text.index("[[arm]]")] + text[text.index("[[endpoint]]") :], encoding="utf-8")
    with pytest.raises(ConfigError, match="the trial has no arms"):
        read_trial(path)
    path.write_text("[trial\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"small.toml is not valid TOML"):
        read_trial(path)
    with pytest.raises(ConfigError, match=r"cannot read .*none.toml"):
        read_trial(tmp_path / "none.toml")


def test_a_schedule_keeps_its_entries_and_points_at_the_place():
    assert [table["kind"] for table in read_schedule("calcium 500 mg qd 0-6; none", "x")] == ["calcium"]
    with pytest.raises(ConfigError, match=r"arm 'a', schedule entry 2 \(character 25\): '6-0'"):
        read_schedule("calcium 500 mg qd 0-6;  zoledronate 5 mg once 6-0", "arm 'a'")


def test_endpoints_read_rows_as_they_say(trial):
    life = trial.life(trial.patient(1), 1, trial.arm[1])
    rows = {month: row_of(life, month) for month in range(-5, 3)}
    grown = rows[2]["BV_TV"] / rows[0]["BV_TV"]
    months = (2,)
    assert Endpoint(quantity="BMD_pct_change", months=months).value(rows, 2) == pytest.approx(
        100.0 * (grown - 1.0)
    )
    assert Endpoint(quantity="CTX_pct", months=months).value(rows, 2) == pytest.approx(-70.0)
    assert Endpoint(quantity="CTX_pct", months=months).value(rows, 0) == 0.0
    by_change = {
        change: Endpoint(quantity="Tb_Th_um", change=change, months=months)
        for change in ("percent", "difference", "value")
    }
    assert by_change["percent"].value(rows, 2) == pytest.approx(100.0 * (grown - 1.0))
    assert by_change["difference"].value(rows, 2) == pytest.approx(130.0 * (grown - 1.0))
    assert by_change["value"].value(rows, 2) == pytest.approx(130.0 * grown)
    assert {e.name for e in by_change.values()} == {"Tb_Th_um_pct_change", "Tb_Th_um_change", "Tb_Th_um"}
    assert Endpoint(quantity="BMD_pct_change", months=(3,)).rows_needed == {1, 2, 3}


def test_every_quantity_is_there_in_a_run(tmp_path):
    """A trial must not find out after hours that nobody measures its endpoint."""
    sim = simulate(tmp_path, **{"run.spin_up_days": 0}).run(until_day=1)
    row = sim.measure()
    assert BACKEND.name == "numpy"
    assert set(COLUMNS) - {"modeling_OS_BS"} <= set(row)
    assert set(CLINICAL) - {"BMD_pct_change", "vBMD_trab_pct_change"} == {
        "CTX_pct", "NTX_pct", "P1NP_pct", "BAP_pct", "OC_pct",
    }  # fmt: skip
