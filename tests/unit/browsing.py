"""A real browser without a window, for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: No sandbox, as tests may run as root; WebGL by the processor, as there is no graphics card.
OPTIONS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
PATIENCE_MS = 240_000


@contextmanager
def browser_page(offline: bool) -> Iterator[Any]:
    """A page of headless Chromium; skips where there is none, except on the test servers."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        reason = "no Chromium is installed; on Debian: apt install chromium"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        try:
            context = browser.new_context(viewport={"width": 640, "height": 480}, offline=offline)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.set_default_navigation_timeout(PATIENCE_MS)
            yield page
        finally:
            browser.close()


def picture(page: Any, path: Any) -> np.ndarray:
    """What the browser shows, as an array (height, width, 3)."""
    page.screenshot(path=path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def changed(one: np.ndarray, other: np.ndarray) -> int:
    """Pixels that differ clearly."""
    return int((np.abs(one - other).max(axis=-1) > 40).sum())
