"""Values of hyperparameters on axes, and parallel coordinates of a sweep, drawn on given axes.

A smaller value of a metric is always better; values that are not finite are left out, or drawn as the worst.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

COLOURS = "viridis"  # dark is good
MOST_CELLS = 24  # in a row or column of a heat map; more values share cells
BINS = 12
MOST_TICKS = 6  # different values that each have a label of their own


@dataclass(frozen=True)
class Scale:
    """Positions of one field's values on an axis: numbers linear or logarithmic, all other values at equal distances.

    Attributes:
        places: position of each value in 0 to 1, in the order given.
        ticks: positions that have a label.
        labels: labels of the ticks.
    """

    places: np.ndarray
    ticks: list[float]
    labels: list[str]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_numeric(values: Sequence[object]) -> TypeGuard[Sequence[float]]:
    return all(_is_number(v) for v in values)


def is_logarithmic(values: Sequence[object]) -> bool:
    """Return whether the values are positive numbers with such a range that their logarithms should be drawn."""
    return _is_numeric(values) and min(values) > 0 and max(values) >= 20 * min(values)


def _sort_values(values: Sequence[object]) -> list[object]:
    """Return every value once, numbers by size and before texts."""
    numbers = {v for v in values if _is_number(v)}
    return [*sorted(numbers), *sorted({v for v in values if not _is_number(v)}, key=str)]


def make_scale(values: Sequence[object]) -> Scale:
    """Return the positions in 0 to 1 of one field's values.

    Example:
        >>> scale = make_scale(["adam", "sgd", "adam"])
        >>> scale.places.tolist(), scale.labels
        ([0.0, 1.0, 0.0], ['adam', 'sgd'])
    """
    if not _is_numeric(values):
        ordered = _sort_values(values)
        step = {value: i / max(len(ordered) - 1, 1) for i, value in enumerate(ordered)}
        return Scale(np.array([step[v] for v in values]), list(step.values()), [str(v) for v in ordered])
    numbers = np.asarray(values, float)
    log = is_logarithmic(values)
    drawn = np.log(numbers) if log else numbers
    low, high = drawn.min(), drawn.max()
    if high == low:
        return Scale(np.full(len(numbers), 0.5), [0.5], [f"{numbers[0]:.3g}"])
    few = np.unique(drawn)
    ends = few if len(few) <= MOST_TICKS else np.linspace(low, high, 5)
    labels = [f"{v:.3g}" for v in (np.exp(ends) if log else ends)]
    return Scale((drawn - low) / (high - low), ((ends - low) / (high - low)).tolist(), labels)


def _choose_colours(metric: np.ndarray) -> tuple[Normalize, np.ndarray]:
    """Return a norm of the finite values, and the values, where the worst finite one replaces those not finite."""
    from matplotlib.colors import LogNorm, Normalize

    finite = metric[np.isfinite(metric)]
    if not len(finite):
        return Normalize(0, 1), np.ones(len(metric))
    filled = np.where(np.isfinite(metric), metric, finite.max())
    norm = LogNorm if finite.min() > 0 and finite.max() >= 20 * finite.min() else Normalize
    return norm(filled.min(), filled.max()), filled


def draw_parallel(axes: Axes, columns: Mapping[str, Sequence[object]], metric: Sequence[float], name: str) -> None:
    """Draw parallel coordinates: one line for each setting, coloured by the metric.

    There is one vertical axis for each field, and a last one for the metric.

    Args:
        axes: where to draw.
        columns: for each field its n values.
        metric: n values.
        name: name of the metric.
    """
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection

    norm, values = _choose_colours(np.asarray(metric, float))
    scales = {**{field: make_scale(column) for field, column in columns.items()}, name: make_scale(values.tolist())}
    places = np.stack([s.places for s in scales.values()], axis=1)
    order = np.argsort(-values, kind="stable")  # the best on top
    points = np.stack([np.broadcast_to(np.arange(len(scales)), places.shape), places], axis=2)
    alpha = float(np.clip(20 / len(values), 0.08, 0.8)) if len(values) else 1.0
    lines = LineCollection(list(points[order]), cmap=colormaps[COLOURS], norm=norm, alpha=alpha, linewidth=1)
    lines.set_array(values[order])
    axes.add_collection(lines)
    axes.figure.colorbar(lines, ax=axes, label=name, pad=0.02)
    paper: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.9}
    for i, s in enumerate(scales.values()):
        axes.axvline(i, color="0.3", linewidth=0.8, zorder=1)
        for tick, label in zip(s.ticks[:MOST_CELLS], s.labels[:MOST_CELLS], strict=True):
            place: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8, "zorder": 4, "bbox": paper}
            if i in (0, len(scales) - 1):  # beside the axis, where no line is
                place |= {"ha": "left" if i else "right", "va": "center"}
                axes.annotate(label, (i, tick), (5 if i else -5, 0), **place)
            else:  # above or below the point where the lines meet
                place |= {"ha": "center", "va": "bottom" if tick >= 0.5 else "top"}
                axes.annotate(label, (i, tick), (0, 4 if tick >= 0.5 else -4), **place)
    axes.set(xlim=(-0.5, len(scales) - 0.6), ylim=(-0.12, 1.12), yticks=[])
    axes.set_xticks(range(len(scales)), list(scales))
    axes.spines[:].set_visible(False)


def bin_values(values: Sequence[object]) -> tuple[list[str], np.ndarray]:
    """Return the labels of a heat map's rows or columns, and the index of each value's row or column.

    Many different numbers share bins.
    """
    ordered = _sort_values(values)
    if len(ordered) <= MOST_CELLS or not _is_numeric(values):
        place = {value: i for i, value in enumerate(ordered)}
        return [f"{v:.4g}" if isinstance(v, float) else str(v) for v in ordered], np.array([place[v] for v in values])
    log = is_logarithmic(values)
    numbers = np.log(np.asarray(values, float)) if log else np.asarray(values, float)
    edges = np.linspace(numbers.min(), numbers.max(), BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    labels = [f"{v:.3g}" for v in (np.exp(middles) if log else middles)]
    return labels, np.clip(np.searchsorted(edges, numbers, "right") - 1, 0, BINS - 1)
