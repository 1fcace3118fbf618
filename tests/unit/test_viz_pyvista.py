"""The probe, and PyVista's pictures held against those of the ray caster."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from viz_files import foam, write_checkpoint

from trabsim.viz import probe


@pytest.fixture(autouse=True)
def _forget():
    probe.ask_pyvista.cache_clear()
    yield
    probe.ask_pyvista.cache_clear()


@pytest.fixture(scope="module")
def drawable() -> None:
    """Skip where PyVista cannot draw, except on the test servers, which install what it needs."""
    probe.ask_pyvista.cache_clear()
    answer = probe.ask_pyvista()
    if not answer.usable:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"PyVista cannot draw in CI: {answer.reason}; {probe.INSTALL_HINT}")
        pytest.skip(f"PyVista cannot draw here: {answer.reason}")


def test_both_renderers_draw_the_same_bone_in_the_same_colors(drawable, tmp_path):
    """Silhouettes, lost and gained agree but for their edges (run apart: a crash of VTK ends a process)."""
    bone = foam(32, 7)
    z, y, x = np.indices(bone.shape)
    after = bone & ~((z > 20) & (x > 16)) | ((z < 12) & (y < 6) & (x < 10))
    first = write_checkpoint(tmp_path / "a.vtkhdf", bone, day=0)
    last = write_checkpoint(tmp_path / "b.vtkhdf", after, day=365)
    code = (
        "import json, sys\nfrom trabsim import viz\n"
        "print(json.dumps([viz.render_loss(*sys.argv[1:3], f'{sys.argv[3]}/{name}.png', size=(480, 400), "
        "renderer=name) for name in ('plain', 'pyvista')]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(first), str(last), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["drawn with the built-in ray caster", "drawn with PyVista"]
    plain, drawn = (
        np.asarray(Image.open(tmp_path / f"{name}.png")).astype(int)[45:365] for name in ("plain", "pyvista")
    )
    for mask in (
        lambda p: (p < 245).any(axis=-1),
        lambda p: p[..., 0] > 1.8 * p[..., 1] + 10,
        lambda p: p[..., 2] > 1.5 * p[..., 0] + 10,
    ):
        one, other = mask(plain), mask(drawn)
        assert one.sum() > 1000
        assert (one & other).sum() / (one | other).sum() > 0.93


def test_odd_specimens_do_not_trouble_pyvista(drawable, tmp_path):
    """Nothing at all, a solid block, a field and cells."""
    shape = (8, 9, 10)
    phase = np.zeros(shape, np.uint8)
    for name, bone in (("empty", np.zeros(shape, bool)), ("full", np.ones(shape, bool))):
        write_checkpoint(tmp_path / f"{name}.vtkhdf", bone, phase=phase, opg=np.ones(shape, np.float32))
    write_checkpoint(
        tmp_path / "cells.vtkhdf",
        foam(12, 3),
        phase=np.zeros((12, 12, 12), np.uint8),
        **{"osteoclasts.position_um": [[120.0, 0.0, 120.0]], "osteoclasts.nuclei": [9]},
    )
    code = (
        "import sys\nfrom trabsim import viz\n"
        "for name in ('empty', 'full', 'cells'):\n"
        "    viz.render_cells(f'{sys.argv[1]}/{name}.vtkhdf', f'{sys.argv[1]}/{name}.png', size=(400, 300), "
        "renderer='pyvista')\n"
        "viz.render_checkpoint(f'{sys.argv[1]}/full.vtkhdf', f'{sys.argv[1]}/field.png', color='opg', "
        "size=(400, 300), renderer='pyvista')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = {
        n: (np.asarray(Image.open(tmp_path / f"{n}.png"))[50:250] < 245).any()
        for n in ("empty", "full", "field")
    }
    assert seen == {"empty": False, "full": True, "field": True}


def test_a_crash_while_drawing_is_caught(monkeypatch):
    monkeypatch.setattr(probe, "find_spec", lambda name: object())
    monkeypatch.setattr(probe, "_candidates", lambda: ["vtkSomeWindow", ""])
    monkeypatch.setattr(probe, "_SCENE", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    answer = probe.ask_pyvista()
    assert not answer.usable
    assert answer.reason == "the default window failed (exit code -11)"


def test_a_picture_that_never_comes_is_given_up(monkeypatch):
    monkeypatch.setattr(probe, "find_spec", lambda name: object())
    monkeypatch.setattr(probe, "_candidates", lambda: [""])
    monkeypatch.setattr(probe, "_TIMEOUT_S", 0.3)
    monkeypatch.setattr(probe, "_SCENE", "import time; time.sleep(60)")
    assert "drew nothing within" in probe.ask_pyvista().reason


def test_the_second_way_is_tried_when_the_first_fails(monkeypatch):
    code = f"import os, sys; sys.exit(0 if os.environ.get('{probe.WINDOW_VARIABLE}') == 'vtkSecond' else 1)"
    monkeypatch.setattr(probe, "find_spec", lambda name: object())
    monkeypatch.setattr(probe, "_candidates", lambda: ["vtkFirst", "vtkSecond"])
    monkeypatch.setattr(probe, "_SCENE", code)
    assert probe.ask_pyvista() == (True, "vtkSecond", "vtkSecond")


def test_the_answer_is_found_once(monkeypatch):
    asked = []
    monkeypatch.setattr(probe, "find_spec", lambda name: asked.append(name))
    assert probe.ask_pyvista() == probe.ask_pyvista() == (False, "", "PyVista is not installed")
    assert asked == ["pyvista"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux chooses between window classes")
def test_window_classes_follow_the_libraries_at_hand(monkeypatch):
    monkeypatch.delenv(probe.WINDOW_VARIABLE, raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(probe, "find_spec", lambda name: object())
    at_hand: set[str] = set()
    monkeypatch.setattr(probe, "_loads", lambda library: library in at_hand)
    assert probe.ask_pyvista().reason == "no OpenGL library was found"
    at_hand.add("libOSMesa.so.8")
    assert probe._candidates() == ["vtkOSOpenGLRenderWindow"]
    at_hand.add("libEGL.so.1")
    assert probe._candidates() == ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    monkeypatch.setenv(probe.WINDOW_VARIABLE, "vtkMine")
    assert probe._candidates() == ["vtkMine"]


def test_the_choice_of_window_is_put_back(monkeypatch):
    monkeypatch.delenv(probe.WINDOW_VARIABLE, raising=False)
    with probe.window_class("vtkEGLRenderWindow"):
        assert os.environ[probe.WINDOW_VARIABLE] == "vtkEGLRenderWindow"
    assert probe.WINDOW_VARIABLE not in os.environ
    monkeypatch.setenv(probe.WINDOW_VARIABLE, "vtkMine")
    with probe.window_class("vtkEGLRenderWindow"):
        pass
    assert os.environ[probe.WINDOW_VARIABLE] == "vtkMine"
