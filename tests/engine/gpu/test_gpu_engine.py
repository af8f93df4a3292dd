"""The GPU engine under Triton's interpreter on the CPU: its numbers are those of the reference engine."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported

import numpy as np
import pytest
import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.engine.gpu import triton_follower, triton_stack
from letterocr.engine.gpu.gpu_engine import GpuEngine
from letterocr.engine.gpu.launch_plan import LaunchPlan

SAMPLES, BLOCK, GROUP = 17, 7, 4  # neither groups nor blocks divide the run
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
    chosen: dict[str, Any] = {"dtype": "float64", "samples": SAMPLES, "learning_rate": rate, "block": BLOCK}
    optimizer = VanillaConfig(momentum=momentum, weight_decay=decay)
    chosen |= {"schedule": schedule, "rule": "gradient", "device": "cpu"} | fields
    return TrainConfig(model=model, data=SyntheticConfig(), optimizer=optimizer, **chosen)


def compare(config: TrainConfig, tolerance: float = 1e-10) -> None:
    """Train with the reference engine and with the GPU engine, in stretches; all numbers must agree."""
    reference = build_engine(replace(config, engine="reference"), SPLIT)
    engine = GpuEngine(build_engine(config, SPLIT)._task)
    expected, parts = reference.advance(SAMPLES), [engine.advance(count) for count in (9, SAMPLES - 9)]
    for name in ("loss", "wrong", "test_error"):
        found = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(found, getattr(expected, name), rtol=1e3 * tolerance, atol=tolerance, err_msg=name)
    for name, tensor in reference.state().items():
        if not name.startswith(("test_", "optimizer.0.bias", "optimizer.1.bias")):
            difference = (engine.state()[name] - tensor).abs().max() / tensor.abs().max()
            assert difference < tolerance, name


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_stack, "GROUP", GROUP)


@pytest.mark.parametrize("rule", ["printed", "eq18", "gradient"])
@pytest.mark.parametrize("step", ["plain", "both"])
@pytest.mark.parametrize("network", NETWORKS)
def test_equals_the_reference_engine(network: str, step: str, rule: str) -> None:
    compare(make_config(network, step, rule=rule, loss_factor=1.0 if rule == "eq18" else 0.5))


@pytest.mark.parametrize("network", NETWORKS)
def test_trains_networks_of_other_rates_without_biases(network: str) -> None:
    rates = [0.001, 0.002]
    compare(make_config(network, "decay", bias=False, replicas=2, learning_rate=rates, evaluate_every="3"))


@pytest.mark.parametrize(
    ("programs", "keep", "step"), [(1, False, "both"), (2, False, "plain"), (4, True, "plain"), (2, True, "both")]
)
def test_programs_share_the_hidden_units(programs: int, keep: bool, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that would wait for each other are launched once for each sample here."""
    plan = LaunchPlan(programs, -(-21 // programs), chunk=16 if keep else 8, keep=keep, warps=1)
    monkeypatch.setattr(triton_stack, "plan_learning", lambda *_: plan)
    monkeypatch.setattr(triton_follower, "plan_letters", lambda *_: (2, 16))
    monkeypatch.setattr(triton_follower, "LETTER_CHUNK", 16)
    compare(make_config("three_layer", step))


def test_is_as_exact_as_float32_and_measures_only_when_due() -> None:
    compare(make_config("three_layer", dtype="float32", evaluate_every="100"), tolerance=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_resumed_run_has_the_same_bits(network: str) -> None:
    whole, first, second = (GpuEngine(build_engine(make_config(network, "both"), SPLIT)._task) for _ in range(3))
    expected = whole.advance(SAMPLES)
    first.advance(2 * BLOCK)
    second.load_state(2 * BLOCK, {name: tensor.clone() for name, tensor in first.state().items()})
    rest = second.advance(SAMPLES - 2 * BLOCK)
    np.testing.assert_array_equal(rest.loss, expected.loss[2 * BLOCK :])
    np.testing.assert_array_equal(rest.test_error, expected.test_error[2 * BLOCK :])
    for name, tensor in whole.state().items():
        assert torch.equal(second.state()[name], tensor), name
