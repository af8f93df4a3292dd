"""Small networks, batches and directions for curvature products, and a network's outputs as a function for autograd."""

from __future__ import annotations

import torch
from helpers import random_network
from torch import Tensor

from letterocr.config.rule import RULES
from letterocr.curvature.products import Factors
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors


def small_network(sizes: list[int], temperature: float | None, bias: bool = True, seed: int = 0) -> Network:
    network = random_network(sizes, None if temperature is None else [temperature], bias=bias, seed=seed)
    return network.replica(0)


def batch_of(network: Network, a: Tensor, c: Tensor, factor: float) -> Batch:
    activations = network.forward(a)
    return Batch(
        activations, error_vectors(network, activations, c, RULES["gradient"], factor), c, RULES["gradient"], factor
    )


def random_batch(network: Network, count: int, factor: float = 0.5) -> tuple[Tensor, Batch]:
    """Inputs, and the pass over them; targets between 0 and 1, of no particular kind."""
    generator = torch.Generator().manual_seed(3)
    a = torch.rand(count, network.weights[0].shape[1], generator=generator, dtype=torch.float64)
    c = torch.rand(count, len(network.weights[-1]), generator=generator, dtype=torch.float64)
    return a, batch_of(network, a, c, factor)


def random_direction(network: Network, seed: int = 4, rank: int = 2) -> list[Factors]:
    g = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    return [Factors(draw(o, rank), draw(rank, i), draw(o)) for o, i in (w.shape for w in network.weights)]


def parameters(network: Network) -> list[Tensor]:
    """[weight, bias, weight, ...], the biases where there are any."""
    pairs = zip(network.weights, network.biases, strict=True)
    return [t for pair in pairs for t in pair if t is not None]


def listed(network: Network, products: list[Factors]) -> list[Tensor]:
    """Products or directions in the order of the parameters."""
    rows = []
    for p, bias in zip(products, network.biases, strict=True):
        rows += [p.dense()] if bias is None else [p.dense(), p.bias]
    return rows


def outputs(network: Network, a: Tensor, *params: Tensor) -> Tensor:
    """The outputs q [N, out] as a function of the parameters; forward written anew (16)."""
    rest, h = list(params), a
    for bias in network.biases:
        x = torch.einsum("oi,ni->no", rest.pop(0), h)
        if bias is not None:
            x = x + rest.pop(0)
        h = x if network.temperature is None else 1 / (1 + torch.exp(-x / network.temperature))
    return h
