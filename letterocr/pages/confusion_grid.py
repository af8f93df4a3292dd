"""Small confusion matrix of a page, as an SVG in the colours of the page; it needs no script."""

from __future__ import annotations

import numpy as np

from letterocr.pages.template import Html, escape_text, make_element

CELL, EDGE = 10, 14  # sizes in the units of the SVG: a cell, and the room for the letters on the left and above


def draw_confusion_grid(counts: np.ndarray, alphabet: str, alt: str) -> Html:
    """Return which letter (row) is read as which (column): right ones green, wrong ones red.

    The shade of a cell is its share of the row; a pointer on it shows the count.

    Args:
        counts: [C, C] letters of each class (row) that are read as each class (column).
        alphabet: names of the classes.
        alt: what the matrix shows, for readers who cannot see it.
    """
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = EDGE + CELL * len(alphabet)
    parts = [Html(f'<rect class="ground" x="{EDGE}" y="{EDGE}" width="{side - EDGE}" height="{side - EDGE}"/>')]
    for row, column in np.argwhere(counts).tolist():
        right, share = row == column, float(shares[row, column])
        strength = share if right else share**0.5  # the square root makes a single wrong letter visible
        said = f"{alphabet[row]} read as {alphabet[column]}: {counts[row, column]} of {counts[row].sum()}"
        parts.append(
            Html(
                f'<rect class="{"right" if right else "wrong"}" x="{EDGE + CELL * column}" y="{EDGE + CELL * row}" '
                f'width="{CELL}" height="{CELL}" fill-opacity="{strength:.2f}">'
                f"<title>{escape_text(said)}</title></rect>"
            )
        )
    for place, letter in enumerate(map(escape_text, alphabet)):
        middle = EDGE + CELL * place + CELL // 2
        parts.append(Html(f'<text x="{middle}" y="{EDGE - 4}">{letter}</text>'))
        parts.append(Html(f'<text x="{EDGE - 7}" y="{middle + 3}">{letter}</text>'))
    return make_element("svg", *parts, viewBox=f"0 0 {side} {side}", class_="grid", role="img", aria_label=alt)
