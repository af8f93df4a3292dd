"""Equations of a page, as MathML, which browsers typeset without a script."""

from __future__ import annotations

import functools

from letterocr.pages.template import Html


@functools.cache
def make_equation(latex: str, block: bool = False) -> Html:
    """Return an equation as MathML.

    Args:
        latex: the equation as in LaTeX, without dollar signs.
        block: whether it stands in a line of its own.

    Example:
        >>> make_equation("W a").startswith("<math ")
        True
    """
    from latex2mathml.converter import convert

    return Html(convert(latex, display="block" if block else "inline"))
