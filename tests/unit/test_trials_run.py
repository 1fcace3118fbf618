"""A trial from file to report, with lives whose rows are known: tables, screening, folder, status, statistics."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from trial_files import outcomes_of, write_trial

from trabsim.errors import ConfigError, RunError
from trabsim.trials import report_statistics, trial, trial_folder
from trabsim.trials.life_files import write_json
from trabsim.trials.living import Place
from trabsim.trials.report import write_report
from trabsim.trials.report_figures import label_of
from trabsim.trials.results import PATIENTS, RESULTS, read_results
from trabsim.trials.trial import run_trial
from trabsim.trials.trial_file import read_trial
from trabsim.trials.trial_folder import held, trial_status

pytest.importorskip("pyarrow", reason="the extra 'trials' is not installed")

TABLE = """\
id,quantity,site,value,spread,spread_kind,n,reference,arm_id,reference_arm_id,schedule,reference_schedule,\
baseline_month,eval_month,sex,age,years_since_menopause,T_score,prior_therapy,supported,schedule_note
A1,BMD_pct_change,LS,2.5,0.5,SE,100,vs_baseline,D,,denosumab 60 mg q6m 0-24,,0,2,F,68,18,-2,none,yes,
A2,BMD_pct_change,LS,3.0,0.6,SE,100,vs_placebo,D,P,denosumab 60 mg q6m 0-24,none,0,2,F,68,18,-2,none,yes,
A3,BMD_pct_change,TH,9.0,0.6,SE,100,vs_baseline,D,,denosumab 60 mg q6m 0-24,,0,2,F,68,18,-2,none,yes,
A4,BMD_pct_change,LS,9.0,0.6,SE,100,vs_baseline,D,,nonsense,,0,2,F,68,18,-2,none,yes,
"""


@pytest.fixture
def faked(monkeypatch):
    """Lives whose rows are known; returns how many were asked for in each call, and how they answer."""
    calls: list[int] = []
    answers: dict[str, object] = {}

    def run_lives(lives, folder, cluster=None, **keys):
        lives = list(lives)
        calls.append(len(lives))
        keys["progress"](0, 0, len(lives))
        return outcomes_of(lives, **answers)

    monkeypatch.setattr(trial, "run_lives", run_lives)
    return calls, answers


def test_the_tables_of_a_trial_are_tidy_sorted_and_equal_byte_by_byte(tmp_path, faked):
    path = write_trial(tmp_path)
    for name in ("one", "two"):
        run_trial(path, tmp_path / name)
    for table in (RESULTS, PATIENTS):
        assert (tmp_path / "one" / table).read_bytes() == (tmp_path / "two" / table).read_bytes()
    frame = read_results(tmp_path / "one")
    assert list(frame.columns) == ["patient", "arm", "replicate", "month", "endpoint", "value"]
    # months of the endpoints, and entry
    assert len(frame) == 3 * 2 * (3 + 2 + 2)
    assert list(frame["patient"]) == sorted(frame["patient"])
    assert list(dict.fromkeys(frame["arm"])) == ["placebo", "denosumab"]
    treated = frame[(frame["arm"] == "denosumab") & (frame["endpoint"] == "CTX_pct") & (frame["month"] == 1)]
    assert set(treated["value"]) == {-70.0}
    people = read_results(tmp_path / "one", PATIENTS)
    assert len(people) == 3
    assert people["included"].all()


def test_failed_lives_are_named_and_leave_the_rest(tmp_path, faked):
    faked[1]["failing"] = "patient 2, replicate 1, arm 'denosumab'"
    done = run_trial(write_trial(tmp_path), tmp_path / "run")
    assert done.failures == {"patient 2, replicate 1, arm 'denosumab'": "no bone left"}
    frame = read_results(tmp_path / "run")
    assert set(frame[frame["arm"] == "denosumab"]["patient"]) == {1, 3}
    assert len(done.people[1].entry) > 0


def test_screen_failures_are_reported_or_replaced(tmp_path, faked):
    calls, answers = faked
    kept = read_trial(write_trial(tmp_path))
    second = kept.patient(2)
    answers["T_scores"] = lambda life: -3.5 if life.config.specimen.seed == second.specimen_seed else -2.0
    reported = run_trial(write_trial(tmp_path), tmp_path / "report")
    assert [person.included for person in reported.people] == [True, False, True]
    assert calls == [6]
    path = write_trial(tmp_path, ('[[arm]]\nname = "placebo"', '[population.x]\n[[arm]]\nname = "placebo"'))
    text = path.read_text(encoding="utf-8").replace("[population.x]\n", "")
    path.write_text(text.replace("inclusion =", 'screen_failures = "replace"\ninclusion ='), encoding="utf-8")
    replaced = run_trial(path, tmp_path / "replace")
    assert calls == [6, 3, 1, 6]
    assert all(person.included for person in replaced.people)
    assert replaced.people[1].patient.draw > second.draw
    assert replaced.people[0].patient == kept.patient(1)
    answers["T_scores"] = lambda life: -3.5
    with pytest.raises(
        ConfigError, match=r"of more than 20 people .* T-score from -3 to -1 at entry \(the last -3.50\)"
    ):
        run_trial(path, tmp_path / "never")


def test_a_folder_of_another_trial_is_refused_and_left_alone(tmp_path, faked, monkeypatch):
    folder = tmp_path / "run"
    run_trial(write_trial(tmp_path), folder)
    before = (folder / RESULTS).read_bytes()
    other = write_trial(tmp_path, ('"Small"', '"Large"'), name="other.toml")
    with pytest.raises(RunError, match=r"holds another trial \('Small'\); nothing in it was touched"):
        run_trial(other, folder)
    changed = write_trial(tmp_path, ("seed = 3", "seed = 4"), name="changed.toml")
    with pytest.raises(RunError, match="holds another form of 'Small'"):
        run_trial(changed, folder)
    assert (folder / RESULTS).read_bytes() == before
    monkeypatch.setattr(trial_folder.trabsim, "__version__", "99")
    with pytest.raises(RunError, match=r"was begun with trabsim .*, and this is 99"):
        run_trial(write_trial(tmp_path), folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(RunError, match="is not empty and holds no trial"):
        run_trial(write_trial(tmp_path), tmp_path / "full")
    with pytest.raises(RunError, match="is a file, and a trial needs a folder"):
        run_trial(write_trial(tmp_path), tmp_path / "full" / "letter.txt")


def test_one_process_at_a_time_runs_a_trial(tmp_path, faked):
    folder = tmp_path / "run"
    run_trial(write_trial(tmp_path), folder)
    assert not trial_status(folder).is_running
    with held(folder):
        assert trial_status(folder).is_running
        with pytest.raises(RunError, match="another process is running the trial"):
            run_trial(write_trial(tmp_path), folder)
    run_trial(write_trial(tmp_path), folder)


def test_status_tells_progress_failures_and_time_left(tmp_path, faked):
    folder = tmp_path / "run"
    run_trial(write_trial(tmp_path), folder)
    place = Place(str(folder), str(folder / "run_ins"))
    plan = trial_folder.require_plan(folder)
    assert trial_status(folder).seconds_left is None
    first, second, third = plan["lives"][:3]
    write_json(place.run_in(first["run_in_key"]), {"rows": {}, "seconds": 20.0})
    write_json(place.life(first["key"]), {"rows": {}, "seconds": 61.0})
    write_json(folder / "failures" / f"{second['key']}.json", {"label": "x", "reason": "no bone", "key": ""})
    unfinished = place.unfinished_life(third["key"])
    write_json(unfinished.folder / "day_000030.json", {})
    (unfinished.folder / "day_000030.vtkhdf").touch()
    found = trial_status(folder)
    assert (found.total, found.finished, found.run_ins, found.run_ins_finished) == (6, 1, 3, 1)
    assert found.failures == {second["label"]: "no bone"}
    assert found.running == {third["label"]: pytest.approx(30 / 30.4375)}
    # one second a day: two run-ins of 20 days, four lives of two months, one of them half way
    assert found.seconds_left == pytest.approx(2 * 20 + 4 * 60.875 - 30, rel=0.01)
    with pytest.raises(RunError, match="is not the folder of a trial"):
        trial_status(tmp_path)


def test_a_report_needs_nothing_else_and_says_everything(tmp_path, faked):
    table = tmp_path / "published.csv"
    table.write_text(TABLE, encoding="utf-8")
    path = write_trial(
        tmp_path,
        (
            '[[arm]]\nname = "placebo"',
            '[report]\nreference_table = "published.csv"\n\n[[arm]]\nname = "placebo"',
        ),
    )
    folder = tmp_path / "run"
    with pytest.raises(RunError, match="is not the folder of a trial"):
        write_report(folder)
    run_trial(path, folder)
    text = write_report(folder).read_text(encoding="utf-8")
    assert text.count("Research use only, not for clinical decisions") == 2
    assert "src=" not in text
    assert not [line for line in text.splitlines() if "<link" in line or "<script" in line]
    for part in (
        "<svg",
        "A1",
        "A2",
        "Parallel interval",
        "denosumab 60 mg q6m 0-24",
        "[activation]",
        "Citation",
    ):
        assert part in text, part
    assert "A3" not in text.replace("A300", "")
    assert write_report(folder, tmp_path / "again.html").read_text(encoding="utf-8") == text
    (folder / RESULTS).unlink()
    with pytest.raises(RunError, match=r"there are no results in .* yet"):
        write_report(folder)


def test_published_points_belong_to_arms_endpoints_and_sites(tmp_path):
    (tmp_path / "published.csv").write_text(TABLE, encoding="utf-8")
    path = write_trial(
        tmp_path,
        (
            '[[arm]]\nname = "placebo"',
            '[report]\nreference_table = "published.csv"\n\n[[arm]]\nname = "placebo"',
        ),
    )
    points = report_statistics.published_points(read_trial(path))
    assert [(p.id, p.arm, p.month, p.difference) for p in points] == [
        ("A1", "denosumab", 2.0, False),
        ("A2", "denosumab", 2.0, True),
    ]
    assert points[0].SE == 0.5


def test_intervals_are_students_and_pairs_are_narrower_than_groups(tmp_path, faked):
    found = report_statistics.interval([1.0, 2.0, 3.0, math.nan], 0.95)
    assert (found.n, found.mean, found.sd) == (3, 2.0, 1.0)
    assert found.high - found.mean == pytest.approx(4.302652729911275 / math.sqrt(3.0))
    assert math.isnan(report_statistics.interval([1.0], 0.95).low)
    assert report_statistics.interval([], 0.95).n == 0
    path = write_trial(tmp_path)
    run_trial(path, tmp_path / "run")
    rows = report_statistics.differences(read_results(tmp_path / "run"), read_trial(path))
    assert {row.arm for row in rows} == {"denosumab"}
    row = next(row for row in rows if row.endpoint == "Tb_Th_um_pct_change")
    values = [2.0 * (1.0 + 2.0 * p.values["BV_TV"]) for p in map(read_trial(path).patient, (1, 2, 3))]
    assert row.paired.mean == pytest.approx(sum(values) / 3.0)
    assert row.parallel_low < row.paired.mean < row.parallel_high
    a, b = [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0]
    low, high = report_statistics._welch(a, b, 0.95)
    assert (low + high) / 2.0 == pytest.approx(-1.5)
    # by hand: variances 5/12 and 4/3, 3.26 degrees of freedom by Welch and Satterthwaite
    freedom = (5 / 12 + 4 / 3) ** 2 / ((5 / 12) ** 2 / 3 + (4 / 3) ** 2 / 2)
    from scipy.stats import t

    assert (high - low) / 2.0 == pytest.approx(t.ppf(0.975, freedom) * math.sqrt(5 / 12 + 4 / 3))


def test_damaged_and_missing_tables_are_named(tmp_path):
    with pytest.raises(RunError, match=r"there is no results.parquet in .*run the trial"):
        read_results(tmp_path)
    (tmp_path / RESULTS).write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"results.parquet is damaged .*nothing is simulated twice"):
        read_results(tmp_path)


@pytest.mark.parametrize("module", ["pyarrow", "jinja2", "matplotlib.figure"])
def test_a_missing_extra_is_named(tmp_path, faked, monkeypatch, module):
    import sys

    run_trial(write_trial(tmp_path), tmp_path / "run")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=r'pip install "trabsim\[trials\]"'):
        write_report(tmp_path / "run", Path(tmp_path / "x.html"))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("BMD_pct_change_LS", "BMD LS, change (%)"),
        ("CTX_pct", "CTX, change (%)"),
        ("Tb_Th_um_pct_change", "Tb.Th, change (%)"),
        ("Tb_Th_um_change", "Tb.Th, change (µm)"),
        ("Conn_D_per_mm3", "Conn.D (1/mm³)"),
        ("BFR_BS_um_per_year", "BFR BS (µm/year)"),
        ("SMI", "SMI"),
    ],
)
def test_axes_name_endpoints_with_their_units(name, label):
    assert label_of(name) == label
