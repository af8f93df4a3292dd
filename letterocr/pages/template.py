"""Template of all HTML pages; they need no network, and follow the reader's light or dark setting.

A page has a script only if it holds a chart, a table that can be sorted, or frames that are played. Texts are escaped
wherever they are given; text that is already HTML has the type `Html`.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

PLOTLY = "plotly/plotly-cartesian.min.js"  # draws the charts; as published on npm, with its licence beside it
_NUMBER = r"[-−]?(\d[\d,]*(\.\d+)?|\.\d+|∞)(e[-+]?\d+)?( ?%| s| points)?"
_WORDS = "not reached|diverged|–"  # in place of a number
NUMBER = re.compile(rf"{_NUMBER}( \(({_NUMBER}|{_WORDS}) to ({_NUMBER}|{_WORDS})\)| of {_NUMBER})?|{_WORDS}")


class Html(str):
    """A piece of HTML, which is not escaped again."""

    __slots__ = ()


def escape_text(text: object) -> Html:
    """Return the text as HTML; `Html` is returned unchanged.

    Example:
        >>> escape_text("a < b")
        'a &lt; b'
        >>> escape_text(Html("<b>a</b>"))
        '<b>a</b>'
    """
    return text if isinstance(text, Html) else Html(escape(str(text)))


def make_element(tag: str, *children: object, **attributes: str) -> Html:
    """Return an HTML element.

    Args:
        tag: name of the element.
        *children: its contents, in order.
        **attributes: its attributes; a trailing underscore of a name is removed, as in `class_`, and other underscores
            become hyphens, as in `aria_label`.

    Example:
        >>> make_element("p", "a < b", class_="faint")
        '<p class="faint">a &lt; b</p>'
    """
    named = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{named}>{''.join(map(escape_text, children))}</{tag}>")


def make_heading(text: object, anchor: str = "", level: int = 2) -> Html:
    """Return the heading of a section; if `anchor` is given, links to `#anchor` lead to it."""
    return make_element(f"h{level}", text, **({"id": anchor} if anchor else {}))


def make_columns(*parts: Html) -> Html:
    """Return parts that stand side by side if there is room, and below each other on a narrow screen."""
    return make_element("div", *parts, class_="columns")


def make_cell(tag: str, cell: object, **attributes: str) -> Html:
    """Return a cell of a table; a number is aligned on the right.

    Example:
        >>> make_cell("td", "12.5 %")
        '<td class="number">12.5 %</td>'
        >>> make_cell("td", "20 (10 to 30)")  # a line may end before the quartiles, and nowhere else
        '<td class="number parts"><span>20</span> <span>(10 to 30)</span></td>'
    """
    text = str(cell)
    if isinstance(cell, Html) or not NUMBER.fullmatch(text):
        return make_element(tag, cell, **attributes)
    middle, _, quartiles = text.partition(" (")
    if quartiles:
        cell = Html(f"{make_element('span', middle)} {make_element('span', '(' + quartiles)}")
    return make_element(tag, cell, **attributes, class_="number parts" if quartiles else "number")


def make_table(rows: Iterable[Sequence[object]], head: Sequence[object] = (), sortable: bool = False) -> Html:
    """Return a table; the first cell of each row is its title. Columns of numbers are aligned on the right.

    Args:
        rows: the cells of each row.
        head: titles of the columns.
        sortable: whether the reader can sort it by a column and filter its rows; it needs a head.
    """
    body = [list(row) for row in rows]
    lines = []
    if head:
        right = [_is_numeric_column([row[i] for row in body if i < len(row)]) for i in range(len(head))]
        for row in body:  # a number among words is aligned like them
            row[:] = [c if number else escape_text(c) for c, number in zip(row, right, strict=False)]
        named = [
            make_element("th", title, scope="col", **({"class_": "number"} if number else {}))
            for title, number in zip(head, right, strict=True)
        ]
        lines.append(make_element("thead", make_element("tr", *named)))
    made = (
        make_element("tr", make_cell("th", row[0], scope="row"), *(make_cell("td", c) for c in row[1:])) for row in body
    )
    lines.append(make_element("tbody", *made))
    table = make_element("table", *lines, **({"class_": "sortable"} if sortable else {}))
    tall = " tall" if sortable and len(body) > 30 else ""
    return make_element("div", table, class_=f"wide{tall}", tabindex="0")


def _is_numeric_column(cells: Sequence[object]) -> bool:
    return bool(cells) and all(not isinstance(c, Html) and bool(NUMBER.fullmatch(str(c))) for c in cells)


def make_picture(source: str | bytes, alt: str, class_: str = "picture") -> Html:
    """Return a picture: a file beside the page, or the bytes of a PNG that the page itself holds.

    Args:
        source: the file's name, or the bytes.
        alt: what the picture shows, for readers who cannot see it.
        class_: name of its style.
    """
    if isinstance(source, bytes):
        source = f"data:image/png;base64,{base64.b64encode(source).decode()}"
    return Html(f'<img class="{class_}" src="{escape(source)}" alt="{escape(alt)}">')


def make_tiles(tiles: Iterable[tuple[bytes, str, object]]) -> Html:
    """Return small pictures in a grid, each given as its PNG, what it shows, and the text below it."""
    return make_element(
        "ul", *(make_element("li", make_picture(png, alt, "tile"), text) for png, alt, text in tiles), class_="tiles"
    )


def make_page(title: str, parts: Iterable[Html]) -> str:
    """Return the whole page: its title as a heading, then its parts, one in each line."""
    body = "\n".join([make_element("h1", title), *parts])
    scripts = [_read_own(PLOTLY)] if 'class="chart"' in body else []
    if 'class="playback"' in body:  # the play page imports the same file as a module
        scripts.append(_read_own("player.js").replace("export function", "function"))
    scripts += [_read_own("page.js")] if scripts or 'class="sortable"' in body else []
    tail = "".join(f"<script>{script}</script>\n" for script in scripts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{_read_own('style.css')}</style></head>\n"
        f"<body>\n<main>\n{body}\n</main>\n{tail}</body></html>\n"
    )


@functools.cache
def _read_own(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
