"""A field of a config with its one-line explanation and bounds."""

from __future__ import annotations

import copy
from dataclasses import field
from typing import Any


def option(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    below: float | None = None,
    runtime: bool = False,
):
    """A field with its one-line explanation.

    `choices` are the values that a text may take, `words` what may stand in place of a number; a number is at least
    `low`, greater than `above`, at most `high`, less than `below`. `runtime` marks a field that can't change the
    result, so that it is no part of a run's identity.
    """
    bounds = {"at least": low, "greater than": above, "at most": high, "below": below}
    kept = {name: bound for name, bound in bounds.items() if bound is not None}
    metadata = {"help": help, "choices": choices, "words": words, "bounds": kept, "runtime": runtime}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: copy.copy(default), metadata=metadata)
    return field(default=default, metadata=metadata)
