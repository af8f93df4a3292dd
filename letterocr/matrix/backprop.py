"""Matrix backpropagation: gradients through eigenvalues, singular values and functions of matrices.

Ionescu, Vantzos, Sminchisescu 2015. PyTorch's own derivatives contain 1/(lambda_j - lambda_i), which is not finite
where two values are equal, as for the identity or a matrix of low rank. The layers here are finite everywhere. All are
batched, take real matrices and have a first derivative only; <G, dY> below is the change of the loss.

**Functions of a matrix** have a derivative at repeated values too, and it is exact here. With f[a, b] the divided
difference (`divided_differences`), E = U^T dX U and . elementwise:

    Y = U f(lambda) U^T    dY = U (f[lambda_i, lambda_j] . E) U^T                                     (Daleckii, Krein)

For singular values, f(-s) = -f(s), E = U^T dX V, sym and skew the parts (E + E^T)/2 and (E - E^T)/2 (Noferini 2017):

    Y = U f(s) V^T         dY = U (f[s_i, s_j] . sym E + (f(s_i) + f(s_j))/(s_i + s_j) . skew E) V^T
                                + (1 - U U^T) dX V f(s)/s V^T + U f(s)/s U^T dX (1 - V V^T)

f = 1/s gives the transposed pseudo-inverse, and dY the formula of Golub and Pereyra (1973), right for changes that keep
the rank. Both maps dX -> dY are self-adjoint: the gradient G of Y becomes that of X by the same formula.

**The factors alone** (`eigen`, `svd`) have no derivative at repeated values, since the vectors within the subspace of
such a value are arbitrary. There 1/(lambda_j - lambda_i) is replaced by 0: the vectors of one eigenspace are assumed
not to turn among themselves. The terms 1/(s_i + s_j) are harmless and are kept. With D_ij = 1/(lambda_j - lambda_i) or
0, the gradients are

    eigen  U (diag(g_lambda) + D . skew(U^T g_U)) U^T
    svd    U (diag(g_s) + D . (a + b) + (a - b)/(s_i + s_j)) V^T + (1 - U U^T) g_U /s V^T + U /s g_V^T (1 - V V^T)
           with a = skew(U^T g_U), b = skew(V^T g_V)

They are exact for every loss at distinct values. At repeated values they are exact for losses of whole eigenspaces (a
projector U_k U_k^T of all vectors of one value), of symmetric functions of the values, and of U V^T. They are *not*
exact for a loss that rebuilds U f(s) V^T from the three factors: with equal values the factors do not show how f would
separate them, and what f[s, s] multiplies off the diagonal is missing. Use `of_symmetric` and `of_singular`, which know
f, for such a loss.

Shapes: X [..., n, n] symmetric, or [..., m, n] with k = min(m, n); lambda [..., n] ascending; s [..., k] descending;
U [..., m, k], V [..., n, k].
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from letterocr.matrix.divided_differences import INVERSE, Scalar, logarithm, square_root


def eigen(X: Tensor) -> tuple[Tensor, Tensor]:
    """The eigenvalues and eigenvectors of the symmetric part of X.

    Args:
        X: [..., n, n].

    Returns:
        lambda [..., n], ascending, and U [..., n, n], one eigenvector a column.
    """
    return _Eigen.apply(X)


def svd(X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The reduced singular value decomposition X = U diag(s) V^T.

    Args:
        X: [..., m, n].

    Returns:
        U [..., m, k], s [..., k] descending, and V^T [..., k, n].
    """
    return _Svd.apply(X)


def of_symmetric(X: Tensor, f: Scalar) -> Tensor:
    """The matrix function U f(lambda) U^T of the symmetric part of X; NaN where X is not finite.

    Eigenvalues up to n times the unit roundoff times the largest count as 0.

    Args:
        X: [..., n, n].
        f: the function of the eigenvalues.

    Returns:
        [..., n, n].
    """
    return _OfSymmetric.apply(X, f)


def of_singular(X: Tensor, f: Scalar, tolerance: float | None = None) -> Tensor:
    """The matrix function U f(s) V^T, for f with f(-s) = -f(s).

    Args:
        X: [..., m, n].
        f: the function; f(0) = 0.
        tolerance: singular values up to this, relative to the largest, count as 0; None: max(m, n) times the unit
            roundoff.

    Returns:
        [..., m, n].
    """
    return _OfSingular.apply(X, f, tolerance)


def matrix_log(X: Tensor, epsilon: float) -> Tensor:
    """The matrix logarithm log(X + epsilon 1).

    Args:
        X: [..., n, n] symmetric, without negative eigenvalues.
        epsilon: above 0.

    Returns:
        [..., n, n].
    """
    return of_symmetric(X, logarithm(epsilon))


def matrix_sqrt(X: Tensor, epsilon: float = 0.0) -> Tensor:
    """The matrix square root (X + epsilon 1)^(1/2).

    Args:
        X: [..., n, n] symmetric, without negative eigenvalues.
        epsilon: at least 0.

    Returns:
        [..., n, n].
    """
    return of_symmetric(X, square_root(epsilon))


def pseudo_inverse(X: Tensor, tolerance: float | None = None) -> Tensor:
    """The pseudo-inverse X^+ (8).

    Args:
        X: [..., m, n].
        tolerance: as in `of_singular`.

    Returns:
        [..., n, m].

    Example:
        >>> X = torch.tensor([[2.0, 0.0], [0.0, 0.0]], requires_grad=True)
        >>> Y = pseudo_inverse(X)
        >>> Y[0, 0].backward()  # d(1/x)/dx = -1/x^2, finite at this rank 1 too
        >>> print(f"{Y[0, 0]:.3f} {X.grad[0, 0]:.3f}")
        0.500 -0.250
    """
    return of_singular(X, INVERSE, tolerance).mT


def _sym(X: Tensor) -> Tensor:
    return (X + X.mT) / 2


def _skew(X: Tensor) -> Tensor:
    return (X - X.mT) / 2


def _pairs(values: Tensor) -> tuple[Tensor, Tensor]:
    """The values as x_i [..., n, 1] and as x_j [..., 1, n]."""
    return values.unsqueeze(-1), values.unsqueeze(-2)


def _reciprocal(x: Tensor, floor: Tensor) -> Tensor:
    """1/x, and 0 where |x| <= floor."""
    none = x.abs() <= floor
    return torch.where(none, 0, 1 / x.masked_fill(none, 1))


def _floor(values: Tensor, size: int) -> Tensor:
    """The largest difference that rounding can make between equal values [..., n] of such a matrix: [..., 1, 1]."""
    largest = values.abs().amax(-1, keepdim=True).unsqueeze(-1)
    return size * torch.finfo(values.dtype).eps * largest


class _Eigen(Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor) -> tuple[Tensor, Tensor]:
        values, vectors = torch.linalg.eigh(_sym(X))
        ctx.save_for_backward(values, vectors)
        return values, vectors

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (g_values, g_vectors), (values, U) = gradients, ctx.saved_tensors
        i, j = _pairs(values)
        inner = _reciprocal(j - i, _floor(values, values.shape[-1])) * _skew(U.mT @ g_vectors)
        return U @ (inner + torch.diag_embed(g_values)) @ U.mT


class _Svd(Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        U, s, Vh = torch.linalg.svd(X, full_matrices=False)
        ctx.save_for_backward(U, s, Vh)
        return U, s, Vh

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (g_U, g_s, g_Vh), (U, s, Vh) = gradients, ctx.saved_tensors
        a, b = _skew(U.mT @ g_U), _skew(Vh @ g_Vh.mT)
        i, j = _pairs(s)
        floor = _floor(s, max(U.shape[-2], Vh.shape[-1]))
        inner = _reciprocal(j - i, floor) * (a + b) + _reciprocal(i + j, floor) * (a - b) + torch.diag_embed(g_s)
        inverse = _reciprocal(s, floor.squeeze(-1)).unsqueeze(-1)  # [..., k, 1]
        left, right = g_U * inverse.mT, g_Vh * inverse
        gradient = U @ inner @ Vh + (left - U @ (U.mT @ left)) @ Vh
        return gradient + U @ (right - right @ Vh.mT @ Vh)


class _OfSymmetric(Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor, f: Scalar) -> Tensor:
        finite = X.isfinite().flatten(-2).all(-1)[..., None, None]  # eigh would raise
        values, U = torch.linalg.eigh(_sym(torch.where(finite, X, 0)))
        values = torch.where(values.abs() <= _floor(values, values.shape[-1]).squeeze(-1), 0, values)
        ctx.f = f
        ctx.save_for_backward(values, U, finite)
        return torch.where(finite, (U * f.value(values).unsqueeze(-2)) @ U.mT, torch.nan)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (G,), (values, U, finite) = gradients, ctx.saved_tensors
        inner = ctx.f.difference(*_pairs(values)) * (U.mT @ _sym(G) @ U)
        return torch.where(finite, U @ inner @ U.mT, torch.nan), None


class _OfSingular(Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor, f: Scalar, tolerance: float | None) -> Tensor:
        U, s, Vh = torch.linalg.svd(X, full_matrices=False)
        unit = max(X.shape[-2:]) * torch.finfo(X.dtype).eps if tolerance is None else tolerance
        s = torch.where(s <= unit * s.amax(-1, keepdim=True), 0, s)
        ctx.f = f
        ctx.save_for_backward(U, s, Vh)
        return (U * f.value(s).unsqueeze(-2)) @ Vh

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (G,), (U, s, Vh), f = gradients, ctx.saved_tensors, ctx.f
        i, j = _pairs(s)
        E, value, zero = U.mT @ G @ Vh.mT, f.value(s), torch.zeros_like(s)
        slope = f.difference(zero, zero)  # f'(0), where both are 0
        total = i + j
        mean = torch.where(total == 0, slope.unsqueeze(-1), sum(_pairs(value)) * _reciprocal(total, total * 0))
        inner = f.difference(i, j) * _sym(E) + mean * _skew(E)
        ratio = f.difference(s, zero).unsqueeze(-1)  # f(s)/s
        right = G @ Vh.mT * ratio.mT
        left = U.mT @ G * ratio
        gradient = U @ inner @ Vh + (right - U @ (U.mT @ right)) @ Vh
        return gradient + U @ (left - left @ Vh.mT @ Vh), None, None
