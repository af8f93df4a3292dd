"""How large a network is, for the multiply-adds that a sample costs.

Every optimizer's config counts its own, by the equations of its method, for updates of one sample. Counted are the
terms that grow with a weight matrix or with a square of its sides; operations on a layer's single vectors, such as s
and s', are left out, as are additions alone, random draws and square roots. No engine's tricks are counted: a product
W a costs out in, whatever of it is shared, deferred or skipped.

Legend: of weight matrix k, m = outputs, n = inputs, P = sum of m n over all matrices, P' = the same without the first.

    forward      P         W h for every matrix
    backward     P'        W^T v for every matrix but the first
    update       P         W <- W + l r^T
    descent      2 P + P'  all three
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class NetworkSize:
    """The size of a chain of weight matrices.

    Attributes:
        widths: from pixels to outputs.
        bias: whether each weight matrix has a bias.
    """

    widths: tuple[int, ...]
    bias: bool

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs n and outputs m of every weight matrix."""
        return list(pairwise(self.widths))

    @property
    def classes(self) -> int:
        """How many outputs the network has."""
        return self.widths[-1]

    @property
    def units(self) -> int:
        """How many outputs all weight matrices have together."""
        return sum(self.widths[1:])

    @property
    def weights(self) -> int:
        """P, the weights of all matrices."""
        return sum(n * m for n, m in self.layers)

    @property
    def weights_behind(self) -> int:
        """P', the weights of all matrices but the first."""
        return self.weights - self.widths[0] * self.widths[1]

    @property
    def descent(self) -> int:
        """Multiply-adds of plain descent: forward, backward and update."""
        return 2 * self.weights + self.weights_behind
