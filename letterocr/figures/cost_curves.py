"""Pictures of a comparison of optimizers: error curves against three costs, and performance profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from letterocr.base.performance_profile import performance_profile
from letterocr.figures.error_curves import LineStyle, draw_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS = {"samples": "samples learned", "multiply-adds": "multiply-adds", "seconds": "seconds of training"}
LARGEST_RATIO = 1000.0


def choose_style(place: int) -> LineStyle:
    """Return the colour and dashes of the contender with index `place`; no two of the first twenty are alike."""
    return LineStyle(f"C{place % 10}", ("-", "--")[place // 10 % 2], width=1.2, shade=0.12)


def draw_errors(
    axes: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]], cost: str, places: Mapping[str, int]
) -> None:
    """Draw the test errors of every contender against a cost, on a logarithmic axis without the cost 0.

    Args:
        axes: where to draw.
        curves: for each contender its cost [m] and the test errors [m, s] of its runs, infinite after they diverged.
        cost: samples, multiply-adds or seconds.
        places: index of each contender in the list, which gives its colour.
    """
    for name, (spent, errors) in curves.items():
        draw_band(axes, spent[spent > 0], errors[spent > 0], name, choose_style(places[name]))
    axes.set(xlabel=UNITS[cost], ylabel="test error, %", xscale="log", ylim=(0, 100))
    if cost != "multiply-adds":
        _set_plain_ticks(axes)
    axes.grid(alpha=0.3)


def draw_profile(axes: Axes, ratios: np.ndarray, names: Sequence[str], cost: str) -> None:
    """Draw the performance profile (Dolan, Moré 2002).

    Args:
        axes: where to draw.
        ratios: performance ratios [P, S] of P problems, one column for each of S contenders.
        names: names of the contenders.
        cost: name of the cost, for the axis.
    """
    finite = ratios[np.isfinite(ratios)]
    most = min(LARGEST_RATIO, 1.1 * max(finite.max(initial=1.0), 2.0))
    tau = np.geomspace(1, most, 400)
    for place, (name, share) in enumerate(zip(names, performance_profile(ratios, tau), strict=True)):
        style = choose_style(place)
        axes.step(
            tau,
            100 * share,
            where="post",
            label=name,
            color=style.colour,
            linestyle=style.dashes,
            linewidth=style.width,
        )
    axes.set(xlabel=f"{cost} to the target, times the best", xscale="log", ylim=(0, 102))
    _set_plain_ticks(axes)
    axes.set_ylabel("problems and seeds solved, %")
    axes.grid(alpha=0.3)


def _set_plain_ticks(axes: Axes) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10, ..., or with powers of ten if it is long, without exponents."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(10, (1, 2, 5) if high < 1000 * low else (1,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def place_legend_outside(figure: Figure, axes: Axes) -> None:
    """Draw one legend for all axes, on the right."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize="small")
