"""A field of a config with its one-line explanation and bounds."""

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
) -> Any:
    """A field with its one-line explanation.

    Args:
        default: its default; a class stands for a new object of it.
        help: what it is, in one line.
        choices: the values that a text may take; a dictionary is asked anew each time, so that it may grow.
        words: what may stand in place of a number.
        low: a number is at least that.
        above: a number is greater than that.
        high: a number is at most that.
        below: a number is less than that.
        runtime: whether it can't change the result, so that it is no part of a run's identity.
        added: whether runs were stored before there was this field: it is part of a run's identity only where it
            differs from its default, which must be what those runs did.
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
    }
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    if isinstance(default, list | dict):
        return field(default_factory=lambda: copy.copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)
