"""Debian's Chromium without a window, for the scripts and the tests that look at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MISSING = "needs Chromium: apt-get install chromium"


def find_chromium() -> str | None:
    """Return the path of Chromium; None if it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start Chromium and close it in the end.

    Raises:
        SystemExit: it is not installed.
    """
    path = find_chromium()
    if path is None:
        raise SystemExit(f"This script {MISSING}.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
