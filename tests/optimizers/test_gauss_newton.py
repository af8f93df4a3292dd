"""Gauss-Newton steps against the system solved in the weights, with Jacobians by autograd in float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers import one_sentence, random_network, small_config
from torch import Tensor
from torch.func import functional_call, jacrev

from letterocr.base.errors import UserError
from letterocr.config.check import check_config
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.gauss_newton import GaussNewtonConfig
from letterocr.config.rule import RULES
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors
from letterocr.optimizers.gauss_newton import GaussNewton, conjugate_gradients
from letterocr.optimizers.rate_schedule import LearningRate

SIZES = {"two_layer": [9, 26], "three_layer": [9, 6, 26], "four_layer": [9, 6, 5, 26]}


def batch_of(network: Network, count: int, factor: float) -> Batch:
    generator = torch.Generator().manual_seed(7)
    activations = network.forward(torch.rand(count, 9, generator=generator, dtype=torch.float64))
    c = torch.eye(26, dtype=torch.float64)[torch.randint(26, (count,), generator=generator)]
    return Batch(
        activations, error_vectors(network, activations, c, RULES["gradient"], factor), c, RULES["gradient"], factor
    )


def module_of(network: Network) -> torch.nn.Module:
    """The same network of PyTorch's own layers."""
    layers: list[torch.nn.Module] = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=torch.float64)
        layer.weight.data = weight.clone()
        if bias is not None:
            layer.bias.data = bias.clone()
        layers += [layer, _Sigmoid(network.temperature)]
    return torch.nn.Sequential(*layers)


class _Sigmoid(torch.nn.Module):
    def __init__(self, temperature: Tensor | None) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, x: Tensor) -> Tensor:
        return x if self.temperature is None else torch.sigmoid(x / self.temperature)


def expected_step(network: Network, batch: Batch, damping: float) -> Tensor:
    """(G + lambda 1)^-1 times the gradient, in the weights: [P]."""
    module = module_of(network)
    parameters = {name: p.detach() for name, p in module.named_parameters()}
    jacobians = jacrev(lambda p: functional_call(module, p, (batch.inputs[0],)))(parameters)
    count = len(batch)
    j = torch.cat([x.reshape(count * 26, -1) for x in jacobians.values()], 1)
    e = (batch.activations[-1] - batch.targets).reshape(-1)
    share = 2 * batch.loss_factor / count
    return torch.linalg.solve(share * j.T @ j + damping * torch.eye(j.shape[1]).double(), share * j.T @ e)


def step(network: Network, batch: Batch, config: GaussNewtonConfig) -> Tensor:
    """What the optimizer subtracts with alpha = 1, in the order of the module's parameters."""
    updates: Any = GaussNewton(config, LearningRate("constant", 1.0, 1), network, 0).step(0, network, batch)
    parts = []
    for update, bias in zip(updates, network.biases, strict=True):
        parts += [(-update.left @ update.right).flatten(), *([] if bias is None else [-update.bias])]
    return torch.cat(parts)


@pytest.mark.parametrize("factor", [0.5, 1.0])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("temperature", [None, [1.5]])
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("count", [1, 4])
def test_is_the_damped_step_in_the_weights(
    name: str, temperature: list[float] | None, bias: bool, factor: float, count: int
) -> None:
    network = random_network(SIZES[name], temperature, bias=bias).replica(0)
    batch = batch_of(network, count, factor)
    config = GaussNewtonConfig(damping=0.3, iterations=26 * count)
    expected = expected_step(network, batch, 0.3)
    # conjugate gradients end where rounding does; the direct solve is exact to rounding
    torch.testing.assert_close(step(network, batch, config), expected, rtol=0, atol=1e-9 * float(expected.abs().max()))


def test_of_one_sample_it_is_one_outer_product_a_layer() -> None:
    network = random_network(SIZES["four_layer"], [1.5]).replica(0)
    optimizer = GaussNewton(GaussNewtonConfig(), LearningRate("constant", 1.0, 1), network, 0)
    updates: Any = optimizer.step(0, network, batch_of(network, 1, 0.5))
    assert [u.left.shape[1] for u in updates] == [1, 1, 1]


def test_without_damping_it_solves_one_linear_sample_at_once() -> None:
    network = random_network([9, 26], None).replica(0)
    batch = batch_of(network, 1, 0.5)
    optimizer = GaussNewton(GaussNewtonConfig(damping=0.0), LearningRate("constant", 1.0, 1), network, 0)
    updates: Any = optimizer.step(0, network, batch)
    updates[0].apply(network.weights[0], network.biases[0])
    torch.testing.assert_close(network.forward(batch.inputs[0])[-1], batch.targets, rtol=0, atol=1e-12)


def test_conjugate_gradients_solve_in_as_many_steps_as_there_are_eigenvalues() -> None:
    matrix = torch.diag(torch.tensor([1.0, 2.0, 2.0, 5.0], dtype=torch.float64))
    b = torch.tensor([1.0, -2.0, 3.0, 4.0], dtype=torch.float64)
    x = conjugate_gradients(lambda y: matrix @ y, b, 3)
    torch.testing.assert_close(x, b / matrix.diagonal(), rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"rule": "printed"}, ("rule=printed", "rule=gradient")),
        ({"optimizer": GaussNewtonConfig(damping=0.0)}, ("optimizer.damping=0", "singular")),
        ({"optimizer": GaussNewtonConfig(damping=-1.0)}, ("optimizer.damping=-1", "at least 0")),
    ],
)
def test_what_it_does_not_fit_is_refused(fields: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        check_config(small_config(**{"model": ChainConfig(), "optimizer": GaussNewtonConfig()} | fields))
    one_sentence(caught.value, *parts)
