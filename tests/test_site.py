"""The documentation site is built without a warning, opens from disk without a request, and no link leads nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scripts_of import REPOSITORY, load_script

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = ["index.html", "lessons/3_outer_product.html", "equations.html", "api/library.html", "rooms/matrix.html"]
MARKDOWN = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it; --strict makes each warning, such as one of a broken link, an error."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_no_page_names_a_file_of_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    loaded = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'> ]+)")
    for page in pages:
        assert not loaded.findall(page.read_text(encoding="utf-8")), page
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)[\"' ]*(?:https?:)?//", style.read_text(encoding="utf-8")), style


def test_pages_are_typeset(site: Path) -> None:
    for page in PAGES[:3]:
        text = (site / page).read_text(encoding="utf-8")
        assert "<math " in text
        assert "arithmatex" not in text
    assert "<svg" in (site / "architecture.html").read_text(encoding="utf-8")
    assert 'class="mermaid"' not in (site / "architecture.html").read_text(encoding="utf-8")
    equations = (site / "equations.html").read_text(encoding="utf-8")
    assert 'href="rooms/matrix.html#letterocr.matrix.letter_matrix.left_inverse"' in equations


def test_pages_open_from_disk_on_a_narrow_screen(site: Path, browser: Browser) -> None:
    from axe_playwright_python.sync_playwright import Axe

    view = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme="dark")
    asked: list[str] = []
    complaints: list[str] = []
    view.on("request", lambda request: asked.append(request.url))
    view.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    view.on("pageerror", lambda error: complaints.append(str(error)))
    for page in PAGES:
        view.goto((site / page).as_uri())
        assert view.evaluate("document.documentElement.scrollWidth") <= 400, page
        assert view.evaluate("[...document.images].every(image => image.naturalWidth > 0)"), page
        if page in PAGES[:2]:
            faults = Axe().run(view, options={"preload": False}).response["violations"]
            assert [fault["id"] for fault in faults if fault["impact"] in ("serious", "critical")] == [], page
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert complaints == []
    view.close()


def test_the_search_finds_a_function(site: Path, browser: Browser) -> None:
    view = browser.new_page(viewport={"width": 1280, "height": 800})
    view.goto((site / "index.html").as_uri())
    view.fill(".md-search__input", "pseudo-inverse")
    view.wait_for_selector(".md-search-result__item")
    assert "letter_matrix" in view.inner_html(".md-search-result__list")
    view.close()


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_between_files_lead_somewhere(path: Path) -> None:
    """For those who read the files themselves; pages that the site makes are found there only."""
    made = {REPOSITORY / "docs" / "lessons" / f"{lesson.stem}.md" for lesson in REPOSITORY.glob("examples/[0-9]*.py")}
    made |= {REPOSITORY / "docs" / "rooms" / f"{room}.md" for room in load_script("docs/room_pages").ROOMS}
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists() or target in made, link
        if anchor and target.suffix == ".md" and target.exists():
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}, link
