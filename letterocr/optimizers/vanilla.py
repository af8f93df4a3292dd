"""Gradient descent, one sample or one batch at a time: W <- W - alpha v h^T (Kantack 2020, 6 and 20).

With momentum mu (Polyak 1964) and weight decay lambda, as in PyTorch's SGD, biases included:

    M <- mu M + v h^T + lambda W,    W <- W - alpha M

For a batch of N samples v h^T is the mean of their v h^T, so that the bounds of (29) hold for it.
Shapes: v [N, out], h [N, in], M [out, in].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer, Update, mean_descent
from letterocr.optimizers.rate_schedule import LearningRate


class Vanilla(Optimizer[VanillaConfig]):
    """Plain descent, with momentum and weight decay if they are not 0 (Kantack 2020, 6, 20)."""

    form = "scalars"

    def __init__(self, config: VanillaConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        self.momentum, self.weight_decay = config.momentum, config.weight_decay
        self.weights, self.biases = [], []
        if self.momentum:
            self.weights = [torch.zeros_like(w) for w in network.weights]
            self.biases = [w.new_zeros(w.shape[0]) for w in network.weights]

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update] | None:
        """Return the update of every weight matrix (20); with momentum, change the weights in place."""
        alpha = float(self.rate.at(sample, 1)[0])
        if not self.momentum:
            return mean_descent(batch, alpha, 1 - alpha * self.weight_decay)
        for k, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
            v, late, late_bias = batch.errors[k] / len(batch), self.weights[k], self.biases[k]
            late.mul_(self.momentum).addmm_(v.mT, batch.inputs[k]).add_(weight, alpha=self.weight_decay)
            weight.add_(late, alpha=-alpha)
            late_bias.mul_(self.momentum).add_(v.sum(0))
            if bias is not None:
                bias.add_(late_bias.add_(bias, alpha=self.weight_decay), alpha=-alpha)
        return None

    def state(self) -> dict[str, Tensor]:
        """Return the momentum M of every weight and bias; nothing without momentum."""
        named = {f"weight.{k}": m for k, m in enumerate(self.weights)}
        return named | {f"bias.{k}": m for k, m in enumerate(self.biases)}
