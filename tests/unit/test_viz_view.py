"""The interactive page: driven in a real browser, and refused where it cannot be served."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import PATIENCE_MS, browser_page, changed, picture
from viz_files import foam, write_checkpoint

from trabsim import viz
from trabsim.errors import RunError
from trabsim.viz import probe, web_look


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Two days of a small specimen, with a phase, a matrix of known age, and an osteoclast."""
    folder = tmp_path_factory.mktemp("view") / "run"
    for day in (0, 365):
        bone = foam(20, 5 + day)
        phase = np.zeros(bone.shape, np.uint8)
        phase[:, :, 10:] = 1
        write_checkpoint(
            folder / "checkpoints" / f"day_{day:06d}.vtkhdf",
            bone,
            day=day,
            phase=phase,
            formed_day=np.where(np.indices(bone.shape)[0] > 10, -8000, -10).astype(np.int32),
            **{"osteoclasts.position_um": [[200.0, 40.0, 300.0]] * 3, "osteoclasts.nuclei": [20, 20, 20]},
        )
    return folder


@pytest.fixture
def drawable() -> None:
    """Skip where PyVista cannot draw, except on the test servers, which install what it needs."""
    probe.ask_pyvista.cache_clear()
    answer = probe.ask_pyvista()
    if not answer.usable:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"PyVista cannot draw in CI: {answer.reason}; {probe.INSTALL_HINT}")
        pytest.skip(f"PyVista cannot draw here: {answer.reason}")


@pytest.fixture
def address(run, drawable, tmp_path) -> Iterator[str]:
    """Where `trabsim view` says that its page is; run apart, as a crash of VTK ends a process."""
    with open(tmp_path / "stderr.txt", "w+") as errors:
        command = [sys.executable, "-m", "trabsim", "view", str(run), "--port", "0", "--no-browser"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert server.stdout is not None
            told = server.stdout.readline()
            found = re.match(r"(http://127\.0\.0\.1:\d+) shows .*run; Ctrl-C ends it", told)
            assert found, told + (tmp_path / "stderr.txt").read_text()
            yield found.group(1)
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=60) in (0, 130, -signal.SIGINT)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


def settled(page: Any, path: Path, fits: Callable[[np.ndarray], bool]) -> np.ndarray:
    """The picture of the specimen once it fits: it comes after the words."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        seen = picture(page, path)[:400, 300:]
        if fits(seen) or time.monotonic() > end:
            return seen
        page.wait_for_timeout(300)


def test_the_page_follows_slider_colors_cut_and_cells(address, tmp_path):
    """Every control changes the picture, and nothing is fetched from anywhere else."""
    with browser_page(offline=False) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)

        def shown(start: str) -> None:
            page.wait_for_function(f"document.getElementById('shown')?.textContent.startsWith('{start}')")

        def drawn(seen: np.ndarray) -> bool:
            return (seen < 230).any(axis=-1).sum() > 2000

        shown("1 change nothing")
        last = settled(page, tmp_path / "last.png", drawn)
        assert drawn(last)
        assert page.locator("#when").inner_text() == "day 365"

        page.locator("#number").fill("0")
        shown("0 change nothing")
        first = settled(page, tmp_path / "first.png", lambda seen: changed(seen, last) > 1000)
        assert changed(first, last) > 1000
        assert page.locator("#when").inner_text() == "day 0"

        page.select_option("#color", "age")
        shown("0 age nothing")
        aged = settled(page, tmp_path / "aged.png", lambda seen: changed(seen, first) > 1000)
        assert changed(aged, first) > 1000
        assert "age of the matrix (years)" in page.locator("#legend").inner_text()

        page.select_option("#axis", "x")
        shown("0 age x 50")
        cut = settled(page, tmp_path / "cut.png", lambda seen: changed(seen, aged) > 1000)
        assert (cut > 250).all(axis=-1).sum() > (aged > 250).all(axis=-1).sum() + 1000
        page.locator("#share").fill("90")
        shown("0 age x 90")

        def purple(seen: np.ndarray) -> int:
            return int(((seen[..., 0] > seen[..., 1] + 40) & (seen[..., 2] > seen[..., 1] + 40)).sum())

        before = settled(page, tmp_path / "cells.png", lambda seen: changed(seen, cut) > 500)
        page.locator("#osteoclasts").uncheck()
        shown("0 age x 90 osteoblasts")
        after = settled(page, tmp_path / "bare.png", lambda seen: purple(seen) < purple(before))
        assert purple(after) < purple(before)

        page.mouse.move(450, 200)
        page.mouse.down()
        page.mouse.move(560, 240, steps=4)
        page.mouse.up()
        assert (
            changed(settled(page, tmp_path / "turned.png", lambda seen: changed(seen, after) > 1000), after)
            > 1000
        )
        assert {url.split("/")[2] for url in asked if url.startswith("http")} == {address.split("/")[2]}


def test_a_color_to_begin_with_goes_by_any_of_its_names(run, drawable, tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", foam(12, 3), rankl_soluble=np.ones((12,) * 3, np.float32))
    look = web_look.Look(path, size=(60, 60))
    try:
        named = [look.color_named(name) for name in (None, "rankl", "rankl_soluble_au", "thickness")]
    finally:
        look.close()
    assert named == ["bone", "rankl_soluble", "rankl_soluble", "thickness"]
    with pytest.raises(RunError, match=r"has no data to color by 'phace'; did you mean 'phase'\?"):
        viz.serve_view(run, port=0, open_browser=False, color="phace")


def test_the_scale_bar_keeps_its_length_true(run, drawable):
    """Before and after a zoom it is as long as it says, and no cut or other color takes it away."""
    look = web_look.Look(run, size=(400, 300))
    try:
        said = []
        for color, zoom in (("bone", 1.0), ("age", 7.0)):
            look.show(0, color)
            look.cut(1, 0.5)
            look.plotter.camera.zoom(zoom)
            look.plotter.render_window.Render()
            renderer = look.plotter.renderer
            assert renderer.HasViewProp(look.bar.text)
            um_per_pixel = 2 * look.plotter.camera.parallel_scale / 300 * 20.0
            number, unit = look.bar.text.GetInput().split()
            assert unit == "mm"
            assert look.bar.pixels * um_per_pixel == pytest.approx(1000 * float(number), rel=1e-3)
            assert 0.05 * 400 < look.bar.pixels < 0.25 * 400
            said.append(float(number))
        assert said[1] < said[0]
    finally:
        look.close()


def test_a_taken_port_is_told(run):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            RunError, match=f"cannot serve at 127.0.0.1:{port}: .* in use; choose another --port, or 0"
        ):
            viz.serve_view(run, port=port, open_browser=False)


def test_a_missing_package_is_named(run, monkeypatch):
    monkeypatch.setattr(
        "trabsim.viz.web_view.find_spec", lambda name: None if name.startswith("trame") else name
    )
    with pytest.raises(
        RunError, match=r'needs trame and trame_vtk, which is not installed; pip install "trabsim\[view'
    ):
        viz.serve_view(run, open_browser=False)


def test_a_machine_that_cannot_draw_is_told(run, monkeypatch):
    answer = probe.Answer(False, "", "no OpenGL library was found")
    monkeypatch.setattr(web_look, "ask_pyvista", lambda: answer)
    with pytest.raises(
        RunError, match=r"PyVista, which cannot draw here: no OpenGL .*apt install libegl1 libgl1-mesa-dr"
    ):
        viz.serve_view(run, port=0, open_browser=False)


def test_a_run_without_checkpoints_cannot_be_viewed(tmp_path):
    with pytest.raises(
        RunError, match="holds no checkpoints; give a run folder, or ask for checkpoints with"
    ):
        viz.serve_view(tmp_path, port=0, open_browser=False)
