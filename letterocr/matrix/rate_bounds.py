"""Bounds of the learning rate of the linear two-layer network, from the correlation matrix of its letters (29).

At each step the error E = W - W* of the weights (W* the best ones) is multiplied, for the loss f |q - c|^2, by

    1 - 2 f alpha R           in full-batch descent, which takes the mean gradient,   R = (1/N) A A^T
    1 - 2 f alpha a a^T       in per-sample descent, for the letter a of that sample

(per sample the right-hand sides differ too, but they only move the limit of E). The factor 2 f is 1 for the half-loss,
as (20) implies, and 2 for (4). Everything follows from the eigenvalues of these symmetric factors, times 2 f: the
*curvatures*. Momentum and weight decay are not included.

Shapes: N letters, letters [N, D] with a bias's 1 as the last input where there is one; float64 throughout;
r = rank of the letters, coordinates [N, r].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

CHUNK = 128  # letters whose rank-one factors are multiplied together
STEP = 1.25  # factor of each upward step in the search for a limit
ROUNDING = 1e-9  # nearly equal letters contract so little in an epoch that the radius may be rounded to above 1


def with_bias(images: Tensor, bias: bool) -> Tensor:
    """The letters as float64, with the constant input 1 for the bias as the last column (12).

    Args:
        images: [N, 900].
        bias: whether the network has a bias; if not, no column is added.

    Returns:
        [N, 901], or [N, 900] without a bias.
    """
    letters = images.double()
    return torch.cat([letters, letters.new_ones(len(letters), 1)], 1) if bias else letters


def correlation(letters: Tensor) -> Tensor:
    """The correlation matrix R = (1/N) A A^T, the mean of a a^T over the letters (29, with the shape mended).

    Args:
        letters: [N, D].

    Returns:
        [D, D].
    """
    return letters.mT @ letters / len(letters)


def eigenvalues(letters: Tensor) -> Tensor:
    """The non-zero eigenvalues of the correlation matrix R (29).

    They are computed from the smaller of (1/N) A A^T and (1/N) A^T A, which share them. An eigenvalue below
    max(N, D) eps times the largest can't be told from 0 and counts as 0.

    Args:
        letters: [N, D].

    Returns:
        [r], the largest first.
    """
    smaller = letters if len(letters) >= letters.shape[1] else letters.mT
    values = torch.linalg.eigvalsh(smaller.mT @ smaller / len(letters)).flip(0)
    return values[values > values[0] * max(letters.shape) * torch.finfo(values.dtype).eps]


def lecun_rate(curvature: float) -> float:
    """The rate 1/curvature, which removes the error along the largest eigenvalue's direction in one step (29).

    LeCun, Kanter, Solla 1991.

    Args:
        curvature: the largest one, 2 f lambda_max.
    """
    return 1 / curvature


def stability_limit(curvature: float) -> float:
    """The rate 2/curvature: descent on a quadratic loss converges below it and diverges above it.

    Args:
        curvature: the largest one, 2 f lambda_max: the limit is 2/lambda_max for the half-loss, 1/lambda_max for (4).

    Example:
        >>> letters = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
        >>> eigenvalues(letters).round(decimals=6).tolist()  # R = diag(1, 4) / 2
        [2.0, 0.5]
        >>> stability_limit(2.0), best_fixed_rate(2.0, 0.5)
        (1.0, 0.8)
    """
    return 2 / curvature


def best_fixed_rate(largest: float, smallest: float) -> float:
    """The rate 2/(largest + smallest), with which full-batch descent converges fastest (Polyak 1987, section 1.4).

    The slowest error in the span of the letters shrinks by the factor (k - 1)/(k + 1) at each step, k =
    largest/smallest.

    Args:
        largest: 2 f lambda_max.
        smallest: 2 f times the smallest non-zero eigenvalue.
    """
    return 2 / (largest + smallest)


def sample_limit(letters: Tensor, loss_factor: float) -> float:
    """The safe bound of per-sample descent, 2/max|a|^2 for the half-loss; infinite for empty letters.

    The only eigenvalue of 1 - 2 f alpha a a^T that isn't 1 is 1 - 2 f alpha |a|^2. Up to the bound no sample ever
    lengthens E, in whatever order they come; above it the letter with the largest |a|^2 alone makes E grow. The bound
    holds for batches too, as the largest eigenvalue of a mean of a a^T is at most the mean of their traces |a|^2.

    Args:
        letters: [N, D].
        loss_factor: f.
    """
    curvature = 2 * loss_factor * float(letters.square().sum(1).max())
    return stability_limit(curvature) if curvature else math.inf


def coordinates(letters: Tensor) -> Tensor:
    """The coordinates of the letters in an orthonormal basis of their span, the eigenvectors of R.

    Args:
        letters: [N, D].

    Returns:
        [N, r].
    """
    values, vectors = torch.linalg.eigh(correlation(letters))
    return letters @ vectors[:, values > values[-1] * max(letters.shape) * torch.finfo(values.dtype).eps]


def epoch_operator(letters: Tensor, alpha: float, loss_factor: float) -> Tensor:
    """The effect of one cyclic epoch on E: the product of all 1 - 2 f alpha a a^T, first letter first.

    n factors together are 1 - B^T M^-1 B, where B [n, D] are their letters and M is the lower triangle of the Gram
    matrix B B^T with 1/(2 f alpha) on its diagonal (the compact form of Schreiber and Van Loan 1989; it is a
    Gauss-Seidel sweep). So an epoch costs products of matrices, and no N x N matrix is needed.

    Args:
        letters: [N, D]; `coordinates` [N, r] restrict the operator to the letters' span, outside of which it is the
            identity.
        alpha: the learning rate, above 0.
        loss_factor: f.

    Returns:
        [D, D].
    """
    product = torch.eye(letters.shape[1], dtype=letters.dtype)
    for b in letters.split(CHUNK):
        m = torch.tril(b @ b.mT, -1)
        m.diagonal().fill_(1 / (2 * loss_factor * alpha))
        product -= b.mT @ torch.linalg.solve_triangular(m, b @ product, upper=False)
    return product


def epoch_radius(coordinates: Tensor, alpha: float, loss_factor: float) -> float:
    """The spectral radius of the epoch operator in the letters' span: the error's factor per epoch, in the long run.

    Below 1 cyclic per-sample descent converges (to a limit cycle, where no W fits all letters), above 1 it diverges.

    Args:
        coordinates: [N, r], as `coordinates` returns them.
        alpha: the learning rate; 0 gives 1.
        loss_factor: f.
    """
    if not alpha:
        return 1.0
    product = epoch_operator(coordinates, alpha, loss_factor)
    largest = float(product.abs().max())
    if not math.isfinite(largest):  # thousands of factors above 1 overflow
        return math.inf
    return float(torch.linalg.eigvals(product / largest).abs().max()) * largest


def epoch_limit(coordinates: Tensor, loss_factor: float, tolerance: float = 1e-3) -> float:
    """The learning rate above which the epoch operator no longer contracts.

    It is at least `sample_limit`, below which every factor is a contraction or a reflection. From there the search goes
    up in steps of 25 % to the first rate that doesn't contract, and then bisects the last step. The contracting rates
    need not be one interval; this is the end of the first one (unless a gap is narrower than a step). The search ends,
    because the determinant, the product of all 1 - 2 f alpha |a|^2, exceeds 1 once every factor does.

    Args:
        coordinates: [N, r], as `coordinates` returns them.
        loss_factor: f.
        tolerance: relative accuracy of the result.
    """
    low = sample_limit(coordinates, loss_factor)
    high = low * STEP
    while epoch_radius(coordinates, high, loss_factor) < 1 + ROUNDING:
        low, high = high, high * STEP
    while high > low * (1 + tolerance):
        middle = math.sqrt(low * high)
        if epoch_radius(coordinates, middle, loss_factor) < 1 + ROUNDING:
            low = middle
        else:
            high = middle
    return low
