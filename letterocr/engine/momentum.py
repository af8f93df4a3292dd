"""A block of updates with momentum, written as scalars times the block's starting values and outer products.

Updates with momentum mu, weight decay lambda and learning rates alpha_t, for g_t = v_t h_t^T (t = 1 .. n):

    M_t = mu M_{t-1} + g_t + lambda W_{t-1}        W_t = W_{t-1} - alpha_t M_t

W_t and M_t are both sums  p_t W_0 + r_t M_0 + sum_j c_tj g_j  with scalars that do not depend on the data.
Shapes: n steps; tables of W and of M [n + 1, n + 2], row t: p_t, r_t, c_t1 .. c_tn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from letterocr.optimizers.rate_schedule import LearningRate


@runtime_checkable
class MomentumOptimizer(Protocol):
    """An optimizer with the updates of this module, which the blocked engine can train (`form = "scalars"`).

    Attributes:
        rate: the learning rate alpha of each sample.
        momentum: mu.
        weight_decay: lambda.
        weights: M of every weight matrix; empty without momentum.
        biases: M of every bias; empty without momentum.
    """

    rate: LearningRate
    momentum: float
    weight_decay: float
    weights: list[Tensor]
    biases: list[Tensor]


@dataclass
class Momentum:
    """The momentum of every weight matrix and bias in a stack; the lists are empty without momentum.

    Attributes:
        weights: M of L weight matrices, each [..., out, in].
        biases: d of L biases, each [..., out].
        mu: the momentum coefficient.
        decay: the weight decay lambda.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    mu: float
    decay: float


def make_tables(rates: np.ndarray, momentum: float, weight_decay: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the scalars of W_t and of M_t for t = 0 .. n, in float64.

    Args:
        rates: [n], the learning rates alpha_1 .. alpha_n.
        momentum: mu.
        weight_decay: lambda.

    Returns:
        The tables of W and of M [n + 1, n + 2]: columns p, r, c_1 .. c_n.

    Example:
        >>> w, m = make_tables(np.array([0.5, 0.5]), momentum=0.5, weight_decay=0.0)
        >>> w.tolist()
        [[1.0, 0.0, 0.0, 0.0], [1.0, -0.25, -0.5, 0.0], [1.0, -0.375, -0.75, -0.5]]
    """
    n = len(rates)
    w, m = np.zeros((n + 1, n + 2)), np.zeros((n + 1, n + 2))
    w[0, 0], m[0, 1] = 1.0, 1.0
    if momentum == 0 and weight_decay == 0:
        w[:, 0] = 1.0
        w[1:, 2:] = np.tril(np.broadcast_to(-rates, (n, n)))
        return w, m
    for t in range(1, n + 1):
        m[t] = momentum * m[t - 1] + weight_decay * w[t - 1]
        m[t, t + 1] += 1.0
        w[t] = w[t - 1] - rates[t - 1] * m[t]
    return w, m
