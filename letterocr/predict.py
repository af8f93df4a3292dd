"""The command `letterocr predict RUN_FOLDER IMAGE ...`: a trained network reads pictures."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.home import expand_path

if TYPE_CHECKING:
    from letterocr.api.reading import Reading

LEAST_SHOWN = 0.01  # smaller shares are left out of a line
MOST_SHOWN = 6  # shares in a line


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "predict",
        "Read letters with a trained network.",
        ["letterocr predict outputs/RUN_FOLDER letter.png", "letterocr predict outputs/RUN_FOLDER *.png --json"],
    )
    parser.add_word("run_folder", "the folder that train printed", type=expand_path, metavar="RUN_FOLDER")
    parser.add_word(
        "images", "pictures of one letter each, of any size and polarity", type=Path, nargs="+", metavar="IMAGE"
    )
    parser.add_option("json", "print one JSON object on each line, for programs", action="store_true")
    return parser


def format_line(name: str, reading: Reading) -> str:
    """Return one line to read: the letter, the runner-up, and the six largest shares of 1 % or more."""
    (part,) = reading.letters
    outputs = sorted(part.outputs.items(), key=lambda pair: -pair[1])
    shown = "  ".join(f"{letter} {share:.0%}" for letter, share in outputs[:MOST_SHOWN] if share >= LEAST_SHOWN)
    return f"{name}: {part.letter}, else {part.runner_up}   [{shown}]"


def format_json(name: str, reading: Reading) -> str:
    """Return one line for programs, a JSON object."""
    (part,) = reading.letters
    facts: dict[str, Any] = {"letter": part.letter, "runner_up": part.runner_up, "outputs": part.outputs}
    return json.dumps({"file": name, **facts, "box": part.box})


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: each picture that can't be read gives one sentence and status 2; the others are read."""
    given = make_parser().parse_args(arguments)
    from letterocr.api.trained_run import load

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file may not be valid text
    status = 0
    try:
        run = load(given.run_folder)
        run.check_finite()
    except UserError as error:
        sys.exit(complain(str(error)))
    for path in given.images:
        try:
            reading = run.read(path)
        except UserError as error:
            status = complain(str(error))
            continue
        print((format_json if given.json else format_line)(str(path), reading))
    sys.exit(status)


if __name__ == "__main__":
    main()
