"""The parts of an engine can be read, not replaced; an engine that is never to measure does no work for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers import random_letters, small_config
from torch.utils._python_dispatch import TorchDispatchMode

from letterocr.compose.build import build_engine
from letterocr.config.model.chain import ChainConfig
from letterocr.config.model.spectral import SpectralConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.diagonal import DiagonalConfig
from letterocr.config.optimizer.gauss_newton import GaussNewtonConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.smd import SmdConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.data.letters import Split
from letterocr.engine import kernels, threaded
from letterocr.engine.engine import Engine
from letterocr.engine.evaluation import EvaluationSchedule

TESTED = 131  # test letters: more than a block has samples, and no other size here
SPLIT = Split(random_letters(40, seed=1), random_letters(TESTED, seed=2))
TWO, THREE, FOUR, FIVE = (
    ChainConfig(name, hidden, "sigmoid" if hidden else "linear", init_scale=1.0)
    for name, hidden in (("two", []), ("three", [12]), ("four", [12, 13]), ("five", [12, 13, 11]))
)
RUNS: dict[str, dict[str, Any]] = {
    "reference": {"model": THREE, "engine": "reference"},
    "reference in batches": {"model": THREE, "batch": "5"},
    "blocked, one matrix": {"model": TWO, "learning_rate": 0.001},
    "blocked, two matrices": {"model": THREE, "optimizer": VanillaConfig(momentum=0.5, weight_decay=0.01)},
    "blocked, three matrices": {"model": FOUR},
    "blocked, four matrices": {"model": FIVE},
    "outer, row masks": {"model": THREE, "optimizer": SgdConfig(mask="row")},
    "outer, kfac": {"model": THREE, "optimizer": KfacConfig()},
    "outer, gauss_newton": {"model": THREE, "optimizer": GaussNewtonConfig()},
    "outer, asgd": {"model": THREE, "optimizer": AsgdConfig()},
    "dense, weight masks": {"model": THREE, "optimizer": SgdConfig(mask="weight")},
    "dense, smd": {"model": THREE, "optimizer": SmdConfig()},
    "dense, diagonal": {"model": THREE, "optimizer": DiagonalConfig()},
    "newton": {"model": TWO, "optimizer": NewtonConfig(), "learning_rate": 0.5},
    "autograd": {"model": SpectralConfig("spectral", [4])},
}


class TestLettersTouched(TorchDispatchMode):
    """Notes the operations that take or give a tensor with a dimension of as many places as there are test letters."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = function(*args, **(kwargs or {}))
        seen: list[Any] = [given, *args, *(kwargs or {}).values()]
        while seen:
            one = seen.pop()
            if isinstance(one, list | tuple):
                seen += one
            elif isinstance(one, torch.Tensor) and TESTED in one.shape:
                self.touched.append(str(function))
        return given


def build(name: str, every: str) -> Engine:
    evaluation = EvaluationSchedule.never() if every == "never" else EvaluationSchedule(every, 70)
    fields = {"learning_rate": 0.05, "samples": 70, "device": "cpu", "dtype": "float64"} | RUNS[name]
    return build_engine(small_config(**fields), SPLIT, evaluation=evaluation)


def touch(engine: Engine) -> list[str]:
    with TestLettersTouched() as mode:
        engine.advance(70)
    return mode.touched


@pytest.mark.parametrize("name", RUNS)
def test_an_engine_that_never_measures_does_not_touch_the_test_letters(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise AssertionError("a compiled kernel of the test letters was called")

    for module, kernel in ((threaded, "follow"), (kernels, "count_misread")):
        monkeypatch.setattr(module, kernel, fail)
    engine = build(name, "never")
    assert touch(engine) == []
    assert engine.cached_tensors() == {}
    assert not getattr(engine, "followers", [])


@pytest.mark.parametrize("name", RUNS)
def test_an_engine_that_measures_is_seen_to_touch_them_and_learns_the_same(name: str) -> None:
    measured, unmeasured = build(name, "1"), build(name, "never")
    assert touch(measured)
    records = unmeasured.advance(70)
    assert np.isnan(records.test_error).all()
    for key, tensor in unmeasured.network.state().items():
        assert torch.allclose(measured.network.state()[key], tensor, rtol=1e-9, atol=1e-12), key


LETTERS = ["images", "labels", "targets", "test_images", "test_labels"]
PARTS = ["network", "optimizers", "orders", "evaluation", "rule", "loss_factor", "sample", "block", *LETTERS]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(("blocked, two matrices", part) for part in [*PARTS, "stacks", "followers"]),
        *(("reference", part) for part in [*PARTS, "follows"]),
    ],
)
def test_nothing_of_an_engine_can_be_replaced(name: str, part: str) -> None:
    engine = build(name, "1")
    with pytest.raises(AttributeError):
        setattr(engine, part, getattr(engine, part))
