"""Values as people type them: paths of any characters, 1e4 samples, patterns of presets; and what is wrong with others.

Each override is rewritten in Hydra's grammar before Hydra reads it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import Field
from fnmatch import fnmatchcase
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path
from letterocr.compose.grammar import FUNCTION, INTERPOLATION, is_written, quote, split_values, write_text

FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")  # Hydra's own fields that hold a path
DECIMAL = re.compile(r"(?<![\w.])[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
THOUSANDS = {"k": 1000, "K": 1000, "M": 1_000_000}


def rewrite(key: str, value: str, own: Sequence[Field[Any]], choices: Collection[str], is_sweep: bool) -> str:
    """Return a value in Hydra's grammar.

    Args:
        key: the field or group.
        value: what was typed.
        own: descriptions of the field in the config's dataclasses; several choices of a group may have it.
        choices: the presets, if the key is a group.
        is_sweep: whether commas separate the values of a sweep.

    Raises:
        UserError: the value is not what it was meant to be; says what to write.
    """
    if key in FOLDERS or any(f.metadata["verbatim"] for f in own):
        return _write_verbatim(key, value, is_sweep)
    _refuse_gaps(key, value)
    if choices and FUNCTION.fullmatch(value) and value.startswith("glob("):
        return _expand_glob(key, value, choices)
    if any(_is_whole(f) for f in own):
        return _write_whole(key, value, is_sweep)
    if any(f.metadata["bounds"] for f in own):
        return _write_number(key, value, is_sweep)
    return value


def _is_whole(f: Field[Any]) -> bool:
    """Return whether a field holds whole numbers, perhaps among words, as evaluate_every does."""
    return f.type in ("int", "int | None", "list[int]") or (f.type == "str" and str(f.default).isdecimal())


def _write_verbatim(key: str, value: str, is_sweep: bool) -> str:
    """Return a path or a text so that Hydra takes it as it is typed."""
    if key in FOLDERS and value.startswith("~"):
        value = str(expand_path(value))
    if key == "output":
        refuse_numbers_of_runs(key, value)
    parts = split_values(value)
    if not value or _exists(value):
        return write_text(value) if value else value
    if len(parts) > 1 and not is_sweep and all(_exists(part) for part in parts):
        raise UserError(f"{key}={value}: several values make a sweep: add -m.")
    if not is_sweep:
        parts = [value]
    _refuse_gaps(key, value if is_sweep else "")
    return ",".join(part if is_written(part.strip()) else write_text(part) for part in parts)


def refuse_numbers_of_runs(key: str, value: str) -> None:
    """Refuse a folder that depends on a run of a sweep, as Hydra knows it.

    Args:
        key: the field of the folder.
        value: its value before interpolations are resolved.

    Raises:
        UserError: names both.
    """
    if re.search(r"\$\{hydra:(job\.(num|id|override_dirname)|sweep\.subdir)", value):
        why = "is the same for all runs, as each gets a folder of its own inside"
        raise UserError(f"{key}={value}: {why}; leave ${{hydra:...}} out.")


def _exists(text: str) -> bool:
    return bool(text) and os.path.lexists(os.path.expanduser(text))


def _refuse_gaps(key: str, value: str) -> None:
    """Refuse a comma without a value on each of its sides."""
    parts = [part.strip() for part in split_values(value)]
    if len(parts) > 1 and "" in parts:
        empty = parts.index("")
        where = "before the" if empty == 0 else "after the" if empty == len(parts) - 1 else "after a"
        rest = ",".join(part for part in parts if part)
        mend = f"write {key}={rest}, or all values without blanks between them"
        raise UserError(f"{key}={value}: a value is missing {where} comma; {mend}.")


def _expand_glob(key: str, value: str, choices: Collection[str]) -> str:
    """Return the presets that a pattern finds, in place of the pattern; `*` also stands for a slash."""
    inside = value[len("glob(") : -1]
    include, _, exclude = inside.partition("exclude=")
    wanted, unwanted = _read_patterns(include.removeprefix("include=")), _read_patterns(exclude)
    found = [
        name
        for name in choices
        if any(fnmatchcase(name, p) for p in wanted) and not any(fnmatchcase(name, p) for p in unwanted)
    ]
    if not found:
        raise UserError(f"{key}={value}: no {key} has such a name; there are {', '.join(choices)}.")
    return ",".join(found)


def _read_patterns(text: str) -> list[str]:
    return [part.strip(" '\"") for part in text.strip(" ,").strip("[]").split(",") if part.strip()]


def _write_number(key: str, value: str, is_sweep: bool, write: Callable[[str], str] = str) -> str:
    """Return a number or several, with a minus of typesetting as the usual one; refuse a decimal comma."""
    value = value.replace("\N{MINUS SIGN}", "-")
    if INTERPOLATION in value:
        return value
    is_decimal = re.search(r"(?<![\w.])\d+,0\d", value) or (not is_sweep and re.fullmatch(r"[+-]?0,\d+", value))
    if is_decimal:
        raise UserError(f"{key}={value}: a number has a point: write {key}={_put_points(value)}.")
    return DECIMAL.sub(lambda found: write(found[0]), value)


def _put_points(value: str) -> str:
    """Return a value with points in place of the decimal commas, as in 0,05,0,1."""
    return re.sub(r"(\d+),(\d+)", r"\1.\2", value)


def _write_whole(key: str, value: str, is_sweep: bool) -> str:
    """Return whole numbers without point and exponent; refuse other ways to write them."""
    parts = split_values(value)
    for part in parts:
        short = re.fullmatch(r"(\d+(?:\.\d+)?)([kKM])", part)
        if short:
            number = f"{float(short[1]) * THOUSANDS[short[2]]:.0f}"
            raise UserError(f"{key}={value}: write all digits, {key}={value.replace(part, number)}.")
        both = re.fullmatch(r"(\d+)(?:\.\.\.?|:|-)(\d+)", part)
        if both:
            mend = shlex.quote(f"{key}=range({both[1]},{int(both[2]) + 1})")
            raise UserError(f"{key}={value}: for a sweep over these numbers write -m {mend}.")
    if re.fullmatch(r"\d{1,3}(,\d{3})+", value) and (not is_sweep or ",0" in value):
        raise UserError(f"{key}={value}: a number has no commas: write {key}={value.replace(',', '')}.")
    return _write_number(key, value, is_sweep, _drop_point)


def _drop_point(text: str) -> str:
    number = float(text)
    return f"{number:.0f}" if number.is_integer() and not text.lstrip("+-").isdecimal() else text


def explain_unreadable(override: str) -> str:
    """Return a sentence on an override that Hydra's grammar can't read, with the form that works."""
    key, is_field, value = override.partition("=")
    if not is_field:
        return f"{override}: every argument is FIELD=VALUE, as in model=three_layer; --help lists the fields."
    if sum(value.count(c) for c in "([{") != sum(value.count(c) for c in ")]}"):
        mend = "write the value without blanks, or put the whole argument in quotes"
        return f"{override}: a bracket is not closed; {mend}, as in 'seed=range(3)'."
    return f"{override}: this value can't be read; if it is a text, write {shlex.quote(f'{key}={quote(value)}')}."
