"""The command that trains a run: `letterocr train` with what differs from the defaults."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from letterocr.compose import registry
from letterocr.compose.defaults import find_defaults
from letterocr.compose.keywords import write_value
from letterocr.compose.presets import find_conf_folder
from letterocr.config.identity import select_identity
from letterocr.config.label import CHOICES, flatten
from letterocr.config.train import TrainConfig


def list_overrides(config: TrainConfig) -> list[str]:
    """Return the overrides that compose this config again, without the fields that can't change the result.

    Example:
        >>> from letterocr.config.train import TrainConfig
        >>> list_overrides(TrainConfig(learning_rate=0.02, seed=3))
        ['model=three_layer', 'learning_rate=0.02', 'seed=3']
    """
    usual = TrainConfig()
    choice = _choose_model(config)
    chosen = [f"model={choice}"]
    chosen += [f"rule={config.rule}"] if config.rule != usual.rule else []
    chosen += [f"data={config.data.name}"] if config.data.name != usual.data.name else []
    optimizer = registry.find_optimizer_name(config.optimizer)
    chosen += [f"optimizer={optimizer}"] if optimizer != usual.optimizer.name else []
    named = {"model.name": choice, "optimizer.name": optimizer if optimizer != "torch" else "Adam"}
    defaults = dict(find_defaults(config))
    for name, value in _list_values(config):
        given = flatten({name: value}).items()
        if name in CHOICES and named.get(name, value) == value:
            continue
        if name in CHOICES or any(defaults.get(key) != own for key, own in given):
            chosen.append(f"{name}={write_value(value, name)}")
    return chosen


def write_command(config: TrainConfig) -> str:
    """Return the command that trains this run, ready for a shell."""
    return shlex.join(["letterocr", "train", *list_overrides(config)])


def _choose_model(config: TrainConfig) -> str:
    """Return the preset of the network, or another one of its kind if its name is free text."""
    if (find_conf_folder() / "model" / f"{config.model.name}.yaml").is_file():
        return config.model.name
    return "spectral" if config.model.kind == "spectral" else TrainConfig().model.name


def _list_values(config: TrainConfig) -> Iterator[tuple[str, Any]]:
    """Yield every field of the run's identity with its value, not flat below a group."""
    for name, value in select_identity(config).items():
        if name in ("model", "data", "optimizer"):
            yield from ((f"{name}.{key}", own) for key, own in value.items())
        elif name in {f.name for f in fields(TrainConfig)}:
            yield name, value
