"""The command `letterocr summary FOLDER`: a sweep on one page, its table, its best settings and its pictures."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.home import expand_path
from letterocr.base.text_table import find_width, lay_out_table

if TYPE_CHECKING:
    from rich.console import Console

    from letterocr.figures.heat_map import HeatMap
    from letterocr.summary.settings import Sweep
    from letterocr.sweep.groups import Group
    from letterocr.sweep.reader import RunRecord

LISTED = 20  # failed, unfinished and damaged runs that are printed; the table has all of them
MOST_BANDS = 6  # settings that are drawn as curves

ABOUT = """Show a sweep as one table, with its best settings and its pictures. Runs that differ only in the seed have
the same setting.

The command writes a page, summary.html, with curves and a table to sort; summary.csv and summary.parquet with every
run; and pictures for papers: bands.png (curves of the best settings), parallel.png and heat_map.png."""


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser("summary", ABOUT, ["letterocr summary outputs --metric samples_to_0.2"])
    parser.add_word("folder", "a folder that holds run folders, at any depth", type=expand_path, metavar="FOLDER")
    parser.add_field("output", None, "the folder for table and pictures", expand_path, shown="FOLDER")
    parser.add_option("metric", "final_error, best_error or samples_to_ERROR", default="final_error")
    parser.add_option("x", "horizontal field of the heat map; else the one with the most values", metavar="FIELD")
    parser.add_option("y", "vertical field of the heat map; else the next one", metavar="FIELD")
    parser.add_option(
        "top", "settings to print; up to 6 of them are drawn as curves", type=int, default=10, metavar="N"
    )
    return parser


def draw_all(sweep: Sweep, groups: Sequence[Group], heat_map: HeatMap | None, output: Path) -> list[str]:
    """Write the pictures; return a sentence for each picture or curve that can't be drawn."""
    from letterocr.summary.pictures_of_sweep import draw_bands, draw_map, draw_settings

    notes = draw_bands(sweep, groups, output)
    if sweep.fields:
        draw_settings(sweep, output)
    if heat_map is None:
        return [*notes, "No heat map: fewer than two fields vary."]
    draw_map(sweep, heat_map, output)
    return notes


def describe_states(runs: Sequence[RunRecord]) -> str:
    """Return the number of runs of each state, in words."""
    counts = ", ".join(f"{n:,} {state}" for state, n in Counter(run.state for run in runs).items())
    return f"{len(runs):,} runs: {counts}"


def print_states(runs: Sequence[RunRecord], console: Console) -> None:
    """Print the number of runs of each state, and the runs that are not over."""
    console.print(describe_states(runs))
    others = [run for run in runs if not run.over]
    for run in others[:LISTED]:
        console.print(f"  {run.path.name}: {run.state} ({run.reason})")
    if len(others) > LISTED:
        console.print(f"  and {len(others) - LISTED:,} more, in summary.csv")


def summarise(arguments: argparse.Namespace) -> None:
    """Read the runs, print the table, and write the files.

    Raises:
        UserError: there are no runs, or a field or metric does not exist.
    """
    from rich.console import Console

    from letterocr.summary.settings import Sweep, list_rows
    from letterocr.summary.sweep_page import PAGE, write_sweep_page
    from letterocr.summary.table import write_table
    from letterocr.sweep.groups import find_metric, group_runs
    from letterocr.sweep.reader import find_runs

    folder, metric = arguments.folder, find_metric(arguments.metric)
    if arguments.top < 1:
        raise UserError(f"--top={arguments.top}: must be at least 1.")
    runs = find_runs(folder)
    arguments.output = arguments.output or folder
    known = {name for run in runs for name in run.fields}
    for option, name in (("--x", arguments.x), ("--y", arguments.y)):
        if name is not None and name not in known:
            raise UserError(f"{option}={name}: no run has that field; summary.csv has all of them as columns.")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    print_states(runs, console)
    try:
        sweep = Sweep(group_runs(runs, metric), arguments.metric)
    except UserError as error:
        raise UserError(f"--metric={arguments.metric} needs every curve, but {error}") from error
    best, heat_map = sweep.groups[: arguments.top], None
    if best:
        console.print(f"\nbest settings by {sweep.measured}, median and quartiles over networks:", style="bold")
        head = ["median", "quartiles", "networks", "setting", "a run of it"]
        console.print("\n".join(lay_out_table(list_rows(sweep, best), head, find_width(), cut=3)))
        if len(sweep.groups) > len(best):
            console.print(f"and {len(sweep.groups) - len(best):,} more settings, on the page")
        heat_map = sweep.make_heat_map(arguments.x, arguments.y)
    page, drawn = arguments.output / PAGE, min(arguments.top, MOST_BANDS)
    write_sweep_page(sweep, runs, drawn, heat_map, describe_states(runs), folder, page)
    console.print(f"\nPage: {page}")
    write_table(runs, folder, arguments.output)
    console.print(f"Table of all runs: {arguments.output / 'summary.csv'} (and .parquet)")
    _describe_for_tensorboard(folder, runs)
    if best:
        for note in draw_all(sweep, best[:drawn], heat_map, arguments.output):
            console.print(note)


def _describe_for_tensorboard(folder: Path, runs: Sequence[RunRecord]) -> None:
    """Tell TensorBoard which fields vary, if the runs have event files and their folder can be written."""
    if any(any(run.path.glob("events.out.*")) for run in runs[:LISTED]):
        from letterocr.sweep.hparams_overview import write_overview

        with contextlib.suppress(OSError):
            write_overview(folder, runs)


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
