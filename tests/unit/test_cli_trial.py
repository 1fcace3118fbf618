"""``trabsim trial`` on the command line: what it prints, where it writes, how mistakes end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from trial_files import outcomes_of, write_trial

from trabsim import cli
from trabsim.trials import trial

pytest.importorskip("pyarrow", reason="the extra 'trials' is not installed")

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "trials"


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Call a command in an empty folder, with lives whose rows are known."""
    answers: dict[str, object] = {}
    clusters: list[object] = []

    def run_lives(lives, folder, cluster=None, **keys):
        lives = list(lives)
        clusters.append(cluster)
        keys["progress"](0, 0, len(lives))
        keys["progress"](len(lives), 0, len(lives))
        return outcomes_of(lives, **answers)

    monkeypatch.setattr(trial, "run_lives", run_lives)
    monkeypatch.chdir(tmp_path)

    def answer(*words: str):
        return CliRunner().invoke(cli.main, ["trial", *words])

    answer.answers, answer.clusters = answers, clusters
    return answer


def test_run_writes_tables_and_report_and_status_tells_the_rest(call, tmp_path):
    write_trial(tmp_path)
    done = call("run", "small.toml", "--workers", "1")
    assert done.exit_code == 0, done.output
    assert "lives: 6 of 6" in done.output
    assert {path.name for path in Path("small").iterdir()} >= {
        "results.parquet", "patients.parquet", "report.html", "provenance.json", "plan.json", "trial.toml",
    }  # fmt: skip
    assert call.clusters[0].workers == 1
    told = call("status", "small")
    assert "Small (trabsim" in told.output
    assert "lives: 0 of 6 finished, 0 on the way, 0 failed; run-ins: 0 of 3" in told.output
    assert "time left: not known yet" in told.output
    assert json.loads(call("status", "small", "--json").output)["total"] == 6
    assert call("report", "small", "-o", "again.html").output.strip() == "again.html"


def test_a_dry_run_writes_nothing(call, tmp_path):
    write_trial(tmp_path)
    shown = call("run", "small.toml", "--dry-run")
    assert "3 run-ins of 20 days, 6 lives of 2 months in 2 arms (placebo, denosumab)" in shown.output
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]
    assert "warning" not in shown.output


def test_a_dry_run_warns_of_doses_and_schedules(call, tmp_path):
    write_trial(
        tmp_path,
        ("denosumab 60 mg q6m 0-24", "denosumab 6000 mg q6m 0-24"),
        ("[population]", '[population]\nprior = "calcium 30 g qd -3-0"'),
    )
    shown = call("run", "small.toml", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert (
        "warning: arm 'denosumab': therapy 3 (denosumab): 6000 mg q6m is 100 times the usual" in shown.output
    )
    assert (
        "warning: arms 'placebo', 'denosumab': therapy 1 (calcium): 30 g qd is 20 times the" in shown.output
    )


def test_failures_and_screen_failures_are_said_and_failures_end_with_1(call, tmp_path):
    write_trial(tmp_path)
    call.answers.update(failing="patient 2, replicate 1, arm 'placebo'", T_scores=lambda life: -3.4)
    done = call("run", "small.toml", "--scheduler", "tcp://there:1")
    assert done.exit_code == 1
    assert "failed: patient 2, replicate 1, arm 'placebo': no bone left" in done.output
    assert "patient 1 entered with a T-score of -3.40, outside of the inclusion; kept" in done.output
    assert call.clusters[0].scheduler == "tcp://there:1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "none.toml"), "cannot read none.toml"),
        (("run", "small.toml", "--workers", "2", "--scheduler", "x"), "exclude each other"),
        (("run", "small.toml", "--cluster", "none.toml"), "cannot read none.toml"),
        (("status", "."), "is not the folder of a trial"),
        (("report", "."), "is not the folder of a trial"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(call, tmp_path, capsys, words, message):
    write_trial(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["trial", *words])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("trabsim: error: ")
    assert said.count("\n") == 1
    assert message in said


@pytest.mark.parametrize("words", [("status", "small"), ("run", "small.toml"), ("report", "small")])
@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda plan: plan.pop("sha256"), "sha256"),
        (lambda plan: plan.pop("workers"), "workers"),
        (lambda plan: plan.update(lives=3), "lives"),
        (lambda plan: plan["lives"][1].pop("run_in_key"), "run_in_key of life 2"),
        (lambda plan: plan["lives"].insert(0, None), "key of life 1"),
    ],
)
def test_a_plan_that_lacks_something_is_told_in_one_line(call, tmp_path, capsys, words, change, missing):
    write_trial(tmp_path)
    life = {"key": "a", "run_in_key": "b", "label": "c", "months": 3, "spin_up_days": 20}
    plan = {
        "name": "x",
        "sha256": "y",
        "version": "0",
        "source": "z",
        "workers": 1,
        "lives": [life, dict(life)],
    }
    change(plan)
    Path("small").mkdir()
    Path("small", "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["trial", *words])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"plan.json is damaged: it does not say {missing} as it should; remove" in said
    assert said.count("\n") == 1


def test_a_reference_table_may_be_given_to_the_report(call, tmp_path, capsys):
    write_trial(tmp_path)
    assert call("run", "small.toml").exit_code == 0
    with pytest.raises(SystemExit):
        cli.main(["trial", "report", "small", "--reference-table", "none.csv"])
    assert "there is no reference table at" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["alendronate", "tiny"])
def test_the_examples_of_the_documentation_can_be_run(call, name):
    shown = call("run", str(EXAMPLES / f"{name}.toml"), "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "run-ins of" in shown.output


def test_the_example_of_a_batch_system_names_one():
    from trabsim.trials.execution import cluster_from

    assert cluster_from(None, None, EXAMPLES / "slurm.toml").jobqueue["system"] == "slurm"
