"""Newton's method for the linear two-layer network, where the loss is quadratic and one step reaches the optimum.

The Hessian of f |W a - c|^2 is 2f a a^T, the same for every output, so that alpha is multiplied by an inverse (Bottou
2010):

    W <- W - alpha E^T A^T(...)^-1,   with all letters at once (batch=all, ridge 0):   W <- W - alpha E^T pinv(A)^T

With alpha = 1 and W = 0 this is the minimum-norm solution (8). For one sample or a batch at a time it is recursive
least squares; the inverse P = (epsilon 1 + sum a a^T)^-1 is kept by Sherman, Morrison and Woodbury (Plackett 1950):

    K = P A^T (phi 1 + A P A^T)^-1,     P <- (P - K A P) / phi,     W <- W - alpha E^T K^T

Its step is an outer product for one sample. P is symmetric, and older samples fade if phi is below 1.

Shapes: C classes; A [N, in] the batch's letters, with a column of ones where there is a bias; E [N, C] their errors
q - c; P [in, in], K [in, N].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import Optimizer, Update
from letterocr.optimizers.rate_schedule import LearningRate


class Newton(Optimizer[NewtonConfig]):
    """Newton's method for the two-layer network; recursive least squares if the ridge is not 0."""

    form = "outer"

    def __init__(self, config: NewtonConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        weight = network.weights[0]
        self.bias = network.biases[0] is not None
        size = weight.shape[1] + self.bias
        # float64, since the rounding error of P grows with every update
        start = torch.eye(size, dtype=torch.float64, device=weight.device)
        self.inverse = start / config.ridge if config.ridge else None

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update]:
        """Return the step that is exact for the samples seen so far (8)."""
        a = batch.inputs[0].double()
        if self.bias:
            a = torch.cat([a, a.new_ones(len(a), 1)], 1)
        gain = torch.linalg.pinv(a) if self.inverse is None else self._gain(self.inverse, a)
        alpha = float(self.rate.at(sample, 1)[0])
        errors = batch.errors[0].double() / (2 * batch.loss_factor)
        left, right = (errors * -alpha).mT, gain.mT
        bias = left @ right[:, -1] if self.bias else left.sum(1)
        like = network.weights[0]
        return [Update(left.to(like), right[:, : like.shape[1]].to(like), bias.to(like))]

    def _gain(self, inverse: Tensor, a: Tensor) -> Tensor:
        """Compute K, and update P with these samples."""
        forget, pa = self.config.forget, inverse @ a.mT
        system = a @ pa
        system.diagonal().add_(forget)
        gain = torch.linalg.solve(system, pa.mT).mT
        inverse.addmm_(gain, pa.mT, beta=1 / forget, alpha=-1 / forget)
        return gain

    def state(self) -> dict[str, Tensor]:
        """Return the inverse P; nothing if the ridge is 0."""
        return {} if self.inverse is None else {"inverse": self.inverse}
