"""The largest curvature of any network's loss, estimated online (LeCun, Simard, Pearlmutter 1993).

One pair of gradients g for each sample (here: for a few samples, of which g is the mean) drives Psi, which has as many
entries as there are weights:

    Psi <- (1 - gamma) Psi + (gamma/eps) (g(w + eps Psi/|Psi|) - g(w))

The difference is H Psi/|Psi| for the sample's Hessian H, up to order eps. For small gamma the mean over the samples
counts, and |Psi| converges to the largest eigenvalue of the mean Hessian: the largest in value, not in size, since
parts of Psi along a negative eigenvalue die out. Here gamma falls as c/(c + t), so that the samples' noise falls too.

The meaning of the result: for `rule=gradient`, H is the symmetric Hessian at these weights. Full-batch descent near a
minimum with this H converges below 2/|Psi| and diverges above it. But H changes as the network learns, and per-sample
descent meets each sample's own Hessian: 1/|Psi| is the rate that LeCun, Simard and Pearlmutter recommend, no guarantee.
For `printed` and `eq18`, g is the gradient of no loss and its Jacobian J is not symmetric: Psi follows the eigenvalue
of largest real part, and |Psi| is that eigenvalue if it is real. Descent along g is stable near a zero of g where
alpha < 2 Re(lambda)/|lambda|^2 for every eigenvalue lambda, which |Psi| alone doesn't tell; and even then the error may
grow for a while, as J isn't normal.

`lanczos` is exact for the gradient, on a fixed set of letters; this method needs only two gradients at a time and works
with any rule.

Shapes: one replica; Psi as weights [out, in] and biases [out]; a [8, 900], c [8, classes] the letters of a step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.config.rule import Rule
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors

STEPS = 200
BATCH = 8  # letters a step: their mean is less noisy than one, at little more cost, as both read every weight once
AVERAGE = 10.0  # c in gamma = c/(c + t)
EPSILON = 1e-5  # in units of the temperature: in float64 both the rounding and the second order are small


class Shifted(Network):
    """The network at the weights w + shift Psi, without a copy of its weights.

    Args:
        network: the network at w, without the replica dimension.
        weights: Psi's part for every weight matrix, [out, in] each.
        biases: Psi's part for every bias, [out] each, or None.
        shift: the factor of Psi; it may be changed later.
    """

    def __init__(self, network: Network, weights: list[Tensor], biases: list[Tensor | None], shift: float = 0) -> None:
        super().__init__(network.weights, network.biases, network.temperature)
        self.psi = Network(weights, biases, None)
        self.shift = shift

    def preactivation(self, k: int, h: Tensor) -> Tensor:
        """The pre-activation (W_k + shift Psi_k) h + b_k + shift psi_k."""
        return super().preactivation(k, h).add_(self.psi.preactivation(k, h), alpha=self.shift)

    def back(self, k: int, v: Tensor) -> Tensor:
        """The product (W_k + shift Psi_k)^T v."""
        return super().back(k, v).add_(self.psi.back(k, v), alpha=self.shift)


@torch.no_grad()
def largest_curvature(
    network: Network,
    images: Tensor,
    targets: Tensor,
    rule: Rule,
    loss_factor: float,
    generator: torch.Generator,
    steps: int = STEPS,
) -> float:
    """Estimate the largest eigenvalue of the mean Hessian, or of J, as |Psi| after a number of steps.

    Args:
        network: the weights in question, without the replica dimension, in float64.
        images: [N, 900].
        targets: the correct outputs c, [N, classes].
        rule: the rule of the error vectors.
        loss_factor: f in the loss f |q - c|^2.
        generator: draws the first Psi, and the letters, with replacement.
        steps: number of steps of `BATCH` letters each.
    """
    psi = [torch.randn(w.shape, generator=generator, dtype=w.dtype) for w in network.weights]
    biases = [None if b is None else torch.randn(b.shape, generator=generator, dtype=b.dtype) for b in network.biases]
    parts = psi + [b for b in biases if b is not None]
    size = _size(parts)
    epsilon = EPSILON * (1.0 if network.temperature is None else float(network.temperature))
    shifted = Shifted(network, psi, biases)
    for t in range(steps):
        i = torch.randint(len(images), (BATCH,), generator=generator)
        a, c = images[i].double(), targets[i].double()
        shifted.shift = epsilon / size
        gamma = AVERAGE / (AVERAGE + t)
        pairs = []
        for at in (network, shifted):
            activations = at.forward(a)
            pairs.append((error_vectors(at, activations, c, rule, loss_factor), activations))
        (v, h), (shifted_v, shifted_h) = pairs
        for k, (weight, bias) in enumerate(zip(psi, biases, strict=True)):
            left, right = torch.cat([shifted_v[k], -v[k]]), torch.cat([shifted_h[k], h[k]])
            weight.addmm_(left.mT, right, beta=1 - gamma, alpha=gamma / epsilon / BATCH)
            if bias is not None:
                bias.mul_(1 - gamma).add_(left.sum(0), alpha=gamma / epsilon / BATCH)
        size = _size(parts)
        if not size:  # the loss is flat: the difference of gradients is rounded to 0 everywhere
            break
    return size


def _size(parts: list[Tensor]) -> float:
    """Compute |Psi|."""
    return float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in parts])))
