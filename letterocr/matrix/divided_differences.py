"""Scalar functions f and their divided differences, which the derivatives of matrix functions need.

    f[a, b] = (f(a) - f(b)) / (a - b),    f[a, a] = f'(a)

No difference of nearly equal numbers is computed, so that f[a, b] is accurate where a and b are close, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scalar:
    """A function of eigenvalues or singular values, elementwise.

    Attributes:
        value: f(a).
        difference: f[a, b] of two tensors that broadcast; f'(a) where they are equal.
    """

    value: Callable[[Tensor], Tensor]
    difference: Callable[[Tensor, Tensor], Tensor]


def logarithm(epsilon: float) -> Scalar:
    """The function log(a + epsilon) for a >= 0; a negative a is a zero with rounding error and counts as 0.

    Args:
        epsilon: above 0.
    """

    def value(a: Tensor) -> Tensor:
        return (a.clamp(min=0) + epsilon).log()

    def difference(a: Tensor, b: Tensor) -> Tensor:
        a, b = a.clamp(min=0) + epsilon, b.clamp(min=0) + epsilon
        low, gap = torch.minimum(a, b), (a - b).abs()
        equal = gap == 0
        return torch.where(equal, 1 / low, (gap / low).log1p() / gap.masked_fill(equal, 1))

    return Scalar(value, difference)


def square_root(epsilon: float) -> Scalar:
    """The function sqrt(a + epsilon) for a >= 0; a negative a is a zero with rounding error and counts as 0.

    f[a, b] = 1 / (f(a) + f(b)). With epsilon = 0 it is set to 0 between two zeros: right for all changes that keep the
    rank, the only ones for which the derivative exists.

    Args:
        epsilon: at least 0.

    Example:
        >>> f = square_root(0.0)
        >>> f.difference(torch.tensor([9.0, 4.0]), torch.tensor([1.0, 4.0])).tolist()  # (3 - 1) / (9 - 1), then f'(4)
        [0.25, 0.25]
    """

    def value(a: Tensor) -> Tensor:
        return (a.clamp(min=0) + epsilon).sqrt()

    def difference(a: Tensor, b: Tensor) -> Tensor:
        total = value(a) + value(b)
        return torch.where(total == 0, 0, 1 / total.masked_fill(total == 0, 1))

    return Scalar(value, difference)


def _inverse(a: Tensor) -> Tensor:
    return torch.where(a == 0, 0, 1 / a.masked_fill(a == 0, 1))


def _inverse_difference(a: Tensor, b: Tensor) -> Tensor:
    one, other = _inverse(a), _inverse(b)
    between = (one - other) * _inverse(a - b)  # used only where a or b is 0: nothing cancels
    return torch.where((a != 0) & (b != 0), -one * other, between)


# 1/a, and 0 at a = 0. f[a, 0] = 1/a^2; f[0, 0] is set to 0: right for all changes that keep the rank.
INVERSE = Scalar(_inverse, _inverse_difference)
