"""The page: everything on it, nothing unescaped, figures beside it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from letterocr.figures.png import make_figure
from letterocr.reproduce.claims_page import write_figures, write_page
from letterocr.reproduce.finding import FAILS, HOLDS, NOT_MEASURED, Finding, Table, phrase_condition


class Reader(HTMLParser):
    """Collects text, image names and links; complains of tags that don't match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[str] = []
        self.links: list[str] = []
        self.alts: list[str] = []
        self.equations = 0
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.images += [given["src"]] if tag == "img" else []
        self.links += [given["href"]] if tag == "a" else []
        self.alts += [given["alt"]] if tag == "img" else []
        self.equations += tag == "math"
        self.ids += [given["id"]] if "id" in given else []
        assert tag != "script"
        if tag not in ("img", "meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_page_and_its_figures(tmp_path: Path) -> None:
    figure = make_figure(2, 1)
    figure.subplots().plot([0, 1])
    findings = {
        "one": Finding(
            "A < B & C.",
            HOLDS,
            "It is <so>, as lambda_max is.",
            {"a < b": 3, "list": "1, 2"},
            {"drawn": figure},
            "A line from 0 to 1",
            (Table("Two ways", ["name", "x", "y"], [["row", "1.5", "2"]]),),
        ),
        "two": Finding("D.", FAILS, "Not so.", {}),
        "four": Finding("F.", NOT_MEASURED, "No digits.", {}),
        "three": Finding("E.", phrase_condition("T < 5"), "Hardly.", {"x": 1.5}),
    }
    for finding in findings.values():
        write_figures(tmp_path, finding)
    titles = {name: f"Title {name}" for name in findings}
    page = write_page(tmp_path, titles, findings, {"letters": "some & others"})
    assert page == tmp_path / "index.html"
    reader = Reader()
    reader.feed(page.read_text())
    assert reader.open == []
    assert reader.images == ["drawn.png"]
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")
    assert [link.removeprefix("#") for link in reader.links] == reader.ids == list(findings)
    for part in (
        "A < B & C.",
        "It is <so>",
        "a < b",
        "holds only if T < 5",
        "some & others",
        "Title two",
        "Two ways",
        "Kantack",
        "activation function",
    ):
        assert part in reader.text
    assert reader.alts == ["Title one. A line from 0 to 1."]
    assert reader.equations > 7
    assert '<td class="number">1.5</td>' in page.read_text()
    stored = json.loads((tmp_path / "findings.json").read_text())
    assert stored["findings"]["one"]["numbers"] == {"a < b": 3, "list": "1, 2"}
    assert stored["findings"]["one"]["figures"] == ["drawn"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn.png", "findings.json", "index.html"]
