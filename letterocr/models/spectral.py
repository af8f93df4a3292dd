"""The spectral network: covariance pooling of patches and a matrix logarithm, learned end to end.

DeepO2P (Ionescu, Vantzos, Sminchisescu 2015; second-order pooling: Carreira et al. 2012) at letter size. A letter is
the set of its P = 13 x 13 patches z of 5x5 pixels, two pixels apart, each with its position. A bank of d filters F, the
covariance of what they give, and the matrix logarithm take the place of hidden units:

    M = (1/P) sum (z - mean)(z - mean)^T,    Y = log((F M F^T + epsilon 1)/typical),    q = s(W y + b)

y is the upper triangle of Y, its entries off the diagonal times sqrt(2), so that |y| = |Y|. M needs no weights:
filtering first and pooling then gives the same. The position is nine soft cells, 2 exp(-|place - centre|^2 / width^2),
0 in patches without ink: by them M also tells which strokes are where, without which letters are hard to tell apart.

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
CELLS = 3  # on a side
WIDTH = PATCH * PATCH + CELLS * CELLS  # of z
LENGTH = 3.0  # of the initial filters: the longer, the more slowly one learning rate for all turns them
EPSILON, TYPICAL = 0.01, 0.3  # variances well below the one count as none; the other gives the logarithm 0


@functools.cache
def _cells() -> Tensor:
    """The position of every patch in soft cells: [9, 169]."""
    place = torch.arange(0, SIDE - PATCH + 1, STRIDE, dtype=torch.float64) + (PATCH - 1) / 2
    centre = (torch.arange(CELLS) + 0.5) * SIDE / CELLS - 0.5
    along = torch.exp(-(((place - centre[:, None]) * CELLS / SIDE) ** 2))  # [3, 13]
    return 2 * torch.einsum("iy,jx->ijyx", along, along).reshape(CELLS * CELLS, -1)


def covariance(a: Tensor) -> Tensor:
    """M of each letter of a [N, 900]: [N, 34, 34]."""
    patches = unfold(a.view(-1, 1, SIDE, SIDE), PATCH, stride=STRIDE)  # [N, 25, 169]
    inked = (patches != 0).any(1, keepdim=True)
    z = torch.cat([patches, inked * _cells().to(a)], 1)
    z -= z.mean(-1, keepdim=True)
    return z @ z.mT / z.shape[-1]


class SpectralNetwork(Network):
    """A network whose first weights are the filters F, its last W, with the logarithm between them."""

    def triangle(self, M: Tensor) -> Tensor:
        """The triangles y [..., N, d (d + 1)/2] of the letters with the covariances M [N, 34, 34]."""
        filters = self.weights[0].unsqueeze(-3)
        Y = matrix_log(filters @ M @ filters.mT / TYPICAL, EPSILON / TYPICAL)
        row, column = torch.triu_indices(*Y.shape[-2:], device=Y.device)
        return Y[..., row, column] * torch.where(row == column, Y.new_tensor(1.0), Y.new_tensor(math.sqrt(2)))

    def read(self, M: Tensor) -> Tensor:
        """The outputs q [..., N, C] of the letters with the covariances M [N, 34, 34]."""
        return self.s(self.preactivation(1, self.triangle(M)))

    def forward_from(self, k: int, activations: list[Tensor]) -> list[Tensor]:
        """Pixels a, triangles y, outputs q; the first k + 1 of them are known."""
        y = activations[1] if k else self.triangle(covariance(activations[0]))
        return [activations[0], y, self.s(self.preactivation(1, y))]


def initialise(
    config: SpectralConfig, seeds: list[int], dtype: torch.dtype, device: torch.device, classes: int
) -> SpectralNetwork:
    """Networks with random weights, one replica a seed, drawn in float64 on the CPU.

    The filters have length 3 and any direction alike, at right angles up to 34 of them; W and b are normal with
    deviation init_scale T / sqrt(inputs) as in other networks.
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
