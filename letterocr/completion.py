"""The command `letterocr completion bash|zsh`: completion of commands, fields, choices and options, by argcomplete."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import Any

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import end_quietly

SHELLS = ("bash", "zsh")


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "completion",
        "Print the script by which a shell completes the commands, their fields and choices.",
        ['eval "$(letterocr completion bash)"   # in ~/.bashrc; zsh in ~/.zshrc'],
    )
    parser.add_word("shell", "the shell", choices=SHELLS, metavar="bash|zsh")
    return parser


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    import argcomplete

    print(argcomplete.shellcode(["letterocr"], shell=make_parser().parse_args(arguments).shell))


def complete(modules: Mapping[str, str]) -> None:
    """Answer the shell, which asks through argcomplete's environment variables, and end the process.

    Args:
        modules: module of each command, by name.
    """
    import argcomplete

    words = os.environ.get("COMP_LINE", "").split()
    parser = argparse.ArgumentParser(prog="letterocr", add_help=False)
    commands = parser.add_subparsers()
    for name, module in modules.items():
        own = commands.add_parser(name, add_help=False)
        if len(words) > 1 and words[1] == name:
            _add_arguments(own, import_module(module).make_parser())
    argcomplete.autocomplete(parser, always_complete_options=False)


def _add_arguments(parser: argparse.ArgumentParser, command: CommandParser) -> None:
    """Tell argcomplete the options of a command, and its words and fields together."""
    for option in command.list_options():
        parser.add_argument(option, action="store_true")
    words: Any = parser.add_argument("words", nargs="*")
    if command.list_keys():
        words.completer = FieldCompleter(command.list_keys())


class FieldCompleter:
    """Completes `name=value`.

    Args:
        keys: the fields, with the allowed values of each one, empty for any.
    """

    def __init__(self, keys: Mapping[str, Collection[str]]) -> None:
        self.keys = keys

    def __call__(self, prefix: str, **asked: Any) -> list[str]:
        """Return the fields and values that begin with `prefix`; paths if the value of a field may be any text."""
        key, is_field, value = prefix.partition("=")
        if not is_field:
            return [f"{name}=" for name in self.keys if name.startswith(prefix)] + _list_paths(prefix)
        before, comma, last = value.rpartition(",")
        choices = [f"{key}={before}{comma}{choice}" for choice in self.keys.get(key, ()) if choice.startswith(last)]
        return choices or [f"{key}={path}" for path in _list_paths(value)]


def _list_paths(prefix: str) -> list[str]:
    from argcomplete.completers import FilesCompleter

    return list(FilesCompleter()(prefix))


if __name__ == "__main__":
    main()
