"""Online Kronecker factors of the curvature (Martens, Grosse 2015); their inverses are kept by updates of rank two.

The Gauss-Newton matrix of a layer is approximated by the Kronecker product of A, the mean of h h^T (h with a 1 for the
bias), and G, the mean of u u^T, so that the natural step of one sample is still one outer product:

    W <- W - alpha (G^-1 v) (A^-1 h)^T

u is the error vector of normal noise of standard deviation 1 on the outputs instead of their error (the Fisher matrix
of the Gaussian likelihood that belongs to the half-loss): G then does not vanish as the network learns. With the loss
f |q - c|^2 the standard deviation is sqrt(2f). After t samples A is S/t with

    S <- S + h h^T + epsilon |h|^2 e_j e_j^T,      j = t mod n

where the second part adds epsilon times the mean eigenvalue to the diagonal, one entry for each sample in turn. So the
damping of both factors neither fades nor depends on any scale. S^-1 follows by Sherman, Morrison and Woodbury (1950).
It starts with the damping of n_0 samples. The same holds for G.

Shapes: v, u [1, out], h [1, in]; inverses of S: [in + 1, in + 1] and [out, out] (without the 1 where there is no bias).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from letterocr.base.randomness import make_generator
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import propagate
from letterocr.optimizers.optimizer import Optimizer, Update
from letterocr.optimizers.rate_schedule import LearningRate


def add_to_inverse(inverse: Tensor, x: Tensor) -> None:
    """Add x^T x to the matrix whose inverse is given, in place (Sherman, Morrison, Woodbury 1950).

    Args:
        inverse: symmetric [n, n]; it becomes the inverse of the sum.
        x: [m, n].

    Example:
        >>> inverse = torch.eye(2)
        >>> add_to_inverse(inverse, torch.tensor([[1.0, 0.0]]))
        >>> inverse.tolist()  # of diag(1 + 1, 1)
        [[0.5, 0.0], [0.0, 1.0]]
    """
    u = x @ inverse
    system = u @ x.mT
    system.diagonal().add_(1)
    inverse.addmm_(u.mT, torch.linalg.solve(system, u), alpha=-1)


class Kfac(Optimizer[KfacConfig]):
    """Descent preconditioned by Kronecker factors; each step is an outer product."""

    form = "outer"

    def __init__(self, config: KfacConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        self.inputs: list[Tensor] = []
        self.errors: list[Tensor] = []
        for weight, bias in zip(network.weights, network.biases, strict=True):
            for kept, size in ((self.inputs, weight.shape[1] + (bias is not None)), (self.errors, weight.shape[0])):
                kept.append(torch.eye(size, dtype=weight.dtype, device=weight.device))

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update]:
        """Return the preconditioned step of every weight matrix."""
        count, alpha = self.config.prior + sample + 1, float(self.rate.at(sample, 1)[0])
        updates = []
        for k, (v, u, h) in enumerate(
            zip(batch.errors, self._noise(sample, network, batch), batch.inputs, strict=True)
        ):
            width = h.shape[1]
            x = h if network.biases[k] is None else torch.cat([h, h.new_ones(1, 1)], 1)
            self._learn(sample, self.inputs[k], x)
            self._learn(sample, self.errors[k], u)
            right, left = count * x @ self.inputs[k], -alpha * count * v @ self.errors[k]
            bias = left[0] * (right[0, width] if right.shape[1] > width else 1)
            updates.append(Update(left.mT, right[:, :width], bias))
        return updates

    def _noise(self, sample: int, network: Network, batch: Batch) -> list[Tensor]:
        """Return the error vectors u of noise on the outputs."""
        q = batch.activations[-1]
        draw = torch.randn(q.shape, generator=make_generator(self.seed, "kfac", sample), dtype=torch.float64)
        return propagate(network, batch.activations, draw.to(q) * (2 * batch.loss_factor) ** 0.5, batch.rule)

    def _learn(self, sample: int, inverse: Tensor, x: Tensor) -> None:
        """Add x to the factor with this inverse."""
        size, damping = x.shape[1], self.config.damping * x.square().sum()
        if sample == 0:
            inverse.div_(self.config.prior * damping / size)
        place = torch.zeros_like(x)
        place[0, sample % size] = damping.sqrt()
        add_to_inverse(inverse, torch.cat([x, place]))

    def state(self) -> dict[str, Tensor]:
        """Return the inverses of both factors of every layer."""
        named = {f"inputs.{k}": x for k, x in enumerate(self.inputs)}
        return named | {f"errors.{k}": x for k, x in enumerate(self.errors)}
