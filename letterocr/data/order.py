"""The order of the training samples, a pure function of seed and position: a checkpoint need not store it."""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.base.randomness import make_generator


class Order:
    """The order of one replica's samples: which letter is the i-th sample of the run.

    Args:
        kind: `shuffled` (a new permutation each epoch), `replacement` (drawn with replacement, a block of the length of
            an epoch at a time) or `cyclic` (as stored).
        letters: number of training letters.
        seed: seed of the replica.

    Example:
        >>> Order("cyclic", letters=3, seed=0).indices(first=2, count=5).tolist()
        [2, 0, 1, 2, 0]
    """

    def __init__(self, kind: str, letters: int, seed: int) -> None:
        self.kind, self.letters, self.seed = kind, letters, seed
        self._number, self._epoch = -1, torch.empty(0, dtype=torch.long)

    def _make_epoch(self, number: int) -> Tensor:
        generator = make_generator(self.seed, "order", self.kind, number)
        if self.kind == "cyclic":
            return torch.arange(self.letters)
        if self.kind == "replacement":
            return torch.randint(self.letters, (self.letters,), generator=generator)
        return torch.randperm(self.letters, generator=generator)

    def indices(self, first: int, count: int) -> Tensor:
        """Return the places of the samples first, ..., first + count - 1 among the training letters.

        Args:
            first: number of samples before them.
            count: number of samples.

        Returns:
            [count] int64.
        """
        parts = []
        while count > 0:
            number, start = divmod(first, self.letters)
            if number != self._number:
                self._number, self._epoch = number, self._make_epoch(number)
            part = self._epoch[start : start + count]
            parts.append(part)
            first, count = first + len(part), count - len(part)
        return torch.cat(parts) if parts else torch.empty(0, dtype=torch.long)
