"""Page of a sweep, summary.html: the best setting, curves with bands, a heat map, and a table of all settings."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.files import write_text
from letterocr.config.label import describe_value, name_field
from letterocr.figures.heat_map import HeatMap
from letterocr.pages.charts import describe_end, make_chart, make_error_chart, make_layout
from letterocr.pages.template import Html, make_columns, make_element, make_heading, make_page, make_table
from letterocr.summary.settings import Sweep, describe_diverged
from letterocr.sweep.groups import Group, read_band
from letterocr.sweep.reader import RunRecord

PAGE = "summary.html"
MOST_ROWS = 2000  # settings in the table of the page; summary.csv has all
DARK = 0.43  # place in the colours of a heat map below which white text has more contrast than black
UNREACHED = "#c9ccd2"  # colour of cells without a number
MOST_BROKEN = 50  # unfinished, failed and damaged runs on the page


def write_sweep_page(
    sweep: Sweep, runs: Sequence[RunRecord], drawn: int, heat_map: HeatMap | None, states: str, folder: Path, path: Path
) -> None:
    """Write the page of a sweep.

    Args:
        sweep: its settings.
        runs: all its runs, those that are not over too.
        drawn: settings whose curves are drawn.
        heat_map: the heat map; None if fewer than two fields vary.
        states: how many runs there are of each state, in words.
        folder: folder of the sweep.
        path: the page.
    """
    parts = [make_element("p", states)]
    if sweep.groups:
        parts += _make_best(sweep)
        parts += _make_curves(sweep, sweep.groups[:drawn])
        parts += _make_map(sweep, heat_map)
        parts += _make_table(sweep, path.parent)
    parts += _list_broken(runs)
    name = folder.resolve().name
    write_text(path, make_page(f"Sweep {name}", parts))


def _make_best(sweep: Sweep) -> list[Html]:
    best = sweep.groups[0]
    low, middle, high = sweep.format_quartiles(best)
    networks = f"{len(best.values)} networks" if len(best.values) > 1 else "one network"
    said = f"Best setting: {sweep.label(best)}, with a median {sweep.measured} of {middle}"
    said += f" (quartiles {low} to {high}, {networks})." if len(best.values) > 1 else f" ({networks})."
    return [make_element("p", said, class_="big")]


def _make_curves(sweep: Sweep, groups: Sequence[Group]) -> list[Html]:
    curves, notes = [], []
    for group in groups:
        try:
            samples, errors = read_band(group)
        except UserError as error:
            notes.append(make_element("p", str(error), class_="faint"))
            continue
        diverged = f" ({describe_diverged(group)})" if group.diverged else ""
        curves.append((f"{sweep.label(group)}{diverged}", samples, errors))
    if not curves:
        return notes
    caption = "Median over the networks of a setting and a band of their quartiles. Click a name to hide its curve."
    alt = f"Test error against samples learned, best settings first: {describe_end(curves)}."
    return [make_heading("Curves of the best settings"), make_error_chart(curves, alt, caption), *notes]


def _make_map(sweep: Sweep, heat_map: HeatMap | None) -> list[Html]:
    if heat_map is None:
        return []
    x, y = name_field(heat_map.x), name_field(heat_map.y)
    said = f"Median {sweep.measured} for each {x} and {y}"
    said += f", one chart for each value of {name_field(heat_map.facet)}" if heat_map.facet else ""
    others = ", ".join(map(name_field, heat_map.others))
    said += f"; each cell shows the best of all settings of the other fields ({others})" if others else ""
    tables = {name: 100 * table if sweep.is_share else table for name, table in heat_map.facets.items()}
    finite = np.concatenate([table[np.isfinite(table)] for table in tables.values()])
    ends = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    charts = []
    for name, table in tables.items():
        title = [make_heading(f"{name_field(heat_map.facet)}: {name}", level=3)] if name else []
        charts.append(make_element("div", *title, _draw_facet(sweep, heat_map, table, ends, name)))
    return [make_heading("Heat map"), make_element("p", said + "."), make_columns(*charts)]


def _draw_facet(sweep: Sweep, heat_map: HeatMap, table: np.ndarray, ends: tuple[float, float], name: str) -> Html:
    digits = 1 if sweep.is_share else 0
    texts = [
        ["" if math.isnan(v) else sweep.unreached if math.isinf(v) else f"{v:,.{digits}f}" for v in row]
        for row in table
    ]
    both: dict[str, Any] = {"type": "heatmap", "x": heat_map.columns, "y": heat_map.rows, "xgap": 1, "ygap": 1}
    both |= {"hovertemplate": "%{x}, %{y}: %{text}<extra></extra>", "hoverongaps": False}
    both |= {"texttemplate": "%{text}"} if table.size <= 150 else {}
    bar = {"title": {"text": "%" if sweep.is_share else ""}, "thickness": 10, "outlinewidth": 0}
    own = {"colorscale": "Viridis", "zmin": ends[0], "zmax": ends[1], "colorbar": bar}
    grey = {"colorscale": [[0, UNREACHED], [1, UNREACHED]], "showscale": False}
    is_dark = table < ends[0] + DARK * (ends[1] - ends[0])
    parts = (
        (is_dark, "#fff", own),
        (np.isfinite(table) & ~is_dark, "#000", own | {"showscale": not is_dark.any()}),
        (np.isinf(table), "#000", grey),
    )
    traces = [
        both
        | colours
        | {"z": np.where(cells, np.minimum(table, ends[1]), np.nan), "text": np.where(cells, texts, "")}
        | {"textfont": {"color": ink}}
        for cells, ink, colours in parts
        if cells.any()
    ]
    x, y = name_field(heat_map.x), name_field(heat_map.y)
    axis = {"type": "category", "showgrid": False, "categoryorder": "array"}
    across, up = axis | {"categoryarray": heat_map.columns}, axis | {"categoryarray": heat_map.rows}
    layout = make_layout(x, y, height=200 + 34 * len(heat_map.rows), xaxis=across, yaxis=up)
    best = np.unravel_index(np.argmin(np.where(np.isfinite(table), table, np.inf)), table.shape)
    alt = f"Heat map of the {sweep.measured}{f', {name}' if name else ''}: lowest {texts[best[0]][best[1]]}"
    return make_chart(traces, layout, f"{alt} at {x} {heat_map.columns[best[1]]} and {y} {heat_map.rows[best[0]]}.")


def _make_table(sweep: Sweep, beside: Path) -> list[Html]:
    fields = sweep.fields
    head = [*(name_field(name) for name in fields), sweep.measured, "lower quartile", "upper quartile", "lowest error"]
    head += ["networks", "diverged", "a run of it"]
    if not fields:
        head.insert(0, "setting")
    rows = []
    for group in sweep.groups[:MOST_ROWS]:
        own, (low, middle, high) = group.fields, sweep.format_quartiles(group)
        cells: list[object] = [describe_value(name, own[name]) if name in own else "–" for name in fields] or [
            "all runs"
        ]
        best = min(float(run.result["best_error"]) for run in group.runs)
        cells += [middle, low, high, f"{100 * best:.1f} %", str(len(group.values)), str(group.diverged)]
        rows.append([*cells, _link_run(group.runs[0].path, beside)])
    about = f"{len(sweep.groups):,} settings; runs that differ only in the seed are one setting. Click a title to sort."
    if len(sweep.groups) > MOST_ROWS:
        about += f" The table has the best {MOST_ROWS:,}; summary.csv has every run."
    return [make_heading("All settings"), make_element("p", about), make_table(rows, head, sortable=True)]


def _link_run(run: Path, beside: Path) -> Html:
    """Return the name of a run folder, with a link to its page if it has one."""
    code = make_element("code", run.name)
    if not (run / "page.html").is_file():
        return code
    return make_element("a", code, href=quote(os.path.relpath(run / "page.html", beside)))


def _list_broken(runs: Sequence[RunRecord]) -> list[Html]:
    broken = [run for run in runs if not run.over]
    if not broken:
        return []
    rows = [(run.path.name, run.state, run.reason) for run in broken[:MOST_BROKEN]]
    more = (
        [make_element("p", f"And {len(broken) - MOST_BROKEN:,} more, in summary.csv.")]
        if len(broken) > MOST_BROKEN
        else []
    )
    return [make_heading("Runs without a result"), make_table(rows, ["run folder", "state", "reason"]), *more]
