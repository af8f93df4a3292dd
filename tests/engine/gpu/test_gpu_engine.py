"""The GPU engine under Triton's interpreter on the CPU: its numbers are those of the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine.gpu.gpu_cases import BLOCK, GROUP, NETWORKS, SPLIT, assert_as_reference, make_config

from letterocr.compose.build import build_engine
from letterocr.config.train import TrainConfig
from letterocr.engine.gpu import triton_follower, triton_stack
from letterocr.engine.gpu.gpu_engine import GpuEngine
from letterocr.engine.gpu.launch_plan import LaunchPlan

SAMPLES = 17


def make_engine(config: TrainConfig) -> GpuEngine:
    return GpuEngine(build_engine(config, SPLIT).task)


def compare(config: TrainConfig, tolerance: float = 1e-10) -> None:
    assert_as_reference(make_engine(config), config, (9, SAMPLES - 9), tolerance)


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


@pytest.mark.parametrize(("programs", "keep", "step"), [(1, False, "both"), (4, False, "plain"), (2, True, "both")])
def test_programs_share_the_hidden_units(programs: int, keep: bool, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that would wait for each other are launched once for each sample here."""
    plan = LaunchPlan(programs, -(-21 // programs), chunk=16 if keep else 8, keep=keep, warps=1)
    monkeypatch.setattr(triton_stack, "plan_learning", lambda *_: plan)
    monkeypatch.setattr(triton_follower, "plan_letters", lambda *_: (2, 16))
    monkeypatch.setattr(triton_follower, "LETTER_CHUNK", 16)
    compare(make_config("three_layer", step))


def test_is_as_exact_as_float32_and_measures_only_when_due() -> None:
    compare(make_config("three_layer", dtype="float32", evaluate_every="100"), tolerance=1e-5)


@pytest.mark.parametrize("network", ["three_layer", "four_layer"])
def test_a_resumed_run_has_the_same_bits(network: str) -> None:
    whole, first, second = (make_engine(make_config(network, "both")) for _ in range(3))
    expected = whole.advance(SAMPLES)
    first.advance(2 * BLOCK)
    second.load_state(2 * BLOCK, {name: tensor.clone() for name, tensor in first.state().items()})
    rest = second.advance(SAMPLES - 2 * BLOCK)
    np.testing.assert_array_equal(rest.loss, expected.loss[2 * BLOCK :])
    np.testing.assert_array_equal(rest.test_error, expected.test_error[2 * BLOCK :])
    for name, tensor in whole.state().items():
        assert torch.equal(second.state()[name], tensor), name
