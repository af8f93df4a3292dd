"""The command `letterocr summary FOLDER`: a sweep as one table, its best settings and its pictures."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.home import expand_path

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from letterocr.summary.groups import Group
    from letterocr.summary.reader import RunRecord, Value

LISTED = 20  # failed, unfinished and damaged runs that are printed; the table has all of them
MOST_AXES = 9  # fields in the parallel coordinates
MOST_BANDS = 6  # settings that are drawn as curves

ABOUT = """Show a sweep as one table, with its best settings and its pictures. Runs that differ only in the seed have
the same setting.

The command writes summary.parquet, summary.csv, bands.png (curves of the best settings), parallel.png and
heat_map.png."""


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser("summary", ABOUT, ["letterocr summary outputs --metric samples_to_0.2"])
    parser.add_word("folder", "a folder that holds run folders, at any depth", type=expand_path, metavar="FOLDER")
    parser.add_field("output", None, "the folder for table and pictures", expand_path, shown="FOLDER")
    parser.add_option("metric", "final_error, best_error or samples_to_ERROR", default="final_error")
    parser.add_option("x", "horizontal field of the heat map; else the first that varies", metavar="FIELD")
    parser.add_option("y", "vertical field of the heat map; else the second that varies", metavar="FIELD")
    parser.add_option(
        "top", "settings to print; up to 6 of them are drawn as curves", type=int, default=10, metavar="N"
    )
    return parser


def format_metric(value: float) -> str:
    """Format a metric: an error in %, samples as a whole number.

    Example:
        >>> format_metric(0.125), format_metric(1200.0), format_metric(math.inf)
        ('12.5 %', '1,200', 'not reached')
    """
    if math.isinf(value):
        return "not reached"
    return f"{value:,.0f}" if value > 1 else f"{100 * value:.1f} %"


def format_value(value: Value) -> str:
    """Format the value of a field, a number with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def make_best_table(groups: Sequence[Group], fields: Sequence[str], metric: str) -> Table:
    """Return the groups as a table for the terminal.

    Args:
        groups: groups of runs with the same setting, the best first.
        fields: the fields that vary.
        metric: name of the metric.
    """
    from rich.table import Table

    table = Table(title=f"best settings by {metric}")
    for name in (*fields, "runs", "median", "quartiles", "a run of it"):
        table.add_column(name, justify="right" if name in ("runs", "median") else "left", overflow="fold")
    for group in groups:
        own, (low, middle, high) = group.fields, group.quartiles
        cells = [format_value(own.get(name, "-")) for name in fields]
        table.add_row(
            *cells,
            str(len(group.runs)),
            format_metric(middle),
            f"{format_metric(low)} to {format_metric(high)}",
            group.runs[0].path.name,
        )
    return table


def draw_bands(groups: Sequence[Group], fields: Sequence[str], output: Path) -> list[str]:
    """Write the error curves of settings into bands.png; return a sentence for each setting that can't be drawn."""
    from letterocr.figures.error_curves import draw_band, label_error_axes
    from letterocr.figures.png import make_figure, save_png
    from letterocr.summary.groups import read_band

    figure, notes = make_figure(8, 5), []
    axes = figure.subplots()
    for i, group in enumerate(groups):
        label = ", ".join(f"{name} {format_value(group.fields.get(name, '-'))}" for name in fields) or "all runs"
        try:
            draw_band(axes, *read_band(group), f"{i + 1}: {label}"[:90])
        except UserError as error:
            notes.append(str(error))
    label_error_axes(axes, small=True)
    save_png(figure, output / "bands.png")
    return notes


def draw_settings(groups: Sequence[Group], fields: Sequence[str], metric: str, output: Path) -> None:
    """Write the parallel coordinates of all settings into parallel.png."""
    from letterocr.figures.hyperparameters import draw_parallel
    from letterocr.figures.png import make_figure, save_png

    columns = {name: [group.fields.get(name, "-") for group in groups] for name in fields[:MOST_AXES]}
    figure = make_figure(2 + 1.5 * len(columns), 5)
    draw_parallel(figure.subplots(), columns, [group.median for group in groups], metric)
    save_png(figure, output / "parallel.png")


def draw_map(runs: Sequence[RunRecord], x: str, y: str, metric: str, output: Path) -> None:
    """Write the heat map of a metric over two fields into heat_map.png."""
    from letterocr.figures.hyperparameters import draw_heat_map
    from letterocr.figures.png import make_figure, save_png
    from letterocr.summary.groups import find_metric

    measure = find_metric(metric)
    along, up = ([run.fields.get(name, "-") for run in runs] for name in (x, y))
    figure = make_figure(8, 6)
    draw_heat_map(figure.subplots(), along, up, [measure(run) for run in runs], (x, y, f"median {metric}"))
    save_png(figure, output / "heat_map.png")


def draw_all(
    runs: Sequence[RunRecord], groups: Sequence[Group], fields: Sequence[str], arguments: argparse.Namespace
) -> list[str]:
    """Write the pictures; return a sentence for each picture or curve that can't be drawn."""
    notes = draw_bands(groups[: min(arguments.top, MOST_BANDS)], fields, arguments.output)
    if fields:
        draw_settings(groups, fields, arguments.metric, arguments.output)
    x = arguments.x or next((name for name in fields if name != arguments.y), None)
    y = arguments.y or next((name for name in fields if name != x), None)
    if x is None or y is None:
        return [*notes, "No heat map: fewer than two fields vary."]
    draw_map([run for run in runs if run.over], x, y, arguments.metric, arguments.output)
    return notes


def find_runs(folder: Path) -> list[RunRecord]:
    """Find the runs in a folder, at any depth.

    Raises:
        UserError: the folder can't be read, or holds no runs.
    """
    from letterocr.summary.reader import read_sweep

    try:
        runs = read_sweep(folder)
    except OSError as error:
        raise UserError(f"{folder} can't be read ({error.strerror}): give the folder that holds the runs.") from error
    if not runs:
        raise UserError(f"{folder} holds no run folder: give the folder that train or search wrote to.")
    return runs


def print_states(runs: Sequence[RunRecord], console: Console) -> None:
    """Print the number of runs of each state, and the runs that are not over."""
    counts = ", ".join(f"{n:,} {state}" for state, n in Counter(run.state for run in runs).items())
    console.print(f"{len(runs):,} runs: {counts}", highlight=False)
    others = [run for run in runs if not run.over]
    for run in others[:LISTED]:
        console.print(f"  {run.path.name}: {run.state} ({run.reason})", highlight=False, markup=False, soft_wrap=True)
    if len(others) > LISTED:
        console.print(f"  and {len(others) - LISTED:,} more, in summary.csv")


def summarise(arguments: argparse.Namespace) -> None:
    """Read the runs, print the tables, and write the files.

    Raises:
        UserError: there are no runs, or a field or metric does not exist.
    """
    from rich.console import Console

    from letterocr.summary.groups import find_metric, group_runs, list_varying
    from letterocr.summary.table import write_table

    folder, metric = arguments.folder, find_metric(arguments.metric)
    if arguments.top < 1:
        raise UserError(f"--top={arguments.top}: must be at least 1.")
    runs = find_runs(folder)
    arguments.output = arguments.output or folder
    known = {name for run in runs for name in run.fields}
    for option, name in (("--x", arguments.x), ("--y", arguments.y)):
        if name is not None and name not in known:
            raise UserError(f"{option}={name}: no run has that field; summary.csv has all of them as columns.")
    write_table(runs, folder, arguments.output)
    console = Console(width=None if sys.stdout.isatty() else 160)
    print_states(runs, console)
    over = [run for run in runs if run.over]
    if over:
        fields = [name for name in list_varying(over) if name != "seed"]
        try:
            groups = group_runs(runs, metric)
        except UserError as error:
            raise UserError(f"--metric={arguments.metric} needs every curve, but {error}") from error
        console.print(make_best_table(groups[: arguments.top], fields, arguments.metric))
        for note in draw_all(runs, groups, fields, arguments):
            console.print(note, highlight=False, markup=False, soft_wrap=True)
    console.print(f"Written to {arguments.output}.", highlight=False, markup=False, soft_wrap=True)


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    try:
        summarise(make_parser().parse_args(arguments))
    except UserError as error:
        sys.exit(complain(str(error)))
    except OSError as error:
        sys.exit(complain(f"{error.filename} can't be written ({error.strerror}): take another output=."))


if __name__ == "__main__":
    main()
