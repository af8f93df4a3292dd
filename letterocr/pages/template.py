"""Template of all HTML pages; they need no network and no scripts, and follow the reader's light or dark setting.

Texts are escaped wherever they are given; text that is already HTML has the type `Html`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --text: #26282e; --faint: #6a6f78; --line: #dee0e4; --paper: #fff; --code: #f2f3f5;
  --good: #18805c; --bad: #c83c30; --middling: #8a6200; }
@media (prefers-color-scheme: dark) { :root { --text: #e3e5e9; --faint: #9aa0aa; --line: #3a3e46; --paper: #17191d;
  --code: #24272d; --good: #4cc29a; --bad: #f0796c; --middling: #dba63a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--paper); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
a { color: inherit; }
img { max-width: 100%; height: auto; display: block; margin: 1rem 0; background: #fff; border-radius: 4px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 500; }
code { background: var(--code); padding: 0 .25em; border-radius: 3px; }
.faint { color: var(--faint); } .verdict { font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .middling { color: var(--middling); }
"""


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
        **attributes: its attributes; a trailing underscore of a name is removed, as in `class_`.

    Example:
        >>> make_element("p", "a < b", class_="faint")
        '<p class="faint">a &lt; b</p>'
    """
    named = "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{named}>{''.join(map(escape_text, children))}</{tag}>")


def make_heading(text: object, anchor: str = "") -> Html:
    """Return the heading of a section; if `anchor` is given, links to `#anchor` lead to it."""
    return make_element("h2", text, **({"id": anchor} if anchor else {}))


def make_table(rows: Iterable[Sequence[object]], head: Sequence[object] = ()) -> Html:
    """Return a table.

    Args:
        rows: the cells of each row.
        head: titles of the columns; without them, the first cell of each row is its title.
    """
    lines = [make_element("tr", *(make_element("th", cell, scope="col") for cell in head))] if head else []
    for first, *others in rows:
        name = make_element("td", first) if head else make_element("th", first, scope="row")
        lines.append(make_element("tr", name, *(make_element("td", cell) for cell in others)))
    return make_element("div", make_element("table", *lines), class_="wide")


def make_picture(source: str | bytes, alt: str) -> Html:
    """Return a picture: a file beside the page, or the bytes of a PNG that the page itself holds.

    Args:
        source: the file's name, or the bytes.
        alt: what the picture shows, for readers who cannot see it.
    """
    if isinstance(source, bytes):
        source = f"data:image/png;base64,{base64.b64encode(source).decode()}"
    return Html(f'<img src="{escape(source)}" alt="{escape(alt)}">')


def make_page(title: str, parts: Iterable[Html]) -> str:
    """Return the whole page: its title as a heading, then its parts, one in each line."""
    body = "\n".join([make_element("h1", title), *parts])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )
