"""Averaged descent: the averages are means of the weights after each update, and they are what is tested."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers import make_engine, random_split

from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.vanilla import VanillaConfig

SPLIT = random_split()


def built(optimizer: Any, **fields: Any) -> Any:
    return make_engine(SPLIT, ChainConfig(hidden=[7], init_scale=1.0), optimizer=optimizer, samples=30, **fields)


@pytest.mark.parametrize("start", [0.0, 0.4])
def test_the_average_is_the_mean_of_the_weights_after_the_start(start: float) -> None:
    averaged, plain = built(AsgdConfig(start=start)), built(VanillaConfig())
    history = []
    for _ in range(30):
        plain.advance(1)
        history.append(plain.network.weights[0][0].clone())
    averaged.advance(30)
    mean = torch.stack(history[int(30 * start) :]).mean(0)
    torch.testing.assert_close(averaged.optimizers[0].average.weights[0], mean, rtol=1e-12, atol=1e-14)
    assert torch.equal(averaged.network.weights[0], plain.network.weights[0])  # descent itself goes on as ever


def test_the_averaged_weights_are_tested() -> None:
    engine = built(AsgdConfig(start=0.0))
    records = engine.advance(30)
    w, b = (
        [engine.optimizers[0].average.state()[f"{kind}.{k}"].numpy() for k in range(2)] for kind in ("weight", "bias")
    )
    x = SPLIT.test.images.double().numpy()
    for k in range(2):
        x = 1 / (1 + torch.exp(torch.from_numpy(-(x @ w[k].T + b[k]))).numpy())
    assert records.test_error[-1, 0] == (x.argmax(1) != SPLIT.test.labels.numpy()).mean()


def test_before_the_start_the_average_is_the_network() -> None:
    engine = built(AsgdConfig(start=0.5))
    engine.advance(10)
    assert torch.equal(engine.optimizers[0].average.weights[1], engine.network.weights[1][0])
