"""Stochastic diagonal Levenberg-Marquardt against a NumPy loop, in closed form, on a quadratic, and resumed."""

import numpy as np
import pytest
import torch
from helpers import make_engine, random_network, random_split
from plain import Arrays, Plain, as_numpy, assert_close

from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.diagonal import DiagonalConfig
from letterocr.config.rule import RULES
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, loss
from letterocr.optimizers.diagonal import Diagonal
from letterocr.optimizers.rate_schedule import LearningRate

SPLIT = random_split()
MODELS = {
    "two_layer": ChainConfig(hidden=[], activation="linear", init_scale=1.0, init_bias="random"),
    "three_layer": ChainConfig(hidden=[7], init_scale=1.0, init_bias="random"),
    "four_layer": ChainConfig(hidden=[7, 5], init_scale=1.0, temperature=2.0),
    "no bias": ChainConfig(hidden=[7], init_scale=1.0, bias=False),
}
RATES = {"two_layer": 0.001, "three_layer": 0.03, "four_layer": 0.03, "no bias": 0.03}


def curvatures(plain: Plain, images: np.ndarray, factor: float) -> Arrays:
    """The mean of 2f sum (dq/dw)^2; before the last two matrices LeCun's recursion, unit by unit."""
    total = {name: np.zeros_like(w) for name, w in plain.parameters.items()}
    for a in images:
        jacobian, h = plain.jacobian(a)[1], plain.activations(a)
        for name, j in jacobian.items():
            total[name] += 2 * factor / len(images) * (j**2).sum(0)
        if plain.layers == 3:  # the first matrix anew, from the exact curvature along the second's pre-activations
            middle = 2 * factor * (jacobian["bias.1"] ** 2).sum(0)
            for i in range(len(h[1])):
                squares = sum(w**2 * s for w, s in zip(plain.parameters["weight.1"][:, i], middle, strict=True))
                s = plain.slope(h[1])[i] ** 2 * squares
                total["weight.0"][i] += (s * a**2 - 2 * factor * (jacobian["weight.0"][:, i] ** 2).sum(0)) / len(images)
                total["bias.0"][i] += (s - 2 * factor * (jacobian["bias.0"][:, i] ** 2).sum(0)) / len(images)
    return total


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("schedule", "factor"), [("constant", 0.5), ("inverse", 0.7)])
def test_it_is_a_numpy_loop(name, batch, schedule, factor):
    config = DiagonalConfig(damping=0.01, memory=0.8)
    fields = {"optimizer": config, "batch": str(batch), "schedule": schedule, "loss_factor": factor, "samples": 30}
    engine = make_engine(SPLIT, MODELS[name], rate=RATES[name], **fields)
    plain = Plain(engine.network.replica(0))
    order, seen = engine.orders[0].indices(0, 30).tolist(), []
    for start in range(0, 30, batch):
        places = order[start : start + batch]
        images = SPLIT.train.images[places].double().numpy()
        seen.append(curvatures(plain, images, factor))
        share = np.array([0.8 ** (len(seen) - 1 - i) for i in range(len(seen))])
        alpha = engine.optimizers[0].rate.at(start, 1)[0]
        for parameter, g in plain.gradient(images, np.eye(26)[SPLIT.train.labels[places].numpy()], factor).items():
            mean = np.tensordot(share / share.sum(), [c[parameter] for c in seen], 1)
            plain.parameters[parameter] = plain.parameters[parameter] - alpha * g / (mean + 0.01)
    before = {n: w.clone() for n, w in engine.network.replica(0).state().items()}
    engine.advance(30)
    after = as_numpy(engine.network.replica(0).state())
    assert all(np.abs(after[n] - before[n].numpy()).max() > 1e-3 for n in after)
    assert_close(after, plain.parameters)


def quadratic(scales: list[float], bias: bool = False) -> tuple[Network, torch.Tensor, torch.Tensor]:
    """A linear network, one input along each axis, and targets."""
    network = random_network([len(scales), 3], None, bias=bias).replica(0)
    c = torch.randn(len(scales), 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return network, torch.diag(torch.tensor(scales, dtype=torch.float64)), c


def batch_of(network: Network, a: torch.Tensor, c: torch.Tensor) -> Batch:
    activations = network.forward(a)
    return Batch(activations, error_vectors(network, activations, c, RULES["gradient"]), c, RULES["gradient"], 0.5)


def test_one_step_is_newtons_where_the_curvature_is_diagonal():
    """The weight of scale s has curvature s^2/4, so each error is left with damping / (s^2/4 + damping) of itself."""
    scales = [4.0, 2.0, 1.0, 0.5]
    network, a, c = quadratic(scales)
    before = network.forward(a)[-1] - c
    diagonal = Diagonal(DiagonalConfig(damping=0.01), LearningRate("constant", 1.0, 1), network, 0)
    diagonal.step(0, network, batch_of(network, a, c))
    left = torch.tensor([0.01 / (s * s / 4 + 0.01) for s in scales], dtype=torch.float64)
    torch.testing.assert_close(network.forward(a)[-1] - c, left[:, None] * before, rtol=1e-12, atol=1e-14)


def test_the_mean_of_a_constant_curvature_is_that_curvature_from_the_first_step_on():
    network, a, c = quadratic([4.0, 2.0, 1.0])
    diagonal = Diagonal(DiagonalConfig(memory=0.9), LearningRate("constant", 0.1, 5), network, 0)
    for t in range(1, 6):
        diagonal.step(t - 1, network, batch_of(network, a, c))
        mean = diagonal.means["weight.0"] / (1 - 0.9**t)
        right = torch.tensor([16 / 3, 4 / 3, 1 / 3], dtype=torch.float64).expand(3, 3)
        torch.testing.assert_close(mean, right, rtol=1e-13, atol=0)


def test_a_weight_without_curvature_keeps_still():
    network, a, c = quadratic([2.0, 0.0, 1.0])
    still = network.weights[0][:, 1].clone()
    diagonal = Diagonal(DiagonalConfig(damping=1e-3), LearningRate("constant", 0.1, 5), network, 0)
    for step in range(5):
        diagonal.step(step, network, batch_of(network, a, c))
    assert torch.equal(network.weights[0][:, 1], still)
    assert torch.isfinite(network.weights[0]).all()


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_it_reaches_the_minimum_of_a_quadratic(bias):
    """Samples that are not along the axes: alpha is below 2/5, five the most that G can exceed its diagonal by."""
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(30, 4, generator=generator, dtype=torch.float64) * torch.tensor([10.0, 1.0, 0.1, 0.1])
    c = torch.randn(30, 3, generator=generator, dtype=torch.float64)
    ones = np.hstack([a.numpy(), np.ones((30, 1))]) if bias else a.numpy()
    solution = np.linalg.lstsq(ones, c.numpy())[0]
    lowest = 0.5 * ((ones @ solution - c.numpy()) ** 2).sum(1).mean()
    network = random_network([4, 3], None, bias=bias).replica(0)
    diagonal = Diagonal(DiagonalConfig(damping=1e-4), LearningRate("constant", 0.35, 100), network, 0)
    for step in range(100):
        diagonal.step(step, network, batch_of(network, a, c))
    assert loss(network.forward(a)[-1], c).mean().item() - lowest < 1e-9 * lowest


@pytest.mark.parametrize("name", ["three_layer", "no bias"])
@pytest.mark.parametrize("batch", ["1", "4"])
def test_a_restored_engine_goes_on_with_the_same_bits(name, batch):
    fields = {"optimizer": DiagonalConfig(), "batch": batch, "replicas": 2, "dtype": torch.float32}
    engine, restored = (make_engine(SPLIT, MODELS[name], rate=0.03, **fields) for _ in range(2))
    engine.advance(28)
    restored.load_state(28, {n: tensor.clone() for n, tensor in engine.state().items()})
    later, again = engine.advance(20), restored.advance(20)
    assert np.array_equal(later.loss, again.loss)
    assert np.array_equal(later.test_error, again.test_error, equal_nan=True)
    assert engine.state().keys() == restored.state().keys()
    assert all(torch.equal(tensor, restored.state()[n]) for n, tensor in engine.state().items())
