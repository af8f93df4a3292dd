"""Charts of settings and their errors: parallel coordinates, and the error against one field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from letterocr.figures.hyperparameters import is_logarithmic, make_scale
from letterocr.pages.charts import make_chart, make_layout
from letterocr.pages.template import Html, make_element


def make_parallel(columns: Mapping[str, Sequence[object]], errors: Sequence[float], unit: str) -> Html:
    """Return parallel coordinates: one line for each setting, coloured by its error; the reader can select ranges.

    Args:
        columns: the values of each field, by its name in words; one for each setting.
        errors: the error of each setting, in `unit`.
        unit: name of the error, with its unit.
    """
    dimensions: list[dict[str, Any]] = []
    for name, values in {**columns, unit: list(errors)}.items():
        scale = make_scale(values)
        dimension = {"label": name, "values": scale.places, "range": [0, 1]}
        dimensions.append(dimension | {"tickvals": scale.ticks, "ticktext": scale.labels})
    line = {"color": np.asarray(errors, float), "colorscale": "Viridis", "showscale": True}
    line["colorbar"] = {"title": {"text": unit}, "thickness": 10, "outlinewidth": 0}
    trace = {"type": "parcoords", "dimensions": dimensions, "line": line, "labelangle": -8}
    layout = {"height": 380, "margin": {"l": 60, "r": 20, "t": 70, "b": 20}}
    best = int(np.argmin(errors))
    told = ", ".join(f"{name} {values[best]}" for name, values in columns.items())
    alt = f"Parallel coordinates of {', '.join(columns)} and {unit}; the lowest is {errors[best]:.1f} at {told}."
    wide = make_element("div", make_chart([trace], layout, alt), style=f"min-width:{130 * (len(dimensions) + 1)}px")
    return make_element("div", wide, class_="wide", tabindex="0")


def make_slice(values: Sequence[object], errors: Sequence[float], marks: Sequence[str], name: str, unit: str) -> Html:
    """Return the error of each setting against one field.

    Args:
        values: the value of the field in each setting.
        errors: the error of each setting, in `unit`.
        marks: text that the reader sees of each setting.
        name: the field in words.
        unit: name of the error, with its unit.
    """
    trace = {"x": list(values), "y": list(errors), "text": list(marks), "mode": "markers", "marker": {"size": 8}}
    trace["hovertemplate"] = "%{text}<extra></extra>"
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    kind = "category" if not numeric else "log" if is_logarithmic(values) else "linear"
    trace["x"] = trace["x"] if numeric else [str(v) for v in values]
    layout = make_layout(name, unit, height=280, xaxis={"type": kind}, yaxis={"rangemode": "tozero"})
    best = int(np.argmin(errors))
    return make_chart([trace], layout, f"{unit} against {name}: lowest, {errors[best]:.1f}, at {values[best]}.")
