"""Singular values, reconstructions and effective ranks against NumPy, closed forms and published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from letterocr.matrix.spectrum import (
    effective_ranks,
    energy_rank,
    known_noise_threshold,
    marchenko_pastur_median,
    optimal_threshold,
    readable_ranks,
    reconstruct,
    relative_errors,
    singular_values,
    subtract_mean,
)


def matrix(sigma: list[float] | np.ndarray, m: int = 60, seed: int = 0) -> torch.Tensor:
    """A matrix [m, n] with these singular values."""
    rng = np.random.default_rng(seed)
    n = len(sigma)
    u = np.linalg.qr(rng.normal(size=(m, n)))[0]
    v = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return torch.from_numpy(u * np.asarray(sigma) @ v.T)


def test_singular_values_are_numpys_and_centring_takes_one():
    A = matrix([5, 3, 2, 1, 0.5]) + 1
    np.testing.assert_allclose(singular_values(A), np.linalg.svd(A.numpy(), compute_uv=False), atol=1e-13)
    values = singular_values(subtract_mean(A))
    np.testing.assert_allclose(values, np.linalg.svd(A.numpy() - A.numpy().mean(1, keepdims=True))[1], atol=1e-13)
    assert values[-1] < 1e-14 < values[-2]


@pytest.mark.parametrize("from_mean", [False, True])
def test_a_reconstruction_is_the_nearest_matrix_of_its_rank(from_mean):
    """Eckart, Young 1936: what is left is the singular values that are left out."""
    A = matrix([5, 3, 2, 1, 0.5])
    sigma = np.linalg.svd((subtract_mean(A) if from_mean else A).numpy(), compute_uv=False)
    for r in range(6):
        approximation = reconstruct(A, r, from_mean)
        left = (A - approximation).norm().item()
        assert left == pytest.approx(math.sqrt((sigma[r:] ** 2).sum()), abs=1e-13)
        rest = approximation - A.mean(1, keepdim=True) if from_mean else approximation
        assert np.linalg.matrix_rank(rest.numpy(), tol=1e-12) == min(r, 4 if from_mean else 5)


def test_relative_errors_are_those_of_each_letter():
    A = matrix([5, 3, 2, 1, 0.5])
    approximation = reconstruct(A, 2)
    for k in range(5):
        expected = np.linalg.norm(A[:, k] - approximation[:, k]) / np.linalg.norm(A[:, k])
        assert relative_errors(A, approximation)[k].item() == pytest.approx(expected)
    assert relative_errors(A, reconstruct(A, 0)).tolist() == pytest.approx([1.0] * 5)


def test_there_are_only_so_many_ranks():
    with pytest.raises(ValueError, match="rank=6: a matrix of 60 by 5 has ranks 0 to 5"):
        reconstruct(matrix([5, 3, 2, 1, 0.5]), 6)


def test_orthogonal_letters_are_readable_as_soon_as_they_are_in():
    A = torch.diag(torch.tensor([5.0, 4, 3, 2, 1])).double()
    assert readable_ranks(A).tolist() == [1, 2, 3, 4, 5]
    assert readable_ranks(A[:, [2, 0, 4, 1, 3]]).tolist() == [3, 1, 5, 2, 4]


def test_equal_singular_values_have_their_number_as_every_rank():
    ranks = effective_ranks(matrix([2.0] * 8))
    assert ranks.entropy == pytest.approx(8)
    assert ranks.stable == pytest.approx(8)
    assert (ranks.energy_90, ranks.energy_95, ranks.energy_99) == (8, 8, 8)  # 7 of 8 make 87.5 %
    assert ranks.numerical == 8


def test_effective_ranks_of_known_singular_values():
    ranks = effective_ranks(matrix([4, 2, 1, 1, 0, 0]))
    shares = np.array([4, 2, 1, 1]) / 8
    assert ranks.entropy == pytest.approx(math.exp(stats.entropy(shares)))
    assert ranks.stable == pytest.approx((16 + 4 + 1 + 1) / 16)
    assert (ranks.energy_90, ranks.energy_95, ranks.energy_99) == (2, 3, 4)  # 20, 21 and 22 of 22
    assert ranks.numerical == np.linalg.matrix_rank(matrix([4, 2, 1, 1, 0, 0]).numpy()) == 4
    assert effective_ranks(torch.zeros(4, 3)).numerical == 0


def test_effective_ranks_know_no_scale():
    A = matrix([4, 2, 1, 0.1])
    for scale in (1e-200, 1e200):
        scaled = effective_ranks(A * scale)
        assert scaled.stable == pytest.approx(effective_ranks(A).stable)
        assert scaled.entropy == pytest.approx(effective_ranks(A).entropy)
        assert scaled.energy_95 == effective_ranks(A).energy_95


def test_energy_rank_is_the_least_that_suffices():
    sigma = torch.tensor([3.0, 2, 1]).double()  # 9, 13 and 14 of 14
    assert [energy_rank(sigma, share) for share in (0.5, 9 / 14, 0.65, 13 / 14, 0.93, 1.0)] == [1, 1, 2, 2, 3, 3]


def test_optimal_thresholds_are_the_published_ones():
    """Gavish, Donoho 2014: lambda(1) = 4 / sqrt(3), omega(1) = 2.858, and within 0.02 of their cubic for all beta."""
    assert known_noise_threshold(1.0) == pytest.approx(4 / math.sqrt(3))
    assert optimal_threshold(1.0) == pytest.approx(2.858, abs=5e-4)
    for beta in np.linspace(0.001, 1, 23):
        cubic = 0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43
        assert optimal_threshold(float(beta)) == pytest.approx(cubic, abs=0.02)
    for beta in (0.0, -1.0, 1.5):
        with pytest.raises(ValueError, match=f"beta={beta}"):
            optimal_threshold(beta)


@pytest.mark.parametrize("beta", [0.02, 26 / 900, 0.3, 1.0])
def test_half_of_the_marchenko_pastur_law_is_below_its_median(beta):
    low, high = (1 - math.sqrt(beta)) ** 2, (1 + math.sqrt(beta)) ** 2
    below, _ = integrate.quad(
        lambda x: math.sqrt(max((high - x) * (x - low), 0)) / (2 * math.pi * beta * x),
        low,
        marchenko_pastur_median(beta),
        epsabs=1e-9,
    )
    assert below == pytest.approx(0.5, abs=1e-6)


def test_the_median_of_noise_is_what_the_law_says():
    noise = np.random.default_rng(0).normal(size=(300, 1000))
    measured = np.median(np.linalg.svd(noise, compute_uv=False) ** 2) / 1000
    assert measured == pytest.approx(marchenko_pastur_median(0.3), rel=0.01)


def test_the_optimal_threshold_finds_the_rank_below_noise():
    rng = np.random.default_rng(0)
    signal = matrix([400.0, 300, 200], m=400).numpy() @ np.linalg.qr(rng.normal(size=(100, 3)))[0].T
    noisy = torch.from_numpy(signal + rng.normal(size=(400, 100)))  # noise up to sqrt(400) + sqrt(100) = 30
    assert effective_ranks(noisy).optimal == 3
    assert effective_ranks(noisy).numerical == 100


@pytest.mark.shared
def test_the_first_singular_value_dominates_and_the_rest_fall(shared_data):
    """Fig. 5 on real letters."""
    from letterocr.config.data import EmnistConfig
    from letterocr.data.emnist import load
    from letterocr.matrix.letter_matrix import alphabet_matrix

    A = alphabet_matrix(load(EmnistConfig(path=str(shared_data / "emnist.zip"))).train)
    values = singular_values(A)
    assert values[0] > 3 * values[1]
    assert effective_ranks(A).numerical == 26
