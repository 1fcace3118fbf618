"""Pictures of run folders.  Reads files only, never a live simulation.

Every picture can be drawn without a graphics library; PyVista is used where it is installed and can draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "compare": "trabsim.viz.panel",
    "render_checkpoint": "trabsim.viz.pictures",
    "render_loss": "trabsim.viz.pictures",
    "render_cells": "trabsim.viz.pictures",
    "movie": "trabsim.viz.film",
    "plot_series": "trabsim.viz.series",
    "ask_pyvista": "trabsim.viz.probe",
}

__all__ = ["ask_pyvista", "movie", "plot_series", "render_cells", "render_checkpoint", "render_loss"]

if TYPE_CHECKING:
    from trabsim.viz.film import movie
    from trabsim.viz.pictures import render_cells, render_checkpoint, render_loss
    from trabsim.viz.probe import ask_pyvista
    from trabsim.viz.series import plot_series


def __getattr__(name: str) -> Any:
    # imported when asked for: numba, matplotlib and PyVista take their time
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'trabsim.viz' has no attribute '{name}'")
