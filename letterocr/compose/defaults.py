"""Default fields of a run: what `letterocr train` takes if only the choices of the groups are given."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from letterocr.compose import registry
from letterocr.compose.presets import find_conf_folder
from letterocr.config.identity import select_identity
from letterocr.config.label import Value, flatten, list_ordered, make_label
from letterocr.config.train import TrainConfig


def list_fields(config: TrainConfig) -> dict[str, Value]:
    """Return every field of a run's identity by its full name, flat."""
    return flatten(select_identity(config))


def find_defaults(config: TrainConfig) -> Mapping[str, Value]:
    """Return the fields of a run with the same network, rule, letters and optimizer, and nothing else given.

    The fields of groups count as differing from the defaults if the choice itself is not the default one.
    """
    network: Any = type(config.model)
    data: Any = type(config.data)
    optimizer = registry.find_optimizer_name(config.optimizer)
    return _compose(network, config.model.name, config.rule, data, optimizer)


@functools.cache
def _compose(network: Any, model: str, rule: str, data: Any, optimizer: str) -> Mapping[str, Value]:
    method = registry.OPTIMIZERS[optimizer].schema
    fields = flatten(_to_plain(TrainConfig(model=network(), data=data(), optimizer=method())))
    for group, choice in (("rule", rule), ("model", model), ("optimizer", optimizer)):
        fields |= {name: value for name, value in _read_preset(group, choice).items() if name in fields}
    usual = TrainConfig()
    choices = {"model.name": model, "rule": usual.rule, "data.name": usual.data.name}
    return fields | choices | {"optimizer.name": usual.optimizer.name}


def _to_plain(config: TrainConfig) -> dict[str, Any]:
    return select_identity(config) | {"data": vars(config.data)}


def _read_preset(group: str, choice: str) -> dict[str, Value]:
    """Return the fields that a preset sets; none if there is no such preset in `conf/`."""
    import yaml

    path = find_conf_folder() / group / f"{choice}.yaml"
    if not path.is_file():
        return {}
    stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    return flatten({name: value for name, value in (stored or {}).items() if name != "defaults"})


def list_differing(config: TrainConfig) -> list[str]:
    """Return the fields of a run that differ from its defaults, and its network and rule, in the order of a label."""
    run, defaults = list_fields(config), find_defaults(config)
    names = {name for name, value in run.items() if defaults.get(name) != value} | {"model.name", "rule"}
    return [name for name in list_ordered(run) if name in names]


def label_alone(config: TrainConfig) -> str:
    """Return the label of a run without neighbours: its network and rule, its learning rate, and what is not default.

    Example:
        >>> label_alone(TrainConfig(seed=3))
        'three layers, gradient rule, learning rate 0.05, seed 3'
    """
    names = {n for n in list_differing(config) if not n.endswith((".path", "fingerprint"))} | {"learning_rate"}
    return make_label(run := list_fields(config), [name for name in list_ordered(run) if name in names])
