"""The normal equations of the two-layer network and their solution of least norm, which is (8) (29-31, mended).

The gradient of the loss over all letters is 0 where R W^T = Z, with R = (1/p) A A^T (29) and Z = (1/p) A C^T (30). R is
900x900 and has rank p at most, so that many W solve the equations. The one of least norm is W = C A^+ (Penrose 1956),
for C = I the left inverse (8). Gradient descent from W = 0 converges to it.

Shapes: A [m, p], m pixels and p letters; C [classes, p], R [m, m], Z [m, classes], W [classes, m].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def correlations(A: Tensor, C: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The correlation matrices R = (1/p) A A^T (29) and Z = (1/p) A C^T (30, mended).

    Args:
        A: [m, p], p letters.
        C: [classes, p], their correct outputs; None: the unit matrix, one letter for each class.

    Returns:
        R [m, m] and Z [m, classes], float64.
    """
    A = A.double()
    p = A.shape[1]
    C = torch.eye(p, dtype=torch.float64) if C is None else C.double()
    return A @ A.mT / p, A @ C.mT / p


@dataclass(frozen=True)
class MinimumNorm:
    """The solution of R W^T = Z of least norm, compared with (8).

    Attributes:
        W: [classes, m], from the eigenvalues of R.
        rank: number of eigenvalues of R that are not 0.
        residual: |R W^T - Z| / |Z|.
        difference: |W - C A^+| / |C A^+|, the rounding error times the square of A's condition number.
    """

    W: Tensor
    rank: int
    residual: float
    difference: float


def minimum_norm_solution(A: Tensor, C: Tensor | None = None) -> MinimumNorm:
    """Solve R W^T = Z (31, mended) for the W of least norm and compare it with C A^+ (8).

    Args:
        A: [m, p], p letters.
        C: [classes, p], their correct outputs; None: the unit matrix, one letter for each class.

    Example:
        >>> solution = minimum_norm_solution(torch.tensor([[2.0], [0.0]]))  # one letter; R = diag(4, 0)
        >>> solution.W.round(decimals=6).abs().tolist(), solution.rank
        ([[0.5, 0.0]], 1)
    """
    R, Z = correlations(A, C)
    values, vectors = torch.linalg.eigh(R)
    kept = values > R.shape[0] * torch.finfo(torch.float64).eps * values[-1]
    basis = vectors[:, kept]
    W = (basis @ ((basis.mT @ Z) / values[kept, None])).mT
    pinv = torch.linalg.pinv(A.double())
    expected = pinv if C is None else C.double() @ pinv
    return MinimumNorm(
        W,
        int(kept.sum()),
        float((R @ W.mT - Z).norm() / Z.norm()),
        float((W - expected).norm() / expected.norm()),
    )
