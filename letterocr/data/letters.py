"""`Letters`, the one form that every source of handwriting gives.

Shapes: images [N, 900] in 0..1 (ink is 1), labels [N] (0..25 for A..Z), writers [N].
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIDE = 30  # pixels; every letter is SIDE x SIDE
PIXELS = SIDE * SIDE
BOX = 24  # pixels; the longer side of a letter's ink, as EMNIST scales it (Cohen et al. 2017)


@dataclass(frozen=True)
class Letters:
    """Handwritten letters, capital ones unless the alphabet says otherwise.

    Attributes:
        images: [N, 900] float32 in 0..1, row by row, ink is 1.
        labels: [N] int64, places in the alphabet.
        writers: [N] int64, or None where they are not known.
        alphabet: the name of each class, one character each, whether or not it is among these letters.
    """

    images: Tensor
    labels: Tensor
    writers: Tensor | None = None
    alphabet: str = ALPHABET

    @property
    def classes(self) -> int:
        """How many classes of letters there are: what a network has outputs for."""
        return len(self.alphabet)

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, index: Tensor) -> Letters:
        """The letters at the given places, in that order."""
        writers = None if self.writers is None else self.writers[index]
        return replace(self, images=self.images[index], labels=self.labels[index], writers=writers)

    def count_classes(self) -> Tensor:
        """How many letters of each class there are: [classes]."""
        return torch.bincount(self.labels, minlength=self.classes)

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

    def fingerprint(self) -> str:
        """Hex digits that tell these letters from others: those to train, then those to test."""
        return f"{self.train.fingerprint()}-{self.test.fingerprint()}"


def take_per_letter(letters: Letters, count: int) -> Letters:
    """The first `count` letters of each class (fewer where there are fewer), in their order."""
    kept = [torch.nonzero(letters.labels == c).flatten()[:count] for c in range(letters.classes)]
    return letters.select(torch.cat(kept).sort().values)


def one_hot(labels: Tensor, like: Tensor, classes: int) -> Tensor:
    """The correct outputs c (3) of labels [N]: [N, classes], of the dtype and device of `like`."""
    return like.new_zeros(len(labels), classes).scatter_(1, labels.unsqueeze(1), 1)
