"""Every optimizer, by one table: it converges on a quadratic, learns with each network, resumes with the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers import make_engine, random_split

from letterocr.compose import registry
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.diagonal import DiagonalConfig
from letterocr.config.optimizer.gauss_newton import GaussNewtonConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.learned import LearnedConfig
from letterocr.config.optimizer.learned_factored import LearnedFactoredConfig
from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.smd import SmdConfig
from letterocr.config.optimizer.torch import TorchConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.data.letters import PIXELS, Letters, Split
from letterocr.engine.outer import OuterEngine

# For each optimizer: its config, a learning rate for the quadratic, and one for sigmoids at temperature 1.
TABLE: dict[str, tuple[Any, float, float]] = {
    "vanilla": (VanillaConfig(), 0.1, 0.3),
    "vanilla, momentum and decay": (VanillaConfig(momentum=0.5, weight_decay=1e-5), 0.1, 0.1),
    "sgd, weight": (SgdConfig(mask="weight"), 0.2, 0.3),
    "sgd, row": (SgdConfig(mask="row"), 0.2, 0.3),
    "sgd, column": (SgdConfig(mask="column", rescale=True), 0.1, 0.15),
    "sgd, layer": (SgdConfig(mask="layer"), 0.2, 0.3),
    "asgd": (AsgdConfig(), 0.1, 0.3),
    "newton": (NewtonConfig(ridge=1e-3, forget=0.999), 1.0, 0.0),
    "gauss_newton": (GaussNewtonConfig(damping=1.0), 1.0, 0.1),
    "smd": (SmdConfig(), 0.1, 0.3),
    "diagonal": (DiagonalConfig(), 0.02, 0.01),
    "kfac": (KfacConfig(), 0.3, 0.03),
    "learned": (LearnedConfig(), 1.0, 1.0),
    "learned_factored": (LearnedFactoredConfig(), 1.0, 1.0),
    "torch, Adam": (TorchConfig(name="Adam"), 0.01, 0.003),
    "torch, SGD": (TorchConfig(name="SGD", options={"momentum": 0.5, "nesterov": True}), 0.05, 0.1),
    "torch, NAdam": (TorchConfig(name="NAdam"), 0.01, 0.003),
}
LINEAR_ONLY = {"newton"}
LEARNED = {"learned", "learned_factored"}  # they promise no convergence, and were trained for sigmoids
OUTER = {"sgd, row", "sgd, column", "sgd, layer", "newton", "gauss_newton", "kfac", "learned_factored"}
NETWORKS = {
    "two_layer": ChainConfig(name="two_layer", hidden=[], activation="linear", init_scale=0.1),
    "three_layer": ChainConfig(hidden=[12], init_scale=1.0),
    "four_layer without bias": ChainConfig(name="four_layer", hidden=[12, 9], init_scale=1.0, bias=False),
}
SPLIT = random_split()


CASES = [
    (name, network)
    for name in TABLE
    for network in NETWORKS
    if not (name in LINEAR_ONLY and network != "two_layer") and not (name in LEARNED and network == "two_layer")
]


def built(name: str, network: str = "two_layer", split: Split = SPLIT, **fields: Any) -> Any:
    config, quadratic, sigmoid = TABLE[name]
    rate = quadratic if network == "two_layer" else sigmoid
    if network == "two_layer" and split is SPLIT and name not in LINEAR_ONLY | {"gauss_newton"}:
        rate /= 50  # these letters have some 100 times the |a|^2 of the orthogonal ones
    fields = {"rate": rate, "optimizer": config, "evaluate_every": "7", "engine": "auto"} | fields
    return make_engine(split, NETWORKS[network], **fields)


def orthogonal() -> Split:
    """26 letters without a common pixel, of length 2: every eigenvalue of a a^T is 0 or 4."""
    images = torch.zeros(26, PIXELS)
    for k in range(26):
        images[k, 34 * k : 34 * k + 4] = 1
    letters = Letters(images, torch.arange(26))
    return Split(letters, letters)


def test_the_table_has_every_optimizer() -> None:
    assert {type(config) for config, _, _ in TABLE.values()} == {entry.schema for entry in registry.OPTIMIZERS.values()}


@pytest.mark.parametrize("name", [n for n in TABLE if n not in LEARNED])
def test_converges_on_a_quadratic(name: str) -> None:
    """|W a - c|^2 can be 0 for orthogonal letters."""
    engine = built(name, split=orthogonal(), samples=1040, schedule="linear")
    records = engine.advance(1040)
    assert records.loss[-26:].mean() < 1e-3 * records.loss[:26].mean()
    assert records.test_error[-1, 0] == 0


@pytest.mark.parametrize(("name", "network"), CASES)
def test_learns(name: str, network: str) -> None:
    samples = 160 if name in LEARNED else 400  # what the learned rules are for
    engine = built(name, network, samples=samples)
    loss = engine.advance(samples).loss
    assert np.isfinite(loss).all()
    assert loss[-80:].mean() < loss[:80].mean()


@pytest.mark.parametrize(("name", "network"), CASES)
def test_a_resumed_run_has_the_same_bits(name: str, network: str) -> None:
    whole, cut, resumed = (built(name, network, dtype=torch.float32, samples=96, block=32) for _ in range(3))
    expected = whole.advance(96)
    cut.advance(32)
    resumed.load_state(32, {key: tensor.clone() for key, tensor in cut.state().items()})
    got = resumed.advance(64)
    np.testing.assert_array_equal(got.loss, expected.loss[32:])
    np.testing.assert_array_equal(got.test_error, expected.test_error[32:])
    assert whole.state().keys() == resumed.state().keys()
    assert all(torch.equal(tensor, resumed.state()[key]) for key, tensor in whole.state().items())


@pytest.mark.parametrize(("name", "network"), [case for case in CASES if case[0] in OUTER])
def test_blocks_give_the_numbers_of_separate_updates(name: str, network: str) -> None:
    blocked = built(name, network, samples=150, evaluate_every="1", block=17)
    assert isinstance(blocked, OuterEngine)
    plain = built(name, network, samples=150, evaluate_every="1", engine="reference")
    expected, got = plain.advance(150), blocked.advance(150)
    np.testing.assert_allclose(got.loss, expected.loss, rtol=1e-9, atol=1e-16)  # squares of outputs near 1
    np.testing.assert_array_equal(got.test_error, expected.test_error)
    for key, tensor in plain.network.state().items():
        difference = (blocked.network.state()[key] - tensor).abs().max() / tensor.abs().max()
        assert difference < 1e-10, key


@pytest.mark.parametrize("name", TABLE)
def test_replicas_are_single_runs(name: str) -> None:
    network = "two_layer" if name in LINEAR_ONLY else "three_layer"
    together = built(name, network, replicas=2, seed=5, samples=40)
    records = together.advance(40)
    for r in range(2):
        alone = built(name, network, seed=5 + r, samples=40).advance(40)
        np.testing.assert_allclose(alone.loss[:, 0], records.loss[:, r], rtol=1e-10)  # tensors start elsewhere


@pytest.mark.parametrize("name", [n for n in TABLE if n not in ("kfac", "newton", "learned_factored")])
def test_learns_in_batches(name: str) -> None:
    samples = 240 if name in LEARNED else 800
    engine = built(name, "three_layer", samples=samples, batch="10")
    loss = engine.advance(samples).loss
    assert np.isfinite(loss).all()
    assert loss[-80:].mean() < loss[:80].mean()
