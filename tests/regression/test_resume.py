"""However a run is stopped, killed, resumed or spread over threads, it leaves the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_runs import BACKEND, assert_same_state, configure, simulate, with_bare_names, write_config

import trabsim
from trabsim.backends import get_backend
from trabsim.checkpoint import read_checkpoint
from trabsim.errors import RunError
from trabsim.run_folder import RunFolder, find_checkpoints

TESTS = Path(__file__).resolve().parents[1]

#: Goes on with a run, in a process that kills itself at a moment that the arguments choose: just before the
#: n-th time that something is made durable (a write, flush or rename), or after some seconds, wherever it is
#: then.
KILLED = """
import os, signal, sys, threading
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from trabsim import durable, resume
from trabsim.config import load_config
from trabsim.simulation import Simulation
folder, config, kind, moment = Path(sys.argv[1]), sys.argv[2], sys.argv[4], float(sys.argv[5])
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
if kind == "seconds":
    threading.Timer(moment, kill).start()
else:
    left = [int(moment)]
    def counted(function):
        def call(*arguments):
            left[0] -= 1
            if left[0] == 0:
                if function is os.write:
                    function(arguments[0], bytes(arguments[1])[:7])  # half a row, as a power cut leaves it
                kill()
            return function(*arguments)
        return call
    class Os:
        def __getattr__(self, name):
            own = getattr(os, name)
            return counted(own) if name in {"write", "fsync", "replace"} else own
    durable.os = Os()
if (folder / "config.toml").is_file():
    resume(folder, backend="numpy", threads=1)
else:
    Simulation(load_config(config), backend="numpy", threads=1, run_folder=folder).run()
"""


def contents(run: Path) -> dict[str, bytes]:
    """Every file that the outcome of a run consists of; when and where it ran is left out."""
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def compare(run: Path, straight: Path, *, extra: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    mine, theirs = contents(run), contents(straight)
    assert set(mine) - extra == set(theirs)
    different = [name for name, data in theirs.items() if mine[name] != data]
    assert different == []


def points(*days: int) -> set[str]:
    """Checkpoints that are there because a run stopped there."""
    return {f"checkpoints/day_{day:06d}.vtkhdf" for day in days}


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """A run that was never stopped."""
    folder = tmp_path_factory.mktemp("straight")
    simulate(folder, folder / "run").run()
    return folder / "run"


def test_the_run_that_is_compared_is_a_busy_one(straight):
    """Else equal bytes would prove little."""
    first, last = (trabsim.open_run(straight).load(day) for day in (0, 30))
    assert len(last.osteoclasts) > 3
    assert len(last.osteoblasts) > 50
    for total in ("sites_opened", "resorbed_quanta", "formed_quanta", "osteoclasts_died", "osteoblasts_died"):
        assert last.counters[total] > first.counters.get(total, 0), total
    assert last.counters["mechanics_day"] == 25 > first.counters["mechanics_day"] == -5
    assert len(first.displacements) > 100  # what the next solution starts from
    assert first.displacements.values.tobytes() != last.displacements.values.tobytes()
    assert last.osteocytes.stimulus.any()
    assert not np.array_equal(first.bone, last.bone)


def test_a_second_run_leaves_the_same_bytes(straight, tmp_path):
    simulate(straight.parent, tmp_path / "run").run()
    compare(tmp_path / "run", straight)


def test_stopping_and_resuming_changes_nothing(straight, tmp_path):
    """Stopped in the spin-up, on its eve, at entry, between observations, on one, and at the end."""
    run = tmp_path / "run"
    simulate(straight.parent, run).run(until_day=-3)
    days = (-1, 0, 5, 16, 23, 30)
    for day in days:
        assert trabsim.resume(run, until_day=day, backend=BACKEND).clock.day == day
    compare(run, straight, extra=points(5, 16, 23))
    sessions = trabsim.open_run(run).provenance["sessions"]
    assert [(s["from_day"], s["to_day"]) for s in sessions] == list(zip((-6, -3, *days), (-3, *days)))


def test_a_signal_stops_in_good_order_and_the_run_goes_on(straight, tmp_path):
    """What the command line does for Ctrl-C: the day is finished, and a checkpoint is written."""
    run = tmp_path / "run"
    sim = simulate(straight.parent, run)
    sim.run(on_day=lambda sim: sim.clock.day == 7)
    assert sim.clock.day == trabsim.open_run(run).latest() == 7
    assert trabsim.open_run(run).provenance["sessions"][-1]["why"] == "stopped"
    trabsim.resume(run, backend=BACKEND)
    compare(run, straight, extra=points(7))


def test_two_threads_leave_the_same_bytes(straight, tmp_path):
    run = tmp_path / "run"
    trabsim.Simulation(
        configure(straight.parent), backend=get_backend("numpy", threads=2), run_folder=run
    ).run(until_day=12)
    trabsim.resume(run, backend="numpy", threads=1)
    compare(run, straight, extra=points(12))


def test_killed_at_any_moment_it_resumes_to_the_same_bytes(straight, tmp_path):
    """`kill -9` again and again: while the folder is made, within a row, before and after a rename, anywhere."""
    run = tmp_path / "run"
    config = write_config(straight.parent)
    for step, reached in ((2, None), (7, None), (10, 0), (12, 0), (16, 10), (15, 20)):
        done = run_and_kill(run, config, "files", step)
        assert done.returncode == -9, done.stderr
        assert max(find_checkpoints(run), default=None) == reached
    for seconds in np.random.default_rng(11).uniform(0.5, 2.5, 2):
        done = run_and_kill(run, config, "seconds", seconds)
        assert done.returncode in (0, -9), done.stderr
    for path in find_checkpoints(run).values():
        read_checkpoint(path, BACKEND)
    trabsim.resume(run, backend=BACKEND)
    compare(run, straight)


def run_and_kill(run: Path, config: Path, kind: str, moment: float) -> Any:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(run), str(config), str(TESTS), kind, str(moment)],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("moment", range(1, 6))
def test_a_crash_between_any_two_steps_of_writing_is_survived(straight, tmp_path, monkeypatch, moment):
    """The five of the row and the checkpoint of one day: write, flush; flush, rename, flush of the folder."""
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    RunFolder.open(run).supersede(10)
    RunFolder.open(run).go_back(10)
    shutil.rmtree(run / "superseded")

    class Crash(BaseException):
        pass

    left = moment
    import os

    from trabsim import durable

    class Os:
        def __getattr__(self, name: str) -> Any:
            own = getattr(os, name)

            def step(*arguments: Any) -> Any:
                nonlocal left
                left -= sim.clock.day == 20  # the day with a row and a checkpoint
                if left == 0 and sim.clock.day == 20:
                    raise Crash
                return own(*arguments)

            return step if name in {"write", "fsync", "replace"} else own

    sim = trabsim.Simulation.from_run(run, backend=BACKEND)
    monkeypatch.setattr(durable, "os", Os())
    with pytest.raises(Crash):
        sim.run()
    monkeypatch.undo()
    trabsim.resume(run, backend=BACKEND)
    compare(run, straight)


def test_without_a_spin_up_it_resumes_from_entry_to_the_same_bytes(tmp_path):
    """Entry is then described before any day has passed: its row has fewer measures."""
    settings = {"run.spin_up_days": 0, "run.years": 9 / 365.25}
    simulate(tmp_path, tmp_path / "straight", **settings).run()
    run = tmp_path / "run"
    simulate(tmp_path, run, **settings).run(until_day=0)
    assert list(trabsim.open_run(run).series["day"]) == [0]
    trabsim.resume(run, until_day=3, backend=BACKEND)
    trabsim.resume(run, backend=BACKEND)
    compare(run, tmp_path / "straight", extra=points(3))


def test_resuming_a_finished_run_changes_nothing(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    assert trabsim.resume(run, backend=BACKEND).clock.day == 30
    compare(run, straight)


def test_a_run_can_go_beyond_its_configured_end(straight, tmp_path):
    """And is then what a run of that length would have been; only the row of the configured end stays."""
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    trabsim.resume(run, until_day=36, backend=BACKEND)
    longer = tmp_path / "longer"
    simulate(straight.parent, longer, **{"run.years": 36 / 365.25}).run()
    assert_same_state(trabsim.open_run(run).load(36), trabsim.open_run(longer).load(36))
    mine, theirs = trabsim.open_run(run).series, trabsim.open_run(longer).series
    assert list(mine["day"]) == [0, 4, 8, 12, 16, 20, 24, 28, 30, 32, 36]
    common = mine[mine["day"] != 30].reset_index(drop=True)
    assert common.equals(theirs)


def test_from_an_earlier_day_what_came_later_is_put_aside_not_lost(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    before = contents(run)
    trabsim.resume(run, from_day=10, until_day=22, backend=BACKEND)
    aside = run / "superseded" / "001"
    assert sorted(p.name for p in aside.iterdir()) == ["day_000020.vtkhdf", "day_000030.vtkhdf", "series.csv"]
    for path in aside.iterdir():
        old = path.name if path.suffix == ".csv" else f"checkpoints/{path.name}"
        assert path.read_bytes() == before[old]
    assert list(find_checkpoints(run)) == [0, 10, 20, 22]
    trabsim.resume(run, backend=BACKEND)
    shutil.rmtree(run / "superseded")
    compare(run, straight, extra=points(22))


def test_from_a_checkpoint_without_units_in_its_names_it_resumes_to_the_same_bytes(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    with_bare_names(run / "checkpoints" / "day_000010.vtkhdf")
    trabsim.resume(run, from_day=10, backend=BACKEND)
    for day in (20, 30):
        name = f"day_{day:06d}.vtkhdf"
        assert (run / "checkpoints" / name).read_bytes() == (straight / "checkpoints" / name).read_bytes()


def test_each_time_something_is_put_aside_it_gets_a_place_of_its_own(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    for day in (20, 10):
        trabsim.resume(run, from_day=day, until_day=day, backend=BACKEND)
    names = [{p.name for p in (run / "superseded" / number).iterdir()} for number in ("001", "002")]
    assert names == [{"day_000030.vtkhdf", "series.csv"}, {"day_000020.vtkhdf", "series.csv"}]


def test_taking_up_a_run_changes_nothing_before_it_goes_on(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    before = contents(run)
    trabsim.Simulation.from_run(run, from_day=10, backend=BACKEND)
    assert contents(run) == before


def test_killed_before_the_first_checkpoint_it_starts_again(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "day_000000.vtkhdf.partial").write_bytes(b"rubbish")
    (run / "provenance.json").unlink()
    trabsim.resume(run, backend=BACKEND)
    compare(run, straight)
    assert trabsim.open_run(run).provenance["sessions"][0]["from_day"] == -6


def test_a_damaged_checkpoint_is_refused_and_an_earlier_one_leads_on(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    path = run / "checkpoints" / "day_000030.vtkhdf"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        RunError, match=r"day_000030.vtkhdf is cut short or damaged; take another checkpoint of the run"
    ):
        trabsim.resume(run, backend=BACKEND)
    trabsim.resume(run, from_day=20, backend=BACKEND)
    shutil.rmtree(run / "superseded")
    compare(run, straight)


def test_a_changed_configuration_is_refused_but_its_length_and_output_are_free(straight, tmp_path):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    config = run / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("life_half_days = 20.0", "life_half_days = 21.0"))
    with pytest.raises(
        RunError,
        match=r"config.toml says osteoblasts.life_half_days = 21.0, but day_000030.vtkhdf was made with 20.0",
    ):
        trabsim.resume(run, backend=BACKEND)
    longer = configure(straight.parent, **{"run.years": 33 / 365.25})
    config.write_text(longer.to_toml().replace("every_days = 4", "every_days = 3"))
    trabsim.resume(run, backend=BACKEND)
    assert list(trabsim.open_run(run).series["day"])[-2:] == [30, 33]


def test_another_version_warns(straight, tmp_path, caplog, monkeypatch):
    run = Path(shutil.copytree(straight, tmp_path / "run"))
    monkeypatch.setattr(trabsim, "__version__", "9.9.9")
    trabsim.resume(run, until_day=31, backend=BACKEND)
    assert "day_000030.vtkhdf was written by trabsim 0.1.0; what follows may differ" in caplog.text
    sessions = json.loads((run / "provenance.json").read_text())["sessions"]
    assert [s["software"]["trabsim"] for s in sessions] == ["0.1.0", "9.9.9"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"from_day": 11}, "holds no checkpoint of day 11; choose from: 0, 10, 20, 30"),
        (
            {"until_day": 29},
            "the run is at day 30 and cannot go back to day 29; give a later day, or resume from an",
        ),
    ],
)
def test_an_impossible_day_is_refused_and_nothing_changes(straight, arguments, message):
    before = contents(straight)
    with pytest.raises(RunError, match=message):
        trabsim.resume(straight, backend=BACKEND, **arguments)
    assert contents(straight) == before
