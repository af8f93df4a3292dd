"""Records of a stretch of samples: loss, misread samples, test error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Records:
    """What an engine recorded of n samples: one row for each sample, one column for each of R replicas.

    Attributes:
        loss: [n, R], the sample's loss before its update.
        wrong: [n, R] bool, whether the sample was misread before its update.
        test_error: [n, R], the fraction of test letters misread after the update; NaN where not measured.
    """

    loss: np.ndarray
    wrong: np.ndarray
    test_error: np.ndarray
