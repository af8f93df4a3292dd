"""The command `letterocr predict RUN_FOLDER PICTURE ...`: a trained network reads pictures."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.home import expand_path

if TYPE_CHECKING:
    from letterocr.api.reading import LetterReading, Reading

LEAST_SHOWN = 0.01  # smaller shares are left out of a line
MOST_SHOWN = 6  # shares in a line
NOTHING_READ = 1  # exit status
NO_FAMILIARITY = (
    "was trained by an earlier version, so everything is read as a letter, also what is none: "
    "train it again, and predict refuses such pictures."
)


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "predict",
        "Read letters, words and pages with a trained network.",
        [
            "letterocr predict outputs/RUN_FOLDER letter.png",
            "letterocr predict outputs/RUN_FOLDER scans --json",
            "letterocr predict outputs/RUN_FOLDER word.jpg --show seen.png",
        ],
    )
    parser.add_word("run_folder", "the folder that train printed", type=expand_path, metavar="RUN_FOLDER")
    parser.add_word(
        "images",
        "pictures of letters, of any size and polarity, or folders of them",
        type=Path,
        nargs="+",
        metavar="PICTURE",
    )
    parser.add_option("json", "print one JSON object on each line, for programs", action="store_true")
    parser.add_option("one", "take all ink of a picture for one letter", action="store_true")
    parser.add_option(
        "show",
        "draw what the network saw into this PNG, and show it in kitty, Ghostty, iTerm2, WezTerm and mintty",
        type=Path,
        default=None,
        metavar="FILE.png",
    )
    return parser


def format_lines(name: str, reading: Reading) -> str:
    """Return what to read: one line for one letter; for several the text, then one line for each."""
    if len(reading.letters) == 1:
        return f"{name}: {format_letter(reading.letters[0])}"
    text = reading.text.replace("\n", " / ")
    return "\n".join([f"{name}: {text}", *(f"  {format_letter(part)}" for part in reading.letters)])


def format_letter(part: LetterReading) -> str:
    """Return the letter, the runner-up, and the six largest shares of 1 % or more."""
    outputs = sorted(part.outputs.items(), key=lambda pair: -pair[1])
    shown = "  ".join(f"{letter} {share:.0%}" for letter, share in outputs[:MOST_SHOWN] if share >= LEAST_SHOWN)
    return f"{part.letter}, else {part.runner_up}   [{shown}]"


def format_json(name: str, reading: Reading) -> str:
    """Return one line for programs, a JSON object; a picture of one letter has its facts beside the list too."""
    letters = [_list_facts(part) | {"line": part.line} for part in reading.letters]
    facts: dict[str, Any] = {"file": name, "text": reading.text, "letters": letters}
    if not letters:
        return json.dumps(facts | {"reason": reading.reason})
    return json.dumps(facts | (_list_facts(reading.letters[0]) if len(letters) == 1 else {}))


def _list_facts(part: LetterReading) -> dict[str, Any]:
    return {"letter": part.letter, "runner_up": part.runner_up, "outputs": part.outputs, "box": part.box}


def list_given(paths: Sequence[Path]) -> Iterator[Path | str | UserError]:
    """Yield the pictures, those of a folder in order of their names.

    A folder also yields a sentence on what is left out of it, and an error if it has no picture.
    """
    from letterocr.data.picture_files import describe_left_out, list_pictures

    for path in paths:
        if not path.is_dir():
            yield path
            continue
        pictures, others = list_pictures(path.rglob("*"))
        yield from pictures
        if note := describe_left_out(others, path):
            yield note
        if not pictures:
            yield UserError(f"{path} has no picture: give a folder with PNG or JPEG files.")


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    A picture that can't be read gives one sentence and status 2, one without a letter a sentence and status 1; the
    others are read.
    """
    given = make_parser().parse_args(arguments)
    from letterocr.api.trained_run import load

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file may not be valid text
    status = 0
    try:
        run = load(given.run_folder)
        run.check_finite()
        if not run.reader.familiarity:
            complain(f"{given.run_folder} {NO_FAMILIARITY}")
    except UserError as error:
        sys.exit(complain(str(error)))
    shown = []
    for path in list_given(given.images):
        if isinstance(path, UserError):
            status = complain(str(path))
            continue
        if isinstance(path, str):
            complain(path)
            continue
        try:
            reading = run.read(path, given.one)
        except UserError as error:
            status = complain(str(error))
            continue
        if not reading.letters:
            status = status or NOTHING_READ
        if given.json:
            print(format_json(str(path), reading))
        elif reading.letters:
            print(format_lines(str(path), reading))
        else:
            complain(reading.reason)
        shown.append((path, reading.letters))
    if given.show and shown:
        from letterocr.base.terminal_picture import show_in_terminal
        from letterocr.figures.seen_letters import draw_seen

        draw_seen(run.network, shown, given.show)
        if not given.json:
            show_in_terminal(given.show)
            print(f"{given.show}: what the network saw")
    sys.exit(status)


if __name__ == "__main__":
    main()
