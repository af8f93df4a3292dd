"""Charts of a page, which the reader can zoom and ask for values: curves with bands, lines, bars and tables of colours.

A chart is data for plotly.js, which the page holds; `page.js` draws it in the colours of the page.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from letterocr.base.quartiles import compute_row_quartiles
from letterocr.pages.template import Html, escape_text, make_element

COLOURS = ("#2f7dd1", "#d9601e", "#2e9b5b", "#a45bd0", "#c2457f", "#8f7d20", "#1793a6", "#c4483f", "#6d7f8f", "#7a6be0")
MOST_POINTS = 600  # of a curve; more would not be seen
LABEL_WIDTH = 40  # characters in a line of the legend
SAMPLES, ERROR = "samples learned", "test error, %"


def make_chart(
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    alt: str,
    caption: object = "",
    logarithmic: Mapping[str, str] | None = None,
) -> Html:
    """Return a chart.

    Args:
        traces: the traces, as plotly.js has them.
        layout: its layout, as plotly.js has it; the colours come from the page.
        alt: what the chart shows, for readers who cannot see it.
        caption: text below the chart.
        logarithmic: axes that a button makes logarithmic: the text of each button by its axis, such as `xaxis`.
    """
    data = json.dumps(
        _make_plain({"data": list(traces), "layout": dict(layout)}), allow_nan=False, separators=(",", ":")
    )
    buttons = [
        make_element("button", text, type="button", aria_pressed="false", data_axis=axis)
        for axis, text in (logarithmic or {}).items()
    ]
    return make_element(
        "figure",
        *([make_element("div", *buttons, class_="controls")] if buttons else []),
        make_element("div", class_="plot", style=f"height:{layout.get('height', 360)}px"),
        *([make_element("figcaption", caption)] if caption else []),
        make_element("script", Html(data.replace("</", "<\\/")), type="application/json"),
        class_="chart",
        role="figure",
        aria_label=alt,
    )


def _make_plain(value: Any) -> Any:
    """Replace arrays by lists and numbers that are not finite by null, as JSON needs it."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {name: _make_plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_make_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def make_layout(x: str, y: str, legend: int = 0, height: int = 340, **more: Any) -> dict[str, Any]:
    """Return the layout of a chart with two axes.

    Args:
        x: name of the horizontal axis.
        y: name of the vertical axis.
        legend: lines of the legend, which stands below the chart; 0 or 1: no legend.
        height: height without the legend, in pixels.
        **more: further entries.
    """
    own: dict[str, Any] = {"height": height, "margin": {"l": 10, "r": 26, "t": 10, "b": 10}, "showlegend": False}
    whole = {"exponentformat": "none", "separatethousands": True} if x == SAMPLES else {}  # 20,000 and not 20k
    own |= {"xaxis": {"title": {"text": x}} | whole, "yaxis": {"title": {"text": y, "standoff": 12}}}
    if legend > 1:
        own["showlegend"] = True
        own["legend"] = {"orientation": "v", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
        own["legend"] |= {"bgcolor": "rgba(0,0,0,0)"}
        own["height"] += 21 * legend
        own["margin"]["b"] = 21 * legend + 60
    for name, value in more.items():
        own[name] = own.get(name, {}) | value if isinstance(value, dict) else value
    return own


def thin(samples: np.ndarray) -> np.ndarray:
    """Return the indices of at most 600 measurements: all if there are few, else dense at the start and at the end.

    Args:
        samples: [m] samples learned, increasing.
    """
    if len(samples) <= MOST_POINTS:
        return np.arange(len(samples))
    half = MOST_POINTS // 2
    places = np.concatenate([np.geomspace(1, len(samples) - 1, half), np.linspace(0, len(samples) - 1, half)])
    return np.unique(np.rint(places).astype(int))


def wrap_label(label: str) -> str:
    """Return a label for plotly.js, in lines that fit a narrow screen."""
    return "<br>".join(escape_text(line) for line in textwrap.wrap(label, LABEL_WIDTH))


def draw_band(
    samples: np.ndarray, errors: np.ndarray, label: str, place: int, dash: str = "solid"
) -> list[dict[str, Any]]:
    """Return the traces of one curve: the median over networks, and a band of their quartiles if there are several.

    Args:
        samples: [m] samples learned.
        errors: [m, s] fractions misread by s networks; not finite where a network has diverged.
        label: its name in the legend.
        place: number of the curve, which gives its colour.
        dash: style of the line.
    """
    kept = thin(samples)
    x, colour = samples[kept], COLOURS[place % len(COLOURS)]
    low, middle, high = (np.round(100 * row, 2) for row in compute_row_quartiles(errors[kept]))
    line = {"x": x, "y": middle, "name": wrap_label(label), "mode": "lines", "legendgroup": str(place)}
    line["line"] = {"color": colour, "width": 2, "dash": dash}
    line["hovertemplate"] = "sample %{x:,}: %{y:.1f} %<extra>" + wrap_label(label) + "</extra>"
    if errors.shape[1] == 1:
        return [line]
    edge = {"x": x, "mode": "lines", "line": {"width": 0}, "legendgroup": str(place), "showlegend": False}
    edge |= {"hoverinfo": "skip"}
    shade = f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:], 16)},0.22)"
    return [edge | {"y": low}, edge | {"y": high, "fill": "tonexty", "fillcolor": shade}, line]


def make_error_chart(curves: Iterable[tuple[str, np.ndarray, np.ndarray]], alt: str, caption: object = "") -> Html:
    """Return the error curves of several runs or settings, each given as its label, samples [m] and errors [m, s].

    Buttons make the axes logarithmic.
    """
    shown = list(curves)
    traces = [
        trace
        for place, (label, samples, errors) in enumerate(shown)
        for trace in draw_band(samples, errors, label, place, "dash" if place >= len(COLOURS) else "solid")
    ]
    lines = sum(wrap_label(label).count("<br>") + 1 for label, _, _ in shown) if len(shown) > 1 else 0
    layout = make_layout(SAMPLES, ERROR, lines, yaxis={"rangemode": "tozero"})
    buttons = {"xaxis": "Logarithmic samples", "yaxis": "Logarithmic error"}
    return make_chart(traces, layout, alt, caption, buttons)


def make_lines_chart(samples: np.ndarray, lines: Mapping[str, np.ndarray], y: str, logarithmic: bool = False) -> Html:
    """Return lines through log-spaced measurements.

    Args:
        samples: [m] samples learned, an axis that is logarithmic; 0 is left out.
        lines: values [m] by their name in the legend.
        y: name of the vertical axis.
        logarithmic: whether the vertical axis is logarithmic.
    """
    shown = samples > 0
    traces = [{"x": samples[shown], "y": v[shown], "name": name, "mode": "lines+markers"} for name, v in lines.items()]
    scale = {"type": "log" if logarithmic else "linear"}
    layout = make_layout(SAMPLES, y, len(traces), xaxis={"type": "log"}, yaxis=scale)
    ends = "; ".join(f"{name} ends at {v[-1]:.3g}" for name, v in lines.items() if math.isfinite(v[-1]))
    return make_chart(traces, layout, f"{y.capitalize()} against samples learned: {ends}.")


def describe_end(curves: Iterable[tuple[str, np.ndarray, np.ndarray]]) -> str:
    """Return where each curve begins and ends, in words: the text for readers who cannot see the curves."""
    parts = []
    for label, samples, errors in curves:
        first, last = (100 * float(np.median(errors[i])) for i in (0, -1))
        last_text = f"{last:.1f} %" if math.isfinite(last) else "no error, as it diverged,"
        parts.append(f"{label} from {first:.0f} % to {last_text} after {int(samples[-1]):,} samples")
    return "; ".join(parts)
