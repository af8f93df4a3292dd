"""The command `letterocr curves RUN_FOLDER ...`: error curves of runs, finished or not, in one picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.files import replace_file
from letterocr.base.home import expand_path


def draw_curves(folders: Sequence[Path], labels: Sequence[str], output: Path) -> None:
    """Write one picture with the error curve of every run folder.

    Args:
        folders: the run folders.
        labels: labels of the first folders; the others are labelled by what distinguishes them.
        output: path of the picture; its suffix gives the format, PNG if it has none.

    Raises:
        UserError: a folder holds no whole curve, there are more labels than folders, or the picture can't be written.
    """
    from letterocr.config.label import make_labels
    from letterocr.figures.error_curves import draw_band, label_error_axes
    from letterocr.figures.png import make_figure
    from letterocr.run.curve import read_curve
    from letterocr.sweep.reader import read_run

    if len(labels) > len(folders):
        raise UserError(f"--labels {' '.join(labels)}: there are only {len(folders)} run folders; leave some out.")
    fields = [read_run(folder).fields for folder in folders]
    found = make_labels(fields) if all(fields) else [folder.name for folder in folders]
    figure = make_figure(7, 4)
    axes = figure.subplots()
    for folder, label, own in zip(folders, found, [*labels, *[""] * (len(folders) - len(labels))], strict=True):
        draw_band(axes, *read_curve(folder), own or label)
    label_error_axes(axes)
    try:
        with replace_file(output) as temporary:
            figure.savefig(temporary, dpi=110, format=output.suffix.removeprefix(".") or "png")
    except OSError as error:
        raise UserError(f"{output} can't be written ({error.strerror}): take another output=.") from error
    except ValueError as error:
        raise UserError(f"output={output}: {error}.") from error


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "curves",
        "Draw the error curves of runs, finished or not, in one picture.",
        ["letterocr curves outputs/RUN_FOLDER outputs/RUN_FOLDER --labels two three"],
    )
    parser.add_word("run_folders", "folders that train printed", type=expand_path, nargs="+", metavar="RUN_FOLDER")
    parser.add_field("output", Path("curves.png"), "the picture; its suffix gives the format", expand_path)
    parser.add_option(
        "labels", "labels of the folders; else what distinguishes them", nargs="*", default=[], metavar="NAME ..."
    )
    return parser


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = make_parser().parse_args(arguments)
    try:
        draw_curves(given.run_folders, given.labels, given.output)
    except UserError as error:
        sys.exit(complain(str(error)))
    print(f"Picture: {given.output}")


if __name__ == "__main__":
    main()
