"""Learning rates of the linear two-layer network, from the correlation matrix of its letters (29).

The error E = W - W* of the weights (W* the best ones) is multiplied, for the loss f |q - c|^2, by

    1 - 2 f alpha R           at each step of full-batch descent, which takes the mean gradient,   R = (1/N) A A^T
    1 - 2 f alpha a a^T       at each step of per-sample descent, for the sample's own letter a

(per sample the right-hand sides differ too, but they only move where E settles). The factor 2 f is 1 for the
half-loss, as (20) implies, and 2 for (4). Everything follows from eigenvalues of these symmetric factors, times 2 f:
the *curvatures*. Momentum and weight decay are not in it.

Shapes: N letters, letters [N, D] with a bias's 1 as the last input where there is one; float64 throughout;
r = rank of the letters, coordinates [N, r].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

CHUNK = 128  # letters whose rank-one factors are multiplied as one
STEP = 1.25  # by which the search for a limit goes up
ROUNDING = 1e-9  # letters that are nearly alike contract so little an epoch that the radius may round to above 1


def with_bias(images: Tensor, bias: bool) -> Tensor:
    """The letters [N, 900] as float64, with the input 1 of a bias where there is one: [N, 900] or [N, 901] (12)."""
    letters = images.double()
    return torch.cat([letters, letters.new_ones(len(letters), 1)], 1) if bias else letters


def correlation(letters: Tensor) -> Tensor:
    """R = (1/N) A A^T, the mean of a a^T over the letters [N, D] (29, with the shape mended): [D, D]."""
    return letters.mT @ letters / len(letters)


def eigenvalues(letters: Tensor) -> Tensor:
    """The non-zero eigenvalues of R, largest first: [r].

    Taken from the smaller of (1/N) A A^T and (1/N) A^T A, which share them. An eigenvalue below max(N, D) eps times
    the largest can't be told from 0 and counts as 0.
    """
    smaller = letters if len(letters) >= letters.shape[1] else letters.mT
    values = torch.linalg.eigvalsh(smaller.mT @ smaller / len(letters)).flip(0)
    return values[values > values[0] * max(letters.shape) * torch.finfo(values.dtype).eps]


def lecun_rate(curvature: float) -> float:
    """1/curvature: the largest eigenvalue's error is gone in one step (LeCun, Kanter, Solla 1991; Kantack 2020, 29)."""
    return 1 / curvature


def stability_limit(curvature: float) -> float:
    """2/curvature: descent on a quadratic loss converges below it and diverges above it.

    With curvature = 2 f lambda_max: 2/lambda_max for the half-loss; for (4) it is 1/lambda_max itself.
    """
    return 2 / curvature


def best_fixed_rate(largest: float, smallest: float) -> float:
    """2/(largest + smallest): full-batch descent converges fastest (Polyak 1987, section 1.4).

    The slowest error in the span of the letters shrinks by (k - 1)/(k + 1) a step, k = largest/smallest.

    Args:
        largest: 2 f lambda_max.
        smallest: 2 f times the smallest non-zero eigenvalue.
    """
    return 2 / (largest + smallest)


def sample_limit(letters: Tensor, loss_factor: float) -> float:
    """The safe bound of per-sample descent, 2/max|a|^2 for the half-loss; infinite for empty letters.

    The only eigenvalue of 1 - 2 f alpha a a^T that isn't 1 is 1 - 2 f alpha |a|^2: up to the bound no sample ever
    lengthens E, in whatever order they come; above it the letter with the largest |a|^2 alone makes it grow. It holds
    for batches too, as the largest eigenvalue of a mean of a a^T is at most the mean of their traces |a|^2.
    """
    curvature = 2 * loss_factor * float(letters.square().sum(1).max())
    return stability_limit(curvature) if curvature else math.inf


def coordinates(letters: Tensor) -> Tensor:
    """The letters in an orthonormal basis of their span, eigenvectors of R: [N, r]."""
    values, vectors = torch.linalg.eigh(correlation(letters))
    return letters @ vectors[:, values > values[-1] * max(letters.shape) * torch.finfo(values.dtype).eps]


def epoch_operator(letters: Tensor, alpha: float, loss_factor: float) -> Tensor:
    """What one cyclic epoch does to E: the product of 1 - 2 f alpha a a^T, first letter first: [D, D].

    n factors at once are 1 - B^T M^-1 B, where B [n, D] are their letters and M is the lower triangle of the Gram
    matrix B B^T with 1/(2 f alpha) on its diagonal (the compact form of Schreiber and Van Loan 1989; it is a
    Gauss-Seidel sweep). So an epoch costs products of matrices, and no N x N matrix is made.

    Args:
        letters: [N, D]; `coordinates` [N, r] restrict it to the letters' span, outside of which it does nothing.
        alpha: the learning rate, above 0.
        loss_factor: f.
    """
    product = torch.eye(letters.shape[1], dtype=letters.dtype)
    for b in letters.split(CHUNK):
        m = torch.tril(b @ b.mT, -1)
        m.diagonal().fill_(1 / (2 * loss_factor * alpha))
        product -= b.mT @ torch.linalg.solve_triangular(m, b @ product, upper=False)
    return product


def epoch_radius(coordinates: Tensor, alpha: float, loss_factor: float) -> float:
    """The spectral radius of the epoch operator in the letters' span: the error's factor an epoch, in the long run.

    Below 1 cyclic per-sample descent converges (to a limit cycle, where no W fits all letters), above 1 it diverges.

    Args:
        coordinates: [N, r], of the letters in their span.
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
    """The learning rate at which the epoch operator stops to contract, to a relative tolerance.

    At least `sample_limit`, below which every factor is a contraction or a reflection. From there the search goes up
    in steps of 25 % to the first rate that doesn't contract, and halves the last step: the contracting rates need not
    be one interval, and this is the end of the first one (unless a gap is narrower than a step). It ends, as the
    determinant, the product of all 1 - 2 f alpha |a|^2, exceeds 1 once every factor does.
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
