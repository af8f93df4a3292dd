"""The rule on the factors: both engines, resumed runs, and what its formula promises."""

import numpy as np
import pytest
import torch
from helpers import make_engine, one_sentence, random_network, random_split, small_config
from rules import write_rule

from letterocr.base.errors import UserError
from letterocr.compose.build import build_engine
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.learned_factored import LearnedFactoredConfig
from letterocr.config.rule import RULES
from letterocr.engine.outer import OuterEngine
from letterocr.engine.reference import ReferenceEngine
from letterocr.models.batch import Batch
from letterocr.models.error_vectors import error_vectors
from letterocr.optimizers.learned import learned_factored
from letterocr.optimizers.learned.learned_factored import LearnedFactored
from letterocr.optimizers.rate_schedule import LearningRate

SPLIT = random_split()
MODELS = {
    "two_layer": ChainConfig(hidden=[], activation="linear", bias=False, init_scale=0.1),
    "three_layer": ChainConfig(hidden=[7], init_scale=1.0, init_bias="random"),
    "four_layer": ChainConfig(hidden=[7, 5], init_scale=1.0, temperature=2.0),
}
RATES = {"two_layer": 0.02, "three_layer": 0.3, "four_layer": 0.3}


@pytest.fixture
def config(tmp_path):
    return LearnedFactoredConfig(path=write_rule(tmp_path / "rule.safetensors", "learned_factored"))


@pytest.mark.parametrize("name", list(MODELS))
def test_in_blocks_it_learns_as_in_the_plain_engine(config, name):
    one, other = (
        make_engine(SPLIT, MODELS[name], rate=RATES[name], optimizer=config, engine=engine, block=16, replicas=2)
        for engine in ("reference", "auto")
    )
    assert type(one) is ReferenceEngine
    assert type(other) is OuterEngine
    records, others = one.advance(60), other.advance(60)
    np.testing.assert_allclose(others.loss, records.loss, rtol=1e-10)
    np.testing.assert_array_equal(others.test_error, records.test_error)
    for name, tensor in one.state().items():
        torch.testing.assert_close(other.state()[name], tensor, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("engine", ["reference", "blocked"])
def test_a_resumed_run_has_the_same_bits(config, engine):
    def made():
        return make_engine(
            SPLIT, MODELS["three_layer"], dtype=torch.float32, optimizer=config, engine=engine, block=16, replicas=2
        )

    one, other = made(), made()
    one.advance(32)
    stored = {name: tensor.clone() for name, tensor in one.state().items()}
    later = one.advance(20)
    other.load_state(32, stored)
    records = other.advance(20)
    np.testing.assert_array_equal(records.loss, later.loss)
    assert one.state().keys() == other.state().keys()
    assert all(torch.equal(tensor, other.state()[name]) for name, tensor in one.state().items())


def test_with_silent_networks_the_step_has_a_closed_form():
    """At p = q = r = 0 it is 0.3 w/rms(w) times (h - m)/(|h - m|^2 + 1); m: the mean of the h before, bias 0."""
    parameters = {name: torch.zeros(s, dtype=torch.float64) for name, s in learned_factored.SHAPES.items()}
    rng = np.random.default_rng(0)
    v, y, inputs = rng.normal(size=(3, 5)), rng.uniform(0.1, 0.9, (3, 5)), rng.normal(size=(3, 6))
    inputs[:, -1] = 1
    layer = learned_factored.make_layer(torch.zeros(5).double(), torch.zeros(6).double())
    for i in range(3):
        now = [torch.from_numpy(x[i]) for x in (v, y, inputs)]
        left, right, layer = learned_factored.make_factors(
            parameters, layer, *now, (i, True, True, torch.ones(1).double())
        )
        w = v[i] / (4 * y[i] * (1 - y[i]))
        mean = inputs[:i].mean(0) if i else np.zeros(6)
        mean[-1] = 0
        np.testing.assert_allclose(left, 0.3 * w / np.sqrt(np.mean(w**2)), rtol=1e-12)
        np.testing.assert_allclose(right, (inputs[i] - mean) / (np.sum((inputs[i] - mean) ** 2) + 1), rtol=1e-12)


def test_the_bias_is_one_more_input_and_alpha_scales_the_step(config):
    network = random_network([9, 5, 26], [1.5]).replica(0)
    a, c = torch.rand(1, 9, dtype=torch.float64), torch.eye(26, dtype=torch.float64)[:1]
    activations = network.forward(a)
    v = error_vectors(network, activations, c, RULES["gradient"])
    batch = Batch(activations, v, c, RULES["gradient"], 0.5)
    steps = {
        alpha: LearnedFactored(config, LearningRate("constant", alpha, 1), network, 0).step(0, network, batch)
        for alpha in (1.0, 0.25)
    }
    for k, (whole, quarter) in enumerate(zip(steps[1.0], steps[0.25], strict=True)):
        assert whole.left.shape == (len(network.weights[k]), 1)
        torch.testing.assert_close(quarter.left, whole.left / 4)
        torch.testing.assert_close(quarter.bias, whole.bias / 4)
        assert torch.equal(quarter.right, whole.right)
        ratio = whole.bias / whole.left[:, 0]
        torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))


def test_a_temperature_scales_the_step_with_the_weights(config):
    """Weights and temperature 150 times larger: the same outputs, and so 150 times the step."""
    small, large = (random_network([9, 5, 26], [t]).replica(0) for t in (1.0, 150.0))
    a, c = torch.rand(1, 9, dtype=torch.float64), torch.eye(26, dtype=torch.float64)[:1]
    steps = []
    for network in (small, large):
        activations = network.forward(a)
        v = error_vectors(network, activations, c, RULES["gradient"])
        optimizer = LearnedFactored(config, LearningRate("constant", 1.0, 1), network, 0)
        steps.append(optimizer.step(0, network, Batch(activations, v, c, RULES["gradient"], 0.5)))
    for one, other in zip(*steps, strict=True):
        torch.testing.assert_close(other.left @ other.right, 150 * one.left @ one.right, rtol=1e-9, atol=1e-12)


def test_batches_are_refused(config):
    from letterocr.config.check import check_config

    with pytest.raises(UserError) as error:
        check_config(small_config(optimizer=config, batch="4"))
    one_sentence(error.value, "batch=4")


def test_a_bad_file_is_refused_before_training(tmp_path):
    path = tmp_path / "rule.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError) as error:
        build_engine(small_config(optimizer=LearnedFactoredConfig(path=str(path)), device="cpu"), SPLIT)
    one_sentence(error.value, "optimizer.path=", "can't be read")
