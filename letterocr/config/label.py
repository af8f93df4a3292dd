"""Labels of runs: what distinguishes each run from its neighbours, in words; and the name of a run's folder.

A run is given as its fields, flat, as `flatten` makes them: `{"model.name": "three_layer", "learning_rate": 0.02}`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

Value = bool | int | float | str
Fields = Mapping[str, Value]

CHOICES = ("model.name", "rule", "optimizer.name", "data.name")  # a choice of these sets other fields
ORDER = (*CHOICES, "learning_rate", "model.temperature")  # the first words of a label; the seed comes last
LETTERS = {"emnist": "EMNIST letters", "images": "own letters", "arrays": "own letters"}
CLASSES = {"all": "letters and digits"}
LAYERS = {"two_layer": "two layers", "three_layer": "three layers", "four_layer": "four layers"}
SHORT = {
    "learning_rate": "lr",
    "model.temperature": "T",
    "data.seed": "letters",
    "evaluate_every": "every",
}  # in the name of a folder
BARE = (*CHOICES, "schedule", "order", "dtype", "engine")  # fields whose value says by itself what it is
MOST_TOLD = 5  # fields that vary and that a label tells in any case
LONGEST_NAME, LONGEST_PART = 90, 24  # characters of a folder's name before its identity, and of one of its parts


def flatten(stored: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Turn nested fields into one dictionary with dotted names; lists and null become JSON text.

    Args:
        stored: the nested fields.
        prefix: prefix of every name.

    Example:
        >>> flatten({"model": {"hidden": [1800], "bias": True}, "seed": 0})
        {'model.hidden': '[1800]', 'model.bias': True, 'seed': 0}
    """
    found: dict[str, Value] = {}
    for name, value in stored.items():
        if isinstance(value, dict):
            found |= flatten(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value if isinstance(value, bool | int | float | str) else json.dumps(value)
    return found


def list_varying(runs: Sequence[Fields]) -> list[str]:
    """Return the fields that do not have the same value in all runs, the most telling ones first and the seed last.

    A field that only some of the runs have varies.

    Example:
        >>> list_varying([{"seed": 0, "rule": "printed"}, {"seed": 1, "rule": "gradient"}])
        ['rule', 'seed']
    """
    found: dict[str, set[tuple[type, Value]]] = {}
    last: dict[str, Value] = {}
    count: Counter[str] = Counter()
    for run in runs:
        count.update(run.keys())
        for name, value in run.items():
            if last.get(name) is not value:  # most values of a sweep are one object
                last[name] = value
                found.setdefault(name, set()).add((type(value), value))
    varying = [name for name, values in found.items() if len(values) > 1 or count[name] < len(runs)]
    return sorted(varying, key=_rank)


def list_ordered(run: Fields) -> list[str]:
    """Return the names of a run's fields in the order of a label: the most telling ones first, the seed last."""
    return sorted(run, key=_rank)


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER) + (name == "seed")


def list_telling(runs: Sequence[Fields]) -> list[str]:
    """Return the fields that vary, without those that follow from another one.

    A field follows from a choice, such as the network, if all runs with the same choice have the same value of it. It
    follows from any other field if that is so although each value of the other field occurs in several runs.

    Example:
        >>> list_telling([{"model.name": "two_layer", "model.hidden": "[]"},
        ...               {"model.name": "three_layer", "model.hidden": "[1800]"}])
        ['model.name']
    """
    names = list_varying(runs)
    columns = {name: [_mark(run.get(name)) for run in runs] for name in names}
    kept: list[str] = []
    for name in names:
        if not any(_follows(columns[name], columns[other], other in CHOICES) for other in kept):
            kept.append(name)
    return kept


def _mark(value: Value | None) -> tuple[type, Value | None]:
    return type(value), value  # True and 1 are two values


def _follows(values: Sequence[object], others: Sequence[object], is_choice: bool) -> bool:
    """Return whether each of the other field's values goes with one value, and not only because it occurs once."""
    distinct = len(set(others))
    return len(set(zip(others, values, strict=True))) == distinct and (is_choice or 2 * distinct <= len(others))


def format_value(value: Value) -> str:
    """Format the value of a field for people: a number with four digits, a list without brackets.

    Example:
        >>> format_value(0.0123456), format_value("[64, 32]"), format_value(True)
        ('0.01235', '64, 32', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return (text[1:-1] or "none") if text.startswith("[") else text


def name_field(name: str) -> str:
    """Return the name of a field in words, for the head of a column or an axis.

    Example:
        >>> name_field("learning_rate"), name_field("optimizer.weight_decay"), name_field("model.name")
        ('learning rate', 'weight decay', 'network')
    """
    words = {
        "model.name": "network",
        "optimizer.name": "optimizer",
        "data.name": "letters",
        "model.hidden": "hidden units",
        "data.path": "file of letters",
        "data.seed": "seed of the letters",
        "optimizer.path": "file of the rule",
    }
    return words.get(name) or name.rpartition(".")[2].replace("_", " ")


def describe_value(name: str, value: Value) -> str:
    """Return one cell of a table: the value of a field in words, without the field's name.

    Example:
        >>> describe_value("model.name", "two_layer"), describe_value("data.path", "/letters/mine.npz")
        ('two layers', 'mine.npz')
    """
    if name == "model.name":
        return LAYERS.get(str(value), str(value))
    if name == "model.hidden":
        return format_value(value).replace(", ", "-")
    if name == "data.classes":
        return CLASSES.get(str(value), str(value))
    if name.endswith(".path") and value != "null":
        return PurePath(str(value)).name or str(value)
    if isinstance(value, int) and not isinstance(value, bool) and not name.endswith("seed"):
        return f"{value:,}"
    return format_value(value)


def describe_field(name: str, value: Value) -> str:
    """Return a field and its value in words.

    Example:
        >>> describe_field("rule", "printed"), describe_field("learning_rate", 0.02), describe_field("seed", 3)
        ('printed rule', 'learning rate 0.02', 'seed 3')
        >>> describe_field("model.bias", False), describe_field("model.temperature", 150)
        ('no bias', 'T = 150')
    """
    shown = describe_value(name, value)
    if name == "rule":
        return f"{shown} rule"
    if name == "data.name":
        return LETTERS.get(str(value), f"{shown} letters")
    if name == "model.temperature":
        return f"T = {shown}"
    if name in ("samples", "replicas"):
        return f"{shown} {name[:-1] if value == 1 else name}"
    if name == "evaluate_every":
        every = f"every {int(shown):,} samples" if shown.isdigit() else f"at {shown}-spaced samples"
        return f"test error {'every sample' if shown == '1' else every}"
    if name == "model.hidden" and shown == "none":
        return "no hidden units"
    if name in (*BARE, "data.classes"):
        return shown
    if isinstance(value, bool):
        return name_field(name) if value else f"no {name_field(name)}"
    return f"{name_field(name)} {shown}"


def find_usual(runs: Sequence[Fields], names: Sequence[str]) -> dict[str, Value]:
    """Return the values that most runs with the field have, which long labels leave out; none if few fields vary.

    Args:
        runs: the fields of each run.
        names: the fields that vary.

    Example:
        >>> find_usual([{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "batch": b} for b in (1, 1, 8)], [*"abcde", "batch"])
        {'a': 1, 'b': 1, 'c': 1, 'd': 1, 'e': 1, 'batch': 1}
    """
    if len(names) <= MOST_TOLD:
        return {}
    found = {}
    for name in names:
        values = Counter(_mark(run[name]) for run in runs if name in run)
        (_, value), count = values.most_common(1)[0]
        if 2 * count > values.total() and name != "model.name" and value is not None:
            found[name] = value
    return found


def make_label(run: Fields, names: Sequence[str], usual: Fields | None = None) -> str:
    """Return the label of one run: the given fields in words.

    Args:
        run: the fields of the run.
        names: the fields to tell; those that the run does not have are left out.
        usual: values that are left out too, as most runs have them.

    Example:
        >>> make_label({"model.name": "three_layer", "learning_rate": 0.02}, ["model.name", "learning_rate"])
        'three layers, learning rate 0.02'
    """
    usual = usual or {}
    told = [name for name in names if name in run and not (name in usual and _mark(usual[name]) == _mark(run[name]))]
    return ", ".join(describe_field(name, run[name]) for name in told)


def make_labels(runs: Sequence[Fields]) -> list[str]:
    """Return a label for each run: what distinguishes it from the others; of one run, its network, rule and rate.

    Runs that no field distinguishes have the same label.
    """
    names = list_telling(runs)
    if not names:
        names = ["model.name", "rule", "learning_rate"]
    usual = find_usual(runs, names)
    labels = [make_label(run, names, usual) for run in runs]
    return [label or "defaults" for label in labels]


def name_folder(run: Fields, defaults: Fields, identity: str) -> str:
    """Return the name of a run's folder: its network, how it differs from the defaults, and its identity.

    The name is safe in a shell. The identity alone makes it unique, so a long name is cut before it.

    Args:
        run: the fields of the run.
        defaults: the fields of a run with the same choices and nothing else given.
        identity: the identity of the run.

    Example:
        >>> run = {"model.name": "three_layer", "learning_rate": 0.02, "seed": 3}
        >>> name_folder(run, run | {"learning_rate": 0.05, "seed": 0}, "585d832a99d0")
        'three_layer-lr0.02-seed3-585d832a99d0'
    """
    differing = [name for name, value in run.items() if name in defaults and defaults[name] != value]
    names = [n for n in sorted(differing, key=_rank) if n != "model.name" and not n.endswith((".path", "fingerprint"))]
    parts = [_clean(str(run.get("model.name", "run"))), *(_abbreviate(name, run[name]) for name in names)]
    while len("-".join(parts)) > LONGEST_NAME:
        parts.pop()
    return "-".join([*parts, identity])


def _abbreviate(name: str, value: Value) -> str:
    """Return a field and its value as a part of a folder's name."""
    short = SHORT.get(name, name.rpartition(".")[2])
    if isinstance(value, bool):
        return short if value else f"no_{short}"
    text = format_value(value)
    return _clean(text if name in BARE else f"{short}{text}" if text[:1].isdigit() else f"{short}_{text}")


def _clean(text: str) -> str:
    """Replace what a shell may read as something else, and cut."""
    return re.sub(r"[^\w.+]+", "_", text, flags=re.ASCII)[:LONGEST_PART].strip("_").lstrip(".") or "run"
