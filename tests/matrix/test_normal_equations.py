"""The least-norm solution of the normal equations against the pseudo-inverse, LAPACK's and gradient descent's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from letterocr.matrix.normal_equations import correlations, minimum_norm_solution


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_correlations_are_means_of_outer_products():
    A, C = draw(40, 9), draw(26, 9, seed=1)
    R, Z = correlations(A, C)
    torch.testing.assert_close(R, sum(torch.outer(A[:, k], A[:, k]) for k in range(9)) / 9)
    torch.testing.assert_close(Z, sum(torch.outer(A[:, k], C[:, k]) for k in range(9)) / 9)


def test_for_the_alphabet_it_is_the_left_inverse():
    A = draw(900, 26)
    found = minimum_norm_solution(A)
    assert found.rank == 26
    assert found.residual < 1e-12
    assert found.difference < 1e-11
    np.testing.assert_allclose(found.W, np.linalg.pinv(A.numpy()), atol=1e-13)


@pytest.mark.parametrize(("pixels", "letters"), [(60, 26), (60, 200), (20, 26)])
def test_it_is_lapacks_least_squares_solution(pixels, letters):
    """Few letters: any outputs are met; many: the least squares of all; few pixels: letters depend on each other."""
    A, C = draw(pixels, letters), torch.eye(26, dtype=torch.float64)[:, torch.arange(letters) % 26]
    found = minimum_norm_solution(A, C)
    expected = np.linalg.lstsq(A.numpy().T, C.numpy().T, rcond=None)[0].T
    np.testing.assert_allclose(found.W, expected, atol=1e-9)
    assert found.difference < 1e-9
    assert found.rank == min(pixels, letters)


def test_gradient_descent_from_zero_goes_there():
    A = draw(60, 8)
    R, Z = correlations(A)
    W = torch.zeros(8, 60, dtype=torch.float64)
    values = torch.linalg.eigvalsh(R)
    rate = 2 / (values[-1] + values[-8])
    for _ in range(3000):
        W -= rate * (R @ W.mT - Z).mT
    torch.testing.assert_close(W, minimum_norm_solution(A).W, rtol=0, atol=1e-9)
