"""The command `letterocr play [RUN ...]`: it writes a page on which one draws letters and trains, and opens it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.browser import open_page
from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.home import expand_path

if TYPE_CHECKING:
    from letterocr.api.trained_run import Run

PAGE = "play.html"
# The plain engine needs no compiled loops, so that the first page takes no longer than the next one.
SHARED: dict[str, Any] = {"engine": "reference", "evaluate_every": "log", "snapshots": "log", "tensorboard": False}
TRAINED: tuple[dict[str, Any], ...] = (
    {"model": "three_layer", "rule": "printed", "samples": 2000},
    {"model": "two_layer", "samples": 4000},
)


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "play",
        "Write a page and open it in the browser. There you draw a letter and see the matrices read it, let the "
        "network learn it step by step, race networks against each other, and take the alphabet matrix apart. "
        "Without a run, two networks are trained first.",
        ["letterocr play", "letterocr play outputs/RUN_FOLDER", "letterocr play outputs/ONE_RUN outputs/ANOTHER_RUN"],
    )
    parser.add_word("runs", "folders that train printed, finished or not", type=expand_path, nargs="*", metavar="RUN")
    shown = f"{PAGE} in the folder of the run, or in this folder"
    parser.add_field("output", None, "the page", expand_path, shown=shown)
    return parser


def train_networks(folder: str) -> list[Run]:
    """Train the networks of a page without a run, on the letters that the package draws itself.

    Args:
        folder: where the runs are kept, with the snapshots of their training.
    """
    from letterocr.api.fitting import fit

    print("Training two networks on synthetic letters: less than a minute on two free cores.", flush=True)
    return [fit(output=folder, **SHARED, **fields) for fields in TRAINED]


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = make_parser().parse_args(arguments)
    from letterocr.api.playing import write_play_page
    from letterocr.api.trained_run import load

    try:
        with tempfile.TemporaryDirectory() as scratch:
            runs = [load(folder) for folder in dict.fromkeys(given.runs)] or train_networks(scratch)
            folder = runs[0].folder if len(runs) == 1 else None
            path = write_play_page(runs, given.output or (folder or Path()) / PAGE)
    except UserError as error:
        sys.exit(complain(str(error)))
    print(f"Page: {path}")
    open_page(path)


if __name__ == "__main__":
    main()
