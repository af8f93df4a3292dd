"""Test errors against what they cost: the median over networks, and their quartiles as a band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from letterocr.base.quartiles import compute_row_quartiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class LineStyle:
    """How a curve and its band look.

    Attributes:
        colour: of Matplotlib; by default the next one of the axes.
        dashes: of Matplotlib, such as `-` or `--`.
        width: of the line, in points.
        shade: opacity of the band, 0 to 1.
    """

    colour: str | None = None
    dashes: str = "-"
    width: float = 1.0
    shade: float = 0.25


def draw_band(axes: Axes, places: np.ndarray, errors: np.ndarray, label: str, style: LineStyle | None = None) -> None:
    """Draw the median of several networks' errors, and their quartiles as a band around it.

    An infinite error is that of a run that diverged: the curve ends where half of the networks have diverged, and the
    band where a quarter of them have.

    Args:
        axes: where to draw; several calls share them.
        places: [m] samples learned, or another cost.
        errors: [m, s] fractions misread by s networks; NaN where one was not measured.
        label: for the legend.
        style: how it looks.
    """
    style = style or LineStyle()
    low, middle, high = 100 * compute_row_quartiles(errors)
    drawn = np.isfinite(middle)
    (line,) = axes.plot(
        places[drawn],
        middle[drawn],
        label=label,
        color=style.colour,
        linestyle=style.dashes,
        linewidth=style.width,
    )
    if errors.shape[1] > 1:
        band = drawn & np.isfinite(high)
        colour = line.get_color()
        axes.fill_between(places[band], low[band], high[band], color=colour, alpha=style.shade, linewidth=0)


def label_error_axes(axes: Axes, small: bool = False) -> None:
    """Names, limits and grid of axes with test errors against samples learned, and a legend where there is a curve."""
    axes.set(xlabel="samples learned", ylabel="test error, %", ylim=(0, 100))
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize=7 if small else None)
