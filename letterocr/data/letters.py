"""`Letters`, the one form that every source of handwriting gives.

Shapes: images [N, 900] in 0..1 (ink is 1), labels [N] in 0..25 (A..Z), writers [N].
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIDE = 30  # pixels; every letter is SIDE x SIDE
PIXELS = SIDE * SIDE
BOX = 24  # pixels; the longer side of a letter's ink, as EMNIST scales it (Cohen et al. 2017)


@dataclass(frozen=True)
class Letters:
    """Handwritten capital letters.

    Attributes:
        images: [N, 900] float32 in 0..1, row by row, ink is 1.
        labels: [N] int64 in 0..25.
        writers: [N] int64, or None where they are not known.
    """

    images: Tensor
    labels: Tensor
    writers: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, index: Tensor) -> Letters:
        """The letters at the given places, in that order."""
        return Letters(self.images[index], self.labels[index], None if self.writers is None else self.writers[index])

    def box(self) -> int:
        """Pixels of the longer side of a letter's ink, the median: how large a new picture must be drawn."""
        ink = self.images.view(-1, SIDE, SIDE) > 0.25
        sides = torch.maximum(ink.any(1).sum(1), ink.any(2).sum(1))
        return int(sides.median())

    def fingerprint(self) -> str:
        """Sixteen hex digits that tell two sets of letters apart."""
        digest = hashlib.sha256(self.images.contiguous().numpy().tobytes())
        digest.update(self.labels.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Split:
    """Training letters and test letters of one source."""

    train: Letters
    test: Letters


def take_per_letter(letters: Letters, count: int) -> Letters:
    """The first `count` letters of each class (fewer where there are fewer), in their order."""
    kept = [torch.nonzero(letters.labels == c).flatten()[:count] for c in range(len(ALPHABET))]
    return letters.select(torch.cat(kept).sort().values)


def one_hot(labels: Tensor, like: Tensor) -> Tensor:
    """The correct outputs c (3) of labels [N]: [N, 26], of the dtype and device of `like`."""
    return like.new_zeros(len(labels), len(ALPHABET)).scatter_(1, labels.unsqueeze(1), 1)
