"""Find out whether PyVista can draw here, before it is asked to.

Where the graphics libraries are absent, VTK does not raise: it ends the process.  A small scene is therefore
drawn in a process of its own first, once.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from typing import NamedTuple

log = logging.getLogger("trabsim")

WINDOW_VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
INSTALL_HINT = 'pip install "trabsim[viz]"; on Debian and Ubuntu also: apt install libegl1 libgl1-mesa-dri'
_TIMEOUT_S = 90.0
_SCENE = """
import sys
import pyvista
plotter = pyvista.Plotter(off_screen=True, window_size=(48, 48), lighting="none")
plotter.set_background("black")
plotter.add_mesh(pyvista.Plane(i_size=9.0, j_size=9.0), color="white", lighting=False)
plotter.view_xy()
plotter.render()
image = plotter.screenshot(return_img=True)
sys.exit(0 if image.shape[:2] == (48, 48) and image[24, 24].min() > 200 else 3)
"""


class Answer(NamedTuple):
    """Whether PyVista draws here.

    Attributes
    ----------
    usable : bool
    window : str
        VTK's window class to ask for; empty for VTK's own choice.
    reason : str
        Why not, or by which way; one line.
    """

    usable: bool
    window: str
    reason: str


@lru_cache(maxsize=1)
def ask_pyvista() -> Answer:
    """Draw a small scene in a process of its own; the answer is kept for the life of this process."""
    if find_spec("pyvista") is None:
        return Answer(False, "", "PyVista is not installed")
    windows = _candidates()
    if not windows:
        return Answer(False, "", "no OpenGL library was found")
    reason = ""
    for window in windows:
        failure = _try_window(window)
        if failure is None:
            return Answer(True, window, window or "VTK's default window")
        reason = f"{window or 'the default window'} {failure}"
        log.debug("PyVista cannot draw with %s", reason)
    return Answer(False, "", reason)


def _candidates() -> list[str]:
    """Window classes worth trying, best first."""
    if not sys.platform.startswith("linux"):
        return [""]
    if os.environ.get(WINDOW_VARIABLE):
        return [os.environ[WINDOW_VARIABLE]]
    windows = []
    if _loads("libEGL.so.1"):
        windows.append("vtkEGLRenderWindow")
    if any(_loads(f"libOSMesa.so{end}") for end in (".8", ".6", "")):
        windows.append("vtkOSOpenGLRenderWindow")
    if os.environ.get("DISPLAY") and _loads("libGL.so.1"):
        windows.append("")
    return windows


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _try_window(window: str) -> str | None:
    """Draw with one window class; None where it works, else what happened."""
    environment = dict(os.environ)
    if window:
        environment[WINDOW_VARIABLE] = window
    try:
        done = subprocess.run(
            [sys.executable, "-c", _SCENE],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"drew nothing within {_TIMEOUT_S:.0f} s"
    except OSError as error:
        return f"could not be tried ({error.strerror})"
    if done.returncode == 0:
        return None
    return f"failed (exit code {done.returncode})"


@contextlib.contextmanager
def window_class(window: str) -> Iterator[None]:
    """Ask VTK for a window class for a while, then restore the user's choice."""
    before = os.environ.get(WINDOW_VARIABLE)
    if window:
        os.environ[WINDOW_VARIABLE] = window
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(WINDOW_VARIABLE, None)
        else:
            os.environ[WINDOW_VARIABLE] = before
