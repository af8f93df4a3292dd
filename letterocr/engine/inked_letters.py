"""Letters that are read by full products, of the pixels alone that have ink.

Shapes: X [T, 900] the letters, M [..., out, 900] a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class InkedLetters:
    """The pixels of T letters that have ink, in one part or more.

    Attributes:
        parts: which pixels, and those of the letters [T, K].
    """

    parts: list[tuple[slice | Tensor, Tensor]]

    @classmethod
    def select(cls, images: Tensor, ink: Tensor) -> Self:
        """Leave out the pixels of X without ink, but for those that are given.

        Args:
            images: X [T, 900].
            ink: [900] bool, pixels that are kept in any case: training letters have ink there.
        """
        kept = ink | (images != 0).any(0)
        if kept.all():
            return cls([(slice(None), images)])
        pixels = torch.nonzero(kept).flatten()
        return cls([(pixels, images[:, pixels])])

    def multiply(self, matrix: Tensor) -> Tensor:
        """X M^T [..., T, out]."""
        first, *others = [images @ matrix[..., pixels].mT for pixels, images in self.parts]
        for product in others:
            first += product
        return first
