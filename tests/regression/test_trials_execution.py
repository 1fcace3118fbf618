"""Many lives: nothing is run twice, nothing is lost, and the result is that of one undisturbed simulation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_runs import BACKEND, tables
from trial_files import write_trial
from worker_killer import Killer

from trabsim.config import load_config
from trabsim.errors import ConfigError, RunError
from trabsim.simulation import Simulation
from trabsim.trials import dask_cluster, execution, living
from trabsim.trials.execution import Cluster, cluster_from, cluster_of, run_lives
from trabsim.trials.life_files import ASIDE, STALE_SECONDS, Unfinished, rows_from_json, rows_to_json, sweep
from trabsim.trials.lives import Life
from trabsim.trials.living import Place
from trabsim.trials.results import PATIENTS, RESULTS
from trabsim.trials.trial import run_trial

DENOSUMAB = {"kind": "denosumab", "dose": 60, "unit": "mg", "every": "q6m"}


@pytest.fixture
def lives(tmp_path):
    """Two arms of a person of rods, a month long; no solution of the mechanics, for speed."""
    before = tables(tmp_path, **{"run.disable": ["mechanics"], "run.spin_up_days": 32})
    before.pop("output")
    return [
        Life(before, (), (1,), label="placebo"),
        Life(before, (DENOSUMAB,), (1,), (1,), label="denosumab"),
    ]


def test_a_life_is_the_run_that_had_its_therapies_from_the_start(lives, tmp_path):
    """Drugs that begin at entry leave no trace before it, so arms may share their run-in."""
    found = run_lives(lives, tmp_path / "lives", every_days=13)
    for life in lives:
        sim = Simulation(load_config(life.config), backend=BACKEND)
        rows = {}
        sim.run(until_day=30, on_day=lambda sim, rows=rows: rows.update({sim.clock.day: sim.measure(False)}))
        for month, day in ((-1, -30), (0, 0), (1, 30)):
            # a run-in does not know of what will be given, so it has no columns of that
            both = set(found.rows[life.key][month]) & set(rows[day])
            assert {"BV_TV", "ES_BS", "CTX_pct_of_baseline", "N_Oc_BS_per_mm2"} <= both
            got, same = (
                {name: float(row[name]) for name in both} for row in (found.rows[life.key][month], rows[day])
            )
            assert rows_to_json({0: got}) == rows_to_json({0: same})
    placebo, treated = (found.rows[life.key][1] for life in lives)
    assert treated["BV_TV"] > placebo["BV_TV"]
    assert "Tb_Th_um" in treated
    assert "Tb_Th_um" not in placebo
    assert "Tb_Th_um" in found.rows[lives[0].key][0]
    assert 0.0 <= treated["modeling_OS_BS"] <= treated["OS_BS"]
    assert list((tmp_path / "lives" / "unfinished").iterdir()) == []


def test_what_is_finished_is_never_run_again_and_what_is_not_goes_on(lives, tmp_path, monkeypatch):
    """Stopped in a run-in and in a life, the rest runs from the last checkpoint, to the same rows."""
    whole = run_lives(lives, tmp_path / "whole", every_days=13)

    class Stop(BaseException):
        pass

    steps: list[int] = []
    step = Simulation.step

    def stopping(sim):
        if len(steps) in (20, 50):
            steps.append(sim.clock.day)
            raise Stop
        steps.append(sim.clock.day)
        step(sim)

    monkeypatch.setattr(Simulation, "step", stopping)
    for _ in range(2):
        with pytest.raises(Stop):
            run_lives(lives, tmp_path / "stopped", every_days=13)
    told: list[tuple[int, int, int]] = []
    found = run_lives(lives, tmp_path / "stopped", every_days=13, progress=lambda *a: told.append(a))
    assert {k: rows_to_json(v) for k, v in found.rows.items()} == {
        k: rows_to_json(v) for k, v in whole.rows.items()
    }
    days = 32 + 2 * 30
    assert days < len(steps) < days + 2 * 13 + 2
    assert told == [(0, 0, 2), (1, 0, 2), (2, 0, 2)]
    before = len(steps)
    run_lives(lives, tmp_path / "stopped", progress=lambda *a: told.append(a))
    assert len(steps) == before
    assert told[-1] == (2, 0, 2)


def test_run_ins_are_shared_between_folders(lives, tmp_path, monkeypatch):
    shared = tmp_path / "run_ins"
    run_lives(lives[:1], tmp_path / "one", run_ins=shared)
    monkeypatch.setattr(living, "_start", lambda *a: pytest.fail("the run-in was run again"))
    found = run_lives(lives, tmp_path / "two", run_ins=shared)
    assert len(found.rows) == 2


def test_a_failure_keeps_its_reason_and_the_others_go_on(lives, tmp_path, monkeypatch):
    real = living.live
    seen = []

    def live(work, place):
        seen.append(work.label)
        if work.label == "placebo":
            raise ZeroDivisionError("nothing\nleft")
        real(work, place)

    monkeypatch.setattr(execution, "live", live)
    folder = tmp_path / "lives"
    found = run_lives(lives, folder)
    assert found.failures == {lives[0].key: "ZeroDivisionError: nothing left"}
    assert set(found.rows) == {lives[1].key}
    kept = json.loads((folder / "failures" / f"{lives[0].key}.json").read_text(encoding="utf-8"))
    assert (kept["label"], kept["reason"]) == ("placebo", "ZeroDivisionError: nothing left")
    monkeypatch.setattr(execution, "live", real)
    assert not run_lives(lives, folder).failures
    assert not list((folder / "failures").iterdir())


def test_a_run_in_that_fails_is_tried_once_for_all_arms(tmp_path):
    before = {"specimen": {"shape": [16, 16, 16], "voxel_size_um": 60.0, "Tb_Th_um": 900.0}}
    lives = [Life(before, (), (1,)), Life(before, (DENOSUMAB,), (1,))]
    found = run_lives(lives, tmp_path)
    assert set(found.failures) == {life.key for life in lives}
    assert all(reason.startswith("run-in: Tb_Th_um 900") for reason in found.failures.values())


def test_a_damaged_checkpoint_or_result_only_costs_time(lives, tmp_path):
    folder = tmp_path / "lives"
    whole = run_lives(lives[:1], folder)
    place = Place(str(folder), str(folder / "run_ins"))
    key = lives[0].key
    place.life(key).write_text('{"half":', encoding="utf-8")
    kept = place.unfinished_life(key)
    kept.folder.mkdir(parents=True)
    (kept.folder / "day_000013.json").write_text("{}", encoding="utf-8")
    (kept.folder / "day_000013.vtkhdf").write_bytes(b"nothing")
    assert kept.days() == [13]
    again = run_lives(lives[:1], folder)
    assert rows_to_json(again.rows[key]) == rows_to_json(whole.rows[key])


def test_what_dead_workers_left_is_swept_when_it_is_old(tmp_path):
    import os
    import time

    old, new = tmp_path / f"a{ASIDE}x.json", tmp_path / f"b{ASIDE}x.json.partial"
    for path in (old, new, tmp_path / "c.json"):
        path.touch()
    past = time.time() - STALE_SECONDS - 1.0
    os.utime(old, (past, past))
    os.utime(tmp_path / "c.json", (past, past))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, "c.json"]


def test_rows_come_back_as_they_were():
    rows = {-5: {"a": 0.1 + 0.2, "b": float("nan")}, 12: {"a": 5e-324}}
    back = rows_from_json(json.loads(json.dumps(rows_to_json(rows))))
    assert back[-5]["a"] == rows[-5]["a"]
    assert back[-5]["b"] != back[-5]["b"]
    assert back[12] == rows[12]
    assert Unfinished(Path("nowhere")).days() == []


def test_clusters_are_named_by_one_option_alone(tmp_path):
    assert cluster_of(None, None).is_here
    assert cluster_of(3, None) == Cluster(workers=3)
    assert cluster_from(None, None, None).workers == execution.cores()
    assert cluster_from(None, "tcp://host:1", None) == Cluster(scheduler="tcp://host:1")
    with pytest.raises(ConfigError, match="--workers and --scheduler exclude each other"):
        cluster_of(2, "tcp://host:1")
    slurm = tmp_path / "slurm.toml"
    slurm.write_text('system = "slurm"\njobs = 4\ncores = 1\nmemory = "4GB"\n', encoding="utf-8")
    assert cluster_from(None, None, slurm).jobqueue["jobs"] == 4
    with pytest.raises(ConfigError, match="--cluster brings its own workers"):
        cluster_from(2, None, slurm)
    with pytest.raises(ConfigError, match=r"cannot read .*none.toml"):
        cluster_from(None, None, tmp_path / "none.toml")
    slurm.write_text("jobs = 4", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"names no batch system; write for example system = 'slurm'"):
        cluster_from(None, None, slurm)
    slurm.write_text("jobs = ", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        cluster_from(None, None, slurm)


def test_a_missing_dask_is_named(lives, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r'need Dask, .* pip install "trabsim\[trials\]"'):
        run_lives(lives, tmp_path, Cluster(workers=2))


def test_a_batch_system_is_asked_for_jobs(monkeypatch):
    asked: list[object] = []

    class SLURMCluster:
        def __init__(self, cores, memory):
            asked.append((cores, memory))

        def scale(self, jobs):
            asked.append(jobs)

    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=SLURMCluster))
    options = {"system": "slurm", "jobs": 4, "cores": 1, "memory": "4GB"}
    made, jobs = dask_cluster._jobqueue(options)
    assert isinstance(made, SLURMCluster)
    assert (jobs, asked) == (4, [(1, "4GB"), 4])
    with pytest.raises(ConfigError, match=r"system = 'slrum' is no batch system; did you mean 'slurm'\?"):
        dask_cluster._jobqueue({**options, "system": "slrum"})
    with pytest.raises(ConfigError, match="jobs = 0 is no number of jobs"):
        dask_cluster._jobqueue({**options, "jobs": 0})
    with pytest.raises(ConfigError, match=r"dask-jobqueue refuses these options for slurm: .*'queue'"):
        dask_cluster._jobqueue({**options, "queue": "gpu"})
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(ConfigError, match="needs dask-jobqueue, which is not installed"):
        dask_cluster._jobqueue(options)


def test_a_worker_of_another_version_is_refused():
    reason = dask_cluster.live_task("{}", ["", ""], "99")
    assert reason is not None
    assert "the trial is of 99; install that version" in reason


def test_a_scheduler_that_does_not_answer_is_named(lives, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra 'trials' is not installed")
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(RunError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        run_lives(lives, tmp_path, Cluster(scheduler="tcp://127.0.0.1:9"))


class Task:
    """A stand-in for the future of a task that has ended."""

    status = "finished"

    def __init__(self, result):
        self.result = result

    def done(self):
        return True


class Scheduler:
    """A stand-in for a Dask client whose tasks end as they are told."""

    def __init__(self, ends):
        self.ends, self.submitted = ends, []

    def submit(self, task, text, **keys):
        self.submitted.append((task.__name__, keys["key"]))
        number = len(self.submitted)
        return Task(lambda: self.ends(number))


def dispatch(lives, tmp_path, ends):
    distributed = pytest.importorskip("distributed", reason="the extra 'trials' is not installed")
    told: dict[str, str | None] = {}
    place = Place(str(tmp_path / "lives"), str(tmp_path / "run_ins"))
    client = Scheduler(ends)
    made = dask_cluster._Dispatch(
        distributed, client, "tcp://there:1", place, told.__setitem__, lambda left: None
    )
    made.look = lambda: None
    made.run([living.work_of(life) for life in lives])
    return told, client


def test_a_lost_scheduler_is_one_line_and_a_life_that_kills_its_workers_is_given_up(lives, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra 'trials' is not installed")

    def lost(n):
        raise distributed.CancelledError("gone")

    with pytest.raises(
        RunError, match=r"the Dask scheduler at tcp://there:1 is lost; .* is kept: start the same command"
    ):
        dispatch(lives, tmp_path, lost)

    def killed(n):
        raise distributed.KilledWorker("x", SimpleNamespace(address="there"), 3)

    told, client = dispatch(lives[:1], tmp_path, killed)
    assert "died again and again" in told[lives[0].key]
    assert [name for name, _ in client.submitted].count("live_task") == dask_cluster.MOST_DEATHS
    told, client = dispatch(lives, tmp_path, lambda n: None)
    assert set(told.values()) == {None}
    # one run-in for both arms
    assert [name for name, _ in client.submitted] == ["run_in_task", "live_task", "live_task"]


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.validate)])
def test_killing_workers_at_random_loses_nothing(tmp_path, kills):
    """The tables are byte-identical to those of an undisturbed trial."""
    pytest.importorskip("distributed", reason="the extra 'trials' is not installed")
    small = ("patients = 3", "patients = 1") if kills < 5 else ("patients = 3", "patients = 2")
    path = write_trial(tmp_path, small)
    run_trial(path, tmp_path / "whole")
    folder = tmp_path / "killed"
    with Killer(folder, kills) as killer:
        done = run_trial(path, folder, Cluster(workers=2), every_days=4)
    assert killer.done == kills
    assert not done.failures
    for name in (RESULTS, PATIENTS):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
