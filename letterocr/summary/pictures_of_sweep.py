"""Pictures of a sweep as PNG files, for papers and slides: bands.png, parallel.png and heat_map.png."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.errors import UserError
from letterocr.config.label import LAYERS, name_field
from letterocr.figures.error_curves import draw_band, label_error_axes
from letterocr.figures.heat_map import HeatMap, draw_heat_map
from letterocr.figures.hyperparameters import draw_parallel
from letterocr.figures.png import make_figure, save_png
from letterocr.summary.settings import Sweep
from letterocr.sweep.groups import Group, read_band

MOST_AXES = 9  # fields in the parallel coordinates
LEGEND_WIDTH = 90  # characters in a line of the legend


def draw_bands(sweep: Sweep, groups: Sequence[Group], output: Path) -> list[str]:
    """Write the error curves of settings into bands.png; return a sentence for each setting that can't be drawn."""
    figure, notes = make_figure(8, 5 + 0.2 * len(groups)), []
    axes = figure.subplots()
    for group in groups:
        try:
            label = textwrap.fill(f"{sweep.label(group)}: {sweep.format_quartiles(group)[1]}", LEGEND_WIDTH)
            draw_band(axes, *read_band(group), label)
        except UserError as error:
            notes.append(str(error))
    label_error_axes(axes, outside=True)
    save_png(figure, output / "bands.png")
    return notes


def draw_settings(sweep: Sweep, output: Path) -> None:
    """Write the parallel coordinates of all settings into parallel.png."""
    columns = {
        name_field(name): [LAYERS.get(str(value), value) for value in values]
        for name, values in list(sweep.list_columns().items())[:MOST_AXES]
    }
    figure = make_figure(3 + 1.5 * len(columns), 5)
    scale = 100 if sweep.is_share else 1
    draw_parallel(figure.subplots(), columns, [scale * group.median for group in sweep.groups], sweep.unit)
    save_png(figure, output / "parallel.png")


def draw_map(sweep: Sweep, heat_map: HeatMap, output: Path) -> None:
    """Write the heat map into heat_map.png."""
    figure = make_figure(3 + 4 * len(heat_map.facets), 5)
    names = name_field(heat_map.x), name_field(heat_map.y), f"median {sweep.unit}", name_field(heat_map.facet)
    draw_heat_map(figure, heat_map, names, sweep.is_share)
    if heat_map.others:
        told = f"each cell: the best of all settings of {', '.join(map(name_field, heat_map.others))}"
        figure.suptitle(textwrap.fill(told, 70 * len(heat_map.facets)), fontsize=10)
    save_png(figure, output / "heat_map.png")
