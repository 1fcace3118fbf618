"""Runs side by side and in a row: what is compared, what is refused, what the file says about itself."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from viz_files import ball, foam, write_checkpoint

from trabsim import viz
from trabsim.errors import RunError
from trabsim.viz.arms import gather

pytest.importorskip("matplotlib")
SPECIMEN = '{{"specimen": {{"sha256": "{}"}}}}'


def make_run(folder, less=0, *, days=(0, 360, 720), checksum="a", bone=None, columns=True):
    """A run that loses `less` planes of a network at every checkpoint."""
    bone = foam(16, 5) if bone is None else bone
    for step, day in enumerate(days):
        left = bone.copy()
        left[: less * step] = False
        write_checkpoint(
            folder / "checkpoints" / f"day_{day:06d}.vtkhdf",
            left,
            day=day,
            opg=np.full(bone.shape, 1.0 + step, np.float32),
        )
    (folder / "config.toml").write_text("[run]\nyears = 2.0\n", encoding="utf-8")
    (folder / "provenance.json").write_text(SPECIMEN.format(checksum), encoding="utf-8")
    names = "day,BV_TV,vBMD_mg_per_cm3" + (",Tb_N_per_mm,Conn_D_per_mm3" if columns else "")
    rows = [
        f"{day},{0.3 - 1e-4 * less * day},{300 - less * day / 10}"
        + (f",{1.5 - less * day / 1000},4.0" if columns else "")
        for day in days
    ]
    (folder / "series.csv").write_text("\n".join([names, *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def arms(tmp_path):
    return [make_run(tmp_path / "untreated", 2), make_run(tmp_path / "drug_a", 0)]


def test_numbers_and_curves_are_those_of_the_series_on_that_day(arms):
    shown = gather(arms)
    assert shown.day == 720
    assert [arm.label for arm in shown.arms] == ["untreated", "drug a"]
    lost, kept = shown.arms
    assert lost.now["Tb_N_per_mm"] == pytest.approx(1.5 - 2 * 0.72)
    assert lost.before["BV_TV"] == pytest.approx(0.3)
    assert lost.change == pytest.approx([0.0, -24.0, -48.0])
    assert kept.change == pytest.approx([0.0, 0.0, 0.0])


def test_the_latest_day_of_all_runs_is_compared(tmp_path, arms):
    shorter = make_run(tmp_path / "shorter", 1, days=(0, 360))
    assert gather([*arms, shorter]).day == 360
    assert gather(arms, day=360).day == 360


def test_what_differs_besides_therapy_is_told(arms, caplog):
    assert gather(arms).differ == ()
    config = arms[1] / "config.toml"
    config.write_text(
        config.read_text(encoding="utf-8") + "[endocrine]\nage_years = 71.0\n", encoding="utf-8"
    )
    assert gather(arms).differ == ("endocrine",)
    assert "also differ in [endocrine]" in caplog.text


def test_a_color_has_one_scale_for_all_runs(arms):
    shown = gather(arms, color="opg", day=720)
    scales = {(arm.scene.values.low, arm.scene.values.high) for arm in shown.arms}
    assert len(scales) == 1


def test_architecture_that_the_series_lacks_is_measured(tmp_path, monkeypatch):
    from trabsim.runfile import Run

    asked = []

    def measure(self, day):
        asked.append((self.path.name, day))
        return {"Tb_N_per_mm": 1.25, "Conn_D_per_mm3": 3.0}

    monkeypatch.setattr(Run, "architecture", measure)
    runs = [make_run(tmp_path / name, 1, columns=False) for name in "ab"]
    shown = gather(runs)
    assert shown.arms[0].now["Tb_N_per_mm"] == 1.25
    assert ("a", 720) in asked
    assert ("b", 0) in asked


def test_the_figure_has_300_dots_per_inch_and_says_how_it_was_made(arms, tmp_path):
    how = viz.compare(arms, tmp_path / "a.png", renderer="plain", labels=("none", "drug"), view="front")
    assert how.startswith("drawn with the built-in ray caster")
    with Image.open(tmp_path / "a.png") as figure:
        assert figure.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        said = figure.text["Description"]
        picture = np.asarray(figure.convert("RGB")).astype(int)
    assert "day: 720" in said
    assert "runs: none, drug" in said
    red = (picture[..., 0] > 1.8 * picture[..., 1] + 10) & (picture[..., 0] > 1.8 * picture[..., 2] + 10)
    half = round(0.54 * picture.shape[1])  # the axis of the curves takes room on the left
    top = picture.shape[0] // 2
    # only the untreated one has lost bone; the legend and its label are below the middle and above the pictures
    assert red[:top, :half].sum() > 1000
    assert red[:top, half:].sum() == 0


def test_a_vector_figure_keeps_its_words(arms, tmp_path):
    viz.compare(arms, tmp_path / "a.svg", renderer="plain", dpi=60)
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "Conn.D" in text
    assert "untreated" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"runs": 1}, "a comparison of 1 runs cannot be drawn"),
        ({"checksum": "b"}, "hold different specimens .sha256 a and b"),
        ({"bone": ball(9, 3)}, "hold different specimens"),
        ({"days": (0, 100)}, "no day after entry has a checkpoint in every run"),
        ({"color": "nothing"}, "holds no field 'nothing'"),
        ({"color": "opgg"}, "did you mean 'opg'"),
        ({"day": 7}, "holds no checkpoint of day 7; choose from: 0, 360, 720"),
        ({"labels": ("one",)}, "1 labels for 2 runs"),
        ({"out": "a.picture"}, "end the name in"),
        ({"out": "none/a.png"}, "check the folder"),
        ({"view": "cornr"}, "did you mean 'corner'"),
        ({"renderer": "magic"}, "unknown renderer"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, change, words):
    first = make_run(tmp_path / "first", 1)
    made = {key: change.pop(key) for key in ("checksum", "bone", "days") if key in change}
    second = make_run(tmp_path / "second", 0, **made)
    runs = [first, second][: change.pop("runs", 2)]
    out = tmp_path / change.pop("out", "a.png")
    with pytest.raises(RunError, match=words):
        viz.compare(runs, out, **{"renderer": "plain", "dpi": 60, **change})


def test_a_run_without_checkpoints_is_refused(arms, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.toml").write_text("", encoding="utf-8")
    with pytest.raises(RunError, match="holds no checkpoints"):
        viz.compare([arms[0], tmp_path / "empty"], tmp_path / "a.png")
    with pytest.raises(RunError, match="holds no checkpoint"):
        viz.render_strip(tmp_path / "empty", tmp_path / "a.png")


def test_a_strip_shows_days_evenly_and_refuses_others(arms, tmp_path):
    how = viz.render_strip(arms[0], tmp_path / "a.png", renderer="plain", dpi=60, most=2)
    assert how.endswith("days 0, 720")
    how = viz.render_strip(
        arms[0], tmp_path / "a.png", renderer="plain", dpi=60, color="opg", days=(0, 360, 720)
    )
    assert how.endswith("days 0, 360, 720")
    for options, words in (
        ({"days": (0, 5)}, "no checkpoint of day 5"),
        ({"days": (0,)}, "needs 2 to 8 checkpoints"),
        ({"most": 30}, "a strip of 30 pictures"),
    ):
        with pytest.raises(RunError, match=words):
            viz.render_strip(arms[0], tmp_path / "a.png", renderer="plain", **options)


def test_without_matplotlib_the_remedy_is_named(arms, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RunError, match=r'pip install "trabsim\[viz\]"'):
        viz.compare(arms, tmp_path / "a.png")
