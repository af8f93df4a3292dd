"""Stochastic meta-descent: each weight has a learning rate, and the rates are learned too (Schraudolph 2002; 1999).

With g the gradient of the batch's mean loss and everything elementwise but the product C v,

    p <- p . max(1/2, 1 - mu g . v)           the rates, by the effect of earlier steps on the loss
    w <- w - p . g                            the weights
    v <- lambda v - p . (g + lambda C v)      dw/d ln p, the effect of all earlier p on w

g and C are those of w and the batch before the step, and the new p makes the step. Schraudolph writes delta = -g:
a rate grows while the descent direction -g agrees with the direction v of the steps so far, and shrinks otherwise.

C is the Gauss-Newton matrix. Without g the effect follows v <- lambda (1 - p C) v: the Hessian, which is indefinite far
from a minimum, would let v grow without end along each direction of negative curvature; Gauss-Newton has none. One
product C v costs about one forward and backward pass, and is an outer product for each sample until v needs it.

p is alpha times a gain that starts at 1: a schedule of alpha multiplies all rates. Biases have rates of the same kind.

Shapes: w, g, v and the gains as a weight matrix [out, in] or bias [out].
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.config.optimizer.smd import SmdConfig
from letterocr.curvature.products import Dense, gauss_newton
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer
from letterocr.optimizers.rate_schedule import LearningRate


class Smd(Optimizer[SmdConfig]):
    """Descent with a learning rate for each weight, which is learned from its gradients (Schraudolph 2002)."""

    def __init__(self, config: SmdConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        self.meta_rate, self.memory = config.meta_rate, config.memory
        trained = network.state()
        self.gains = {name: torch.ones_like(w) for name, w in trained.items()}
        self.effects = {name: torch.zeros_like(w) for name, w in trained.items()}

    def step(self, sample: int, network: Network, batch: Batch) -> None:
        """Update rates, weights and effects in place."""
        alpha = float(self.rate.at(sample, 1)[0])
        effects = [
            Dense(self.effects[f"weight.{k}"], self.effects.get(f"bias.{k}")) for k in range(len(network.weights))
        ]
        curved = gauss_newton(network, batch, effects)
        trained = network.state()
        for k, (v, h, c) in enumerate(zip(batch.errors, batch.inputs, curved, strict=True)):
            v = v / len(batch)
            name = f"weight.{k}"
            gradient = v.mT @ h
            self._descend(name, trained[name], gradient, alpha)
            self._follow(name, gradient.addmm_(c.left, c.right, alpha=self.memory), alpha)
            name = f"bias.{k}"
            if name in trained:
                gradient = v.sum(0)
                self._descend(name, trained[name], gradient, alpha)
                self._follow(name, gradient.add_(c.bias, alpha=self.memory), alpha)

    def _descend(self, name: str, w: Tensor, gradient: Tensor, alpha: float) -> None:
        """Compute the new rates and take the step with them."""
        gain = self.gains[name]
        gain.mul_((gradient * self.effects[name]).mul_(-self.meta_rate).add_(1).clamp_(min=0.5))
        w.addcmul_(gain, gradient, value=-alpha)

    def _follow(self, name: str, force: Tensor, alpha: float) -> None:
        """Compute the new effect lambda v - p force, where the force is g + lambda C v."""
        self.effects[name].mul_(self.memory).addcmul_(self.gains[name], force, value=-alpha)

    def state(self) -> dict[str, Tensor]:
        """Return the gain and the effect of every weight and bias."""
        named = {f"gain.{name}": t for name, t in self.gains.items()}
        return named | {f"effect.{name}": t for name, t in self.effects.items()}
