"""The play page, open in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from opened_page import Opened, fit_runs, open_page

from letterocr.api.playing import write_play_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    runs = fit_runs(tmp_path_factory.mktemp("runs"))
    path = write_play_page(runs, tmp_path_factory.mktemp("play") / "play.html")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, reduced_motion="reduce")
    made = open_page(context, path, runs)
    yield made
    context.close()
