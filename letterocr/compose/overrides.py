"""Overrides: the `field=value` arguments of the command line."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import fields

from letterocr.base.errors import UserError
from letterocr.base.suggest import suggest
from letterocr.compose import registry
from letterocr.compose.presets import list_experiments, list_launchers
from letterocr.config.train import TrainConfig


def list_choices() -> dict[str, Collection[str]]:
    """Return every key that an override may name, with the values that it may have; empty if it may have any value."""
    keys: dict[str, Collection[str]] = {f.name: f.metadata["choices"] for f in fields(TrainConfig)}
    for group, entries in registry.GROUPS.items():
        for entry in entries.values():
            own = fields(entry.schema) if isinstance(entry, registry.Entry) else ()
            keys |= {f"{group}.{f.name}": f.metadata["choices"] for f in own}
    groups = {group: list(entries) for group, entries in registry.GROUPS.items()}
    return keys | groups | {"experiment": list_experiments(), "launcher": list(list_launchers())}


def check_keys(overrides: list[str]) -> None:
    """Refuse an override with an unknown field or an unknown choice.

    Raises:
        UserError: names the field or choice, and the most similar known one.
    """
    known = list_choices()
    choices = {name: known[name] for name in (*registry.GROUPS, "experiment", "launcher")}
    for override in overrides:
        key, _, value = override.partition("=")
        key = key.lstrip("+~")
        if override.startswith("~") and key in choices:
            raise UserError(f"{override}: a run needs its {key}; choose one of {', '.join(choices[key])}.")
        if "=" not in override or override.startswith("-") or "@" in key or key.startswith("hydra"):
            continue
        if key not in known and not key.startswith("optimizer.options."):  # these are PyTorch's own names
            section, dot, _ = key.partition(".")
            near = [name for name in known if name.startswith(f"{section}.")] if dot else known
            raise UserError(f"{override}: there is no field {key}; {suggest(key, near, '--help lists every field.')}")
        plain = key in choices and re.fullmatch(r"[\w/,]+", value)  # Hydra itself reads lists, glob(*) and the like
        for choice in value.split(",") if plain else []:
            if choice not in [*choices[key], *(["null"] if key in ("experiment", "launcher") else [])]:
                hint = suggest(choice, choices[key], f"choose one of {', '.join(choices[key])}.")
                raise UserError(f"{override}: there is no {key} {choice}; {hint}")


def put_overrides_first(arguments: list[str]) -> list[str]:
    """Move overrides before options, as Hydra refuses an override after an option that follows another override.

    Example:
        >>> put_overrides_first(["seed=0", "-m", "samples=10"])
        ['seed=0', 'samples=10', '-m']
    """
    override = [not a.startswith("-") and ("=" in a or a.startswith("~")) for a in arguments]
    first = [a for a, is_override in zip(arguments, override, strict=True) if is_override]
    return first + [a for a, is_override in zip(arguments, override, strict=True) if not is_override]


def add_plus(overrides: list[str]) -> list[str]:
    """Put `++` before the fields of `optimizer.options`: they are PyTorch's own, and Hydra's schema lacks them.

    Example:
        >>> add_plus(["optimizer.options.lr=0.1", "seed=0"])
        ['++optimizer.options.lr=0.1', 'seed=0']
    """
    return [f"++{o}" if re.match(r"optimizer\.options[.=]", o) else o for o in overrides]
