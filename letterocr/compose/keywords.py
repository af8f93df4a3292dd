"""Conversion of the keyword arguments of `letterocr.fit` to overrides.

samples=200, model__hidden=[64], data__path="my letters.npz"
-> ["samples=200", "model.hidden=[64]", "data.path='my letters.npz'"]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.compose.grammar import quote


def write_overrides(fields: Mapping[str, Any]) -> list[str]:
    """Write keyword arguments as overrides, choices of a group first.

    Args:
        fields: values by name of the field; two underscores stand for a dot.

    Raises:
        UserError: a value is of a type that no field has.

    Example:
        >>> write_overrides({"model__hidden": [64, 32], "model": "four_layer", "evaluate_every": "log"})
        ['model=four_layer', 'evaluate_every=log', 'model.hidden=[64,32]']
    """
    named = {name.replace("__", "."): value for name, value in fields.items()}
    names = sorted(named, key=lambda name: "." in name)
    return [f"{name}={write_value(named[name], name)}" for name in names]


def write_value(value: Any, name: str) -> str:
    """Write a value in Hydra's grammar.

    Args:
        value: a number, text, path, None, or a list or dictionary of these; also a number or array of NumPy or PyTorch.
        name: the field, for the message.

    Raises:
        UserError: the value is of another type.

    Example:
        >>> write_value([0.5, None, "a b"], "field"), write_value(True, "field")
        ("[0.5,null,'a b']", 'true')
    """
    if hasattr(value, "tolist"):  # a number or array of NumPy or PyTorch
        value = value.tolist()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return _write_text(str(value))
    if isinstance(value, list | tuple):
        return f"[{','.join(write_value(part, name) for part in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{_write_text(str(key))}:{write_value(part, name)}" for key, part in value.items())
        return f"{{{','.join(pairs)}}}"
    raise UserError(f"{name}={value!r} is a {type(value).__name__}: give a number, a text, a list or None.")


def _write_text(text: str) -> str:
    """Return a text in quotes unless it is a word or a number."""
    return text if re.fullmatch(r"[\w./-]+", text, re.ASCII) else quote(text)
