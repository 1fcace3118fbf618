"""Every mistake on the command line: one line that says what to do, exit code 2, no traceback, nothing overwritten."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from small_runs import simulate, write_config

from trabsim import cli_run
from trabsim.checkpoint import SCHEMA
from trabsim.cli import main
from trabsim.errors import InvariantError

#: What is typed in a folder that holds a configuration `small.toml`, its scan, runs and spoiled files, and what is
#: answered (the beginning, up to an ellipsis).
MISTAKES = {
    # the command line itself
    "rnu small.toml -o new": "No such command 'rnu'. Did you mean 'run'? See 'trabsim --help'.",
    "--vresion": "No such option '--vresion'. Did you mean '--version'? See 'trabsim --help'.",
    "run": "Missing argument 'CONFIG'. See 'trabsim run --help'.",
    "run small.toml": "Missing option '-o' / '--output'. See 'trabsim run --help'.",
    "run small.toml -o new --untl 3": "No such option '--untl'. Did you mean '--until'? See 'trabsim run --help'.",
    "run small.toml -o new --until soon": "Invalid value for '--until': 'soon' is not a valid integer.",
    "run small.toml -o new --backend gpu": "Invalid value for '--backend': 'gpu' is not one of 'auto', 'numpy', 'cup",
    "run small.toml -o new --threads 0": "Invalid value for '--threads': 0 is not in the range x>=1.",
    "run small.toml -o new extra": "Got unexpected extra argument (extra) See 'trabsim run --help'.",
    # configurations
    "run nothing.toml -o new": "no configuration file or preset named 'nothing.toml'; run 'trabsim presets' for the",
    "run postmenopaus -o new": "no configuration file or preset named 'postmenopaus'; did you mean 'postmenopause'?",
    "run broken.toml -o new": "broken.toml is not valid TOML: Invalid value (at line 2, column 8); mend that line",
    "run misspelled.toml -o new": "run.years = -1.0: input should be greater than 0; unknown key 'run.sed' (value 2)",
    "run small.toml -o new --set run.sed=2": "unknown key 'run.sed' (value 2); did you mean 'seed'?",
    "run small.toml -o new --set rnu.seed=2": "unknown table [rnu]; did you mean 'run'?",
    "run small.toml -o new --set run.years=-1": "run.years = -1: input should be greater than 0",
    "run small.toml -o new --set run.years=long": "run.years = 'long': input should be a valid number",
    "run small.toml -o new --set seed=2": "'seed' names no table; write it as table.key, for example run.seed",
    "run small.toml -o new --set run.seed": "--set needs key=value, got 'run.seed'; write for example --set run.seed=2",
    "run small.toml -o new --seed -1": "run.seed = -1: input should be greater than or equal to 0",
    "run small.toml -o new --set 'run.disable=[\"resorption\"]'": "run.disable = 'resorption' is not a mechanism tha",
    "presets postmenopose": "there is no preset 'postmenopose'; did you mean 'postmenopause'?",
    "check nothing.toml": "no configuration file or preset named 'nothing.toml'",
    "check small.toml --set run.sed=2": "unknown key 'run.sed' (value 2); did you mean 'seed'?",
    "check postmenopause --set specimen.preset=knee": "specimen.preset = 'knee' is unknown; choose from ",
    # specimens
    "run small.toml -o new --set specimen.source=none.npy": "no such file or folder: ",
    "run small.toml -o new --set specimen.scan_voxel_size_um=none": "rods.npy holds no voxel size: give voxel_size_um",
    "run small.toml -o new --set specimen.method=threshold": "segmentation 'threshold' needs a threshold in gray val",
    "check small.toml --set specimen.method=threshold": "segmentation 'threshold' needs a threshold in gray values",
    # machines
    "run small.toml -o new --backend cupy": "backend cupy needs the CuPy package, which is not installed: pip install",
    "run postmenopause -o new --set specimen.shape=[9000,9000,9000]": "a lattice of 9000 x 9000 x 9000 voxels needs",
    "check postmenopause --set specimen.shape=[9000,9000,9000]": "a lattice of 9000 x 9000 x 9000 voxels needs about ",
    # run folders
    "run small.toml -o done": "done already holds a run (config.toml); continue it with 'trabsim resume done', or ch",
    "run small.toml -o rods.npy": "rods.npy is a file, and a run needs a folder; choose another one with -o",
    "run small.toml -o rods.npy/new": "cannot write rods.npy/new: Not a directory; check the folder and its rights",
    "run small.toml -o new --until -7": "the run starts at day -6 and cannot stop at day -7; give a later day",
    "resume none": "there is no run folder none; start one with 'trabsim run CONFIG -o none'",
    "resume .": ". is not the folder of a run (no config.toml); give the folder that 'trabsim run' made",
    "resume done --until 5": "the run is at day 10 and cannot go back to day 5; give a later day, or resume from an",
    "resume done --from-day 7": "done holds no checkpoint of day 7; choose from: 0, 10",
    "resume done --backend cupy": "backend cupy needs the CuPy package, which is not installed",
    "resume cut": "cut/checkpoints/day_000010.vtkhdf is cut short or damaged; take another checkpoint of the run",
    "resume flipped": "dataset 'bone' of flipped/checkpoints/day_000010.vtkhdf is damaged (its checksum is wrong); t",
    "resume newer": f"newer/checkpoints/day_000010.vtkhdf was written by trabsim 0.1.0 with schema {SCHEMA + 1}",
    "resume edited": "config.toml says run.seed = 77, but day_000010.vtkhdf was made with 1; restore it, or start a",
    "check none": "no configuration file or preset named 'none'",
    "check cut": "cut has 1 problem: cut/checkpoints/day_000010.vtkhdf is cut short or damaged",
    "check edited": "edited has 2 problems: config.toml says run.seed = 77, but day_000000.vtkhdf was made with 1",
    "check holes": "holes has 1 problem: rows are missing, the first of day 4",
    "check done --set run.seed=2": "--set changes a configuration, and this is the folder of a run; leave it out. See",
    "summary none": "there is no run folder none",
    "summary rows": "line 3 of rows/series.csv is not a row of ",
    # measures
    "measure none.npy": "no such file or folder: ",
    "measure rods.npy": "rods.npy holds no voxel size: give --voxel-size-um, for example 20",
    "measure gray.npy --voxel-size-um 20": "gray.npy holds gray values: give --threshold T or --otsu",
    "measure gray.npy --voxel-size-um 20 --otsu --threshold 3": "--otsu finds the threshold, and --threshold gives o",
    "measure small.toml": "small.toml",
    "measure none.vtkhdf": "there is no checkpoint at none.vtkhdf; give a *.vtkhdf file of RUN/checkpoints",
    "measure rows.vtkhdf": "rows.vtkhdf is not a checkpoint: it is no HDF5 file, or its first bytes are damaged",
    "measure done/checkpoints/day_000000.vtkhdf --otsu": "a checkpoint knows its voxel size and its bone; leave these",
    # pictures
    "render none -o a.png": "there is no checkpoint at none",
    "render done": "Missing option '-o' / '--output'. See 'trabsim render --help'.",
    "render done -o a.png --by-load": "--by-load belongs to a picture of what was lost; add --loss",
    "render done -o a.png --loss --cells": "--loss, --cells, --series, --field, --section and --color draw diffe",
    "render done/checkpoints/day_000000.vtkhdf -o a.png --loss": "--loss compares two checkpoints, and ",
    "render done -o a.png --color purple": "day_000010.vtkhdf holds no field 'purple'; ",
    "render none --html -o a.html": "there is no checkpoint at none",
    "render done --html -o a.png": "a page cannot be named 'a.png'; end the name in .html",
    "render done -o a.html --cells": "a page shows change, cells and days of one run by itself; give one run, and no",
    "render done -o a.html --color purple": "day_000000.vtkhdf holds no field 'purple'; ",
    # other formats, and the view
    "export done -o a.obj": "the name 'a.obj' does not tell the format; end it in .stl, .ply, .glb, .nii, .nii.gz, ",
    "export done -o a.stl --day 3": "done holds no checkpoint of day 3; choose from: 0, 10",
    "export done/checkpoints/day_000000.vtkhdf -o a.stl --day 0": "--day chooses a checkpoint of a run; give a run f",
    "export done -o a.stl --field opg": "a surface holds no fields; color it with --color, or write a volume.",
    "export done -o a.stl --color phase": "STL holds no colors; write .ply or .glb, or leave --color out",
    "export done -o a.nii --field opg --field bone": "a volume holds one field; give --field once.",
    "export done -o a.nii --field purple": "day_000010.vtkhdf holds no field 'purple'; ",
    "export done -o a.nii --unit um": "--color and --unit belong to surfaces; write .stl, .ply or .glb.",
    "export done -o a.nii --box 1,2": "a box is z0, z1, y0, y1, x0, x1, not (1, 2); give six voxel numbers",
    "export done -o a.nii --box all": "--box is six voxel numbers, not 'all'; write for example --box 0,64,0,64,0,32.",
    "export done -o a.vtkhdf --day 0": "a time series holds every day and voxel; leave --day and --box out.",
    "export done -o a.vtkhdf --field purple": "not every checkpoint holds a field 'purple'; ",
    "view none --no-browser --port 0": "there is no checkpoint at none; give a *.vtkhdf file or a run folder",
    "view done --port 70000": "Invalid value for '--port': 70000 is not in the range 0<=x<=65535.",
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> Path:
    """The folder in which the mistakes are made."""
    folder = Path(tmp_path_factory.mktemp("samples"))
    write_config(folder, **{"run.years": 10 / 365.25})
    simulate(folder, folder / "done", **{"run.years": 10 / 365.25}).run()
    (folder / "broken.toml").write_text("[run]\nseed = = 3\n")
    (folder / "misspelled.toml").write_text("[run]\nsed = 2\nyears = -1.0\n")
    np.save(folder / "gray.npy", np.arange(8000, dtype=np.uint16).reshape(20, 20, 20))
    (folder / "rows.vtkhdf").write_text("day,a\n")
    last = Path("checkpoints", "day_000010.vtkhdf")
    for name in ("cut", "flipped", "newer", "edited", "holes", "rows"):
        shutil.copytree(folder / "done", folder / name)
    good = (folder / "done" / last).read_bytes()
    (folder / "cut" / last).write_bytes(good[:-99])
    import h5py

    with h5py.File(folder / "flipped" / last) as file:
        chunk = file["VTKHDF/CellData/bone_100000th_voxel"].id.get_chunk_info(0)
    flipped = bytearray(good)
    flipped[chunk.byte_offset + 5] ^= 16
    (folder / "flipped" / last).write_bytes(flipped)
    with h5py.File(folder / "newer" / last, "r+") as file:
        file["trabsim"].attrs["schema"] = SCHEMA + 1
    config = (folder / "edited" / "config.toml").read_text()
    (folder / "edited" / "config.toml").write_text(config.replace("seed = 1\n", "seed = 77\n", 1))
    lines = (folder / "done" / "series.csv").read_text().splitlines(keepends=True)
    (folder / "holes" / "series.csv").write_text("".join(line for line in lines if not line.startswith("4,")))
    (folder / "rows" / "series.csv").write_text("".join([*lines[:2], "4,what\n", *lines[3:]]))
    return folder


def type_in(command: str) -> Result:
    return CliRunner().invoke(main, shlex.split(command), prog_name="trabsim")


def no_picture(*_: Any) -> None:
    """Pictures have their own tests."""


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def the_error(result: Result) -> str:
    """The one line of an error."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("trabsim: warning: ")]
    assert result.exit_code == 2, (result.exit_code, result.output)
    assert len(lines) == 1, lines
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
    start, found, text = lines[0].partition("trabsim: error: ")
    assert (start, bool(found)) == ("", True)
    return text


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(samples, monkeypatch, command):
    monkeypatch.chdir(samples)
    monkeypatch.setitem(sys.modules, "cupy", None)  # as on a machine without CuPy
    before = everything(samples)
    text = the_error(type_in(command))
    assert text.startswith(MISTAKES[command])
    after = everything(samples)
    shutil.rmtree(samples / "new", ignore_errors=True)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    # a run that cannot go on may say so in its log
    assert changed <= {"done/run.log"}


def test_what_is_said_about_memory_is_how_much(samples, monkeypatch):
    monkeypatch.chdir(samples)
    text = the_error(type_in("run postmenopause -o new --set specimen.shape=[9000,9000,9000]"))
    assert "GB of memory, and " in text
    assert text.endswith("choose a smaller specimen.shape or box, or a larger specimen.voxel_size_um")
    assert not (samples / "new").exists()


def test_a_broken_law_says_where_the_state_is(samples, tmp_path, monkeypatch):
    from trabsim.tissue.ledger import Ledgers

    def broken(self: Any, state: Any, clock: Any) -> None:
        if clock.day == 3:
            raise InvariantError("day 3: the matrix ledger is off by 5 quanta")

    monkeypatch.setattr(Ledgers, "apply", broken)
    monkeypatch.setattr(cli_run, "_draw", no_picture)
    run = tmp_path / "run"
    text = the_error(type_in(f"run {samples / 'small.toml'} -o {run} --threads 1"))
    kept = run / "broken" / "day_000003.vtkhdf"
    assert text == f"day 3: the matrix ledger is off by 5 quanta; the state is kept in {kept}"
    assert kept.is_file()
    monkeypatch.undo()
    monkeypatch.setattr(cli_run, "_draw", no_picture)
    assert type_in(f"resume {run} --threads 1").exit_code == 0


def test_memory_that_runs_out_all_the_same_is_one_line(samples, tmp_path, monkeypatch):
    from trabsim import simulation

    def too_much(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(simulation, "embed", too_much)
    text = the_error(type_in(f"run {samples / 'small.toml'} -o {tmp_path / 'run'}"))
    assert text == "out of memory; choose a smaller lattice ('trabsim check' tells what one needs)"


def test_a_traceback_can_be_asked_for():
    result = CliRunner().invoke(main, ["--traceback", "resume", "none"])
    assert type(result.exception).__name__ == "RunError"


def test_a_full_disk_stops_the_run_and_leaves_it_fit_to_go_on(samples, tmp_path, monkeypatch):
    """Under a limit on the size of files that the checkpoint of entry does not fit into."""
    run, config = tmp_path / "run", samples / "small.toml"
    entry = (samples / "done" / "checkpoints" / "day_000000.vtkhdf").stat().st_size
    limit = f"ulimit -f {entry // 1024 - 5}; "  # in KiB
    done = in_shell(f"{limit} exec {sys.executable} -m trabsim run {config} -o {run} --threads 1")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("trabsim: warning: ")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, lines
    assert (
        "day_000000.vtkhdf: no space left (File too large); what was there before is intact; free some"
        in lines[0]
    )
    assert not list(run.rglob("*.partial"))
    monkeypatch.setattr(cli_run, "_draw", no_picture)
    assert type_in(f"resume {run} --threads 1").exit_code == 0
    for path in (samples / "done").rglob("*"):
        if path.suffix in {".vtkhdf", ".csv", ".toml"}:
            assert path.read_bytes() == (run / path.relative_to(samples / "done")).read_bytes()


def in_shell(command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment)


def test_without_a_command_the_help_is_shown():
    result = CliRunner().invoke(main, [])
    assert (result.exit_code, result.stdout) == (2, CliRunner().invoke(main, ["--help"]).stdout)


def test_a_message_never_has_two_lines(monkeypatch):
    """Even where a library put a line break into its own."""
    from trabsim import cli

    def spoiled() -> None:
        raise OSError("first\nsecond")

    assert cli._exit_code(spoiled, with_traceback=False) == 2
