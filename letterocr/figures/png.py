"""Matplotlib figures without windows or global state, and their PNG files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.files import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def make_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height are in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def draw_figure(draw: Callable[[Axes], None], width: float, height: float) -> Figure:
    """Return a figure with one pair of axes, on which `draw` has drawn.

    Args:
        draw: function that draws on the axes.
        width: width in inches.
        height: height in inches.
    """
    figure = make_figure(width, height)
    draw(figure.subplots())
    return figure


def encode_png(figure: Figure) -> bytes:
    """Return the figure as the bytes of a PNG file."""
    png = io.BytesIO()
    figure.savefig(png, dpi=110, format="png")
    return png.getvalue()


def save_png(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG file."""
    with replace_file(path) as temporary:
        temporary.write_bytes(encode_png(figure))
