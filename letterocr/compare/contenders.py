"""Contenders of a comparison, and the points of their search spaces that are tried.

The config of an optimizer says which of its fields may be tuned (`letterocr.config.contender`). Every contender gets
the same points of the unit square, those of one Halton sequence (Halton 1960). The defaults are those of the command
`letterocr.train`, unless a contender's overrides say otherwise.

Shapes: points [T, 2] in the open unit square for T trials.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from letterocr.compose import registry
from letterocr.config.contender import Contender
from letterocr.config.train import TrainConfig

NETWORKS = ("two_layer", "three_layer", "four_layer")
CONTENDERS: dict[str, Contender] = {
    name: contender for entry in registry.OPTIMIZERS.values() for name, contender in entry.schema.contenders.items()
}


def draw_points(trials: int) -> np.ndarray:
    """Return the points of the unit square that every contender is tried at.

    They are the first points of the Halton sequence with the bases 2 and 3, without 0, 0.

    Args:
        trials: number T of points.

    Returns:
        [T, 2]; a longer list begins with the same points.

    Example:
        >>> [[f"{x:.4f}" for x in point] for point in draw_points(3)]
        [['0.5000', '0.3333'], ['0.2500', '0.6667'], ['0.7500', '0.1111']]
    """
    from scipy.stats.qmc import Halton

    sequence = Halton(2, scramble=False)
    sequence.fast_forward(1)  # the first point is the corner 0, 0
    return sequence.random(trials)


def set_fields(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """Return a copy of the config with new values of some fields.

    Args:
        config: the config.
        values: values by the paths of their fields, such as `optimizer.momentum`.
    """
    config = copy.deepcopy(config)
    for path, value in values.items():
        *parents, last = path.split(".")
        owner: Any = config
        for name in parents:
            owner = _step(owner, name)
        if is_dataclass(owner):
            setattr(owner, last, value)
        else:
            owner[int(last) if isinstance(owner, list) else last] = value
    return config


def get_field(config: TrainConfig, path: str) -> Any:
    """Return the field of the config at that path."""
    owner: Any = config
    for name in path.split("."):
        owner = _step(owner, name)
    return owner


def _step(owner: Any, name: str) -> Any:
    if is_dataclass(owner):
        return getattr(owner, name)
    return owner[int(name) if isinstance(owner, list) else name]


def make_trial_values(contender: Contender, point: np.ndarray) -> dict[str, float]:
    """Return the hyperparameters at a point [2] of the unit square, by the paths of their fields."""
    return {r.path: r.at(float(u)) for r, u in zip(contender.space, point, strict=False)}
