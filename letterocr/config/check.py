"""Every check of a config that needs no data."""

from __future__ import annotations

import difflib
import math
import operator
from dataclasses import fields, is_dataclass
from typing import Any

from letterocr.base.errors import UserError
from letterocr.config.train import TrainConfig

PLAIN_DESCENT = ("vanilla", "sgd", "asgd")  # optimizers whose learning rate is alpha in (6, 20)
HOLDS = {"at least": operator.ge, "greater than": operator.gt, "at most": operator.le, "below": operator.lt}


def _refuse(place: str, value: Any, mend: str) -> None:
    raise UserError(f"{place}={value}: {mend}.")


def _check_field(place: str, value: Any, metadata: Any) -> None:
    if metadata.get("choices") and value not in metadata["choices"]:
        near = difflib.get_close_matches(str(value), metadata["choices"], 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        _refuse(place, value, f"must be one of {', '.join(metadata['choices'])}{hint}")
    bounds = metadata.get("bounds")
    if not bounds or (isinstance(value, str) and value in metadata["words"]):
        return
    for number in value if isinstance(value, list | tuple) else [value]:
        if isinstance(number, bool) or not isinstance(number, int | float):
            _refuse(place, value, " ".join(["must be a number", *(f"or {word}" for word in metadata["words"])]))
        if not math.isfinite(number) or not all(HOLDS[name](number, bound) for name, bound in bounds.items()):
            _refuse(place, value, "must be a finite number " + " and ".join(f"{n} {b:g}" for n, b in bounds.items()))


def check_config(config: Any, place: str = "") -> None:
    """Check every field of a config that is already of the right types.

    Raises:
        UserError: names the field, its value and what it may be.
    """
    for f in fields(config):
        value = getattr(config, f.name)
        if is_dataclass(value):
            check_config(value, f"{place}{f.name}.")
        elif value is not None or f.default is not None:  # null only where it is the default
            _check_field(place + f.name, value, f.metadata)
    if isinstance(config, TrainConfig):
        _check_together(config)


def _check_together(config: TrainConfig) -> None:
    """The checks that look at more than one field."""
    for place, value in (
        ("learning_rate", config.learning_rate),
        ("model.temperature", config.model.temperature),
        ("model.init_scale", config.model.init_scale),
    ):
        if isinstance(value, list | tuple) and len(value) != config.replicas:
            _refuse(
                place,
                value,
                f"has {len(value)} values for replicas={config.replicas}; give one each, or one for all",
            )
    every = str(config.evaluate_every)
    if every != "log" and not (every.isdecimal() and int(every) > 0):
        _refuse("evaluate_every", every, "must be a whole number of samples, at least 1, or log")
    batch = str(config.batch)
    if batch != "all" and not (batch.isdecimal() and int(batch) > 0):
        _refuse("batch", batch, "must be a whole number of samples, at least 1, or all")
    if config.learning_rate == "auto":
        _check_auto(config)
    refusal = config.optimizer.refusal(config) if hasattr(config.optimizer, "refusal") else None
    if refusal:
        _refuse(*refusal)
    if config.model.name == "two_layer" and config.model.hidden:
        _refuse(
            "model.hidden", config.model.hidden, "the two-layer network has no hidden layer; take model=three_layer"
        )
    if config.model.name == "spectral":
        _check_spectral(config)


def _check_spectral(config: TrainConfig) -> None:
    """What the spectral network can't do: its filters' gradient is no outer product."""
    optimizer = config.optimizer
    if len(config.model.hidden) != 1:
        _refuse("model.hidden", config.model.hidden, "model=spectral takes one number, that of its filters")
    if config.rule != "gradient":
        _refuse("rule", config.rule, "model=spectral has the true gradient only; take rule=gradient")
    if config.batch != "1":
        _refuse("batch", config.batch, "model=spectral learns one sample at a time; leave it 1")
    if config.engine == "blocked":
        _refuse("engine", "blocked", "model=spectral makes no outer products to keep in blocks; take engine=auto")
    if getattr(optimizer, "name", "vanilla") != "vanilla":
        _refuse("optimizer", optimizer.name, "model=spectral takes plain descent only; take optimizer=vanilla")
    if config.diagnostics != "none":
        _refuse("diagnostics", config.diagnostics, "model=spectral is no chain of weight matrices; leave it none")
    for name in ("momentum", "weight_decay"):
        if getattr(optimizer, name, 0):
            _refuse(
                f"optimizer.{name}", getattr(optimizer, name), "model=spectral takes plain descent only; leave it 0"
            )


def is_plain_descent(config: TrainConfig) -> bool:
    """Whether each update is -alpha times the rule's direction, so that the matrix view's bounds hold."""
    optimizer = config.optimizer
    altered = getattr(optimizer, "momentum", 0) or getattr(optimizer, "weight_decay", 0)
    return optimizer.name in PLAIN_DESCENT and not altered


def _check_auto(config: TrainConfig) -> None:
    """The bounds are of plain descent in a chain of weight matrices, on a loss that there is."""
    if config.model.name == "spectral":
        _refuse("learning_rate", "auto", "model=spectral is no chain of weight matrices; give a number")
    optimizer = config.optimizer.name
    if optimizer not in PLAIN_DESCENT:
        _refuse("learning_rate", "auto", f"optimizer={optimizer} has a learning rate of its own meaning; give a number")
    if not is_plain_descent(config):
        mend = "the bound is that of descent without momentum and weight decay; leave them 0, or give a number"
        _refuse("learning_rate", "auto", mend)
    if not config.loss_factor:
        _refuse("learning_rate", "auto", "loss_factor=0 leaves nothing to learn; give a number")
