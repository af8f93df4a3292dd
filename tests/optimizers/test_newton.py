"""Newton's method on the two-layer network: one full step is the solution (8); sample by sample, least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers import make_engine, one_sentence, random_letters, random_split, small_config

from letterocr.base.errors import UserError
from letterocr.config.check import check_config
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.data.letters import Split

SPLIT = random_split(train=40)


def linear(bias: bool, scale: float = 0.0) -> ChainConfig:
    return ChainConfig(name="two_layer", hidden=[], activation="linear", bias=bias, init_scale=scale)


def built(split: Split, bias: bool, newton: NewtonConfig, scale: float = 0.0, **fields: Any) -> Any:
    return make_engine(split, linear(bias, scale), rate=1.0, optimizer=newton, engine="auto", **fields)


def matrices(split: Split, bias: bool) -> tuple[np.ndarray, np.ndarray]:
    """The letters [N, 900 (+ 1)] and their correct outputs [N, 26]."""
    a = split.train.images.double().numpy()
    return np.hstack([a, np.ones((len(a), 1))]) if bias else a, np.eye(26)[split.train.labels.numpy()]


def weights(engine: Any, bias: bool) -> np.ndarray:
    w = engine.network.weights[0][0].numpy()
    return np.hstack([w, engine.network.biases[0][0].numpy()[:, None]]) if bias else w


@pytest.mark.parametrize("loss_factor", [0.5, 1.0])
@pytest.mark.parametrize("bias", [False, True])
def test_one_full_step_is_the_minimum_norm_solution(bias: bool, loss_factor: float) -> None:
    engine = built(SPLIT, bias, NewtonConfig(ridge=0.0), batch="all", loss_factor=loss_factor)
    engine.advance(40)
    a, c = matrices(SPLIT, bias)
    expected = np.linalg.lstsq(a, c, rcond=None)[0].T
    np.testing.assert_allclose(weights(engine, bias), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_from_any_weights_one_full_step_reaches_the_least_loss() -> None:
    split = Split(random_letters(60, seed=1), random_letters(10, seed=2))
    split = Split(split.train.select(torch.arange(60) % 20), split.test)  # each letter three times
    engine = built(split, True, NewtonConfig(ridge=0.0), scale=1.0, batch="all")
    engine.advance(60)
    gradient = (engine.test_outputs(0), engine.advance(60))[1].loss  # the losses before the second step
    a, c = matrices(split, True)
    least = 0.5 * ((np.linalg.lstsq(a, c, rcond=None)[0].T @ a.T - c.T) ** 2).sum(0)
    np.testing.assert_allclose(np.sort(gradient[:, 0]), np.sort(least), rtol=0, atol=1e-20)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("batch", ["1", "8", "all"])
def test_any_batches_end_at_the_ridge_solution(bias: bool, batch: str) -> None:
    ridge = 0.7
    engine = built(SPLIT, bias, NewtonConfig(ridge=ridge), batch=batch, order="cyclic")
    engine.advance(40)
    a, c = matrices(SPLIT, bias)
    expected = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ c).T
    np.testing.assert_allclose(weights(engine, bias), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_forgetting_weighs_older_samples_less() -> None:
    ridge, phi = 0.7, 0.9
    engine = built(SPLIT, False, NewtonConfig(ridge=ridge, forget=phi), order="cyclic")
    engine.advance(40)
    a, c = matrices(SPLIT, False)
    weight = phi ** np.arange(39, -1, -1.0)
    expected = np.linalg.solve((a.T * weight) @ a + ridge * phi**40 * np.eye(900), (a.T * weight) @ c).T
    np.testing.assert_allclose(weights(engine, False), expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("model", "newton", "batch", "parts"),
    [
        (ChainConfig(), NewtonConfig(), "1", ("model=three_layer", "two_layer")),
        (ChainConfig(hidden=[], activation="sigmoid"), NewtonConfig(), "1", ("quadratic",)),
        (linear(True), NewtonConfig(ridge=0.0), "1", ("optimizer.ridge=0", "singular", "batch=all")),
        (linear(True), NewtonConfig(ridge=0.0), "5", ("optimizer.ridge=0", "singular")),
        (linear(True), NewtonConfig(forget=0.0), "1", ("optimizer.forget=0", "greater than 0")),
    ],
)
def test_what_it_does_not_fit_is_refused(
    model: ChainConfig, newton: NewtonConfig, batch: str, parts: tuple[str, ...]
) -> None:
    with pytest.raises(UserError) as caught:
        check_config(small_config(model=model, optimizer=newton, batch=batch))
    one_sentence(caught.value, *parts)
