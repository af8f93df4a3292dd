"""Two-layer runs on the tiny alphabet, and a plain loop in NumPy that says where they diverge."""

from __future__ import annotations

from typing import Any

import numpy as np
from helpers import small_config
from tiny import letters, tiny

from letterocr.compose.build import build_engine
from letterocr.config.data import ImagesConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split


def make_linear_config(rate: float, **fields: Any) -> TrainConfig:
    """The config of 300 samples in cyclic order by the reference engine."""
    model = ChainConfig(name="two_layer", hidden=[], activation="linear", bias=False, init_scale=0.1)
    data = ImagesConfig(path=str(letters()), test_per_letter=1)
    return small_config(
        model=model, data=data, learning_rate=rate, samples=300, order="cyclic", engine="reference", **fields
    )


def override_linear(rate: float, *overrides: str) -> list[str]:
    """The same for the command."""
    return tiny("order=cyclic", f"learning_rate={rate}", *overrides, model="two_layer")


def find_first_broken_loss(split: Split, config: TrainConfig) -> int:
    """Counted from 1: the first sample whose loss exceeds 10^6, by (2, 6) in NumPy."""
    weight = build_engine(config, split).network.weights[0][0].numpy().copy()
    factor, rate = np.float32(2 * config.loss_factor), np.float32(config.learning_rate)
    with np.errstate(all="ignore"):
        for sample in range(1, config.samples + 1):
            place = (sample - 1) % len(split.train)
            a = split.train.images[place].numpy()
            error = weight @ a
            error[split.train.labels[place]] -= 1
            if not config.loss_factor * (error * error).sum() <= 1e6:
                return sample
            weight -= rate * factor * np.outer(error, a)
    raise AssertionError("it did not diverge")
