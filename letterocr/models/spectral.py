"""The spectral network: covariance pooling of patches and a matrix logarithm, learned end to end.

DeepO2P (Ionescu, Vantzos, Sminchisescu 2015; second-order pooling: Carreira et al. 2012), scaled to letters. A letter
is the set of its P = 13 x 13 patches z of 5x5 pixels, two pixels apart, each with its position. A bank of d filters F,
the covariance of their outputs and the matrix logarithm take the place of hidden units:

    M = (1/P) sum (z - mean)(z - mean)^T,    Y = log((F M F^T + epsilon 1)/typical),    q = s(W y + b)

y is the upper triangle of Y, its entries off the diagonal times sqrt(2), so that |y| = |Y|. M needs no weights:
filtering first and pooling then gives the same. The position is nine soft cells, 2 exp(-|place - centre|^2 / width^2),
and 0 in patches without ink. With them M also tells where each kind of stroke is, without which letters are hard to
tell apart.

Shapes: N letters, a [N, 900], z [34], M [N, 34, 34], F [R, d, 34], Y [N, d, d], W [R, C, d (d + 1)/2], b [R, C]
for C classes of letters.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor
from torch.nn.functional import unfold

from letterocr.base.randomness import make_generator
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.train import per_replica
from letterocr.data.letters import SIDE
from letterocr.matrix.backprop import matrix_log
from letterocr.models.chain import Network

PATCH, STRIDE = 5, 2
CELLS = 3  # soft cells on a side
WIDTH = PATCH * PATCH + CELLS * CELLS  # length of z
LENGTH = 3.0  # length of the initial filters; longer filters turn more slowly at the same learning rate
EPSILON, TYPICAL = 0.01, 0.3  # variances well below EPSILON count as 0; the variance TYPICAL has about logarithm 0


@functools.cache
def _cells() -> Tensor:
    """Return the position of every patch in soft cells: [9, 169]."""
    place = torch.arange(0, SIDE - PATCH + 1, STRIDE, dtype=torch.float64) + (PATCH - 1) / 2
    centre = (torch.arange(CELLS) + 0.5) * SIDE / CELLS - 0.5
    along = torch.exp(-(((place - centre[:, None]) * CELLS / SIDE) ** 2))  # [3, 13]
    return 2 * torch.einsum("iy,jx->ijyx", along, along).reshape(CELLS * CELLS, -1)


def covariance(a: Tensor) -> Tensor:
    """The covariance M of the patches of each letter.

    Args:
        a: [N, 900].

    Returns:
        [N, 34, 34].
    """
    patches = unfold(a.view(-1, 1, SIDE, SIDE), PATCH, stride=STRIDE)  # [N, 25, 169]
    inked = (patches != 0).any(1, keepdim=True)
    z = torch.cat([patches, inked * _cells().to(a)], 1)
    z -= z.mean(-1, keepdim=True)
    return z @ z.mT / z.shape[-1]


class SpectralNetwork(Network):
    """A network whose first weights are the filters F and whose last are W, with the matrix logarithm between them."""

    def triangle(self, M: Tensor) -> Tensor:
        """The triangles y of the matrix logarithms.

        Args:
            M: [N, 34, 34], the covariance of each letter.

        Returns:
            [..., N, d (d + 1)/2].
        """
        filters = self.weights[0].unsqueeze(-3)
        Y = matrix_log(filters @ M @ filters.mT / TYPICAL, EPSILON / TYPICAL)
        row, column = torch.triu_indices(*Y.shape[-2:], device=Y.device)
        return Y[..., row, column] * torch.where(row == column, Y.new_tensor(1.0), Y.new_tensor(math.sqrt(2)))

    def read(self, M: Tensor) -> Tensor:
        """The outputs q.

        Args:
            M: [N, 34, 34], the covariance of each letter.

        Returns:
            [..., N, C].
        """
        return self.s(self.preactivation(1, self.triangle(M)))

    def forward_from(self, k: int, activations: list[Tensor]) -> list[Tensor]:
        """Complete activations (pixels a, triangles y, outputs q) of which the first k + 1 are known.

        Args:
            k: 0 or 1.
            activations: the known ones.
        """
        y = activations[1] if k else self.triangle(covariance(activations[0]))
        return [activations[0], y, self.s(self.preactivation(1, y))]


def initialise(
    config: SpectralConfig, seeds: list[int], dtype: torch.dtype, device: torch.device, classes: int
) -> SpectralNetwork:
    """Make networks with random weights, one replica for each seed, drawn in float64 on the CPU.

    The filters have length 3 and random directions, at right angles up to 34 of them. W and b are normal with standard
    deviation init_scale T / sqrt(inputs), as in other networks.

    Args:
        config: number of filters, temperature, scale of the weights, kind of biases.
        seeds: seed of each of the R replicas.
        dtype: number format of the tensors.
        device: device of the tensors.
        classes: number of outputs.
    """
    (d,), replicas = config.hidden, len(seeds)
    temperatures = per_replica(config.temperature if config.activation == "sigmoid" else 1.0, replicas)
    width = d * (d + 1) // 2
    filters, last, biases = [], [], []
    for seed, scale, T in zip(seeds, per_replica(config.init_scale, replicas), temperatures, strict=True):
        normal = torch.randn(WIDTH, d, generator=make_generator(seed, "weights", 0), dtype=torch.float64)
        unit = torch.linalg.qr(normal)[0] if d <= WIDTH else normal / normal.norm(dim=0)
        filters.append(LENGTH * unit.mT)
        deviation = scale * T / math.sqrt(width)
        last.append(
            torch.randn(classes, width, generator=make_generator(seed, "weights", 1), dtype=torch.float64) * deviation
        )
        draw = torch.randn(classes, generator=make_generator(seed, "biases", 1), dtype=torch.float64) * deviation
        biases.append(draw if config.init_bias == "random" else torch.zeros_like(draw))
    weights = [torch.stack(w).to(device, dtype).contiguous() for w in (filters, last)]
    bias = torch.stack(biases).to(device, dtype) if config.bias else None
    if config.activation == "linear":
        return SpectralNetwork(weights, [None, bias], None)
    divisor = torch.tensor(temperatures, dtype=dtype, device=device).view(replicas, 1, 1)
    return SpectralNetwork(weights, [None, bias], divisor)
