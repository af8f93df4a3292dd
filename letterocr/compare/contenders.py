"""Who takes part in a comparison, at which defaults, and what of each may be tuned.

Every search space is the unit square, and every contender gets the same points of it, those of one Halton sequence
(Halton 1960). The first coordinate is the learning rate, over four decades, log-uniform; the second at most one
further hyperparameter, over two decades, log-uniform: a tenth to ten times its default, or the two decades next to a
bound of 1. A range is the same for every network and all letters, and has the defaults in it.

The defaults are those of the command `letterocr.train`, unless the overrides here say otherwise.
Shapes: points [T, 2] in the open unit square for T trials.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import numpy as np

from letterocr.config.train import TrainConfig

NETWORKS = ("two_layer", "three_layer", "four_layer")
RATE_DECADES, FURTHER_DECADES = 4, 2


@dataclass(frozen=True)
class SearchRange:
    """What one coordinate u in 0..1 stands for: low times 10^(decades u).

    Attributes:
        path: of the field in the config, such as `optimizer.damping`.
        low: the value at u = 0.
        decades: how many u = 1 is away.
        below_one: the field is 1 minus that, as for momentum, where the distance to 1 is what counts.
    """

    path: str
    low: float
    decades: int = FURTHER_DECADES
    below_one: bool = False

    def at(self, u: float) -> float:
        """The field's value at u, to four digits."""
        value = float(f"{self.low * 10 ** (self.decades * u):.4g}")
        return float(f"{1 - value:.10g}") if self.below_one else value


def make_rate_range(low: float) -> SearchRange:
    """A learning rate from `low` to 10^4 times that."""
    return SearchRange("learning_rate", low, RATE_DECADES)


@dataclass(frozen=True)
class Contender:
    """One optimizer with its defaults and its search space.

    Attributes:
        overrides: as the command `letterocr.train` takes them.
        space: the ranges of the coordinates, at most two.
        only: the networks that it fits; empty for all.
    """

    overrides: tuple[str, ...]
    space: tuple[SearchRange, ...] = field(default=())
    only: tuple[str, ...] = ()


DESCENT = make_rate_range(
    1e-4
)  # the bound of the two-layer network and the best rates of the deeper ones lie well inside
CONTENDERS = {
    "vanilla": Contender(("optimizer=vanilla",), (DESCENT,)),
    "momentum": Contender(
        ("optimizer=vanilla", "optimizer.momentum=0.9"),
        (DESCENT, SearchRange("optimizer.momentum", 0.01, below_one=True)),
    ),
    "sgd_weight": Contender(
        ("optimizer=sgd", "optimizer.mask=weight", "optimizer.rescale=true"),
        (DESCENT, SearchRange("optimizer.keep", 0.01)),
    ),
    "sgd_row": Contender(
        ("optimizer=sgd", "optimizer.mask=row", "optimizer.rescale=true"),
        (DESCENT, SearchRange("optimizer.keep", 0.01)),
    ),
    "asgd": Contender(("optimizer=asgd",), (DESCENT, SearchRange("optimizer.start", 0.01, below_one=True))),
    "newton": Contender(
        ("optimizer=newton",), (make_rate_range(1e-3), SearchRange("optimizer.ridge", 0.1)), ("two_layer",)
    ),
    "gauss_newton": Contender(
        ("optimizer=gauss_newton",), (make_rate_range(1e-3), SearchRange("optimizer.damping", 0.03))
    ),
    "smd": Contender(("optimizer=smd",), (DESCENT, SearchRange("optimizer.meta_rate", 0.3))),
    "diagonal": Contender(("optimizer=diagonal",), (make_rate_range(1e-5), SearchRange("optimizer.damping", 0.003))),
    "kfac": Contender(("optimizer=kfac",), (make_rate_range(1e-3), SearchRange("optimizer.damping", 1.0))),
    "learned": Contender(("optimizer=learned",), (make_rate_range(1e-3),)),
    "learned_factored": Contender(("optimizer=learned_factored",), (make_rate_range(1e-3),)),
    "adam": Contender(
        ("optimizer=torch", "optimizer.name=Adam", "optimizer.options.betas=[0.9,0.999]"),
        (make_rate_range(1e-5), SearchRange("optimizer.options.betas.0", 0.01, below_one=True)),
    ),
}


def draw_points(trials: int) -> np.ndarray:
    """The points of the unit square that every contender is tried at: [T, 2], the first T of any longer list."""
    from scipy.stats.qmc import Halton

    sequence = Halton(2, scramble=False)
    sequence.fast_forward(1)  # the first point is the corner 0, 0
    return sequence.random(trials)


def set_fields(config: TrainConfig, values: dict[str, float]) -> TrainConfig:
    """A copy of the config with these fields, named by their paths."""
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
    """The field of the config at that path."""
    owner: Any = config
    for name in path.split("."):
        owner = _step(owner, name)
    return owner


def _step(owner: Any, name: str) -> Any:
    if is_dataclass(owner):
        return getattr(owner, name)
    return owner[int(name) if isinstance(owner, list) else name]


def make_trial_values(contender: Contender, point: np.ndarray) -> dict[str, float]:
    """The hyperparameters at a point [2] of the unit square, by their paths."""
    return {r.path: r.at(float(u)) for r, u in zip(contender.space, point, strict=False)}
