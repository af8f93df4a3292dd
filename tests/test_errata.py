"""The errata of the paper: what can't run as printed, and what runs.

Sizes are the paper's: 900 pixels, 1800 hidden values, 26 letters.
"""

import pytest
import torch


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


a, h, q, c = draw(900), draw(1800), draw(26), torch.eye(26, dtype=torch.float64)[4]
W, W_h, W_q = draw(26, 900), draw(1800, 900), draw(26, 1800)
A, C = draw(900, 26), torch.eye(26, dtype=torch.float64)


def cannot_run():
    return pytest.raises(RuntimeError, match=r"size|shape")


def test_equation_1_says_that_w_is_900_by_26():
    with cannot_run():
        draw(900, 26) @ a
    assert (W @ a).shape == q.shape  # 26 by 900


def test_equation_14_adds_a_bias_as_long_as_the_pixels():
    b_a, b_h = draw(900), draw(1800)
    with cannot_run():
        W_h @ a + b_a
    assert (W_h @ a + b_h).shape == h.shape


def test_equation_16_adds_a_bias_as_long_as_the_hidden_layer():
    b_h, b_q = draw(1800), draw(26)
    with cannot_run():
        W_q @ h + b_h
    assert (W_q @ h + b_q).shape == q.shape


def test_equation_19_takes_the_error_back_through_the_wrong_matrix():
    with cannot_run():
        W_h.T @ (q - c)
    assert (W_q.T @ (q - c)).shape == h.shape


def test_equation_20_pairs_each_error_with_the_outputs_of_its_layer():
    v_q = q - c
    v_h = W_q.T @ v_q
    with cannot_run():
        W_h - 0.02 * torch.outer(v_h, h)
    with cannot_run():
        W_q - 0.02 * torch.outer(v_q, q)
    assert (W_h - 0.02 * torch.outer(v_h, a)).shape == W_h.shape
    assert (W_q - 0.02 * torch.outer(v_q, h)).shape == W_q.shape


def test_equation_26_leaves_out_the_output_matrix():
    assert (W_h @ a).shape != q.shape
    assert (W_q @ W_h @ a).shape == q.shape


def test_equation_29_says_that_r_is_900_by_26():
    R = sum(torch.outer(A[:, k], A[:, k]) for k in range(26)) / 26
    assert R.shape == (900, 900)
    torch.testing.assert_close(R, A @ A.T / 26)
    assert torch.linalg.matrix_rank(R, hermitian=True) == 26


def test_equation_30_multiplies_a_letter_by_an_output():
    with cannot_run():
        C[:, 0] @ A[:, 0]
    assert (A @ C.T / 26).shape == (900, 26)


def test_equation_31_leaves_out_a_transposition():
    R, Z = A @ A.T / 26, A @ C.T / 26
    with cannot_run():
        R @ W
    assert (R @ W.T).shape == Z.shape


def test_equation_31_is_solved_by_8_with_the_least_norm():
    R, Z = A @ A.T / 26, A @ C.T / 26
    left_inverse = torch.linalg.inv(A.T @ A) @ A.T  # (8)
    torch.testing.assert_close(R @ left_inverse.T, Z, rtol=1e-9, atol=1e-9)
    least = torch.linalg.lstsq(R, Z, rcond=1e-10, driver="gelsd").solution
    torch.testing.assert_close(left_inverse.T, least, rtol=1e-9, atol=1e-12)
    unseen = W - W @ A @ left_inverse  # gives 0 for every letter of the alphabet
    torch.testing.assert_close(R @ (left_inverse + unseen).T, Z, rtol=1e-9, atol=1e-9)  # so R is singular
    assert (left_inverse + unseen).norm() > left_inverse.norm()


def test_equation_27_is_23_again():
    """A linear hidden layer adds nothing: it is one matrix W_q W_h and one bias W_q b_h + b_q."""
    b_h, b_q = draw(1800), draw(26)
    two_matrices = W_q @ (W_h @ A + b_h[:, None]) + b_q[:, None]
    one_matrix = (W_q @ W_h) @ A + (W_q @ b_h + b_q)[:, None]
    torch.testing.assert_close(two_matrices, one_matrix, rtol=1e-10, atol=1e-9)
