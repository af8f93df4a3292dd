"""Pictures of a comparison of optimizers: error curves against three costs, and performance profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from letterocr.base.performance_profile import performance_profile
from letterocr.base.quartiles import compute_quartiles

if TYPE_CHECKING:
    from letterocr.compare.protocol import Final

UNITS = {"samples": "samples learned", "multiply-adds": "multiply-adds", "seconds": "seconds of training"}
LARGEST_RATIO = 1000.0


def choose_style(place: int) -> dict[str, Any]:
    """Colour and dashes of the contender at that place of the list: no two of twenty alike."""
    return {"color": f"C{place % 10}", "linestyle": ("-", "--")[place // 10 % 2], "linewidth": 1.2}


def draw_errors(axis: Any, finals: dict[str, Final], cost: str, places: dict[str, int]) -> None:
    """Draw the test error of every contender against a cost: the median over seeds, and their quartiles as a band.

    Against seconds, each measurement stands at the median time of the runs. A run that diverged counts as infinite, so
    that a curve ends where half of them have.

    Args:
        axis: of matplotlib.
        finals: by contender.
        cost: samples, multiply-adds or seconds.
        places: of each contender in the list, for its colour.
    """
    for name, final in finals.items():
        grid = max((o.samples for o in final.outcomes), key=len)
        errors = np.full((len(final.outcomes), len(grid)), np.inf)
        seconds = np.full_like(errors, np.nan)
        for row, outcome in enumerate(final.outcomes):
            seconds[row, : len(outcome.seconds)] = outcome.seconds
            errors[row, : len(outcome.test)] = outcome.test
        low, middle, high = 100 * np.array([compute_quartiles(column.tolist()) for column in errors.T]).T
        across = {
            "samples": np.array(grid, float),
            "multiply-adds": np.array(grid) * final.multiply_adds,
            "seconds": np.nanmedian(seconds, axis=0),
        }[cost]
        seen = np.isfinite(middle) & (across > 0)
        axis.plot(across[seen], middle[seen], label=name, **choose_style(places[name]))
        band = seen & np.isfinite(high)
        axis.fill_between(
            across[band], low[band], high[band], color=choose_style(places[name])["color"], alpha=0.12, lw=0
        )
    axis.set(xlabel=UNITS[cost], ylabel="test error, %", xscale="log", ylim=(0, 100))
    if cost != "multiply-adds":
        _set_plain_ticks(axis)
    axis.grid(alpha=0.3)


def draw_profile(axis: Any, ratios: np.ndarray, names: Sequence[str], cost: str) -> None:
    """Draw the performance profile (Dolan, More 2002) of ratios [P, S], one column a contender."""
    finite = ratios[np.isfinite(ratios)]
    most = min(LARGEST_RATIO, 1.1 * max(finite.max(initial=1.0), 2.0))
    tau = np.geomspace(1, most, 400)
    for place, (name, share) in enumerate(zip(names, performance_profile(ratios, tau), strict=True)):
        axis.step(tau, 100 * share, where="post", label=name, **choose_style(place))
    axis.set(xlabel=f"{cost} to the target, times the best", xscale="log", ylim=(0, 102))
    _set_plain_ticks(axis)
    axis.set_ylabel("problems and seeds solved, %")
    axis.grid(alpha=0.3)


def _set_plain_ticks(axis: Any) -> None:
    """1, 2, 5, 10, ... along a logarithmic axis, or powers of ten where it is long, without exponents."""
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(LogLocator(10, (1, 2, 5) if high < 1000 * low else (1,)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def legend_outside(figure: Any, axis: Any) -> None:
    """One legend for all axes, on the right."""
    figure.legend(*axis.get_legend_handles_labels(), loc="outside right center", fontsize="small")
