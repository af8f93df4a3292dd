"""The network against a hand-written NumPy forward pass, and the statistics of its first weights."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from helpers import random_network

from letterocr.config.model.chain import ChainConfig
from letterocr.models.chain import Network, initialise, layer_sizes

CPU = torch.device("cpu")
NETWORKS = [[7, 3], [7, 5, 3], [7, 5, 4, 3]]


def numpy_forward(network: Network, r: int, a: np.ndarray) -> list[np.ndarray]:
    """(16) for one letter at a time, with every sum written out."""
    layers = [a]
    for w, b in zip(network.weights, network.biases, strict=True):
        weight, bias = w[r].numpy(), np.zeros(w.shape[1]) if b is None else b[r].numpy()
        rows = []
        for h in layers[-1]:
            x = np.array([sum(weight[i, j] * h[j] for j in range(len(h))) + bias[i] for i in range(len(bias))])
            rows.append(x if network.temperature is None else 1 / (1 + np.exp(-x / float(network.temperature[r]))))
        layers.append(np.array(rows))
    return layers


@pytest.mark.parametrize("sizes", NETWORKS, ids=str)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("temperatures", [None, [1.0, 150.0]], ids=["linear", "sigmoid"])
def test_forward_is_the_papers(sizes, bias, temperatures):
    network = random_network(sizes, temperatures, bias=bias, replicas=2)
    a = torch.rand(4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    together = network.forward(a.expand(2, 4, 7))
    for r in range(2):
        alone = network.replica(r).forward(a)
        for got, single, right in zip(together, alone, numpy_forward(network, r, a.numpy()), strict=True):
            np.testing.assert_allclose(got[r].numpy(), right, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(single.numpy(), right, rtol=1e-12, atol=1e-14)


def test_forward_from_goes_on_where_the_activations_end():
    network = random_network([7, 5, 4, 3], [2.0])
    whole = network.forward(torch.rand(1, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))
    completed = network.forward_from(2, whole[:3])
    assert len(completed) == 4
    assert torch.equal(completed[-1], whole[-1])


@pytest.mark.parametrize("temperatures", [None, [1.0], [150.0]], ids=str)
def test_slope_is_the_derivative_of_s(temperatures):
    network = random_network([2, 2], temperatures)
    x = torch.linspace(-300, 300, 101, dtype=torch.float64).view(1, -1, 1).requires_grad_()
    h = network.s(x)
    (derivative,) = torch.autograd.grad(h.sum(), x)
    torch.testing.assert_close(network.slope(h.detach()), derivative, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(("hidden", "weights"), [([], 23_400), ([1800], 1_666_800), ([1800, 1800], 4_906_800)])
def test_the_papers_networks_have_as_many_weights_as_it_says(hidden, weights):
    """About 1.7 million with three layers, about 4.9 million with four."""
    assert sum(a * b for a, b in pairwise(layer_sizes(ChainConfig(hidden=hidden), 26))) == weights


def test_first_weights_are_normal_with_deviation_scale_t_over_root_inputs():
    model = ChainConfig(hidden=[400], temperature=150.0, init_scale=0.5)
    network = initialise(model, [7], torch.float64, CPU, 26)
    for weight, fan_in in zip(network.weights, [900, 400], strict=True):
        deviation = 0.5 * 150 / math.sqrt(fan_in)
        n = weight.numel()
        assert weight.std().item() == pytest.approx(deviation, rel=5 / math.sqrt(2 * n))
        assert abs(weight.mean().item()) < 5 * deviation / math.sqrt(n)
        within = (weight.abs() < deviation).double().mean().item()
        assert within == pytest.approx(0.682689, abs=5 * math.sqrt(0.2166 / n))  # of a normal distribution


def test_biases_start_at_zero_or_random_like_the_weights():
    zero = initialise(ChainConfig(hidden=[2000], init_scale=1.0), [0], torch.float64, CPU, 26)
    random = initialise(ChainConfig(hidden=[2000], init_scale=1.0, init_bias="random"), [0], torch.float64, CPU, 26)
    assert all(torch.count_nonzero(b) == 0 for b in zero.biases)
    assert random.biases[0].std().item() == pytest.approx(1 / 30, rel=5 / math.sqrt(4000))
    assert random.biases[1].std().item() == pytest.approx(1 / math.sqrt(2000), rel=0.7)
    assert all(torch.equal(a, b) for a, b in zip(zero.weights, random.weights, strict=True))
    first = random.weights[0].flatten()[:2000]
    assert abs((30 * random.biases[0][0] * 30 * first).mean().item()) < 5 / math.sqrt(2000)  # a stream of their own


def test_no_bias_leaves_the_weights_as_they_were():
    model = ChainConfig(hidden=[6], bias=False)
    without, with_bias = (
        initialise(model, [4], torch.float64, CPU, 26),
        initialise(ChainConfig(hidden=[6]), [4], torch.float64, CPU, 26),
    )
    assert without.biases == [None, None]
    assert all(torch.equal(a, b) for a, b in zip(without.weights, with_bias.weights, strict=True))


def test_a_replica_is_the_network_of_its_seed():
    model = ChainConfig(hidden=[6, 5], init_bias="random", temperature=3.0)
    together = initialise(model, [10, 11, 12], torch.float32, CPU, 26)
    assert together.replicas == 3
    for r in range(3):
        alone = initialise(model, [10 + r], torch.float32, CPU, 26)
        for name, tensor in alone.state().items():
            assert torch.equal(together.state()[name][r], tensor[0]), name
    assert not torch.equal(together.weights[0][0], together.weights[0][1])


def test_float32_and_float64_start_alike():
    model = ChainConfig(hidden=[6], init_bias="random")
    double, single = (initialise(model, [0, 1], dtype, CPU, 26).state() for dtype in (torch.float64, torch.float32))
    for name in double:
        assert single[name].dtype == torch.float32
        assert torch.equal(double[name].float(), single[name])


def test_temperature_and_scale_of_each_replica():
    model = ChainConfig(hidden=[6], temperature=[1.0, 150.0], init_scale=[1.0, 0.5])
    network = initialise(model, [0, 0], torch.float64, CPU, 26)
    a = torch.rand(4, 900, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert network.temperature.flatten().tolist() == [1.0, 150.0]
    torch.testing.assert_close(network.weights[0][1], 75 * network.weights[0][0], rtol=1e-14, atol=0)
    cold, warm = (
        initialise(ChainConfig(hidden=[6], temperature=t, init_scale=s), [0], torch.float64, CPU, 26)
        for t, s in [(1.0, 1.0), (150.0, 0.5)]
    )
    q = network.forward(a.expand(2, 4, 900))[-1]
    torch.testing.assert_close(q[0], cold.replica(0).forward(a)[-1], rtol=1e-13, atol=0)
    torch.testing.assert_close(q[1], warm.replica(0).forward(a)[-1], rtol=1e-13, atol=0)


def test_the_start_is_equally_far_from_the_straight_part_at_every_temperature():
    a = torch.rand(4, 900, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    outputs = [
        initialise(ChainConfig(hidden=[], temperature=t), [5], torch.float64, CPU, 26).replica(0).forward(a)[-1]
        for t in (1.0, 150.0)
    ]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-12, atol=0)


def test_a_linear_network_has_no_temperature():
    network = initialise(
        ChainConfig(hidden=[], activation="linear", init_scale=1.0, temperature=150.0), [0], torch.float64, CPU, 26
    )
    assert network.temperature is None
    assert network.weights[0].std().item() == pytest.approx(1 / 30, rel=0.03)


def test_a_replica_is_a_view():
    network = random_network([4, 3], [1.0], replicas=2)
    network.replica(1).weights[0].zero_()
    assert torch.count_nonzero(network.weights[0][1]) == 0
    assert torch.count_nonzero(network.weights[0][0]) == 12


def test_a_state_copied_into_another_network_makes_it_the_same():
    one, other = random_network([4, 3, 2], [1.0], seed=0), random_network([4, 3, 2], [1.0], seed=1)
    other.load_state(one.state())
    one.weights[0].zero_()  # copied, not shared
    fresh = random_network([4, 3, 2], [1.0], seed=0)
    assert all(torch.equal(other.state()[name], tensor) for name, tensor in fresh.state().items())
