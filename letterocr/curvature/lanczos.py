"""The largest eigenvalue of a symmetric matrix from its products with vectors (Lanczos 1950).

Shapes: vectors [P], P weights and biases in all.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def largest_eigenvalue(
    product: Callable[[Tensor], Tensor], start: Tensor, tolerance: float = 1e-3, most: int = 60
) -> float:
    """The largest eigenvalue of a symmetric matrix H from its products with vectors (Lanczos 1950).

    Args:
        product: the map from x [P] to H x [P].
        start: any vector [P] that is not orthogonal to the eigenvector.
        tolerance: residual at which to stop, relative to the eigenvalue.
        most: the largest number of products.

    Returns:
        The eigenvalue; NaN where a product is not finite.

    Example:
        >>> H = torch.tensor([[2.0, 1.0], [1.0, 2.0]])  # eigenvalues 3 and 1
        >>> print(f"{largest_eigenvalue(lambda x: H @ x, torch.tensor([1.0, 0.0])):.3f}")
        3.000
    """
    q, before, beta = start / start.norm(), torch.zeros_like(start), 0.0
    diagonal: list[float] = []
    beside: list[float] = []
    theta = 0.0
    for _ in range(min(most, len(start))):
        w = product(q) - beta * before
        diagonal.append(float(w @ q))
        w -= diagonal[-1] * q
        beta = float(w.norm())
        if not math.isfinite(beta):
            return math.nan
        T = torch.tensor(diagonal, dtype=torch.float64).diag()
        T += torch.tensor(beside, dtype=torch.float64).diag(1) + torch.tensor(beside, dtype=torch.float64).diag(-1)
        values, vectors = torch.linalg.eigh(T)
        theta = float(values[-1])
        if beta * abs(float(vectors[-1, -1])) <= tolerance * abs(theta):
            break
        beside.append(beta)
        before, q = q, w / beta
    return theta
