"""Checks of a config that need no data."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from letterocr.base.suggest import suggest
from letterocr.config.data import SourceConfig
from letterocr.config.model.network import NetworkConfig
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.refusal import refuse
from letterocr.config.train import TrainConfig

HOLDS = {"at least": operator.ge, "greater than": operator.gt, "at most": operator.le, "below": operator.lt}
Section = TrainConfig | NetworkConfig | SourceConfig | MethodConfig


def check_config(config: TrainConfig) -> None:
    """Check every field of a config, and that the network, the letters and the optimizer fit together.

    Args:
        config: its values must already have the right types.

    Raises:
        UserError: names the field, its value and what it may be.
    """
    _check_fields(config)
    _check_lists(config)
    _check_count("evaluate_every", config.evaluate_every, "log")
    _check_count("batch", config.batch, "all")
    config.model.validate(config)
    if config.learning_rate == "auto":
        _check_auto(config)
    config.optimizer.validate(config)


def _check_fields(config: Section, place: str = "") -> None:
    for f in fields(config):
        value = getattr(config, f.name)
        if isinstance(value, Section):
            _check_fields(value, f"{place}{f.name}.")
        elif value is not None or f.default is not None:  # null is allowed only where it is the default
            _check_field(place + f.name, value, f.metadata)


def _check_field(place: str, value: Any, metadata: Mapping[str, Any]) -> None:
    if metadata["choices"] and value not in metadata["choices"]:
        hint = suggest(value, metadata["choices"], "")
        refuse(place, value, f"must be one of {', '.join(metadata['choices'])}" + (f" ({hint})" if hint else ""))
    bounds = metadata["bounds"]
    if not bounds or (isinstance(value, str) and value in metadata["words"]):
        return
    for number in value if isinstance(value, list | tuple) else [value]:
        if isinstance(number, bool) or not isinstance(number, int | float):
            refuse(place, value, " ".join(["must be a number", *(f"or {word}" for word in metadata["words"])]))
        if not math.isfinite(number) or not all(HOLDS[name](number, bound) for name, bound in bounds.items()):
            refuse(place, value, "must be a finite number " + " and ".join(f"{n} {b:g}" for n, b in bounds.items()))


def _check_lists(config: TrainConfig) -> None:
    """Check that each list has one value for each replica."""
    for place, value in (
        ("learning_rate", config.learning_rate),
        ("model.temperature", config.model.temperature),
        ("model.init_scale", config.model.init_scale),
    ):
        if isinstance(value, list | tuple) and len(value) != config.replicas:
            mend = f"has {len(value)} values for replicas={config.replicas}; give one for each replica, or one for all"
            refuse(place, value, mend)


def _check_count(place: str, value: object, word: str) -> None:
    text = str(value)
    if text != word and not (text.isdecimal() and int(text) > 0):
        refuse(place, text, f"must be a whole number of samples, at least 1, or {word}")


def _check_auto(config: TrainConfig) -> None:
    """Check that there is a bound for learning_rate=auto: it needs plain descent and a loss that is not 0."""
    reason = config.optimizer.explain_missing_bound()
    if reason:
        refuse("learning_rate", "auto", f"{reason} give a number")
    if not config.loss_factor:
        refuse("learning_rate", "auto", "loss_factor=0 leaves nothing to learn; give a number")
