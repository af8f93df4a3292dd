"""Every engine with other numbers of classes than 26, against the plain engine and PyTorch's autograd in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers import random_letters, small_config

from letterocr.compose.build import build_engine
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.rule import RULES
from letterocr.data.letters import Letters, Split
from letterocr.engine.blocked import BlockedEngine
from letterocr.engine.compiled import CompiledStack
from letterocr.engine.engine import Engine
from letterocr.engine.task import TrainingTask

NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
CLASSES = [10, 25, 26, 36]
HIDDEN: list[list[int]] = [[], [12], [12, 13], [9, 11, 10]]
SAMPLES = 150


def split(classes: int) -> Split:
    def part(count: int, seed: int) -> Letters:
        letters = random_letters(count, seed, classes)
        return Letters(letters.images, letters.labels, alphabet=NAMES[:classes])

    return Split(part(70, 1), part(47, 2))


def build(classes: int, hidden: list[int], **fields: Any) -> Engine:
    model = ChainConfig("chain", hidden, "sigmoid" if hidden else "linear", init_scale=1.0 if hidden else 0.1)
    rate = 0.1 if hidden else 0.001
    given = {"model": model, "learning_rate": rate, "samples": SAMPLES, "dtype": "float64", "device": "cpu"}
    return build_engine(small_config(**given | fields), split(classes))


def assert_same(one: Engine, other: Engine, first: Any, second: Any, tolerance: float = 1e-9) -> None:
    for name, tensor in one.network.state().items():
        torch.testing.assert_close(other.network.state()[name], tensor, rtol=tolerance, atol=tolerance / 100)
    np.testing.assert_allclose(second.loss, first.loss, rtol=tolerance)
    np.testing.assert_array_equal(second.wrong, first.wrong)
    np.testing.assert_array_equal(second.test_error, first.test_error)


@pytest.mark.parametrize("classes", CLASSES)
def test_the_reference_engine_is_autograd(classes: int) -> None:
    engine, letters = build(classes, [12], engine="reference"), split(classes)
    leaves = {name: t[0].clone().requires_grad_() for name, t in engine.network.state().items()}
    places = engine.orders[0].indices(0, SAMPLES)
    records = engine.advance(SAMPLES)
    for i, p in enumerate(places.tolist()):
        h = torch.sigmoid(leaves["weight.0"] @ letters.train.images[p].double() + leaves["bias.0"])
        q = torch.sigmoid(leaves["weight.1"] @ h + leaves["bias.1"])
        assert len(q) == classes
        value = 0.5 * (q - torch.eye(classes)[letters.train.labels[p]]).square().sum()
        assert records.loss[i, 0] == pytest.approx(value.item(), rel=1e-9)
        for leaf, gradient in zip(leaves.values(), torch.autograd.grad(value, list(leaves.values())), strict=True):
            leaf.data.sub_(0.1 * gradient)
    for name, leaf in leaves.items():
        torch.testing.assert_close(engine.network.state()[name][0], leaf.data, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("step", [{}, {"momentum": 0.8, "weight_decay": 0.01}], ids=["plain", "momentum and decay"])
@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
@pytest.mark.parametrize("classes", CLASSES)
def test_the_blocked_engine(classes: int, hidden: list[int], step: dict[str, float]) -> None:
    engines = [build(classes, hidden, engine=e, optimizer=VanillaConfig(**step)) for e in ("reference", "blocked")]
    assert isinstance(engines[1], BlockedEngine)
    assert all(isinstance(stack, CompiledStack) for stack in engines[1].stacks) is (len(hidden) < 3)
    first, second = (engine.advance(SAMPLES) for engine in engines)
    assert (first.test_error < 1).any()
    assert_same(*engines, first, second)


@pytest.mark.parametrize(
    "optimizer", [VanillaConfig(weight_decay=0.01), SgdConfig(mask="row")], ids=["blocked", "outer"]
)
@pytest.mark.parametrize("classes", [10, 25, 36])
def test_measured_now_and_then(classes: int, optimizer: Any) -> None:
    engines = [
        build(classes, [12], engine=e, optimizer=optimizer, evaluate_every="log") for e in ("reference", "blocked")
    ]
    first, second = (engine.advance(SAMPLES) for engine in engines)
    assert 0 < np.isnan(first.test_error).sum() < SAMPLES
    assert_same(*engines, first, second)


@pytest.mark.parametrize("classes", CLASSES)
def test_all_replicas_in_one_stack(classes: int) -> None:
    reference = build(classes, [12, 13], engine="reference", replicas=3)
    apart = build(classes, [12, 13], replicas=3)
    parts = apart.network, apart.optimizers, apart.orders, split(classes), apart.evaluation, RULES["gradient"]
    together = BlockedEngine(TrainingTask(*parts), together=True)
    assert len(together.stacks) == 1
    assert_same(reference, together, reference.advance(SAMPLES), together.advance(SAMPLES))


@pytest.mark.parametrize("optimizer", [SgdConfig(mask="row"), KfacConfig()], ids=["sgd", "kfac"])
@pytest.mark.parametrize("classes", CLASSES)
def test_the_outer_engine(classes: int, optimizer: Any) -> None:
    rate = 0.1 if isinstance(optimizer, SgdConfig) else 0.002
    engines = [
        build(classes, [12], engine=e, optimizer=optimizer, learning_rate=rate) for e in ("reference", "blocked")
    ]
    # the inverses of kfac carry rounding on from sample to sample
    assert_same(*engines, *(engine.advance(SAMPLES) for engine in engines), tolerance=1e-7)


@pytest.mark.parametrize("classes", CLASSES)
def test_the_spectral_engine(classes: int) -> None:
    engine = build(classes, [4], model=SpectralConfig("spectral", [4]), learning_rate=0.02)
    outputs, place = engine.test_outputs(0), int(engine.orders[0].indices(0, 1))
    assert outputs.shape == (47, classes)
    network = engine.network.replica(0)
    q = network.forward(engine.images[[place]])[-1][0]
    wanted = 0.5 * (q - torch.eye(classes, dtype=q.dtype)[engine.labels[place]]).square().sum()
    assert engine.advance(1).loss[0, 0] == pytest.approx(wanted.item(), rel=1e-9)
