"""Pictures of run folders.  Reads files only, never a live simulation.

Every picture can be drawn without a graphics library; PyVista is used where it is installed and can draw.
"""

from __future__ import annotations

from typing import Any

_PUBLIC = {
    "ask_pyvista": "trabsim.viz.probe",
    "compare": "trabsim.viz.panel",
    "export_series": "trabsim.viz.export_steps",
    "export_surface": "trabsim.viz.export_mesh",
    "export_volume": "trabsim.viz.export_image",
    "movie": "trabsim.viz.film",
    "plot_arms": "trabsim.viz.plots",
    "plot_clinical": "trabsim.viz.plots",
    "plot_mineral": "trabsim.viz.plots_matrix",
    "plot_morphometry": "trabsim.viz.plots",
    "plot_series": "trabsim.viz.series",
    "plot_sites": "trabsim.viz.plots_matrix",
    "render_cells": "trabsim.viz.pictures",
    "render_checkpoint": "trabsim.viz.pictures",
    "render_field": "trabsim.viz.fields",
    "render_loss": "trabsim.viz.pictures",
    "render_section": "trabsim.viz.section",
    "render_strip": "trabsim.viz.strip",
    "serve_view": "trabsim.viz.web_view",
    "turntable": "trabsim.viz.film",
    "write_page": "trabsim.viz.web_page",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    # imported when asked for: numba, matplotlib and PyVista take their time
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'trabsim.viz' has no attribute '{name}'")
