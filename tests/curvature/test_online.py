"""The online estimate of the largest curvature, against exact Hessians and Jacobians by autograd in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import random_network
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from letterocr.config.rule import RULES
from letterocr.curvature.online import Shifted, largest_curvature
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, loss

# Psi averages the last n letters or so, with weights that sum to 1 and whose squares sum to about c/(2 t): after 1000
# steps of 8 letters the noise of |Psi| is 2.5 % of how much one letter's curvature differs from the mean one, which is
# up to once or twice it. What is left of other eigenvectors, (c/t)^(c gap), is less.
TOLERANCE = 0.06


def task(width: int, outputs: int, count: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    a = torch.rand(count, width, generator=generator, dtype=torch.float64)
    return a, torch.eye(outputs, dtype=torch.float64)[torch.randint(outputs, (count,), generator=generator)]


def estimate(network: Network, a: Tensor, c: Tensor, rule: str = "gradient", loss_factor: float = 0.5) -> float:
    generator = torch.Generator().manual_seed(1)
    return largest_curvature(network, a, c, RULES[rule], loss_factor, generator, steps=1000)


def flat(network: Network) -> Tensor:
    return torch.cat([t.flatten() for t in network.state().values()])


def at(network: Network, w: Tensor) -> Network:
    """The network with the weights and biases of one vector."""
    parts = dict(
        zip(network.state(), w.split([t.numel() for t in network.state().values()]), strict=True)  # in their order
    )
    weights = [parts[f"weight.{k}"].view_as(t) for k, t in enumerate(network.weights)]
    biases = [None if b is None else parts[f"bias.{k}"] for k, b in enumerate(network.biases)]
    return Network(weights, biases, network.temperature)


@pytest.mark.parametrize(
    ("sizes", "temperatures", "bias"),
    [([6, 4], None, True), ([6, 4, 3], [1.5], True), ([6, 4, 3], [1.5], False), ([5, 4, 4, 3], [40.0], True)],
)
@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
def test_it_is_the_largest_eigenvalue_of_the_exact_hessian(sizes, temperatures, bias, loss_factor):
    network = random_network(sizes, temperatures, bias=bias).replica(0)
    a, c = task(sizes[0], sizes[-1])
    exact = hessian(lambda w: loss(at(network, w).forward(a)[-1], c, loss_factor).mean(), flat(network))
    expected = float(torch.linalg.eigvalsh(exact)[-1])
    assert estimate(network, a, c, loss_factor=loss_factor) == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize("rule", ["printed", "eq18"])
def test_for_the_other_rules_it_is_the_eigenvalue_of_largest_real_part_of_their_jacobian(rule):
    network = random_network([6, 4, 3], [1.5]).replica(0)
    a, c = task(6, 3)

    def direction(w: Tensor) -> Tensor:
        n = at(network, w)
        activations = n.forward(a)
        v = error_vectors(n, activations, c, RULES[rule])
        weights = [(d.mT @ h / len(a)).flatten() for d, h in zip(v, activations, strict=False)]
        return torch.cat([*weights, *(d.mean(0) for d in v)])

    values = np.linalg.eigvals(jacobian(direction, flat(network)).numpy())
    top = values[values.real.argmax()]
    assert abs(top.imag) < 1e-9
    assert estimate(network, a, c, rule) == pytest.approx(float(top.real), rel=TOLERANCE)


def test_a_negative_eigenvalue_of_larger_size_is_not_taken():
    """Two outputs of one pixel without bias: s'^2 + (q - c) s'' each, below 0 where q is far on the wrong side."""
    network = Network([torch.tensor([[2.2], [-2.2]], dtype=torch.float64)], [None], torch.tensor([[1.0]]).double())
    a = torch.ones(1, 1, dtype=torch.float64)
    q = network.forward(a)[-1]
    c = torch.stack([torch.zeros(1), torch.zeros(1)], 1).double()
    slope = q * (1 - q)
    curvatures = (slope**2 + (q - c) * slope * (1 - 2 * q))[0]
    assert -curvatures[0] > 3 * curvatures[1] > 0
    assert estimate(network, a, c) == pytest.approx(float(curvatures[1]), rel=1e-3)


def test_the_shifted_network_is_the_network_with_other_weights():
    network, psi = (random_network([6, 5, 3], [1.5], seed=seed).replica(0) for seed in (0, 1))
    a, c = task(6, 3)
    shifted = Shifted(network, psi.weights, psi.biases, 0.3)
    moved = at(network, flat(network) + 0.3 * flat(psi))
    for one, other in zip(shifted.forward(a), moved.forward(a), strict=True):
        torch.testing.assert_close(one, other)
    vectors = (error_vectors(n, n.forward(a), c, RULES["gradient"]) for n in (shifted, moved))
    for one, other in zip(*vectors, strict=True):
        torch.testing.assert_close(one, other)


def test_the_network_stays_as_it_was_and_the_generator_decides():
    network = random_network([6, 4, 3], [1.5]).replica(0)
    before = flat(network).clone()
    a, c = task(6, 3)
    assert estimate(network, a, c) == estimate(network, a, c)
    assert torch.equal(flat(network), before)


@pytest.mark.parametrize(("factor", "stays"), [(0.98, True), (1.02, False)])
def test_near_a_minimum_descent_stays_below_two_over_the_curvature_and_leaves_above(factor, stays):
    """With one letter there is no sampling noise, and the estimate is the exact Hessian's."""
    network = random_network([6, 4, 3], [1.5]).replica(0)
    a, _ = task(6, 3, count=1)
    c = network.forward(a)[-1].clone()  # these weights are a minimum
    curvature = estimate(network, a, c)
    w0 = flat(network)
    w = w0 + 1e-6 * torch.randn(w0.shape, generator=torch.Generator().manual_seed(2), dtype=w0.dtype)
    start = float(loss(at(network, w).forward(a)[-1], c))
    for _ in range(200):
        w = w.detach().requires_grad_()
        (g,) = torch.autograd.grad(loss(at(network, w).forward(a)[-1], c).sum(), w)
        w = w - factor * 2 / curvature * g
    end = float(loss(at(network, w.detach()).forward(a)[-1], c))
    assert end < 1e-3 * start if stays else end > 1e3 * start
