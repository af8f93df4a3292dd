"""The singular values of the alphabet matrix, its approximations of low rank and its effective rank (13; Fig. 4, 5).

A = sum over i of sigma_i u_i v_i^T; A_r is the sum of the first r terms, the nearest matrix of rank r (Eckart, Young
1936). "Effective rank" has several definitions, which stand side by side here.

Shapes: A [m, n], m pixels and n letters; singular values [min(m, n)], the largest first.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor


def subtract_mean(A: Tensor) -> Tensor:
    """The matrix A less its mean column, which keeps what tells the letters apart.

    Its rank is one less than that of [A; 1^T].

    Args:
        A: [..., m, n].

    Returns:
        [..., m, n].
    """
    return A - A.mean(-1, keepdim=True)


def singular_values(A: Tensor) -> Tensor:
    """The singular values of A in float64 (Fig. 5).

    Args:
        A: [m, n].

    Returns:
        [min(m, n)], the largest first.
    """
    return torch.linalg.svdvals(A.double())


def reconstruct(A: Tensor, rank: int, from_mean: bool = False) -> Tensor:
    """The approximation of A by its first `rank` singular values (13).

    Args:
        A: [m, n].
        rank: 0 (nothing, or the mean letter alone) to min(m, n).
        from_mean: whether to keep the mean column as it is and approximate the rest.

    Returns:
        [m, n] float64.

    Raises:
        ValueError: there are not so many singular values.

    Example:
        >>> reconstruct(torch.tensor([[3.0, 0.0], [0.0, 2.0]]), rank=1).round(decimals=6).abs().tolist()
        [[3.0, 0.0], [0.0, 0.0]]
    """
    A = A.double()
    if not 0 <= rank <= min(A.shape):
        raise ValueError(f"rank={rank}: a matrix of {A.shape[0]} by {A.shape[1]} has ranks 0 to {min(A.shape)}.")
    mean = A.mean(-1, keepdim=True) if from_mean else torch.zeros_like(A[:, :1])
    u, sigma, vh = torch.linalg.svd(A - mean, full_matrices=False)
    return mean + (u[:, :rank] * sigma[:rank]) @ vh[:rank]


def relative_errors(A: Tensor, approximation: Tensor) -> Tensor:
    """The relative error |a_k - approximation_k| / |a_k| of every column.

    Args:
        A: [m, n].
        approximation: [m, n].

    Returns:
        [n].
    """
    return (A.double() - approximation).norm(dim=0) / A.double().norm(dim=0)


def readable_ranks(A: Tensor, from_mean: bool = False) -> Tensor:
    """The rank at which each column becomes readable.

    This is the least r from which on the column's reconstruction is more similar to it than to any other column. It
    stands for an eye that reads Fig. 4 and knows these letters only. Similarity is the cosine of the angle.

    Args:
        A: [m, n].
        from_mean: as in `reconstruct`.

    Returns:
        [n] int64.
    """
    n, lengths = A.shape[1], A.double().norm(dim=0)
    wrong_until = torch.zeros(n, dtype=torch.long)
    for r in range(min(A.shape)):
        approximation = reconstruct(A, r, from_mean)
        most_like = ((A.double() / lengths).mT @ approximation).argmax(0)
        nothing = approximation.norm(dim=0) < 1e-12 * lengths
        wrong_until[(most_like != torch.arange(n)) | nothing] = r + 1
    return wrong_until


@dataclass(frozen=True)
class EffectiveRanks:
    """The effective ranks of one matrix by several definitions.

    Attributes:
        energy_90: the fewest singular values whose squares make 90 % of the sum of squares.
        energy_95: the same for 95 %.
        energy_99: the same for 99 %.
        entropy: exp of the entropy of sigma_i / sum sigma (Roy, Vetterli 2007).
        stable: sum sigma_i^2 / sigma_1^2 (Rudelson, Vershynin 2007).
        numerical: number of singular values above max(m, n) eps sigma_1 in float64 (Golub, Van Loan 2013, 5.4).
        optimal: number above the optimal hard threshold for unknown noise (Gavish, Donoho 2014).
    """

    energy_90: int
    energy_95: int
    energy_99: int
    entropy: float
    stable: float
    numerical: int
    optimal: int


def effective_ranks(A: Tensor) -> EffectiveRanks:
    """The effective ranks of A; all are 0 where A is 0.

    Args:
        A: [m, n].
    """
    sigma = singular_values(A)
    m, n = A.shape
    largest = float(sigma[0])
    if not largest:
        return EffectiveRanks(0, 0, 0, 0.0, 0.0, 0, 0)
    sigma = sigma / largest  # so that squares neither overflow nor vanish
    noise = max(m, n) * torch.finfo(torch.float64).eps
    threshold = optimal_threshold(min(m, n) / max(m, n)) * float(sigma.quantile(0.5))
    return EffectiveRanks(
        energy_90=energy_rank(sigma, 0.90),
        energy_95=energy_rank(sigma, 0.95),
        energy_99=energy_rank(sigma, 0.99),
        entropy=entropy_rank(sigma),
        stable=stable_rank(sigma),
        numerical=int((sigma > noise).sum()),
        optimal=int((sigma > threshold).sum()),
    )


def stable_rank(sigma: Tensor) -> float:
    """The stable rank, sum sigma_i^2 / sigma_1^2 (Rudelson, Vershynin 2007); 0 if all singular values are 0.

    Args:
        sigma: [n] singular values.

    Example:
        >>> stable_rank(torch.tensor([2.0, 1.0, 1.0]))  # (4 + 1 + 1) / 4
        1.5
    """
    return float((sigma / sigma.max()).square().sum()) if sigma.any() else 0.0


def entropy_rank(sigma: Tensor) -> float:
    """The exponential of the entropy of sigma_i / sum sigma (Roy, Vetterli 2007); 0 if all singular values are 0.

    Args:
        sigma: [n] singular values.
    """
    return math.exp(float(torch.special.entr(sigma / sigma.sum()).sum())) if sigma.any() else 0.0


def energy_rank(sigma: Tensor, share: float) -> int:
    """The fewest of the largest singular values whose squares make a given share of the sum of squares.

    Args:
        sigma: [n] singular values, the largest first.
        share: in 0..1.
    """
    energy = sigma.double().square().cumsum(0)
    return int((energy < share * energy[-1]).sum()) + 1


def optimal_threshold(beta: float) -> float:
    """omega(beta): singular values below omega times their median are noise (Gavish, Donoho 2014, 11).

    omega = lambda(beta) / sqrt(mu), where mu is the median of the Marchenko-Pastur law.

    Args:
        beta: the shorter side divided by the longer, in (0, 1].

    Raises:
        ValueError: beta is outside (0, 1].
    """
    return known_noise_threshold(beta) / math.sqrt(marchenko_pastur_median(beta))


def known_noise_threshold(beta: float) -> float:
    """lambda(beta): the threshold for known noise (Gavish, Donoho 2014, 11).

    It is given in units of sqrt(longer side) times the standard deviation of the noise.

    Args:
        beta: the shorter side divided by the longer, in (0, 1].

    Raises:
        ValueError: beta is outside (0, 1].
    """
    if not 0 < beta <= 1:
        raise ValueError(f"beta={beta}: the shorter side divided by the longer must be above 0 and at most 1.")
    return math.sqrt(2 * (beta + 1) + 8 * beta / (beta + 1 + math.sqrt(beta**2 + 14 * beta + 1)))


@functools.cache
def marchenko_pastur_median(beta: float) -> float:
    """The median of the eigenvalues of X X^T / n, X [beta n, n] of unit variance, for large n (Marchenko, Pastur 1967).

    The density is sqrt((b - x)(x - a)) / (2 pi beta x) on a..b = (1 -+ sqrt(beta))^2. With
    x = 1 + beta - 2 sqrt(beta) cos t it is smooth in t from 0 to pi.

    Args:
        beta: in (0, 1].
    """
    from scipy.integrate import quad
    from scipy.optimize import brentq

    def x(t: float) -> float:
        return 1 + beta - 2 * math.sqrt(beta) * math.cos(t)

    def density(t: float) -> float:
        return 2 * math.sin(t) ** 2 / (math.pi * x(t)) if t else (2 / math.pi if beta == 1 else 0.0)

    def excess(t: float) -> float:
        return quad(density, 0, t, epsabs=1e-13, epsrel=1e-13)[0] - 0.5

    return x(brentq(excess, 0.0, math.pi, xtol=1e-14))
