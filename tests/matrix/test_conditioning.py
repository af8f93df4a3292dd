"""Ranks behind a hidden layer: a linear one buys none, a steep one all, weights in proportion to T the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.config.model.chain import ChainConfig
from letterocr.matrix.conditioning import hidden_activations, measure_conditioning, measure_through_hidden_layer
from letterocr.models.chain import draw_hidden_layer, initialise


def letters(rank: int | None = None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    if rank is None:
        return torch.rand(900, 26, generator=generator, dtype=torch.float64)
    left = torch.rand(900, rank, generator=generator, dtype=torch.float64)
    return left @ torch.rand(rank, 26, generator=generator, dtype=torch.float64) / rank


def test_singular_values_are_those_with_the_ones_and_without_the_mean():
    A = letters()
    found = measure_conditioning(A)
    extended = np.concatenate([A.numpy(), np.ones((1, 26))])
    np.testing.assert_allclose(found.values, np.linalg.svd(extended, compute_uv=False), atol=1e-12)
    without = np.linalg.svd(A.numpy() - A.numpy().mean(1, keepdims=True), compute_uv=False)
    np.testing.assert_allclose(found.centred_values, without, atol=1e-12)
    assert found.condition == pytest.approx(np.linalg.cond(extended))
    assert found.centred_condition == pytest.approx(without[0] / without[24])
    assert found.temperature is None


@pytest.mark.parametrize("rank", [3, 26])
def test_the_rank_with_ones_is_one_more_than_without_the_mean(rank):
    found = measure_conditioning(letters(rank))
    assert found.centred_ranks.numerical == min(rank, 25)
    assert found.ranks.numerical == min(rank + 1, 26)


def test_a_linear_layer_buys_no_rank_and_a_sigmoid_does():
    A = letters(5)
    W_h, b_h = draw_hidden_layer(200, seed=1)
    linear = measure_conditioning(hidden_activations(A, W_h, b_h, None))
    (bent,) = measure_through_hidden_layer(A, W_h, b_h, [15.0])
    assert measure_conditioning(A).ranks.numerical == linear.ranks.numerical == 6
    assert bent.ranks.numerical == 26
    assert bent.temperature == 15.0


def test_a_high_temperature_leaves_the_letters_as_a_linear_layer_does():
    A = letters()
    W_h, b_h = draw_hidden_layer(200)
    linear = measure_conditioning(hidden_activations(A, W_h, b_h, None))
    (hot,) = measure_through_hidden_layer(A, W_h, b_h, [1e6])
    # s(x) = 1/2 + x / (4 T) up to (x / T)^3
    np.testing.assert_allclose(hot.centred_values[:25] * 4e6, linear.centred_values[:25], rtol=1e-6)
    assert hot.centred_ranks.entropy == pytest.approx(linear.centred_ranks.entropy, rel=1e-6)


def test_the_colder_the_higher_the_effective_rank():
    W_h, b_h = draw_hidden_layer(300)
    entropies = [
        c.centred_ranks.entropy for c in measure_through_hidden_layer(letters(5), W_h, b_h, [2, 20, 200, 2000])
    ]
    assert entropies == sorted(entropies, reverse=True)


def test_the_layer_is_that_of_a_run_at_the_papers_temperature():
    model = ChainConfig(hidden=[40], temperature=150.0, init_bias="random")
    network = initialise(model, [3], torch.float64, torch.device("cpu"), 26).replica(0)
    W_h, b_h = draw_hidden_layer(40, seed=3, biases=True)
    torch.testing.assert_close(W_h, network.weights[0])
    torch.testing.assert_close(b_h, network.biases[0])
    A = letters()
    torch.testing.assert_close(hidden_activations(A, W_h, b_h, 150.0), network.forward(A.mT)[1].mT)
    assert not draw_hidden_layer(40)[1].any()


def test_weights_in_proportion_to_the_temperature_give_the_same_activations():
    W_h, b_h = draw_hidden_layer(40, deviation=15.0)
    colder, _ = draw_hidden_layer(40, deviation=0.1)
    torch.testing.assert_close(
        hidden_activations(letters(), W_h, b_h, 150.0), hidden_activations(letters(), colder, b_h, 1.0)
    )
