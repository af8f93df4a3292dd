"""Divided differences against forms of the same that have no difference, and their limits."""

import numpy as np
import pytest
import torch

from letterocr.matrix.divided_differences import INVERSE, logarithm, square_root

EPSILON = 0.01


@pytest.mark.parametrize("gap", [1.0, 1e-3, 1e-6, 1e-9, 1e-12, 0.0])
def test_divided_differences_keep_every_digit_at_small_gaps(gap):
    """Against other forms of the same: an inverse hyperbolic tangent, and quotients without a difference."""
    a, b = torch.tensor(0.7 + gap, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    high, low = a.item() + EPSILON, b.item() + EPSILON
    logs = 2 * np.arctanh((high - low) / (high + low)) / (high - low) if gap else 1 / low
    np.testing.assert_allclose(logarithm(EPSILON).difference(a, b).item(), logs, rtol=1e-14)
    roots = 1 / (np.sqrt(high) + np.sqrt(low))
    np.testing.assert_allclose(square_root(EPSILON).difference(a, b).item(), roots, rtol=1e-14)
    np.testing.assert_allclose(INVERSE.difference(a, b).item(), -1 / (0.7 * (0.7 + gap)), rtol=1e-14)


def test_limits_at_zero():
    zero, two = torch.tensor(0.0), torch.tensor(2.0)
    assert INVERSE.value(zero) == INVERSE.difference(zero, zero) == 0
    assert INVERSE.difference(two, zero) == INVERSE.difference(zero, two) == 0.25
    assert square_root(0.0).difference(zero, zero) == 0
    assert square_root(0.0).difference(two, zero) == pytest.approx(1 / np.sqrt(2))
    assert square_root(1.0).difference(zero, zero) == 0.5
    assert logarithm(0.5).difference(zero, zero) == 2
    assert logarithm(0.5).value(-zero - 1e-20) == pytest.approx(np.log(0.5))
