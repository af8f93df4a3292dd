"""Curvature products against double backward passes of autograd, against curvlinops, and their ranks.

Shapes: P parameters in all, in the order weight, bias (where there is one), weight, ...
"""

from types import ModuleType

import pytest
import torch
from directions import batch_of, listed, outputs, parameters, random_batch, random_direction, small_network
from torch import Tensor
from torch.autograd.functional import hvp, jacobian, jvp, vjp

from letterocr.config.rule import RULES
from letterocr.curvature.products import Dense, empirical_fisher, gauss_newton, gauss_newton_diagonal, hessian
from letterocr.engine.outer import Deferred
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors
from letterocr.optimizers.optimizer import Update

SIZES = [[7, 3], [7, 5, 3], [7, 5, 4, 3]]
PRODUCTS = {"hessian": hessian, "gauss_newton": gauss_newton, "empirical_fisher": empirical_fisher}

over_networks = pytest.mark.parametrize("sizes", SIZES, ids=str)
over_functions = pytest.mark.parametrize("temperature", [None, 3.0], ids=["linear", "sigmoid"])
over_biases = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
over_batches = pytest.mark.parametrize(("count", "factor"), [(1, 0.5), (4, 0.7)])


def autograd_product(name: str, network: Network, a: Tensor, batch: Batch, direction: list[Tensor]) -> list[Tensor]:
    params, step = tuple(parameters(network)), tuple(direction)
    c, f, n = batch.targets, batch.loss_factor, len(a)

    def loss(*p: Tensor) -> Tensor:
        return f * ((outputs(network, a, *p) - c) ** 2).sum() / n

    if name == "hessian":
        return list(hvp(loss, params, step)[1])
    if name == "gauss_newton":
        _, change = jvp(lambda *p: outputs(network, a, *p), params, step)
        return list(vjp(lambda *p: outputs(network, a, *p), params, 2 * f / n * change)[1])
    total = [torch.zeros_like(p) for p in params]
    for one, right in zip(a, c, strict=True):
        leaves = [p.clone().requires_grad_() for p in params]
        gradient = torch.autograd.grad(f * ((outputs(network, one[None], *leaves) - right) ** 2).sum(), leaves)
        along = sum((g * d).sum() for g, d in zip(gradient, step, strict=True))
        total = [t + along * g / n for t, g in zip(total, gradient, strict=True)]
    return total


def assert_same(got: list[Tensor], right: list[Tensor]) -> None:
    assert len(got) == len(right)
    for one, other in zip(got, right, strict=True):
        assert (one - other).abs().max() <= 1e-12 * max(t.abs().max() for t in right)


@over_networks
@over_functions
@over_biases
@over_batches
@pytest.mark.parametrize("name", list(PRODUCTS))
def test_products_are_those_of_autograd(name, sizes, temperature, bias, count, factor):
    network = small_network(sizes, temperature, bias)
    a, batch = random_batch(network, count, factor)
    direction = random_direction(network)
    right = autograd_product(name, network, a, batch, listed(network, direction))
    assert max(t.abs().max() for t in right) > 1e-6
    assert_same(listed(network, PRODUCTS[name](network, batch, direction)), right)
    dense = [Dense(d.dense(), d.bias) for d in direction]
    assert_same(listed(network, PRODUCTS[name](network, batch, dense)), right)


@pytest.mark.parametrize("name", list(PRODUCTS))
def test_a_direction_without_a_bias_has_a_bias_of_zero(name):
    network = small_network([7, 5, 3], 1.0)
    _, batch = random_batch(network, 2)
    direction = random_direction(network)
    zero = [Dense(d.dense(), torch.zeros_like(d.bias)) for d in direction]
    missing = [Dense(d.dense()) for d in direction]
    products = [listed(network, PRODUCTS[name](network, batch, d)) for d in (zero, missing)]
    assert all(torch.equal(one, other) for one, other in zip(*products, strict=True))


# It takes forward-mode products, for which PyTorch itself compiles TorchScript, which PyTorch deprecates.
with_curvlinops = pytest.mark.filterwarnings("ignore:`torch.jit.script` is:FutureWarning")


@pytest.fixture
def curvlinops() -> ModuleType:
    """The library of Dangel et al., curvlinops-for-pytorch."""
    return pytest.importorskip("curvlinops")


class Module(torch.nn.Module):
    """The network as a PyTorch module, for curvlinops."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.params = torch.nn.ParameterList([p.clone() for p in parameters(network)])

    def forward(self, a: Tensor) -> Tensor:
        return outputs(self.network, a, *self.params)


def operator(curvlinops: ModuleType, name: str, network: Network, a: Tensor, c: Tensor):
    """For MSELoss(reduction="sum"), the sum over samples and outputs of (q - c)^2: f = 1 and no mean."""
    kind = {"hessian": "Hessian", "gauss_newton": "GGN", "empirical_fisher": "EF"}[name]
    module = Module(network)
    loss = torch.nn.MSELoss(reduction="sum")
    return getattr(curvlinops, f"{kind}LinearOperator")(module, loss, list(module.params), [(a, c)])


@with_curvlinops
@over_networks
@over_functions
@over_biases
@over_batches
@pytest.mark.parametrize("name", list(PRODUCTS))
def test_products_are_those_of_curvlinops(curvlinops, name, sizes, temperature, bias, count, factor):
    """Ours are f/N of its Hessian and Gauss-Newton, which are linear in the loss, and f^2/N of its Fisher."""
    network = small_network(sizes, temperature, bias)
    a, batch = random_batch(network, count, factor)
    direction = random_direction(network)
    theirs = operator(curvlinops, name, network, a, batch.targets) @ listed(network, direction)
    scale = (factor**2 if name == "empirical_fisher" else factor) / count
    assert_same(listed(network, PRODUCTS[name](network, batch, direction)), [scale * t.detach() for t in theirs])


def rank(matrix: Tensor) -> int:
    return int(torch.linalg.matrix_rank(matrix, rtol=1e-10))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("count", [1, 2])
def test_ranks(sizes, count):
    """Of one sample: two a layer for the Hessian, one in the first; one for the others."""
    network = small_network([s + 4 for s in sizes], 1.0)
    _, batch = random_batch(network, count)
    direction = random_direction(network, rank=4)
    for k, p in enumerate(hessian(network, batch, direction)):
        assert rank(p.dense()) == p.left.shape[1] == p.right.shape[0] == (2 * count if k else count)
    for product in (gauss_newton, empirical_fisher):
        for p in product(network, batch, direction):
            assert rank(p.dense()) == p.left.shape[1] == p.right.shape[0] == count


@over_networks
def test_the_hessian_is_gauss_newton_where_nothing_is_left_to_learn(sizes):
    network = small_network(sizes, 1.0)
    a, _ = random_batch(network, 3)
    batch = batch_of(network, a, network.forward(a)[-1], 0.5)
    direction = random_direction(network)
    assert_same(
        listed(network, hessian(network, batch, direction)), listed(network, gauss_newton(network, batch, direction))
    )


def dense_matrix(product, network: Network, batch: Batch) -> Tensor:
    """The whole matrix [P, P], one direction after another."""
    shapes = [p.shape for p in parameters(network)]
    columns = []
    for unit in torch.eye(sum(s.numel() for s in shapes), dtype=torch.float64):
        parts = [x.view(s) for x, s in zip(unit.split([s.numel() for s in shapes]), shapes, strict=True)]
        direction = [Dense(parts.pop(0), None if b is None else parts.pop(0)) for b in network.biases]
        columns.append(torch.cat([t.flatten() for t in listed(network, product(network, batch, direction))]))
    return torch.stack(columns, 1)


def test_gauss_newton_is_never_indefinite_and_the_hessian_is():
    network = small_network([4, 3, 2], 1.0)
    _, batch = random_batch(network, 2)
    whole = {name: dense_matrix(product, network, batch) for name, product in PRODUCTS.items()}
    for matrix in whole.values():
        assert_same([matrix], [matrix.mT])
    lowest = {name: torch.linalg.eigvalsh(matrix)[0] / matrix.abs().max() for name, matrix in whole.items()}
    assert abs(lowest["gauss_newton"]) < 1e-12
    assert abs(lowest["empirical_fisher"]) < 1e-12
    assert lowest["hessian"] < -0.01


@pytest.mark.parametrize("factor", [0.5, 0.7])
def test_the_true_fisher_is_gauss_newton(factor):
    """Targets at q +- sqrt(m/2f) along each of the m axes have the mean and the covariance of the Gaussian."""
    network = small_network([5, 4, 3], 1.0)
    a, _ = random_batch(network, 2)
    q = network.forward(a)[-1]
    axes = torch.eye(3, dtype=torch.float64) * (3 / (2 * factor)) ** 0.5
    drawn = torch.cat([q + sign * axis for axis in axes for sign in (1, -1)])
    direction = random_direction(network)
    fisher = empirical_fisher(network, batch_of(network, a.repeat(6, 1), drawn, factor), direction)
    right = gauss_newton(network, batch_of(network, a, q, factor), direction)
    assert_same(listed(network, fisher), listed(network, right))


def exact_diagonal(network: Network, a: Tensor, factor: float) -> list[Tensor]:
    """2f/N sum of (dq/dw)^2 over samples and outputs, from autograd's Jacobian."""
    blocks = jacobian(lambda *p: outputs(network, a, *p), tuple(parameters(network)))
    return [2 * factor / len(a) * j.square().sum((0, 1)) for j in blocks]


@pytest.mark.parametrize("sizes", [[7, 3], [7, 5, 3]], ids=str)
@over_functions
@over_biases
@over_batches
def test_the_diagonal_is_exact_for_two_weight_matrices(sizes, temperature, bias, count, factor):
    network = small_network(sizes, temperature, bias)
    a, batch = random_batch(network, count, factor)
    assert_same(listed(network, gauss_newton_diagonal(network, batch)), exact_diagonal(network, a, factor))


@with_curvlinops
@pytest.mark.parametrize("count", [1, 3])
def test_the_diagonal_is_that_of_curvlinops(curvlinops, count):
    network = small_network([4, 3, 2], 1.0)
    a, batch = random_batch(network, count)
    matrix = operator(curvlinops, "gauss_newton", network, a, batch.targets)
    whole = matrix @ torch.eye(matrix.shape[0], dtype=torch.float64)
    ours = torch.cat([t.flatten() for t in listed(network, gauss_newton_diagonal(network, batch))])
    assert_same([ours], [0.5 / count * whole.detach().diagonal()])


@over_functions
def test_of_three_matrices_the_last_two_have_an_exact_diagonal(temperature):
    network = small_network([7, 5, 4, 3], temperature)
    a, batch = random_batch(network, 2)
    ours, right = listed(network, gauss_newton_diagonal(network, batch)), exact_diagonal(network, a, 0.5)
    assert_same(ours[2:], right[2:])
    assert (ours[0] - right[0]).abs().max() > 0.01 * right[0].abs().max()
    assert all((t >= 0).all() for t in ours)


@over_functions
def test_the_first_diagonal_is_exact_where_no_two_units_share_an_output(temperature):
    network = small_network([7, 5, 3, 3], temperature)
    network.weights[2] = torch.diag(network.weights[2].diagonal())
    a, batch = random_batch(network, 2)
    assert_same(listed(network, gauss_newton_diagonal(network, batch)), exact_diagonal(network, a, 0.5))


def test_the_first_diagonal_is_exact_in_the_mean_over_signs():
    """Over all signs of the second matrix's rows; without s, as its slopes would change with the signs."""
    network = small_network([7, 5, 4, 3], None)
    a, batch = random_batch(network, 2)
    ours = gauss_newton_diagonal(network, batch)[0].dense()
    second, exact = network.weights[1].clone(), torch.zeros_like(ours)
    signs = torch.cartesian_prod(*[torch.tensor([1.0, -1.0], dtype=torch.float64)] * 4)
    for sign in signs:
        network.weights[1] = sign[:, None] * second
        exact += exact_diagonal(network, a, 0.5)[0] / len(signs)
    assert_same([ours], [exact])


@over_networks
@pytest.mark.parametrize("name", list(PRODUCTS))
def test_products_see_the_steps_that_a_network_still_defers(name, sizes):
    network, kept = small_network(sizes, 1.0), small_network(sizes, 1.0)
    a, _ = random_batch(network, 3)
    deferred = Deferred(kept, block=3)
    deferred.begin(a)
    for seed in (5, 6):
        steps = [Update(d.left, d.right, d.bias) for d in random_direction(network, seed, rank=1)]
        deferred.keep(steps)
        for step, weight, bias in zip(steps, network.weights, network.biases, strict=True):
            step.apply(weight, bias)
    c = torch.zeros(1, len(network.weights[-1]), dtype=torch.float64)
    direction = random_direction(network)
    products = []
    for part in (deferred, network):
        activations = part.forward(a[2:])
        errors = error_vectors(part, activations, c, RULES["gradient"])
        products.append(
            listed(network, PRODUCTS[name](part, Batch(activations, errors, c, RULES["gradient"], 0.5), direction))
        )
    assert_same(*products)


def test_the_hessian_refuses_errors_of_another_rule():
    network = small_network([7, 5, 3], 1.0)
    _, batch = random_batch(network, 1)
    printed = Batch(batch.activations, batch.errors, batch.targets, RULES["printed"], 0.5)
    with pytest.raises(ValueError, match="rule=gradient, not printed"):
        hessian(network, printed, random_direction(network))
