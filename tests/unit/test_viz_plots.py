"""Plots for a paper and films: what they show, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from viz_files import foam, write_checkpoint

from trabsim import viz
from trabsim.errors import RunError
from trabsim.viz import film
from trabsim.viz.curve import draw_curve, read_curve
from trabsim.viz.plots import MORPHOMETRY, _course, _draw

pytest.importorskip("matplotlib")


def make_series(folder, gain: float, header="day,lumbar_spine_BMD_g_per_cm2,CTX_pct_of_baseline,Tb_N_per_mm"):
    folder.mkdir(parents=True)
    rows = [
        f"{day},{1 + gain * day / 1000},{100 - day / 20},{1.0 if day % 300 == 0 else ''}"
        for day in range(-30, 901, 30)
    ]
    (folder / "series.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def test_bmd_is_shown_as_change_from_entry_and_not_from_the_spin_up(tmp_path):
    from trabsim.viz.plots import CLINICAL
    from trabsim.viz.series import read_table

    days, change = _course(read_table(make_series(tmp_path / "a", 0.1)), CLINICAL[0])
    assert days[0] == 0
    assert change[0] == 0
    assert change[-1] == pytest.approx(9.0)


def test_an_arm_of_several_runs_is_a_median_with_a_band(tmp_path):
    for number in range(5):
        make_series(tmp_path / "arm" / f"seed_{number}", 0.02 * number)
    make_series(tmp_path / "one", 0.0)
    out = tmp_path / "a.svg"
    said = viz.plot_clinical([tmp_path / "arm", tmp_path / "one"], out, labels=("drug", "placebo"))
    assert "CTX_pct_of_baseline" in said
    assert "bands from the 10th to the 90th percentile" in said
    words = out.read_text(encoding="utf-8")
    assert "placebo" in words
    assert "CTX (% of baseline)" in words
    assert "FillBetweenPolyCollection" in words or "PolyCollection" in words


def test_a_band_spans_the_runs(tmp_path):
    from matplotlib.figure import Figure

    from trabsim.viz.plots import CLINICAL
    from trabsim.viz.series import read_table

    tables = [read_table(make_series(tmp_path / str(n), 0.02 * n)) for n in range(11)]
    axis = Figure().subplots()
    _draw(axis, tables, CLINICAL[0], "black", "arm")
    assert axis.lines[0].get_ydata()[-1] == pytest.approx(9.0)
    band = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(0.0, abs=1e-9)
    assert band.max() == pytest.approx(16.2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labels": ("a", "b")}, "2 labels for 1 arms"),
        ({"measures": ("Tb_M_per_mm",)}, "did you mean 'Tb_N_per_mm'"),
        ({"measures": MORPHOMETRY[1:3]}, "the series hold none of Tb_Th_um, Tb_Sp_um"),
    ],
)
def test_plots_that_cannot_be_made_are_refused(tmp_path, options, words):
    run = make_series(tmp_path / "a", 0.1)
    with pytest.raises(RunError, match=words):
        viz.plot_arms([run], tmp_path / "a.pdf", **options)


def test_a_folder_without_a_series_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="there is no series"):
        viz.plot_morphometry([tmp_path / "empty"], tmp_path / "a.png")


@pytest.fixture
def run(tmp_path):
    bone = foam(16, 5)
    for day in (0, 400, 800):
        surface = np.zeros(bone.shape, np.uint8)
        surface[:, :8] = 3
        write_checkpoint(
            tmp_path / "run" / "checkpoints" / f"day_{day:06d}.vtkhdf",
            bone,
            day=day,
            phase=np.where(bone, surface, 0).astype(np.uint8),
            mineral=np.where(bone, 900.0 + day / 4, 0).astype(np.float32),
            erosion_depth_nm=np.where(surface > 0, 30_000, 0).astype(np.int32),
            **{"sites.opened_day": np.array([day - 10, day - 30]), "sites.recruits": np.array([4, 9])},
        )
    (tmp_path / "run" / "series.csv").write_text(
        "day,BV_TV\n" + "".join(f"{d},{0.2 - d * 1e-4}\n" for d in range(0, 801, 50)), encoding="utf-8"
    )
    return tmp_path / "run"


def test_the_distribution_of_mineral_has_the_mean_of_the_matrix(run, tmp_path):
    said = viz.plot_mineral([run], tmp_path / "a.svg", labels=("drug",))
    assert said == "entry (day 0) 900 (SD 0) mg HA/cm3; drug (day 800) 1100 (SD 0) mg HA/cm3"


def test_sites_are_counted(run, tmp_path):
    assert viz.plot_sites(run, tmp_path / "a.pdf") == "2 sites in day_000800.vtkhdf"
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_the_same_plot_gives_the_same_file(run, tmp_path):
    for name in "ab":
        viz.plot_sites(run, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_curve_is_bold_up_to_the_day_that_is_shown(run):
    curve = read_curve(run)
    assert curve.label == "BV/TV (%)"
    assert curve.date(365) == "year 1.0"

    def blue(day) -> int:
        picture = draw_curve(curve, day, (400, 100)).astype(int)
        return int((picture[..., 2] - picture[..., 0] > 80).sum())

    assert blue(0) < blue(400) < blue(800)


def test_menopause_is_marked_on_the_curve_where_it_falls_into_the_run(run):
    for age, marks in ((51.0, ((365.25, "menopause"),)), (45.0, ()), (58.0, ())):
        (run / "config.toml").write_text(
            f"[endocrine]\nage_years = 50.0\nfinal_menstrual_period_age_years = {age}\n", encoding="utf-8"
        )
        curve = read_curve(run)
        assert curve.marks == marks
        bare = draw_curve(replace(curve, marks=()), 800, (400, 100)).astype(int)
        columns = np.nonzero((draw_curve(curve, 800, (400, 100)) != bare).any(axis=(0, 2)))[0]
        assert (len(columns) > 0) == bool(marks)
    (run / "config.toml").unlink()


def test_a_film_has_one_scale_of_colors(run, tmp_path, monkeypatch):
    """Its own for each frame would make the colors flicker."""
    asked = []
    real = film.color_scene
    monkeypatch.setattr(film, "color_scene", lambda *arguments: asked.append(arguments) or real(*arguments))
    viz.movie(run, tmp_path / "a.gif", size=(200, 160), color="mineral", renderer="plain")
    ends = [limits for _, _, *limits in asked[2:]]
    assert len(ends) == 3
    assert ends[0] == ends[1] == ends[2]
    assert ends[0][0][0] < ends[0][0][1]


def test_a_film_shows_the_date_and_the_curve(run, tmp_path):
    viz.movie(run, tmp_path / "a.gif", size=(240, 200), renderer="plain")
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 3
        strips = []
        for number in range(3):
            film.seek(number)
            strips.append(np.asarray(film.convert("RGB")).astype(int)[-32:])
    assert (strips[0] != strips[2]).any()
    viz.movie(run, tmp_path / "b.gif", size=(240, 200), renderer="plain", curve=False)
    with Image.open(tmp_path / "b.gif") as film:
        assert film.size == (240, 200)


def test_a_turntable_turns_once(run, tmp_path):
    viz.turntable(run, tmp_path / "a.gif", size=(200, 160), frames=4, seconds=1.0, renderer="plain")
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 4
        assert film.info["duration"] == 250
        frames = []
        for number in range(4):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert all((frames[0] != other).any() for other in frames[1:])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frames": 1}, "no film"),
        ({"seconds": 0.0}, "no film"),
        ({"color": "nothing"}, "holds no field 'nothing'"),
        ({"elevation": 120.0}, "out of range"),
    ],
)
def test_turns_that_cannot_be_made_are_refused(run, tmp_path, options, words):
    with pytest.raises(RunError, match=words):
        viz.turntable(run, tmp_path / "a.gif", **{"size": (200, 160), "renderer": "plain", **options})
