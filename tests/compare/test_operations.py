"""Multiply-adds against PyTorch's own counter and closed forms."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from helpers import small_config
from torch.utils.flop_counter import FlopCounterMode

from letterocr.compare.operations import multiply_adds
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.asgd import AsgdConfig
from letterocr.config.optimizer.diagonal import DiagonalConfig
from letterocr.config.optimizer.gauss_newton import GaussNewtonConfig
from letterocr.config.optimizer.kfac import KfacConfig
from letterocr.config.optimizer.learned import LearnedConfig
from letterocr.config.optimizer.learned_factored import LearnedFactoredConfig
from letterocr.config.optimizer.newton import NewtonConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.smd import SmdConfig
from letterocr.config.optimizer.torch import TorchConfig
from letterocr.config.optimizer.vanilla import VanillaConfig

TWO, FOUR = ChainConfig("two_layer", [], "linear"), ChainConfig("four_layer", [40, 30])
P, BEHIND = 900 * 40 + 40 * 30 + 30 * 26, 40 * 30 + 30 * 26  # of FOUR


@pytest.mark.parametrize("hidden", [[], [40], [40, 30]])
def test_vanilla_is_what_pytorch_counts_in_autograd(hidden: list[int]) -> None:
    sizes = [900, *hidden, 26]
    layers = [torch.nn.Linear(n, m, bias=False) for n, m in pairwise(sizes)]
    h = torch.rand(1, 900)
    with FlopCounterMode(display=False) as counter:
        for layer in layers:
            h = layer(h).sigmoid()
        h.sum().backward()
    counted = counter.get_total_flops() / 2  # a multiply-add is two of its operations
    assert multiply_adds(small_config(model=ChainConfig(hidden=hidden)), 26) == counted


@pytest.mark.parametrize(
    ("optimizer", "more"),
    [
        (VanillaConfig(momentum=0.9), 2 * P),
        (VanillaConfig(weight_decay=0.1), P),
        (SgdConfig(mask="weight"), P),
        (SgdConfig(mask="row"), 0),
        (AsgdConfig(start=0.25), 0.75 * P),
        (GaussNewtonConfig(), 26 * BEHIND + 26 * 26 * (40 + 30 + 26) + 26**3 / 3),
        (SmdConfig(), 2 * (P + BEHIND) + 8 * P),
        (DiagonalConfig(), 2 * BEHIND + 5 * P),
        (KfacConfig(), BEHIND + 4 * (900**2 + 40**2 + 40**2 + 30**2 + 30**2 + 26**2)),
        (TorchConfig("Adam"), 7 * P),
    ],
)
def test_what_each_adds_to_vanilla(optimizer: Any, more: float) -> None:
    vanilla = multiply_adds(small_config(model=FOUR), 26)
    assert multiply_adds(small_config(model=FOUR, optimizer=optimizer), 26) == pytest.approx(vanilla + more, rel=1e-12)


def test_a_learned_rule_costs_a_pass_through_its_network_for_each_coordinate() -> None:
    def lstm(features: int, outputs: int, layers: int) -> int:
        """Four gates of 20 units in each layer, and the head."""
        return 80 * (features + 20) + (layers - 1) * 80 * 40 + 20 * outputs

    vanilla = multiply_adds(small_config(model=FOUR), 26)
    learned = multiply_adds(small_config(model=FOUR, optimizer=LearnedConfig()), 26)
    assert learned - vanilla == (P + 40 + 30 + 26) * lstm(2, 2, 2)
    factored = multiply_adds(small_config(model=FOUR, optimizer=LearnedFactoredConfig()), 26)
    assert factored - vanilla == (40 + 30 + 26) * lstm(11, 2, 1) + (901 + 41 + 31) * lstm(9, 3, 1)


def test_recursive_least_squares_is_quadratic_in_the_pixels() -> None:
    assert multiply_adds(small_config(model=TWO, optimizer=NewtonConfig()), 26) == 2 * 900 * 26 + 2 * 900**2
