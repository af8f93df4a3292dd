"""Charts of settings and their errors: parallel coordinates, and the error against one field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from letterocr.figures.hyperparameters import is_logarithmic, make_scale
from letterocr.pages.charts import make_chart, make_layout
from letterocr.pages.template import Html, escape_text, make_element

GOOD, BAD = "#2f7dd1", "#d9601e"
FINISHED: dict[str, object] = {"size": 8}
DIVERGED: dict[str, object] = {"size": 9, "color": "#c4483f", "symbol": "triangle-up"}
MOST_LINES = 200  # settings in parallel coordinates


def make_parallel(columns: Mapping[str, Sequence[object]], errors: Sequence[float], unit: str) -> Html:
    """Return parallel coordinates: one line for each setting, coloured by its error.

    Args:
        columns: the values of each field, by its name in words; one for each setting, the best first.
        errors: the error of each setting, in `unit`.
        unit: name of the error, with its unit.
    """
    scales = {name: make_scale(values) for name, values in {**columns, unit: list(errors)}.items()}
    names, span = list(scales), max(max(errors) - min(errors), 1e-9)
    traces: list[dict[str, Any]] = []
    for i in reversed(range(min(len(errors), MOST_LINES))):  # the best on top
        told = ", ".join(f"{name} {values[i]}" for name, values in columns.items())
        line = {"color": _blend((errors[i] - min(errors)) / span), "width": 1.5}
        trace = {"x": names, "y": [scale.places[i] for scale in scales.values()], "mode": "lines", "line": line}
        traces.append(trace | {"hovertemplate": f"{errors[i]:.1f}: {escape_text(told)}<extra></extra>"})
    marks = [(name, tick, label) for name, s in scales.items() for tick, label in zip(s.ticks, s.labels, strict=True)]
    ticks = {"x": [m[0] for m in marks], "y": [m[1] for m in marks], "text": [m[2] for m in marks], "mode": "text"}
    ends = {names[0]: "middle left", names[-1]: "middle right"}  # where no line is; else above or below the point
    sides = [ends.get(name, "top center" if tick >= 0.5 else "bottom center") for name, tick, _ in marks]
    traces.append(ticks | {"textposition": sides, "hoverinfo": "skip", "textfont": {"size": 11}})
    key = {"x": [None], "y": [None], "mode": "markers", "hoverinfo": "skip"}
    bar = {"title": {"text": ""}, "thickness": 10, "outlinewidth": 0}
    marker = {"color": [0], "cmin": min(errors), "cmax": max(errors), "showscale": True, "colorbar": bar}
    traces.append(key | {"marker": marker | {"colorscale": [[0, GOOD], [1, BAD]]}})
    layout = make_layout(
        "",
        "",
        height=380,
        yaxis={"visible": False, "range": [-0.12, 1.12]},
        xaxis={"showgrid": True, "range": [-0.6, len(names) - 0.5]},
    )
    best = ", ".join(f"{name} {values[0]}" for name, values in columns.items())
    alt = f"Parallel coordinates of {', '.join(columns)} and {unit}; the lowest is {errors[0]:.1f} at {best}."
    wide = make_element("div", make_chart(traces, layout, alt), style=f"min-width:{120 * len(names)}px")
    return make_element("div", wide, class_="wide", tabindex="0")


def _blend(share: float) -> str:
    """Return the colour of an error between the lowest (0) and the highest (1)."""
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (GOOD, BAD)]
    return "#" + "".join(f"{round(low + share * (high - low)):02x}" for low, high in zip(*ends, strict=True))


def make_slice(
    values: Sequence[object],
    errors: Sequence[float],
    marks: Sequence[str],
    name: str,
    unit: str,
    lost: Sequence[tuple[object, str]] = (),
) -> Html:
    """Return the error of each setting against one field.

    Args:
        values: the value of the field in each setting.
        errors: the error of each setting, in `unit`.
        marks: text that the reader sees of each setting.
        name: the field in words.
        unit: name of the error, with its unit.
        lost: value and text of each setting that diverged, drawn at 100.
    """
    every = [*values, *(value for value, _ in lost)]
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in every)
    kind = "category" if not numeric else "log" if is_logarithmic(every) else "linear"
    places: list[Sequence[object]] = [values, [value for value, _ in lost]]
    groups = zip(
        places, (errors, [100.0] * len(lost)), (marks, [m for _, m in lost]), (FINISHED, DIVERGED), strict=True
    )
    traces = [
        {"x": list(x) if numeric else [str(v) for v in x], "y": list(y), "text": list(text), "marker": marker}
        | {"mode": "markers", "hovertemplate": "%{text}<extra></extra>"}
        for x, y, text, marker in groups
        if x
    ]
    layout = make_layout(name, unit, height=280, xaxis={"type": kind}, yaxis={"rangemode": "tozero"})
    best = int(np.argmin(errors))
    alt = f"{unit} against {name}: lowest, {errors[best]:.1f}, at {values[best]}"
    alt += f"; {len(lost)} diverged" if lost else ""
    return make_chart(traces, layout, f"{alt}.")
