"""The rule of each coordinate against PyTorch's LSTM, its preprocessing against its formula, and resumed runs."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import make_engine, narrow_split, one_sentence, random_network, random_split, small_config
from omegaconf import OmegaConf
from rules import random_rule, write_rule
from tiny import command, tiny
from torch.nn.functional import one_hot

from letterocr.base.errors import UserError
from letterocr.compose.build import build_engine
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.learned import LearnedConfig
from letterocr.config.rule import RULES
from letterocr.models.batch import Batch
from letterocr.models.error_vectors import error_vectors, loss
from letterocr.optimizers.learned import learned, rule_file
from letterocr.optimizers.learned.learned import Learned, preprocess
from letterocr.optimizers.rate_schedule import LearningRate

SPLIT = random_split()
MODELS = {
    "two_layer": ChainConfig(hidden=[], activation="linear", bias=False, init_scale=0.1),
    "three_layer": ChainConfig(hidden=[7], init_scale=1.0, init_bias="random"),
}


@pytest.fixture
def config(tmp_path):
    return LearnedConfig(path=write_rule(tmp_path / "rule.safetensors", "learned"))


def test_the_preprocessing_is_the_papers_formula():
    g = np.array([0.0, 1.0, -1.0, 2e4, 1e-4, -1e-4, 4.5e-5, -4.5e-5, 1e-9, -1e-12, math.exp(-10)])
    large = np.abs(g) >= math.exp(-10)
    with np.errstate(divide="ignore"):
        expected = np.where(large, [np.log(np.abs(g)) / 10, np.sign(g)], [-np.ones_like(g), math.exp(10) * g])
    np.testing.assert_allclose(preprocess(torch.from_numpy(g)).numpy(), expected, rtol=1e-13)


def test_the_gradients_are_autograds():
    network = random_network([9, 5, 26], [1.3]).replica(0)
    tensors = [t for pair in zip(network.weights, network.biases, strict=True) for t in pair]
    for tensor in tensors:
        tensor.requires_grad_()
    a, c = torch.rand(4, 9, dtype=torch.float64), one_hot(torch.tensor([1, 3, 3, 25]), 26).double()
    activations = network.forward(a)
    expected = torch.autograd.grad(loss(activations[-1], c).mean(), tensors)
    batch = Batch(activations, error_vectors(network, activations, c, RULES["gradient"]), c, RULES["gradient"], 0.5)
    for gradient, other in zip(learned.compute_gradients(batch), expected, strict=True):
        torch.testing.assert_close(gradient, other.flatten(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("chunk", [7, 1 << 15])
@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_a_step_is_that_of_pytorchs_lstm(config, monkeypatch, chunk, alpha):
    """Three updates of every coordinate by torch.nn.LSTM: 20 e^p g + r, divided by the layer's number of inputs."""
    monkeypatch.setattr(learned, "CHUNK", chunk)
    parameters = {name: p.double() for name, p in random_rule("learned").items()}
    lstm, head = torch.nn.LSTM(2, 20, 2, dtype=torch.float64), torch.nn.Linear(20, 2, dtype=torch.float64)
    with torch.no_grad():
        for k in range(2):
            getattr(lstm, f"weight_ih_l{k}").copy_(parameters[f"lstm.{k}.input"])
            getattr(lstm, f"weight_hh_l{k}").copy_(parameters[f"lstm.{k}.hidden"])
            getattr(lstm, f"bias_ih_l{k}").copy_(parameters[f"lstm.{k}.bias"][:, 0])
            getattr(lstm, f"bias_hh_l{k}").zero_()
        head.weight.copy_(parameters["head.weight"])
        head.bias.copy_(parameters["head.bias"][:, 0])
    network = random_network([9, 5, 26], [1.0]).replica(0)
    optimizer = Learned(config, LearningRate("constant", alpha, 3), network, 0)
    expected = [w.clone() for w in network.weights] + [b.clone() for b in network.biases if b is not None]
    histories = [[], [], [], []]
    for i in range(3):
        a, c = torch.rand(1, 9, dtype=torch.float64), one_hot(torch.tensor([i]), 26).double()
        activations = network.forward(a)
        v = error_vectors(network, activations, c, RULES["gradient"])
        gradients = [v[0].T @ activations[0], v[1].T @ activations[1], v[0][0], v[1][0]]
        assert optimizer.step(i, network, Batch(activations, v, c, RULES["gradient"], 0.5)) is None
        for tensor, history, g, inputs in zip(expected, histories, gradients, (9, 5, 9, 5), strict=True):
            history.append(preprocess(g.flatten()).T)
            with torch.no_grad():
                p, r = head(lstm(torch.stack(history))[0][-1]).T
            tensor -= alpha * (20 * torch.exp(p) * g.flatten() + r).view_as(tensor) / inputs
    for tensor, other in zip([*network.weights, *network.biases], expected, strict=True):
        torch.testing.assert_close(tensor, other, rtol=1e-10, atol=1e-12)


def test_with_a_silent_network_it_is_gradient_descent(tmp_path, monkeypatch):
    """A head of zeros: W <- W - alpha 20 g / n."""
    zeros = {name: torch.zeros(shape) for name, shape in learned.SHAPES.items()}
    rule_file.write(tmp_path / "zeros.safetensors", zeros, {"which": "learned"})
    chosen = LearnedConfig(path=str(tmp_path / "zeros.safetensors"))
    split, model = narrow_split(monkeypatch, pixels=60), ChainConfig(hidden=[60], bias=False)  # n = 60 in both layers
    one = make_engine(split, model, rate=0.9, optimizer=chosen)
    other = make_engine(split, model, rate=0.9 * 20 / 60)
    np.testing.assert_allclose(one.advance(3).loss, other.advance(3).loss, rtol=1e-10)


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("batch", ["1", "4"])
def test_a_resumed_run_has_the_same_bits(config, name, batch):
    def engine():
        return make_engine(SPLIT, MODELS[name], rate=0.5, dtype=torch.float32, optimizer=config, batch=batch)

    one, other = engine(), engine()
    one.advance(12)
    stored = {name: tensor.clone() for name, tensor in one.state().items()}
    later = one.advance(12)
    other.load_state(12, stored)
    records = other.advance(12)
    np.testing.assert_array_equal(records.loss, later.loss)
    assert one.state().keys() == other.state().keys()
    assert all(torch.equal(tensor, other.state()[name]) for name, tensor in one.state().items())
    assert any("memory" in name for name in stored)


def test_a_bad_file_is_refused_before_training(tmp_path):
    with pytest.raises(UserError) as error:
        build_engine(small_config(optimizer=LearnedConfig(path=str(tmp_path / "none")), device="cpu"), SPLIT)
    one_sentence(error.value, "optimizer.path=", "no such file")


@pytest.mark.parametrize("which", ["learned", "learned_factored"])
@pytest.mark.parametrize("others", [[], ["rule=printed"], ["model=two_layer"]], ids=str)
def test_the_command_has_the_rules_own_alpha_with_every_network_and_rule(which, others):
    answer = command(f"optimizer={which}", *others, "--cfg", "job", "--resolve")
    assert answer.status == 0, answer.err
    config = OmegaConf.create(answer.out)
    assert config.learning_rate == {"learned": 3, "learned_factored": 1}[which]
    assert config.optimizer == {"name": which, "path": None}


@pytest.mark.parametrize("which", ["learned", "learned_factored"])
def test_the_command_trains_with_the_shipped_rule(which, tmp_path):
    answer = command(*tiny(f"optimizer={which}", "samples=8", "engine=auto", f"output={tmp_path}", "tensorboard=false"))
    assert answer.status == 0, answer.err


def test_the_shipped_rules_are_below_tuned_sgd_momentum_and_adam_over_their_first_100_updates():
    script = Path(__file__).resolve().parents[3] / "scripts" / "learned_check.py"
    few = ["--batches=1", "--seeds=4", "--tested=130", "--tune-learned=1"]
    done = subprocess.run([sys.executable, str(script), *few], capture_output=True, text=True, check=True)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "|" in line][2:]
    mean, last = ({row[0]: float(row[column]) for row in rows} for column in (2, 3))
    rivals = [name for name in mean if not name.startswith("learned")]
    assert len(rivals) == 8  # SGD, momentum twice, Adam: each at two rates, those of the lowest mean and last loss
    for rule in ("learned, default", "learned_factored, default"):
        assert mean[rule] < min(mean[name] for name in rivals), done.stdout
        assert last[rule] < min(last[name] for name in rivals), done.stdout


def test_the_command_refuses_a_bad_file_in_one_sentence(tmp_path):
    (tmp_path / "rule.safetensors").write_bytes(b"damaged")
    path = tmp_path / "rule.safetensors"
    answer = command(*tiny("optimizer=learned", f"optimizer.path={path}", f"output={tmp_path / 'runs'}"))
    assert answer.status == 2
    assert "can't be read" in answer.sentence
