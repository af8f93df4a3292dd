"""The certified test error of three weight matrices is the full one, sample by sample, and leaves the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data import synthetic
from letterocr.engine import deep_certificates
from letterocr.engine.three_matrix_follower import ThreeMatrixFollower

SAMPLES = 300
SPLIT = synthetic.load(SyntheticConfig(train_per_letter=12, test_per_letter=4))


def make(bias: bool = True, scale: float = 3.0, momentum: float = 0.0, decay: float = 0.0, **fields: Any) -> Any:
    defaults: dict[str, Any] = {"samples": SAMPLES, "learning_rate": 0.05, "schedule": "linear", "device": "cpu"}
    model = ChainConfig(hidden=[40, 32], temperature=fields.pop("temperature", 1.0), bias=bias, init_scale=scale)
    optimizer = VanillaConfig(momentum=momentum, weight_decay=decay)
    config = TrainConfig(model=model, data=SyntheticConfig(), optimizer=optimizer, **(defaults | fields))
    return build_engine(config, SPLIT)


def assert_same_as_full(*counts: int, **fields: Any) -> Any:
    full, certified = make(evaluation="full", **fields), make(**fields)
    assert certified.certified
    assert not full.certified
    for count in counts or (SAMPLES,):
        np.testing.assert_array_equal(certified.advance(count).test_error, full.advance(count).test_error)
    for name, tensor in full.state().items():
        assert torch.equal(certified.state()[name], tensor), name
    return certified


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", ["gradient", "eq18"])
def test_counts_are_those_of_the_full_evaluation(rule: str, dtype: str) -> None:
    assert_same_as_full(rule=rule, dtype=dtype)


@pytest.mark.parametrize(
    "fields",
    [
        {"bias": False, "temperature": 2.0},
        {"evaluate_every": "7"},
        {"evaluate_every": "30"},
        {"replicas": 2, "learning_rate": [0.01, 0.1], "temperature": [1, 2]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_other_networks_and_measurements(fields: dict[str, Any]) -> None:
    assert_same_as_full(100, 7, 193, **fields)


@pytest.mark.parametrize("rule", ["gradient", "eq18"])
def test_counts_are_those_of_the_reference_engine(rule: str) -> None:
    expected = make(rule=rule, dtype="float64", engine="reference").advance(SAMPLES).test_error
    np.testing.assert_array_equal(make(rule=rule, dtype="float64").advance(SAMPLES).test_error, expected)


def test_most_letters_are_not_evaluated() -> None:
    engine = make(dtype="float64", learning_rate=0.01)
    errors = engine.advance(SAMPLES).test_error
    (follower,) = engine.followers
    assert isinstance(follower, ThreeMatrixFollower)
    assert follower.evaluated.sum() < 0.5 * len(SPLIT.test) * follower.stack.n
    assert len(np.unique(errors)) > 1


def test_outputs_that_tie_are_compared_by_the_full_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    count = ThreeMatrixFollower._count_all
    monkeypatch.setattr(ThreeMatrixFollower, "_count_all", lambda self, *a: counted.append(a[0]) or count(self, *a))
    monkeypatch.setattr(deep_certificates, "TIE", 1e5)
    assert_same_as_full(96, learning_rate=0.01)
    assert counted


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_block_that_is_not_finite_is_evaluated_in_full(layer: int, broken: float) -> None:
    counts = []
    for evaluation in ("full", "certified"):
        engine = make(evaluation=evaluation)
        engine.advance(50)
        engine.network.weights[layer][0, 3, 20] = broken
        counts.append(engine.advance(100).test_error)
    np.testing.assert_array_equal(*counts)


def test_weights_that_are_loaded_get_bounds_of_their_own() -> None:
    trained, other, full = make(), make(), make(evaluation="full")
    trained.advance(96)
    other.advance(48)
    state = {name: tensor.clone() for name, tensor in trained.state().items()}
    state["weight.1"] = 3 * state["weight.1"]
    for engine in (other, full):
        engine.load_state(96, state)
    np.testing.assert_array_equal(other.advance(96).test_error, full.advance(96).test_error)


@pytest.mark.parametrize("fields", [{"rule": "printed", "temperature": 150.0}, {"momentum": 0.9}, {"decay": 0.01}])
def test_says_where_the_full_evaluation_runs(fields: dict[str, Any]) -> None:
    assert not make(**fields).certified
