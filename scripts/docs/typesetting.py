"""Equations as MathML and diagrams as SVG, made when the site is built, so that pages need no script (MkDocs hook)."""

from __future__ import annotations

import html
import re
from typing import Any

import mmdr
from latex2mathml.converter import convert

_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.S)
_DIAGRAM = re.compile(r'<div class="mermaid">(.*?)</div>', re.S)


def on_page_content(content: str, **_: Any) -> str:
    """Typeset the equations and draw the diagrams of a page."""
    content = _EQUATION.sub(lambda found: typeset(html.unescape(found[2]), found[1] == "div"), content)
    return _DIAGRAM.sub(lambda found: draw(html.unescape(found[1])), content)


def typeset(latex: str, block: bool) -> str:
    """Return an equation as MathML; a block can be scrolled where the screen is narrow."""
    mathml = convert(latex.strip(), display="block" if block else "inline")
    return f'<div class="equation" tabindex="0">{mathml}</div>' if block else mathml


def draw(diagram: str) -> str:
    """Return a Mermaid diagram as SVG."""
    return f'<div class="diagram" tabindex="0">{mmdr.render(diagram).svg()}</div>'
