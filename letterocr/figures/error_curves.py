"""Curves of the test error against samples or another cost: the median over networks, and a band of their quartiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from letterocr.base.quartiles import compute_row_quartiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class LineStyle:
    """Appearance of a curve and its band.

    Attributes:
        colour: Matplotlib colour; None takes the next one of the axes.
        dashes: Matplotlib line style, such as `-` or `--`.
        width: width of the line, in points.
        shade: opacity of the band, 0 to 1.
    """

    colour: str | None = None
    dashes: str = "-"
    width: float = 1.0
    shade: float = 0.25


def draw_band(axes: Axes, places: np.ndarray, errors: np.ndarray, label: str, style: LineStyle | None = None) -> None:
    """Draw the median error of several networks, and a band of their quartiles around it.

    An infinite error means that the run diverged: the curve ends where half of the networks have diverged, and the
    band where a quarter of them have.

    Args:
        axes: where to draw; several calls can share it.
        places: [m] samples learned, or another cost.
        errors: [m, s] fractions misread by s networks; NaN where an error was not measured.
        label: text of the legend.
        style: appearance of the curve.
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


def label_error_axes(axes: Axes, outside: bool = False) -> None:
    """Set names, limits and grid of axes with test errors against samples learned, and a legend if there is a curve.

    Args:
        axes: what to label.
        outside: whether the legend stands below the axes, so that long labels hide no curve.
    """
    axes.set(xlabel="samples learned", ylabel="test error, %", ylim=(0, 100))
    axes.grid(alpha=0.3)
    if axes.lines and outside:
        axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.12), frameon=False)
    elif axes.lines:
        axes.legend()
