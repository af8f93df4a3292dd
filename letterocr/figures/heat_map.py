"""Heat maps of a sweep: two fields are the axes, a third one gives facets, and of all others the best value is shown.

A smaller value is always better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from letterocr.figures.hyperparameters import COLOURS, bin_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FACETS = 6  # values of a field that can give facets


@dataclass(frozen=True)
class HeatMap:
    """One heat map, or several side by side for the values of a third field.

    Attributes:
        x, y: the fields along the columns and the rows.
        columns, rows: labels of the columns and rows, the same in all facets.
        facets: a table [rows, columns] for each value of the third field; one without a name if there is none. NaN
            where there is no run, infinite where the value was not reached.
        facet: the third field, or empty.
        others: fields that vary too; of their settings each cell shows the best.
    """

    x: str
    y: str
    columns: list[str]
    rows: list[str]
    facets: dict[str, np.ndarray]
    facet: str
    others: list[str]


def choose_axes(columns: Mapping[str, Sequence[object]], x: str | None, y: str | None) -> tuple[str, str, str] | None:
    """Return the fields of columns, rows and facets (may be empty); None if fewer than two fields vary.

    Args:
        columns: the values of every field that varies, one for each setting.
        x: the field that is asked for along the columns; None: any.
        y: the field that is asked for along the rows; None: any.
    """
    sizes = {name: len({(type(v), v) for v in values}) for name, values in columns.items()}
    names = sorted((n for n in columns if n not in (x, y)), key=lambda n: -sizes[n])  # stable: the telling ones first
    across = x or next(iter(names), None)
    names = [n for n in names if n != across]
    up = y or next(iter(names), None)
    if across is None or up is None or across == up:
        return None
    facets = [n for n in names if n != up and sizes[n] <= MOST_FACETS]
    return across, up, facets[0] if facets else ""


def make_heat_map(
    columns: Mapping[str, Sequence[object]],
    values: Sequence[float],
    axes: tuple[str, str, str],
    describe: Callable[[str, object], str],
) -> HeatMap:
    """Return the heat map of a metric.

    Args:
        columns: the values of every field that varies, one for each setting.
        values: the metric of each setting.
        axes: the fields of columns, rows and facets.
        describe: returns the value of a field in words.
    """
    x, y, facet = axes
    x_labels, across = _place_values(columns[x], x, describe)
    y_labels, up = _place_values(columns[y], y, describe)
    names, which = _place_values(columns[facet], facet, describe) if facet else ([""], np.zeros(len(values), int))
    facets = {name: np.full((len(y_labels), len(x_labels)), math.nan) for name in names}
    for place, row, column, value in zip(which, up, across, values, strict=True):
        table = facets[names[place]]
        table[row, column] = value if math.isnan(table[row, column]) else min(table[row, column], value)
    return HeatMap(x, y, x_labels, y_labels, facets, facet, [n for n in columns if n not in axes])


def _place_values(
    values: Sequence[object], name: str, describe: Callable[[str, object], str]
) -> tuple[list[str], np.ndarray]:
    labels, places = bin_values(values)
    if len(labels) == len(set(values)):  # each value has a row of its own: it is told in words
        first = {int(place): value for place, value in zip(places, values, strict=True)}
        labels = [describe(name, first[i]) for i in range(len(labels))]
    return labels, places


def draw_heat_map(figure: Figure, heat_map: HeatMap, names: tuple[str, str, str, str], is_share: bool) -> None:
    """Draw a heat map with its facets side by side; cells that were not reached are marked.

    Args:
        figure: an empty figure.
        heat_map: the heat map.
        names: names of x, y, the metric and the facets.
        is_share: whether the metric is a fraction, which is shown in per cent.
    """
    from matplotlib.colors import Normalize

    unreached = "diverged" if is_share else "not\nreached"
    tables = {name: table * (100 if is_share else 1) for name, table in heat_map.facets.items()}
    finite = np.concatenate([table[np.isfinite(table)] for table in tables.values()])
    norm = Normalize(finite.min(), finite.max()) if len(finite) else Normalize(0, 1)
    panels = figure.subplots(1, len(tables), squeeze=False, sharey=True)[0]
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        axes.set_facecolor("0.92")
        shown = np.where(np.isfinite(table), table, np.nan)
        image = axes.imshow(shown, cmap=COLOURS, norm=norm, aspect="auto", origin="lower")
        if table.size <= 150:
            for row, column in np.argwhere(~np.isnan(table)):
                value = table[row, column]
                text = unreached if math.isinf(value) else f"{value:.1f}" if is_share else f"{value:,.0f}"
                dark = math.isfinite(value) and norm(value) < 0.43
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else "black")
        axes.set_xticks(range(len(heat_map.columns)), heat_map.columns, rotation=45, ha="right")
        axes.set_yticks(range(len(heat_map.rows)), heat_map.rows)
        axes.set(xlabel=names[0], title=f"{names[3]}: {name}" if name else "")
    panels[0].set_ylabel(names[1])
    figure.colorbar(image, ax=list(panels), label=names[2])
