"""The three rules against automatic differentiation and against numbers worked out by hand."""

import pytest
import torch
from helpers import random_letters, random_network
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from letterocr.config.model.chain import ChainConfig
from letterocr.config.rule import RULES
from letterocr.models.chain import Network, initialise
from letterocr.models.error_vectors import error_vectors, loss

NETWORKS = [[7, 3], [7, 5, 3], [7, 5, 4, 3]]


def letters_and_targets(sizes: list[int], replicas: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(9)
    a = torch.rand(replicas, 4, sizes[0], dtype=torch.float64, generator=generator)
    return a, one_hot(torch.randint(sizes[-1], (replicas, 4), generator=generator), sizes[-1]).double()


def autograd(network: Network, a: Tensor, loss_of) -> tuple[list[Tensor], list[Tensor | None]]:
    """Derivatives for every weight and bias of `loss_of(last pre-activation)`, forward written anew."""
    weights = [w.clone().requires_grad_() for w in network.weights]
    biases = [None if b is None else b.clone().requires_grad_() for b in network.biases]
    h = a
    for w, b in zip(weights, biases, strict=True):
        x = torch.einsum("roi,rni->rno", w, h) + (0 if b is None else b[:, None, :])
        h = x if network.temperature is None else 1 / (1 + torch.exp(-x / network.temperature))
    loss_of(x, h).backward()
    return [w.grad for w in weights], [None if b is None else b.grad for b in biases]


def relative_difference(got: Tensor, right: Tensor) -> float:
    return ((got - right).abs().max() / right.abs().max()).item()


def assert_is_gradient(network: Network, a: Tensor, vectors: list[Tensor], loss_of) -> None:
    """Each sum of v h^T is the derivative for the weights, each sum of v that for the biases (20)."""
    weight_gradients, bias_gradients = autograd(network, a, loss_of)
    for v, h, dw, db in zip(vectors, network.forward(a), weight_gradients, bias_gradients, strict=False):
        assert relative_difference(torch.einsum("rno,rni->roi", v, h), dw) < 1e-12
        if db is not None:
            assert relative_difference(v.sum(1), db) < 1e-12


@pytest.mark.parametrize("sizes", NETWORKS, ids=str)
@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("temperatures", [None, [1.0, 150.0]], ids=["linear", "sigmoid"])
def test_gradient_is_the_gradient_of_the_loss(sizes, loss_factor, bias, temperatures):
    network = random_network(sizes, temperatures, bias=bias, replicas=2)
    a, c = letters_and_targets(sizes, replicas=2)
    vectors = error_vectors(network, network.forward(a), c, RULES["gradient"], loss_factor)
    assert_is_gradient(network, a, vectors, lambda x, q: loss_factor * ((q - c) ** 2).sum())


@pytest.mark.parametrize("sizes", NETWORKS, ids=str)
@pytest.mark.parametrize("temperature", [1.0, 150.0])
def test_eq18_is_the_gradient_of_the_temperature_times_cross_entropy(sizes, temperature):
    """In the output layer alone the same holds for the printed rule: its output error is q - c as well."""
    network = random_network(sizes, [temperature])
    a, c = letters_and_targets(sizes)
    vectors = error_vectors(network, network.forward(a), c, RULES["eq18"])

    def cross_entropy(x: Tensor, q: Tensor) -> Tensor:
        return temperature * binary_cross_entropy_with_logits(x / temperature, c, reduction="sum")

    assert_is_gradient(network, a, vectors, cross_entropy)
    printed = error_vectors(network, network.forward(a), c, RULES["printed"])[-1]
    h = network.forward(a)[-2]
    right = autograd(network, a, cross_entropy)[0][-1]
    assert relative_difference(torch.einsum("rno,rni->roi", printed, h), right) < 1e-12


# A network 2-2-2 with T = 2, its activations and its target, and the errors of (17-19) worked out by hand:
#   q - c           = (3/4 - 1, 1/2 - 0)                    = (-1/4, 1/2)
#   s'(q~)          = (3/4 . 1/4 / 2, 1/2 . 1/2 / 2)        = (3/32, 1/8)
#   s'(h~)          = (1/2 . 1/2 / 2, 1/4 . 3/4 / 2)        = (1/8, 3/32)
#   W_q^T (q - c)   = (-1/4 + 3 . 1/2, -2/4 + 4 . 1/2)      = (5/4, 3/2)
#   gradient: v_q   = (-1/4 . 3/32, 1/2 . 1/8)              = (-3/128, 1/16)
#   W_q^T v_q       = (-3/128 + 3/16, -6/128 + 4/16)        = (21/128, 13/64)
HAND = {
    "printed": [(5 / 4, 3 / 2), (-1 / 4, 1 / 2)],
    "eq18": [(5 / 4 / 8, 3 / 2 * 3 / 32), (-1 / 4, 1 / 2)],
    "gradient": [(21 / 1024, 39 / 2048), (-3 / 128, 1 / 16)],
}


def hand_case() -> tuple[Network, list[Tensor], Tensor]:
    def row(*x: float) -> Tensor:
        return torch.tensor([x], dtype=torch.float64)

    weights = [torch.eye(2, dtype=torch.float64), torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)]
    network = Network(weights, [None, None], torch.tensor([[2.0]], dtype=torch.float64))
    return network, [row(1, 2), row(1 / 2, 1 / 4), row(3 / 4, 1 / 2)], row(1, 0)


@pytest.mark.parametrize("rule", list(HAND))
def test_errors_worked_out_by_hand(rule):
    network, activations, c = hand_case()
    vectors = error_vectors(network, activations, c, RULES[rule])
    assert [tuple(v[0].tolist()) for v in vectors] == HAND[rule]  # all are exact in binary


@pytest.mark.parametrize("rule", list(HAND))
def test_the_full_loss_doubles_every_error(rule):
    network, activations, c = hand_case()
    vectors = error_vectors(network, activations, c, RULES[rule], loss_factor=1.0)
    assert [tuple(v[0].tolist()) for v in vectors] == [tuple(2 * x for x in v) for v in HAND[rule]]


def test_loss_worked_out_by_hand():
    _, activations, c = hand_case()
    assert loss(activations[-1], c).tolist() == [5 / 32]  # ((1/4)^2 + (1/2)^2) / 2
    assert loss(activations[-1], c, loss_factor=1.0).tolist() == [5 / 16]


def test_printed_passes_through_every_layer_without_a_derivative():
    # 1-1-1-1: W_2 = 3, W_3 = -2, q - c = 1/4  =>  v_2 = -2/4, v_1 = 3 . -2/4
    network = Network([torch.full((1, 1), x) for x in (5.0, 3.0, -2.0)], [None] * 3, torch.tensor([[7.0]]))
    activations = [torch.full((1, 1), x) for x in (0.9, 0.3, 0.6, 0.25)]
    vectors = error_vectors(network, activations, torch.zeros(1, 1), RULES["printed"])
    assert [v.item() for v in vectors] == [-1.5, -0.5, 0.25]


@pytest.mark.parametrize("sizes", NETWORKS, ids=str)
def test_the_rules_agree_where_s_is_the_identity(sizes):
    network = random_network(sizes, None)
    a, c = letters_and_targets(sizes)
    printed, eq18, gradient = (error_vectors(network, network.forward(a), c, RULES[rule]) for rule in HAND)
    for p, e, g in zip(printed, eq18, gradient, strict=True):
        assert torch.equal(p, g)
        assert torch.equal(e, g)


def test_printed_is_300_and_180000_times_the_gradient_near_the_start():
    """Each s' is 1/4T there: 1/600 a layer at T = 150, and the loss |q - c|^2 has a 2."""
    model = ChainConfig(hidden=[50], temperature=150.0, init_scale=0.01)
    network = initialise(model, [0], torch.float64, torch.device("cpu"), 26).replica(0)
    letters = random_letters(1, seed=0)
    activations = network.forward(letters.images.double())
    c = one_hot(letters.labels, 26).double()
    printed = error_vectors(network, activations, c, RULES["printed"])
    gradient = error_vectors(network, activations, c, RULES["gradient"], loss_factor=1.0)
    for p, g, h, ratio in zip(printed, gradient, activations, [180_000, 300], strict=False):
        long, short = p.mT @ h, g.mT @ h
        assert (long.norm() / short.norm()).item() == pytest.approx(ratio, rel=1e-3)
        assert ((long * short).sum() / long.norm() / short.norm()).item() > 0.999999
