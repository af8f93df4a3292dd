"""Stochastic meta-descent against a NumPy loop with whole Jacobians, by hand, on a quadratic, and resumed."""

import numpy as np
import pytest
import torch
from helpers import make_engine, random_network, random_split
from plain import Arrays, Plain, as_numpy, assert_close

from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.smd import SmdConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.rule import RULES
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors, loss
from letterocr.optimizers.rate_schedule import LearningRate
from letterocr.optimizers.smd import Smd
from letterocr.optimizers.vanilla import Vanilla

SPLIT = random_split()
MODELS = {
    "two_layer": ChainConfig(hidden=[], activation="linear", init_scale=1.0, init_bias="random"),
    "three_layer": ChainConfig(hidden=[7], init_scale=1.0, init_bias="random"),
    "four_layer": ChainConfig(hidden=[7, 5], init_scale=1.0, temperature=2.0),
    "no bias": ChainConfig(hidden=[7], init_scale=1.0, bias=False),
}
RATES = {"two_layer": 0.002, "three_layer": 0.3, "four_layer": 3.0, "no bias": 0.3}
# So large that some rates are halved.
META_RATES = {
    "two_layer": 2e2,
    "three_layer": 1e3,
    "four_layer": 1e4,
    "no bias": 1e3,
}


def smd_loop(engine, config: SmdConfig, samples: int, batch: int) -> tuple[Plain, Arrays, Arrays, int]:
    """The three lines of the paper: the network, p, v, and how often a rate was halved."""
    plain = Plain(engine.network.replica(0))
    w = plain.parameters
    v = {name: np.zeros_like(x) for name, x in w.items()}
    gain = {name: np.ones_like(x) for name, x in w.items()}
    order, halved = engine.orders[0].indices(0, samples).tolist(), 0
    for start in range(0, samples, batch):
        places = order[start : start + batch]
        images = SPLIT.train.images[places].double().numpy()
        alpha = engine.optimizers[0].rate.at(start, 1)[0]
        g = plain.gradient(images, np.eye(26)[SPLIT.train.labels[places].numpy()], engine.loss_factor)
        curved = plain.gauss_newton(images, engine.loss_factor, v)
        for name in w:
            factor = 1 + config.meta_rate * v[name] * -g[name]
            halved += (factor < 0.5).sum()
            gain[name] = gain[name] * np.maximum(0.5, factor)
            p = alpha * gain[name]
            w[name] = w[name] - p * g[name]
            v[name] = config.memory * v[name] - p * (g[name] + config.memory * curved[name])
    return plain, gain, v, halved


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize(("schedule", "factor"), [("constant", 0.5), ("inverse", 0.7)])
def test_it_is_a_numpy_loop(name, batch, schedule, factor):
    config = SmdConfig(meta_rate=META_RATES[name], memory=0.9)
    fields = {"optimizer": config, "batch": str(batch), "schedule": schedule, "loss_factor": factor, "samples": 30}
    engine = make_engine(SPLIT, MODELS[name], rate=RATES[name], **fields)
    plain, gain, effect, halved = smd_loop(engine, config, 30, batch)
    engine.advance(30)
    assert halved > 0 or batch > 1
    assert max(x.max() for x in gain.values()) > 1.1
    assert_close(as_numpy(engine.network.replica(0).state()), plain.parameters)
    assert_close(as_numpy(engine.optimizers[0].gains), gain)
    assert_close(as_numpy(engine.optimizers[0].effects), effect)


def one_weight(w: float) -> tuple[Network, Batch]:
    """The network q = w a at a = 1 with c = 0: gradient w and curvature 1 of the half-loss."""
    network = Network([torch.full((1, 1), w)], [None], None)
    zero = torch.zeros(1, 1)
    activations = network.forward(zero + 1)
    return network, Batch(
        activations, error_vectors(network, activations, zero, RULES["gradient"]), zero, RULES["gradient"], 0.5
    )


def test_two_steps_worked_out_by_hand():
    """With alpha = 1/4, mu = 1, lambda = 1/2.

    1: v = 0, g = 1:  p = 1/4;                         w = 1 - 1/4 = 3/4;  v = 0 - 1/4 (1 + 0) = -1/4
    2: g = 3/4:       p = 1/4 (1 + 3/16) = 19/64;      w = 3/4 - 19/64 3/4 = 135/256;
                      v = -1/8 - 19/64 (3/4 + 1/2 (-1/4)) = -159/512
    """
    network, batch = one_weight(1.0)
    smd = Smd(SmdConfig(meta_rate=1.0, memory=0.5), LearningRate("constant", 0.25, 2), network, 0)
    by_hand = [(1 / 4, 3 / 4, -1 / 4), (19 / 64, 135 / 256, -159 / 512)]  # all are exact in binary
    for sample, (p, w, v) in enumerate(by_hand):
        smd.step(sample, network, batch)
        assert 0.25 * smd.gains["weight.0"].item() == p
        assert network.weights[0].item() == w
        assert smd.effects["weight.0"].item() == v
        batch = one_weight(w)[1]


def test_a_rate_is_at_most_halved_when_the_step_turns_back():
    """At the other side of the minimum the gradient has the steps' own sign: 1 + mu v (-g) is far below 1/2."""
    network, batch = one_weight(1.0)
    smd = Smd(SmdConfig(meta_rate=100.0, memory=0.5), LearningRate("constant", 1.5, 2), network, 0)
    smd.step(0, network, batch)
    assert network.weights[0].item() == -0.5
    smd.step(1, network, one_weight(-0.5)[1])
    assert smd.gains["weight.0"].item() == 0.5


def full_batches(network: Network, optimizer, a: torch.Tensor, c: torch.Tensor, steps: int) -> float:
    """The mean loss after so many steps, each from all samples."""
    for step in range(steps):
        activations = network.forward(a)
        v = error_vectors(network, activations, c, RULES["gradient"])
        updates = optimizer.step(step, network, Batch(activations, v, c, RULES["gradient"], 0.5))
        for update, weight, bias in zip(updates or [], network.weights, network.biases, strict=False):
            update.apply(weight, bias)
    return loss(network.forward(a)[-1], c).mean().item()


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_it_reaches_the_minimum_of_a_quadratic_before_plain_descent(bias):
    """Inputs of scales 1 and 1/10, so that the curvature's condition is about 100; alpha is below 1/lambda_max."""
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(30, 4, generator=generator, dtype=torch.float64) * torch.tensor([1.0, 1.0, 0.1, 0.1])
    c = torch.randn(30, 3, generator=generator, dtype=torch.float64)
    ones = np.hstack([a.numpy(), np.ones((30, 1))]) if bias else a.numpy()
    solution = np.linalg.lstsq(ones, c.numpy())[0]
    lowest = 0.5 * ((ones @ solution - c.numpy()) ** 2).sum(1).mean()
    excess = {}
    for kind, config in ((Smd, SmdConfig(meta_rate=3.0, memory=1.0)), (Vanilla, VanillaConfig())):
        network = random_network([4, 3], None, bias=bias).replica(0)
        optimizer = kind(config, LearningRate("constant", 0.3, 800), network, 0)
        excess[kind] = full_batches(network, optimizer, a, c, 800) - lowest
    assert excess[Smd] < 1e-5 * lowest
    assert excess[Vanilla] > 1e-3 * lowest


@pytest.mark.parametrize("name", list(MODELS))
def test_without_a_meta_rate_it_is_plain_descent(name):
    smd = make_engine(SPLIT, MODELS[name], rate=RATES[name], optimizer=SmdConfig(meta_rate=0.0))
    vanilla = make_engine(SPLIT, MODELS[name], rate=RATES[name])
    np.testing.assert_allclose(smd.advance(50).loss, vanilla.advance(50).loss, rtol=1e-10)
    assert all((gain == 1).all() for gain in smd.optimizers[0].gains.values())


@pytest.mark.parametrize("name", ["three_layer", "no bias"])
@pytest.mark.parametrize("batch", ["1", "4"])
def test_a_restored_engine_goes_on_with_the_same_bits(name, batch):
    fields = {"optimizer": SmdConfig(meta_rate=100.0), "batch": batch, "replicas": 2, "dtype": torch.float32}
    engine, restored = (make_engine(SPLIT, MODELS[name], rate=0.3, **fields) for _ in range(2))
    engine.advance(28)
    restored.load_state(28, {n: tensor.clone() for n, tensor in engine.state().items()})
    later, again = engine.advance(20), restored.advance(20)
    assert np.array_equal(later.loss, again.loss)
    assert np.array_equal(later.test_error, again.test_error, equal_nan=True)
    assert engine.state().keys() == restored.state().keys()
    assert all(torch.equal(tensor, restored.state()[n]) for n, tensor in engine.state().items())
