"""Products with a weight matrix, and its updates, for one network or for R networks in one tensor.

Shapes: W, M [..., out, in], x [..., in], v [..., out]; `...` is R, or empty for one network.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Factors = tuple[Tensor, Tensor]  # factors of a sum of n outer products: [..., out, n] and [..., n, in]


def matvec(weight: Tensor, x: Tensor) -> Tensor:
    """The product W x [..., out].

    Args:
        weight: W [..., out, in].
        x: [..., in].

    Example:
        >>> matvec(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0])).tolist()
        [3.0, 7.0]
    """
    return torch.mv(weight, x) if x.dim() == 1 else (weight @ x.unsqueeze(-1)).squeeze(-1)


def vecmat(x: Tensor, weight: Tensor) -> Tensor:
    """The product x^T W [..., in].

    Args:
        x: [..., out].
        weight: W [..., out, in].

    Example:
        >>> vecmat(torch.tensor([1.0, 1.0]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [4.0, 6.0]
    """
    return torch.mv(weight.mT, x) if x.dim() == 1 else (x.unsqueeze(-2) @ weight).squeeze(-2)


def add_outer(target: Tensor, left: Tensor, right: Tensor) -> None:
    """Add the outer product left right^T to the target, in place.

    Args:
        target: [..., out, in].
        left: [..., out].
        right: [..., in].
    """
    if left.dim() == 1:
        target.addr_(left, right)
    else:
        target.baddbmm_(left.unsqueeze(-1), right.unsqueeze(-2))


def combine(
    weight: Tensor,
    late: Tensor | None,
    w: Tensor,
    m: Tensor,
    dims: int,
    decays: bool,
    added: Callable[[Tensor], Tensor | Factors],
) -> None:
    """Set W <- p W + r M + sum c_j g_j and M <- p' W + r' M + sum c'_j g_j, in place and without a second matrix.

    With the new W in place, M becomes (p'/p) W + (r' - p' r/p) M; p is close to 1.

    Args:
        weight: W [..., out, in], or a bias [..., out].
        late: M of the same shape; None without momentum.
        w: [..., n + 2], the scalars p, r, c_1 .. c_n of W.
        m: [..., n + 2], the scalars p', r', c'_1 .. c'_n of M.
        dims: number of dimensions of W without the replica dimension.
        decays: whether p may differ from 1.
        added: takes the scalars c_1 .. c_n; gives sum c_j g_j, or its factors for the first columns of W.
    """
    shape = (..., *([None] * dims))
    p, r = w[..., 0][shape], w[..., 1][shape]
    if decays:
        weight.mul_(p)
    if late is not None:
        weight.addcmul_(r.expand_as(weight), late)
        share = m[..., 0][shape] / p
        late.mul_(m[..., 1][shape] - share * r).addcmul_(share.expand_as(late), weight)
        _add(late, added(m[..., 2:]))
    _add(weight, added(w[..., 2:]))


def _add(target: Tensor, what: Tensor | Factors) -> None:
    if isinstance(what, Tensor):
        target.add_(what)
        return
    inked = target[..., : what[1].shape[-1]]
    if target.dim() == 2:
        inked.addmm_(*what)
    else:
        inked.baddbmm_(*what)
