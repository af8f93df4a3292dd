"""The test letters of a network with one weight matrix have the bits and the counts of the plain compiled follower."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data import synthetic
from letterocr.engine import blocked
from letterocr.engine.compiled import CompiledFollower
from letterocr.engine.one_matrix_follower import OneMatrixFollower

SPLIT = synthetic.load(SyntheticConfig(train_per_letter=8, test_per_letter=4))
CASES = {
    "plain": ("linear", 1.0, 0.001, 0.0, 0.0, "float32"),
    "all blank at first, so that all outputs tie": ("linear", 0.0, 0.001, 0.0, 0.0, "float64"),
    "momentum": ("linear", 1.0, 0.0002, 0.9, 0.0, "float64"),
    "decay": ("sigmoid", 1.0, 0.05, 0.0, 0.01, "float32"),
    "diverges": ("linear", 1.0, 5.0, 0.0, 0.0, "float32"),
}


@pytest.mark.parametrize("every", ["1", "5"])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_compiled_follower(name: str, every: str, monkeypatch: pytest.MonkeyPatch) -> None:
    activation, scale, rate, momentum, decay, dtype = CASES[name]
    config = TrainConfig(
        model=ChainConfig(hidden=[], activation=activation, init_scale=scale),
        data=SyntheticConfig(),
        optimizer=VanillaConfig(momentum=momentum, weight_decay=decay),
        learning_rate=rate,
        samples=300,
        evaluate_every=every,
        dtype=dtype,
        device="cpu",
    )
    engine = build_engine(config, SPLIT)
    assert isinstance(engine.followers[0], OneMatrixFollower)

    def make_plain(self, stack, threads):
        return CompiledFollower(stack, self.test_inked, self.test_labels)

    monkeypatch.setattr(blocked.BlockedEngine, "_make_follower", make_plain)
    plain = build_engine(config, SPLIT)
    for count in (70, 230):
        np.testing.assert_array_equal(engine.advance(count).test_error, plain.advance(count).test_error)
    for key, tensor in plain.state().items():
        torch.testing.assert_close(engine.state()[key], tensor, rtol=0, atol=0, equal_nan=True)
