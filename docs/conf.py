"""Settings of the documentation."""

from __future__ import annotations

import sys
from pathlib import Path

import trabsim

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "trabsim"
author = "The trabsim developers"
copyright = "2026, The trabsim developers"
version = release = trabsim.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "from_code",
]
exclude_patterns = ["_build", "extensions"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

smartquotes = False  # they would turn --set into a dash
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False

html_theme = "alabaster"
html_title = f"trabsim {version}"
html_theme_options = {
    "description": "Human trabecular bone, remodeled cell by cell",
    "fixed_sidebar": True,
    "page_width": "1080px",
    "body_max_width": "none",
}
html_show_sourcelink = False
