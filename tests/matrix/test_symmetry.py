"""Transformed hidden layers: the same outputs where s is linear, by how much others differ where it is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.matrix.symmetry import HiddenLayer, measure_changes, relative_change, transform
from letterocr.models.chain import Network

HIDDEN = 30


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer() -> HiddenLayer:
    return HiddenLayer(draw(HIDDEN, 90), draw(HIDDEN, seed=1), draw(26, HIDDEN, seed=2), draw(26, seed=3))


A = draw(90, 26, seed=4)


@pytest.mark.parametrize("width", [HIDDEN, HIDDEN + 11])
def test_linear_outputs_stay_for_every_v_of_full_row_rank(width):
    V = draw(HIDDEN, width, seed=5)
    changed = transform(layer(), V)
    assert changed.W_h.shape == (width, 90)
    assert relative_change(layer().outputs(A), changed.outputs(A)) < 1e-12
    inverse = V.numpy().T @ np.linalg.inv(V.numpy() @ V.numpy().T)  # as (28) has it, mended
    np.testing.assert_allclose(changed.W_h, inverse @ layer().W_h.numpy(), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(changed.b_h, inverse @ layer().b_h.numpy(), rtol=1e-8, atol=1e-10)


def test_v_without_full_row_rank_is_refused():
    with pytest.raises(ValueError, match="V of 30 by 29 has not full row rank"):
        transform(layer(), draw(HIDDEN, 29))
    V = draw(HIDDEN, HIDDEN)
    V[3] = V[4]
    with pytest.raises(ValueError, match="full row rank"):
        transform(layer(), V)


def test_outputs_are_those_of_the_network():
    some = layer()
    network = Network([some.W_h, some.W_q], [some.b_h, some.b_q], torch.tensor([[7.0]]))
    torch.testing.assert_close(torch.sigmoid(some.outputs(A, 7.0) / 7), network.forward(A.mT)[-1].mT)
    linear = Network([some.W_h, some.W_q], [some.b_h, some.b_q], None)
    torch.testing.assert_close(some.outputs(A), linear.forward(A.mT)[-1].mT)


def test_a_permutation_is_exact_at_every_temperature():
    V = torch.eye(HIDDEN).double()[torch.randperm(HIDDEN, generator=torch.Generator().manual_seed(0))]
    assert max(measure_changes(layer(), V, A, (0.1, 1, 10, 1000)).values()) < 1e-10


def test_through_the_sigmoid_the_rest_falls_with_the_square_of_the_temperature():
    V = draw(HIDDEN, HIDDEN, seed=6)
    found = measure_changes(layer(), V, A, (3.0, 1e4, 1e5))
    assert found[3.0] > 0.1
    assert found[1e4] / found[1e5] == pytest.approx(100, rel=0.01)  # x^3 / T^3 beside x / T
    assert found[1e5] < 1e-5


def test_without_its_bias_the_middle_of_the_sigmoid_comes_through():
    """The outputs shift by s(0) W_q (V 1 - 1), and what tells the letters apart is W_q (W_h a) / (4 T)."""
    V, temperature = draw(HIDDEN, HIDDEN, seed=6), 1e6
    some = layer()
    shift = 0.5 * some.W_q @ (V.sum(1) - 1)
    signal = some.W_q @ some.W_h @ (A - A.mean(1, keepdim=True)) / (4 * temperature)
    expected = shift.norm() * 26**0.5 / signal.norm()
    found = measure_changes(some, V, A, [temperature], with_bias=False)[temperature]
    assert found == pytest.approx(expected.item(), rel=1e-4)
