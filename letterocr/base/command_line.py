"""Command lines: every command takes words, fields as `name=value` and options with `--`; help has 80 columns."""

from __future__ import annotations

import argparse
import csv
import math
import re
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from letterocr.base.errors import UserError, complain
from letterocr.base.suggest import suggest

WIDTH = 80  # columns of every help
LEFT = 28  # columns of the name in a row; a longer name has a line of its own
WHAT: dict[object, str] = {int: "a whole number", float: "a finite number"}


@dataclass(frozen=True)
class Field:
    """A field of a command, given as `name=value`.

    Attributes:
        default: its value if it is not given.
        convert: converts the text to the value.
        low: least value of a number; None: no bound.
        choices: the allowed values; empty: any.
    """

    default: Any
    convert: Callable[[str], Any]
    low: float | None
    choices: Collection[str]

    def read(self, name: str, text: str) -> Any:
        """Convert and check the text of a value.

        Args:
            name: name of the field.
            text: the text after `name=`.

        Raises:
            UserError: the value is not allowed; the message says what it must be.
        """
        least = "" if self.low is None else f", at least {self.low:g}"
        try:
            value = self.convert(_drop_exponent(text) if self.convert is int else text)
            if self.low is not None and not self.low <= value < math.inf:
                raise ValueError("too small, or not finite")
        except ValueError as error:
            raise UserError(f"{name}={text}: must be {WHAT.get(self.convert, 'of another form')}{least}.") from error
        for word in value if isinstance(value, list) else [value]:
            if self.choices and word not in self.choices:
                hint = suggest(word, self.choices, f"choose among {', '.join(self.choices)}.")
                raise UserError(f"{name}={text}: there is no {name} {word}; {hint}")
        return value


class CommandParser(argparse.ArgumentParser):
    """Parser of the arguments of one command; it also writes the help.

    Args:
        name: name of the command.
        about: what the command does, in one or a few sentences.
        examples: lines that a user may type, some with a comment.
        overrides: the fields of `letterocr train` that the command takes too, with the allowed values of each (empty:
            any); the result has the given ones as `overrides`.
        forms: text of the usage line in place of the words and fields.
    """

    def __init__(
        self,
        name: str,
        about: str,
        examples: Sequence[str] = (),
        overrides: Mapping[str, Collection[str]] | None = None,
        forms: str = "",
    ) -> None:
        super().__init__(prog=f"letterocr {name}", allow_abbrev=False, add_help=False)
        self.about, self.examples, self.overrides, self.forms = about, examples, overrides, forms
        self.fields: dict[str, Field] = {}
        self.rows: dict[str, list[tuple[str, str]]] = {}
        self._usage: list[str] = []
        self._options = ["--help"]
        super().add_argument("--help", "-h", action="help")

    def add_word(self, name: str, help: str, **how: Any) -> None:
        """Add a word, an argument that is known by its position; `how` is for argparse."""
        super().add_argument(name, **how)
        shown = how.get("metavar", name.upper())
        many = {"+": f"{shown} ...", "*": f"[{shown} ...]", "?": f"[{shown}]"}.get(str(how.get("nargs", "")), shown)
        self._usage.append(many)
        self.rows.setdefault("arguments", []).append((shown, help))

    def add_field(
        self,
        name: str,
        default: Any,
        help: str,
        convert: Callable[[str], Any] = str,
        low: float | None = None,
        choices: Collection[str] = (),
        shown: str | None = None,
    ) -> None:
        """Add a field, given as `name=value`; the result has its value as the attribute `name`.

        Args:
            name: name of the field.
            default: its value if it is not given.
            help: explanation in the help.
            convert: converts the text to the value.
            low: least value of a number; None: no bound.
            choices: the allowed values; empty: any.
            shown: text in place of the default in the help; None: the default itself.
        """
        self.fields[name] = Field(default, convert, low, choices)
        self.rows.setdefault("fields", []).append((f"{name}={default if shown is None else shown}", help))

    def add_option(self, name: str, help: str, short: str = "", **how: Any) -> None:
        """Add an option `--name`, perhaps with a short form such as `-m`; `how` is for argparse."""
        super().add_argument(f"--{name}", *filter(None, [short]), **how)
        self._options.append(f"--{name}")
        flag = how.get("action") == "store_true"
        value = how.get("metavar", "|".join(how["choices"]) if "choices" in how else name.upper())
        default = how.get("default")
        told = "" if flag or default in (None, []) else f" (default: {default})"
        shown = (f"{short}, " if short else "") + f"--{name}" + ("" if flag else f" {value}")
        self.rows.setdefault("options", []).append((shown, help + told))

    def list_keys(self) -> dict[str, Collection[str]]:
        """Return the fields that may be given, with the allowed values of each one, empty for any."""
        return {**(self.overrides or {}), **{name: f.choices for name, f in self.fields.items()}}

    def list_options(self) -> list[str]:
        """Return the options that may be given."""
        return self._options

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read the arguments of the command; a mistake ends the process with one sentence and status 2."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            values, overrides, rest = self._take_fields(given)
            found, unknown = self.parse_known_intermixed_args(rest, namespace)
            if unknown:
                raise UserError(self.explain_unknown(unknown[0], given))
        except UserError as error:
            sys.exit(complain(str(error)))
        for name, value in values.items():
            setattr(found, name.replace(".", "_"), value)
        found.overrides = overrides
        return found

    def _take_fields(self, given: list[str]) -> tuple[dict[str, Any], list[str], list[str]]:
        """Return the values of the command's own fields, the overrides, and every other argument."""
        values = {name: f.default for name, f in self.fields.items()}
        overrides, rest = [], []
        options = [name for action in self._actions for name in action.option_strings]
        for text in given:
            key, is_field, value = text.partition("=")
            if is_field and key in self.fields:
                values[key] = self.fields[key].read(key, value)
            elif self.overrides is not None and re.match(r"[+~]{0,2}[A-Za-z]" if is_field else r"~[A-Za-z]", text):
                overrides.append(text)
            elif text.startswith("-") and key not in options and _read_name(key) in self.list_keys():
                raise UserError(self.explain_unknown(text, given))
            else:
                rest.append(text)
        return values, overrides, rest

    def explain_unknown(self, text: str, given: Sequence[str]) -> str:
        """Return a sentence on an argument that the command does not take, with what to write instead.

        Args:
            text: the argument.
            given: all arguments.
        """
        place = given.index(text)
        before, after = "".join(given[place - 1 : place] if place else ""), " ".join(given[place + 1 :])
        if "=" in before and before[-1] in "=,[(":
            return f"{before} {text}: a blank ends an argument; write {before}{text}, or put it all in quotes."
        key, _, value = text.partition("=")
        name = _read_name(key)
        value = value or after.lstrip("= ").partition(" ")[0]
        if name in self.list_keys():
            what = f"{text}: a field has no dashes" if text.startswith("-") else f"{text}: a field has no blanks"
            return f"{what}; write {name}={'VALUE' if not value or value.startswith('-') else value}."
        if text.startswith("-"):
            hint = suggest(text, self._options, f"{self.prog} --help lists every one.")
            return f"{text}: {self.prog} has no such option; {hint}"
        fields = [name for name, choices in self.list_keys().items() if text in choices]
        if fields:
            return f"{text}: write {fields[0]}={text}."
        return f"{text}: {self.prog} takes no such argument; {self.prog} --help shows what it takes."

    def error(self, message: str) -> NoReturn:
        """End the process with one sentence and status 2."""
        sys.exit(complain(f"{self.prog}: {message}; {self.prog} --help shows how."))

    def format_help(self) -> str:
        """Return the help, at most 80 columns wide."""
        takes = self.forms or " ".join([*self._usage, *(["[field=value ...]"] if self.list_keys() else [])])
        parts = [f"{self.prog} {takes}".rstrip() + (" [--options]" if self.rows.get("options") else ""), ""]
        for paragraph in self.about.split("\n\n"):
            parts += [*textwrap.wrap(" ".join(paragraph.split()), WIDTH), ""]
        if self.examples:
            parts += [*(f"  {line}" for line in self.examples), ""]
        for title, rows in self.rows.items():
            parts += [title, *lay_out(rows), ""]
        return "\n".join(parts)


def _drop_exponent(text: str) -> str:
    """Return a whole number such as 1e4 or 20.0 in plain digits; any other text as it is."""
    number = float(text)
    return f"{number:.0f}" if number.is_integer() and not text.strip("+-").isdecimal() else text


def _read_name(key: str) -> str:
    """Return the name of the field that someone may have meant by an option, as by --learning-rate."""
    return key.lstrip("-").replace("-", "_")


def lay_out(rows: Sequence[tuple[str, str]], indent: int = 2, left: int = LEFT) -> list[str]:
    """Return names and their meanings as lines of at most 80 columns.

    Args:
        rows: each name with its meaning.
        indent: columns before a name.
        left: columns of a name; a longer name has a line of its own.

    Example:
        >>> lay_out([("seed=0", "of the run")], left=10)
        ['  seed=0    of the run']
    """
    lines = []
    for name, meaning in rows:
        text = textwrap.wrap(meaning, WIDTH - left - indent, break_long_words=False, break_on_hyphens=False)
        if len(name) >= left:
            lines.append(" " * indent + name)
        else:
            first = text.pop(0) if text else ""
            lines.append(f"{'':{indent}}{name:<{left}}{first}".rstrip())
        lines += [" " * (indent + left) + line for line in text]
    return lines


def split_words(text: str) -> list[str]:
    """Split a list at its commas, except inside single quotes, as Hydra's sweeps do.

    Example:
        >>> split_words("emnist,'a,b.npz'")
        ['emnist', 'a,b.npz']
    """
    return next(csv.reader([text], quotechar="'"), [])
