"""Where mechanics cannot go on, a run stops with one line and a checkpoint that leads on, or to the same line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from small_runs import BACKEND, assert_same_state, simulate, write_config

import trabsim
from trabsim import cli_run
from trabsim.cli import main
from trabsim.errors import MechanicsError, RunError


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch) -> None:
    monkeypatch.setattr(cli_run, "_draw", lambda *_: None)


def call(*arguments: Any) -> tuple[int, str]:
    """Exit code and what the command line says on standard error."""
    result = CliRunner().invoke(main, [str(a) for a in arguments], prog_name="trabsim")
    assert "Traceback" not in result.output + result.stderr
    return result.exit_code, result.stderr


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if "error" in line]


def rescan(folder: Path, bone: np.ndarray) -> None:
    """Put another specimen into the place of the scan."""
    np.save(folder / "rods.npy", bone.astype(np.uint8))


def beam() -> np.ndarray:
    """Bone from face to face along x alone."""
    bone = np.zeros((20, 20, 20), bool)
    bone[5:15, 5:15, :] = True
    return bone


def lump() -> np.ndarray:
    """Bone that reaches no face."""
    bone = np.zeros((20, 20, 20), bool)
    bone[5:15, 5:15, 5:15] = True
    return bone


@pytest.mark.parametrize(
    ("bone", "settings", "line"),
    [
        (
            beam(),
            {"mechanics.stresses_MPa": [[0, 0, -1, 0, 0, 0]]},
            "day -5: no connected bone reaches from face to face along z, so nothing carries stress zz: load another "
            "direction; a checkpoint of that day is kept",
        ),
        (
            lump(),
            {},
            "day -5: no bone touches a face that is held: nothing carries the load; a checkpoint of that day is kept",
        ),
        (
            beam(),
            {"mechanics.program": [{"kind": "constant", "stresses_MPa": [[0, 0, 0, 0, 0, 1.0]]}]},
            None,
        ),
    ],
    ids=["not along the load", "no face at all", "shear that one axis carries"],
)
def test_a_specimen_that_does_not_span_the_loaded_faces(tmp_path, bone, settings, line) -> None:
    """A line that names the direction, exit code 2, and a checkpoint that resumes to the same line."""
    config, run = write_config(tmp_path, **settings), tmp_path / "run"
    rescan(tmp_path, bone)
    code, said = call("run", config, "-o", run, "--backend", "numpy", "--until", 2)
    if line is None:
        assert code == 0
        return
    assert code == 2
    assert errors(said) == [f"trabsim: error: {line}"]
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["day_-00005.vtkhdf"]
    session = json.loads((run / "provenance.json").read_text())["sessions"][-1]
    assert session["to_day"] == -5
    assert session["why"].startswith("MechanicsError: day -5: ")
    kept = trabsim.open_run(run).load(-5)
    code, said = call("resume", run, "--backend", "numpy")
    assert code == 2
    assert errors(said) == [f"trabsim: error: {line}"]
    assert_same_state(kept, trabsim.open_run(run).load(-5))


def test_a_solution_that_does_not_come_says_the_residual_and_what_to_try(tmp_path) -> None:
    settings = {"mechanics.most_iterations": 1, "mechanics.tolerance": 1e-8}
    config, run = write_config(tmp_path, **settings), tmp_path / "run"
    for arguments in (("run", config, "-o", run), ("resume", run)):
        code, said = call(*arguments, "--backend", "numpy")
        assert code == 2
        (line,) = errors(said)
        assert line.startswith("trabsim: error: day -5: no equilibrium after 1 iterations: the residual is ")
        assert "and should be 1.0e-08; allow more iterations, or a larger tolerance; a checkpoint" in line
        assert [path.name for path in (run / "checkpoints").iterdir()] == ["day_-00005.vtkhdf"]


def test_with_more_iterations_it_goes_on_as_if_nothing_had_been(tmp_path) -> None:
    """`most_iterations` decides only whether a solution comes, so it may be edited; the tolerance may not."""
    simulate(tmp_path, tmp_path / "straight", **{"mechanics.tolerance": 1e-8}).run(until_day=3)
    settings = {"mechanics.most_iterations": 1, "mechanics.tolerance": 1e-8}
    run = tmp_path / "run"
    with pytest.raises(MechanicsError, match="no equilibrium after 1 iterations"):
        simulate(tmp_path, run, **settings).run()
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace("tolerance = 1e-08", "tolerance = 1e-04"))
    with pytest.raises(
        RunError, match=r"config.toml says mechanics.tolerance = 0.0001, but day_-00005.vtkhdf was"
    ):
        trabsim.resume(run, backend=BACKEND)
    (run / "config.toml").write_text(text.replace("most_iterations = 1\n", "most_iterations = 500\n"))
    trabsim.resume(run, until_day=3, backend=BACKEND)
    assert_same_state(trabsim.open_run(run).load(3), trabsim.open_run(tmp_path / "straight").load(3))
    assert (run / "series.csv").read_bytes() == (tmp_path / "straight" / "series.csv").read_bytes()


def test_bone_that_breaks_on_the_way_stops_the_run_there(tmp_path) -> None:
    """The rows and checkpoints up to that day stay."""
    run = tmp_path / "run"
    sim = simulate(tmp_path, run)

    def saw(sim: trabsim.Simulation) -> None:
        if sim.clock.day == 8:  # bone is taken out between two solutions, and the ledger is told
            cut = np.zeros(sim.state.shape, bool)
            cut[9:12] = cut[:, 9:12] = cut[:, :, 9:12] = True  # nothing reaches from face to face any more
            sim.state.counters["initial_quanta"] -= int(sim.state.bone[cut].sum())
            sim.state.bone[cut] = 0
            for table in (sim.state.osteocytes, sim.state.osteoblasts):
                table.keep(~cut.ravel()[table.voxel])

    with pytest.raises(
        MechanicsError, match=r"day 10: no connected bone reaches from face to face along x, so"
    ):
        _without_ledgers(sim).run(on_day=saw)
    assert list(trabsim.open_run(run).series["day"]) == [0, 4, 8]
    assert trabsim.open_run(run).latest() == 10


def _without_ledgers(sim: trabsim.Simulation) -> trabsim.Simulation:
    sim.processes = [process for process in sim.processes if process.name != "ledgers"]
    return sim


def test_without_a_folder_the_line_is_the_same_and_nothing_is_written(tmp_path) -> None:
    with pytest.raises(MechanicsError, match="no equilibrium after 1 iterations"):
        simulate(tmp_path, **{"mechanics.most_iterations": 1, "mechanics.tolerance": 1e-8}).run()
    assert [path.name for path in tmp_path.iterdir()] == ["rods.npy"]
