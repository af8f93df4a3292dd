"""The command `letterocr`, also `python -m letterocr`: it lists the commands and runs one of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from letterocr.base.command_line import lay_out
from letterocr.base.errors import complain, end_quietly
from letterocr.base.suggest import suggest
from letterocr.base.version import __version__

COMMANDS = {
    "train": ("letterocr.train", "train a network and see its error after every sample"),
    "predict": ("letterocr.predict", "read pictures with a trained network"),
    "list": ("letterocr.list", "list the runs of a folder with label, error, state and age"),
    "show": ("letterocr.show.__main__", "open the page of a run, or of runs side by side"),
    "play": ("letterocr.play", "draw letters on a page and watch the matrices read and learn"),
    "curves": ("letterocr.curves", "draw the error curves of runs in one picture"),
    "learning_rate": ("letterocr.learning_rate", "show limits and best values of the learning rate"),
    "search": ("letterocr.search.__main__", "find the settings with the lowest test error"),
    "summary": ("letterocr.summary.__main__", "show a sweep as a table, its best settings and pictures"),
    "compare": ("letterocr.compare.__main__", "compare optimizers, all tuned alike"),
    "reproduce": ("letterocr.reproduce.__main__", "measure the claims of the paper, on one page"),
    "meta_train": ("letterocr.meta_train.__main__", "train the update rule of a learned optimizer"),
    "doctor": ("letterocr.doctor.__main__", "check what this machine or cluster has and lacks"),
    "completion": ("letterocr.completion", "print the script by which bash or zsh completes them"),
}
ABOUT = f"""letterocr {__version__}: gradient descent seen as linear algebra

letterocr COMMAND [field=value ...] [--options]

  letterocr train model=three_layer
  letterocr COMMAND --help

commands"""


def list_commands() -> str:
    """Return the commands with one line each."""
    return "\n".join([ABOUT, *lay_out([(name, line) for name, (_, line) in COMMANDS.items()], left=16)])


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the first argument names."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "_ARGCOMPLETE" in os.environ:
        from letterocr.completion import complete

        complete({name: module for name, (module, _) in COMMANDS.items()})
    elif not given or given[0] in ("--help", "-h", "help"):
        print(list_commands())
    elif given[0] == "--version":
        print(f"letterocr {__version__}")
    elif given[0] in COMMANDS:
        sys.argv = [f"letterocr {given[0]}", *given[1:]]
        import_module(COMMANDS[given[0]][0]).main()
    else:
        hint = suggest(given[0], COMMANDS, "`letterocr` alone lists the commands.")
        sys.exit(complain(f"there is no command {given[0]}; {hint}"))


if __name__ == "__main__":
    main()
