"""Every page in a real browser, Chromium without a window: it loads from disk, alone, and works on a narrow screen.

The tests need Debian's Chromium; without it they are skipped. `.ci/run` sets LETTEROCR_CHROMIUM=required.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from studies import search, space_file
from sweeps import make_sweep
from tiny import command, folders, letters, tiny

from letterocr.compare.comparison_page import write_comparison_page
from letterocr.compare.problems import Problem, Source
from letterocr.compare.protocol import Final, Standing
from letterocr.compare.trial import TrialOutcome
from letterocr.reproduce import __main__ as reproduce
from letterocr.show.__main__ import main as show
from letterocr.summary.__main__ import main as summarise

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SERIOUS = ("serious", "critical")
BOTH = ("run", "claims")  # pages that have every colour; the others are examined in light colours only, to save time


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    output = tmp_path_factory.mktemp("runs")
    own = ("tensorboard=false", "diagnostics=rank", "snapshots=log", "page=true", "samples=100", f"output={output}")
    for seed in (1, 2):
        assert command(*tiny(*own, f"seed={seed}")).status == 0
    return folders(output)


def make_run_page(runs: dict[int, Path], folder: Path) -> Path:
    return runs[1] / "page.html"


def make_side_by_side(runs: dict[int, Path], folder: Path) -> Path:
    show([*map(str, runs.values()), f"output={folder / 'both.html'}"])
    return folder / "both.html"


def make_sweep_page(runs: dict[int, Path], folder: Path) -> Path:
    make_sweep(folder, 3, 2, 2)
    summarise([str(folder)])
    return folder / "summary.html"


def make_search_page(runs: dict[int, Path], folder: Path) -> Path:
    space = space_file(
        folder, "learning_rate: {low: 0.01, high: 1, log: true}\nschedule: {choices: [constant, linear]}"
    )
    assert search(folder / "s", space=space, trials=3, page=True) == 0
    return folder / "s" / "report.html"


def make_comparison_page(runs: dict[int, Path], folder: Path) -> Path:
    standing = Standing(diverged_trials={"vanilla": 1, "adam": 0})
    for name, last, diverged in (("vanilla", 0.2, None), ("adam", 0.1, None), ("broken", 0.9, 200)):
        outcome = TrialOutcome([0, 100, 200], [0.0, 0.5, 2.0], [1.0, 0.5, last], [1.0, 0.6, last], diverged)
        for kind in ("default", "tuned"):
            standing.finals[kind][name] = Final({"learning_rate": 0.1}, 1e4, [outcome, outcome])
    facts = {"command": "the command", "trials": 3, "seeds": 2, "samples": 200, "workers": 1, "machine": "a machine"}
    write_comparison_page({Problem("two_layer", 8, Source("synthetic"), 200): standing}, facts, folder / "results.html")
    return folder / "results.html"


def make_claims_page(runs: dict[int, Path], folder: Path) -> Path:
    own = ["data=images", f"data.path={letters()}", "data.test_per_letter=1", f"output={folder}"]
    with mock.patch("sys.argv", ["letterocr reproduce"]):
        reproduce.main(["bias", "fig5", "normal", *own])
    return folder / "index.html"


def play_back(page: Page) -> None:
    slider, name = page.get_by_role("slider", name="Training"), page.locator(".playback output")
    slider.press("Home")
    assert name.inner_text() == "sample 0"
    slider.press("ArrowRight")
    assert name.inner_text() == "sample 1"
    assert page.locator(".frame:visible").count() == 1
    assert "After 1 sample " in str(slider.get_attribute("aria-valuetext"))
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('.playback output').textContent === 'sample 2'")
    page.get_by_role("button", name="Pause").click()
    press_logarithm(page)


def press_logarithm(page: Page) -> None:
    button = page.get_by_role("button", name="Logarithmic samples").first
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.querySelector('.plot').layout.xaxis.type") == "log"


def sort_and_filter(page: Page) -> None:
    table = page.locator("table.sortable").first
    head = table.locator("thead th").nth(1)
    columns = []
    for order in ("ascending", "descending"):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == order
        columns.append(table.locator("tbody tr > :nth-child(2)").all_inner_texts())
    assert len(columns[0]) > 1
    assert columns[0] == columns[1][::-1]
    page.get_by_role("searchbox").first.fill("no row has these words")
    assert table.locator("tbody tr:visible").count() == 0


def follow_link(page: Page) -> None:
    page.get_by_role("link", name="Fig. 5: the singular values").click()
    assert page.evaluate("location.hash") == "#fig5"


PAGES: dict[str, tuple[Callable[[dict[int, Path], Path], Path], Callable[[Page], None]]] = {
    "run": (make_run_page, play_back),
    "side by side": (make_side_by_side, press_logarithm),
    "sweep": (make_sweep_page, sort_and_filter),
    "search": (make_search_page, sort_and_filter),
    "comparison": (make_comparison_page, sort_and_filter),
    "claims": (make_claims_page, follow_link),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_works_alone_narrow_wide_light_and_dark(name: str, browser: Browser, runs, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    make, act = PAGES[name]
    path = make(runs, tmp_path)
    context = browser.new_context(viewport={"width": 400, "height": 800}, color_scheme="dark", offline=True)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    for colours in ("dark", "light") if name in BOTH else ("light",):
        page.emulate_media(color_scheme=colours)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in SERIOUS] == []
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.locator("h1").count() == 1
    assert page.locator("img:not([alt])").count() == 0
    act(page)
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()
