"""Opening of a page in the reader's browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def open_page(path: Path) -> None:
    """Open a page in the browser if a person and a screen are there; a browser in the terminal is not used."""
    screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.stdout.isatty() and screen:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
