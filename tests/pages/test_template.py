"""The template: tags match, texts are escaped, pictures say what they show."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

from letterocr.pages.template import (
    Html,
    escape_text,
    make_element,
    make_heading,
    make_page,
    make_picture,
    make_table,
)


class Reader(HTMLParser):
    """Complains of tags that don't match; collects the text and the tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def test_a_page_is_whole_and_asks_for_nothing_from_elsewhere():
    page = make_page(
        "A < B", [make_heading("Part", "part"), make_element("p", "1 < 2 & ", make_element("code", "<x>"))]
    )
    reader = read(page)
    assert page.startswith("<!doctype html>")
    for text in ("A < B", "Part", "1 < 2 & <x>"):
        assert text in reader.text
    assert ("h2", {"id": "part"}) in reader.tags
    assert "script" not in {tag for tag, _ in reader.tags}
    assert not any("src" in given for _, given in reader.tags)
    assert [given["href"] for _, given in reader.tags if "href" in given] == ["data:,"]  # the empty icon
    assert "prefers-color-scheme: dark" in page


def test_texts_are_escaped_once():
    assert escape_text('<"&>') == "&lt;&quot;&amp;&gt;"
    assert escape_text(Html("<b>x</b>")) == "<b>x</b>"
    assert escape_text(3.5) == "3.5"
    assert make_element("a", "<", href='"x"', class_="y") == '<a href="&quot;x&quot;" class="y">&lt;</a>'


def test_the_first_cell_of_a_row_is_its_title_and_numbers_are_on_the_right():
    with_head = read(make_table([["x", 1], ["<y>", "12.5 %"]], ["name", "value"]))
    assert [tag for tag, _ in with_head.tags if tag in ("th", "td")] == ["th", "th", "th", "td", "th", "td"]
    assert with_head.text == "namevaluex1<y>12.5 %"
    assert [given.get("class") for tag, given in with_head.tags if tag in ("th", "td")] == [
        None,
        "number",
        None,
        "number",
        None,
        "number",
    ]
    named = read(make_table({"x": "a", "y": make_element("b", "2")}.items()))
    assert [(tag, given.get("class")) for tag, given in named.tags if tag == "td"] == [("td", None), ("td", None)]


def test_a_column_with_words_has_all_its_cells_on_the_left():
    rows = [("vanilla", "5.0 %", "finished", "0.1"), ("adam", "diverged", "diverged", "auto")]
    table = make_table(rows, ["optimizer", "error", "state", "rate"])
    assert table.count('class="number"') == 3  # the title and the cells of the errors
    assert '<td class="number">diverged</td><td>diverged</td><td>auto</td>' in table


def test_a_page_has_scripts_only_where_they_are_needed():
    assert "<script" not in make_page("A", [make_table([["x", 1]], ["name", "value"])])
    sortable = make_page("A", [make_table([["x", 1]], ["name", "value"], sortable=True)])
    assert sortable.count("<script") == 1
    assert "Plotly" not in sortable.partition("<script")[0]


def test_pictures_lie_beside_the_page_or_in_it():
    assert make_picture("fig 1.png", 'a "picture"') == (
        '<img class="picture" src="fig 1.png" alt="a &quot;picture&quot;">'
    )
    ((tag, given),) = read(make_picture(b"\x89PNG", "weights")).tags
    assert (tag, given["alt"]) == ("img", "weights")
    assert base64.b64decode(str(given["src"]).removeprefix("data:image/png;base64,")) == b"\x89PNG"
