"""The blocked engine gives the numbers of separate updates: it is compared with the reference engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from letterocr.compose.build import build_engine
from letterocr.config.data import SyntheticConfig
from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.rule import RULES
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.engine import blocked, compiled
from letterocr.engine.blocked import BlockedEngine
from letterocr.engine.inked_letters import put_ink_first
from letterocr.engine.records import Records
from letterocr.engine.stack import Stack
from letterocr.engine.task import TrainingTask

SAMPLES = 500
NETWORKS = {
    "two_layer": ([], "linear", False),
    "two_layer with bias": ([], "linear", True),
    "one sigmoid matrix": ([], "sigmoid", True),
    "three_layer": ([24], "sigmoid", True),
    "three_layer without bias": ([23], "sigmoid", False),
    "four_layer": ([20, 22], "sigmoid", True),
    "five layers": ([12, 14, 13], "sigmoid", True),
}
STEPS = {
    "plain": (0.0, 0.0, "constant"),
    "momentum": (0.9, 0.0, "linear"),
    "decay": (0.0, 0.02, "inverse"),
    "both": (0.8, 0.01, "cosine"),
}


def letters(count: int, name: int, blank: int = 901) -> Letters:
    """Letters that are blank in every `blank`-th pixel."""
    generator = torch.Generator().manual_seed(name)
    ink = (torch.rand(count, 900, generator=generator) < 0.15) & (torch.arange(1, 901) % blank != 0)
    return Letters(ink * torch.rand(count, 900, generator=generator), torch.arange(count) % 26)


SPLIT = Split(letters(130, 1, blank=3), letters(52, 2))  # test letters have ink where no training letter has


def config(network: str, step: str, **fields: Any) -> TrainConfig:
    hidden, activation, bias = NETWORKS[network]
    momentum, decay, schedule = STEPS[step]
    rate = {"linear": 0.002, "sigmoid": 0.05}[activation] * (1 - momentum)
    scale = {"linear": 0.3, "sigmoid": 1.0}[activation]
    defaults: dict[str, Any] = {"dtype": "float64", "samples": SAMPLES, "learning_rate": rate, "schedule": schedule}
    return TrainConfig(
        model=ChainConfig(name=network, hidden=hidden, activation=activation, bias=bias, init_scale=scale),
        data=SyntheticConfig(),
        optimizer=VanillaConfig(momentum=momentum, weight_decay=decay),
        **(defaults | fields),
    )


def advance(engine: Any, *counts: int) -> Records:
    parts = [engine.advance(count) for count in counts]
    return Records(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("loss", "wrong", "test_error")))


def assert_same(one: Any, other: Any, first: Records, second: Records, tolerance: float) -> None:
    for name, expected in one.network.state().items():
        difference = (other.network.state()[name] - expected).abs().max() / expected.abs().max()
        assert difference < tolerance, name
    np.testing.assert_allclose(second.loss, first.loss, rtol=100 * tolerance, atol=tolerance)
    np.testing.assert_array_equal(second.wrong, first.wrong)
    np.testing.assert_array_equal(second.test_error, first.test_error)


CASES = [(n, r, s) for n in NETWORKS for r in ("printed", "eq18", "gradient") for s in STEPS if n != "five layers"]


@pytest.mark.parametrize(("network", "rule", "step"), [*CASES, ("five layers", "gradient", "both")])
def test_equals_the_reference_engine(network: str, rule: str, step: str) -> None:
    fields = {"rule": rule, "loss_factor": 1.0 if rule == "eq18" else 0.5}
    reference = build_engine(config(network, step, engine="reference", **fields), SPLIT)
    expected = advance(reference, SAMPLES)
    assert np.isfinite(expected.loss).all()
    for block in (7, 64) if step == "both" else (64,):  # neither divides the run
        engine = build_engine(config(network, step, engine="blocked", block=block, **fields), SPLIT)
        assert_same(reference, engine, expected, advance(engine, SAMPLES), 1e-10)


@pytest.mark.parametrize("every", ["3", "100", "log"])
@pytest.mark.parametrize("network", ["two_layer", "three_layer", "four_layer"])
def test_measures_at_the_same_samples(network: str, every: str) -> None:
    reference, engine = (
        build_engine(config(network, "both", engine=name, evaluate_every=every), SPLIT)
        for name in ("reference", "blocked")
    )
    assert_same(reference, engine, advance(reference, SAMPLES), advance(engine, SAMPLES), 1e-10)


@pytest.mark.parametrize("step", ["decay", "both"])
@pytest.mark.parametrize("network", ["two_layer", "three_layer", "four_layer", "five layers"])
def test_measures_with_pixels_that_have_ink_in_test_letters_alone(network: str, step: str) -> None:
    engine = build_engine(config(network, step, evaluate_every="100", replicas=2), SPLIT)
    blank, weight = (SPLIT.train.images == 0).all(0), engine.network.weights[0]
    assert int((SPLIT.test.images != 0).any(0)[blank].sum()) == 300
    noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed(5), dtype=weight.dtype)
    weight += noise * blank  # large beside the others; they decay and never learn
    np.testing.assert_array_equal(advance(engine, 100).test_error[-1], engine.test_error().numpy())
    read = engine.test_outputs(0)
    weight *= ~blank
    assert not torch.allclose(engine.test_outputs(0), read)  # these pixels did count


@pytest.mark.parametrize("network", ["two_layer with bias", "three_layer", "four_layer"])
def test_may_be_cut_within_a_block(network: str) -> None:
    whole, cut = (build_engine(config(network, "both", engine="blocked"), SPLIT) for _ in range(2))
    expected = advance(whole, SAMPLES)
    got = advance(cut, 5, 100, 1)
    resumed = build_engine(config(network, "both", engine="blocked"), SPLIT)
    resumed.load_state(106, {name: tensor.clone() for name, tensor in cut.state().items()})
    rest = advance(resumed, 333, SAMPLES - 439)
    joined = (np.concatenate([getattr(got, n), getattr(rest, n)]) for n in ("loss", "wrong", "test_error"))
    assert_same(whole, resumed, expected, Records(*joined), 1e-10)


@pytest.mark.parametrize("network", ["two_layer", "three_layer", "four_layer"])
def test_cut_at_whole_blocks_it_has_the_same_bits(network: str) -> None:
    whole, cut = (build_engine(config(network, "both", dtype="float32"), SPLIT) for _ in range(2))
    advance(whole, SAMPLES)
    advance(cut, 2 * cut.block, cut.block)
    resumed = build_engine(config(network, "both", dtype="float32"), SPLIT)
    resumed.load_state(cut.sample, {name: tensor.clone() for name, tensor in cut.state().items()})
    advance(resumed, SAMPLES - cut.sample)
    for name, expected in whole.state().items():
        assert torch.equal(resumed.state()[name], expected), name


@pytest.mark.parametrize("network", ["two_layer", "three_layer", "four_layer"])
def test_float32_stays_near_float64(network: str) -> None:
    # float32 rounds to 6e-8; a run of 1,000 updates on sums of 900 terms loses two to three digits of the seven
    engines = [build_engine(config(network, "plain", dtype=d, engine="blocked"), SPLIT) for d in ("float32", "float64")]
    single, double = (advance(engine, SAMPLES) for engine in engines)
    np.testing.assert_allclose(single.loss, double.loss, rtol=2e-4, atol=2e-5)
    # a letter may be read otherwise only where two outputs tie within rounding
    assert np.mean(single.test_error != double.test_error) < 0.01


@pytest.mark.parametrize("every", ["1", "100"])
@pytest.mark.parametrize("network", ["two_layer", "three_layer", "four_layer"])
def test_one_replica_has_the_same_bits_among_others(network: str, every: str) -> None:
    fields: dict[str, Any] = {"dtype": "float32", "evaluate_every": every, "samples": 300}
    many = build_engine(config(network, "momentum", replicas=8, seed=3, **fields), SPLIT)
    records = advance(many, 300)
    one = build_engine(config(network, "momentum", seed=8, **fields), SPLIT)
    alone = advance(one, 300)
    np.testing.assert_array_equal(records.loss[:, 5], alone.loss[:, 0])
    np.testing.assert_array_equal(records.test_error[:, 5], alone.test_error[:, 0])
    for all_weights, weight in zip(many.network.weights, one.network.weights, strict=True):
        assert torch.equal(all_weights[5], weight[0])


def test_a_list_gives_each_replica_its_own_learning_rate_and_one_order() -> None:
    rates = [0.001, 0.05, 0.02]
    many = build_engine(config("three_layer", "plain", replicas=3, learning_rate=rates), SPLIT)
    records = advance(many, 200)
    for r, rate in enumerate(rates):
        one = build_engine(config("three_layer", "plain", learning_rate=rate), SPLIT)
        np.testing.assert_array_equal(records.loss[:, r], advance(one, 200).loss[:, 0])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("network", ["two_layer with bias", "three_layer without bias", "four_layer"])
def test_all_replicas_in_one_stack_as_on_a_gpu(network: str, step: str) -> None:
    def make(**keywords: Any) -> BlockedEngine:
        plain = build_engine(config(network, step, replicas=3, learning_rate=[0.001, 0.002, 0.0015]), SPLIT)
        parts = plain.network, plain.optimizers, plain.orders, SPLIT, plain.evaluation, RULES["gradient"]
        return BlockedEngine(TrainingTask(*parts), **keywords)

    apart, together = make(), make(together=True)
    assert len(together.stacks) == 1
    assert_same(apart, together, advance(apart, 300), advance(together, 300), 1e-10)


@pytest.mark.parametrize("network", ["two_layer", "three_layer", "four_layer"])
def test_the_torch_path_equals_the_compiled_one(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = build_engine(config(network, "both"), SPLIT)
    monkeypatch.setattr(compiled, "MOST_MATRICES", 0)
    plain = build_engine(config(network, "both"), SPLIT)
    assert type(plain.stacks[0]) is Stack  # type: ignore[attr-defined]
    assert_same(plain, fast, advance(plain, 300), advance(fast, 300), 1e-10)


def test_inked_pixels_come_first_and_the_order_is_its_own_inverse() -> None:
    swaps, count = put_ink_first(SPLIT.train.images)
    assert count == 600
    assert (SPLIT.train.images[:, swaps[:count]] != 0).any(0).all()
    assert (SPLIT.train.images[:, swaps[count:]] == 0).all()
    assert torch.equal(swaps[swaps], torch.arange(900))


def test_weights_of_pixels_without_ink_learn_nothing() -> None:
    engine = build_engine(config("three_layer", "plain"), SPLIT)
    before = engine.network.weights[0].clone()
    engine.advance(300)
    changed = (engine.network.weights[0] != before).any(1)[0]
    assert torch.equal(changed, (SPLIT.train.images != 0).any(0))


def test_what_follows_is_refreshed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "REFRESH", 90)  # not a multiple of the block
    reference = build_engine(config("three_layer", "both", engine="reference"), SPLIT)
    engine = build_engine(config("three_layer", "both"), SPLIT)
    assert_same(reference, engine, advance(reference, 300), advance(engine, 300), 1e-10)


def test_divergence_shows_in_the_loss() -> None:
    engine = build_engine(config("two_layer", "plain", dtype="float32", learning_rate=1e30), SPLIT)
    assert not np.isfinite(advance(engine, 100).loss).all()
    engine = build_engine(config("three_layer", "plain", dtype="float32"), SPLIT)
    engine.network.weights[0][0, 3, 6] = torch.nan  # a pixel that has ink
    assert not np.isfinite(advance(engine, 10).loss).any()
