"""The size of a network, from which the multiply-adds for one sample are counted.

Each optimizer's config counts its own multiply-adds, by the equations of its method, for updates of one sample. Counted
are the terms that grow with a weight matrix or with the square of its sides. Not counted are operations on single
vectors of a layer, such as s and s', and additions alone, random draws and square roots. The engines' savings are not
counted either: a product W a costs out x in, even where an engine shares, defers or skips a part of it.

Legend: for weight matrix k, m = outputs, n = inputs; P = sum of m n over all matrices, P' = the same without the first.

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
        widths: layer widths, from pixels to outputs.
        bias: whether each weight matrix has a bias.

    Example:
        >>> NetworkSize((900, 10, 26), bias=True).descent  # 2 (9000 + 260) + 260
        18780
    """

    widths: tuple[int, ...]
    bias: bool

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Inputs n and outputs m of every weight matrix, as pairs (n, m)."""
        return list(pairwise(self.widths))

    @property
    def classes(self) -> int:
        """The number of outputs, one for each class."""
        return self.widths[-1]

    @property
    def units(self) -> int:
        """The number of outputs of all weight matrices together."""
        return sum(self.widths[1:])

    @property
    def weights(self) -> int:
        """P, the number of weights of all matrices."""
        return sum(n * m for n, m in self.layers)

    @property
    def weights_behind(self) -> int:
        """P', the number of weights of all matrices but the first."""
        return self.weights - self.widths[0] * self.widths[1]

    @property
    def descent(self) -> int:
        """Multiply-adds of plain descent: forward, backward and update."""
        return 2 * self.weights + self.weights_behind
