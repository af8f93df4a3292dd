"""The network: a chain of weight matrices with the function s between them (2, 12, 16).

Shapes: R replicas, N letters, L weight matrices of sizes [out, in].
    weights[k]  [R, out, in]
    biases[k]   [R, out], or None
    activations [R, N, width]; the first are the pixels a, the last the outputs q
One replica alone (`Network.replica`) has the same shapes without R.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from letterocr.base.randomness import make_generator
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.network import NetworkConfig
from letterocr.config.train import per_replica
from letterocr.data.letters import PIXELS


@dataclass
class Network:
    """Weights, biases and temperature of R networks trained side by side (1, 14; Fig. 1, 6, 8).

    Attributes:
        weights: L tensors [R, out, in].
        biases: L tensors [R, out], or None each where the network has no bias.
        temperature: [R, 1, 1], T in s(x) = 1/(1 + exp(-x/T)) (15); None where s is the identity.

    Example:
        >>> W = torch.tensor([[[1.0, 2.0]]])  # one replica, one output, two inputs
        >>> network = Network([W], [torch.tensor([[-3.0]])], None)
        >>> network.forward(torch.tensor([[[5.0, 4.0]]]))[-1].tolist()  # 5 + 8 - 3
        [[[10.0]]]
    """

    weights: list[Tensor]
    biases: list[Tensor | None]
    temperature: Tensor | None

    def __repr__(self) -> str:
        sizes = ", ".join(str(list(weight.shape)) for weight in self.weights)
        return f"<{type(self).__name__}: weights {sizes}>"

    @property
    def replicas(self) -> int:
        """R, the number of networks trained side by side."""
        return self.weights[0].shape[0]

    def replica(self, r: int) -> Self:
        """Return the r-th network alone: views of its tensors, without the replica dimension."""
        return type(self)(
            [w[r] for w in self.weights],
            [None if b is None else b[r] for b in self.biases],
            None if self.temperature is None else self.temperature[r],
        )

    def product(self, k: int, h: Tensor) -> Tensor:
        """The product W_k h for each row h.

        Args:
            k: index of the weight matrix.
            h: [..., N, in].

        Returns:
            [..., N, out].
        """
        return h @ self.weights[k].mT

    def preactivation(self, k: int, h: Tensor) -> Tensor:
        """The pre-activation W_k h + b_k for each row h.

        Args:
            k: index of the weight matrix.
            h: [..., N, in].

        Returns:
            [..., N, out].
        """
        x, bias = self.product(k, h), self.biases[k]
        return x if bias is None else x + bias.unsqueeze(-2)

    def back(self, k: int, v: Tensor) -> Tensor:
        """The product W_k^T v for each row v.

        Args:
            k: index of the weight matrix.
            v: [..., N, out].

        Returns:
            [..., N, in].
        """
        return v @ self.weights[k]

    def s(self, x: Tensor) -> Tensor:
        """The function s between the layers (15), elementwise.

        Args:
            x: pre-activations [..., N, width].
        """
        return x if self.temperature is None else torch.sigmoid(x / self.temperature)

    def slope(self, h: Tensor) -> Tensor:
        """The derivative s'(x) = h (1 - h) / T where s(x) = h, elementwise (Kantack 2020, in 17 and 18).

        Args:
            h: activations [..., N, width].
        """
        return torch.ones_like(h) if self.temperature is None else h * (1 - h) / self.temperature

    def forward(self, a: Tensor) -> list[Tensor]:
        """The activations of all layers for the pixels a (16).

        Args:
            a: [..., N, 900].

        Returns:
            L + 1 tensors [..., N, width], the pixels first and the outputs q last.
        """
        return self.forward_from(0, [a])

    def forward_from(self, k: int, activations: list[Tensor]) -> list[Tensor]:
        """Complete activations of which those up to the inputs of weight matrix k are known.

        Args:
            k: index of the first weight matrix to apply.
            activations: k + 1 tensors [..., N, width].

        Returns:
            L + 1 tensors [..., N, width].
        """
        activations = list(activations)
        for j in range(k, len(self.weights)):
            activations.append(self.s(self.preactivation(j, activations[-1])))
        return activations

    def state(self) -> dict[str, Tensor]:
        """Return the trained tensors by name, for a checkpoint."""
        named = {f"weight.{k}": w for k, w in enumerate(self.weights)}
        return named | {f"bias.{k}": b for k, b in enumerate(self.biases) if b is not None}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Copy the trained tensors of a checkpoint into this network.

        Args:
            state: tensors by the names of `state`.
        """
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


def layer_sizes(config: NetworkConfig, classes: int) -> list[int]:
    """The layer widths from pixels to outputs: 900, the hidden widths, the number of classes (1, 14)."""
    return [PIXELS, *config.hidden, classes]


def initialise(
    config: NetworkConfig, seeds: list[int], dtype: torch.dtype, device: torch.device, classes: int
) -> Network:
    """Make networks with random weights, one replica for each seed.

    The weights are normal with standard deviation init_scale T / sqrt(in), so that s(x) starts equally far from its
    linear part at every temperature. They are drawn in float64 on the CPU, so that every device starts with the same
    ones.

    Args:
        config: hidden widths, temperature, scale of the weights, kind of biases.
        seeds: seed of each of the R replicas.
        dtype: number format of the tensors.
        device: device of the tensors.
        classes: number of outputs.
    """
    sizes = layer_sizes(config, classes)
    replicas = len(seeds)
    temperatures = per_replica(config.temperature if config.activation == "sigmoid" else 1.0, replicas)
    scales = [s * t for s, t in zip(per_replica(config.init_scale, replicas), temperatures, strict=True)]
    weights: list[Tensor] = []
    biases: list[Tensor | None] = []
    for k, (fan_in, out) in enumerate(pairwise(sizes)):
        weight, bias = _allocate(replicas, (out, fan_in), dtype, device), _allocate(replicas, (out,), dtype, device)
        for r, (seed, scale) in enumerate(zip(seeds, scales, strict=True)):
            deviation = scale / math.sqrt(fan_in)
            weight[r] = _draw((out, fan_in), seed, "weights", k) * deviation
            if config.init_bias == "random":
                bias[r] = _draw((out,), seed, "biases", k) * deviation
        weights.append(weight)
        biases.append(bias if config.bias else None)
    if config.activation == "linear":
        return Network(weights, biases, None)
    return Network(weights, biases, torch.tensor(temperatures, dtype=dtype, device=device).view(replicas, 1, 1))


def draw_hidden_layer(
    width: int = 1800, seed: int = 0, deviation: float = 15.0, biases: bool = False
) -> tuple[Tensor, Tensor]:
    """Draw the hidden layer with which a run of this seed starts.

    Args:
        width: number of hidden units.
        seed: seed of the run.
        deviation: standard deviation of the weights; 15 = 3 T / sqrt(900) for runs at the paper's temperature of 150.
        biases: whether the biases are random as well; else they are 0.

    Returns:
        W_h [width, 900] and b_h [width], float64.
    """
    model = ChainConfig(
        hidden=[width], init_scale=deviation * math.sqrt(PIXELS), init_bias="random" if biases else "zero"
    )
    # One output is enough, since each matrix is drawn from its own random stream.
    network = initialise(model, [seed], torch.float64, torch.device("cpu"), classes=1).replica(0)
    assert network.biases[0] is not None
    return network.weights[0], network.biases[0]


def _draw(shape: tuple[int, ...], seed: int, stream: str, k: int) -> Tensor:
    return torch.randn(shape, generator=make_generator(seed, stream, k), dtype=torch.float64)


def _allocate(replicas: int, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return zeros [R, *shape]; each replica starts at a cache line, on which the rounding of products depends."""
    count, line = math.prod(shape), 64 // dtype.itemsize
    room = torch.zeros(replicas, -(-count // line) * line, dtype=dtype, device=device)
    return room[:, :count].unflatten(1, shape)
