"""Labelled handwritten letters, in the form that every source returns.

Shapes: images [N, 900] in 0..1 (ink is 1), labels [N], places in the alphabet (0..25 for A..Z), writers [N].
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from letterocr.config.data import ALPHABETS, SourceConfig

ALPHABET = ALPHABETS["letters"]
SIDE = 30  # pixels; every letter is SIDE x SIDE
PIXELS = SIDE * SIDE
BOX = 24  # pixels; the longer side of a letter's ink, as EMNIST scales it (Cohen et al. 2017)


@dataclass(frozen=True)
class Letters:
    """Handwritten letters, capital ones unless the alphabet says otherwise.

    Attributes:
        images: [N, 900] float32 in 0..1, row by row, ink is 1.
        labels: [N] int64, places in the alphabet.
        writers: [N] int64, or None if they are not known.
        alphabet: the name of each class, one character each, including classes without a letter here.
    """

    images: Tensor
    labels: Tensor
    writers: Tensor | None = None
    alphabet: str = ALPHABET

    @property
    def classes(self) -> int:
        """The number of classes; a network has one output for each."""
        return len(self.alphabet)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<Letters: {len(self):,} of {self.alphabet}>"

    def select(self, index: Tensor) -> Letters:
        """Return the letters at the given places, in that order.

        Args:
            index: [n] int64 places, or [N] bool.
        """
        writers = None if self.writers is None else self.writers[index]
        return replace(self, images=self.images[index], labels=self.labels[index], writers=writers)

    def count_classes(self) -> Tensor:
        """Count the letters of each class: [classes]."""
        return torch.bincount(self.labels, minlength=self.classes)

    def box(self) -> int:
        """Return the median of the longer side of a letter's ink, in pixels: the size that new pictures must have."""
        ink = self.images.view(-1, SIDE, SIDE) > 0.25
        sides = torch.maximum(ink.any(1).sum(1), ink.any(2).sum(1))
        return int(sides.median())

    def fingerprint(self) -> str:
        """Return sixteen hexadecimal digits, a hash of the images and labels."""
        digest = hashlib.sha256(self.images.contiguous().numpy().tobytes())
        digest.update(self.labels.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Split:
    """The training letters and the test letters of one source.

    Attributes:
        train: letters to learn.
        test: letters that are only read.
        notes: sentences for the user, such as on files that were left out.
        source: config of the source that `letterocr.letters` read them from, and their fingerprint then; None if it is
            not known.
    """

    train: Letters
    test: Letters
    notes: tuple[str, ...] = ()
    source: tuple[SourceConfig, str] | None = None

    def __repr__(self) -> str:
        return f"<Split: {len(self.train):,} letters to train, {len(self.test):,} to test, of {self.train.alphabet}>"

    def fingerprint(self) -> str:
        """Hex digits that tell these letters from others: those to train, then those to test."""
        return f"{self.train.fingerprint()}-{self.test.fingerprint()}"


def describe_alphabet(alphabet: str) -> str:
    """Return the first and the last name of the classes, of letters and digits each.

    Example:
        >>> describe_alphabet("ABCDE"), describe_alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        ('A..E', 'A..Z, 0..9')
    """
    if alphabet == ALPHABETS["all"]:
        return ", ".join(describe_alphabet(ALPHABETS[kind]) for kind in ("letters", "digits"))
    return f"{alphabet[0]}..{alphabet[-1]}"


def describe_missing(names: Sequence[str]) -> str:
    """Return the classes that some letters lack, to be read after "has no".

    Example:
        >>> describe_missing("DZ"), describe_missing("A07")
        ('letter D, Z', 'letter A and no digit 0, 7')
    """
    digits = [name for name in names if name.isdecimal()]
    letters = [name for name in names if name not in digits]
    kinds = (("letter", letters), ("digit", digits))
    return " and no ".join(f"{kind} {', '.join(own)}" for kind, own in kinds if own)


def take_per_letter(letters: Letters, count: int) -> Letters:
    """Select the first `count` letters of each class, or all if there are fewer, in their order."""
    kept = [torch.nonzero(letters.labels == c).flatten()[:count] for c in range(letters.classes)]
    return letters.select(torch.cat(kept).sort().values)


def join_classes(letters: Letters, others: Letters) -> Letters:
    """Join letters of two alphabets into one set, whose alphabet is both, one after the other."""
    assert letters.writers is not None
    assert others.writers is not None
    return Letters(
        torch.cat([letters.images, others.images]),
        torch.cat([letters.labels, letters.classes + others.labels]),
        torch.cat([letters.writers, others.writers]),
        letters.alphabet + others.alphabet,
    )


def one_hot(labels: Tensor, like: Tensor, classes: int) -> Tensor:
    """The correct outputs c (3): 1 at the label's class, 0 elsewhere.

    Args:
        labels: [N] int64.
        like: any tensor of the wanted dtype and device.
        classes: number of classes.

    Returns:
        [N, classes].

    Example:
        >>> one_hot(torch.tensor([2, 0]), torch.zeros(1), classes=3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return like.new_zeros(len(labels), classes).scatter_(1, labels.unsqueeze(1), 1)
