"""Learning-rate schedules: alpha as a function of the number of samples learned."""

from __future__ import annotations

import numpy as np


class LearningRate:
    """The learning rate alpha of each sample of a run.

    Args:
        kind: `constant`; `linear`, to 0 at the end; `cosine`, to 0 at the end (Loshchilov, Hutter 2017);
            `inverse`, alpha / (1 + 9 i/n), a tenth at the end (Robbins, Monro 1951).
        base: alpha of the first sample.
        samples: n, the length of the run in samples.

    Example:
        >>> LearningRate("linear", base=1.0, samples=4).at(first=0, count=4).tolist()
        [1.0, 0.75, 0.5, 0.25]
    """

    def __init__(self, kind: str, base: float, samples: int) -> None:
        self.kind, self.base, self.samples = kind, base, samples

    def at(self, first: int, count: int) -> np.ndarray:
        """Return alpha of consecutive samples.

        Args:
            first: number of samples learned before the first of them.
            count: number of samples.

        Returns:
            [count] float64.
        """
        done = np.arange(first, first + count) / max(self.samples, 1)
        factor = {
            "constant": np.ones(count),
            "linear": 1 - done,
            "cosine": (1 + np.cos(np.pi * done)) / 2,
            "inverse": 1 / (1 + 9 * done),
        }[self.kind]
        return self.base * factor
