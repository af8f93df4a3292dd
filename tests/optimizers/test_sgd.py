"""The paper's stochastic descent: what a mask leaves out, and that the rescaled update is the gradient's on average."""

from __future__ import annotations

import pytest
import torch
from helpers import make_engine, random_network, random_split

from letterocr.config.model.chain import ChainConfig
from letterocr.config.optimizer.sgd import SgdConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.rule import RULES
from letterocr.models.batch import Batch
from letterocr.models.chain import Network
from letterocr.models.error_vectors import error_vectors
from letterocr.optimizers.rate_schedule import LearningRate
from letterocr.optimizers.sgd import Sgd
from letterocr.optimizers.vanilla import Vanilla

MASKS = ["weight", "row", "column", "layer"]
RATE = LearningRate("constant", 0.1, 100)


def network_and_batch(count: int = 1) -> tuple[Network, Batch]:
    network = random_network([6, 5, 26], [2.0]).replica(0)
    activations = network.forward(torch.rand(count, 6, generator=torch.Generator().manual_seed(3)).double())
    c = torch.eye(26, dtype=torch.float64)[:count]
    return network, Batch(
        activations, error_vectors(network, activations, c, RULES["gradient"]), c, RULES["gradient"], 0.5
    )


def changes(optimizer: Sgd | Vanilla, sample: int = 0, count: int = 1) -> dict[str, torch.Tensor]:
    """What one step adds to each weight and bias."""
    network, batch = network_and_batch(count)
    before = {name: tensor.clone() for name, tensor in network.state().items()}
    for update, weight, bias in zip(
        optimizer.step(sample, network, batch) or (), network.weights, network.biases, strict=False
    ):
        update.apply(weight, bias)
    return {name: tensor - before[name] for name, tensor in network.state().items()}


def stochastic(**fields: object) -> Sgd:
    return Sgd(SgdConfig(**fields), RATE, network_and_batch()[0], seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("count", [1, 3])
def test_with_keep_1_it_is_plain_descent(mask: str, count: int) -> None:
    plain = changes(Vanilla(VanillaConfig(), RATE, network_and_batch()[0], 0), count=count)
    for name, change in changes(stochastic(mask=mask, keep=1.0), count=count).items():
        torch.testing.assert_close(change, plain[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("mask", MASKS)
def test_what_is_kept_is_the_gradient_step_and_the_rest_nothing(mask: str) -> None:
    plain = changes(stochastic(mask=mask, keep=1.0))
    for sample in range(20):
        for name, change in changes(stochastic(mask=mask, keep=0.5), sample).items():
            kept = change != 0
            torch.testing.assert_close(change[kept], plain[name][kept], rtol=1e-12, atol=0)
            if mask == "row":
                assert (kept == kept.flatten(1)[:, :1] if kept.dim() > 1 else kept).all() or kept.dim() == 1
            if mask == "column" and kept.dim() == 2:
                assert (kept == kept[:1]).all()
            if mask == "layer":
                assert kept.all() or not kept.any()


@pytest.mark.parametrize("mask", ["row", "layer"])
def test_a_bias_shares_the_fate_of_its_row(mask: str) -> None:
    change = changes(stochastic(mask=mask, keep=0.5))
    for k in range(2):
        assert torch.equal(change[f"weight.{k}"][:, 0] != 0, change[f"bias.{k}"] != 0)


@pytest.mark.parametrize("mask", MASKS)
def test_rescaled_it_is_unbiased(mask: str) -> None:
    optimizer, plain, draws = stochastic(mask=mask, keep=0.4, rescale=True), changes(stochastic(keep=1.0)), 2000
    sums = {name: torch.zeros_like(change) for name, change in plain.items()}
    for sample in range(draws):
        for name, change in changes(optimizer, sample).items():
            sums[name] += change
    for name, total in sums.items():
        # the mean of n draws, x/keep with probability keep, deviates by x sqrt((1 - keep)/keep/n) = 2.7 %; five times
        assert ((total / draws - plain[name]).abs() <= 0.14 * plain[name].abs()).all(), name


def test_masks_depend_on_seed_sample_and_layer() -> None:
    network = network_and_batch()[0]
    one, other = (Sgd(SgdConfig(), RATE, network, seed) for seed in (1, 2))
    like = network.weights[0]
    masks = [
        one._draw_mask(0, 0, like, 50),
        one._draw_mask(1, 0, like, 50),
        one._draw_mask(0, 1, like, 50),
        other._draw_mask(0, 0, like, 50),
    ]
    assert all(not torch.equal(a, b) for i, a in enumerate(masks) for b in masks[:i])
    assert torch.equal(masks[0], one._draw_mask(0, 0, like, 50))


@pytest.mark.parametrize(("mask", "engine"), [("weight", "reference"), ("row", "blocked"), ("layer", "blocked")])
def test_masks_of_one_number_a_row_or_layer_run_in_blocks(mask: str, engine: str) -> None:
    fields = {"optimizer": SgdConfig(mask=mask), "engine": "auto"}
    assert make_engine(random_split(), ChainConfig(hidden=[5]), **fields).name == engine
