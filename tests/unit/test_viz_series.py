"""Plots and films of a run."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image
from viz_files import ball, foam, write_checkpoint

from trabsim import viz
from trabsim.errors import RunError

CONFIG = "[endocrine]\nage_years = 50.0\nfinal_menstrual_period_age_years = {}\n"


def write_series(run, header: str, rows: list[str]):
    run.mkdir(exist_ok=True)
    (run / "series.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return run


def test_measures_that_are_there_are_plotted_and_absent_ones_left_out(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [
        f"{day},{0.2 - day * 1e-5},{'' if day % 360 else 1.3},,text,{100 + day / 10}"
        for day in range(-60, 800, 30)
    ]
    run = write_series(
        tmp_path / "run", "day,BV_TV,Tb_N_per_mm,Conn_D_per_mm3,mood,CTX_pct_of_baseline", rows
    )
    out = tmp_path / "a.png"
    assert viz.plot_series(run, out, dpi=60) == "plotted BV_TV, Tb_N_per_mm, CTX_pct_of_baseline"
    with Image.open(out) as plot:
        assert plot.size == (600, 480)


def test_menopause_is_marked_where_it_falls_into_the_run(tmp_path):
    pytest.importorskip("matplotlib")
    run = write_series(
        tmp_path / "run", "day,BV_TV", [f"{day},{0.2 - day * 1e-5}" for day in range(0, 1100, 100)]
    )

    def draw(age: float) -> np.ndarray:
        (run / "config.toml").write_text(CONFIG.format(age), encoding="utf-8")
        viz.plot_series(run, tmp_path / "a.png", dpi=60)
        return np.asarray(Image.open(tmp_path / "a.png")).astype(int)

    later, within = draw(58.0), draw(51.0)
    columns = np.unique(np.nonzero((later != within).any(axis=-1))[1])
    assert columns.size > 0
    assert np.array_equal(draw(58.0), draw(45.0))
    # a third of the way along the axis of three years
    assert 0.2 < columns[0] / later.shape[1] < 0.45


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("day,mood", ["0,1"], "holds none of"),
        ("time,BV_TV", ["0,0.2"], "holds no column 'day'"),
        ("day,BV_TV", [], "no rows"),
        ("", [], "is not a table"),
    ],
)
def test_a_series_that_cannot_be_plotted_is_refused(tmp_path, header, rows, words):
    run = write_series(tmp_path / "run", header, rows)
    with pytest.raises(RunError, match=words):
        viz.plot_series(run, tmp_path / "a.png")


def test_missing_series_and_unwritable_plots_are_refused(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(RunError, match="there is no series"):
        viz.plot_series(tmp_path, tmp_path / "a.png")
    run = write_series(tmp_path / "run", "day,BV_TV", ["0,0.2", "30,0.19"])
    with pytest.raises(RunError, match="end the name in"):
        viz.plot_series(run, tmp_path / "a.picture")
    with pytest.raises(RunError, match="check the folder"):
        viz.plot_series(run, tmp_path / "none" / "a.png")


def test_without_matplotlib_the_remedy_is_named(tmp_path, monkeypatch):
    run = write_series(tmp_path / "run", "day,BV_TV", ["0,0.2", "30,0.19"])
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RunError, match=r'pip install "trabsim\[viz\]"'):
        viz.plot_series(run, tmp_path / "a.png")


@pytest.fixture
def run(tmp_path):
    bone = foam(16, 5)
    for step, day in enumerate((365, -30, 0, 730)):
        less = bone.copy()
        less[: 3 * (step + 1)] = False
        write_checkpoint(tmp_path / "run" / "checkpoints" / f"day_{day:06d}.vtkhdf", less, day=day)
    return tmp_path / "run"


def test_a_film_has_one_frame_for_each_checkpoint_since_entry(run, tmp_path):
    out = tmp_path / "a.gif"
    how = viz.movie(run, out, size=(200, 160), seconds_per_checkpoint=0.4, renderer="plain")
    assert "ray caster" in how
    with Image.open(out) as film:
        assert film.n_frames == 3
        assert film.info["duration"] == 400


def test_an_mp4_lasts_as_long_as_its_checkpoints(run, tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    out = tmp_path / "a.mp4"
    viz.movie(
        run,
        out,
        size=(201, 161),
        color="bone",
        turn_degrees=20.0,
        seconds_per_checkpoint=0.5,
        renderer="plain",
    )
    frames, seconds = ffmpeg.count_frames_and_secs(str(out))
    assert frames == 3 * 6
    assert seconds == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.avi", {}, "end the name in .mp4 or .gif"),
        ("none/a.gif", {}, "check the folder"),
        ("none/a.mp4", {}, "check the folder"),
        ("a.gif", {"seconds_per_checkpoint": 0.0}, "make no film"),
        ("a.gif", {"color": "nothing"}, "holds no field 'nothing'"),
    ],
)
def test_films_that_cannot_be_made_are_refused(run, tmp_path, name, options, words):
    with pytest.raises(RunError, match=words):
        viz.movie(run, tmp_path / name, **{"size": (160, 160), "renderer": "plain", **options})


def test_without_imageio_the_remedy_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(
        RunError, match=r"a\.mp4 needs .*which is not installed; pip install .*or name it \.gif"
    ):
        viz.movie(run, tmp_path / "a.mp4", size=(160, 160), renderer="plain")


def test_checkpoints_of_two_specimens_make_no_loss_film(run, tmp_path):
    write_checkpoint(run / "checkpoints" / "day_000999.vtkhdf", ball(9, 3), day=999)
    with pytest.raises(RunError, match="give two checkpoints of one run"):
        viz.movie(run, tmp_path / "a.gif", size=(160, 160), renderer="plain")
