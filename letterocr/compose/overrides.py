"""Overrides, the `field=value` arguments: checked, and written in Hydra's grammar before Hydra reads them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.suggest import suggest
from letterocr.compose import registry
from letterocr.compose.grammar import split_values
from letterocr.compose.presets import list_presets
from letterocr.compose.values import rewrite
from letterocr.config.data import ALPHABETS, SyntheticConfig
from letterocr.config.train import TrainConfig

OTHER_NAMES = {  # what other programs call our fields
    "lr": "learning_rate",
    "batch_size": "batch",
    "steps": "samples",
    "iterations": "samples",
    "dataset": "data",
    "network": "model",
    "gpu": "device",
    "output_dir": "output",
    "multirun": "-m",
    "hydra.launcher": "launcher",
    "hydra.sweeper": "hydra/sweeper",
}
PRESETS_ONLY = ("experiment", "launcher")  # groups that no field of the config is named for
OPTIONS = "optimizer.options."  # arguments of PyTorch's optimizers, by PyTorch's own names


def list_fields() -> dict[str, list[Field[Any]]]:
    """Return every field that an override may name; a field that several choices of a group have is listed for each."""
    found = {f.name: [f] for f in fields(TrainConfig)}
    for group, entries in registry.GROUPS.items():
        for entry in entries.values():
            for f in fields(entry.schema) if isinstance(entry, registry.Entry) else ():
                found.setdefault(f"{group}.{f.name}", []).append(f)
    return found


def list_groups(folders: Sequence[Path] = ()) -> dict[str, list[str]]:
    """Return the presets of every group.

    Args:
        folders: the user's own folders of presets.
    """
    names = [*registry.GROUPS, *PRESETS_ONLY]
    names += sorted({p.name for folder in folders for p in folder.iterdir() if p.is_dir() and p.name[0] not in "._"})
    return {
        group: list(dict.fromkeys([*registry.GROUPS.get(group, ()), *list_presets(group, folders)]))
        for group in dict.fromkeys(names)
        if group != "hydra"
    }


def list_choices() -> dict[str, Collection[str]]:
    """Return every key that an override may name, with the values that it may have; empty if it may have any value."""
    return {key: own[-1].metadata["choices"] for key, own in list_fields().items()} | dict(list_groups())


def prepare(overrides: Sequence[str], is_sweep: bool = False, folders: Sequence[Path] = ()) -> list[str]:
    """Check the names in overrides, and write their values in Hydra's grammar.

    Args:
        overrides: what was typed.
        is_sweep: whether commas separate the values of a sweep.
        folders: the user's own folders of presets.

    Raises:
        UserError: names the field or choice, and what to write instead.
    """
    known, groups = list_fields(), list_groups(folders)
    return [_prepare(text, known, groups, is_sweep, overrides) for text in overrides]


def _prepare(
    override: str,
    known: dict[str, list[Field[Any]]],
    groups: dict[str, list[str]],
    is_sweep: bool,
    overrides: Sequence[str],
) -> str:
    sign, key, is_field, value = _split(override)
    if sign == "~" and key in groups:
        raise UserError(f"{override}: a run needs its {key}; choose one of {', '.join(groups[key])}.")
    if not is_field or "@" in key:
        return override
    if key in PRESETS_ONLY and value == "null":
        return f"~{key}"
    if not key.startswith("hydra") or key in OTHER_NAMES:
        _check_key(override, known, groups, overrides)
    if sign == "+" and (key in known or key in (*registry.GROUPS, *PRESETS_ONLY)):
        raise UserError(f"{override}: write it without the plus, {override[1:]}.")
    if sign == "" and key in groups and key not in (*registry.GROUPS, *PRESETS_ONLY):
        raise UserError(f"{override}: {key} is a group of yours, which a plus adds: write +{override}.")
    value = rewrite(key, value, known.get(key, ()) if key not in groups else (), groups.get(key, ()), is_sweep)
    if key in groups and re.fullmatch(r"[\w/,.-]+", value):  # Hydra itself reads lists and functions
        for choice in split_values(value):
            _check_choice(override, key, choice, groups[key])
    plus = "++" if key.startswith(OPTIONS) or key == OPTIONS.rstrip(".") else sign  # Hydra's schema lacks these fields
    return f"{plus}{key}={value}"


def _split(override: str) -> tuple[str, str, str, str]:
    """Return the signs before the key, the key, the equals sign and the value."""
    key, is_field, value = override.partition("=")
    bare = key.lstrip("+~")
    return key[: len(key) - len(bare)], bare, is_field, value


def _check_key(override: str, known: Collection[str], groups: Collection[str], overrides: Sequence[str]) -> None:
    key = _split(override)[1]
    if key in known or key in groups or key.startswith(OPTIONS):
        return
    if key in ("epochs", "epoch"):
        raise UserError(_explain_epochs(override, _count_letters(overrides)))
    section, dot, _ = key.partition(".")
    names = [*known, *groups]
    inside = [name for name in names if name.rpartition(".")[2] == key]
    near = [name for name in names if name.startswith(f"{section}.")] if dot else names
    hint = f"did you mean {OTHER_NAMES[key]}?" if key in OTHER_NAMES else ""
    hint = hint or (f"did you mean {inside[0]}?" if inside else suggest(key, near, "--help lists every field."))
    raise UserError(f"{override}: there is no field {key}; {hint}")


def _check_choice(override: str, key: str, choice: str, choices: Sequence[str]) -> None:
    if choice in choices:
        return
    hint = suggest(choice, choices, f"choose one of {', '.join(choices)}.")
    pytorchs = _find_pytorchs(choice) if key == "optimizer" else ""
    if pytorchs:
        hint = f"for PyTorch's write optimizer=torch optimizer.name={pytorchs}."
    raise UserError(f"{override}: there is no {key} {choice}; {hint}")


def _find_pytorchs(name: str) -> str:
    """Return PyTorch's own name of an optimizer, whatever its capitals; empty if there is none."""
    from torch import optim

    return next((known for known in dir(optim) if known.lower() == name.lower() and known[0].isupper()), "")


def _explain_epochs(text: str, letters: int | None) -> str:
    """Return a sentence on a field that does not exist, as in epochs=3; `letters` is None if it is not known."""
    number = text.partition("=")[2]
    epochs = float(number) if re.fullmatch(r"\d+(\.\d+)?", number) else None
    if epochs is None or letters is None:
        many = f"{number} epochs are {number}" if epochs else "an epoch is 1"
        return f"{text}: samples= counts letters; {many} times the letters to train, whose number a run prints first."
    count = round(epochs * letters)
    return f"{text}: samples= counts letters; {number} epochs are {count:,} of these letters: write samples={count}."


def _count_letters(overrides: Sequence[str]) -> int | None:
    """Return the number of training letters that overrides ask for, if it is known without reading any."""
    given = {key: value for _, key, _, value in map(_split, overrides)}
    each = given.get("data.train_per_letter", str(SyntheticConfig().train_per_letter))
    classes = given.get("data.classes", "letters")
    known = given.get("data", "synthetic") == "synthetic" and classes in ALPHABETS and each.isdecimal()
    return len(ALPHABETS[classes]) * int(each) if known else None
