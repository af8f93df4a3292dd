"""Matplotlib figures that no window and no global state knows, and their PNG files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from letterocr.base.files import replace_file


def make_figure(width: float, height: float) -> Any:
    """A Matplotlib figure that no window and no global state knows."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def draw_figure(draw: Callable[[Any], None], width: float, height: float) -> Any:
    """A figure of one axis with what `draw` puts on it."""
    figure = make_figure(width, height)
    draw(figure.subplots())
    return figure


def encode_png(figure: Any) -> bytes:
    """The figure as the bytes of a PNG file."""
    png = io.BytesIO()
    figure.savefig(png, dpi=110, format="png")
    return png.getvalue()


def save_png(figure: Any, path: Path) -> None:
    """Write the figure as a PNG file."""
    with replace_file(path) as temporary:
        temporary.write_bytes(encode_png(figure))
