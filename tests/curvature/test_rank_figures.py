"""The figures of a run against NumPy's SVD, full gradients by autograd, dense Hessians and SciPy's eigsh."""

import math

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from helpers import random_letters, random_network
from torch import Tensor

from letterocr.config.rule import RULES
from letterocr.curvature.lanczos import largest_eigenvalue
from letterocr.curvature.products import hessian_product
from letterocr.curvature.rank_figures import compare_printed_with_gradient, rank_figures, singular_values, spectra
from letterocr.data.letters import one_hot
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors

LETTERS = random_letters(12, seed=3)
A = LETTERS.images[:, :20].double()
C = one_hot(LETTERS.labels, A, 26)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(bias: bool = True, temperature: float | None = 2.0, hidden: tuple[int, ...] = (7, 6)) -> Network:
    temperatures = None if temperature is None else [temperature]
    return random_network([20, *hidden, 26], temperatures, bias=bias).replica(0)


@pytest.mark.parametrize("shape", [(9, 5), (5, 9), (6, 6)])
def test_singular_values_are_numpys(shape):
    X = random(*shape)
    np.testing.assert_allclose(singular_values(X), np.linalg.svd(X.numpy(), compute_uv=False), rtol=1e-9)


def test_ranks_of_known_matrices():
    assert rank_figures(torch.ones(4).double())["stable_rank"] == pytest.approx(4)
    assert rank_figures(torch.ones(4).double())["effective_rank"] == pytest.approx(4)
    figures = rank_figures(torch.tensor([2.0, 1.0, 1.0, 0.0]).double())
    assert figures["stable_rank"] == pytest.approx(1.5)
    assert figures["effective_rank"] == pytest.approx(2**1.5)  # the entropy of 1/2, 1/4, 1/4 is 1.5 bits
    assert [figures[f"singular_value_{i}"] for i in (1, 2, 3, 4)] == [2, 1, 1, 0]
    assert rank_figures(torch.zeros(3))["stable_rank"] == rank_figures(torch.zeros(3))["effective_rank"] == 0


def test_spectra_of_weights_updates_and_activations():
    now, then = network(), network()
    v, h = random(7, 1), random(1, 20, seed=1)
    now.weights[0] += v @ h
    figures = spectra(now, then, A)
    assert figures["update_1/stable_rank"] == pytest.approx(1)  # one sample, one outer product
    assert figures["update_1/singular_value_1"] == pytest.approx(float(v.norm() * h.norm()))
    assert figures["update_2/singular_value_1"] == 0
    top = np.linalg.norm(now.weights[2].numpy(), 2)
    assert figures["weight_3/singular_value_1"] == pytest.approx(top)
    hidden = now.forward(A)[2].numpy()
    sigma = np.linalg.svd(hidden - hidden.mean(0), compute_uv=False)
    shares = sigma[sigma > 1e-9] / sigma.sum()
    assert figures["hidden_2/effective_rank"] == pytest.approx(math.exp(-(shares * np.log(shares)).sum()), rel=1e-6)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("temperature", [2.0, None])
def test_angles_and_norms_are_those_of_the_whole_updates(bias, temperature):
    """With every v h^T and bias written out, letter by letter."""
    net = network(bias, temperature)
    figures = compare_printed_with_gradient(net, A, C, 0.5)
    rows = []
    for a, c in zip(A, C, strict=True):
        activations = net.forward(a[None])
        updates = []
        for rule in ("printed", "gradient"):
            vectors = error_vectors(net, activations, c[None], RULES[rule])
            layers = [
                torch.cat([(v.mT @ h).flatten(), *([v.flatten()] if bias else [])])
                for v, h in zip(vectors, activations, strict=False)
            ]
            updates.append([torch.cat(layers), *layers])
        for p, g in zip(*updates, strict=True):
            rows.append([math.degrees(math.acos(min(1, p @ g / (p.norm() * g.norm())))), p.norm() / g.norm()])
    expected = np.nanmedian(np.array(rows).reshape(len(A), 4, 2)[: len(A)], axis=0)
    for k, name in enumerate(["printed", "printed_1", "printed_2", "printed_3"]):
        values = np.sort(np.array(rows).reshape(len(A), 4, 2)[:, k], axis=0)
        lower = values[(len(A) - 1) // 2]  # PyTorch's median of an even number is the lower of the middle two
        assert abs(figures[f"{name}/angle"] - lower[0]) < 1e-5  # acos near 1 halves the digits
        assert figures[f"{name}/norm_ratio"] == pytest.approx(lower[1])
        assert figures[f"{name}/norm_ratio"] <= expected[k, 1] + 1e-9


def test_the_linear_networks_rules_are_the_same():
    figures = compare_printed_with_gradient(network(temperature=None, hidden=()), A, C, 0.5)
    assert figures["printed/angle"] == pytest.approx(0, abs=1e-5)
    assert figures["printed/norm_ratio"] == 1


def dense_hessian(net: Network, loss_factor: float) -> Tensor:
    state = net.state()
    names, sizes = list(state), [t.numel() for t in state.values()]
    has_bias = net.biases[0] is not None

    def mean_loss(x: Tensor) -> Tensor:
        parts = {name: p.view_as(state[name]) for name, p in zip(names, x.split(sizes), strict=True)}
        h, count = A, len(net.weights)
        for k in range(count):
            h = h @ parts[f"weight.{k}"].T + (parts[f"bias.{k}"] if has_bias else 0)
            h = torch.sigmoid(h / net.temperature[0])
        return loss_factor * (h - C).square().sum(1).mean()

    return torch.autograd.functional.hessian(mean_loss, torch.cat([t.flatten() for t in state.values()]))


@pytest.mark.parametrize("bias", [True, False])
def test_the_largest_curvature_is_that_of_the_dense_hessian_and_eigshs(bias):
    net = network(bias, hidden=(4,))
    H = dense_hessian(net, 0.7)
    product = hessian_product(net, A, C, 0.7)
    x = random(len(H), seed=1)
    torch.testing.assert_close(product(x), H @ x)
    found = largest_eigenvalue(product, x, tolerance=1e-8, most=200)
    assert found == pytest.approx(float(torch.linalg.eigvalsh(H)[-1]), rel=1e-9)
    operator = scipy.sparse.linalg.LinearOperator(
        H.shape, matvec=lambda y: product(torch.from_numpy(y)).numpy(), dtype=np.float64
    )
    (eigsh,) = scipy.sparse.linalg.eigsh(operator, 1, which="LA", v0=x.numpy(), return_eigenvectors=False)
    assert found == pytest.approx(eigsh, rel=1e-9)
    assert not any(t.requires_grad for t in net.state().values())


def test_lanczos_stops_at_its_tolerance_and_at_the_whole_space():
    X = random(30, 30)
    X = X @ X.T
    calls = []

    def product(x: Tensor) -> Tensor:
        calls.append(1)
        return X @ x

    top = float(torch.linalg.eigvalsh(X)[-1])
    assert largest_eigenvalue(product, random(30, seed=2), tolerance=1e-2) == pytest.approx(top, rel=1e-2)
    assert len(calls) < 30
    assert largest_eigenvalue(lambda x: 3 * x, torch.ones(5)) == pytest.approx(3)
    assert largest_eigenvalue(lambda x: x * 0, torch.ones(5)) == 0


def test_numbers_that_are_not_finite_give_nan():
    broken = network()
    broken.weights[1][0, 0] = torch.inf
    figures = spectra(broken, network(), A)
    assert math.isnan(figures["weight_2/stable_rank"])
    assert math.isnan(figures["update_2/effective_rank"])
    assert figures["weight_1/stable_rank"] > 1
    product = hessian_product(broken, A, C, 0.5)
    assert math.isnan(largest_eigenvalue(product, random(sum(t.numel() for t in broken.state().values()))))


def test_the_bound_of_the_learning_rate_is_where_full_batch_descent_begins_to_grow():
    """On the linear network the loss is quadratic: below 2/lambda it falls, above it grows."""
    net = network(bias=False, temperature=None, hidden=())
    curvature = largest_eigenvalue(hessian_product(net, A, C, 0.5), random(net.weights[0].numel()), tolerance=1e-10)
    assert curvature == pytest.approx(float(torch.linalg.eigvalsh(A.T @ A / len(A))[-1]))  # R of (29)
    losses = {}
    for part in (0.99, 1.01):
        W = net.weights[0].clone()
        for _ in range(3000):
            W -= part * 2 / curvature * (A @ W.T - C).T @ A / len(A)
        losses[part] = float((A @ W.T - C).square().sum())
    assert losses[0.99] < losses[1.01] / 1e6
