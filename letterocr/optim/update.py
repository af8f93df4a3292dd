"""What an optimizer asks of one weight matrix: an `Update`, kept as factors, or a `DenseUpdate`.

Shapes: left [out, k], right [k, in], bias [out]; k is the rank, 1 for one sample of plain descent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from letterocr.network import Network


@dataclass
class Update:
    """W <- scale W + left right and b <- scale b + bias.

    Attributes:
        left: [out, k].
        right: [k, in].
        bias: [out].
        scale: below 1 where weights decay.
    """

    left: Tensor
    right: Tensor
    bias: Tensor
    scale: float = 1.0

    def apply(self, weight: Tensor, bias: Tensor | None) -> None:
        """Change the weight [out, in] and the bias [out] in place."""
        _add_product(weight, self.left, self.right, self.scale)
        if bias is not None:
            bias.mul_(self.scale).add_(self.bias)

    def follow(self, preactivation: Tensor, inputs: Tensor, has_bias: bool) -> bool:
        """Give W inputs + b [N, out] the change that `apply` gives W and b, at the rank's cost; True: done.

        Exact up to rounding: (W + left right) x = W x + left (right x).
        """
        _add_product(preactivation, inputs @ self.right.mT, self.left.mT, self.scale)
        if has_bias:
            preactivation.add_(self.bias)
        return True


def _add_product(target: Tensor, left: Tensor, right: Tensor, scale: float) -> None:
    if left.shape[1] == 1:
        target.addr_(left[:, 0], right[0], beta=scale)  # a rank-one update has a faster call
    else:
        target.addmm_(left, right, beta=scale)


@dataclass
class DenseUpdate:
    """W <- W + factor weight and b <- b + factor bias, with a full matrix.

    Attributes:
        weight: [out, in].
        bias: [out].
        factor: usually -alpha.
    """

    weight: Tensor
    bias: Tensor
    factor: float

    def apply(self, weight: Tensor, bias: Tensor | None) -> None:
        """Change the weight [out, in] and the bias [out] in place."""
        weight.add_(self.weight, alpha=self.factor)
        if bias is not None:
            bias.add_(self.bias, alpha=self.factor)

    def follow(self, preactivation: Tensor, inputs: Tensor, has_bias: bool) -> bool:
        """False: a full matrix can't be followed at less than the cost of a new product."""
        return False


class Optimizer(Protocol):
    """Turns the pairs (v, h) of one network's layers into updates."""

    def step(
        self, sample: int, network: Network, errors: list[Tensor], inputs: list[Tensor]
    ) -> list[Update] | list[DenseUpdate]:
        """One update a weight matrix, from its error vectors [1, out] and its inputs [1, in]."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Every tensor that a resumed run needs, by name."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take up the tensors of a checkpoint."""
        ...
