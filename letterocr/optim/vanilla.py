"""Gradient descent, one sample at a time: W <- W - alpha v h^T (Kantack 2020, 6 and 20).

With momentum mu (Polyak 1964) and weight decay lambda, as in PyTorch's SGD, biases included:

    M <- mu M + v h^T + lambda W,    W <- W - alpha M

Shapes: v [1, out], h [1, in], M [out, in].
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.config import VanillaConfig
from letterocr.network import Network
from letterocr.optim.rates import LearningRate
from letterocr.optim.update import DenseUpdate, Update


class Vanilla:
    """Plain descent, with momentum and weight decay where asked for (Kantack 2020, 6, 20).

    `factored` tells the blocked engine that every step is linear in W, M and v h^T with the scalars above,
    so that a whole block of steps stays a sum of outer products.
    """

    factored = True

    def __init__(self, config: VanillaConfig, rate: LearningRate, network: Network) -> None:
        self.rate, self.momentum, self.weight_decay = rate, config.momentum, config.weight_decay
        self.weights, self.biases = [], []
        if self.momentum:
            self.weights = [torch.zeros_like(w) for w in network.weights]
            self.biases = [w.new_zeros(w.shape[0]) for w in network.weights]

    def step(
        self, sample: int, network: Network, errors: list[Tensor], inputs: list[Tensor]
    ) -> list[Update] | list[DenseUpdate]:
        """The update of every weight matrix for the sample that comes after `sample` ones (20)."""
        alpha = float(self.rate.at(sample, 1)[0])
        if self.momentum:
            return [self._heavy(k, network, v, h, alpha) for k, (v, h) in enumerate(zip(errors, inputs, strict=True))]
        steps, scale = [v * -alpha for v in errors], 1 - alpha * self.weight_decay
        return [Update(d.mT, h, d[0], scale) for d, h in zip(steps, inputs, strict=True)]

    def _heavy(self, k: int, network: Network, v: Tensor, h: Tensor, alpha: float) -> DenseUpdate:
        weight, bias = self.weights[k], self.biases[k]
        weight.mul_(self.momentum).addr_(v[0], h[0]).add_(network.weights[k], alpha=self.weight_decay)
        bias.mul_(self.momentum).add_(v[0])
        own = network.biases[k]
        if own is not None:
            bias.add_(own, alpha=self.weight_decay)
        return DenseUpdate(weight, bias, -alpha)

    def state(self) -> dict[str, Tensor]:
        """The momentum M of every weight and bias, if there is one."""
        named = {f"weight.{k}": m for k, m in enumerate(self.weights)}
        return named | {f"bias.{k}": m for k, m in enumerate(self.biases)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take up the momentum of a checkpoint."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
