"""The self-contained page: opened offline from disk in a real browser, and refused where it cannot be made."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from browsing import browser_page, changed, picture
from viz_files import ball, foam, write_checkpoint

from trabsim import viz
from trabsim.errors import RunError
from trabsim.state import FULL


@pytest.fixture
def run(tmp_path):
    """Two days: a slab in the lower half vanishes, one in the upper half is added."""
    bone = foam(20, 5)
    bone[2:5, :, 2:6] = True
    later = bone.copy()
    later[2:5, :, 2:6] = False
    later[14:18, :, 10:16] = True
    folder = tmp_path / "some_run"
    for day, solid in ((0, bone), (365, later)):
        phase = np.zeros(bone.shape, np.uint8)
        phase[:, :, 10:] = 1
        write_checkpoint(
            folder / "checkpoints" / f"day_{day:06d}.vtkhdf",
            solid,
            day=day,
            phase=phase,
            formed_day=np.full(bone.shape, -800, np.int32),
            opg=np.ones(bone.shape, np.float32),
            **{
                "osteoclasts.position_um": [[100.0, 200.0, 200.0]],
                "osteoclasts.nuclei": [9],
                "osteocytes.voxel": np.flatnonzero(solid)[::50],
            },
        )
    return folder


def about(path) -> dict:
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="about">(.*?)</script>', text, re.DOTALL).group(1))


def test_the_page_works_offline_from_disk(run, tmp_path):
    """Nothing but the file is read; day, color, cut and layers each change the picture as they should."""
    out = tmp_path / "page.html"
    assert re.fullmatch(r"page of 2 days, 0\.\d MB", viz.write_page(run, out))
    with browser_page(offline=True) as page:
        asked, wrong = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)

        def shown(ready: str, name: str) -> np.ndarray:
            page.wait_for_function(f"document.body.dataset.ready === '{ready}'")
            return picture(page, tmp_path / f"{name}.png")

        page.goto(out.as_uri())
        last = shown("365 change", "last")
        red = (last[..., 0] > 130) & (last[..., 1] < 70)
        blue = (last[..., 2] > 130) & (last[..., 0] < 90) & (last[..., 1] < 160)
        assert red.sum() > 300
        assert blue.sum() > 300

        page.locator("#day").fill("0")
        first = shown("0 change", "first")
        assert changed(first, last) > 1000
        assert ((first[..., 0] > 130) & (first[..., 1] < 70))[:, 300:].sum() == 0
        assert page.locator("#when").inner_text() == "day 0"

        page.select_option("#color", "phase")
        phase = shown("0 phase", "phase")
        assert changed(phase, first) > 1000
        assert "resorbing" in page.locator("#legend").inner_text()

        page.select_option("#color", "mineral")
        assert "mineral of the matrix (mg HA/cm3)" in page.locator("#legend").inner_text()

        page.select_option("#color", "phase")
        page.select_option("#clip-axis", "0")
        cut = shown("0 phase", "cut")
        white = (cut[:400, 300:] > 250).all(axis=-1).sum() - (phase[:400, 300:] > 250).all(axis=-1).sum()
        assert white > 2000
        page.locator("#clip").fill("1000")
        assert changed(shown("0 phase", "whole"), cut) > 1000

        page.select_option("#clip-axis", "-1")
        page.locator("input[value=bone]").uncheck()
        cells = shown("0 phase", "cells")
        purple = (cells[..., 0] > cells[..., 1] + 40) & (cells[..., 2] > cells[..., 1] + 40)
        assert purple[:, 300:].sum() > 10

        page.mouse.move(450, 200)
        page.locator("input[value=bone]").check()
        before = shown("0 phase", "before")
        page.mouse.move(450, 200)
        page.mouse.down()
        page.mouse.move(550, 230)
        page.mouse.up()
        assert changed(shown("0 phase", "turned"), before) > 1000
        assert page.locator("#scale span").inner_text().endswith("\u00b5m")
        assert wrong == []
        assert {url.split(":")[0] for url in asked} <= {"file", "blob", "data"}
        assert [url for url in asked if url.startswith("file")] == [out.as_uri()]


def test_the_page_names_no_address(run, tmp_path):
    viz.write_page(run, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert re.findall(r"(?:https?:)?//[a-z]+\.[a-z]+|<link|src=", text) == []


def test_one_checkpoint_makes_a_page_without_a_slider(tmp_path):
    path = write_checkpoint(tmp_path / "day_000003.vtkhdf", ball(16, 5), day=3)
    assert viz.write_page(path, tmp_path / "a.html", title="a <b> & c").startswith("page of 1 day, ")
    told = about(tmp_path / "a.html")
    assert [frame["day"] for frame in told["frames"]] == [3]
    assert list(told["colors"]) == ["bone"]
    assert "<title>a &lt;b&gt; &amp; c</title>" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_any_field_can_be_a_color_and_one_ramp_serves_every_day(run, tmp_path):
    viz.write_page(run, tmp_path / "a.html", color="opg")
    told = about(tmp_path / "a.html")
    assert told["start"] == "opg"
    assert told["colors"]["opg"]["label"] == "osteoprotegerin in marrow (a.u.)"


def test_many_checkpoints_are_thinned_evenly(run, tmp_path):
    for day in range(10, 60, 10):
        write_checkpoint(run / "checkpoints" / f"day_{day:06d}.vtkhdf", foam(20, day), day=day)
    viz.write_page(run, tmp_path / "a.html", days=3)
    assert [frame["day"] for frame in about(tmp_path / "a.html")["frames"]] == [0, 30, 365]


def test_a_large_specimen_is_merged_and_the_page_says_so(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", foam(24, 1), voxel_um=10.0)
    told = viz.write_page(path, tmp_path / "a.html", most_voxels=13**3)
    assert told.endswith(", shown by means over 2 x 2 x 2 voxels")
    page = about(tmp_path / "a.html")
    assert page["subtitle"] == "24 x 24 x 24 voxels of 10 um, shown by means over 2 x 2 x 2 voxels"
    assert page["size_mm"] == pytest.approx([0.24] * 3)


@pytest.mark.parametrize(
    ("out", "options", "message"),
    [
        ("a.htmx", {}, "a page cannot be named 'a.htmx'; end the name in .html"),
        ("a.html", {"color": "ogp"}, "holds no field 'ogp'; did you mean 'opg'?"),
        (
            "a.html",
            {"cells": ["osteoclast"]},
            "there are no cells named 'osteoclast'; did you mean 'osteoclasts'?",
        ),
        ("a.html", {"days": 0}, "a page of 0 days shows nothing; give at least 1"),
        ("no/a.html", {}, "No such file or directory"),
    ],
)
def test_pages_that_cannot_be_made(run, tmp_path, out, options, message):
    with pytest.raises(RunError, match=re.escape(message)):
        viz.write_page(run, tmp_path / out, **options)


def test_a_run_without_checkpoints_or_bone_has_no_page(tmp_path):
    with pytest.raises(
        RunError, match="holds no checkpoints; give a run folder, or ask for checkpoints with"
    ):
        viz.write_page(tmp_path, tmp_path / "a.html")
    path = write_checkpoint(tmp_path / "a.vtkhdf", np.full((6, 6, 6), FULL // 4, np.int32))
    with pytest.raises(RunError, match="holds no bone, so there is nothing to look at; choose another run"):
        viz.write_page(path, tmp_path / "a.html")
