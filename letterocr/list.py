"""The command `letterocr list [FOLDER]`: the runs of a folder, one line each."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import RunningError, UserError, complain, end_quietly
from letterocr.base.home import expand_path
from letterocr.base.text_table import find_width, lay_out_table

if TYPE_CHECKING:
    from letterocr.sweep.reader import RunRecord

HEAD = ["error", "state", "age", "run", "folder"]
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
SORTED = ("label", "error", "age")


def format_age(seconds: float) -> str:
    """Format an age with one unit.

    Example:
        >>> format_age(59), format_age(7300), format_age(200_000)
        ('59 s', '2 h', '2 d')
    """
    unit, size = next((u for u in UNITS if seconds >= u[1]), UNITS[-1])
    return f"{max(int(seconds // size), 0)} {unit}"


def _find_state(run: RunRecord) -> str:
    """Return the state of a run, `running` if a process trains it now."""
    from letterocr.run.lock import Lock

    if run.state == "unfinished":
        try:
            Lock(run.path).refuse()
        except RunningError:
            return "running"
    return run.state


def _find_time(run: RunRecord) -> float:
    """Return when the run ended, or when its folder last changed."""
    for path in (run.path / "result.json", run.path):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return time.time()


def list_runs(folder: Path, sort: str) -> list[str]:
    """Return the lines of the table of all runs in a folder, and a sentence for each one that is damaged.

    Args:
        folder: a folder that holds run folders, at any depth.
        sort: label, error or age.

    Raises:
        UserError: there are none.
    """
    from letterocr.config.label import make_labels
    from letterocr.sweep.reader import find_runs

    runs = find_runs(folder)
    labels, now = make_labels([run.fields for run in runs]), time.time()
    keyed: list[tuple[str | float, list[str]]] = []
    for run, label in zip(runs, labels, strict=True):
        age, error = now - _find_time(run), float(run.result.get("error", float("inf")))
        shown = f"{100 * error:.1f} %" if run.state == "finished" else "–"
        name = str(run.path.relative_to(folder)) if run.path != folder else str(folder)
        cells = [shown, _find_state(run), format_age(age), label if run.fields else "–", name]
        keyed.append((label if sort == "label" else error if sort == "error" else age, cells))
    keyed.sort()
    notes = [f"{run.path}: {run.state} ({run.reason})." for run in runs if run.state in ("failed", "damaged")]
    return [*lay_out_table([cells for _, cells in keyed], HEAD, find_width(), cut=3), *notes]


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "list",
        "List the runs of a folder, finished or not: what distinguishes each one, its test error, state and age.",
        ["letterocr list", "letterocr list outputs --sort error"],
    )
    help = "a folder that holds run folders, at any depth; without it: outputs"
    parser.add_word("folder", help, type=expand_path, nargs="?", default=Path("outputs"), metavar="FOLDER")
    parser.add_option("sort", "order of the lines", choices=SORTED, default="label")
    return parser


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = make_parser().parse_args(arguments)
    try:
        print("\n".join(list_runs(given.folder, given.sort)))
    except UserError as error:
        sys.exit(complain(str(error)))


if __name__ == "__main__":
    main()
