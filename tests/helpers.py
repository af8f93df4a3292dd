"""Small letters, networks, engines and configs that several test files share."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import PIXELS, Letters, Split
from letterocr.models.chain import Network


def random_letters(count: int, seed: int, classes: int = 26) -> Letters:
    """Blots that can be learned: each class has one random picture, each letter adds noise of its own."""
    pictures = (torch.rand(classes, PIXELS, generator=torch.Generator().manual_seed(12345)) > 0.85).float()
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (count,), generator=generator)
    noise = 0.5 * torch.randn(count, PIXELS, generator=generator)
    return Letters((pictures[labels] + noise).clamp(0, 1), labels)


def random_split(train: int = 40, test: int = 30) -> Split:
    return Split(random_letters(train, seed=1), random_letters(test, seed=2))


def narrow_split(monkeypatch: pytest.MonkeyPatch, pixels: int, train: int = 40) -> Split:
    """Letters of fewer pixels, for costs that grow with the square of their number."""
    monkeypatch.setattr("letterocr.models.chain.PIXELS", pixels)
    split = random_split(train)
    return Split(*(replace(letters, images=letters.images[:, :pixels]) for letters in (split.train, split.test)))


def random_network(
    sizes: list[int], temperatures: list[float] | None, *, bias: bool = True, replicas: int = 1, seed: int = 0
) -> Network:
    """A float64 network of any sizes; its pre-activations are of the order of the temperature."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.ones(1, 1, 1) if temperatures is None else torch.tensor(temperatures).view(-1, 1, 1)
    t = t.double().expand(replicas, 1, 1)
    weights: list[Tensor] = []
    biases: list[Tensor | None] = []
    for fan_in, out in pairwise(sizes):
        weights.append(t * torch.randn(replicas, out, fan_in, generator=generator, dtype=torch.float64))
        draw = t[..., 0] * torch.randn(replicas, out, generator=generator, dtype=torch.float64)
        biases.append(draw if bias else None)
    return Network(weights, biases, None if temperatures is None else t)


def small_config(**fields: Any) -> TrainConfig:
    """A config with its data and optimizer chosen, as Hydra would leave it."""
    return TrainConfig(**{"data": SyntheticConfig(), "optimizer": VanillaConfig()} | fields)


def make_engine(
    split: Split, model: ChainConfig, *, rate: float = 0.1, dtype: torch.dtype = torch.float64, **fields: Any
) -> Any:
    """The plain engine at sample 0, on the CPU."""
    fields = {"samples": 200, "engine": "reference", "device": "cpu"} | fields
    dtype_name = str(dtype).removeprefix("torch.")
    return build_engine(small_config(model=model, learning_rate=rate, dtype=dtype_name, **fields), split)


def one_sentence(error: BaseException, *parts: str) -> str:
    """The message of a mistake: one line that ends as a sentence and has every part."""
    text = str(error)
    assert "\n" not in text
    assert text.endswith((".", "?"))
    for part in parts:
        assert part in text
    return text


def peak(call: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy held at once."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
