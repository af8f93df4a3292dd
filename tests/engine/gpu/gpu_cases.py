"""Small networks, letters and configs of the tests of this folder, and the comparison with the reference engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.engine.engine import Engine

BLOCK, GROUP = 7, 4  # groups do not divide the blocks
NETWORKS = {"two_layer": ([], "linear"), "three_layer": ([21], "sigmoid"), "four_layer": ([18, 17], "sigmoid")}
STEPS = {"plain": (0.0, 0.0, "constant"), "both": (0.8, 0.01, "cosine"), "decay": (0.0, 0.02, "inverse")}


def draw_letters(count: int, seed: int) -> Letters:
    generator = torch.Generator().manual_seed(seed)
    ink = torch.rand(count, 900, generator=generator) < 0.15
    return Letters(ink * torch.rand(count, 900, generator=generator), torch.arange(count) % 5)


SPLIT = Split(draw_letters(30, 1), draw_letters(37, 2))


def make_config(network: str, step: str = "plain", **fields: Any) -> TrainConfig:
    hidden, activation = NETWORKS[network]
    momentum, decay, schedule = STEPS[step]
    rate = (0.002 if activation == "linear" else 0.05) * (1 - momentum)
    model = ChainConfig(name=network, hidden=hidden, activation=activation, bias=fields.pop("bias", True))
    model = replace(model, init_scale=0.3 if activation == "linear" else 1.0)
    chosen: dict[str, Any] = {"dtype": "float64", "samples": 17, "learning_rate": rate, "block": BLOCK}
    optimizer = VanillaConfig(momentum=momentum, weight_decay=decay)
    chosen |= {"schedule": schedule, "rule": "gradient", "device": "cpu"} | fields
    return TrainConfig(model=model, data=SyntheticConfig(), optimizer=optimizer, **chosen)


def assert_as_reference(engine: Engine, config: TrainConfig, stretches: Sequence[int], tolerance: float) -> None:
    """Train the engine stretch by stretch, and the reference engine; all numbers must agree."""
    reference = build_engine(replace(config, engine="reference"), SPLIT)
    expected, parts = reference.advance(sum(stretches)), [engine.advance(count) for count in stretches]
    for name in ("loss", "wrong", "test_error"):
        found = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(found, getattr(expected, name), rtol=1e3 * tolerance, atol=tolerance, err_msg=name)
    for name, tensor in reference.state().items():
        if not name.startswith(("test_", "optimizer.0.bias", "optimizer.1.bias")):
            difference = (engine.state()[name] - tensor).abs().max() / tensor.abs().max()
            assert difference < tolerance, name
