"""Learning rates: `learning_rate=auto`, and the bound above which a run warns.

network, batch                   auto                                  bound
two-layer, all                   2 / (lambda_max + lambda_min+)        2 / lambda_max
two-layer, 1 or a number         2 / max|a|^2                          the same
deeper, or with sigmoids         1 / lambda_max at the initial weights none is known

These values are for the half-loss; for the loss f |q - c|^2 they are divided by 2 f. batch=all with order=replacement
counts as a number, because the mean of a a^T over such a batch is not R. An optimizer may multiply the values by a
factor of its own (`Optimizer.bound_factor`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from letterocr.base.errors import UserError
from letterocr.base.randomness import make_generator
from letterocr.compose import registry
from letterocr.compose.build import list_replica_seeds
from letterocr.config.rule import find_rule
from letterocr.config.train import TrainConfig, per_replica
from letterocr.curvature.online import largest_curvature
from letterocr.data.letters import Letters, one_hot
from letterocr.matrix import rate_bounds
from letterocr.models.chain import Network


@dataclass(frozen=True)
class Bound:
    """The largest safe learning rate, and its formula.

    Attributes:
        value: the learning rate.
        formula: its formula, such as `2/max|a|^2`.

    Example:
        >>> print(Bound(0.0078, "2/max|a|^2"))
        The safe bound 2/max|a|^2 is 0.0078 for these letters.
    """

    value: float
    formula: str

    def __str__(self) -> str:
        return f"The safe bound {self.formula} is {self.value:.3g} for these letters."


@dataclass(frozen=True)
class LearningRatePlan:
    """Learning rates of a run and their limits.

    Attributes:
        alphas: learning rate of each replica.
        limit: the largest safe learning rate; None if none is known.
        warning: a sentence if the learning rates may be too large for a smaller last batch, or None.
    """

    alphas: list[float]
    limit: Bound | None
    warning: str | None


def plan_learning_rates(config: TrainConfig, train: Letters, stored: list[float] | None = None) -> LearningRatePlan:
    """Return the learning rates of a run and their limits.

    Args:
        config: config of the run.
        train: training letters.
        stored: for a resumed run, the learning rate of each replica that it began with.

    Raises:
        UserError: `learning_rate=auto`, but the letters are empty or the initial weights have no curvature.
    """
    alphas = stored or resolve_learning_rates(config, train)
    return LearningRatePlan(alphas, compute_bound(config, train), warn_of_last_batch(config, train, alphas))


def is_full_batch(config: TrainConfig) -> bool:
    """Return whether each update takes the mean over all training letters, each of them once."""
    return config.batch == "all" and config.order != "replacement"


def compute_bound(config: TrainConfig, train: Letters) -> Bound | None:
    """Return the learning rate above which gradient descent may diverge; None if none is known."""
    if not config.model.is_quadratic or config.optimizer.explain_missing_bound() or not config.loss_factor:
        return None
    letters = rate_bounds.with_bias(train.images, config.model.bias)
    if not letters.any():
        return None
    gain = _gain(config)
    if is_full_batch(config):
        curvature = 2 * config.loss_factor * float(rate_bounds.eigenvalues(letters)[0])
        return Bound(gain * rate_bounds.stability_limit(curvature), f"{gain / config.loss_factor:g}/lambda_max")
    pixels = "(|a|^2 + 1)" if config.model.bias else "|a|^2"  # the bias is a further input, which is always 1
    limit = gain * rate_bounds.sample_limit(letters, config.loss_factor)
    return Bound(limit, f"{gain / config.loss_factor:g}/max{pixels}")


def warn_of_last_batch(config: TrainConfig, train: Letters, alphas: list[float]) -> str | None:
    """Return a sentence if batch=all leaves a smaller last batch for which the learning rates may be too large.

    The largest eigenvalue of a few letters may be as large as max|a|^2, many times the largest eigenvalue of R.

    Args:
        config: config of the run.
        train: training letters.
        alphas: learning rate of each replica.

    Returns:
        The sentence, or None.
    """
    count, rest = len(train), config.samples % len(train)
    if not (rest and is_full_batch(config)):
        return None
    limit = compute_bound(replace(config, batch="1"), train)
    if limit is None or max(alphas) <= limit.value:
        return None
    return (
        f"samples={config.samples} is not a multiple of the {count} training letters: the last update takes {rest} of "
        f"them, for which the learning rate may be too large; take samples={max(config.samples - rest, count)}."
    )


def resolve_learning_rates(config: TrainConfig, train: Letters, curvatures: list[float] | None = None) -> list[float]:
    """Return the learning rate of each replica; `auto` is computed from the network, the rule and the training letters.

    Args:
        config: config of the run.
        train: training letters.
        curvatures: result of `estimate_initial_curvatures`, if it is known already.

    Raises:
        UserError: `learning_rate=auto`, but the letters are empty or the initial weights have no curvature.
    """
    if config.learning_rate != "auto":
        return per_replica(config.learning_rate, config.replicas)
    if not config.model.is_quadratic:
        curvatures = curvatures or estimate_initial_curvatures(config, train)
        for curvature in curvatures:
            if not 0 < curvature < math.inf:
                raise UserError(f"learning_rate=auto: the curvature at the start is {curvature:g}; give a number.")
        return [_gain(config) * rate_bounds.lecun_rate(curvature) for curvature in curvatures]
    limit = compute_bound(config, train)
    if limit is None:
        raise UserError(f"learning_rate=auto: the letters of data={config.data.name} are empty; give a number.")
    alpha = limit.value
    if is_full_batch(config):
        values = (
            2 * config.loss_factor * rate_bounds.eigenvalues(rate_bounds.with_bias(train.images, config.model.bias))
        )
        alpha = _gain(config) * rate_bounds.best_fixed_rate(float(values[0]), float(values[-1]))
    return [alpha] * config.replicas


def make_initial_network(config: TrainConfig, r: int, classes: int) -> Network:
    """Return one replica at its initial weights, in float64 on the CPU, without the replica dimension.

    Args:
        config: config of the run.
        r: index of the replica.
        classes: number of outputs.
    """
    temperature, scale = (
        per_replica(value, config.replicas)[r] for value in (config.model.temperature, config.model.init_scale)
    )
    model = replace(config.model, temperature=temperature, init_scale=scale)
    seed, initialise = list_replica_seeds(config)[r], registry.find_model(model).load()
    return initialise(model, [seed], torch.float64, torch.device("cpu"), classes).replica(0)


def estimate_initial_curvatures(config: TrainConfig, train: Letters) -> list[float]:
    """Estimate the largest curvature of each replica at its initial weights (LeCun, Simard, Pearlmutter 1993)."""
    targets = one_hot(train.labels, train.images, train.classes)
    arguments = (train.images, targets, find_rule(config.rule), config.loss_factor)
    return [
        largest_curvature(
            make_initial_network(config, r, train.classes), *arguments, make_generator(seed, "learning_rate")
        )
        for r, seed in enumerate(list_replica_seeds(config))
    ]


def format_rates(alphas: list[float]) -> str:
    """Format the learning rates of all replicas as one number or a range.

    Example:
        >>> format_rates([0.02, 0.02]), format_rates([0.01, 0.05])
        ('0.02', '0.01 to 0.05')
    """
    low, high = f"{min(alphas):.4g}", f"{max(alphas):.4g}"
    return low if low == high else f"{low} to {high}"


def _gain(config: TrainConfig) -> float:
    """Return the optimizer's factor of the bounds."""
    return registry.find_optimizer(config.optimizer).load().bound_factor(config.optimizer)
