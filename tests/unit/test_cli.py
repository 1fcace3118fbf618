"""The command line does what it says, and its figures are those of the files."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from small_runs import BACKEND, configure, simulate, write_config

import trabsim
from trabsim import cli_run
from trabsim.cli import main
from trabsim.cli_progress import Progress
from trabsim.cli_text import change_table, duration, number, table, then_and_now, time_table
from trabsim.run_folder import find_checkpoints
from trabsim.series import frame_of


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a configuration, its scan, and a finished run."""
    folder = Path(tmp_path_factory.mktemp("place"))
    write_config(folder)
    simulate(folder, folder / "run").run()
    return folder


@pytest.fixture(autouse=True)
def no_pictures(request, monkeypatch) -> None:
    """Pictures take seconds; where they are wanted they are drawn without PyVista."""
    if "pictures" in request.keywords or "pictures" in request.node.name:
        from trabsim.viz import pictures
        from trabsim.viz.probe import Answer

        monkeypatch.setattr(pictures, "ask_pyvista", lambda: Answer(False, "", "not tried"))
    else:
        monkeypatch.setattr(cli_run, "_draw", lambda *_: None)


def answer(command: str) -> str:
    """What a command that succeeds prints."""
    result = CliRunner().invoke(main, shlex.split(command), prog_name="trabsim")
    assert result.exit_code == 0, result.output + result.stderr
    return result.stdout


def test_version():
    assert answer("--version") == f"trabsim {trabsim.__version__}\n"


def test_it_is_a_module_too():
    done = subprocess.run([sys.executable, "-m", "trabsim", "--version"], capture_output=True, text=True)
    assert done.stdout == f"trabsim {trabsim.__version__}\n"


@pytest.mark.parametrize("command", ["", *main.commands])
def test_every_command_has_help_that_fits_on_a_line(command):
    text = answer(f"{command} --help")
    assert f"Usage: trabsim {command}".rstrip() in text
    assert "..." not in answer("--help").split("Commands:")[1]


def test_run_tells_how_it_goes_and_what_came_out(place, tmp_path):
    text = answer(f"run {place / 'small.toml'} -o {tmp_path / 'run'} --threads 1")
    assert "20 x 20 x 20 voxels of 40 um, seed 1, numpy on " in text
    tenths = re.findall(r"\((\d+) %\)", text)
    assert tenths[-1] == "100"
    assert 5 <= len(tenths) <= 10
    assert "day 30 of 30, age 50.08 (100 %), " in text
    assert re.search(r"36 days in [\d.]+ s, [\d.]+ days/s", text)
    series = trabsim.open_run(tmp_path / "run").series
    for name in ("BV_TV", "Tb_Th_um", "Conn_D_per_mm3"):
        values = re.search(rf"^{name} +(\S+) +(\S+) +", text, re.MULTILINE)
        assert values is not None
        assert values.groups() == (number(series[name].iloc[0]), number(series[name].iloc[-1]))
    assert re.search(r"^fields +[\d.]+ s +\d+ %$", text, re.MULTILINE)
    log = (tmp_path / "run" / "run.log").read_text()
    assert re.search(r"^\d{4}-\d\d-\d\dT[\d:]{8}\S* INFO day 10: checkpoint$", log, re.MULTILINE)
    assert "backend auto: " in log  # from before the folder was there
    assert (tmp_path / "run" / "series.csv").read_bytes() == (place / "run" / "series.csv").read_bytes()


def test_options_of_run_reach_the_configuration(place, tmp_path):
    answer(
        f"run {place / 'small.toml'} -o {tmp_path / 'run'} --seed 5 --set lining.cover_days=11.5 --until -5"
    )
    run = trabsim.open_run(tmp_path / "run")
    assert (run.config.run.seed, run.config.process.lining.cover_days) == (5, 11.5)
    assert run.latest() == -5
    assert run.config.run.years == configure(place).run.years  # --until is a stop, not another end


def test_a_last_day_without_a_row_is_measured_for_the_table_alone(place, tmp_path):
    text = answer(f"run {place / 'small.toml'} -o {tmp_path / 'run'} --until 6 --threads 1")
    header = next(line for line in text.splitlines() if line.endswith("change"))
    assert header.split() == ["day", "0", "day", "6", "change"]
    assert list(trabsim.open_run(tmp_path / "run").series["day"]) == [0, 4]


def test_resume_goes_on_and_says_where_it_stands(place, tmp_path):
    answer(f"run {place / 'small.toml'} -o {tmp_path / 'run'} --until 6")
    text = answer(f"resume {tmp_path / 'run'} --threads 1")
    assert "24 days in " in text
    assert (tmp_path / "run" / "series.csv").read_bytes() == (place / "run" / "series.csv").read_bytes()
    assert "nothing to do: the run is at its end, day 30; --until DAY goes beyond" in answer(
        f"resume {tmp_path / 'run'}"
    )
    text = answer(f"resume {tmp_path / 'run'} --from-day 20 --until 21")
    assert "day 21 of 21" in text
    assert (tmp_path / "run" / "superseded" / "001" / "day_000030.vtkhdf").is_file()


def test_pictures_are_left_and_a_failing_one_is_a_warning(place, tmp_path, monkeypatch):
    command = f"run {place / 'small.toml'} -o {tmp_path / 'run'} --until 2"
    text = answer(command)
    assert "loss.png: drawn with" in text
    assert (tmp_path / "run" / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "run" / "series.png").read_bytes()[:4] == b"\x89PNG"
    from trabsim import viz

    def fails(*_: Any, **__: Any) -> str:
        raise trabsim.errors.RunError("no ink")

    monkeypatch.setattr(viz, "render_loss", fails, raising=False)
    result = CliRunner().invoke(main, shlex.split(command.replace("/run ", "/again ")), prog_name="trabsim")
    assert result.exit_code == 0
    assert "trabsim: warning: no picture: no ink\n" in result.stderr


@pytest.mark.parametrize(
    ("number_", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_signal_finishes_the_day_and_leaves_a_checkpoint(place, tmp_path, number_, code, name):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "trabsim", "run", place / "small.toml", "-o", run, "--threads", "1"]
    process = subprocess.Popen(
        [*map(str, command), "--set", "run.years=100", "--set", "output=[]"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = time.monotonic() + 60
    while not find_checkpoints(run) and process.poll() is None and time.monotonic() < patience:
        time.sleep(0.02)
    os.kill(process.pid, number_)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    day = trabsim.open_run(run).latest()
    assert day >= 0
    assert f"trabsim: stopped by {name} at day {day}; go on with 'trabsim resume {run}'" in errors
    assert trabsim.open_run(run).provenance["sessions"][-1]["why"] == "stopped"
    assert trabsim.resume(run, until_day=day + 1, backend=BACKEND).clock.day == day + 1


def test_a_second_signal_stops_at_once(place, tmp_path, monkeypatch):
    """The day stays unfinished, and the run goes on from its last checkpoint."""
    from trabsim.tissue.ledger import Ledgers

    def slow(self: Any, state: Any, clock: Any) -> None:
        if clock.day == 12:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Ledgers, "apply", slow)
    before = signal.getsignal(signal.SIGINT)  # ignored where a shell started the tests in the background
    command = f"run {place / 'small.toml'} -o {tmp_path / 'run'} --threads 1"
    result = CliRunner().invoke(main, shlex.split(command), prog_name="trabsim")
    assert result.exit_code == 130
    assert "stopped at once; 'trabsim resume RUN' goes on from the last checkpoint" in result.stderr
    assert trabsim.open_run(tmp_path / "run").latest() == 10
    assert signal.getsignal(signal.SIGINT) is before


def test_check_of_a_configuration(place):
    text = answer(f"check {place / 'small.toml'} --set run.seed=3")
    assert "  run.seed = 3  (default 1)\n" in text
    assert "  specimen.method = mask  (default threshold)\n" in text
    assert "lattice 20 x 20 x 20 voxels, about 0.301 GB of memory; " in text
    assert "spin-up 6 days, then 30 days: 9 rows, 4 checkpoints\n" in text
    assert text.endswith("small.toml can be run\n")
    assert "all parameters are at their defaults" not in text


def test_what_check_announces_is_what_a_run_writes(place):
    run = trabsim.open_run(place / "run")
    assert (len(run.series), len(run.checkpoints)) == (9, 4)


def test_check_of_a_run(place, tmp_path):
    text = answer(f"check {place / 'run'}")
    assert text.count("intact, ledgers balanced\n") == 4
    assert "series.csv: 9 rows, none missing\n" in text
    assert text.endswith("run is in order\n")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("credit", 1, "day_000020.vtkhdf: the credit ledger is off by 1 quanta"),
        ("bone", -3, "day_000020.vtkhdf: the matrix ledger is off by -3 quanta"),
    ],
)
def test_check_finds_quanta_that_do_not_add_up(place, tmp_path, name, change, message):
    """A file whose checksums are right, but whose content is not."""
    import h5py

    run = Path(shutil.copytree(place / "run", tmp_path / "run"))
    with h5py.File(run / "checkpoints" / "day_000020.vtkhdf", "r+") as file:
        values = file["VTKHDF/CellData"][f"{name}_100000th_voxel"]
        place_ = tuple(np.argwhere(values[...] > 10)[0]) if name == "bone" else (0, 0, 0)
        values[place_] += change
    result = CliRunner().invoke(main, ["check", str(run)])
    assert result.exit_code == 2
    assert result.stderr.endswith(f"has 1 problem: {message}\n")


def test_check_finds_a_renamed_checkpoint(place, tmp_path):
    run = Path(shutil.copytree(place / "run", tmp_path / "run"))
    (run / "checkpoints" / "day_000020.vtkhdf").rename(run / "checkpoints" / "day_000021.vtkhdf")
    result = CliRunner().invoke(main, ["check", str(run)])
    assert "day_000021.vtkhdf holds day 20; it was renamed, name it back" in result.stderr


def test_presets():
    text = answer("presets")
    assert (
        "postmenopause: A woman enters at 50, one year before her final menstrual period, and is followed"
        in text
    )
    shown = answer("presets postmenopause")
    import tomllib

    assert trabsim.load_config(tomllib.loads(shown)) == trabsim.load_config("postmenopause")


def test_measuring_a_checkpoint_gives_what_the_series_says(place):
    """Same voxels, same rim, same conventions."""
    found = json.loads(answer(f"measure {place / 'run' / 'checkpoints' / 'day_000030.vtkhdf'} --json"))
    row = trabsim.open_run(place / "run").series.iloc[-1]
    assert found["day"] == row["day"] == 30
    for name in ("Tb_Th_um", "Tb_Sp_um", "Tb_N_per_mm", "Conn_D_per_mm3", "SMI", "DA", "vBMD_mg_per_cm3"):
        assert found[name] == row[name], name
    assert found["rim_voxels_left_out"] == 3


def test_measuring_a_scan(place):
    """A mask needs no threshold; the islands of a scan do not count."""
    from trabsim import morphometry

    bone = np.load(place / "rods.npy").astype(bool)
    island = np.pad(bone, ((0, 4), (0, 0), (0, 0)))
    island[22, 5:7, 5:7] = True
    np.save(place / "island.npy", island.astype(np.uint8) * 255)
    expected = morphometry.measure(np.pad(bone, ((0, 4), (0, 0), (0, 0))), 40.0)
    found = json.loads(answer(f"measure {place / 'island.npy'} --voxel-size-um 40 --json"))
    assert (found["segmentation"], found["part"]) == ("mask", "largest 6-connected")
    for name in ("BV_TV", "Tb_Th_um", "Conn_D_per_mm3"):
        assert found[name] == expected[name]
    assert "TMD_mg_per_cm3" not in found
    gray = np.where(island, 900, 100).astype(np.uint16)
    gray[0, 0, 0] += 1
    np.save(place / "gray.npy", gray)
    for options in ("--otsu", "--threshold 500"):
        other = json.loads(answer(f"measure {place / 'gray.npy'} --voxel-size-um 40 --json {options}"))
        assert other["Tb_Th_um"] == expected["Tb_Th_um"]
    smooth = json.loads(
        answer(f"measure {place / 'gray.npy'} --voxel-size-um 40 --json --threshold 500 --gaussian 1")
    )
    assert smooth["BV_TV"] != expected["BV_TV"]
    assert f"\nTb_Th_um {' ':>20}"[:9] in answer(f"measure {place / 'rods.npy'} --voxel-size-um 40")


def test_json_has_null_for_what_is_undefined(place):
    np.save(place / "full.npy", np.ones((5, 5, 5), np.uint8))
    text = answer(f"measure {place / 'full.npy'} --voxel-size-um 40 --json")
    assert json.loads(text)["Tb_Sp_um"] is None
    assert "NaN" not in text


def test_summary(place):
    text = answer(f"summary {place / 'run'}")
    assert "specimen rods.npy, 20 x 20 x 20 voxels, seed 1, age 50 at entry" in text
    assert "at day 30 (0.08 years), configured end day 30; 4 checkpoints, 9 rows" in text
    assert "from day -6 to day 30 in " in text
    found = json.loads(answer(f"summary {place / 'run'} --json"))
    series = trabsim.open_run(place / "run").series
    assert found["checkpoint_days"] == [0, 10, 20, 30]
    assert found["measures"]["BV_TV"] == {
        "first_day": 0,
        "first": series["BV_TV"].iloc[0],
        "last_day": 30,
        "last": series["BV_TV"].iloc[-1],
    }


def test_summary_of_a_run_that_was_killed_early(place, tmp_path):
    run = Path(shutil.copytree(place / "run", tmp_path / "run"))
    shutil.rmtree(run / "checkpoints")
    (run / "series.csv").unlink()
    provenance = json.loads((run / "provenance.json").read_text())
    provenance["sessions"][0]["ended"] = None
    (run / "provenance.json").write_text(json.dumps(provenance))
    text = answer(f"summary {run}")
    assert "without a checkpoint yet" in text
    assert "nothing has been measured yet" in text
    assert "not ended: killed, or still at work" in text


@pytest.mark.parametrize(
    ("arguments", "file", "function", "expected", "options"),
    [
        ("run", "a.png", "render_checkpoint", ["run"], {"color": "bone"}),
        ("run --color phase", "a.png", "render_checkpoint", ["run"], {"color": "phase"}),
        ("run --cells", "a.png", "render_cells", ["run"], {}),
        (
            "run --loss",
            "a.png",
            "render_loss",
            ["run/checkpoints/0", "run/checkpoints/30"],
            {"by_load": False},
        ),
        (
            "run --loss --by-load",
            "a.png",
            "render_loss",
            ["run/checkpoints/0", "run/checkpoints/30"],
            {"by_load": True},
        ),
        (
            "run/checkpoints/0 run/checkpoints/20",
            "a.png",
            "render_loss",
            ["run/checkpoints/0", "run/checkpoints/20"],
            {"by_load": False},
        ),
        ("run --series", "a.png", "plot_series", ["run"], {}),
        ("run", "a.gif", "movie", ["run"], {"color": "loss"}),
        ("run --loss", "a.mp4", "movie", ["run"], {"color": "loss"}),
        ("run --color mineral", "a.mp4", "movie", ["run"], {"color": "mineral"}),
    ],
)
def test_render_asks_for_the_right_picture(place, monkeypatch, arguments, file, function, expected, options):
    """What the pictures look like is held elsewhere."""
    from trabsim import viz

    asked: list[tuple[list[str], dict[str, Any]]] = []

    def record(*paths: Path, **more: Any) -> str:
        asked.append(([str(path) for path in paths], more))
        return "drawn"

    monkeypatch.chdir(place)
    monkeypatch.setattr(viz, function, record, raising=False)
    assert answer(f"render {named(arguments)} -o {file}") == f"{file}: drawn\n"
    assert asked == [([*(named(path) for path in expected), file], options)]


def named(text: str) -> str:
    """Checkpoints by day as files."""
    return re.sub(r"checkpoints/(\d+)", lambda m: f"checkpoints/day_{int(m[1]):06d}.vtkhdf", text)


def test_info_tells_versions_devices_and_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    from trabsim import cli_info

    monkeypatch.setattr(cli_info, "_pictures", lambda: "not asked")
    monkeypatch.setattr(
        cli_info, "find_spec", lambda name: None if name in ("cupy", "SimpleITK") else object()
    )
    text = answer("info")
    assert text.startswith(f"trabsim {trabsim.__version__}")
    assert re.search(rf"^numpy +{re.escape(np.__version__)}$", text, re.MULTILINE)
    assert f"  numpy: {BACKEND.device_name}, threads " in text
    assert "  cupy: not available: backend cupy needs the CuPy package" in text
    assert '  SimpleITK, for scans in MetaImage, NRRD and DICOM: pip install "trabsim[scans]"\n' in text
    assert "pyvista, for" not in text
    assert "trame" not in text
    assert "ffmpeg, for" not in text


def test_info_names_what_pictures_pages_and_exports_lack(monkeypatch):
    """Each package with its extra, and a program that a package does not bring here."""
    import imageio_ffmpeg

    from trabsim import cli_info

    def no_ffmpeg() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(cli_info, "_pictures", lambda: "not asked")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", no_ffmpeg)
    held = ("imageio_ffmpeg", "cupy", "SimpleITK", "pyvista", "matplotlib", "imageio")
    monkeypatch.setattr(cli_info, "find_spec", lambda name: object() if name in held else None)
    lines = answer("info").split("\nmissing\n")[1].splitlines()
    assert lines == [
        """  trame, for the page of 'trabsim view': pip install "trabsim[view]\"""",
        """  trame_vtk, for the picture in the page of 'trabsim view': pip install "trabsim[view]\"""",
        '  nibabel, for NIfTI scans and volumes: pip install "trabsim[export]"',
        '  zarr, for OME-Zarr volumes: pip install "trabsim[export]"',
        "  ffmpeg, for mp4 films: apt install ffmpeg, or install imageio-ffmpeg from a wheel",
    ]


def test_bench_shows_what_is_measured(monkeypatch):
    def run_bench(backend: str, threads: int | None) -> dict[str, Any]:
        return {"backend": backend, "threads": threads or 0, "days_per_s": 12.5}

    monkeypatch.setitem(sys.modules, "trabsim.bench", SimpleNamespace(run_bench=run_bench))
    assert re.search(r"^days_per_s +12.5$", answer("bench --threads 2"), re.MULTILINE)
    assert json.loads(answer("bench --json --backend numpy")) == {
        "backend": "numpy",
        "threads": 0,
        "days_per_s": 12.5,
    }


def test_on_a_terminal_one_live_line_is_drawn(place, monkeypatch, capsys):
    """The same figures, in place; nothing but the live line is written."""
    sim = simulate(place)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress(sim, 5) as progress:
        sim.run(until_day=5, on_day=progress.show)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "day 5 of 5, age 50.01 [####################] 100 %" in captured.err
    assert "BV/TV 0." in captured.err


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (12.0, "12"),
        (0.0, "0"),
        (float("nan"), "-"),
        (None, "-"),
        (1.5e-7, "1.500e-07"),
        (123456.7, "1.235e+05"),
        (-2.5, "-2.5"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (61, "0:01:01"), (36_000, "10:00:00"), (float("inf"), "?")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_table_has_its_names_on_the_left_and_numbers_on_the_right():
    assert table(("", "b"), [("long", "1"), ("x", "22")]) == "       b\nlong   1\nx     22"


def test_the_change_table_says_which_days_it_compares():
    rows = frame_of(
        [{"day": 0, "BV_TV": 0.2, "T_score": -1.0}, {"day": 5, "BV_TV": 0.15}, {"day": 9, "T_score": -1.5}]
    )
    text = change_table(then_and_now(rows))
    assert text.splitlines()[1].split() == ["BV_TV", "0.2", "0.15", "-25.0", "%", "days", "0,", "5"]
    assert text.splitlines()[2].split() == ["T_score", "-1", "-1.5", "-0.50"]


def test_the_time_table_adds_up():
    text = time_table({"fields": 6.0, "tiny": 0.01, "measures": 2.0}, 10.0)
    assert re.findall(r"(\d+) %", text) == ["60", "20", "20"]
    assert "tiny" not in text
