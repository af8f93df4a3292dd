"""Fields of a config dataclass, with a one-line explanation and bounds."""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import field
from typing import Any


def option(
    default: Any,
    help: str,
    *,
    choices: Collection[str] = (),
    words: tuple[str, ...] = (),
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    below: float | None = None,
    runtime: bool = False,
    added: bool = False,
    verbatim: bool = False,
) -> Any:
    """Make a dataclass field with its one-line explanation and its bounds.

    Args:
        default: the default value; a class stands for a new object of that class.
        help: the explanation that `--help` prints, in one line.
        choices: the texts that are allowed; a dictionary is read at each check, so that it may grow.
        words: texts that are allowed in place of a number, such as `auto`.
        low: the least number that is allowed.
        above: the number must be greater than this.
        high: the greatest number that is allowed.
        below: the number must be less than this.
        runtime: whether the field can't change the result and so is no part of a run's identity.
        added: whether some runs were stored before the field existed. The field is then part of a run's identity only
            if it differs from its default, which must be what those runs did.
        verbatim: whether the value is a path or any text, which is taken as it is typed.
    """
    bounds = {"at least": low, "greater than": above, "at most": high, "below": below}
    kept = {name: bound for name, bound in bounds.items() if bound is not None}
    metadata = {
        "help": help,
        "choices": choices,
        "words": words,
        "bounds": kept,
        "runtime": runtime,
        "added": added,
        "verbatim": verbatim,
    }
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    if isinstance(default, list | dict):
        return field(default_factory=lambda: copy.copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)
