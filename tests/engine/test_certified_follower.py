"""The certified test error is the full one, sample by sample, and leaves the same bits behind."""

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
from letterocr.engine import certified_follower
from letterocr.engine.certified_follower import CertifiedFollower

SAMPLES = 300
STEPS = {
    "plain": (0.0, 0.0, "constant"),
    "momentum": (0.9, 0.0, "linear"),
    "decay": (0.0, 0.02, "inverse"),
    "both": (0.8, 0.01, "cosine"),
}
TEMPERATURES = {"printed": 150.0, "eq18": 1.0, "gradient": 1.0}
SPLIT = synthetic.load(SyntheticConfig(train_per_letter=12, test_per_letter=4))


def config(
    rule: str = "gradient",
    step: str = "plain",
    bias: bool = True,
    scale: float = 3.0,
    activation: str = "sigmoid",
    temperature: Any = None,
    **fields: Any,
) -> TrainConfig:
    momentum, decay, schedule = STEPS[step]
    temperature = TEMPERATURES[rule] if temperature is None else temperature
    rate = (0.02 if rule == "printed" else 0.2) * (1 - momentum)
    defaults: dict[str, Any] = {"samples": SAMPLES, "learning_rate": rate, "schedule": schedule, "device": "cpu"}
    return TrainConfig(
        model=ChainConfig(hidden=[24], temperature=temperature, bias=bias, init_scale=scale, activation=activation),
        data=SyntheticConfig(),
        optimizer=VanillaConfig(momentum=momentum, weight_decay=decay),
        rule=rule,
        **(defaults | fields),
    )


def run(config: TrainConfig, *counts: int) -> tuple[Any, np.ndarray]:
    engine = build_engine(config, SPLIT)
    return engine, np.concatenate([engine.advance(count).test_error for count in counts or (SAMPLES,)])


def assert_same_as_full(*counts: int, **fields: Any) -> Any:
    """A certified run beside a full one: equal counts, equal bits of all that a checkpoint keeps."""
    full, expected = run(config(evaluation="full", **fields), *counts)
    engine, found = run(config(**fields), *counts)
    assert engine.certified
    assert not full.certified
    np.testing.assert_array_equal(found, expected)
    assert found[~np.isnan(found)].any()
    for name, tensor in full.state().items():
        assert torch.equal(engine.state()[name], tensor), name
    return engine


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("rule", TEMPERATURES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_counts_are_those_of_the_full_evaluation(rule: str, step: str, dtype: str) -> None:
    assert_same_as_full(rule=rule, step=step, dtype=dtype)


@pytest.mark.parametrize("rule", TEMPERATURES)
def test_counts_are_those_of_the_reference_engine(rule: str) -> None:
    _, expected = run(config(rule=rule, step="both", dtype="float64", engine="reference"))
    _, found = run(config(rule=rule, step="both", dtype="float64"))
    np.testing.assert_array_equal(found, expected)


def test_most_letters_are_not_evaluated() -> None:
    engine, errors = run(config(learning_rate=0.05))
    (follower,) = engine.followers
    assert isinstance(follower, CertifiedFollower)
    assert follower.evaluated.sum() < 0.5 * len(SPLIT.test) * follower.stack.n
    assert len(np.unique(errors)) > 3


@pytest.mark.parametrize("every", ["3", "7"])
def test_measures_only_what_is_due(every: str) -> None:
    assert_same_as_full(evaluate_every=every, step="both")


def test_without_biases() -> None:
    assert_same_as_full(rule="printed", bias=False)


@pytest.mark.parametrize("step", STEPS)
def test_without_a_sigmoid(step: str) -> None:
    """Where s is the identity the activations are the followed pre-activations themselves."""
    assert_same_as_full(activation="linear", learning_rate=0.0005, scale=0.1, step=step)


def test_replicas_with_values_of_their_own() -> None:
    assert_same_as_full(replicas=3, learning_rate=[0.01, 0.05, 0.1], temperature=[1, 2, 3])


def test_replicas() -> None:
    assert_same_as_full(replicas=3, step="momentum")


def test_may_be_cut_within_a_block() -> None:
    assert_same_as_full(100, 7, 193, step="plain", rule="printed")


def test_outputs_that_tie_are_compared_as_in_the_full_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    look = CertifiedFollower._is_misread
    monkeypatch.setattr(CertifiedFollower, "_is_misread", lambda self, *a: looked_at.append(a[1]) or look(self, *a))
    monkeypatch.setattr(certified_follower, "GUARD", 1e5)
    assert_same_as_full(30, scale=0.01)
    assert looked_at


def test_a_product_of_few_rows_is_used_only_where_it_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "equal", lambda *_: False)
    engine = build_engine(config(), SPLIT)
    monkeypatch.undo()
    assert engine.followers[0].rows_alike == len(SPLIT.test)


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_a_block_that_is_not_finite_is_evaluated_in_full(broken: float) -> None:
    engines = [build_engine(config(evaluation=evaluation), SPLIT) for evaluation in ("full", "certified")]
    counts = []
    for engine in engines:
        engine.advance(50)
        engine.network.weights[0][0, 3, 450] = broken
        counts.append(engine.advance(200).test_error)
    np.testing.assert_array_equal(*counts)
    for name, tensor in engines[0].state().items():
        torch.testing.assert_close(engines[1].state()[name], tensor, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("fields", [{"engine": "reference"}, {"evaluate_every": "log"}, {"batch": "4"}])
def test_says_where_the_full_evaluation_runs(fields: dict[str, str]) -> None:
    assert not build_engine(config(**fields), SPLIT).certified
