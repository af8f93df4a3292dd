"""The spectral network: covariance pooling of patches and a matrix logarithm, learned end to end.

DeepO2P (Ionescu, Vantzos, Sminchisescu 2015; second-order pooling: Carreira et al. 2012) at letter size. A letter is
the set of its P = 13 x 13 patches z of 5x5 pixels, two pixels apart, each with its position. A bank of d filters F, the
moments of what they give, and the matrix logarithm take the place of hidden units:

    M = (1/P) sum z z^T,    Y = log(1 + F M F^T / epsilon),    q = s(W y + b),    y = Y's upper triangle

The entries of y off the diagonal are sqrt(2) times those of Y, so that |y| = |Y|. M needs no weights: filtering first
and pooling then gives the same. The position is nine soft cells, exp(-|place - centre|^2 / width^2), 0 in patches
without ink: with them M also holds which strokes are where.

Shapes: N letters, a [N, 900], z [34], M [N, 34, 34], F [R, d, 34], Y [N, d, d], W [R, 26, d (d + 1)/2], b [R, 26].
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor
from torch.nn.functional import unfold

from letterocr.config import ModelConfig, per_replica
from letterocr.data.letters import ALPHABET, SIDE
from letterocr.matrix.backprop import matrix_log
from letterocr.network import Network
from letterocr.randomness import stream

PATCH, STRIDE = 5, 2
CELLS = 3  # on a side
WIDTH = PATCH * PATCH + CELLS * CELLS  # of z
EPSILON = 1e-3  # moments well below it count as nothing; a stroke's are of the order of 0.1


@functools.cache
def _cells() -> Tensor:
    """The position of every patch in soft cells: [9, 169]."""
    place = torch.arange(0, SIDE - PATCH + 1, STRIDE) + (PATCH - 1) / 2
    centre = (torch.arange(CELLS) + 0.5) * SIDE / CELLS - 0.5
    along = torch.exp(-(((place - centre[:, None]) * CELLS / SIDE) ** 2))  # [3, 13]
    return torch.einsum("iy,jx->ijyx", along, along).reshape(CELLS * CELLS, -1)


def moments(a: Tensor) -> Tensor:
    """M of each letter of a [..., N, 900]: [..., N, 34, 34]."""
    patches = unfold(a.reshape(-1, 1, SIDE, SIDE), PATCH, stride=STRIDE)  # [N, 25, 169]
    inked = (patches != 0).any(1, keepdim=True)
    z = torch.cat([patches, inked * _cells().to(a)], 1)
    return (z @ z.mT / z.shape[-1]).reshape(*a.shape[:-1], WIDTH, WIDTH)


class SpectralNetwork(Network):
    """A network whose first weights are the filters F, its last W, with the logarithm between them."""

    def features(self, M: Tensor) -> Tensor:
        """The triangles y [..., N, d (d + 1)/2] of the letters with the moments M [N, 34, 34]."""
        filters = self.weights[0].unsqueeze(-3)
        Y = matrix_log(filters @ M @ filters.mT / EPSILON, 1.0)
        row, column = torch.triu_indices(*Y.shape[-2:], device=Y.device)
        return Y[..., row, column] * torch.where(row == column, 1.0, math.sqrt(2))

    def read(self, M: Tensor) -> Tensor:
        """The outputs q [..., N, 26] of the letters with the moments M [N, 34, 34]."""
        return self.s(self.preactivation(1, self.features(M)))

    def forward_from(self, k: int, activations: list[Tensor]) -> list[Tensor]:
        """Pixels a, triangles y, outputs q; the first k + 1 of them are known."""
        y = activations[1] if k else self.features(moments(activations[0]))
        return [activations[0], y, self.s(self.preactivation(1, y))]


def initialise(config: ModelConfig, seeds: list[int], dtype: torch.dtype, device: torch.device) -> SpectralNetwork:
    """Networks with random weights, one replica a seed, drawn in float64 on the CPU.

    The filters have the deviation 1/sqrt(34), W and b init_scale T / sqrt(inputs) as in other networks.
    """
    (d,), replicas = config.hidden, len(seeds)
    temperatures = per_replica(config.temperature if config.activation == "sigmoid" else 1.0, replicas)
    scales = [s * t for s, t in zip(per_replica(config.init_scale, replicas), temperatures, strict=True)]
    width = d * (d + 1) // 2

    def draw(name: str, k: int, deviations: list[float], *shape: int) -> Tensor:
        drawn = [torch.randn(*shape, generator=stream(s, name, k), dtype=torch.float64) for s in seeds]
        return torch.stack([x * dev for x, dev in zip(drawn, deviations, strict=True)]).to(device, dtype)

    last = [scale / math.sqrt(width) for scale in scales]
    weights = [
        draw("weights", 0, [1 / math.sqrt(WIDTH)] * replicas, d, WIDTH),
        draw("weights", 1, last, len(ALPHABET), width),
    ]
    bias = None
    if config.bias:
        bias = draw("biases", 1, last if config.init_bias == "random" else [0.0] * replicas, len(ALPHABET))
    if config.activation == "linear":
        return SpectralNetwork(weights, [None, bias], None)
    T = torch.tensor(temperatures, dtype=dtype, device=device).view(replicas, 1, 1)
    return SpectralNetwork(weights, [None, bias], T)
