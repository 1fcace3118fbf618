"""How figures made with Matplotlib look, and how they are written: small letters, few lines, vector text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trabsim.errors import RunError

#: Colors of arms and lines that color-blind readers can tell apart (Wong 2011, doi:10.1038/nmeth.1618).
PALETTE = ("#4d4d4d", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195")
GRAY, PALE = "#6e6e74", "#d9d9dc"
#: Width of two columns of a journal.
PAGE_MM = 183.0
MM_PER_INCH = 25.4
POINTS = 7.0

_LOOK: Any = {
    "font.family": "DejaVu Sans",
    "font.size": POINTS,
    "axes.titlesize": POINTS,
    "axes.labelsize": POINTS,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4d4d4d",
    "axes.axisbelow": True,
    "xtick.labelsize": POINTS - 0.5,
    "ytick.labelsize": POINTS - 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": POINTS - 0.5,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.solid_capstyle": "round",
    # text stays text, and the same figure gives the same file
    "svg.fonttype": "none",
    "svg.hashsalt": "trabsim",
    "pdf.fonttype": 42,
}
#: What the header of a file may be called, by ending; Matplotlib refuses other names.
_TITLES = {".png": "Description", ".pdf": "Subject", ".svg": "Description"}


@contextmanager
def look() -> Iterator[None]:
    """Draw in the style of this module; says what to install where Matplotlib is absent."""
    try:
        import matplotlib
        from matplotlib.figure import Figure  # noqa: F401
    except ImportError:
        raise RunError('plots need matplotlib, which is not installed; pip install "trabsim[viz]"') from None
    with matplotlib.rc_context(_LOOK):
        yield


def new_figure(width_mm: float, height_mm: float, dpi: int = 300, layout: str | None = None) -> Any:
    """An empty figure that needs no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), dpi=dpi, layout=layout)  # type: ignore[arg-type]
    FigureCanvasAgg(figure)
    return figure


def write_figure(figure: Any, out: str | Path, facts: Mapping[str, object] | None = None) -> None:
    """Write a figure; `facts` go into the description that its file carries.

    Raises
    ------
    RunError
        For an unknown ending of the name, or a folder that cannot be written to.
    """
    out = Path(out)
    metadata: dict[str, Any] = {}
    if out.suffix.lower() in _TITLES:
        metadata[_TITLES[out.suffix.lower()]] = "; ".join(f"{k}: {v}" for k, v in (facts or {}).items())
    if out.suffix.lower() == ".pdf":
        metadata["CreationDate"] = None
    if out.suffix.lower() == ".svg":
        metadata["Date"] = None
    try:
        figure.savefig(out, facecolor="white", metadata=metadata or None)
    except ValueError:
        raise RunError(
            f"cannot write a plot named '{out.name}'; end the name in .png, .pdf or .svg"
        ) from None
    except OSError as error:
        raise RunError(f"cannot write {out}: {error.strerror or error}; check the folder") from None
