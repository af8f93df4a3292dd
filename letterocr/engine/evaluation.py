"""Schedule of the measurements of the test error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FOLLOW_UP_TO = 64  # with more samples between measurements, a full product is cheaper than following each update
NEVER = "never"


@dataclass(frozen=True)
class EvaluationSchedule:
    """When the test error is measured: after every `every`-th sample or at log-spaced samples, and always at the end.

    Args:
        every: a whole number as text, or `log`: about 100 measurements for each factor of ten in samples.
        samples: number of samples in the run.

    Example:
        >>> EvaluationSchedule("2", samples=5).due_in(0, 6).tolist()
        [True, False, True, False, True, True]
    """

    every: str
    samples: int

    @classmethod
    def never(cls) -> EvaluationSchedule:
        """Return the schedule of an engine that measures nothing by itself, not even at the end."""
        return cls(NEVER, 0)

    @property
    def follows(self) -> bool:
        """Whether the test letters' pre-activations take every update, which is cheaper if they are measured often."""
        return self.every not in ("log", NEVER) and int(self.every) <= FOLLOW_UP_TO

    def due_in(self, start: int, stop: int) -> np.ndarray:
        """Return whether the test error is measured after start, ..., stop - 1 samples: bool [stop - start]."""
        sample = np.arange(start, stop)
        if self.every == NEVER:
            return np.zeros(len(sample), dtype=bool)
        if self.every == "log":
            grid = 100 * np.log10(np.maximum(sample, 1))
            before = 100 * np.log10(np.maximum(sample - 1, 1))
            due = (sample <= 43) | (np.floor(grid) > np.floor(before))
        else:
            due = sample % int(self.every) == 0
        return due | (sample == 0) | (sample == self.samples)
