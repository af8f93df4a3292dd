"""A learned rule for each coordinate (Andrychowicz et al. 2016, "Learning to learn by gradient descent by ...").

One small recurrent network computes the step of every weight and bias from the gradients of that coordinate alone. Its
parameters are shared by all coordinates; each coordinate has its own memory. Two layers of 20 units read the gradient
g, preprocessed with p = 10,

    (log|g| / p, sgn g)   where |g| >= e^-p,      (-1, e^p g)   elsewhere,

and W <- W - alpha m / n, where n is the number of inputs of the weight's layer, so that a layer's pre-activations
change alike whatever its width (Yang, Hu 2021). In the paper m is the output itself. Here there are two outputs, p and
r, with

    m = 20 exp(p) g + r;

where both are 0, it is plain descent. alpha = 1 is the step that was meta-trained, on letters of 64 pixels.

Shapes: g [N] the coordinates of one network, layer after layer, each layer's weights [out, in] before its bias [out].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from letterocr.config.optimizer.learned import NETWORK, LearnedConfig
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.optimizers.learned import lstm, rule_file
from letterocr.optimizers.optimizer import Optimizer, Update
from letterocr.optimizers.rate_schedule import LearningRate

P = 10.0
SHAPES = NETWORK.list_shapes()
GAIN = 20.0
LARGEST = 6.0  # upper limit of the exponents p
CHUNK = 1 << 13  # coordinates at a time, so that their gates stay in the cache


def preprocess(g: Tensor) -> Tensor:
    """The two features that the network reads of each gradient (Andrychowicz et al. 2016, appendix A).

    Args:
        g: [N] gradients.

    Returns:
        [2, N].

    Example:
        >>> preprocess(torch.tensor([1.0, -1.0, 0.0])).abs().tolist()  # log 1 = 0
        [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """
    large = g.abs() >= math.exp(-P)
    logarithm = torch.where(large, g.abs().clamp_min(math.exp(-P)).log() / P, -1.0)
    return torch.stack([logarithm, torch.where(large, g.sign(), g * math.exp(P))])


def compute_step(output: Tensor, g: Tensor) -> Tensor:
    """Compute the step m from the outputs of the network.

    Args:
        output: p and r, [2, N].
        g: [N] gradients.

    Returns:
        [N].
    """
    p, r = output
    return GAIN * p.clamp(max=LARGEST).exp() * g + r


def compute_gradients(batch: Batch) -> list[Tensor]:
    """Compute the mean gradient of every weight matrix and bias, flat: weight, bias, weight, bias, ..."""
    flat = []
    for v, h in zip(batch.errors, batch.inputs, strict=True):
        flat += [(v.mT @ h).flatten() / len(batch), v.mean(0)]
    return flat


class Learned(Optimizer[LearnedConfig]):
    """The rule of Andrychowicz et al. (2016) for each coordinate, with parameters of a file of `letterocr.meta_train`.

    Raises:
        UserError: the file is missing or damaged, or its parameters have other shapes.
    """

    form = "dense"

    def __init__(self, config: LearnedConfig, rate: LearningRate, network: Network, seed: int) -> None:
        super().__init__(config, rate, network, seed)
        like = network.weights[0]
        self.parameters = rule_file.read(config.name, config.path, SHAPES, like)
        counts = [
            t.numel() for pair in zip(network.weights, network.biases, strict=True) for t in pair if t is not None
        ]
        self.memory = lstm.make_memory(sum(counts), NETWORK.layers, like)

    def step(self, sample: int, network: Network, batch: Batch) -> Sequence[Update] | None:
        """Change every weight and bias in place."""
        alpha, first = float(self.rate.at(sample, 1)[0]), 0
        tensors = [t for pair in zip(network.weights, network.biases, strict=True) for t in pair]
        for k, (tensor, gradient) in enumerate(zip(tensors, compute_gradients(batch), strict=True)):
            if tensor is not None:
                scale = alpha / network.weights[k // 2].shape[1]
                self._descend(tensor.view(-1), gradient, scale, first)
                first += tensor.numel()
        return None

    def _descend(self, flat: Tensor, gradient: Tensor, scale: float, first: int) -> None:
        """Update one tensor in pieces; `first` is the place of its first coordinate in the memory."""
        for start in range(0, len(flat), CHUNK):
            g = gradient[start : start + CHUNK]
            memory = [m[:, first + start : first + start + len(g)] for m in self.memory]
            output, new = lstm.advance(self.parameters, preprocess(g), memory)
            flat[start : start + CHUNK].sub_(compute_step(output, g), alpha=scale)
            for old, m in zip(memory, new, strict=True):
                old.copy_(m)

    def state(self) -> dict[str, Tensor]:
        """Return the memory of every coordinate: h and c [20, N] of both layers."""
        return {f"memory.{i}": m for i, m in enumerate(self.memory)}
