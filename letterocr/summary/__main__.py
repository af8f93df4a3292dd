"""The command `python -m letterocr.summary FOLDER`: a sweep as one table, its best settings and its pictures."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError, complain, end_quietly

if TYPE_CHECKING:
    from letterocr.summary.groups import Group
    from letterocr.summary.reader import Run

LISTED = 20  # failed, unfinished and damaged runs that are printed; the table has all of them
MOST_AXES = 9  # of the parallel coordinates

EPILOG = """A setting is what runs that differ only in the seed have in common.
Writes summary.parquet, summary.csv, bands.png (the best settings' curves), parallel.png and heat_map.png."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m letterocr.summary", description=__doc__, epilog=EPILOG)
    parser.add_argument("folder", type=Path, help="a folder that holds run folders, at any depth")
    parser.add_argument("--metric", default="final_error", help="final_error, best_error or samples_to_ERROR")
    parser.add_argument("--x", help="field along the heat map; else the first that varies")
    parser.add_argument("--y", help="field up the heat map; else the second that varies")
    parser.add_argument("--top", type=int, default=10, help="settings to print; up to 6 of them are drawn as curves")
    parser.add_argument("--output", type=Path, help="folder for table and pictures; else the sweep's own")
    return parser


def format_metric(value: float) -> str:
    """A metric as people read it: an error in %, samples as a number."""
    if math.isinf(value):
        return "not reached"
    return f"{value:,.0f}" if value > 1 else f"{100 * value:.1f} %"


def format_value(value: Any) -> str:
    """A field's value to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def make_best_table(groups: Sequence[Group], fields: Sequence[str], metric: str) -> Any:
    """The groups as a table for the terminal."""
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


def draw_all(
    runs: Sequence[Run], groups: Sequence[Group], fields: list[str], arguments: argparse.Namespace
) -> list[str]:
    """Write the pictures; a sentence for each that can't be drawn."""
    from letterocr.figures import hyperparameters as sweep
    from letterocr.figures.png import draw_figure, make_figure, save_png
    from letterocr.summary.groups import find_metric, read_band

    metric, notes = find_metric(arguments.metric), []

    def bands(axis: Any) -> None:
        for i, group in enumerate(groups[: min(arguments.top, 6)]):
            label = ", ".join(f"{name} {format_value(group.fields.get(name, '-'))}" for name in fields) or "all runs"
            try:
                sweep.draw_band(axis, *read_band(group), f"{i + 1}: {label}"[:90])
            except UserError as error:
                notes.append(str(error))
        axis.set(xlabel="samples learned", ylabel="test error, %", ylim=(0, 100))
        axis.grid(alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=7)

    save_png(draw_figure(bands, 8, 5), arguments.output / "bands.png")
    if fields:
        columns = {name: [group.fields.get(name, "-") for group in groups] for name in fields[:MOST_AXES]}
        medians = [group.median for group in groups]
        figure = make_figure(2 + 1.5 * len(columns), 5)
        sweep.draw_parallel(figure.subplots(), columns, medians, arguments.metric)
        save_png(figure, arguments.output / "parallel.png")
    x = arguments.x or next((name for name in fields if name != arguments.y), None)
    y = arguments.y or next((name for name in fields if name != x), None)
    if x is None or y is None:
        return [*notes, "No heat map: fewer than two fields vary."]
    over = [run for run in runs if run.over]
    along, up = ([run.fields.get(name, "-") for run in over] for name in (x, y))
    values = [metric(run) for run in over]
    names = (x, y, f"median {arguments.metric}")
    figure = make_figure(8, 6)
    sweep.draw_heat_map(figure.subplots(), along, up, values, names)
    save_png(figure, arguments.output / "heat_map.png")
    return notes


def summarise(arguments: argparse.Namespace) -> None:
    """Read, print and write everything.

    Raises:
        UserError: no runs, or a field or metric that there is not.
    """
    from rich.console import Console

    from letterocr.summary.groups import find_metric, group_runs, list_varying
    from letterocr.summary.reader import read_sweep
    from letterocr.summary.table import write_table

    folder, metric = arguments.folder.expanduser(), find_metric(arguments.metric)
    if arguments.top < 1:
        raise UserError(f"--top={arguments.top}: must be at least 1.")
    try:
        runs = read_sweep(folder)
    except OSError as error:
        raise UserError(f"{folder} can't be read ({error.strerror}): give the folder that holds the runs.") from error
    if not runs:
        raise UserError(f"{folder} holds no run folder: give the folder that train or search wrote to.")
    arguments.output = arguments.output or folder
    over = [run for run in runs if run.over]
    known = {name for run in runs for name in run.fields}
    for option, name in (("--x", arguments.x), ("--y", arguments.y)):
        if name is not None and name not in known:
            raise UserError(f"{option}={name}: no run has that field; summary.csv has all of them as columns.")
    write_table(runs, folder, arguments.output)
    console = Console(width=None if sys.stdout.isatty() else 160)
    counts = ", ".join(f"{n:,} {state}" for state, n in Counter(run.state for run in runs).items())
    console.print(f"{len(runs):,} runs: {counts}", highlight=False)
    others = [run for run in runs if not run.over]
    for run in others[:LISTED]:
        console.print(f"  {run.path.name}: {run.state} ({run.reason})", highlight=False, markup=False, soft_wrap=True)
    if len(others) > LISTED:
        console.print(f"  and {len(others) - LISTED:,} more, in summary.csv")
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
        summarise(_parser().parse_args(arguments))
    except UserError as error:
        sys.exit(complain(str(error)))
    except OSError as error:
        sys.exit(complain(f"{error.filename} can't be written ({error.strerror}): take another --output."))


if __name__ == "__main__":
    main()
