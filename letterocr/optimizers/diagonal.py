"""Stochastic diagonal Levenberg-Marquardt: a learning rate for each weight (LeCun, Bottou, Orr, Müller 1998, 9.1).

With g the gradient of the batch's mean loss, c the Gauss-Newton diagonal of the same batch
(`products.gauss_newton_diagonal`), gamma the memory and mu the damping, everything elementwise,

    m <- gamma m + (1 - gamma) c,    w <- w - alpha g / (m / (1 - gamma^t) + mu)

m starts at 0. After t batches it is (1 - gamma) sum gamma^(t-i) c_i, whose weights sum to 1 - gamma^t: the division
makes it a weighted mean of all curvatures so far, which in the first step is that of the first batch. mu limits the
rate of a weight that has no curvature, such as that of a pixel without ink, to alpha/mu.

Shapes: w, g, c and m as a weight matrix [out, in] or bias [out].
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.config.optimizer.diagonal import DiagonalConfig
from letterocr.curvature.products import gauss_newton_diagonal
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer
from letterocr.optimizers.rate_schedule import LearningRate


class Diagonal(Optimizer[DiagonalConfig]):
    """Descent in which each weight's step is divided by its mean curvature (LeCun et al. 1998)."""

    def __init__(self, config: DiagonalConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        self.memory, self.damping = config.memory, config.damping
        self.means = {name: torch.zeros_like(w) for name, w in network.state().items()}
        self.updates = torch.zeros((), dtype=torch.int64)  # t, a tensor for the checkpoint

    def step(self, sample: int, network: Network, batch: Batch) -> None:
        """Update the mean curvatures and the weights in place."""
        alpha = float(self.rate.at(sample, 1)[0])
        self.updates += 1
        share = 1 - self.memory ** int(self.updates)
        diagonal = gauss_newton_diagonal(network, batch)
        for k, (v, h, c) in enumerate(zip(batch.errors, batch.inputs, diagonal, strict=True)):
            v = v / len(batch)
            mean, bias = self.means[f"weight.{k}"], network.biases[k]
            mean.mul_(self.memory).addmm_(c.left, c.right, alpha=1 - self.memory)
            network.weights[k].addcdiv_(v.mT @ h, (mean / share).add_(self.damping), value=-alpha)
            if bias is not None:
                mean = self.means[f"bias.{k}"]
                mean.mul_(self.memory).add_(c.bias, alpha=1 - self.memory)
                bias.addcdiv_(v.sum(0), (mean / share).add_(self.damping), value=-alpha)

    def state(self) -> dict[str, Tensor]:
        """Return the mean curvature of every weight and bias, and the number of updates in it."""
        return {f"mean.{name}": m for name, m in self.means.items()} | {"updates": self.updates}
