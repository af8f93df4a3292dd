"""Damped Gauss-Newton steps, solved exactly in the space of the outputs.

With J the Jacobian of the outputs q and the mean loss (f/N) sum |q - c|^2, G = (2f/N) J^T J is the Gauss-Newton matrix
(Schraudolph 2002) and the step is

    - alpha (G + lambda 1)^-1 (2f/N) J^T (q - c)  =  - alpha J^T y,     ((2f/N) J J^T + lambda 1) y = (2f/N) (q - c)

so that no system of the weights' size is solved: the step consists of the error vectors for the output error y in place
of q - c. For one sample the system is C x C and is solved directly:

    J J^T = sum over layers of B_k B_k^T (|h_k|^2 + 1),   B_k the error vectors of the C unit errors.

For a batch it has C N unknowns and is solved by conjugate gradients with products J (J^T y), which need only the Gram
matrices h h^T + 1 of the layers. The 1 is there where there is a bias.

Shapes: N samples, C classes; y, q, c [N, C]; h_k [N, in]; B_k [C, out]; K_k [N, N] Gram matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from letterocr.config.optimizer.gauss_newton import GaussNewtonConfig
from letterocr.config.rule import GRADIENT
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import propagate
from letterocr.optimizers.optimizer import Optimizer, Update


def gram(network: Network, batch: Batch) -> list[Tensor]:
    """The Gram matrices h h^T + 1 of every layer's inputs, without the 1 where there is no bias.

    Args:
        network: tells which layers have a bias.
        batch: N samples.

    Returns:
        L tensors [N, N].
    """
    return [h @ h.mT + float(b is not None) for h, b in zip(batch.inputs, network.biases, strict=True)]


def outer_jacobian(network: Network, batch: Batch, grams: list[Tensor], y: Tensor) -> Tensor:
    """The product J J^T y: y is sent back as error vectors, and the change of the outputs that they cause is computed.

    Args:
        network: the weights.
        batch: N samples.
        grams: as `gram` returns them.
        y: [N, C].

    Returns:
        [N, C].
    """
    vectors = propagate(network, batch.activations, y, GRADIENT)
    change = grams[0] @ vectors[0] * network.slope(batch.activations[1])
    for k in range(1, len(vectors)):
        change = change @ network.weights[k].mT + grams[k] @ vectors[k]
        change = change * network.slope(batch.activations[k + 1])
    return change


def conjugate_gradients(product: Callable[[Tensor], Tensor], b: Tensor, iterations: int) -> Tensor:
    """Solve product(x) = b by conjugate gradients (Hestenes, Stiefel 1952).

    Args:
        product: multiplication by a symmetric positive definite matrix.
        b: the right-hand side, of any shape.
        iterations: the largest number of steps.

    Returns:
        x, of the shape of b.

    Example:
        >>> A = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
        >>> x = conjugate_gradients(lambda x: A @ x, torch.tensor([4.0, 5.0]), iterations=2)
        >>> print(" ".join(f"{value:.3f}" for value in x))  # 2 + 2 = 4, 1 + 4 = 5
        1.000 2.000
    """
    x, residual = torch.zeros_like(b), b.clone()
    direction, size = residual.clone(), residual.square().sum()
    enough = size * torch.finfo(b.dtype).eps ** 2
    for _ in range(iterations):
        if size <= enough:
            break
        image = product(direction)
        length = size / (direction * image).sum()
        x += length * direction
        residual -= length * image
        size, before = residual.square().sum(), size
        direction = residual + size / before * direction
    return x


class GaussNewton(Optimizer[GaussNewtonConfig]):
    """Damped Gauss-Newton steps; for one sample, each weight matrix gets one outer product."""

    form = "outer"

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update]:
        """Return the step of every weight matrix, in factors."""
        alpha = float(self.rate.at(sample, 1)[0])
        share = 2 * batch.loss_factor / len(batch)
        error = (batch.activations[-1] - batch.targets) * share
        solve = self._solve_one if len(batch) == 1 else self._solve_many
        y = solve(network, batch, error, share)
        vectors = propagate(network, batch.activations, y, GRADIENT)  # J^T y, in factors with h
        steps = [v * -alpha for v in vectors]
        return [Update(d.mT, h, d.sum(0)) for d, h in zip(steps, batch.inputs, strict=True)]

    def _solve_one(self, network: Network, batch: Batch, error: Tensor, share: float) -> Tensor:
        unit = torch.eye(error.shape[1], dtype=error.dtype, device=error.device)
        system = unit * self.config.damping
        vectors = propagate(network, batch.activations, unit, GRADIENT)
        for b, k in zip(vectors, gram(network, batch), strict=True):
            system.addmm_(b, b.mT * k, alpha=share)
        return torch.linalg.solve(system, error[0]).unsqueeze(0)

    def _solve_many(self, network: Network, batch: Batch, error: Tensor, share: float) -> Tensor:
        grams = gram(network, batch)

        def product(y: Tensor) -> Tensor:
            return share * outer_jacobian(network, batch, grams, y) + self.config.damping * y

        return conjugate_gradients(product, error, self.config.iterations)
