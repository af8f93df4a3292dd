"""The command `letterocr show RUN [RUN ...]`: it writes the page of a run, or of runs side by side, and opens it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.browser import open_page
from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.home import expand_path

MOST = 12  # runs on one page; `letterocr summary` shows more
SIDE_BY_SIDE = "side-by-side.html"


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "show",
        "Write a page and open it in the browser. Of one run it shows the error curve, the letters that are read "
        "wrongly, what the first layer learned, the settings and the command. Of several runs it shows how they "
        "differ.",
        ["letterocr show outputs/RUN_FOLDER", "letterocr show outputs/RUN_FOLDER outputs/RUN_FOLDER"],
    )
    parser.add_word("runs", "folders that train printed, finished or not", type=expand_path, nargs="+", metavar="RUN")
    shown = f"page.html in the run folder, or {SIDE_BY_SIDE} beside the first"
    parser.add_field("output", None, "the page", expand_path, shown=shown)
    return parser


def _show(runs: Sequence[Path], output: Path | None) -> Path:
    from letterocr.run.run_page import write_run_page
    from letterocr.run.run_view import RunView, view_run

    if len(runs) == 1:
        return write_run_page(view_run(runs[0]), output)
    if len(runs) > MOST:
        raise UserError(f"{len(runs)} runs are too many for one page: give at most {MOST}, or use letterocr summary.")
    views: list[RunView] = []
    notes = []
    for folder in dict.fromkeys(runs):
        try:
            views.append(view_run(folder))
        except UserError as error:
            notes.append(str(error))
    if len(views) < 2:
        raise UserError(notes[0] if notes else f"{runs[0]} is given twice: give different runs.")
    from letterocr.show.runs_compared import write_side_by_side

    return write_side_by_side(views, notes, output or views[0].folder.parent / SIDE_BY_SIDE)


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = make_parser().parse_args(arguments)
    try:
        path = _show(given.runs, given.output)
    except UserError as error:
        sys.exit(complain(str(error)))
    except OSError as error:
        sys.exit(complain(f"{error.filename} can't be written ({error.strerror}): take another output=."))
    print(f"Page: {path}")
    open_page(path)


if __name__ == "__main__":
    main()
