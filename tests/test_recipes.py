"""The recipes of docs/architecture.md: one optimizer, rule, source and network from outside the package.

Each is a module in a folder of its own, with its config class and its registry line, and a file in a folder that
`--config-dir` names. Each trains through the command, and one number is compared with another way to it.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import mock

import numpy as np
import pytest
from tiny import command, run_folder, tiny

from letterocr.api.trained_run import load
from letterocr.compose import registry
from letterocr.compose.stored_config import read_config
from letterocr.config.rule import RULES
from letterocr.config.train import TrainConfig

OPTIMIZER = '''
"""Sign descent: W <- W - alpha sign(v h^T), after Riedmiller and Braun 1993."""

from dataclasses import dataclass

from letterocr.compose import registry
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.option import option
from letterocr.optimizers.optimizer import Optimizer


@dataclass
class SignConfig(MethodConfig):
    """Each weight moves by alpha, whatever its gradient's size."""

    name: str = option("sign", "the optimizer", choices=("sign",))
    factor: float = option(1.0, "of alpha", above=0)


class Sign(Optimizer):
    """Descent by the signs of the gradient."""

    def step(self, sample, network, batch):
        """Change the weights in place."""
        alpha = self.config.factor * float(self.rate.at(sample, 1)[0])
        for v, h, weight in zip(batch.errors, batch.inputs, network.weights, strict=True):
            weight.sub_((v.mT @ h).sign(), alpha=alpha)


registry.OPTIMIZERS["sign"] = registry.Entry(SignConfig, "outside_sign:Sign", "Riedmiller, Braun 1993", "signs only")
'''
RULE = '''
"""The fourth combination: the derivative in the outputs only."""

from letterocr.config.rule import RULES, Rule

RULES["outputs"] = Rule("outputs", True, False, "nobody", "the derivative s' in the outputs' error vector only")
'''
SOURCE = '''
"""Bars: letter k is an upright bar of its own width and place; no randomness."""

from dataclasses import dataclass

import torch

from letterocr.compose import registry
from letterocr.config.data import SourceConfig
from letterocr.config.option import option
from letterocr.data.letters import Letters, Split


@dataclass
class BarsConfig(SourceConfig):
    """Upright bars."""

    name: str = option("bars", "the source of the letters", choices=("bars",))
    grey: float = option(0.5, "how dark the bars are; in (0, 1]", above=0, high=1)


def load(config):
    """Each letter once, to train and to test."""
    images = torch.zeros(26, 30, 30)
    for k in range(26):
        images[k, 3:27, k + 1 : k + 3 + k % 2] = config.grey
    letters = Letters(images.view(26, 900), torch.arange(26))
    return Split(letters, letters)


registry.DATA["bars"] = registry.Entry(BarsConfig, "outside_bars:load", "ours", "upright bars")
'''
NETWORK = '''
"""A linear network whose initial rows are at right angles and of length 1."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from letterocr.base.randomness import make_generator
from letterocr.compose import registry
from letterocr.config.model.network import NetworkConfig
from letterocr.config.option import option
from letterocr.models.chain import Network


@dataclass
class OrthogonalConfig(NetworkConfig):
    """One weight matrix with orthonormal rows."""

    name: str = option("orthogonal", "what people call the network: any text")
    activation: str = option("linear", "s after every weight matrix", choices=("linear",))
    bias: bool = option(False, "whether each weight matrix has a bias (12, 14)")
    kind: str = option("orthogonal", "what kind of network it is", choices=("orthogonal",))
    is_chain: ClassVar[bool] = True


def initialise(config, seeds, dtype, device, classes=26):
    """One replica a seed."""
    draws = [torch.randn(900, classes, generator=make_generator(s, "weights", 0), dtype=torch.float64) for s in seeds]
    weight = torch.stack([torch.linalg.qr(draw)[0].mT for draw in draws])
    return Network([weight.to(device, dtype).contiguous()], [None], None)


registry.MODELS["orthogonal"] = registry.Entry(OrthogonalConfig, "outside_orthogonal:initialise", "ours", "QR")
'''


@contextlib.contextmanager
def outside(
    folder: Path, group: str, name: str, module: str, preset: str = "# Its defaults.\n"
) -> Iterator[ModuleType]:
    """A module outside the package, imported as its author would, and its file in `conf/` beside it."""
    (folder / f"outside_{name}.py").write_text(module)
    (folder / "conf" / group).mkdir(parents=True)
    (folder / "conf" / group / f"{name}.yaml").write_text(preset)
    with (
        mock.patch.object(sys, "path", [str(folder), *sys.path]),
        mock.patch.dict(registry.OPTIMIZERS),
        mock.patch.dict(registry.DATA),
        mock.patch.dict(registry.MODELS),
        mock.patch.dict(RULES),
    ):
        try:
            yield importlib.import_module(f"outside_{name}")
        finally:
            sys.modules.pop(f"outside_{name}", None)


def train(folder: Path, *overrides: str, samples: int) -> tuple[TrainConfig, list[np.ndarray]]:
    """A run through the command: its config, and the weights of its first replica in the end, float64."""
    output = folder / f"runs-{samples}"
    common = ["dtype=float64", "order=cyclic", f"samples={samples}", f"output={output}"]
    answer = command(*overrides, *common, f"--config-dir={folder / 'conf'}")
    assert answer.status == 0, answer.err
    return read_config(run_folder(output)), [w[0].numpy() for w in load(run_folder(output)).network.weights]


def load_letters(config: TrainConfig) -> tuple[np.ndarray, np.ndarray]:
    """The training letters a [N, 900], float64, and their targets c [N, 26]."""
    split = registry.load_letters(config.data)
    return split.train.images.double().numpy(), np.eye(26)[split.train.labels.numpy()]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_an_optimizer_from_outside_takes_its_steps(tmp_path: Path) -> None:
    run = tiny("optimizer=sign", "optimizer.factor=0.5", "learning_rate=0.02", model="two_layer")
    with outside(tmp_path, "optimizer", "sign", OPTIMIZER, "# @package _global_\nlearning_rate: 0.01\n"):
        _, (start,) = train(tmp_path, *run, samples=0)
        config, (end,) = train(tmp_path, *run, samples=3)
        letters, targets = load_letters(config)
        assert (
            command(*tiny("optimizer=signs")).sentence
            == "optimizer=signs: there is no optimizer signs; did you mean sign?"
        )
        assert command(*run, "learning_rate=auto", f"--config-dir={tmp_path / 'conf'}").status == 2
    assert config.optimizer.name == "sign"
    weight = start.copy()
    for a, c in zip(letters[:3], targets[:3], strict=True):
        weight -= 0.5 * 0.02 * np.sign(np.outer(weight @ a - c, a))
    np.testing.assert_allclose(end, weight, rtol=0, atol=1e-13)
    assert np.abs(end - start).max() > 0.009


def test_a_preset_from_outside_brings_its_learning_rate(tmp_path: Path) -> None:
    run = [o for o in tiny("optimizer=sign") if not o.startswith("learning_rate")]
    with outside(tmp_path, "optimizer", "sign", OPTIMIZER, "# @package _global_\nlearning_rate: 0.01\n"):
        config, _ = train(tmp_path, *run, samples=5)
    assert config.learning_rate == 0.01


@pytest.mark.parametrize("engine", ["reference", "blocked"])
def test_a_rule_from_outside_makes_its_error_vectors(tmp_path: Path, engine: str) -> None:
    preset = "# @package _global_\nrule: outputs\nmodel:\n  temperature: 2\n"
    run = tiny("rule=outputs", "learning_rate=0.3", "model.bias=false", f"engine={engine}")
    with outside(tmp_path, "rule", "outputs", RULE, preset):
        _, (first, last) = train(tmp_path, *run, samples=0)
        config, ends = train(tmp_path, *run, samples=1)
        letters, targets = load_letters(config)
    assert (config.rule, config.model.temperature) == ("outputs", 2)
    h = sigmoid(first @ letters[0] / 2)
    q = sigmoid(last @ h / 2)
    v = (q - targets[0]) * q * (1 - q) / 2  # s'(x) = s (1 - s) / T, in the outputs only
    np.testing.assert_allclose(ends[1], last - 0.3 * np.outer(v, h), rtol=0, atol=1e-13)
    np.testing.assert_allclose(ends[0], first - 0.3 * np.outer(last.T @ v, letters[0]), rtol=0, atol=1e-13)


def test_a_source_from_outside_gives_its_letters(tmp_path: Path) -> None:
    run = ["model=two_layer", "model.init_scale=0", "data=bars", "data.grey=0.25", "batch=all", "learning_rate=0.01"]
    with outside(tmp_path, "data", "bars", SOURCE):
        config, (end,) = train(tmp_path, *run, "threads=1", samples=26)
    assert config.data.name == "bars"
    bars = np.zeros((26, 30, 30))
    for k in range(26):
        bars[k, 3:27, k + 1 : k + 3 + k % 2] = 0.25
    expected = 0.01 * bars.reshape(26, 900) / 26  # one step of the mean from W = 0: alpha (1/N) sum c a^T
    np.testing.assert_allclose(end, expected, rtol=0, atol=1e-15)


def test_a_network_from_outside_starts_and_learns(tmp_path: Path) -> None:
    run = [o for o in tiny("learning_rate=0.001") if not o.startswith("model")]
    with outside(tmp_path, "model", "orthogonal", NETWORK):
        config, (start,) = train(tmp_path, "model=orthogonal", *run, samples=0)
        config, (end,) = train(tmp_path, "model=orthogonal", "model.name=mine", *run, samples=1)
        letters, targets = load_letters(config)
    assert (config.model.kind, config.model.name) == ("orthogonal", "mine")
    np.testing.assert_allclose(start @ start.T, np.eye(26), rtol=0, atol=1e-14)
    expected = start - 0.001 * np.outer(start @ letters[0] - targets[0], letters[0])
    np.testing.assert_allclose(end, expected, rtol=0, atol=1e-14)
