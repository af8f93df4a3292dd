"""`Update`: what an optimizer asks of one weight matrix, kept as factors.

Shapes: left [out, k], right [k, in], bias [out]; k is the rank, 1 for one sample of plain descent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass
class Update:
    """W <- W + left right and b <- b + bias.

    Attributes:
        left: [out, k].
        right: [k, in].
        bias: [out].
    """

    left: Tensor
    right: Tensor
    bias: Tensor

    def apply(self, weight: Tensor, bias: Tensor | None) -> None:
        """Change the weight [out, in] and the bias [out] in place."""
        if self.left.shape[1] == 1:
            weight.addr_(self.left[:, 0], self.right[0])  # a rank-one update has a faster call
        else:
            weight.addmm_(self.left, self.right)
        if bias is not None:
            bias.add_(self.bias)

    def follow(self, preactivation: Tensor, inputs: Tensor, has_bias: bool) -> None:
        """Give W inputs + b [N, out] the change that `apply` gives W and b, at the rank's cost.

        Exact up to rounding: (W + left right) x = W x + left (right x).
        """
        if self.left.shape[1] == 1:
            preactivation.addr_(inputs @ self.right[0], self.left[:, 0])
        else:
            preactivation.addmm_(inputs @ self.right.mT, self.left.mT)
        if has_bias:
            preactivation.add_(self.bias)


class Optimizer(Protocol):
    """Turns the pairs (v, h) of one network's layers into updates."""

    def step(self, errors: list[Tensor], inputs: list[Tensor]) -> list[Update]:
        """One update a weight matrix, from its error vectors [1, out] and its inputs [1, in]."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Every tensor that a resumed run needs, by name."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take up the tensors of a checkpoint."""
        ...
