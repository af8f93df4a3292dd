"""The singular values of the alphabet matrix, its letters from the first r of them, its effective rank (13; Fig. 4, 5).

A = sum over i of sigma_i u_i v_i^T; A_r is the sum of the first r terms, the nearest matrix of rank r (Eckart, Young
1936). "Effective rank" has no single meaning, so several definitions stand side by side.

Shapes: A [m, n], m pixels and n letters; singular values [min(m, n)], the largest first.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor


def subtract_mean(A: Tensor) -> Tensor:
    """A less its mean column: what tells the letters apart. Its rank is one less than that of [A; 1^T].

    Args:
        A: [..., m, n].
    """
    return A - A.mean(-1, keepdim=True)


def singular_values(A: Tensor) -> Tensor:
    """The singular values of A in float64, the largest first (Fig. 5): [min(m, n)]."""
    return torch.linalg.svdvals(A.double())


def reconstruct(A: Tensor, rank: int, from_mean: bool = False) -> Tensor:
    """A from its first `rank` singular values (13).

    Args:
        A: [m, n].
        rank: 0 (nothing, or the mean letter alone) to min(m, n).
        from_mean: whether to keep the mean column as it is and take the singular values of the rest.

    Returns:
        [m, n] float64.

    Raises:
        ValueError: there are not so many singular values.
    """
    A = A.double()
    if not 0 <= rank <= min(A.shape):
        raise ValueError(f"rank={rank}: a matrix of {A.shape[0]} by {A.shape[1]} has ranks 0 to {min(A.shape)}.")
    mean = A.mean(-1, keepdim=True) if from_mean else torch.zeros_like(A[:, :1])
    u, sigma, vh = torch.linalg.svd(A - mean, full_matrices=False)
    return mean + (u[:, :rank] * sigma[:rank]) @ vh[:rank]


def relative_errors(A: Tensor, approximation: Tensor) -> Tensor:
    """|a_k - approximation_k| / |a_k| of every column: [n]; A [m, n]."""
    return (A.double() - approximation).norm(dim=0) / A.double().norm(dim=0)


def readable_ranks(A: Tensor, from_mean: bool = False) -> Tensor:
    """For every column the least r from which on its reconstruction is more like it than like any other column: [n].

    A stand-in for an eye that reads Fig. 4 and knows these letters only. Likeness is the cosine of the angle.

    Args:
        A: [m, n].
        from_mean: as in `reconstruct`.
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
    """Effective ranks of one matrix, by name.

    Attributes:
        energy_90: the fewest singular values whose squares make 90 % of the sum of squares.
        energy_95: 95 %.
        energy_99: 99 %.
        entropy: exp of the entropy of sigma_i / sum sigma (Roy, Vetterli 2007).
        stable: sum sigma_i^2 / sigma_1^2 (Rudelson, Vershynin 2007).
        numerical: singular values above max(m, n) eps sigma_1 in float64 (Golub, Van Loan 2013, 5.4).
        optimal: singular values above the optimal hard threshold for unknown noise (Gavish, Donoho 2014).
    """

    energy_90: int
    energy_95: int
    energy_99: int
    entropy: float
    stable: float
    numerical: int
    optimal: int


def effective_ranks(A: Tensor) -> EffectiveRanks:
    """The effective ranks of A [m, n]; all are 0 where A is 0."""
    sigma = singular_values(A)
    m, n = A.shape
    largest = float(sigma[0])
    if not largest:
        return EffectiveRanks(0, 0, 0, 0.0, 0.0, 0, 0)
    sigma = sigma / largest  # squares neither overflow nor vanish
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
    """The sum of the squares of singular values [n] over the largest square (Rudelson, Vershynin 2007); 0 for zeros."""
    return float((sigma / sigma.max()).square().sum()) if sigma.any() else 0.0


def entropy_rank(sigma: Tensor) -> float:
    """Exp of the entropy of the shares of singular values [n] in their sum (Roy, Vetterli 2007); 0 for zeros."""
    return math.exp(float(torch.special.entr(sigma / sigma.sum()).sum())) if sigma.any() else 0.0


def energy_rank(sigma: Tensor, share: float) -> int:
    """The fewest of the largest singular values [n] whose squares make that share of the sum of squares."""
    energy = sigma.double().square().cumsum(0)
    return int((energy < share * energy[-1]).sum()) + 1


def optimal_threshold(beta: float) -> float:
    """omega(beta): singular values below omega times their median are noise (Gavish, Donoho 2014, 11).

    omega = lambda(beta) / sqrt(mu), mu the median of the Marchenko-Pastur law.

    Args:
        beta: the shorter side over the longer, in (0, 1].

    Raises:
        ValueError: beta is outside (0, 1].
    """
    return known_noise_threshold(beta) / math.sqrt(marchenko_pastur_median(beta))


def known_noise_threshold(beta: float) -> float:
    """lambda(beta): the threshold in units of sqrt(longer side) x the noise's deviation (Gavish, Donoho 2014, 11)."""
    if not 0 < beta <= 1:
        raise ValueError(f"beta={beta}: the shorter side over the longer is above 0 and at most 1.")
    return math.sqrt(2 * (beta + 1) + 8 * beta / (beta + 1 + math.sqrt(beta**2 + 14 * beta + 1)))


@functools.cache
def marchenko_pastur_median(beta: float) -> float:
    """The median of the eigenvalues of X X^T / n, X [beta n, n] of unit variance, for large n (Marchenko, Pastur 1967).

    Density sqrt((b - x)(x - a)) / (2 pi beta x) on a..b = (1 -+ sqrt(beta))^2. With x = 1 + beta - 2 sqrt(beta) cos t
    it is smooth in t from 0 to pi.

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
