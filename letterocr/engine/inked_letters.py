"""Letters without the pixels that have no ink, for cheaper full products.

Shapes: X [T, 900] the letters, M [..., out, 900] a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class InkedLetters:
    """The inked pixels of T letters, in one or more parts.

    Attributes:
        parts: for each part its K pixels, and the letters' values there [T, K].

    Example:
        >>> letters = InkedLetters.select(torch.tensor([[0.0, 2.0, 3.0]]), torch.zeros(3, dtype=torch.bool))
        >>> letters.multiply(torch.tensor([[5.0, 1.0, 1.0], [7.0, 0.0, 2.0]])).tolist()
        [[5.0, 6.0]]
    """

    parts: list[tuple[slice | Tensor, Tensor]]

    @classmethod
    def select(cls, images: Tensor, ink: Tensor) -> Self:
        """Leave out the pixels that have no ink in any letter, except those in `ink`.

        Args:
            images: X [T, 900].
            ink: [900] bool, pixels that are kept in any case, because training letters have ink there.

        Returns:
            The letters with the pixels that are left.
        """
        kept = ink | (images != 0).any(0)
        if kept.all():
            return cls([(slice(None), images)])
        pixels = torch.nonzero(kept).flatten()
        return cls([(pixels, images[:, pixels])])

    def multiply(self, matrix: Tensor) -> Tensor:
        """Return X M^T [..., T, out]."""
        first, *others = [images @ matrix[..., pixels].mT for pixels, images in self.parts]
        for product in others:
            first += product
        return first


def put_ink_first(images: Tensor) -> tuple[Tensor, int]:
    """Find which pixels to swap so that those with ink in any letter come first.

    Args:
        images: [N, 900].

    Returns:
        An order [900] of the pixels that is its own inverse, and the number of inked pixels.

    Example:
        >>> order, count = put_ink_first(torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
        >>> order.tolist(), count
        ([2, 1, 0], 2)
    """
    inked = (images != 0).any(0).cpu()
    count, order = int(inked.sum()), torch.arange(len(inked))
    late, free = order[count:][inked[count:]], order[:count][~inked[:count]]
    order[late], order[free] = free, late
    return order.to(images.device), count
