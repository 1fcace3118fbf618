"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with reference data and real scans; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("TRABSIM_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "reference").is_dir():
        pytest.skip(f"reference data not found (looked in {folder.name}; set TRABSIM_SHARED)")
    return folder
