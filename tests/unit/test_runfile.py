"""A run folder is complete, is never overwritten, and says where it comes from."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import h5py
import pytest
from small_runs import BACKEND, assert_same_state, configure, random_state, simulate

import trabsim
from trabsim.errors import InvariantError, RunError
from trabsim.provenance import describe_specimen, plain, specimen_checksum
from trabsim.run_folder import RunFolder, checkpoint_name, find_checkpoints, refuse_existing_run
from trabsim.simulation import Simulation


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A finished run; tests that write take a copy."""
    folder = tmp_path_factory.mktemp("finished")
    simulate(folder, folder / "run").run()
    return folder / "run"


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_the_folder_holds_what_it_should_and_no_more(finished):
    assert sorted(p.name for p in finished.iterdir()) == [
        "checkpoints",
        "config.toml",
        "provenance.json",
        "series.csv",
    ]
    assert list(find_checkpoints(finished)) == [0, 10, 20, 30]
    assert {p.name for p in (finished / "checkpoints").iterdir()} == {
        checkpoint_name(d) for d in (0, 10, 20, 30)
    }


def test_config_is_the_resolved_one(finished):
    run = trabsim.open_run(finished)
    assert run.config == configure(finished.parent)
    assert "debt_fade_days" in (finished / "config.toml").read_text()  # a default is written, too


def test_rows_are_due_on_multiples_and_on_the_last_day_and_outputs_share_a_row(finished):
    series = trabsim.open_run(finished).series
    assert list(series["day"]) == [0, 4, 8, 12, 16, 20, 24, 28, 30]
    assert series["day"].dtype == "int64"
    thick = series.set_index("day")["Tb_Th_um"]
    assert sorted(thick.dropna().index) == [0, 12, 24, 30]
    assert series["BV_TV"].notna().all()


def test_the_series_reads_back_the_very_numbers_that_were_measured(tmp_path):
    sim = simulate(tmp_path, tmp_path / "run")
    sim.run()
    written = trabsim.open_run(tmp_path / "run").series.to_dict("records")
    assert len(written) == len(sim.observer.rows) == 9
    for on_disk, in_memory in zip(written, sim.observer.rows):
        for name, value in in_memory.items():
            assert on_disk[name] == value or (math.isnan(on_disk[name]) and math.isnan(value)), name
    assert sim.series.equals(trabsim.open_run(tmp_path / "run").series)


def test_without_a_folder_rows_stay_in_memory_and_are_the_same(finished):
    sim = simulate(finished.parent)
    assert sim.run().series.equals(trabsim.open_run(finished).series)


def test_a_row_tells_an_undefined_measure_from_one_that_was_not_taken(finished):
    """``nan`` against an empty cell; both read as NaN."""
    header, first, second = (
        line.split(",") for line in (finished / "series.csv").read_text().splitlines()[:3]
    )
    assert first[header.index("W_Th_um")] == "nan"
    assert second[header.index("Tb_Th_um")] == ""


def test_states_can_be_loaded_by_day(finished):
    run = trabsim.open_run(finished)
    assert run.latest() == 30
    assert_same_state(run.load(), run.load(30))
    assert run.load(10).counters["last_day"] == 9
    with pytest.raises(RunError, match="holds no checkpoint of day 11; choose from: 0, 10, 20, 30"):
        run.load(11)


def test_provenance_tells_where_it_comes_from(finished):
    facts = trabsim.open_run(finished).provenance
    assert facts["seed"] == 1
    assert facts["specimen"]["source"] == "rods.npy"
    assert len(facts["specimen"]["sha256"]) == 64
    assert facts["specimen"]["report"]["method"] == "mask"
    (session,) = facts["sessions"]
    assert (session["from_day"], session["to_day"], session["why"]) == (-6, 30, "finished")
    assert (session["backend"], session["threads"]) == ("numpy", 1)
    assert session["device"] == BACKEND.device_name
    assert session["software"]["trabsim"] == trabsim.__version__
    assert {"numpy", "numba", "h5py"} <= set(session["software"]["packages"])
    assert session["started"] <= session["ended"]
    assert {"fields", "measures", "checkpoints"} <= set(session["seconds"])


def test_the_checksum_knows_every_voxel_and_the_voxel_size(tmp_path):
    from dataclasses import replace

    from small_bone import rods

    piece = rods(16)
    changed = piece.bone_fraction.copy()
    changed[3, 4, 5] = 0.5
    others = [replace(piece, bone_fraction=changed), replace(piece, voxel_size_um=41.0), rods(18)]
    assert specimen_checksum(piece) == specimen_checksum(rods(16))
    assert len({specimen_checksum(one) for one in (piece, *others)}) == 4
    json.dumps(describe_specimen(piece), allow_nan=False)


def test_plain_values_fit_into_json():
    import numpy as np

    found = plain(
        {"a": np.float32(0.5), "b": [math.nan, np.int64(3)], "c": Path("x"), 4: np.zeros(2), "d": True}
    )
    assert found == {"a": 0.5, "b": [None, 3], "c": "x", "4": [0.0, 0.0], "d": True}


@pytest.mark.parametrize("what", ["config.toml", "series.csv", "provenance.json", "checkpoints"])
def test_a_folder_that_holds_any_part_of_a_run_is_not_overwritten(tmp_path, what):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / what).write_text("precious")
    with pytest.raises(
        RunError, match=rf"run already holds a run \({what}\); continue it with 'trabsim resume"
    ):
        simulate(tmp_path, tmp_path / "run")
    assert (tmp_path / "run" / what).read_text() == "precious"
    assert len(list((tmp_path / "run").iterdir())) == 1


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").write_text("precious")
    with pytest.raises(RunError, match="run is a file, and a run needs a folder"):
        refuse_existing_run(tmp_path / "run")


def test_a_folder_with_other_things_in_it_can_hold_a_run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    simulate(tmp_path, tmp_path / "run").run(until_day=-5)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"
    assert list(find_checkpoints(tmp_path / "run")) == [-5]


def test_a_specimen_that_cannot_be_made_leaves_no_folder(tmp_path):
    """So that the same command works once the mistake is mended."""
    with pytest.raises(trabsim.errors.SpecimenError):
        Simulation(
            {"specimen": {"source": str(tmp_path / "none.tif")}}, backend=BACKEND, run_folder=tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "message"), [("none", "there is no run folder"), ("", "is not the folder of a run")]
)
def test_what_is_no_run_is_refused(tmp_path, name, message):
    with pytest.raises(RunError, match=message):
        trabsim.open_run(tmp_path / name)


def test_a_run_without_checkpoint_says_so(copy):
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(RunError, match="holds no checkpoint yet; let the run go on with 'trabsim resume'"):
        trabsim.open_run(copy).latest()


def test_damaged_provenance_is_named(copy):
    (copy / "provenance.json").write_text("{")
    with pytest.raises(
        RunError, match=r"cannot read .*provenance.json: .*; restore it from a copy, or remove it"
    ):
        _ = trabsim.open_run(copy).provenance


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("4,1.0", "line 11 of .*series.csv is not a row of"),
        ("x" + "," * 40, "line 11 of .*series.csv is not a row"),
    ],
)
def test_a_damaged_row_is_named(copy, line, message):
    with open(copy / "series.csv", "a") as file:
        file.write(f"{line}\n")
    with pytest.raises(RunError, match=message):
        _ = trabsim.open_run(copy).series


def test_another_table_is_not_taken_for_the_series(copy):
    (copy / "series.csv").write_text("name,size\n")
    with pytest.raises(RunError, match="is not the series of a run: its first column is 'name', not 'day'"):
        _ = trabsim.open_run(copy).series


def test_half_a_row_at_the_end_is_not_read(copy):
    """What a power cut leaves has no line break."""
    rows = len(trabsim.open_run(copy).series)
    with open(copy / "series.csv", "a") as file:
        file.write("34,50.1,0.")
    assert len(trabsim.open_run(copy).series) == rows


@pytest.mark.parametrize("day", [0, 1, 365, 999_999, 1_000_000, -1, -730])
def test_names_of_checkpoints_can_be_read_back(tmp_path, day):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / checkpoint_name(day)).touch()
    (tmp_path / "checkpoints" / "other.vtkhdf").touch()
    (tmp_path / "checkpoints" / (checkpoint_name(day) + ".partial")).touch()
    assert list(find_checkpoints(tmp_path)) == [day]


def test_entry_has_a_checkpoint_even_where_none_is_asked_for(tmp_path):
    sim = Simulation(
        configure(tmp_path), overrides={"output": []}, backend=BACKEND, run_folder=tmp_path / "silent"
    )
    sim.run(until_day=2)
    assert list(find_checkpoints(tmp_path / "silent")) == [0, 2]
    assert len(trabsim.open_run(tmp_path / "silent").series) == 0


def test_spin_up_is_guarded_yearly_by_one_checkpoint_that_entry_replaces(tmp_path):
    sim = simulate(tmp_path, tmp_path / "run", **{"run.spin_up_days": 740})
    seen = []
    for day, process in ((-731, True), (-730, True), (-366, False), (-365, True), (0, True)):
        sim.clock.day = day - 1 if process else day
        sim.processes = []  # an empty day
        sim.run(until_day=day)
        seen.append(list(find_checkpoints(tmp_path / "run")))
    assert seen == [[-731], [-730], [-366], [-365], [0]]


def test_two_processes_cannot_write_to_one_run(copy):
    first, second = RunFolder.open(copy), RunFolder.open(copy)
    first.lock()
    with pytest.raises(RunError, match=r"another process is working on .*run; wait for it to end"):
        second.lock()
    with pytest.raises(RunError, match="another process is working on"):
        trabsim.resume(copy, backend=BACKEND, until_day=40)
    first.unlock()
    second.lock()
    second.unlock()


def test_a_simulation_that_was_overtaken_does_not_write(tmp_path):
    sim = simulate(tmp_path, tmp_path / "run")
    sim.run(until_day=2)
    trabsim.resume(tmp_path / "run", until_day=9, backend=BACKEND)
    before = (tmp_path / "run" / "series.csv").read_bytes()
    with pytest.raises(RunError, match="holds day 9 already, and this simulation is at day 2; resume from"):
        sim.run(until_day=12)
    assert (tmp_path / "run" / "series.csv").read_bytes() == before


def test_a_run_can_go_on_in_steps_from_python(tmp_path, finished):
    sim = simulate(tmp_path, tmp_path / "run")
    for _ in range(3):
        sim.run(days=10)
    assert (tmp_path / "run" / "series.csv").read_bytes() == (finished / "series.csv").read_bytes()
    assert [s["to_day"] for s in trabsim.open_run(tmp_path / "run").provenance["sessions"]] == [10, 20, 30]


def test_a_broken_law_keeps_the_state_aside_and_the_last_checkpoint_good(tmp_path):
    sim = simulate(tmp_path, tmp_path / "run")
    sim.run(until_day=13)
    sim.state.count("formed_quanta", 1)
    with pytest.raises(InvariantError, match=r"matrix .*; the state is kept in .*broken/day_000013.vtkhdf$"):
        sim.run()
    with h5py.File(tmp_path / "run" / "broken" / "day_000013.vtkhdf") as file:
        assert file["trabsim"].attrs["day"] == 13
    session = trabsim.open_run(tmp_path / "run").provenance["sessions"][-1]
    assert session["why"].startswith("InvariantError: day 13: the matrix ledger is off by -1 quanta")
    assert trabsim.open_run(tmp_path / "run").latest() == 13
    assert trabsim.resume(tmp_path / "run", until_day=15, backend=BACKEND).clock.day == 15


def test_a_day_that_was_interrupted_is_not_gone_on_from(tmp_path, monkeypatch):
    """Half of its processes have run; a second start of the day would run them twice."""
    sim = simulate(tmp_path, tmp_path / "run")
    sim.run(until_day=1)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(next(p for p in sim.processes if p.name == "activation"), "apply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sim.run()
    monkeypatch.undo()
    with pytest.raises(
        RunError, match="day 1 was interrupted half way, so this simulation cannot go on; resume it"
    ):
        sim.run()
    assert trabsim.open_run(tmp_path / "run").provenance["sessions"][-1]["why"] == "KeyboardInterrupt: "
    assert trabsim.resume(tmp_path / "run", until_day=2, backend=BACKEND).clock.day == 2


def test_a_row_that_was_interrupted_is_not_skipped(tmp_path, monkeypatch):
    """A simulation that was stopped while it measured does not go on without that row; its folder does."""
    from trabsim import observers

    sim = simulate(tmp_path, tmp_path / "run")
    measured = observers.measure_state

    def interrupted(state, clock, *rest, **more):
        if clock.day == 8:
            raise KeyboardInterrupt
        return measured(state, clock, *rest, **more)

    monkeypatch.setattr(observers, "measure_state", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sim.run()
    monkeypatch.undo()
    with pytest.raises(RunError, match="day 8 was interrupted half way"):
        sim.run()
    trabsim.resume(tmp_path / "run", until_day=12, backend=BACKEND)
    assert list(trabsim.open_run(tmp_path / "run").series["day"]) == [0, 4, 8, 12]


def test_a_state_can_start_a_run_of_its_own(tmp_path, finished):
    state = trabsim.open_run(finished).load(20)
    sim = Simulation.from_state(
        configure(tmp_path), state, 20, backend=BACKEND, run_folder=tmp_path / "branch"
    )
    sim.run()
    mine, theirs = (trabsim.open_run(folder) for folder in (tmp_path / "branch", finished))
    assert_same_state(mine.load(30), theirs.load(30))
    assert mine.provenance["specimen"] == {"source": "a state of day 20"}
    with pytest.raises(RunError, match="already holds a run"):
        Simulation.from_state(configure(tmp_path), state, 20, backend=BACKEND, run_folder=finished)


def test_checkpoints_of_a_random_state_survive_the_folder(tmp_path):
    folder = RunFolder.create(tmp_path / "run", configure(tmp_path), {"seed": 1})
    state = random_state()
    folder.write_checkpoint(state, 5, configure(tmp_path), BACKEND)
    assert_same_state(trabsim.open_run(tmp_path / "run").load(5), state)


def test_a_lattice_larger_than_memory_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(
        RunError,
        match=r"a lattice of 9000 x 9000 x 9000 voxels needs about \d\d,\d{3} GB of memory, and [\d.]+ GB "
        r"are free on .*; choose a smaller specimen.shape or box",
    ):
        Simulation({"specimen": {"shape": [9000] * 3}}, backend=BACKEND, run_folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_cannot_go_backwards(tmp_path):
    sim = simulate(tmp_path)
    sim.run(until_day=-3)
    with pytest.raises(RunError, match="the run is at day -3 and cannot go back to day -4; give a later day"):
        sim.run(until_day=-4)
